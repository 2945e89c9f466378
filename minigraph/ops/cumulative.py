"""Running sums."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import TensorType
from minigraph.ops.builder import apply, first, make
from minigraph.ops.reduce import check_axes

_X = np.arange(12.0).reshape(3, 4)


class Cumsum(Op):
    """y_i = Σ_{j ≤ i} x_j along `axis`; j < i with `exclusive`; from the end with `reverse`."""

    axis: int = 0
    exclusive: bool = False
    reverse: bool = False
    on_host = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        if x.shape is not None:
            check_axes((self.axis,), x)
        return (x,)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        moved = xp.moveaxis(x, self.axis, 0)
        ordered = moved[::-1] if self.reverse else moved
        total = xp.cumsum(ordered, axis=0, dtype=x.dtype)
        if self.exclusive:
            total = total - ordered
        return (xp.moveaxis(total[::-1] if self.reverse else total, 0, self.axis),)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (apply(self.replace(reverse=not self.reverse), grad),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X,))
        yield Sample(cls(-1, True), (_X,))
        yield Sample(cls(1, False, True), (_X,))


def cumsum(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    """The sum of all elements up to each one along `axis`, itself left out with `exclusive`, from the end with
    `reverse`."""
    op = Cumsum(int(axis), bool(exclusive), bool(reverse))
    return first(make(op, name, "Cumsum", {"x": x}, consts=("axis",)))
