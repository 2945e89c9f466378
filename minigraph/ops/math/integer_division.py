"""Divisions that round down or to 0, and their remainders."""

from __future__ import annotations

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Tensor
from minigraph.core.scalar import Scalar, call, library, where
from minigraph.core.typing import TensorLike
from minigraph.ops.builder import apply, as_tensor_like
from minigraph.ops.control.checks import checked_divisor
from minigraph.ops.math.arithmetic import Mul, Neg, RealDiv, Sub
from minigraph.ops.math.rounding import Round
from minigraph.ops.pointwise import Binary, Pointwise, X, Y, binary

__all__ = ["div", "floordiv", "floormod", "realdiv", "truncatediv", "truncatemod"]


class FloorDiv(Pointwise):
    """z = ⌊x / y⌋. A floating-point quotient is rounded first: 1 / 0.1 gives 10; Python's // gives 9."""

    differentiable = False
    domain = (X, Y)

    def expr(self, *operands: Scalar) -> Scalar:
        x, y = operands
        return call("floor", x / y) if x.dtype.is_floating else call("floor_divide", x, y)


def floordiv(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Divide two tensors element by element and round down: ⌊x / y⌋.

    Args:
        x: A tensor of numeric dtype.
        y: A tensor of the dtype of `x`, of a shape that broadcasts with that of `x`.
        name: Name of the node.

    Returns:
        A tensor of the dtype of `x` and the broadcast shape.

    Raises:
        DTypeError: The dtypes differ, or are not numeric.
        ShapeError: The shapes do not broadcast.
        InvalidArgumentError: The tensors are integers and `y` holds 0; found in the run.

    Example:
        >>> tf.Session().run(tf.floordiv([7, -7], 2))
        array([ 3, -4], dtype=int32)
    """
    return binary(FloorDiv(), x, checked_divisor(x, y), name, "floordiv")


def div(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Divide two tensors element by element as Python 2 does: x / y, rounded down for integers.

    Args:
        x: A tensor of numeric dtype.
        y: A tensor of the dtype of `x`, of a shape that broadcasts with that of `x`.
        name: Name of the node.

    Returns:
        A tensor of the dtype of `x` and the broadcast shape.

    Raises:
        DTypeError: The dtypes differ, or are not numeric.
        ShapeError: The shapes do not broadcast.
        InvalidArgumentError: The tensors are integers and `y` holds 0; found in the run.

    Example:
        >>> tf.Session().run(tf.div(tf.constant([7, -7]), 2))
        array([ 3, -4], dtype=int32)
    """
    x, y = as_tensor_like(x), as_tensor_like(y)
    tensor = x if isinstance(x, Tensor) else y
    integer = isinstance(tensor, Tensor) and tensor.dtype.is_integer
    return binary(FloorDiv() if integer else RealDiv(), x, checked_divisor(x, y), name, "div")


class FloorMod(Binary):
    """z = x − ⌊x / y⌋·y, with the sign of y."""

    ufunc = "mod"
    domain = (X, np.array([[0.7], [-1.1]]))  # no quotient is an integer, where z jumps

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return g, apply(Neg(), apply(Mul(), g, apply(FloorDiv(), x, y)))


def floormod(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Compute the remainder of the division rounded down: x − ⌊x / y⌋·y, with the sign of y.

    TensorFlow also calls it `tf.mod`.

    Args:
        x: A tensor of numeric dtype.
        y: A tensor of the dtype of `x`, of a shape that broadcasts with that of `x`.
        name: Name of the node.

    Returns:
        A tensor of the dtype of `x` and the broadcast shape.

    Raises:
        DTypeError: The dtypes differ, or are not numeric.
        ShapeError: The shapes do not broadcast.
        InvalidArgumentError: The tensors are integers and `y` holds 0; found in the run.

    Example:
        >>> tf.Session().run(tf.floormod([7, -7], 3))
        array([1, 2], dtype=int32)
    """
    return binary(FloorMod(), x, checked_divisor(x, y), name, "FloorMod")


class TruncateMod(Binary):
    """z = x − trunc(x / y)·y, with the sign of x, which a zero has, too."""

    domain = (X, np.array([[0.7], [-1.1]]))

    def expr(self, *operands: Scalar) -> Scalar:
        x, y = operands
        if not x.dtype.is_floating:
            rest = call("mod", x, y)
            if x.dtype.is_unsigned:
                return rest
            crossed = call("logical_xor", call("less", x, 0), call("less", y, 0))
            return where(call("logical_and", call("not_equal", rest, 0), crossed), rest - y, rest)
        size = call("mod", call("absolute", x), call("absolute", y))
        at_zero = call("logical_and", call("equal", x, 0), call("equal", size, 0))
        return library("fmod", x, y, spelled=where(call("less", x, 0), -size, where(at_zero, x, size)))

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        quotient = apply(RealDiv(), apply(Sub(), x, out), y)
        return g, apply(Neg(), apply(Mul(), g, apply(Round(), quotient)))


def truncatemod(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Return the remainder of the division that rounds to 0.

    Args:
        x: Integers or floating numbers.
        y: Divisors of the same dtype; the shapes broadcast.
        name: Name of the node.

    Returns:
        A tensor of the dtype of `x`, with the sign of `x`.

    Raises:
        InvalidArgumentError: In the run, an integer is divided by 0.

    Example:
        >>> tf.Session().run(tf.truncatemod([7, -7], 3)).tolist()
        [1, -1]
    """
    return binary(TruncateMod(), x, checked_divisor(x, y), name, "TruncateMod")


class TruncateDiv(Pointwise):
    """z = x / y of floating numbers, without a gradient. TensorFlow's op; `truncatediv` has the one for integers."""

    ufunc = "divide"
    kinds = "f"
    differentiable = False
    domain = (X, Y)


def truncatediv(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Divide; integers are rounded to 0.

    No gradient flows through it, as in TensorFlow 1.

    Args:
        x: Integers or floating numbers.
        y: Divisors of the same dtype; the shapes broadcast.
        name: Name of the node.

    Returns:
        A tensor of the dtype of `x`. TensorFlow's kernel does not round floating numbers, so neither does this.

    Raises:
        InvalidArgumentError: In the run, an integer is divided by 0.

    Example:
        >>> tf.Session().run(tf.truncatediv([7, -7], 3)).tolist()
        [2, -2]
    """
    a = convert_to_tensor(x)
    if a.dtype.is_floating:
        return binary(TruncateDiv(), a, y, name, "TruncateDiv")
    with a.graph.name_scope(name or "TruncateDiv") as scope:
        b = convert_to_tensor(y, a.dtype)
        with a.graph.counted_as(1):
            return floordiv(a - truncatemod(a, b), b, name=scope)


def realdiv(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Divide; integers are rounded to 0, and stay integers. `tf.truediv` makes them floating.

    Args:
        x: Integers or floating numbers.
        y: Divisors of the same dtype; the shapes broadcast.
        name: Name of the node.

    Returns:
        A tensor of the dtype of `x`.

    Raises:
        InvalidArgumentError: In the run, an integer is divided by 0.

    Example:
        >>> tf.Session().run([tf.realdiv([7, -7], 2), tf.realdiv([7.0, -7.0], 2.0)])
        [array([ 3, -3], dtype=int32), array([ 3.5, -3.5], dtype=float32)]
    """
    a = convert_to_tensor(x)
    if a.dtype.is_integer:
        return truncatediv(a, y, name or "RealDiv")
    return binary(RealDiv(), a, y, name, "RealDiv")
