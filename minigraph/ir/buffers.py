"""Which values have memory of their own, and which lie in that of another."""

from __future__ import annotations

from minigraph.ir.hoist import Hoisted
from minigraph.ir.program import Cell, Feed, Instr, Program, Value
from minigraph.ops.constant import Const


def is_source(instr: Instr) -> bool:
    """Whether the instruction is a value that exists before the run starts."""
    return isinstance(instr.op, Cell | Feed | Const | Hoisted) and not instr.control


def aliased(instr: Instr, index: int) -> Value | None:
    """The input whose buffer output `index` shares unless it must be copied; None if the output has its own buffer."""
    if instr.op.is_view and instr.inputs:
        return instr.inputs[0]
    written = index - (len(instr.types) - len(instr.op.writes))
    return instr.inputs[instr.op.writes[written]] if written >= 0 else None


def roots_of(program: Program) -> dict[Value, Value]:
    """The value whose buffer each value uses, where nothing is copied."""
    roots: dict[Value, Value] = {}
    for instr in program.instrs:
        for index in range(len(instr.types)):
            value, source = Value(instr, index), aliased(instr, index)
            roots[value] = value if source is None else roots[source]
    return roots
