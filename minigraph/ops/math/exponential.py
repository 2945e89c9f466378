"""Powers, roots, exponentials and logarithms, element by element."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.core.errors import InvalidArgumentError
from minigraph.core.graph import Tensor
from minigraph.core.indices import element_name
from minigraph.core.op import Batching
from minigraph.core.scalar import Scalar, call
from minigraph.core.types import TensorType
from minigraph.core.typing import TensorLike
from minigraph.ops.builder import apply
from minigraph.ops.filling import OnesLike, ZerosLike
from minigraph.ops.math.arithmetic import Add, Mul, RealDiv, Square, Sub
from minigraph.ops.math.comparison import Equal, Greater
from minigraph.ops.math.selection import Select
from minigraph.ops.pointwise import POSITIVE, Binary, Unary, Y, binary, scalar_like, unary

__all__ = ["exp", "expm1", "log", "log1p", "pow", "rsqrt", "sqrt"]


class Exp(Unary):
    """y = e^x."""

    ufunc = "exp"
    kinds = "f"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, y)


def exp(x: TensorLike, name: str | None = None) -> Tensor:
    """Compute the exponential of each element: e^x.

    Args:
        x: A tensor of floating-point dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.exp([0.0, 1.0])).round(4)
        array([1.    , 2.7183], dtype=float32)
    """
    return unary(Exp(), x, name, "Exp")


class Expm1(Unary):
    """y = e^x − 1, exact for small x; ∂y/∂x = e^x."""

    ufunc = "expm1"
    kinds = "f"

    def expr(self, *operands: Scalar) -> Scalar:
        return call("expm1", operands[0])

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, apply(Exp(), x))


def expm1(x: TensorLike, name: str | None = None) -> Tensor:
    """Compute e^x − 1 of each element, accurate for small x too.

    Args:
        x: A tensor of floating-point dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.expm1([0.0, 1.0])).round(4)
        array([0.    , 1.7183], dtype=float32)
    """
    return unary(Expm1(), x, name, "Expm1")


class Log(Unary):
    """y = log x; ∂y/∂x = 1/x."""

    ufunc = "log"
    kinds = "f"
    domain = (POSITIVE,)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(RealDiv(), g, x)


def log(x: TensorLike, name: str | None = None) -> Tensor:
    """Compute the natural logarithm of each element.

    Args:
        x: A tensor of floating-point dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.log([1.0, 10.0])).round(4)
        array([0.    , 2.3026], dtype=float32)
    """
    return unary(Log(), x, name, "Log")


class Log1p(Unary):
    """y = log(1 + x); ∂y/∂x = 1/(1 + x)."""

    ufunc = "log1p"
    kinds = "f"
    domain = (POSITIVE,)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(RealDiv(), g, apply(Add(), x, scalar_like(1, x)))


def log1p(x: TensorLike, name: str | None = None) -> Tensor:
    """Compute log(1 + x) of each element, accurate for small x too.

    Args:
        x: A tensor of floating-point dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.log1p([0.0, 1.0])).round(4)
        array([0.    , 0.6931], dtype=float32)
    """
    return unary(Log1p(), x, name, "Log1p")


class Sqrt(Unary):
    """y = √x; ∂y/∂x = 1/(2y)."""

    ufunc = "sqrt"
    kinds = "f"
    domain = (POSITIVE,)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(RealDiv(), apply(Mul(), g, scalar_like(0.5, g)), y)


def sqrt(x: TensorLike, name: str | None = None) -> Tensor:
    """Compute the square root of each element: √x.

    Args:
        x: A tensor of floating-point dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.sqrt([4.0, 9.0]))
        array([2., 3.], dtype=float32)
    """
    return unary(Sqrt(), x, name, "Sqrt")


class Rsqrt(Unary):
    """y = 1/√x; ∂y/∂x = −y³/2."""

    kinds = "f"
    domain = (POSITIVE,)

    def expr(self, *operands: Scalar) -> Scalar:
        return 1 / call("sqrt", operands[0])

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), apply(Mul(), g, scalar_like(-0.5, g)), apply(Mul(), apply(Square(), y), y))


def rsqrt(x: TensorLike, name: str | None = None) -> Tensor:
    """Compute the reciprocal square root of each element: 1 / √x.

    Args:
        x: A tensor of floating-point dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.rsqrt([4.0, 16.0]))
        array([0.5 , 0.25], dtype=float32)
    """
    return unary(Rsqrt(), x, name, "Rsqrt")


class Pow(Binary):
    """z = x^y. The gradient for y is zero where x ≤ 0, as in TensorFlow; that for x is zero where y is 0."""

    ufunc = "power"
    domain = (POSITIVE, Y)

    def is_pointwise(self, in_types: Sequence[TensorType]) -> bool:
        """Not for signed integers, of which it checks the exponents."""
        return in_types[1].dtype.np_dtype.kind != "i" and super().is_pointwise(in_types)

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        """None where it checks the exponents, whose places are those in the whole tensor."""
        return super().batching(in_types, out_types) if self.is_pointwise(in_types) else None

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        x, y = arrays
        if y.dtype.kind == "i" and y.size and y.min() < 0:
            position = int(np.argmax(y.ravel() < 0))
            where = element_name("the exponent", y.shape, position)
            raise InvalidArgumentError(
                f"Integers to negative integer powers are not allowed: {where} = {y.ravel()[position]}"
            )
        return super().forward(xp, x, y)

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        flat = apply(Equal(), y, scalar_like(0, y))  # x⁰ is 1: its slope is 0 even where x is 0 and 1/x infinite
        exponent = apply(Select(), flat, apply(ZerosLike(), y), apply(Sub(), y, scalar_like(1, y)))
        dx = apply(Mul(), apply(Mul(), g, y), apply(Pow(), x, exponent))
        positive = apply(Greater(), x, scalar_like(0, x))
        safe = apply(Select(), positive, x, apply(OnesLike(), x))
        log = apply(Select(), positive, apply(Log(), safe), apply(ZerosLike(), x))
        return dx, apply(Mul(), apply(Mul(), g, out), log)


def pow(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Raise one tensor to the power of another element by element: x^y.

    The gradient with respect to `y` is 0 where x ≤ 0, as in TensorFlow.

    Args:
        x: A tensor of numeric dtype.
        y: A tensor of the dtype of `x`, of a shape that broadcasts with that of `x`.
        name: Name of the node.

    Returns:
        A tensor of the dtype of `x` and the broadcast shape.

    Raises:
        DTypeError: The dtypes differ, or are not numeric.
        ShapeError: The shapes do not broadcast.
        InvalidArgumentError: The tensors are integers and `y` holds a negative number; found in the run.

    Example:
        >>> tf.Session().run(tf.pow([2.0, 3.0], 2.0))
        array([4., 9.], dtype=float32)
    """
    return binary(Pow(), x, y, name, "Pow")
