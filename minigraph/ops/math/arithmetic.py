"""Addition, multiplication, division and other arithmetic, element by element.

Operands may be tensors, variables, arrays or numbers; binary functions broadcast.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core import types as T
from minigraph.core.dtypes import as_dtype, float32, float64
from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.graph import Node, Tensor, convert_to_tensor
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import Scalar, call, where
from minigraph.core.types import TensorType
from minigraph.core.typing import DTypeLike, NumberLike, ShapeLike, TensorLike
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


def add_n(inputs: Sequence[TensorLike], name: str | None = None) -> Tensor:
    """Add several tensors of one shape element by element.

    Args:
        inputs: At least one tensor. All have the same numeric dtype and the same shape.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of the inputs.

    Raises:
        ShapeError: `inputs` is empty, or the shapes differ.
        DTypeError: The dtypes differ.

    Example:
        >>> tf.Session().run(tf.add_n([[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]]))
        array([111., 222.], dtype=float32)
    """
    tensors = [convert_to_tensor(t) for t in inputs]
    if not tensors:
        raise ShapeError("add_n needs at least one tensor")
    return first(make(AddN(), name, "AddN", {f"inputs_{i}": t for i, t in enumerate(tensors)}))


def accumulate_n(
    inputs: Sequence[TensorLike], shape: ShapeLike = None, tensor_dtype: DTypeLike | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Add several tensors of one shape element by element, as `tf.add_n` does.

    Args:
        inputs: At least one tensor. All have the same numeric dtype and the same shape.
        shape: The shape of the inputs, to set what is unknown of it.
        tensor_dtype: The dtype that the inputs must have.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of the inputs.

    Raises:
        ShapeError: `inputs` is empty, or the shapes differ.
        DTypeError: The dtypes differ, or are not `tensor_dtype`.

    Example:
        >>> tf.Session().run(tf.accumulate_n([[1.0, 2.0], [10.0, 20.0]]))
        array([11., 22.], dtype=float32)
    """
    total = add_n(inputs, name or "AccumulateNV2")
    if tensor_dtype is not None and total.dtype is not as_dtype(tensor_dtype):
        raise DTypeError(f"tensor_dtype is {as_dtype(tensor_dtype).name}, but the inputs are {total.dtype.name}")
    if shape is not None:
        total.set_shape(shape)
    return total


class Sub(Binary):
    """z = x − y."""

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


def scalar_mul(scalar: NumberLike, x: TensorLike) -> Tensor:
    """Multiply a tensor by a scalar: scalar·x.

    Args:
        scalar: A number, or a scalar tensor of the dtype of `x`.
        x: A tensor of numeric dtype.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        DTypeError: The dtypes differ, or are not numeric.

    Example:
        >>> tf.Session().run(tf.scalar_mul(10.0, [1.0, 2.0]))
        array([10., 20.], dtype=float32)
    """
    return multiply(scalar, x)


class RealDiv(Binary):
    """z = x / y."""

    ufunc = "divide"
    kinds = "f"

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
    kinds = "f"
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
