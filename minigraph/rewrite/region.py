"""Regions: a convex part of a program as one instruction that keeps its inner program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigraph.core.ir import Feed, Program, Value
from minigraph.core.op import Op
from minigraph.core.types import TensorType


class Blocked(Op, abstract=True):
    """An inner program done piece by piece along axis 0, so that what passes between its instructions stays in cache.

    cut: of each operand, whether it is cut into pieces. sums: of each result, whether it is the sum over the pieces.
    batch: the length of axis 0.
    """

    program: Program
    cut: tuple[bool, ...]
    sums: tuple[bool, ...]
    batch: int

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        return tuple(v.type for v in self.program.results)

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        values: dict[Value, Any] = {}
        for instr in self.program.instrs:
            if isinstance(instr.op, Feed):
                values[Value(instr, 0)] = arrays[instr.op.slot]
            else:
                results = instr.op.forward(xp, *(values[v] for v in instr.inputs))
                values |= {Value(instr, i): r for i, r in enumerate(results)}
        return tuple(values[v] for v in self.program.results)

    def __repr__(self) -> str:
        inner = "+".join(type(i.op).__name__ for i in self.program.instrs if not isinstance(i.op, Feed))
        return f"Blocked({inner}, batch={self.batch})"


def inner_types(op: Blocked, size: int) -> dict[Value, TensorType]:
    """The types of the inner values for a piece of `size`."""
    types: dict[Value, TensorType] = {}
    for instr in op.program.instrs:
        given: Sequence[TensorType]
        if isinstance(instr.op, Feed):
            whole = instr.types[0]
            piece = TensorType(whole.dtype, (size, *whole.static[1:])) if op.cut[instr.op.slot] else whole
            given = (piece,)
        else:
            given = instr.op.for_batch(size).infer(*(types[v] for v in instr.inputs))
        types |= {Value(instr, i): t for i, t in enumerate(given)}
    return types
