"""Shapes seen around an axis, for kernels that treat all other axes alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence

from minigraph.core.scalar import Scalar, call, cast, where
from minigraph.core.types import TensorType
from minigraph.loops.builder import Statement, accumulator
from minigraph.loops.index import Index
from minigraph.loops.kernel import ADD, Kernel, Monoid


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


def summed(x_type: TensorType, axes: Collection[int], out_type: TensorType) -> Kernel:
    """Σ x over some of its axes."""
    return reduction(ADD, x_type, axes, out_type, 0)


def averaged(x_type: TensorType, axes: Collection[int], out_type: TensorType) -> Kernel:
    """Σ x over some of its axes, divided by the number of terms. For integers the quotient is rounded towards 0."""
    count = math.prod(x_type.static[a] for a in axes)

    def finish(total: Scalar) -> Scalar:
        if total.dtype.is_floating:
            return total / count
        whole = call("floor_divide", call("absolute", total), max(count, 1))
        return where(call("less", total, 0), -whole, whole) if total.dtype.np_dtype.kind == "i" else whole

    return reduction(ADD, x_type, axes, out_type, 0, finish=finish)


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
