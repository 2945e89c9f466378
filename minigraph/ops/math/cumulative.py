"""Running sums and products."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.errors import EarlyShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import TensorType
from minigraph.ops.builder import apply, first, make
from minigraph.ops.math.arithmetic import Mul, RealDiv

__all__ = ["cumprod", "cumsum"]

_X = np.arange(12.0).reshape(3, 4) / 4 + 0.5


class Cumulative(Op, abstract=True):
    """Along `axis`, each element together with those before it; without it with `exclusive`; from the end with
    `reverse`."""

    axis: int = 0
    exclusive: bool = False
    reverse: bool = False
    on_host = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        if x.rank is not None and not -x.rank <= self.axis < x.rank:
            raise EarlyShapeError(f"the axis must lie in [{-x.rank}, {x.rank}), but is {self.axis}")
        return (x,)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        moved = xp.moveaxis(x, self.axis, 0)
        ordered = moved[::-1] if self.reverse else moved
        total = self.gather(xp, ordered)
        return (xp.moveaxis(total[::-1] if self.reverse else total, 0, self.axis),)

    def gather(self, xp: Any, ordered: Any) -> Any:
        """The result along the first axis, in order."""
        raise NotImplementedError

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X,))
        yield Sample(cls(-1, True), (_X,))
        yield Sample(cls(1, False, True), (_X,))
        yield Sample(cls(1, True, True), (_X,))


class Cumsum(Cumulative):
    """y_i = Σ_{j ≤ i} x_j along `axis`; j < i with `exclusive`; from the end with `reverse`."""

    def gather(self, xp: Any, ordered: Any) -> Any:
        total = xp.cumsum(ordered, axis=0, dtype=ordered.dtype)
        return total - ordered if self.exclusive else total

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (apply(self.replace(reverse=not self.reverse), grad),)


class Cumprod(Cumulative):
    """y_i = Π_{j ≤ i} x_j along `axis`; j < i with `exclusive`; from the end with `reverse`. The gradient is divided by
    x, so that it is NaN where x is 0, as in TensorFlow."""

    def gather(self, xp: Any, ordered: Any) -> Any:
        total = xp.cumprod(ordered, axis=0, dtype=ordered.dtype)
        return xp.concatenate([xp.ones_like(total[:1]), total[:-1]]) if self.exclusive else total

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        back = Cumsum(self.axis, self.exclusive, not self.reverse)
        return (apply(RealDiv(), apply(back, apply(Mul(), grad, node.outputs[0])), node.inputs[0]),)


def cumprod(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    """The product of all elements up to each one along `axis`, itself left out with `exclusive`, from the end with
    `reverse`."""
    op = Cumprod(int(axis), bool(exclusive), bool(reverse))
    return first(make(op, name, "Cumprod", {"x": x}, consts=("axis",)))


def cumsum(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    """The sum of all elements up to each one along `axis`, itself left out with `exclusive`, from the end with
    `reverse`."""
    op = Cumsum(int(axis), bool(exclusive), bool(reverse))
    return first(make(op, name, "Cumsum", {"x": x}, consts=("axis",)))
