"""The record of an op that only moves data: which elements of its inputs go where in its outputs.

An op states the record in its rule `moves`, mostly by a view in NumPy's manner:

    def moves(self, in_types, out_types):
        return read(in_types[0], lambda x: x.transpose(self.perm))

A backend prints any such record with one kernel, so that these ops need no code of their own in a backend.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigraph.core.errors import InternalError
from minigraph.core.types import TensorType

View = Callable[[Any], Any]  # of an array, without a copy


class Strided(NamedTuple):
    """Part of the input or output number `position`, an array in C order.

    offset: the place of the part's first element in the array. strides: the distance between elements along each axis
    of the part. Both count elements.
    """

    position: int
    offset: int
    strides: tuple[int, ...]


class Move(NamedTuple):
    """A copy of an array of `shape` from a part of an input to a part of an output."""

    shape: tuple[int, ...]
    source: Strided
    target: Strided

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    def merged(self) -> list[tuple[int, int, int]]:
        """Length, source stride and target stride of each axis, with as few axes as possible, but at least one."""
        return merge_axes(self.shape, self.source.strides, self.target.strides) or [(1, 1, 1)]  # type: ignore[return-value]


class Gap(NamedTuple):
    """A part of `shape` of an output, to be filled."""

    shape: tuple[int, ...]
    target: Strided

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    def merged(self) -> list[tuple[int, int]]:
        """Length and stride of each axis, with as few axes as possible, but at least one."""
        return merge_axes(self.shape, self.target.strides) or [(1, 1)]  # type: ignore[return-value]


class Moves(NamedTuple):
    """Everything an op does: copies of parts that do not overlap in the outputs, in any order.

    fill: the value of all output elements that no part writes; None if the parts write all.
    """

    parts: tuple[Move, ...]
    fill: Any = None

    def gaps(self, out_types: Sequence[TensorType]) -> Iterator[Gap]:
        """Parts of the outputs to fill before the copies: the borders around a single block, else whole outputs."""
        if self.fill is None:
            return
        for position, kind in enumerate(out_types):
            inside = [p for p in self.parts if p.target.position == position]
            borders = _borders(inside[0], kind.static) if len(inside) == 1 else None
            whole = Gap(kind.static, Strided(position, 0, c_strides(kind.static)))
            yield from (gap for gap in ([whole] if borders is None else borders) if gap.size)


def c_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of an array in C order, in elements."""
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


def merge_axes(shape: Sequence[int], *strides: Sequence[int]) -> list[tuple[int, ...]]:
    """Length and strides of each axis, without axes of length 1 and with neighbours merged where all strides allow."""
    axes: list[tuple[int, ...]] = []
    for length, *steps in zip(shape, *strides, strict=True):
        if length == 1:
            continue
        if axes and list(axes[-1][1:]) == [length * step for step in steps]:
            axes[-1] = (axes[-1][0] * length, *steps)
        else:
            axes.append((length, *steps))
    return axes


def _borders(part: Move, shape: tuple[int, ...]) -> list[Gap] | None:
    """The borders around a part that is a block of an output of that shape; None if it is no block."""
    strides = c_strides(shape)
    if part.target.strides != strides:
        return None
    gaps = []
    start, rest = 0, part.target.offset
    inner = list(shape)
    for axis, stride in enumerate(strides):
        before, rest = divmod(rest, stride)
        after = shape[axis] - before - part.shape[axis]
        if after < 0:
            return None
        for length, begin in ((before, 0), (after, before + part.shape[axis])):
            dims = (*inner[:axis], length, *inner[axis + 1 :])
            gaps.append(Gap(dims, Strided(part.target.position, start + begin * stride, strides)))
        inner[axis] = part.shape[axis]
        start += before * stride
    return gaps


def read(x: TensorType, *views: View) -> Moves:
    """Moves that make output n of `views[n]` of input 0, whose type is x."""
    parts = [_part(x, view) for view in views]
    return Moves(tuple(
        Move(shape, Strided(0, offset, strides), Strided(n, 0, c_strides(shape)))
        for n, (shape, offset, strides) in enumerate(parts) if math.prod(shape)
    ))  # fmt: skip


def write(y: TensorType, *views: View, fill: Any = None) -> Moves:
    """Moves that put input n into `views[n]` of output 0, whose type is y; `fill` is the value of other elements."""
    parts = [_part(y, view) for view in views]
    return Moves(tuple(
        Move(shape, Strided(n, 0, c_strides(shape)), Strided(0, offset, strides))
        for n, (shape, offset, strides) in enumerate(parts) if math.prod(shape)
    ), fill)  # fmt: skip


def at(index: tuple[Any, ...]) -> View:
    """The view `array[index]`, also where the index selects a single element."""
    whole = index if any(entry is Ellipsis for entry in index) else (*index, Ellipsis)
    return lambda array: array[whole]


def _part(array: TensorType, view: View) -> tuple[tuple[int, ...], int, tuple[int, ...]]:
    """Shape, offset and strides of a view. NumPy computes them on a byte for each element, none of which is touched."""
    whole = np.empty(array.static, np.uint8)
    part = view(whole)
    offset = _address(part) - _address(whole)
    if part.size and not 0 <= offset < whole.size:
        raise InternalError(f"the view of an array of shape {list(whole.shape)} in the rule `moves` makes a copy")
    return part.shape, offset, part.strides


def _address(array: Any) -> int:
    found: int = array.__array_interface__["data"][0]
    return found
