"""Graphs to files, under TensorFlow 1's names: the nodes alone, or with variables and collections."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from typing import Any

from minigraph.core.arguments import refuse
from minigraph.core.default_graph import get_default_graph
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.graph_def import ItemRef, Saved, VariableDef
from minigraph.core.typing import PathLike
from minigraph.formats.tensorflow.graph_def import as_graph_def, write_message
from minigraph.graphs.graph_file import write_graph_file
from minigraph.run.variables import Variable

__all__ = ["export_meta_graph", "write_graph"]


def write_graph(graph_or_graph_def: Any, logdir: PathLike, name: str, as_text: bool = True) -> str:
    """Write the nodes of a graph to a file, as TensorFlow's `GraphDef` or as minigraph's own graph file.

    Args:
        graph_or_graph_def: The `tf.Graph` or `tf.GraphDef`.
        logdir: The folder, which is made if it does not exist.
        name: Name of the file in it. If it ends in `.json`, the file is minigraph's own, which gives a `tf.Graph` back
            to the bit, with types and the lines that made its nodes; `tf.train.import_meta_graph` reads it.
        as_text: Whether TensorFlow's file is text (`.pbtxt`), or binary (`.pb`).

    Returns:
        The path of the file.

    Raises:
        TypeError: The first argument is neither a `tf.Graph` nor a `tf.GraphDef`.
        GraphError: A node has an attribute that cannot be written.
        MissingPackageError: TensorBoard, which TensorFlow's files need, is not installed.

    Example:
        >>> total = tf.add(1.0, 2.0, name="total")
        >>> tf.train.write_graph(tf.get_default_graph(), "logs", "graph.pbtxt")
        'logs/graph.pbtxt'
    """
    path = os.path.join(os.fspath(logdir), name)
    if name.endswith(".json"):
        if not isinstance(graph_or_graph_def, Graph):
            raise TypeError(f"a file of minigraph is written of a tf.Graph, not of {type(graph_or_graph_def).__name__}")
        write_graph_file(path, Saved(graph_or_graph_def.as_records()))
        return path
    given = graph_or_graph_def
    write_message(path, given.as_graph_def() if isinstance(given, Graph) else as_graph_def(given), as_text)
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
    saved = Saved(source.as_records(), tuple(map(_definition, variables.values())), collections)
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
    warnings.warn(f"the collection '{key}' is saved without {item!r}, which cannot be written to a file", stacklevel=3)
    return None


def _definition(variable: Variable) -> VariableDef:
    return VariableDef(
        variable.op.name,
        variable.initializer.name,
        variable.initial_value.name,
        variable.value().name,
        variable.trainable,
    )
