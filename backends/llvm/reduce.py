"""Reductions: sums as elementwise loops; extrema, their positions, and products in registers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from minigraph.backend.base import Types
from minigraph.backend.workspace import ins, outs
from minigraph.backends.llvm.builder import (
    I64,
    Frame,
    Value,
    at,
    element,
    index,
    loop,
    number,
    offset,
    reduce_loop,
    smaller,
    splat,
    vector,
)
from minigraph.backends.llvm.compiler import host
from minigraph.backends.llvm.loop import Elementwise, Output, elementwise, elementwise_of
from minigraph.backends.llvm.native import Call, LoweringContext, Native, always
from minigraph.backends.llvm.rows import TASKS
from minigraph.backends.llvm.scalar import Printer, fold, load, register, store
from minigraph.backends.llvm.tile import parts
from minigraph.core.dtypes import DType, float32
from minigraph.core.scalar import call, operand
from minigraph.core.types import TensorType
from minigraph.ir.regions import collapse, single_op_loop
from minigraph.ops.broadcast import BroadcastTo, ReduceLike, broadcast_axes, normalise_axes, restore_axes
from minigraph.ops.math import reduce as R
from minigraph.ops.math.argmax import ArgMax
from minigraph.ops.nn.loss import L2Loss

GRAIN = 1 << 14  # elements of a task
VECTORS = 4  # independent vectors, so that no operation waits for the one before

Combine = Callable[[Value, Value, int], Value]
Column = tuple[Value, int]  # elements of the last axis: the first, and their number
Term = Callable[[Value, int, Sequence[Value]], Value]  # (elements, the vector's width, its reduced indices) → the term


def sum_over(x: TensorType, axes: Sequence[int], how: LoweringContext, divisor: int = 1) -> Native | None:
    """Σ x over `axes`, divided by a number."""
    if not x.size:
        return None
    what = elementwise_of(single_op_loop(R.Sum(tuple(axes), True), (x,), x.static), how.adds)
    if what is None or divisor == 1:
        return what and elementwise(what, how)
    if not x.dtype.is_floating or how.adds:
        return None
    size = x.size // math.prod(x.static[a] for a in axes)
    quotient = Output(operand(0, x.dtype) / divisor)
    dividing = elementwise(Elementwise((size,), (TensorType(x.dtype, (size,)),), (quotient,)), how)
    adding = elementwise(what, how)

    def make() -> list[Call]:
        in_place = dict(zip(ins(0), outs(0), strict=True))
        return [*adding.calls((True,)), *(c.on(in_place) for c in dividing.calls((True,)))]

    return Native(always(make), adding.workspace)


def mean(op: R.Mean, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """Σ x / n."""
    x = in_types[0]
    axes = normalise_axes(op.axis, len(x.static))
    if not x.dtype.is_floating:
        return None
    return sum_over(x, axes, how, math.prod(x.static[a] for a in axes))


def reduce_like(op: ReduceLike, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """The adjoint of a broadcast."""
    x, like = in_types
    axes = broadcast_axes(x.static, restore_axes(like.static, op.axis, x.static))
    if op.mean and not x.dtype.is_floating:
        return None
    return sum_over(x, axes, how, x.size // max(like.size, 1) if op.mean else 1)


def l2_loss(op: L2Loss, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """Σ x² / 2."""
    x = in_types[0]
    if not x.size:
        return None
    value = operand(0, x.dtype)
    half = Output(value * value * 0.5, (0,))
    what = Elementwise((x.size,), (TensorType(x.dtype, (x.size,)),), (half,))
    return elementwise(what, how) if what.is_printable else None


def broadcast_to(op: BroadcastTo, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """The gradient of a mean: copies of the operand divided by their number."""
    x, out = in_types[0], out_types[0]
    kept = restore_axes(x.static, op.axis, op.shape)
    kept = (1,) * (len(out.static) - len(kept)) + kept
    if not out.size or not x.dtype.is_floating:
        return None
    share = operand(0, x.dtype) / (out.size // x.size)
    what = Elementwise(out.static or (1,), (TensorType(x.dtype, kept or (1,)),), (Output(share),))
    return elementwise(what, how) if what.is_printable else None


class _Reducer:
    """Writes reductions over the `reduced` axes of `space`, of the array at pointer 0 from `base` on."""

    def __init__(self, frame: Frame, space: Sequence[int], reduced: Sequence[int], dtype: DType, base: Value) -> None:
        self.frame, self.b, self.dtype, self.base = frame, frame.b, dtype, base
        last = len(space) - 1
        self.length = space[-1]
        self.loops = [(space[a], math.prod(space[a + 1 :])) for a in reduced if a != last]

    def _load(self, place: Value, width: int) -> Value:
        address = at(self.b, self.frame.pointers[0], place, element(self.dtype))
        return load(self.b, address, self.dtype, width)

    def _nested(
        self, depth: int, place: Value, indices: Sequence[Value], values: Sequence[Value], body: Any
    ) -> list[Value]:
        """Write `body(place, indices, *values)` for all indices of the outer reduced axes. It returns the next
        values."""
        if depth == len(self.loops):
            return list(body(place, indices, *values))
        (length, stride), b = self.loops[depth], self.b

        def once(i: Value, *found: Value) -> list[Value]:
            return self._nested(depth + 1, b.add(place, offset(b, (i, stride))), (*indices, i), found, body)

        return reduce_loop(b, index(0), index(length), 1, list(values), once)

    def find(self, column: Column | None, initial: Any, kind: Any, combine: Combine, term: Term) -> Value:
        """The results of a vector of columns, or one result if the last axis is reduced too."""
        if column is None:
            return self._row(initial, kind, combine, term)
        start, width = column

        def body(place: Value, indices: Sequence[Value], found: Value) -> list[Value]:
            return [combine(found, term(self._load(self.b.add(place, start), width), width, indices), width)]

        (found,) = self._nested(0, self.base, (), [number(kind, initial, width)], body)
        return found

    def _row(self, initial: Any, kind: Any, combine: Combine, term: Term) -> Value:
        b, lanes = self.b, VECTORS * host().lanes
        whole = self.length // lanes * lanes
        rest = [(whole + start, width) for start, width in parts(self.length - whole)]

        def body(place: Value, indices: Sequence[Value], *values: Value) -> list[Value]:
            made = list(values)

            def step(j: Value, found: Value, width: int = lanes) -> list[Value]:
                return [combine(found, term(self._load(b.add(place, j), width), width, (*indices, j)), width)]

            if whole:
                made[0] = reduce_loop(b, index(0), index(whole), lanes, made[:1], step)[0]
            for n, (start, width) in enumerate(rest, len(made) - len(rest)):
                made[n] = step(index(start), made[n], width)[0]
            return made

        widths = [lanes] * bool(whole) + [width for _, width in rest]
        found = self._nested(0, self.base, (), [number(kind, initial, w) for w in widths], body)
        folded = [
            fold(b, v, w, lambda x, y: combine(x, y, getattr(x.type, "count", 1)))
            for v, w in zip(found, widths, strict=True)
        ]
        total = folded[0]
        for value in folded[1:]:
            total = combine(total, value, 1)
        return total


def _combine(frame: Frame, function: str, dtype: DType) -> Combine:
    expression = call(function, operand(0, dtype), operand(1, dtype))
    return lambda x, y, width: Printer(frame.b, (x, y), width).value(expression)


def _as_it_is(x: Value, width: int, indices: Sequence[Value]) -> Value:
    return x


def _reduce(
    x: TensorType,
    axes: Sequence[int],
    out: DType,
    how: LoweringContext,
    write: Callable[[_Reducer, Column | None], Value],
) -> Native | None:
    """A reduction. `write` gets the start and width of some columns, or None for a row, and returns the results."""
    if not x.size or x.dtype.np_dtype.kind not in "fiub" or x.dtype.name == "float16":
        return None
    program, space = collapse(single_op_loop(R.Sum(tuple(axes), True), (TensorType(float32, x.shape),), x.static))
    reduced = program.results[0].instr.op.axis  # type: ignore[attr-defined]
    is_row = len(space) - 1 in reduced
    outer = [(d, math.prod(space[a + 1 :])) for a, d in enumerate(space) if a not in reduced][: None if is_row else -1]
    count = math.prod(d for d, _ in outer)
    tasks = 1 if how.inside else max(1, min(TASKS, count, x.size // GRAIN))
    chunk = -(-count // tasks)
    length = 1 if is_row else space[-1]

    def make() -> list[Call]:
        frame = Frame(2)
        with frame.tasks("kernel") as task:
            b = frame.b
            low = b.mul(task, index(chunk))
            with loop(b, low, smaller(b, b.add(low, index(chunk)), index(count))) as o:
                reducer = _Reducer(frame, space, reduced, x.dtype, _place(b, o, outer))

                def put(start: Value, width: int, column: Column | None) -> None:
                    to = at(b, frame.pointers[1], b.add(offset(b, (o, length)), start), element(out))
                    store(b, write(reducer, column), to, out, width)

                if is_row:
                    put(index(0), 1, None)
                else:
                    _columns(b, length, lambda start, width: put(start, width, (start, width)))
        return [Call(frame.text, "kernel", -(-count // chunk), (*ins(0), *outs(0)))]

    return Native(always(make))


def _place(b: Any, number_: Value, outer: Sequence[tuple[int, int]]) -> Value:
    """The start of combination `number_` of the outer indices."""
    place = index(0)
    for length, stride in reversed(outer):
        place = b.add(place, b.mul(b.srem(number_, index(length)), index(stride)))
        number_ = b.sdiv(number_, index(length))
    return place


def _columns(b: Any, length: int, write: Callable[[Value, int], None]) -> None:
    """Write `write(start, width)` for vectors that cover the length."""
    lanes = VECTORS * host().lanes
    whole = length // lanes * lanes
    with loop(b, index(0), index(whole), lanes) as j:
        write(j, lanes)
    for start, width in parts(length - whole):
        write(index(whole + start), width)


def _plain(function: str, initial: Any, op: Any, x: TensorType, how: LoweringContext) -> Native | None:
    def write(reducer: _Reducer, column: Column | None) -> Value:
        combine, kind = _combine(reducer.frame, function, x.dtype), register(x.dtype)
        return reducer.find(column, initial, kind, combine, _as_it_is)

    return _reduce(x, normalise_axes(op.axis, len(x.static)), x.dtype, how, write)


def _worst(x: TensorType, function: str) -> Any:
    """The value that no element is below (for a maximum) or above (for a minimum)."""
    if x.dtype.is_floating:
        return -math.inf if function == "maximum" else math.inf
    return x.dtype.min if function == "maximum" else x.dtype.max


def extremum(op: R.Extremum, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """The largest or smallest element. NaN wins over all others."""
    function = {"max": "maximum", "min": "minimum"}[op.function]
    return _plain(function, _worst(in_types[0], function), op, in_types[0], how)


def prod(op: R.Prod, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """Π x."""
    x = in_types[0]
    return _plain("multiply", 1.0 if x.dtype.is_floating else 1, op, x, how)


def truth(op: R.All | R.Any_, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """Whether all elements are true, or any is."""
    every = op.function == "all"
    return _plain("logical_and" if every else "logical_or", int(every), op, in_types[0], how)


def argmax(op: ArgMax, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """The position of the extremum or of the first NaN: the smallest index whose element equals it."""
    x, out = in_types[0], out_types[0].dtype
    if x.dtype.is_bool:
        return None
    function = "maximum" if op.function == "argmax" else "minimum"
    (axis,) = normalise_axes((op.axis,), len(x.static))
    none = x.static[axis]

    def write(reducer: _Reducer, column: Column | None) -> Value:
        b, kind = reducer.b, register(x.dtype)
        best, start = _combine(reducer.frame, function, x.dtype), _worst(x, function)
        extreme = reducer.find(column, start, kind, best, _as_it_is)

        def here(value: Value, width: int, indices: Sequence[Value]) -> Value:
            wanted = splat(b, extreme, width) if column is None else extreme
            if x.dtype.is_floating:
                hit = b.or_(b.fcmp_ordered("==", value, wanted), b.fcmp_unordered("uno", value, value))
            else:
                hit = b.icmp_signed("==", value, wanted)
            where = splat(b, indices[-1], width) if indices else number(I64, 0, width)
            if column is None and width > 1:
                where = b.add(where, vector(I64, width)(list(range(width))))
            return b.select(hit, where, number(I64, none, width))

        def first(p: Value, q: Value, width: int) -> Value:
            return b.select(b.icmp_signed("<", p, q), p, q)

        found = reducer.find(column, none, I64, first, here)
        width = 1 if column is None else column[1]
        return found if out.size == 8 else b.trunc(found, vector(element(out), width))

    return _reduce(x, (axis,), out, how, write)
