"""Checks of the invariants of graphs. They raise VerificationError."""

from __future__ import annotations

from minigraph.core.errors import VerificationError
from minigraph.core.graph import Graph
from minigraph.core.types import compatible


def verify_graph(graph: Graph) -> None:
    """Order, ownership, unique names, and types that the ops' own rules confirm."""
    names: set[str] = set()
    for position, node in enumerate(graph.nodes):
        where = f"node '{node.name}' ({node.type}) made at {node.source}"
        if node.id != position or node.graph is not graph:
            raise VerificationError(f"{where} has an id that differs from its position in the graph")
        if node.name in names:
            raise VerificationError(f"{where}: the name is taken twice")
        names.add(node.name)
        for before in (*(t.node for t in node.inputs), *node.control_inputs):
            if before.graph is not graph or before.id >= node.id:
                raise VerificationError(f"{where} depends on '{before.name}', which does not come before it")
        inferred = node.op.infer(*(t.type for t in node.inputs))
        if len(inferred) != len(node.outputs):
            raise VerificationError(f"{where} has {len(node.outputs)} outputs, its rule gives {len(inferred)}")
        for tensor, expected in zip(node.outputs, inferred, strict=True):
            if tensor.dtype is not expected.dtype or not compatible(tensor.type.shape, expected.shape):
                raise VerificationError(f"{where} has an output of type {tensor.type}, its rule gives {expected}")
