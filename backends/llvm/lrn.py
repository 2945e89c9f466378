"""Local response normalisation, pixel by pixel."""

from __future__ import annotations

from collections.abc import Callable

from minigraph.backend.base import Types
from minigraph.backend.workspace import ins, outs
from minigraph.backends.llvm.builder import Frame, Value, at, index, number, vector, zero
from minigraph.backends.llvm.native import Call, LoweringContext, Native, always
from minigraph.backends.llvm.rows import Row, Rows, each_row, rows_of
from minigraph.backends.llvm.scalar import Printer
from minigraph.core.scalar import Scalar, call, constant, operand
from minigraph.core.types import TensorType
from minigraph.ops.nn.lrn import LRN, WindowSum

GRAIN = 1 << 13  # elements of a task
WIDEST = 1 << 14  # most channels; those of a pixel lie on the stack

Finish = Callable[[Scalar, Scalar], Scalar]  # (an element, the sum of its window) → the result


def lrn(op: LRN, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """x·(bias + α·Σ x²)^−β. The power is computed by exponential and logarithm, as its base is positive."""
    kind = in_types[0].dtype
    if op.bias <= 0 or op.alpha < 0 or kind.size < 4:
        return None
    bias, alpha, beta = (constant(v, kind) for v in (op.bias, op.alpha, op.beta))

    def finish(x: Scalar, energy: Scalar) -> Scalar:
        return x * call("exp", -(beta * call("log", energy * alpha + bias)))

    native = _windows(in_types[0], op.depth_radius, how, lambda x: x * x, finish)
    return native and native._replace(inplace=(0,))


def window_sum(op: WindowSum, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """The sum of the elements at most `radius` away."""
    if in_types[0].dtype.size < 4:
        return None
    return _windows(in_types[0], op.radius, how, lambda x: x, lambda x, total: total)


def _windows(
    x: TensorType, radius: int, how: LoweringContext, term: Callable[[Scalar], Scalar], finish: Finish
) -> Native | None:
    if not x.size or not x.static or x.static[-1] > WIDEST:
        return None
    rows, reach = rows_of(x), min(radius, x.static[-1] - 1)
    tasks = 1 if how.inside else rows.tasks(GRAIN)
    element, total = operand(0, x.dtype), operand(1, x.dtype)

    def make() -> list[Call]:
        frame = Frame(2)
        with each_row(frame, rows, tasks) as number_:
            _write_row(frame, rows, number_, reach, term(element), finish(element, total))
        return [Call(frame.text, "kernel", tasks, (*ins(0), *outs(0)))]

    return Native(always(make))


def _write_row(frame: Frame, rows: Rows, number_: Value, reach: int, term: Scalar, finish: Scalar) -> None:
    """Write a row: its terms with zeros around them, then the window sums of these."""
    b, kind, width = frame.b, rows.kind, rows.width
    row = Row(frame, rows, number_)
    most = rows.length + 2 * reach + 2 * width
    terms = frame.stack_array("terms", most, kind)
    nbytes = 8 if str(kind) == "double" else 4
    zero(b, terms, index(reach * nbytes))
    zero(b, at(b, terms, index(reach + rows.length), kind), index((reach + width) * nbytes))

    def keep(j: Value, is_whole: bool) -> list[Value]:
        x = row.load(0, j, is_whole, 0.0)
        value = Printer(b, [x], width).value(term)
        b.store(row.only(value, is_whole), at(b, terms, b.add(j, index(reach)), kind), align=1)
        return []

    row.along([], keep)

    def add(j: Value, is_whole: bool) -> list[Value]:
        total = number(kind, 0.0, width)
        for d in range(2 * reach + 1):
            part = b.load(at(b, terms, b.add(j, index(d)), kind), typ=vector(kind, width), align=1)
            total = b.fadd(total, part)
        x = row.load(0, j, is_whole, 0.0)
        row.store(1, j, is_whole, Printer(b, [x, total], width).value(finish))
        return []

    row.along([], add)
