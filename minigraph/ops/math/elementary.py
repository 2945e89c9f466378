"""Tangent, hyperbolic sine and cosine, and the inverse functions, element by element.

Generated code computes them in float64, whatever the dtype. Their numbers are within 2 units in the last place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from minigraph.core.dtypes import float64
from minigraph.core.graph import Tensor
from minigraph.core.scalar import Scalar, call, cast, constant, library, where
from minigraph.core.typing import TensorLike
from minigraph.ops.builder import apply
from minigraph.ops.math.arithmetic import Add, Mul, Neg, RealDiv, Square, Sub
from minigraph.ops.math.exponential import Sqrt
from minigraph.ops.math.trigonometric import Cos
from minigraph.ops.pointwise import Binary, Unary, X, Y, binary, scalar_like, unary

__all__ = ["acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cosh", "sinh", "tan"]

_INSIDE = np.array([[-0.8, -0.35, 0.1], [0.25, 0.6, 0.9]])  # (-1, 1)
_LARGE = 1e8  # beyond it, asinh x and acosh x are log 2x to the last digit

# The arctangent near 0: t − t·(z·P(z²) + z²·Q(z²)) with z = t², and its values at the centres of the other pieces, each
# as a float64 and what it lacks. Source: Sun Microsystems' fdlibm.
_EVEN = (3.33333333333329318027e-01, 1.42857142725034663711e-01, 9.09088713343650656196e-02, 6.66107313738753120669e-02,
         4.97687799461593236017e-02, 1.62858201153657823623e-02)  # fmt: skip
_ODD = (-1.99999999998764832476e-01, -1.11111104054623557880e-01, -7.69187620504482999495e-02,
        -5.83357013379057348645e-02, -3.65315727442169155270e-02)  # fmt: skip
_HALF = (4.63647609000806093515e-01, 2.26987774529616870924e-17)
_ONE = (7.85398163397448278999e-01, 3.06161699786838301793e-17)
_THREE_HALVES = (9.82793723247329054082e-01, 1.39033110312309984516e-17)
_INFINITY = (1.57079632679489655800e00, 6.12323399573676603587e-17)


def _polynomial(x: Scalar, coefficients: Sequence[float]) -> Scalar:
    total = constant(coefficients[-1], x.dtype)
    for c in reversed(coefficients[:-1]):
        total = total * x + c
    return total


def _with_sign(size: Scalar, x: Scalar) -> Scalar:
    """An odd function of x from its value at |x|. The sign of zeros is kept where the function is 0 there."""
    return where(call("less", x, 0), -size, where(call("equal", x, 0), x, size))


def _atan_of_size(x: Scalar) -> Scalar:
    """atan x for x ≥ 0."""
    t, high, low = -1 / x, constant(_INFINITY[0], x.dtype), constant(_INFINITY[1], x.dtype)
    pieces = (
        (39 / 16, (x - 1.5) / (x * 1.5 + 1), _THREE_HALVES), (19 / 16, (x - 1) / (x + 1), _ONE),
        (11 / 16, (x * 2 - 1) / (x + 2), _HALF), (7 / 16, x, (0.0, 0.0)),
    )  # fmt: skip
    for end, reduced, (start, rest) in pieces:
        below = call("less", x, end)
        t, high, low = where(below, reduced, t), where(below, start, high), where(below, rest, low)
    z = t * t
    w = z * z
    return high - ((t * (z * _polynomial(w, _EVEN) + w * _polynomial(w, _ODD)) - low) - t)


def _atan(x: Scalar) -> Scalar:
    return _with_sign(_atan_of_size(call("absolute", x)), x)


class Elementary(Unary, abstract=True):
    """A function of NumPy that generated code has in float64 only."""

    kinds = "f"
    function: ClassVar[str]

    def expr(self, *operands: Scalar) -> Scalar:
        (x,) = operands
        return library(self.function, x, spelled=cast(self.spelled(cast(x, float64)), x.dtype))

    def spelled(self, x: Scalar) -> Scalar:
        """The function of a float64, in functions that generated code has."""
        raise NotImplementedError


class Tan(Elementary):
    """y = tan x; ∂y/∂x = 1/cos² x."""

    function = "tan"

    def spelled(self, x: Scalar) -> Scalar:
        return call("sin", x) / call("cos", x)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(RealDiv(), g, apply(Square(), apply(Cos(), x)))


class Asin(Elementary):
    """y = arcsin x; ∂y/∂x = 1/√(1 − x²)."""

    function = "arcsin"
    domain = (_INSIDE,)

    def spelled(self, x: Scalar) -> Scalar:
        return _atan(x / call("sqrt", (-x + 1) * (x + 1)))

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(RealDiv(), g, _root_of_rest(x))


class Acos(Elementary):
    """y = arccos x; ∂y/∂x = −1/√(1 − x²)."""

    function = "arccos"
    domain = (_INSIDE,)

    def spelled(self, x: Scalar) -> Scalar:
        return _atan_of_size(call("sqrt", (-x + 1) / (x + 1))) * 2

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Neg(), apply(RealDiv(), g, _root_of_rest(x)))


class Atan(Elementary):
    """y = arctan x; ∂y/∂x = 1/(1 + x²)."""

    function = "arctan"

    def spelled(self, x: Scalar) -> Scalar:
        return _atan(x)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(RealDiv(), g, apply(Add(), scalar_like(1, x), apply(Square(), x)))


class Sinh(Elementary):
    """y = (e^x − e^−x)/2; ∂y/∂x = cosh x. From e = e^|x| − 1: (e + e/(e + 1))/2, exact near 0."""

    function = "sinh"

    def spelled(self, x: Scalar) -> Scalar:
        size = call("absolute", x)
        e, root = call("expm1", size), call("exp", size * 0.5)  # the root's square is finite longer
        small = (e + e / (e + 1)) * 0.5
        return _with_sign(where(call("less", size, 22), small, root * 0.5 * root), x)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, apply(Cosh(), x))


class Cosh(Elementary):
    """y = (e^x + e^−x)/2; ∂y/∂x = sinh x."""

    function = "cosh"

    def spelled(self, x: Scalar) -> Scalar:
        size = call("absolute", x)
        e, root = call("exp", size), call("exp", size * 0.5)
        return where(call("less", size, 22), (e + 1 / e) * 0.5, root * 0.5 * root)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, apply(Sinh(), x))


class Asinh(Elementary):
    """y = log(x + √(x² + 1)); ∂y/∂x = 1/√(x² + 1)."""

    function = "arcsinh"

    def spelled(self, x: Scalar) -> Scalar:
        size = call("absolute", x)
        square = size * size
        small = call("log1p", size + square / (call("sqrt", square + 1) + 1))
        large = call("log", size) + float(np.log(2))
        return _with_sign(where(call("less", size, _LARGE), small, large), x)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(RealDiv(), g, apply(Sqrt(), apply(Add(), scalar_like(1, x), apply(Square(), x))))


class Acosh(Elementary):
    """y = log(x + √(x² − 1)); ∂y/∂x = 1/(√(x − 1)·√(x + 1)), which is NaN where y is."""

    function = "arccosh"
    domain = (np.abs(X) + 1.2,)

    def spelled(self, x: Scalar) -> Scalar:
        t = x - 1
        small = call("log1p", where(call("less", x, 1), -2, t + call("sqrt", t * (t + 2))))
        return where(call("less", x, _LARGE), small, call("log", x) + float(np.log(2)))

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(RealDiv(), g, apply(Mul(), *(apply(Sqrt(), apply(k(), x, scalar_like(1, x))) for k in (Sub, Add))))


class Atanh(Elementary):
    """y = log((1 + x)/(1 − x))/2; ∂y/∂x = 1/(1 − x²)."""

    function = "arctanh"
    domain = (_INSIDE,)

    def spelled(self, x: Scalar) -> Scalar:
        size = call("absolute", x)
        return _with_sign(call("log1p", size * 2 / (-size + 1)) * 0.5, x)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(RealDiv(), g, apply(Sub(), scalar_like(1, x), apply(Square(), x)))


class Atan2(Binary):
    """z, the angle of the point (y, x), in [−π, π]; ∂z/∂y = x/(x² + y²), ∂z/∂x = −y/(x² + y²)."""

    kinds = "f"
    domain = (X, Y)

    def expr(self, *operands: Scalar) -> Scalar:
        y, x = operands
        return library("arctan2", y, x, spelled=cast(_angle(cast(y, float64), cast(x, float64)), y.dtype))

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        height, width = x, y
        scaled = apply(RealDiv(), g, apply(Add(), apply(Square(), width), apply(Square(), height)))
        return apply(Mul(), width, scaled), apply(Neg(), apply(Mul(), height, scaled))


def _angle(y: Scalar, x: Scalar) -> Scalar:
    height, width = call("absolute", y), call("absolute", x)
    same = where(call("equal", height, 0), height, call("sign", height))  # 0 by 0, and infinity by infinity
    angle = _atan_of_size(where(call("equal", height, width), same, height / width))
    left = _INFINITY[0] * 2
    angle = where(_is_negative(x), -((angle - _INFINITY[1] * 2) - left), angle)
    return where(_is_negative(y), -angle, angle)


def _is_negative(x: Scalar) -> Scalar:
    """Whether x has a minus sign; −0 has one."""
    return call("logical_or", call("less", x, 0), call("less", 1 / x, 0))


def _root_of_rest(x: Tensor) -> Tensor:
    return apply(Sqrt(), apply(Sub(), scalar_like(1, x), apply(Square(), x)))


KINDS = (Tan, Asin, Acos, Atan, Sinh, Cosh, Asinh, Acosh, Atanh, Atan2)


def tan(x: TensorLike, name: str | None = None) -> Tensor:
    """Compute the tangent of each element, given in radians.

    Args:
        x: A tensor of floating-point dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.tan([0.0, np.pi / 4])).round(4)
        array([0., 1.], dtype=float32)
    """
    return unary(Tan(), x, name, "Tan")


def asin(x: TensorLike, name: str | None = None) -> Tensor:
    """Compute the arc sine of each element, in [−π/2, π/2].

    Args:
        x: A tensor of floating-point dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`; NaN beyond ±1.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.asin([0.0, 1.0])).round(4)
        array([0.    , 1.5708], dtype=float32)
    """
    return unary(Asin(), x, name, "Asin")


def acos(x: TensorLike, name: str | None = None) -> Tensor:
    """Compute the arc cosine of each element, in [0, π].

    Args:
        x: A tensor of floating-point dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`; NaN beyond ±1.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.acos([0.0, 1.0])).round(4)
        array([1.5708, 0.    ], dtype=float32)
    """
    return unary(Acos(), x, name, "Acos")


def atan(x: TensorLike, name: str | None = None) -> Tensor:
    """Compute the arc tangent of each element, in [−π/2, π/2].

    Args:
        x: A tensor of floating-point dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.atan([0.0, 1.0])).round(4)
        array([0.    , 0.7854], dtype=float32)
    """
    return unary(Atan(), x, name, "Atan")


def sinh(x: TensorLike, name: str | None = None) -> Tensor:
    """Compute the hyperbolic sine of each element: (e^x − e^−x) / 2.

    Args:
        x: A tensor of floating-point dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.sinh([0.0, 1.0])).round(4)
        array([0.    , 1.1752], dtype=float32)
    """
    return unary(Sinh(), x, name, "Sinh")


def cosh(x: TensorLike, name: str | None = None) -> Tensor:
    """Compute the hyperbolic cosine of each element: (e^x + e^−x) / 2.

    Args:
        x: A tensor of floating-point dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.cosh([0.0, 1.0])).round(4)
        array([1.    , 1.5431], dtype=float32)
    """
    return unary(Cosh(), x, name, "Cosh")


def asinh(x: TensorLike, name: str | None = None) -> Tensor:
    """Compute the inverse hyperbolic sine of each element: log(x + √(x² + 1)).

    Args:
        x: A tensor of floating-point dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.asinh([0.0, 1.0])).round(4)
        array([0.    , 0.8814], dtype=float32)
    """
    return unary(Asinh(), x, name, "Asinh")


def acosh(x: TensorLike, name: str | None = None) -> Tensor:
    """Compute the inverse hyperbolic cosine of each element: log(x + √(x² − 1)).

    Args:
        x: A tensor of floating-point dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`; NaN below 1.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.acosh([1.0, 2.0])).round(4)
        array([0.   , 1.317], dtype=float32)
    """
    return unary(Acosh(), x, name, "Acosh")


def atanh(x: TensorLike, name: str | None = None) -> Tensor:
    """Compute the inverse hyperbolic tangent of each element: log((1 + x)/(1 − x)) / 2.

    Args:
        x: A tensor of floating-point dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`; NaN beyond ±1.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.atanh([0.0, 0.5])).round(4)
        array([0.    , 0.5493], dtype=float32)
    """
    return unary(Atanh(), x, name, "Atanh")


def atan2(y: TensorLike, x: TensorLike, name: str | None = None) -> Tensor:
    """Compute the angles of points (x, y) with the positive x axis, in [−π, π].

    Args:
        y: A tensor of floating-point dtype.
        x: A tensor of the dtype of `y`, of a shape that broadcasts with that of `y`.
        name: Name of the node.

    Returns:
        A tensor of the dtype of `y` and the broadcast shape.

    Raises:
        DTypeError: The dtypes differ, or are not floating-point.
        ShapeError: The shapes do not broadcast.

    Example:
        >>> tf.Session().run(tf.atan2([1.0, -1.0], [-1.0, 1.0])).round(4)
        array([ 2.3562, -0.7854], dtype=float32)
    """
    return binary(Atan2(), y, x, name, "Atan2")
