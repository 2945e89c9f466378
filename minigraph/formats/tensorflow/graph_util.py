"""TensorFlow's graphs cut, frozen and simplified, under the names of TensorFlow 1's `tf.graph_util`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minigraph.core.errors import GraphError
from minigraph.core.types import TensorShape
from minigraph.formats.tensorflow.graph_def import as_graph_def
from minigraph.formats.tensorflow.values import attribute
from minigraph.graphs.freeze import HasState, needed_names, values_to_freeze
from minigraph.graphs.importing import base_name

__all__ = [
    "convert_variables_to_constants",
    "extract_sub_graph",
    "remove_training_nodes",
    "tensor_shape_from_node_def_name",
]

_VARIABLES = ("Variable", "VariableV2", "VarHandleOp")
_WRITES = ("Apply", "Assign", "ResourceApply", "ResourceScatter", "Scatter", "SparseApply")


def extract_sub_graph(graph_def: Any, dest_nodes: Sequence[str]) -> Any:
    """Cut a graph down to the nodes that some of its nodes need.

    Args:
        graph_def: A `tf.GraphDef`.
        dest_nodes: Names of nodes.

    Returns:
        A `tf.GraphDef` of these nodes and of all that they depend on, in the same order.

    Raises:
        TypeError: `graph_def` is not a `tf.GraphDef`, or `dest_nodes` is a string.
        MissingNodeError: A name is not in the graph.

    Example:
        >>> x = tf.constant(1.0, name="x")
        >>> y, z = tf.negative(x, name="y"), tf.square(x, name="z")
        >>> part = tf.graph_util.extract_sub_graph(tf.get_default_graph().as_graph_def(), ["z"])
        >>> [node.name for node in part.node]
        ['x', 'z']
    """
    message = as_graph_def(graph_def)
    wanted = needed_names({node.name: node.input for node in message.node}, dest_nodes)
    return _graph(message, [node for node in message.node if node.name in wanted])


def convert_variables_to_constants(
    sess: HasState,
    input_graph_def: Any,
    output_node_names: Sequence[str],
    variable_names_whitelist: Iterable[str] | None = None,
    variable_names_blacklist: Iterable[str] | None = None,
) -> Any:
    """Freeze a graph: cut it down to some outputs, and replace variables by constants with their values.

    Args:
        sess: The session that holds the values.
        input_graph_def: The `tf.GraphDef` of its graph.
        output_node_names: Names of the nodes to keep, with all that they depend on.
        variable_names_whitelist: Names of the variables to replace; by default all.
        variable_names_blacklist: Names of variables to keep.

    Returns:
        The frozen `tf.GraphDef`.

    Raises:
        MissingNodeError: An output is not in the graph.
        FailedPreconditionError: A variable has no value yet.
        GraphError: An output needs a node that changes a variable, such as a training step.

    Example:
        >>> w = tf.Variable(2.0, name="w")
        >>> y = tf.square(w, name="y")
        >>> with tf.Session() as sess:
        ...     sess.run(w.initializer)
        ...     frozen = tf.graph_util.convert_variables_to_constants(sess, sess.graph_def, ["y"])
        >>> [(node.name, node.op) for node in frozen.node]
        [('w', 'Const'), ('w/read', 'Identity'), ('y', 'Square')]
    """
    part = extract_sub_graph(input_graph_def, output_node_names)
    variables = [node.name for node in part.node if node.op in _VARIABLES]
    values = values_to_freeze(sess, variables, variable_names_whitelist, variable_names_blacklist)
    return _graph(part, [_frozen(node, values) for node in part.node])


def _graph(like: Any, nodes: Iterable[Any]) -> Any:
    made = type(like)(node=nodes)
    made.versions.CopyFrom(like.versions)
    made.library.CopyFrom(like.library)
    return made


def _frozen(node: Any, values: Mapping[str, np.ndarray]) -> Any:
    if node.name in values:
        made = type(node)(name=node.name, op="Const")
        made.attr["dtype"].CopyFrom(node.attr["dtype"])
        made.attr["value"].CopyFrom(attribute(values[node.name]))
        return made
    read = [base_name(i) for i in node.input if not i.startswith("^")]
    if not values.keys() & set(read):
        return node
    if node.op == "ReadVariableOp":
        made = type(node)(name=node.name, op="Identity", input=node.input)
        made.attr["T"].CopyFrom(node.attr["dtype"])
        return made
    if read[0] in values and node.op.startswith(_WRITES):
        raise GraphError(
            f"cannot freeze '{read[0]}': the outputs need '{node.name}' ({node.op}), which changes it; freeze a graph "
            "that was built for inference"
        )
    return node


def remove_training_nodes(input_graph: Any, protected_nodes: Iterable[str] | None = None) -> Any:
    """Remove nodes that inference does not need: checks of numbers, and copies.

    Args:
        input_graph: A `tf.GraphDef`.
        protected_nodes: Names of nodes to keep.

    Returns:
        A `tf.GraphDef` in which each reader of a removed node reads the node's input.

    Example:
        >>> x = tf.placeholder(tf.float32, name="x")
        >>> y = tf.square(tf.identity(x, name="copy"), name="y")
        >>> simple = tf.graph_util.remove_training_nodes(tf.get_default_graph().as_graph_def())
        >>> [(node.name, list(node.input)) for node in simple.node]
        [('x', []), ('y', ['x'])]
    """
    message = as_graph_def(input_graph)
    kept = set(protected_nodes or ())
    followed = {i[1:] for node in message.node for i in node.input if i.startswith("^")}
    source: dict[str, str] = {}
    for node in message.node:
        ordered = any(i.startswith("^") for i in node.input)
        removable = node.op == "CheckNumerics" or (node.op == "Identity" and node.name not in followed)
        if removable and not ordered and node.name not in kept:
            source[node.name] = node.input[0]
    nodes = []
    for node in message.node:
        if node.name not in source:
            made = type(node)()
            made.CopyFrom(node)
            del made.input[:]
            made.input.extend(_behind(i, source) for i in node.input)
            nodes.append(made)
    return _graph(message, nodes)


def _behind(name: str, source: Mapping[str, str]) -> str:
    mark = "^" if name.startswith("^") else ""
    while base_name(name) in source:
        name = source[base_name(name)]
    return mark + (base_name(name) if mark else name)


def tensor_shape_from_node_def_name(graph: Any, input_name: str) -> TensorShape:
    """Give the shape of a tensor by the name under which a node reads it.

    Args:
        graph: The `tf.Graph`.
        input_name: A name such as `x` or `x:1`.

    Returns:
        The shape.

    Example:
        >>> x = tf.placeholder(tf.float32, [None, 3], name="x")
        >>> tf.graph_util.tensor_shape_from_node_def_name(tf.get_default_graph(), "x").as_list()
        [None, 3]
    """
    name = input_name if ":" in input_name else f"{input_name}:0"
    shape: TensorShape = graph.get_tensor_by_name(name).get_shape()
    return shape
