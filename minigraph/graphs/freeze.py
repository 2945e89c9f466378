"""Frozen graphs: the part of a graph that some outputs need, with constants in place of variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np

from minigraph.core.errors import FailedPreconditionError, GraphError, MissingNodeError
from minigraph.core.graph_def import GraphRecords, NodeRecord
from minigraph.ops.registry import find_op


class HasState(Protocol):
    """A session: it gives its variables' values by name."""

    def read_state(self) -> Mapping[str, np.ndarray]: ...


def extract_sub_graph(graph_def: GraphRecords, dest_nodes: Sequence[str]) -> GraphRecords:
    """Cut a graph definition down to the nodes that some of its nodes need.

    Args:
        graph_def: The definition.
        dest_nodes: Names of nodes.

    Returns:
        A definition of these nodes and of all that they depend on, in the same order.

    Raises:
        TypeError: `dest_nodes` is a string.
        MissingNodeError: A name is not in the graph.

    Example:
        >>> x = tf.constant(1.0, name="x")
        >>> y, z = tf.negative(x, name="y"), tf.square(x, name="z")
        >>> part = tf.graph_util.extract_sub_graph(tf.get_default_graph().as_graph_def(), ["z"])
        >>> [node.name for node in part.node]
        ['x', 'z']
    """
    if isinstance(dest_nodes, str):
        raise TypeError("dest_nodes must be a list.")
    nodes = {node.name: node for node in graph_def.node}
    wanted: set[str] = set()
    stack = list(dest_nodes)
    for name in stack:
        if name not in nodes:
            raise MissingNodeError(f"{name} is not in graph")
    while stack:
        name = stack.pop()
        if name not in wanted:
            wanted.add(name)
            stack += map(_base, nodes[name].input)
    return GraphRecords([node for node in graph_def.node if node.name in wanted], graph_def.op_count)


def convert_variables_to_constants(
    sess: HasState,
    input_graph_def: GraphRecords,
    output_node_names: Sequence[str],
    variable_names_whitelist: Iterable[str] | None = None,
    variable_names_blacklist: Iterable[str] | None = None,
) -> GraphRecords:
    """Freeze a graph: cut it down to some outputs, and replace variables by constants with their values.

    Args:
        sess: The session that holds the values.
        input_graph_def: The definition of its graph.
        output_node_names: Names of the nodes to keep, with all that they depend on.
        variable_names_whitelist: Names of the variables to replace; by default all.
        variable_names_blacklist: Names of variables to keep.

    Returns:
        The frozen definition.

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
    variables = [node.name for node in part.node if node.op == "VariableV2"]
    values = values_to_freeze(sess, variables, variable_names_whitelist, variable_names_blacklist)
    return GraphRecords([_frozen(node, values) for node in part.node], part.op_count)


def values_to_freeze(
    sess: HasState, variables: Iterable[str], whitelist: Iterable[str] | None, blacklist: Iterable[str] | None
) -> dict[str, np.ndarray]:
    """The values of those of the variables that the lists choose. FailedPreconditionError where one has none."""
    chosen = set(variables) if whitelist is None else set(variables) & set(whitelist)
    chosen -= set(blacklist or ())
    state = sess.read_state()
    missing = sorted(name for name in chosen if name not in state)
    if missing:
        raise FailedPreconditionError(f"cannot freeze a variable that has no value yet: {', '.join(missing)}")
    return {name: state[name] for name in chosen}


def _base(name: str) -> str:
    return name.removeprefix("^").partition(":")[0]


def _frozen(node: NodeRecord, values: Mapping[str, np.ndarray]) -> NodeRecord:
    if node.name in values:
        return node._replace(op="Const", input=(), attr={"value": values[node.name]})
    data = [_base(i) for i in node.input if not i.startswith("^")]
    if not values.keys() & set(data):
        return node
    if node.op == "ReadVariable":
        return node._replace(op="Identity", attr={})
    written = {data[i] for i in getattr(find_op(node.op), "writes", ())} & values.keys()
    if written:
        raise GraphError(
            f"cannot freeze '{min(written)}': the outputs need '{node.name}' ({node.op}, made at {node.source}), "
            "which changes it; freeze a graph that was built for inference"
        )
    return node
