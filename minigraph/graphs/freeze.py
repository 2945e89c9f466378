"""Frozen graphs: what some outputs need, with the variables' values in the place of the variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minigraph.core.errors import FailedPreconditionError, GraphError, MissingNodeError
from minigraph.core.graph_def import GraphDef, NodeDef
from minigraph.core.op import REGISTRY


def extract_sub_graph(graph_def: GraphDef, dest_nodes: Sequence[str]) -> GraphDef:
    """The nodes that `dest_nodes`, names of nodes, need; in their order. GraphError for a name that is not there."""
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
    return GraphDef([node for node in graph_def.node if node.name in wanted], graph_def.op_count)


def convert_variables_to_constants(
    sess: Any,
    input_graph_def: GraphDef,
    output_node_names: Sequence[str],
    variable_names_whitelist: Iterable[str] | None = None,
    variable_names_blacklist: Iterable[str] | None = None,
) -> GraphDef:
    """What the nodes in `output_node_names` need, each variable a constant of its name and its value in `sess`.

    Variables that the whitelist, if there is one, does not name, and those on the blacklist, are left as they are.
    GraphError where an output is not in the graph, or needs a node that changes a variable, as in a training step;
    FailedPreconditionError where a variable has no value yet.
    """
    part = extract_sub_graph(input_graph_def, output_node_names)
    chosen = _chosen(part, variable_names_whitelist, variable_names_blacklist)
    values = sess.read_state()
    missing = [name for name in chosen if name not in values]
    if missing:
        raise FailedPreconditionError(f"cannot freeze a variable that has no value yet: {', '.join(missing)}")
    return GraphDef([_frozen(node, chosen, values) for node in part.node], part.op_count)


def _base(name: str) -> str:
    return name.removeprefix("^").partition(":")[0]


def _chosen(part: GraphDef, whitelist: Iterable[str] | None, blacklist: Iterable[str] | None) -> set[str]:
    variables = {node.name for node in part.node if node.op == "VariableV2"}
    return (variables if whitelist is None else variables & set(whitelist)) - set(blacklist or ())


def _frozen(node: NodeDef, chosen: set[str], values: Mapping[str, np.ndarray]) -> NodeDef:
    if node.name in chosen:
        return node._replace(op="Const", input=(), attr={"value": values[node.name]})
    data = [_base(i) for i in node.input if not i.startswith("^")]
    if not chosen.intersection(data):
        return node
    if node.op == "ReadVariable":
        return node._replace(op="Identity", attr={})
    written = {data[i] for i in getattr(REGISTRY.get(node.op), "writes", ())} & chosen
    if written:
        raise GraphError(
            f"cannot freeze '{min(written)}': the outputs need '{node.name}' ({node.op}, made at {node.source}), "
            "which changes it; freeze a graph that was built for inference"
        )
    return node
