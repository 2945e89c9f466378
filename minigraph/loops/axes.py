"""Shapes seen around an axis, for kernels that treat all other axes alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence

from minigraph.core.scalar import Scalar, cast
from minigraph.core.types import TensorType
from minigraph.loops.builder import Statement, accumulator
from minigraph.loops.index import Index
from minigraph.loops.kernel import Kernel, Monoid


def around(shape: Sequence[int], axis: int) -> tuple[int, int, int]:
    """The shape as (axes before, the axis, axes after)."""
    place = axis % len(shape)
    return math.prod(shape[:place]), shape[place], math.prod(shape[place + 1 :])


def grouped(shape: Sequence[int], axes: Collection[int]) -> list[tuple[int, bool]]:
    """The shape with neighbouring axes made one; says of each whether it is one of `axes`."""
    groups: list[tuple[int, bool]] = []
    for axis, length in enumerate(shape):
        chosen = axis in axes
        if groups and groups[-1][1] == chosen:
            groups[-1] = groups[-1][0] * length, chosen
        else:
            groups.append((length, chosen))
    return groups


def reduction(
    monoid: Monoid, x_type: TensorType, axes: Collection[int], out_type: TensorType, initial: Scalar | float,
    term: Callable[[Scalar], Scalar] = lambda x: x, finish: Callable[[Scalar], Scalar] = lambda total: total,
) -> Kernel:  # fmt: skip
    """Reduce an operand over some of its axes: finish(combined term(x)), in float32 for float16."""
    kind = accumulator(x_type.dtype)
    groups = grouped(x_type.static, axes)
    if not any(reduced for _, reduced in groups):  # a scalar, or no axes
        groups.append((1, True))
    k = Statement(f"reduce_{monoid.name}")
    x = k.operand(x_type, [length for length, _ in groups])
    kept = [length for length, reduced in groups if not reduced] or [1]
    y = k.result(out_type, kept)
    with k.over(*kept) as outer:

        def read(*inner: Index) -> list[Scalar]:
            away, near = iter(inner), iter(outer)
            return [term(cast(x[tuple(next(away) if reduced else next(near) for _, reduced in groups)], kind))]

        (total,) = k.reduce([n for n, reduced in groups if reduced], monoid, [initial], [kind], read)
        k.store(y, outer, finish(total))
    return k.done()
