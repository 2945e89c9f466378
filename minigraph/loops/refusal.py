"""Kernels that tell whether integers that come as data lie in their range."""

from __future__ import annotations

from collections.abc import Sequence

from minigraph.core.dtypes import bool_, int64
from minigraph.core.scalar import Scalar, call, cast
from minigraph.core.types import TensorType
from minigraph.loops.builder import Statement
from minigraph.loops.index import Index
from minigraph.loops.kernel import OR, Kernel


def outside(types: Sequence[TensorType], limit: int, place: int = 1) -> Kernel:
    """Whether an integer of the operand at `place` is not in [0, limit)."""
    return _outside(types, (limit,), place)


def vectors_outside(types: Sequence[TensorType], limits: Sequence[int]) -> Kernel | None:
    """Whether a vector in the last axis of operand 1 leaves [0, limit) somewhere: an element for each axis."""
    depth = types[1].static[-1]
    return _outside(types, limits[:depth]) if depth else None


def _outside(types: Sequence[TensorType], limits: Sequence[int], place: int = 1) -> Kernel:
    k, depth = Statement("outside"), len(limits)
    count = types[place].size // depth
    vectors = [k.operand(t, (count, depth) if n == place else None) for n, t in enumerate(types)][place]
    found = k.result(TensorType(bool_, (depth,)))
    for d, limit in enumerate(limits):
        with k.over(1):
            term = lambda j, d=d, limit=limit: [is_outside(vectors[j, d], limit)]  # noqa: E731
            k.store(found, (Index.of(d),), k.reduce([count], OR, [False], [bool_], term)[0])
    return k.done()


def is_outside(value: Scalar, limit: int | Scalar) -> Scalar:
    """Whether an integer is not in [0, limit)."""
    number = cast(value, int64)
    return call("logical_or", call("less", number, 0), call("greater_equal", number, limit))
