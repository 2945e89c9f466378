"""Concatenations along the last axis. Kernels that make an operand store it straight into the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from minigraph.backend.base import Types
from minigraph.backend.workspace import BufferRef, WorkspaceLayout, ins, outs
from minigraph.backends.llvm.moves import copying, together
from minigraph.backends.llvm.native import Call, LoweringContext, Native
from minigraph.core.op import Op
from minigraph.ir.program import Feed, Instr, Value
from minigraph.ir.regions import Join
from minigraph.ops.nn.avg_pool import AvgPool
from minigraph.ops.nn.conv2d import Conv2D
from minigraph.ops.nn.integer_products import IntegerConv2D
from minigraph.ops.nn.max_pool import MaxPool
from minigraph.ops.nn.winograd import WinogradConv2D

# Ops whose kernels can store rows that are not adjacent: LoweringContext.pitch.
MAKERS: tuple[type[Op], ...] = (Conv2D, WinogradConv2D, IntegerConv2D, MaxPool, AvgPool)

Lower = Callable[[Any, Types, Types, LoweringContext], Native | None]


def join(op: Join, lower: Lower, how: LoweringContext) -> Native | None:
    """Kernels that make operands, and copies of the other operands.

    A kernel that can store rows apart writes into the result; what any other kernel makes is copied there.
    """
    *makers, concat = op.members
    result, layout = concat.types[0], WorkspaceLayout()
    moves = concat.op.moves([v.type for v in concat.inputs], concat.types)
    assert moves is not None
    starts = {concat.inputs[m.source.position]: m.target.offset * result.dtype.size for m in moves.parts}
    places: dict[Value, BufferRef] = {}  # of operands that are copied
    natives: list[tuple[Instr, Native, BufferRef]] = []
    for maker in makers:
        value = next(v for v in concat.inputs if v.instr is maker)
        given = [v.type for v in maker.inputs]
        pitched = lower(maker.op, given, maker.types, how._replace(pitch=result.static[-1]))
        native = pitched or lower(maker.op, given, maker.types, how)
        if native is None:
            return None
        target = outs(0)[0].shifted(starts[value])
        if not pitched:
            target = places[value] = layout.reserve(value.type.nbytes)
        natives.append((maker, native, target))
    space = layout.reserve(max(native.workspace for _, native, _ in natives))
    copies = [
        copying(m, _operand(concat.inputs[m.source.position], places), outs(0)[0])
        for m in moves.parts
        if concat.inputs[m.source.position].instr not in makers or concat.inputs[m.source.position] in places
    ]

    @cache
    def calls(_: tuple[bool, ...]) -> Sequence[Call]:
        made = []
        for maker, native, target in natives:
            wanted = tuple(Value(maker, n) in starts for n in range(len(maker.types)))
            operands = [_operand(v, places) for v in maker.inputs]
            made += [c.relocated(operands, [target] * len(maker.types), space) for c in native.calls(wanted)]
        return made + together(copies, result.dtype.size, how)

    return Native(calls, layout.nbytes)


def _operand(value: Value, places: dict[Value, BufferRef]) -> BufferRef:
    return ins(value.instr.op.slot)[0] if isinstance(value.instr.op, Feed) else places[value]
