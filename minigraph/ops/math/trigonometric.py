"""Sine, cosine and hyperbolic tangent, element by element."""

from __future__ import annotations

from minigraph.core.graph import Tensor
from minigraph.core.typing import TensorLike
from minigraph.ops.builder import apply
from minigraph.ops.math.arithmetic import Mul, Neg, Square, Sub
from minigraph.ops.pointwise import Unary, scalar_like, unary

__all__ = ["cos", "sin", "tanh"]


class Sin(Unary):
    """y = sin x."""

    ufunc = "sin"
    kinds = "f"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, apply(Cos(), x))


def sin(x: TensorLike, name: str | None = None) -> Tensor:
    """Compute the sine of each element, given in radians.

    Args:
        x: A tensor of floating-point dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.sin([0.0, np.pi / 2]))
        array([0., 1.], dtype=float32)
    """
    return unary(Sin(), x, name, "Sin")


class Cos(Unary):
    """y = cos x."""

    ufunc = "cos"
    kinds = "f"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Neg(), apply(Mul(), g, apply(Sin(), x)))


def cos(x: TensorLike, name: str | None = None) -> Tensor:
    """Compute the cosine of each element, given in radians.

    Args:
        x: A tensor of floating-point dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.cos([0.0, np.pi]))
        array([ 1., -1.], dtype=float32)
    """
    return unary(Cos(), x, name, "Cos")


class Tanh(Unary):
    """y = tanh x; ∂y/∂x = 1 − y²."""

    ufunc = "tanh"
    kinds = "f"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, apply(Sub(), scalar_like(1, y), apply(Square(), y)))


def tanh(x: TensorLike, name: str | None = None) -> Tensor:
    """Compute the hyperbolic tangent of each element: (e^x − e^−x) / (e^x + e^−x).

    Args:
        x: A tensor of floating-point dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.tanh([0.0, 1.0])).round(4)
        array([0.    , 0.7616], dtype=float32)
    """
    return unary(Tanh(), x, name, "Tanh")
