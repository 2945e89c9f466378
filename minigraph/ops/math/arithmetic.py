"""Addition, multiplication, division and other arithmetic, element by element.

Operands may be tensors, variables, arrays or numbers; binary functions broadcast.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core import types as T
from minigraph.core.dtypes import float32, float64
from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.graph import Node, Tensor, convert_to_tensor
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import Scalar, call, where
from minigraph.core.types import TensorType
from minigraph.ops.builder import apply, as_tensor_like, first, make, same_dtype
from minigraph.ops.filling import ZerosLike
from minigraph.ops.identity import Identity
from minigraph.ops.math.casting import cast
from minigraph.ops.math.comparison import GreaterEqual, LessEqual
from minigraph.ops.math.selection import Select
from minigraph.ops.pointwise import POSITIVE, Binary, Unary, X, binary, by_rows, evaluate_expr, scalar_like, unary

__all__ = [
    "abs",
    "accumulate_n",
    "add",
    "add_n",
    "div_no_nan",
    "divide",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "reciprocal",
    "scalar_mul",
    "sign",
    "square",
    "squared_difference",
    "subtract",
    "truediv",
]


class Add(Binary):
    """z = x + y."""

    ufunc = "add"

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return g, g


class AddV2(Add):
    """Add, under the name TensorFlow 1.15 gives to `x + y`."""


def add(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x + y."""
    return binary(Add(), x, y, name, "Add")


class AddN(Op):
    """The sum of tensors of one type."""

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        shape = types[0].shape
        for other in types[1:]:
            shape = T.merge(shape, other.shape)
        dtype = same_dtype("AddN", *types)
        if dtype.is_bool:
            raise DTypeError("'AddN' does not take bool")
        return (TensorType(dtype, shape),)

    forward = evaluate_expr

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return (len(in_types) - 1) * out_types[0].size

    batching = by_rows

    def is_pointwise(self, in_types: Sequence[TensorType]) -> bool:
        return True

    def expr(self, *operands: Scalar) -> Scalar:
        total, *rest = operands
        for other in rest:
            total = total + other
        return total

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return [grad] * len(node.inputs)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return (Identity() if len(types) == 1 else self), tuple(range(len(types)))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (X, 2 * X, 3 * X))


def add_n(inputs: Any, name: str | None = None) -> Tensor:
    """The sum of a list of tensors of one type."""
    tensors = [convert_to_tensor(t) for t in inputs]
    if not tensors:
        raise ShapeError("add_n needs at least one tensor")
    return first(make(AddN(), name, "AddN", {f"inputs_{i}": t for i, t in enumerate(tensors)}))


def accumulate_n(inputs: Any, shape: Any = None, tensor_dtype: Any = None, name: str | None = None) -> Tensor:
    """The sum of a list of tensors of one type."""
    return add_n(inputs, name or "AccumulateNV2")


class Sub(Binary):
    """z = x − y."""

    ufunc = "subtract"

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return g, apply(Neg(), g)


def subtract(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x − y."""
    return binary(Sub(), x, y, name, "Sub")


class Mul(Binary):
    """z = x·y."""

    ufunc = "multiply"

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return apply(Mul(), g, y), apply(Mul(), g, x)


def multiply(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x·y."""
    return binary(Mul(), x, y, name, "Mul")


def scalar_mul(scalar: Any, x: Any) -> Tensor:
    """scalar·x."""
    return multiply(scalar, x)


class RealDiv(Binary):
    """z = x / y."""

    ufunc = "divide"
    kinds = "f"

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        dx = apply(RealDiv(), g, y)
        return dx, apply(Neg(), apply(Mul(), dx, out))


def truediv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y as real numbers: integers are cast first, small ones to float32, int32 and int64 to float64."""
    x, y = as_tensor_like(x), as_tensor_like(y)
    tensor = x if isinstance(x, Tensor) else y if isinstance(y, Tensor) else None
    if tensor is not None and tensor.dtype.is_integer:
        wide = float64 if tensor.dtype.size >= 4 else float32
        x, y = (cast(convert_to_tensor(v, preferred_dtype=tensor.dtype), wide) for v in (x, y))
    return binary(RealDiv(), x, y, name, "truediv")


def divide(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y as Python 3 divides."""
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


def div_no_nan(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y, and 0 where y is 0."""
    return binary(DivNoNan(), x, y, name, "div_no_nan")


class Maximum(Binary):
    """z = max(x, y). On ties the gradient goes to x."""

    ufunc = "maximum"

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return _split_gradient(GreaterEqual(), g, x, y)


def maximum(x: Any, y: Any, name: str | None = None) -> Tensor:
    """max(x, y); on ties the gradient goes to x."""
    return binary(Maximum(), x, y, name, "Maximum")


class Minimum(Binary):
    """z = min(x, y). On ties the gradient goes to x."""

    ufunc = "minimum"

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return _split_gradient(LessEqual(), g, x, y)


def minimum(x: Any, y: Any, name: str | None = None) -> Tensor:
    """min(x, y); on ties the gradient goes to x."""
    return binary(Minimum(), x, y, name, "Minimum")


def _split_gradient(test: Op, g: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    mask = apply(test, x, y)
    zeros = apply(ZerosLike(), g)
    return apply(Select(), mask, g, zeros), apply(Select(), mask, zeros, g)


class SquaredDifference(Binary):
    """z = (x − y)²."""

    def expr(self, *operands: Scalar) -> Scalar:
        x, y = operands
        return call("square", x - y)

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        d = apply(Mul(), apply(Mul(), scalar_like(2, g), g), apply(Sub(), x, y))
        return d, apply(Neg(), d)


def squared_difference(x: Any, y: Any, name: str | None = None) -> Tensor:
    """(x − y)²."""
    return binary(SquaredDifference(), x, y, name, "SquaredDifference")


class Neg(Unary):
    """y = −x."""

    ufunc = "negative"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Neg(), g)


def negative(x: Any, name: str | None = None) -> Tensor:
    """−x."""
    return unary(Neg(), x, name, "Neg")


class Abs(Unary):
    """y = |x|; ∂y/∂x = sign x, 0 at 0."""

    ufunc = "absolute"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, apply(Sign(), x))


def abs(x: Any, name: str | None = None) -> Tensor:
    """|x|."""
    return unary(Abs(), x, name, "Abs")


class Sign(Unary):
    """−1, 0 or 1. The gradient is zeros, as in TensorFlow."""

    ufunc = "sign"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(ZerosLike(), g)


def sign(x: Any, name: str | None = None) -> Tensor:
    """The sign of x: −1, 0 or 1."""
    return unary(Sign(), x, name, "Sign")


class Reciprocal(Unary):
    """y = 1/x; ∂y/∂x = −y²."""

    ufunc = "reciprocal"
    kinds = "f"
    domain = (POSITIVE,)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Neg(), apply(Mul(), g, apply(Square(), y)))


def reciprocal(x: Any, name: str | None = None) -> Tensor:
    """1/x."""
    return unary(Reciprocal(), x, name, "Reciprocal")


class Square(Unary):
    """y = x²; ∂y/∂x = 2x."""

    ufunc = "square"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, apply(Mul(), scalar_like(2, x), x))


def square(x: Any, name: str | None = None) -> Tensor:
    """x²."""
    return unary(Square(), x, name, "Square")
