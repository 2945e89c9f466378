"""Optimizer steps of several variables, joined by a pass."""

from __future__ import annotations

from minigraph.backend.base import Types
from minigraph.backend.workspace import BufferRef
from minigraph.backends.llvm.native import Call, LoweringContext, Native
from minigraph.backends.llvm.nest_native import from_loops
from minigraph.ir.multi_tensor_apply import MultiTensorApply


def together(op: MultiTensorApply, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """Several steps in order."""
    pieces = zip(op.pieces(in_types), op.pieces(out_types), strict=True)
    parts = [p for given, made in pieces if (p := from_loops(op.op, given, made, how)) is not None]
    size = len(in_types) // op.count
    if len(parts) < op.count:
        return None

    def calls(wanted: tuple[bool, ...]) -> list[Call]:
        found = []
        for n, part in enumerate(parts):
            moved = {BufferRef("in", i): BufferRef("in", n * size + i) for i in range(size)}
            found += [call.on(moved) for call in part.calls(())]
        return found

    return Native(calls, max(part.workspace for part in parts))
