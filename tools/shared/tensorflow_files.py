"""Graphs in TensorFlow's files, for the commands: frozen graphs, meta graphs with checkpoints, SavedModels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import minigraph as tf
from minigraph.core.errors import DataLossError, InvalidArgumentError
from minigraph.core.graph import Tensor
from minigraph.formats.tensorflow.graph_def import read_graph, write_message
from minigraph.formats.tensorflow.values import read_tensor
from minigraph.graphs.walk import needed
from minigraph.ops.state.variable import VariableV2
from minigraph.saved_model.loader import contains_saved_model
from minigraph.train import checkpoint_exists
from minigraph.util.read_budget import Budget

GRAPHS = (".pb", ".pbtxt")


class OpenedGraph(NamedTuple):
    """A graph from a file. restore: gives a session the variables' values; None if the file has none.

    inputs, outputs: of a SavedModel's signature, by name.
    """

    graph: tf.Graph
    restore: Callable[[Any], None] | None = None
    inputs: Mapping[str, Tensor] = {}
    outputs: Mapping[str, Tensor] = {}


def is_tensorflow_graph(path: Path) -> bool:
    """Whether a path names a frozen graph, a SavedModel, or a checkpoint with its meta graph."""
    return path.suffix in GRAPHS or _folder(path) is not None or _meta(path) is not None


def _folder(path: Path) -> Path | None:
    folder = path.parent if path.stem == "saved_model" else path
    return folder if contains_saved_model(folder) else None


def _meta(path: Path) -> Path | None:
    """The meta graph of a checkpoint, given its path or one of its files."""
    if path.suffix == ".meta":
        return path if path.is_file() and path.with_suffix(".index").is_file() else None
    prefix = path.with_suffix("") if path.suffix == ".index" else path
    meta = prefix.with_name(prefix.name + ".meta")
    return meta if not path.is_dir() and meta.is_file() and checkpoint_exists(prefix) else None


def open_tensorflow_graph(path: Path) -> OpenedGraph:
    """The graph of a file. NotFoundError, DataLossError, GraphError."""
    folder, meta = _folder(path), _meta(path)
    with tf.Graph().as_default() as graph:
        if folder is not None:
            return _opened_model(graph, folder)
        if meta is not None:
            saver, prefix = tf.train.import_meta_graph(str(meta)), str(meta.with_suffix(""))
            return OpenedGraph(graph, None if saver is None else lambda session: saver.restore(session, prefix))
        tf.import_graph_def(read_graph(path), name="")
        return OpenedGraph(graph)


def _opened_model(graph: tf.Graph, folder: Path) -> OpenedGraph:
    with tf.Session(graph=graph, backend="numpy") as session:
        message = tf.saved_model.load(session, None, folder)
        state = dict(session.read_state())
    signatures = message.signature_def
    key = tf.saved_model.signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY
    chosen = signatures[key] if key in signatures else next(iter(signatures.values()), None)
    try:
        sides = [{}, {}] if chosen is None else [
            {name: graph.get_tensor_by_name(info.name) for name, info in sorted(side.items()) if info.name}
            for side in (chosen.inputs, chosen.outputs)
        ]  # fmt: skip
    except (KeyError, ValueError) as error:
        raise DataLossError(f"{folder}: a signature names a tensor that the graph lacks: {error.args[0]}") from None
    return OpenedGraph(graph, lambda session: session.write_state(state), *sides)


def frozen_message(session: Any, outputs: Mapping[str, Tensor], fixed: Mapping[Tensor, Any]) -> Any:
    """The part of a session's graph that some tensors need, with constants for its variables and for fixed inputs.

    outputs: the tensors by the names that their nodes get.
    """
    graph = session.graph
    names = [t.node.name for t in outputs.values()]
    frozen = tf.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), names)
    read = {i.partition(":")[0] for node in frozen.node for i in node.input}
    with tf.Graph().as_default() as again:
        given = {t.name: tf.constant(v, t.dtype, name=t.node.name) for t, v in fixed.items() if t.node.name in read}
        tf.import_graph_def(frozen, given, name="")
        for name, tensor in outputs.items():
            if tensor.node.name != name:
                tf.identity(again.get_tensor_by_name(tensor.name), name=name)
        return tf.graph_util.extract_sub_graph(again.as_graph_def(), list(outputs))


def weights_in(path: Path) -> dict[str, NDArray[Any]]:
    """The weights of a graph in TensorFlow's files: variables' values, or arrays of floating-point constants."""
    if path.suffix in GRAPHS and _folder(path) is None:
        graph = read_graph(path)
        budget = Budget(graph.ByteSize)
        arrays = {n.name: read_tensor(n.attr["value"].tensor, budget) for n in graph.node if n.op == "Const"}
        return {name: a for name, a in arrays.items() if a.dtype.kind == "f" and a.size > 1}
    opened = open_tensorflow_graph(path)
    with tf.Session(graph=opened.graph, backend="numpy") as session:
        if opened.restore is not None:
            opened.restore(session)
        variables = {n.op.shared_name for n in opened.graph.nodes if isinstance(n.op, VariableV2)}
        return {name: np.asarray(a) for name, a in session.read_state().items() if name in variables}


def image_and_scores(opened: OpenedGraph, classes: int) -> tuple[Tensor, Tensor]:
    """The input for images and the output [N, classes] of a graph. InvalidArgumentError if they are not clear."""
    nodes = opened.graph.nodes
    inputs = list(opened.inputs.values()) or [n.outputs[0] for n in nodes if n.type == "Placeholder"]
    images = [t for t in inputs if t.type.rank == 4]
    read = {t for n in nodes for t in n.inputs}
    ends = list(opened.outputs.values()) or [t for n in nodes for t in n.outputs if t not in read and not n.op.writes]
    behind = {t: needed([t.node]) for t in ends if t.dtype.is_floating and t.type.rank == 2}
    scores = [t for t, before in behind.items() if t.shape.as_list()[1] in (classes, None)
              and any(i.node in before for i in images)]  # fmt: skip
    for what, found in (("inputs for images", images), (f"outputs [N, {classes}]", scores)):
        if len(found) != 1:
            names = ", ".join(t.name for t in found) or "none"
            raise InvalidArgumentError(f"the graph must have one of its {what}; it has {names}")
    return images[0], scores[0]


def write_graph_message(path: Path, message: Any) -> None:
    """Write a graph, as text if the name ends in .pbtxt."""
    write_message(path, message, as_text=path.suffix == ".pbtxt")
