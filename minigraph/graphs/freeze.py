"""Frozen graphs: the part of a graph that some outputs need, with constants in place of variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np

from minigraph.core.errors import FailedPreconditionError, GraphError, MissingNodeError
from minigraph.core.graph_def import GraphRecords, NodeRecord
from minigraph.graphs.importing import base_name
from minigraph.ops.registry import find_op


class HasState(Protocol):
    """A session: it gives its variables' values by name."""

    def read_state(self) -> Mapping[str, np.ndarray]: ...


def extract_sub_graph(graph_def: GraphRecords, dest_nodes: Sequence[str]) -> GraphRecords:
    """The part of a definition that some of its nodes need, in the same order. TypeError; MissingNodeError."""
    wanted = needed_names({node.name: node.input for node in graph_def.node}, dest_nodes)
    return GraphRecords([node for node in graph_def.node if node.name in wanted], graph_def.op_count)


def needed_names(inputs: Mapping[str, Iterable[str]], dest_nodes: Sequence[str]) -> set[str]:
    """The names of all nodes that some nodes need, themselves included.

    inputs: of each node of a graph, by its name. Raises TypeError if `dest_nodes` is a string; MissingNodeError if a
    node is not in the graph.
    """
    if isinstance(dest_nodes, str):
        raise TypeError("dest_nodes must be a list.")
    for name in dest_nodes:
        if name not in inputs:
            raise MissingNodeError(f"{name} is not in graph")
    wanted: set[str] = set()
    stack = list(dest_nodes)
    while stack:
        name = stack.pop()
        if name not in inputs:
            raise MissingNodeError(f"{name} is read, but not in graph")
        if name not in wanted:
            wanted.add(name)
            stack += map(base_name, inputs[name])
    return wanted


def convert_variables_to_constants(
    sess: HasState,
    input_graph_def: GraphRecords,
    output_node_names: Sequence[str],
    variable_names_whitelist: Iterable[str] | None = None,
    variable_names_blacklist: Iterable[str] | None = None,
) -> GraphRecords:
    """The part of a session's graph that some outputs need, with constants for variables, as `tf.graph_util` has it."""
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


def _frozen(node: NodeRecord, values: Mapping[str, np.ndarray]) -> NodeRecord:
    if node.name in values:
        return node._replace(op="Const", input=(), attr={"value": values[node.name]})
    data = [base_name(i) for i in node.input if not i.startswith("^")]
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
