"""Writing TensorFlow's meta graphs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from minigraph.core.arguments import refuse
from minigraph.core.default_graph import get_default_graph
from minigraph.core.graph import Graph
from minigraph.core.protos import proto
from minigraph.core.typing import PathLike
from minigraph.formats.tensorflow.exporting import graph_message
from minigraph.formats.tensorflow.graph_def import write_message
from minigraph.formats.tensorflow.meta_graph import add_saver, meta_graph_message
from minigraph.run.variable_lists import global_variables
from minigraph.run.variables import Variable


def write_meta_graph(path: PathLike, graph: Graph, variables: Mapping[str, Variable]) -> None:
    """Write a graph with the nodes of a Saver of variables, which are given by their names in checkpoints."""
    write_message(path, meta_graph_message(graph, variables), as_text=False)


def saver_def(variables: Mapping[str, Variable]) -> Any:
    """The `SaverDef` of a Saver of variables, which are given by their names in checkpoints."""
    if not variables:
        return proto("saver", "SaverDef")()
    graph = next(iter(variables.values())).graph
    # The names of the Saver's nodes avoid those of the graph's, and of helpers that nodes in a scope `save` may bring.
    if any(f"{node.name}/".lower().startswith("save/") for node in graph.nodes):
        return add_saver(graph_message(graph), variables)
    return add_saver(proto("graph", "GraphDef")(node=[{"name": node.name} for node in graph.nodes]), variables)


def export_tensorflow_meta_graph(
    filename: PathLike | None = None, meta_info_def: Any = None, graph_def: Any = None, saver_def: Any = None,
    collection_list: Iterable[str] | None = None, as_text: bool = False, graph: Graph | None = None,
    export_scope: None = None, clear_devices: bool = False, clear_extraneous_savers: bool = False,
    strip_default_attrs: bool = False, save_debug_info: bool = False,
) -> Any:  # fmt: skip
    """Take a copy of a graph with its variables and collections as TensorFlow's `MetaGraphDef`, and write it to a file.

    The message has the nodes of a Saver of all global variables, so that TensorFlow restores checkpoints with it.

    Args:
        filename: Path of the file; None for no file.
        meta_info_def: A `MetaGraphDef.MetaInfoDef` to take over; None for none.
        graph_def: A `tf.GraphDef` in place of the graph's nodes.
        saver_def: A `SaverDef` to take over.
        collection_list: Names of the collections to take; by default all whose name is a string.
        as_text: Whether the file is text.
        graph: The graph; by default the default graph.
        export_scope, save_debug_info: Not supported; they must be None or False.
        clear_devices, clear_extraneous_savers, strip_default_attrs: TensorFlow 1's; they have no effect: the message
            holds no devices and one saver, and few attributes that have their defaults.

    Returns:
        The `MetaGraphDef`.

    Raises:
        GraphError: A node has an attribute that cannot be written.
        ValueError: An argument is not supported.
    """
    refuse("tf.train.export_meta_graph", export_scope=export_scope, save_debug_info=save_debug_info)
    source = graph or get_default_graph()
    with source.as_default():
        saved = {v.op.name: v for v in global_variables()}
    message = meta_graph_message(source, saved, collection_list)
    for field, given in (("meta_info_def", meta_info_def), ("graph_def", graph_def), ("saver_def", saver_def)):
        if given is not None:
            getattr(message, field).CopyFrom(given)
    if filename is not None:
        write_message(filename, message, as_text)
    return message
