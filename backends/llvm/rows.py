"""Kernels that go along rows, the last axis, by vectors; the last vector of a row may be masked."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from minigraph.backends.llvm.builder import (
    I1,
    I32,
    POINTER,
    VOID,
    Frame,
    Value,
    at,
    element,
    function,
    index,
    loop,
    number,
    offset,
    reduce_loop,
    smaller,
    vector,
)
from minigraph.backends.llvm.compiler import host
from minigraph.core.types import TensorType

TASKS = 64  # most tasks


@dataclass(frozen=True)
class Rows:
    """`count` rows of `length` elements. kind: an element's type. width: lanes of a vector."""

    count: int
    length: int
    kind: Any
    width: int

    @property
    def rest(self) -> int:
        """Elements of a row's last vector if it is not full."""
        return self.length % self.width

    def tasks(self, grain: int) -> int:
        """The number of tasks of at least `grain` elements."""
        return max(1, min(TASKS, self.count, self.count * self.length // grain))


def rows_of(type: TensorType) -> Rows:
    """A tensor as rows of its last axis."""
    shape = type.static
    width = min(host().lanes, 1 << max(shape[-1] - 1, 0).bit_length())
    return Rows(math.prod(shape[:-1]), shape[-1], element(type.dtype), width)


@contextmanager
def each_row(frame: Frame, rows: Rows, tasks: int) -> Iterator[Value]:
    """The kernel "kernel" with its loop over the rows."""
    chunk = -(-rows.count // tasks)
    with frame.tasks("kernel") as task:
        b = frame.b
        low = b.mul(task, index(chunk))
        with loop(b, low, smaller(b, b.add(low, index(chunk)), index(rows.count))) as row:
            yield row


class Row:
    """One row of an array, read and written by vectors; the last one may be partial."""

    def __init__(self, frame: Frame, rows: Rows, row: Value) -> None:
        self.b, self.rows = frame.b, rows
        self.frame = frame
        self.start = offset(self.b, (row, rows.length))

    def along(self, initial: Sequence[Value], body: Callable[..., Sequence[Value]]) -> list[Value]:
        """Write `body(place, is_whole, *values)` for all vectors of the row in order; it returns the next values."""
        rows, values = self.rows, list(initial)
        whole = rows.length - rows.rest
        if whole:
            values = reduce_loop(self.b, index(0), index(whole), rows.width, values, lambda j, *v: body(j, True, *v))
        return list(body(index(whole), False, *values)) if rows.rest else values

    def _address(self, pointer: int, place: Value, kind: Any) -> Value:
        return at(self.b, self.frame.pointers[pointer], self.b.add(self.start, place), kind)

    def mask(self) -> Value:
        """The lanes used by the row's last vector."""
        return ir.Constant(vector(I1, self.rows.width), [i < self.rows.rest for i in range(self.rows.width)])

    def load(self, pointer: int, place: Value, is_whole: bool, fill: float) -> Value:
        """A vector of an operand; unused lanes hold `fill`."""
        b, rows = self.b, self.rows
        kind, address = vector(rows.kind, rows.width), self._address(pointer, place, rows.kind)
        if is_whole:
            return b.load(address, typ=kind, align=1)
        mask, filling = self.mask(), number(rows.kind, fill, rows.width)
        name = f"llvm.masked.load.{_suffix(kind)}.p0"
        load = function(b, name, kind, [POINTER, I32, mask.type, kind])
        return b.call(load, [address, I32(1), mask, filling])

    def store(self, pointer: int, place: Value, is_whole: bool, value: Value) -> None:
        """A vector of a result."""
        b, rows = self.b, self.rows
        address = self._address(pointer, place, rows.kind)
        if is_whole:
            b.store(value, address, align=1)
            return
        mask = self.mask()
        name = f"llvm.masked.store.{_suffix(value.type)}.p0"
        store = function(b, name, VOID, [value.type, POINTER, I32, mask.type])
        b.call(store, [value, address, I32(1), mask])

    def only(self, value: Value, is_whole: bool, fill: float = 0.0) -> Value:
        """The value in the lanes that the row uses, `fill` in the others."""
        if is_whole:
            return value
        return self.b.select(self.mask(), value, number(self.rows.kind, fill, self.rows.width))


def _suffix(kind: Any) -> str:
    return f"v{kind.count}{'f32' if str(kind.element) == 'float' else 'f64'}"
