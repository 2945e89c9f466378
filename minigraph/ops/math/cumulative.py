"""Running sums and products."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.errors import EarlyShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import TensorType
from minigraph.core.typing import TensorLike
from minigraph.ops.builder import apply, first, make
from minigraph.ops.math.arithmetic import Mul, RealDiv

__all__ = ["cumprod", "cumsum"]

_X = np.arange(12.0).reshape(3, 4) / 4 + 0.5


class Cumulative(Op, abstract=True):
    """A running total along `axis`. `exclusive` leaves out the element itself; `reverse` starts from the end."""

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
    """y_i = Π_{j ≤ i} x_j along `axis`; j < i with `exclusive`; from the end with `reverse`. The
    gradient is divided by x, so it is NaN where x is 0, as in TensorFlow."""

    def gather(self, xp: Any, ordered: Any) -> Any:
        total = xp.cumprod(ordered, axis=0, dtype=ordered.dtype)
        return xp.concatenate([xp.ones_like(total[:1]), total[:-1]]) if self.exclusive else total

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        back = Cumsum(self.axis, self.exclusive, not self.reverse)
        return (apply(RealDiv(), apply(back, apply(Mul(), grad, node.outputs[0])), node.inputs[0]),)


def cumprod(
    x: TensorLike, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Tensor:
    """Compute running products along an axis: y[i] = Π x[j] over j ≤ i.

    The gradient is NaN where x is 0, as in TensorFlow.

    Args:
        x: A tensor of numeric dtype.
        axis: The axis; a negative one counts from the last.
        exclusive: Whether to leave out the element itself: j < i.
        reverse: Whether to start from the end: j ≥ i, or j > i.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        EarlyShapeError: `axis` is out of range.

    Example:
        >>> tf.Session().run(tf.cumprod([1, 2, 3, 4]))
        array([ 1,  2,  6, 24], dtype=int32)
        >>> tf.Session().run(tf.cumprod([1, 2, 3, 4], exclusive=True))
        array([1, 1, 2, 6], dtype=int32)
    """
    op = Cumprod(int(axis), bool(exclusive), bool(reverse))
    return first(make(op, name, "Cumprod", {"x": x}, consts=("axis",)))


def cumsum(
    x: TensorLike, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Tensor:
    """Compute running sums along an axis: y[i] = Σ x[j] over j ≤ i.

    Args:
        x: A tensor of numeric dtype.
        axis: The axis; a negative one counts from the last.
        exclusive: Whether to leave out the element itself: j < i.
        reverse: Whether to start from the end: j ≥ i, or j > i.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        EarlyShapeError: `axis` is out of range.

    Example:
        >>> tf.Session().run(tf.cumsum([1, 2, 3, 4]))
        array([ 1,  3,  6, 10], dtype=int32)
        >>> tf.Session().run(tf.cumsum([1, 2, 3, 4], exclusive=True))
        array([0, 1, 3, 6], dtype=int32)
    """
    op = Cumsum(int(axis), bool(exclusive), bool(reverse))
    return first(make(op, name, "Cumsum", {"x": x}, consts=("axis",)))
