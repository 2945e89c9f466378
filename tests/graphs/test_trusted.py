"""Graphs from files may not read or write files or call functions, unless they are trusted: `graphs/importing.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

import minigraph as tf
from minigraph.core.errors import GraphError
from minigraph.core.graph_def import Saved
from minigraph.graphs.graph_file import write_graph_file
from minigraph.graphs.importing import add_nodes


def reads_and_writes(folder: Path) -> tf.Graph:
    with tf.Graph().as_default() as graph:
        tf.write_file(str(folder / "out"), tf.read_file(str(folder / "in")))
    return graph


def copied(folder: Path) -> bool:
    """Whether the imported graph's node writes the file."""
    (folder / "in").write_bytes(b"content")
    with tf.Session() as session:
        session.run(next(n for n in tf.get_default_graph().get_operations() if n.type == "WriteFile"))
    return (folder / "out").read_bytes() == b"content"


def test_graph_files_hold_no_names_of_files(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match="has no form in a graph file"):
        write_graph_file(tmp_path / "graph", Saved(reads_and_writes(tmp_path).as_records()))


def test_graphs_of_tensorflow(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    message = reads_and_writes(tmp_path).as_graph_def()
    with tf.Graph().as_default() as graph:
        with pytest.raises(GraphError, match="if it is trusted"):
            tf.import_graph_def(message)
        assert not graph.get_operations()
        tf.import_graph_def(message, trusted=True)
        assert copied(tmp_path)


def test_meta_graphs_and_records(tmp_path: Path) -> None:
    with reads_and_writes(tmp_path).as_default():
        saved = tf.train.export_meta_graph()
    with tf.Graph().as_default() as graph, pytest.raises(GraphError, match="if it is trusted"):
        add_nodes(graph, saved.graph_def)
    with tf.Graph().as_default():
        tf.train.import_meta_graph(saved)  # which the program exported itself
        assert copied(tmp_path)


def test_functions_are_refused(tmp_path: Path) -> None:
    """A file can name a function, but holds none; a graph with one cannot be written either."""
    with tf.Graph().as_default() as graph:
        tf.py_func(abs, [tf.constant(-1.0)], tf.float32)
    with pytest.raises(GraphError, match="has no form in a graph file"):
        write_graph_file(tmp_path / "graph", Saved(graph.as_records()))
    with tf.Graph().as_default(), pytest.raises(GraphError, match="if it is trusted"):
        add_nodes(tf.get_default_graph(), graph.as_records())
