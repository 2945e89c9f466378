"""Graphs from files, under TensorFlow 1's names, with variables and collections."""

from __future__ import annotations

import os
from typing import Any

from minigraph.core.collections import GraphKeys
from minigraph.core.errors import GraphError
from minigraph.core.graph import Node, Tensor, get_default_graph
from minigraph.core.graph_def import ItemRef, Saved, VariableDef
from minigraph.core.typing import PathLike
from minigraph.graphs.graph_file import read_graph_file
from minigraph.graphs.importing import add_nodes
from minigraph.run.variables import Variable
from minigraph.train.saver import SUFFIX, Saver

__all__ = ["import_meta_graph"]


def import_meta_graph(
    meta_graph_or_file: Saved | PathLike, clear_devices: bool = False, import_scope: str | None = None,
    **saver_options: Any,
) -> Saver | None:  # fmt: skip
    """Add a saved graph with its variables and collections to the default graph.

    Args:
        meta_graph_or_file: The result of `export_meta_graph`, or the path of a file. The path of a checkpoint with
            `.meta` behind it names the graph beside the checkpoint, too.
        clear_devices: TensorFlow 1's; it has no effect: the file holds no devices.
        import_scope: Name scope of the nodes.
        **saver_options: Arguments of the Saver.

    Returns:
        A Saver of all global variables; None if there are none.

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
    given = meta_graph_or_file
    saved = given if isinstance(given, Saved) else read_graph_file(_beside(os.fspath(given)))
    _check_references(saved)
    graph = get_default_graph()
    with graph.name_scope(import_scope or None) as scope:
        made = add_nodes(graph, saved.graph_def, scope.rstrip("/"))
    variables = {definition.name: _variable(definition, made) for definition in saved.variables}
    for key, items in saved.collections.items():
        for item in items:
            graph.add_to_collection(key, _loaded_item(item, made, variables))
    if not graph.get_collection(GraphKeys.GLOBAL_VARIABLES):
        return None
    with graph.counted_as(0):  # TensorFlow's file has the nodes of the Saver that wrote it
        return Saver(**saver_options)


def _beside(path: str) -> str:
    """The path of a graph file, where `model.safetensors.meta` stands for `model.meta`, as in TensorFlow's programs."""
    return path if os.path.exists(path) else path.replace(f"{SUFFIX}.", ".")


def _variable(definition: VariableDef, made: dict[str, Node]) -> Variable:
    initial, snapshot = (_tensor(made, name) for name in (definition.initial_value, definition.snapshot))
    ref = made[definition.name].outputs[0]
    return Variable.from_parts(ref, made[definition.initializer], initial, snapshot, definition.trainable)


def _tensor(made: dict[str, Node], name: str) -> Tensor:
    base, _, index = name.partition(":")
    return made[base].outputs[int(index)]


def _loaded_item(item: Any, made: dict[str, Node], variables: dict[str, Variable]) -> Any:
    if not isinstance(item, ItemRef):
        return item
    if item.kind == "variable":
        return variables[item.name]
    return _tensor(made, item.name) if item.kind == "tensor" else made[item.name]


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
                raise GraphError(f"the collection '{key}' holds the {item.kind} '{item.name}', which is not there")
