"""The invariants of programs. A violation raises VerificationError."""

from __future__ import annotations

from minigraph.core.errors import VerificationError
from minigraph.ir.program import Instr, Program


def verify_program(program: Program, verified: Program | None = None) -> None:
    """Check the order of instructions, their types by the ops' own rules, and that the results exist.

    verified: a verified program from which this one was made. Types that it holds already are not inferred again.
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
