"""The larger and the smaller of two tensors, element by element."""

from __future__ import annotations

from minigraph.core.graph import Tensor
from minigraph.core.op import Op
from minigraph.core.typing import TensorLike
from minigraph.ops.builder import apply
from minigraph.ops.filling import ZerosLike
from minigraph.ops.math.comparison import GreaterEqual, LessEqual
from minigraph.ops.math.selection import Select
from minigraph.ops.pointwise import Binary, binary

__all__ = ["maximum", "minimum"]


class Maximum(Binary):
    """z = max(x, y). On ties the gradient goes to x."""

    ufunc = "maximum"

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return _split_gradient(GreaterEqual(), g, x, y)


def maximum(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Compute the larger of two tensors element by element: max(x, y).

    Where x = y, the gradient goes to `x`.

    Args:
        x: A tensor of numeric dtype.
        y: A tensor of the dtype of `x`, of a shape that broadcasts with that of `x`.
        name: Name of the node.

    Returns:
        A tensor of the dtype of `x` and the broadcast shape.

    Raises:
        DTypeError: The dtypes differ, or are not numeric.
        ShapeError: The shapes do not broadcast.

    Example:
        >>> tf.Session().run(tf.maximum([1.0, 2.0, 3.0], 2.0))
        array([2., 2., 3.], dtype=float32)
    """
    return binary(Maximum(), x, y, name, "Maximum")


class Minimum(Binary):
    """z = min(x, y). On ties the gradient goes to x."""

    ufunc = "minimum"

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return _split_gradient(LessEqual(), g, x, y)


def minimum(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Compute the smaller of two tensors element by element: min(x, y).

    Where x = y, the gradient goes to `x`.

    Args:
        x: A tensor of numeric dtype.
        y: A tensor of the dtype of `x`, of a shape that broadcasts with that of `x`.
        name: Name of the node.

    Returns:
        A tensor of the dtype of `x` and the broadcast shape.

    Raises:
        DTypeError: The dtypes differ, or are not numeric.
        ShapeError: The shapes do not broadcast.

    Example:
        >>> tf.Session().run(tf.minimum([1.0, 2.0, 3.0], 2.0))
        array([1., 2., 2.], dtype=float32)
    """
    return binary(Minimum(), x, y, name, "Minimum")


def _split_gradient(test: Op, g: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    mask = apply(test, x, y)
    zeros = apply(ZerosLike(), g)
    return apply(Select(), mask, g, zeros), apply(Select(), mask, zeros, g)
