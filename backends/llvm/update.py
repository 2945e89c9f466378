"""Optimizer steps: variable and slots updated in one pass over memory."""

from __future__ import annotations

from collections.abc import Callable

from minigraph.backend.base import Types
from minigraph.backend.workspace import BufferRef
from minigraph.backends.llvm.loop import Elementwise, Output, elementwise
from minigraph.backends.llvm.native import Call, LoweringContext, Native, always
from minigraph.core.scalar import Scalar, operand
from minigraph.core.types import TensorType
from minigraph.ir.multi_tensor_apply import MultiTensorApply
from minigraph.ops.state import update as U
from minigraph.ops.state.variable import Assign, AssignAdd, AssignSub


def apply(op: U.Apply, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """The step as one loop over the elements; None if the types do not fit it."""
    size = in_types[0].size
    if not size:
        return None
    big = {*op.writes, op.gradient % len(in_types)}
    types = tuple(TensorType(t.dtype, (size if i in big else 1,)) for i, t in enumerate(in_types))
    if any(t.size != 1 for i, t in enumerate(in_types) if i not in big):
        return None
    made = op.step(*(operand(i, t.dtype) for i, t in enumerate(types)))
    what = Elementwise((size,), types, tuple(map(Output, made)))
    if not what.is_printable:
        return None
    native = elementwise(what, how)

    def calls(wanted: tuple[bool, ...]) -> list[Call]:
        return [call.on({BufferRef("out", i): BufferRef("in", w) for i, w in enumerate(op.writes)}) for call in every()]

    def every() -> list[Call]:
        return list(native.calls((True,) * len(made)))

    return Native(calls, native.workspace)


def together(op: MultiTensorApply, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """Several steps in order."""
    pieces = zip(op.pieces(in_types), op.pieces(out_types), strict=True)
    parts = [p for given, made in pieces if (p := apply(op.op, given, made, how)) is not None]
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


def assign(op: Assign, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """var = value."""
    return _assign(in_types, lambda var, value: value, how)


def assign_add(op: AssignAdd, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """var = var + value."""
    return _assign(in_types, lambda var, value: var + value, how)


def assign_sub(op: AssignSub, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """var = var − value."""
    return _assign(in_types, lambda var, value: var - value, how)


def _assign(in_types: Types, formula: Callable[[Scalar, Scalar], Scalar], how: LoweringContext) -> Native | None:
    var, value = in_types
    if not var.size or var.size != value.size:
        return None
    kind = TensorType(var.dtype, (var.size,))
    made = formula(operand(0, var.dtype), operand(1, var.dtype))
    what = Elementwise((var.size,), (kind, kind), (Output(made),))
    if not what.is_printable:
        return None
    native = elementwise(what, how)
    return Native(always(lambda: [c.on({BufferRef("out", 0): BufferRef("in", 0)}) for c in native.calls((True,))]))
