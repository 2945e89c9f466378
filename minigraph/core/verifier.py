"""Checks of what every graph and program must be. They raise VerificationError."""

from __future__ import annotations

from minigraph.core.errors import VerificationError
from minigraph.core.graph import Graph
from minigraph.core.ir import Instr, Program
from minigraph.core.types import compatible


def verify_graph(graph: Graph) -> None:
    """Order, ownership, unique names, and types that the ops' own rules confirm."""
    names: set[str] = set()
    for position, node in enumerate(graph.nodes):
        where = f"node '{node.name}' ({node.type}) made at {node.source}"
        if node.id != position or node.graph is not graph:
            raise VerificationError(f"{where} is not in its place")
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


def verify_program(program: Program, verified: Program | None = None) -> None:
    """Order, static types that the ops' own rules confirm, and results that exist.

    verified: the program that this one was made from, if it has been verified. What it has applied to the same types
    need not be inferred again.
    """
    known = {id(i.op): i for i in verified.instrs} if verified is not None else {}
    seen: set[Instr] = set()
    for instr in program.instrs:
        for before in instr.predecessors:
            if before not in seen:
                raise VerificationError(f"{_where(instr)} depends on {before!r}, which does not come before it")
        seen.add(instr)
        if _same_types(instr, known.get(id(instr.op))):
            continue
        inferred = instr.op.infer(*(v.type for v in instr.inputs))
        if inferred != instr.types:
            raise VerificationError(f"{_where(instr)} has the types {instr.types}, its rule gives {inferred}")
        for kind in inferred:
            if not kind.is_static:
                raise VerificationError(f"{_where(instr)} has the type {kind}, which is not static")
    for value in program.results:
        if value.instr not in seen or value.output >= len(value.instr.types):
            raise VerificationError(f"the result {value.instr!r}:{value.output} is not computed")


def _same_types(instr: Instr, other: Instr | None) -> bool:
    if other is None or other.types != instr.types:
        return False
    return [v.type for v in instr.inputs] == [v.type for v in other.inputs]


def _where(instr: Instr) -> str:
    return f"{instr!r} made at {instr.source}"
