"""Softmax, log-softmax and the cross-entropies, row by row."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from minigraph.backend.base import Types
from minigraph.backend.workspace import ins, outs
from minigraph.backends.llvm.approx import Approximations, lane_by_lane
from minigraph.backends.llvm.builder import (
    F32,
    I64,
    Builder,
    Frame,
    Value,
    at,
    function,
    index,
    number,
    offset,
    splat,
    vector,
)
from minigraph.backends.llvm.indices import checked, write_index
from minigraph.backends.llvm.native import Call, LoweringContext, Native, always
from minigraph.backends.llvm.rows import Row, Rows, each_row, rows_of
from minigraph.backends.llvm.scalar import fold, larger_float
from minigraph.core.types import TensorType
from minigraph.ops.nn import loss as L

GRAIN = 1 << 12  # elements of a task


def _fits(x: TensorType) -> bool:
    return x.size > 0 and x.dtype.np_dtype.kind == "f" and x.dtype.size >= 4


def _function(b: Builder, name: str, x: Value, kind: Any, width: int) -> Value:
    """The exponential or logarithm of a vector."""
    if kind == F32:
        found: Value = getattr(Approximations(b, width), name)(x)
        return found
    return lane_by_lane(b, name, [x], function(b, name, kind, [kind]))


class _Softmax:
    """The statistics of one row of logits at pointer 0: its maximum m and Σ e^(x − m)."""

    def __init__(self, frame: Frame, rows: Rows, row: Value, powers: int | None = None) -> None:
        """powers: the pointer of a result that stores e^(x − m)."""
        self.row, self.rows, self.b = Row(frame, rows, row), rows, frame.b
        b, kind, width = frame.b, rows.kind, rows.width

        def largest(j: Value, is_whole: bool, m: Value) -> list[Value]:
            return [larger_float(b, self.row.load(0, j, is_whole, -math.inf), m)]

        (m,) = self.row.along([number(kind, -math.inf, width)], largest)
        self.m = splat(b, fold(b, m, width, lambda x, y: larger_float(b, x, y)), width)

        def power(j: Value, is_whole: bool, total: Value) -> list[Value]:
            e = self._exp(self.shifted(j, is_whole))
            if powers is not None:
                self.row.store(powers, j, is_whole, e)
            return [b.fadd(total, self.row.only(e, is_whole))]

        (total,) = self.row.along([number(kind, 0.0, width)], power)
        self.total = fold(b, total, width, b.fadd)

    def _exp(self, x: Value) -> Value:
        return _function(self.b, "exp", x, self.rows.kind, self.rows.width)

    def shifted(self, j: Value, is_whole: bool) -> Value:
        """x − m. Reads the logits, so they must not be overwritten yet."""
        return self.b.fsub(self.row.load(0, j, is_whole, -math.inf), self.m)

    def log_total(self) -> Value:
        """log Σ e^(x − m), in all lanes."""
        return splat(self.b, _function(self.b, "log", self.total, self.rows.kind, 1), self.rows.width)

    def share(self, j: Value, is_whole: bool, powers: int) -> Value:
        """e^(x − m) / Σ, from the stored powers."""
        return self.b.fdiv(self.row.load(powers, j, is_whole, 0.0), splat(self.b, self.total, self.rows.width))


def softmax(op: L.Softmax, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """e^(x − max x) / Σ."""

    def finish(row: _Softmax) -> None:
        def divide(j: Value, is_whole: bool) -> list[Value]:
            row.row.store(1, j, is_whole, row.share(j, is_whole, 1))
            return []

        row.row.along([], divide)

    return _along_rows(in_types[0], how, 1, finish)


def log_softmax(op: L.LogSoftmax, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """x − max x − log Σ e^(x − max x)."""

    def finish(row: _Softmax) -> None:
        log_total = row.log_total()

        def subtract(j: Value, is_whole: bool) -> list[Value]:
            row.row.store(1, j, is_whole, row.b.fsub(row.shifted(j, is_whole), log_total))
            return []

        row.row.along([], subtract)

    return _along_rows(in_types[0], how, None, finish)


def _along_rows(
    x: TensorType, how: LoweringContext, powers: int | None, finish: Callable[[_Softmax], None]
) -> Native | None:
    if not _fits(x):
        return None
    rows = rows_of(x)
    tasks = 1 if how.inside else rows.tasks(GRAIN)

    def make() -> list[Call]:
        frame = Frame(2)
        with each_row(frame, rows, tasks) as row:
            finish(_Softmax(frame, rows, row, powers))
        return [Call(frame.text, "kernel", tasks, (*ins(0), *outs(0)))]

    return Native(always(make), inplace=(0,))


def cross_entropy(
    op: L.SoftmaxCrossEntropyWithLogits, in_types: Types, out_types: Types, how: LoweringContext
) -> Native | None:
    """The loss −Σ y·log p and p − y per row."""
    if in_types[0].shape != in_types[1].shape:
        return None

    def labels(row: Row, number: Value, j: Value, is_whole: bool) -> Value:
        return row.load(1, j, is_whole, 0.0)

    return _cross_entropy(in_types[0], how, labels)


def sparse_cross_entropy(
    op: L.SparseSoftmaxCrossEntropyWithLogits, in_types: Types, out_types: Types, how: LoweringContext
) -> Native | None:
    """The loss −log p_y and p − onehot(y) per row."""
    logits, classes = in_types
    width = logits.static[-1]

    def labels(row: Row, number_: Value, j: Value, is_whole: bool) -> Value:
        b, rows = row.b, row.rows
        label = write_index(row.frame, classes, 1, number_)
        lanes = vector(I64, rows.width)
        steps = lanes(list(range(rows.width))) if rows.width > 1 else index(0)
        here = b.icmp_signed("==", b.add(splat(b, j, rows.width), steps), splat(b, label, rows.width))
        return b.select(here, number(rows.kind, 1.0, rows.width), number(rows.kind, 0.0, rows.width))

    native = _cross_entropy(logits, how, labels)
    return native and checked(native, classes, 1, width, "labels")


def _cross_entropy(
    logits: TensorType,
    how: LoweringContext,
    labels: Callable[[Row, Value, Value, bool], Value],
) -> Native | None:
    if not _fits(logits):
        return None
    rows = rows_of(logits)
    tasks = 1 if how.inside else rows.tasks(GRAIN)

    def calls(wanted: tuple[bool, ...]) -> list[Call]:
        frame = Frame(2 + sum(wanted))
        backprop = 1 + sum(wanted) if wanted[1] else None
        with each_row(frame, rows, tasks) as number_:
            row = _Softmax(frame, rows, number_, backprop)
            if wanted[0]:
                _write_loss(frame, row, number_, labels)
            if backprop is not None:
                _write_backprop(row, number_, labels, backprop)
        places = (*ins(0, 1), *outs(*(i for i in range(2) if wanted[i])))
        return [Call(frame.text, "kernel", tasks, places)]

    return Native(calls)


def _write_loss(frame: Frame, row: _Softmax, number_: Value, labels: Any) -> None:
    b, rows = row.b, row.rows
    log_total = row.log_total()

    def add(j: Value, is_whole: bool, total: Value) -> list[Value]:
        log_p = b.fsub(row.shifted(j, is_whole), log_total)
        term = b.fmul(labels(row.row, number_, j, is_whole), log_p)
        return [b.fadd(total, row.row.only(term, is_whole))]

    (total,) = row.row.along([number(rows.kind, 0.0, rows.width)], add)
    loss = b.fneg(fold(b, total, rows.width, b.fadd))
    b.store(loss, at(b, frame.pointers[2], offset(b, (number_, 1)), rows.kind), align=1)


def _write_backprop(row: _Softmax, number_: Value, labels: Any, backprop: int) -> None:
    def subtract(j: Value, is_whole: bool) -> list[Value]:
        value = row.b.fsub(row.share(j, is_whole, backprop), labels(row.row, number_, j, is_whole))
        row.row.store(backprop, j, is_whole, value)
        return []

    row.row.along([], subtract)
