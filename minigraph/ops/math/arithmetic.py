"""Addition, multiplication, division and other arithmetic, element by element.

Operands may be tensors, variables, arrays or numbers; binary functions broadcast.
"""

from __future__ import annotations

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import float32, float64
from minigraph.core.graph import Tensor
from minigraph.core.scalar import Scalar, call, where
from minigraph.core.typing import TensorLike
from minigraph.ops.builder import apply, as_tensor_like
from minigraph.ops.filling import ZerosLike
from minigraph.ops.math.casting import cast
from minigraph.ops.pointwise import NUMBERS, POSITIVE, Binary, Unary, X, binary, scalar_like, unary

__all__ = [
    "abs",
    "add",
    "div_no_nan",
    "divide",
    "multiply",
    "negative",
    "reciprocal",
    "sign",
    "square",
    "squared_difference",
    "subtract",
    "truediv",
]


class Add(Binary):
    """z = x + y."""

    kinds = NUMBERS

    ufunc = "add"

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return g, g


class AddV2(Add):
    """Add, under the name TensorFlow 1.15 gives to `x + y`."""


def add(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Add two tensors element by element: x + y.

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
        >>> tf.Session().run(tf.add([1.0, 2.0], 10.0))
        array([11., 12.], dtype=float32)
    """
    return binary(Add(), x, y, name, "Add")


class Sub(Binary):
    """z = x − y."""

    kinds = NUMBERS

    ufunc = "subtract"

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return g, apply(Neg(), g)


def subtract(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Subtract two tensors element by element: x − y.

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
        >>> tf.Session().run(tf.subtract([1.0, 2.0], 10.0))
        array([-9., -8.], dtype=float32)
    """
    return binary(Sub(), x, y, name, "Sub")


class Mul(Binary):
    """z = x·y."""

    kinds = NUMBERS

    ufunc = "multiply"

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return apply(Mul(), g, y), apply(Mul(), g, x)


def multiply(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Multiply two tensors element by element: x·y.

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
        >>> tf.Session().run(tf.multiply([1.0, 2.0], 10.0))
        array([10., 20.], dtype=float32)
    """
    return binary(Mul(), x, y, name, "Mul")


class RealDiv(Binary):
    """z = x / y."""

    ufunc = "divide"
    kinds = "fc"

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        dx = apply(RealDiv(), g, y)
        return dx, apply(Neg(), apply(Mul(), dx, out))


def truediv(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Divide two tensors element by element: x / y, a real number also for integer tensors.

    Integer tensors are cast first: int32 and int64 to float64, smaller dtypes to float32.

    Args:
        x: A tensor of numeric dtype. Integers must be in a tensor, not in a Python number or array.
        y: A tensor of the dtype of `x`, of a shape that broadcasts with that of `x`.
        name: Name of the node.

    Returns:
        A tensor of floating-point dtype and the broadcast shape.

    Raises:
        DTypeError: The dtypes differ.
        ShapeError: The shapes do not broadcast.

    Example:
        >>> tf.Session().run(tf.truediv(tf.constant([3, 4]), 2))
        array([1.5, 2. ])
    """
    x, y = as_tensor_like(x), as_tensor_like(y)
    tensor = x if isinstance(x, Tensor) else y if isinstance(y, Tensor) else None
    if tensor is not None and tensor.dtype.is_integer:
        wide = float64 if tensor.dtype.size >= 4 else float32
        x, y = (cast(convert_to_tensor(v, preferred_dtype=tensor.dtype), wide) for v in (x, y))
    return binary(RealDiv(), x, y, name, "truediv")


def divide(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Divide two tensors element by element as Python 3 does: x / y. The same as `tf.truediv`.

    Args:
        x: A tensor of numeric dtype. Integers must be in a tensor, not in a Python number or array.
        y: A tensor of the dtype of `x`, of a shape that broadcasts with that of `x`.
        name: Name of the node.

    Returns:
        A tensor of floating-point dtype and the broadcast shape.

    Raises:
        DTypeError: The dtypes differ.
        ShapeError: The shapes do not broadcast.

    Example:
        >>> tf.Session().run(tf.divide([3.0, 4.0], 2.0))
        array([1.5, 2. ], dtype=float32)
    """
    return truediv(x, y, name)


class DivNoNan(Binary):
    """x / y, and 0 where y is 0."""

    kinds = "f"
    domain = (X, np.array([[0.7], [-1.3]]))

    def expr(self, *operands: Scalar) -> Scalar:
        x, y = operands
        none = call("equal", y, 0)
        return where(none, 0, x / where(none, 1, y))

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return apply(DivNoNan(), g, y), apply(Neg(), apply(Mul(), g, apply(DivNoNan(), out, y)))


def div_no_nan(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Divide two tensors element by element: x / y, and 0 where y = 0.

    Args:
        x: A tensor of floating-point dtype.
        y: A tensor of the dtype of `x`, of a shape that broadcasts with that of `x`.
        name: Name of the node.

    Returns:
        A tensor of the dtype of `x` and the broadcast shape.

    Raises:
        DTypeError: The dtypes differ, or are not floating-point.
        ShapeError: The shapes do not broadcast.

    Example:
        >>> tf.Session().run(tf.div_no_nan([3.0, 4.0], [2.0, 0.0]))
        array([1.5, 0. ], dtype=float32)
    """
    return binary(DivNoNan(), x, y, name, "div_no_nan")


class SquaredDifference(Binary):
    """z = (x − y)²."""

    def expr(self, *operands: Scalar) -> Scalar:
        x, y = operands
        return call("square", x - y)

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        d = apply(Mul(), apply(Mul(), scalar_like(2, g), g), apply(Sub(), x, y))
        return d, apply(Neg(), d)


def squared_difference(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Square the difference of two tensors element by element: (x − y)².

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
        >>> tf.Session().run(tf.squared_difference([1.0, 2.0, 3.0], 2.0))
        array([1., 0., 1.], dtype=float32)
    """
    return binary(SquaredDifference(), x, y, name, "SquaredDifference")


class Neg(Unary):
    """y = −x."""

    kinds = NUMBERS

    ufunc = "negative"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Neg(), g)


def negative(x: TensorLike, name: str | None = None) -> Tensor:
    """Negate a tensor: −x.

    Args:
        x: A tensor of numeric dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        DTypeError: `x` is not numeric.

    Example:
        >>> tf.Session().run(tf.negative([1.0, -2.0]))
        array([-1.,  2.], dtype=float32)
    """
    return unary(Neg(), x, name, "Neg")


class Abs(Unary):
    """y = |x|; ∂y/∂x = sign x, 0 at 0."""

    ufunc = "absolute"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, apply(Sign(), x))


def abs(x: TensorLike, name: str | None = None) -> Tensor:
    """Compute the absolute value of each element: |x|. The gradient at 0 is 0.

    Args:
        x: A tensor of numeric dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        DTypeError: `x` is not numeric.

    Example:
        >>> tf.Session().run(tf.abs([1.0, -2.0]))
        array([1., 2.], dtype=float32)
    """
    return unary(Abs(), x, name, "Abs")


class Sign(Unary):
    """−1, 0 or 1. The gradient is zeros, as in TensorFlow."""

    ufunc = "sign"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(ZerosLike(), g)


def sign(x: TensorLike, name: str | None = None) -> Tensor:
    """Compute the sign of each element: −1, 0 or 1. The gradient is 0 everywhere.

    Args:
        x: A tensor of numeric dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        DTypeError: `x` is not numeric.

    Example:
        >>> tf.Session().run(tf.sign([3.0, -2.0, 0.0]))
        array([ 1., -1.,  0.], dtype=float32)
    """
    return unary(Sign(), x, name, "Sign")


class Reciprocal(Unary):
    """y = 1/x; ∂y/∂x = −y²."""

    ufunc = "reciprocal"
    kinds = "fc"
    domain = (POSITIVE,)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Neg(), apply(Mul(), g, apply(Square(), y)))


def reciprocal(x: TensorLike, name: str | None = None) -> Tensor:
    """Compute the reciprocal of each element: 1 / x.

    Args:
        x: A tensor of floating-point dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.reciprocal([2.0, 4.0]))
        array([0.5 , 0.25], dtype=float32)
    """
    return unary(Reciprocal(), x, name, "Reciprocal")


class Square(Unary):
    """y = x²; ∂y/∂x = 2x."""

    kinds = NUMBERS

    ufunc = "square"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, apply(Mul(), scalar_like(2, x), x))


def square(x: TensorLike, name: str | None = None) -> Tensor:
    """Square each element: x².

    Args:
        x: A tensor of numeric dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        DTypeError: `x` is not numeric.

    Example:
        >>> tf.Session().run(tf.square([2.0, -3.0]))
        array([4., 9.], dtype=float32)
    """
    return unary(Square(), x, name, "Square")
