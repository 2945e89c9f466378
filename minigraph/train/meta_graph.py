"""Graphs in files, under TensorFlow 1's names: the nodes alone, or with variables and collections."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from typing import Any

from minigraph.core.arguments import refuse
from minigraph.core.collections import GraphKeys
from minigraph.core.errors import GraphError
from minigraph.core.graph import Graph, Node, Tensor, get_default_graph
from minigraph.core.graph_def import GraphDef, ItemRef, Saved, VariableDef
from minigraph.core.typing import PathLike
from minigraph.graphs.graph_file import read_graph_file, write_graph_file
from minigraph.graphs.importing import add_nodes
from minigraph.run.variables import Variable
from minigraph.train.saver import Saver


def write_graph(graph_or_graph_def: Graph | GraphDef, logdir: PathLike, name: str, as_text: bool = True) -> str:
    """Write the nodes of a graph to a file.

    Args:
        graph_or_graph_def: The graph.
        logdir: The folder, which is made if it does not exist.
        name: Name of the file in it.
        as_text: TensorFlow 1's; the file is text in any case.

    Returns:
        The path of the file.

    Raises:
        TypeError: The first argument is neither a `tf.Graph` nor a `tf.GraphDef`.
        GraphError: A node has an attribute that cannot be written.

    Example:
        >>> total = tf.add(1.0, 2.0, name="total")
        >>> tf.train.write_graph(tf.get_default_graph(), "logs", "graph.json")
        'logs/graph.json'
    """
    definition = graph_or_graph_def
    if isinstance(definition, Graph):
        definition = definition.as_graph_def()
    if not isinstance(definition, GraphDef):
        raise TypeError(f"write_graph takes a tf.Graph or a tf.GraphDef, not {definition!r}")
    path = os.path.join(os.fspath(logdir), name)
    write_graph_file(path, Saved(definition))
    return path


def export_meta_graph(
    filename: PathLike | None = None, meta_info_def: None = None, graph_def: None = None, saver_def: None = None,
    collection_list: Iterable[str] | None = None, as_text: bool = False, graph: Graph | None = None,
    export_scope: None = None, clear_devices: bool = False, clear_extraneous_savers: bool = False,
    strip_default_attrs: bool = False, save_debug_info: bool = False,
) -> Saved:  # fmt: skip
    """Take a copy of a graph with its variables and collections, and write it to a file if one is named.

    The values of variables are not in it; a Saver writes them.

    Args:
        filename: Path of the file; None for no file.
        meta_info_def, graph_def, saver_def, export_scope, save_debug_info: Not supported; they must be None or False.
        collection_list: Names of the collections to take; by default all whose name is a string. An item that is not a
            variable, a tensor, an operation, a number or a string is left out, with a warning.
        as_text: TensorFlow 1's; the file is text in any case.
        graph: The graph; by default the default graph.
        clear_devices, clear_extraneous_savers, strip_default_attrs: TensorFlow 1's; they have no effect: the file holds
            no devices, no savers, and all attributes.

    Returns:
        The copy, for `import_meta_graph`.

    Raises:
        GraphError: A node has an attribute that cannot be written.
        ValueError: An argument is not supported.

    Example:
        >>> w = tf.Variable(2.0, name="w")
        >>> saved = tf.train.export_meta_graph("model.meta")
        >>> tf.reset_default_graph()
        >>> saver = tf.train.import_meta_graph("model.meta")
        >>> tf.global_variables()
        [<tf.Variable 'w:0' shape=() dtype=float32_ref>]
    """
    refuse(
        "tf.train.export_meta_graph", meta_info_def=meta_info_def, graph_def=graph_def, saver_def=saver_def,
        export_scope=export_scope, save_debug_info=save_debug_info,
    )  # fmt: skip
    source = graph or get_default_graph()
    keys = source.get_all_collection_keys() if collection_list is None else list(collection_list)
    variables: dict[str, Variable] = {}
    collections = {}
    for key in (k for k in keys if isinstance(k, str)):
        items = source.get_collection(key)
        variables |= {item.op.name: item for item in items if isinstance(item, Variable)}
        collections[key] = tuple(kept for item in items if (kept := _saved_item(key, item)) is not None)
    saved = Saved(source.as_graph_def(), tuple(map(_definition, variables.values())), collections)
    if filename is not None:
        write_graph_file(filename, saved)
    return saved


def _saved_item(key: str, item: Any) -> Any:
    if isinstance(item, Variable):
        return ItemRef("variable", item.op.name)
    if isinstance(item, Tensor):
        return ItemRef("tensor", item.name)
    if isinstance(item, Node):
        return ItemRef("operation", item.name)
    if type(item) in (bool, int, float, str):
        return item
    warnings.warn(f"the collection '{key}' is saved without {item!r}, which has no form in a file", stacklevel=3)
    return None


def _definition(variable: Variable) -> VariableDef:
    return VariableDef(
        variable.op.name,
        variable.initializer.name,
        variable.initial_value.name,
        variable.value().name,
        variable.trainable,
    )


def import_meta_graph(
    meta_graph_or_file: Saved | PathLike, clear_devices: bool = False, import_scope: str | None = None,
    **saver_options: Any,
) -> Saver | None:  # fmt: skip
    """Add a saved graph with its variables and collections to the default graph.

    Args:
        meta_graph_or_file: The result of `export_meta_graph`, or the path of a file.
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
    saved = given if isinstance(given, Saved) else read_graph_file(given)
    _check_references(saved)
    graph = get_default_graph()
    with graph.name_scope(import_scope or None) as scope:
        made = add_nodes(graph, saved.graph_def, scope.rstrip("/"))
    variables = {definition.name: _variable(definition, made) for definition in saved.variables}
    for key, items in saved.collections.items():
        for item in items:
            graph.add_to_collection(key, _loaded_item(item, made, variables))
    return Saver(**saver_options) if graph.get_collection(GraphKeys.GLOBAL_VARIABLES) else None


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
