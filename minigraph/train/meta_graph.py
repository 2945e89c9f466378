"""Graphs from files, under TensorFlow 1's names, with variables and collections."""

from __future__ import annotations

import os
from typing import Any

from minigraph.core.collections import GraphKeys
from minigraph.core.default_graph import get_default_graph
from minigraph.core.errors import GraphError
from minigraph.core.graph import Node
from minigraph.core.graph_def import ItemRef, Saved, VariableDef
from minigraph.formats.tensorflow.meta_graph import read_meta_graph
from minigraph.graphs.graph_file import read_graph_file
from minigraph.graphs.importing import add_nodes, output
from minigraph.run.variables import Variable
from minigraph.train.native_checkpoint import SUFFIX
from minigraph.train.restored import import_message
from minigraph.train.saver import Saver

_HEAD = 512

__all__ = ["import_meta_graph"]


def import_meta_graph(
    meta_graph_or_file: Any, clear_devices: bool = False, import_scope: str | None = None, trusted: bool = False,
    **saver_options: Any,
) -> Saver | None:  # fmt: skip
    """Add a saved graph with its variables and collections to the default graph.

    Args:
        meta_graph_or_file: The result of `export_meta_graph`, a `MetaGraphDef` of TensorFlow, or the path of a file of
            either kind. The path of a checkpoint with `.meta` behind it names the graph beside the checkpoint, too.
        clear_devices: TensorFlow 1's; it has no effect: the file holds no devices.
        import_scope: Name scope of the nodes.
        trusted: Whether a graph from a file, or of TensorFlow, may read and write files when it runs.
        **saver_options: Arguments of the Saver, and TensorFlow's `input_map` for a graph of TensorFlow.

    Returns:
        A Saver of all global variables, or, for TensorFlow's file, of the variables that its own Saver restores. None
        if there are no variables.

    Raises:
        NotFoundError: The file does not exist.
        DataLossError: The file is damaged or of another kind.
        GraphError: A node does not fit. Nothing is added.

    Example:
        >>> w = tf.Variable(2.0, name="w")
        >>> saved = tf.train.export_meta_graph()
        >>> with tf.Graph().as_default():
        ...     saver = tf.train.import_meta_graph(saved, import_scope="copy")
        ...     tf.global_variables()
        [<tf.Variable 'copy/w:0' shape=() dtype=float32_ref>]
    """
    saved = _loaded(meta_graph_or_file)
    if not isinstance(saved, Saved):
        replaced = saver_options.pop("input_map", None)
        return import_message(saved, import_scope or "", replaced, saver_options, trusted)[0]
    _check_references(saved)
    graph = get_default_graph()
    with graph.name_scope(import_scope or None) as scope:
        own = trusted or isinstance(meta_graph_or_file, Saved)
        made = add_nodes(graph, saved.graph_def, scope.rstrip("/"), trusted=own)
    variables = {definition.name: _variable(definition, made) for definition in saved.variables}
    for key, items in saved.collections.items():
        for item in items:
            graph.add_to_collection(key, _loaded_item(item, made, variables))
    if not graph.get_collection(GraphKeys.GLOBAL_VARIABLES):
        return None
    with graph.counted_as(0):  # TensorFlow's file has the nodes of the Saver that wrote it
        return Saver(**saver_options)


def _loaded(given: Any) -> Any:
    """A `Saved`, or a message of TensorFlow's: as given, or from a file, whose content tells the kind."""
    if isinstance(given, Saved) or hasattr(given, "DESCRIPTOR"):
        return given
    path = _beside(os.fspath(given))
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except OSError:
        head = b""
    if head.lstrip().startswith(b"{") or not head or not _may_be_message(head):
        return read_graph_file(path)
    return read_meta_graph(path)


def _may_be_message(head: bytes) -> bool:
    """Whether a file begins as a `MetaGraphDef` does, binary (a field of a message, from 1 on) or text."""
    return head[0] in (0x0A, 0x12, 0x1A, 0x22) or (head.lstrip()[:1].isalpha() and (b"{" in head or b":" in head))


def _beside(path: str) -> str:
    """The path of a graph file, where `model.safetensors.meta` stands for `model.meta`, as in TensorFlow's programs."""
    return path if os.path.exists(path) else path.replace(f"{SUFFIX}.", ".")


def _variable(definition: VariableDef, made: dict[str, Node]) -> Variable:
    initial, snapshot = (output(made, name) for name in (definition.initial_value, definition.snapshot))
    ref = made[definition.name].outputs[0]
    return Variable.from_parts(ref, made[definition.initializer], initial, snapshot, definition.trainable)


def _loaded_item(item: Any, made: dict[str, Node], variables: dict[str, Variable]) -> Any:
    if not isinstance(item, ItemRef):
        return item
    if item.kind == "variable":
        return variables[item.name]
    return output(made, item.name) if item.kind == "tensor" else made[item.name]


def _check_references(saved: Saved) -> None:
    outputs = {node.name: len(node.types) for node in saved.graph_def.node}
    tensors = {f"{name}:{i}" for name, count in outputs.items() for i in range(count)}
    variables = {v.name for v in saved.variables}
    known = {"variable": variables, "tensor": tensors, "operation": outputs}
    for v in saved.variables:
        missing = [n for n in (v.initial_value, v.snapshot) if n not in tensors]
        missing += [n for n in (v.initializer, f"{v.name}:0") if n not in outputs and n not in tensors]
        if missing:
            raise GraphError(f"the variable '{v.name}' refers to '{missing[0]}', which is not in the graph")
    for key, items in saved.collections.items():
        for item in items:
            if isinstance(item, ItemRef) and item.name not in known[item.kind]:
                raise GraphError(
                    f"the collection '{key}' refers to the {item.kind} '{item.name}', which is not in the graph"
                )
