"""Pointwise ops: one output element from the elements at the same place, with NumPy's broadcasting."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from minigraph.core import types as T
from minigraph.core.dtypes import as_dtype, bool_, float32
from minigraph.core.errors import DTypeError
from minigraph.core.graph import Node, Tensor, convert_to_tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import TensorType
from minigraph.ops.builder import apply, first, make, same_dtype
from minigraph.ops.identity import Identity
from minigraph.ops.like import sum_like

_X = np.array([[-1.7, -0.4, 0.3], [0.8, 1.9, 2.6]])
_POSITIVE = np.abs(_X) + 0.2
_Y = np.array([[0.7], [-1.3]])


class Pointwise(Op, abstract=True):
    """An elementwise op computed by the array function `ufunc` on operands of one dtype.

    `kinds` are the NumPy dtype kinds it takes; `gives_bool` marks comparisons.
    """

    ufunc: ClassVar[str] = ""
    kinds: ClassVar[str] = "fiu"
    gives_bool: ClassVar[bool] = False
    domain: ClassVar[tuple[np.ndarray, ...]] = (_X,)

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        kind = type(self).__name__
        dtype = same_dtype(kind, *types)
        if dtype.np_dtype.kind not in self.kinds:
            raise DTypeError(f"'{kind}' does not take {dtype.name}")
        shape = types[0].shape
        for other in types[1:]:
            shape = T.broadcast(shape, other.shape)
        return (TensorType(bool_ if self.gives_bool else dtype, shape),)

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        return (getattr(xp, self.ufunc)(*arrays),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), cls.domain)


class Binary(Pointwise, abstract=True):
    domain = (_X, _Y)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        x, y = node.inputs
        dx, dy = self.partials(grad, x, y, node.outputs[0])
        return (None if dx is None else sum_like(dx, x)), (None if dy is None else sum_like(dy, y))

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """g·∂out/∂x and g·∂out/∂y, in the broadcast shape."""
        raise NotImplementedError


class Comparison(Pointwise, abstract=True):
    differentiable = False
    gives_bool = True
    kinds = "fiub"
    domain = (_X, _Y)


class Logical(Pointwise, abstract=True):
    differentiable = False
    kinds = "b"
    gives_bool = True
    domain: ClassVar[tuple[np.ndarray, ...]] = (_X > 0, _Y > 0)


class Add(Binary):
    """z = x + y."""

    ufunc = "add"

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return g, g


class AddV2(Add):
    """Add, under the name TensorFlow 1.15 gives to `x + y`."""


class Sub(Binary):
    """z = x − y."""

    ufunc = "subtract"

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return g, apply(Neg(), g)


class Mul(Binary):
    """z = x·y."""

    ufunc = "multiply"

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return apply(Mul(), g, y), apply(Mul(), g, x)


class RealDiv(Binary):
    """z = x / y."""

    ufunc = "divide"
    kinds = "f"

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        dx = apply(RealDiv(), g, y)
        return dx, apply(Neg(), apply(Mul(), dx, out))


class FloorDiv(Pointwise):
    """z = ⌊x / y⌋."""

    ufunc = "floor_divide"
    differentiable = False
    domain = (_X, _Y)


class FloorMod(Binary):
    """z = x − ⌊x / y⌋·y, with the sign of y."""

    ufunc = "mod"
    domain = (_X, np.array([[0.7], [-1.1]]))  # no quotient is an integer, where z jumps

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return g, apply(Neg(), apply(Mul(), g, apply(FloorDiv(), x, y)))


class Pow(Binary):
    """z = x^y. The gradient with respect to y is zero where x ≤ 0, as in TensorFlow."""

    ufunc = "power"
    domain = (_POSITIVE, _Y)

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        one = scalar_like(1, y)
        dx = apply(Mul(), apply(Mul(), g, y), apply(Pow(), x, apply(Sub(), y, one)))
        positive = apply(Greater(), x, scalar_like(0, x))
        safe = apply(Select(), positive, x, apply(OnesLike(), x))
        log = apply(Select(), positive, apply(Log(), safe), apply(ZerosLike(), x))
        return dx, apply(Mul(), apply(Mul(), g, out), log)


class Maximum(Binary):
    """z = max(x, y). On ties the gradient goes to x."""

    ufunc = "maximum"

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return _split_gradient(GreaterEqual(), g, x, y)


class Minimum(Binary):
    """z = min(x, y). On ties the gradient goes to x."""

    ufunc = "minimum"

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return _split_gradient(LessEqual(), g, x, y)


def _split_gradient(test: Op, g: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    mask = apply(test, x, y)
    zeros = apply(ZerosLike(), g)
    return apply(Select(), mask, g, zeros), apply(Select(), mask, zeros, g)


class SquaredDifference(Binary):
    """z = (x − y)²."""

    def forward(self, xp: Any, x: Any, y: Any) -> tuple[Any, ...]:
        return (xp.square(x - y),)

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        d = apply(Mul(), apply(Mul(), scalar_like(2, g), g), apply(Sub(), x, y))
        return d, apply(Neg(), d)


class Equal(Comparison):
    """z = (x = y)."""

    ufunc = "equal"


class NotEqual(Comparison):
    """z = (x ≠ y)."""

    ufunc = "not_equal"


class Less(Comparison):
    """z = (x < y)."""

    ufunc = "less"


class LessEqual(Comparison):
    """z = (x ≤ y)."""

    ufunc = "less_equal"


class Greater(Comparison):
    """z = (x > y)."""

    ufunc = "greater"


class GreaterEqual(Comparison):
    """z = (x ≥ y)."""

    ufunc = "greater_equal"


class LogicalAnd(Logical):
    """z = x ∧ y."""

    ufunc = "logical_and"


class LogicalOr(Logical):
    """z = x ∨ y."""

    ufunc = "logical_or"


class LogicalXor(Logical):
    """z = x ⊕ y."""

    ufunc = "logical_xor"


class LogicalNot(Logical):
    """y = ¬x."""

    ufunc = "logical_not"
    domain = (_X > 0,)


class Unary(Pointwise, abstract=True):
    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (self.partial(grad, node.inputs[0], node.outputs[0]),)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """g·∂y/∂x."""
        raise NotImplementedError


class Neg(Unary):
    """y = −x."""

    ufunc = "negative"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Neg(), g)


class Abs(Unary):
    """y = |x|; ∂y/∂x = sign x, 0 at 0."""

    ufunc = "absolute"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, apply(Sign(), x))


class Sign(Unary):
    """−1, 0 or 1. The gradient is zeros, as in TensorFlow."""

    ufunc = "sign"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(ZerosLike(), g)


class Floor(Pointwise):
    """y = ⌊x⌋."""

    ufunc = "floor"
    kinds = "f"
    differentiable = False


class Ceil(Pointwise):
    """y = ⌈x⌉."""

    ufunc = "ceil"
    kinds = "f"
    differentiable = False


class Round(Pointwise):
    """Halves go to the even neighbour."""

    ufunc = "rint"
    kinds = "f"
    differentiable = False


class IsNan(Pointwise):
    """Whether x is NaN."""

    ufunc = "isnan"
    kinds = "f"
    gives_bool = True
    differentiable = False


class IsFinite(Pointwise):
    """Whether x is neither NaN nor infinite."""

    ufunc = "isfinite"
    kinds = "f"
    gives_bool = True
    differentiable = False


class Exp(Unary):
    """y = e^x."""

    ufunc = "exp"
    kinds = "f"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, y)


class Log(Unary):
    """y = log x; ∂y/∂x = 1/x."""

    ufunc = "log"
    kinds = "f"
    domain = (_POSITIVE,)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(RealDiv(), g, x)


class Log1p(Unary):
    """y = log(1 + x); ∂y/∂x = 1/(1 + x)."""

    ufunc = "log1p"
    kinds = "f"
    domain = (_POSITIVE,)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(RealDiv(), g, apply(Add(), x, scalar_like(1, x)))


class Sqrt(Unary):
    """y = √x; ∂y/∂x = 1/(2y)."""

    ufunc = "sqrt"
    kinds = "f"
    domain = (_POSITIVE,)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(RealDiv(), apply(Mul(), g, scalar_like(0.5, g)), y)


class Rsqrt(Unary):
    """y = 1/√x; ∂y/∂x = −y³/2."""

    kinds = "f"
    domain = (_POSITIVE,)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (1 / xp.sqrt(x),)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), apply(Mul(), g, scalar_like(-0.5, g)), apply(Mul(), apply(Square(), y), y))


class Reciprocal(Unary):
    """y = 1/x; ∂y/∂x = −y²."""

    kinds = "f"
    domain = (_POSITIVE,)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (1 / x,)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Neg(), apply(Mul(), g, apply(Square(), y)))


class Square(Unary):
    """y = x²; ∂y/∂x = 2x."""

    ufunc = "square"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, apply(Mul(), scalar_like(2, x), x))


class Sin(Unary):
    """y = sin x."""

    ufunc = "sin"
    kinds = "f"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, apply(Cos(), x))


class Cos(Unary):
    """y = cos x."""

    ufunc = "cos"
    kinds = "f"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Neg(), apply(Mul(), g, apply(Sin(), x)))


class Tanh(Unary):
    """y = tanh x; ∂y/∂x = 1 − y²."""

    ufunc = "tanh"
    kinds = "f"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, apply(Sub(), scalar_like(1, y), apply(Square(), y)))


class Sigmoid(Unary):
    """y = 1/(1 + e^−x), computed without overflow as (1 + tanh(x/2))/2; ∂y/∂x = y(1 − y)."""

    kinds = "f"

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        half = x.dtype.type(0.5)
        return (xp.tanh(x * half) * half + half,)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), apply(Mul(), g, y), apply(Sub(), scalar_like(1, y), y))


class Relu(Unary):
    """y = max(x, 0). The derivative at 0 is 0; NaN stays NaN."""

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.maximum(x, x.dtype.type(0)),)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(ReluGrad(), g, y)


class ReluGrad(Pointwise):
    """g where the activation is above 0, else 0."""

    domain = (_X[::-1], _X)

    def forward(self, xp: Any, g: Any, y: Any) -> tuple[Any, ...]:
        return (g * (y > 0),)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return apply(ReluGrad(), grad, node.inputs[1]), None


class Elu(Unary):
    """y = x for x ≥ 0, else e^x − 1."""

    kinds = "f"

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.where(x < 0, xp.expm1(xp.minimum(x, x.dtype.type(0))), x),)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        negative = apply(Less(), x, scalar_like(0, x))
        return apply(Select(), negative, apply(Mul(), g, apply(Add(), y, scalar_like(1, y))), g)


class Softplus(Unary):
    """y = log(1 + e^x)."""

    kinds = "f"

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.logaddexp(x, x.dtype.type(0)),)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, apply(Sigmoid(), x))


class ZerosLike(Op):
    """Zeros of the input's type."""

    differentiable = False

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return (x,)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.zeros_like(x),)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return Full(types[0], 0), ()

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X,))


class OnesLike(ZerosLike):
    """Ones of the input's type."""

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.ones_like(x),)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return Full(types[0], 1), ()


class Full(Op):
    """A tensor of a static type, filled with one number."""

    type: TensorType
    value: Any
    differentiable = False

    def infer(self) -> tuple[TensorType, ...]:
        return (self.type,)

    def forward(self, xp: Any) -> tuple[Any, ...]:
        return (xp.full(self.type.static, self.value, self.type.dtype.np_dtype),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(TensorType(float32, (2, 3)), 1.5), ())


class Cast(Op):
    """Change of dtype; floats are truncated toward zero, and anything but zero is True."""

    dtype: Any

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(self.dtype, x.shape),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (x.astype(self.dtype.np_dtype),)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        source = node.inputs[0].dtype
        if not (source.is_floating and self.dtype.is_floating):
            return (None,)
        return (apply(Cast(source), grad),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(float32), (_X,), tolerance=1e-4)
        yield Sample(cls(as_dtype("int32")), (_X,), smooth=False)


class Select(Op):
    """x where the condition holds, else y. Shapes are equal, or the condition is a scalar or a vector of rows."""

    def infer(self, condition: TensorType, x: TensorType, y: TensorType) -> tuple[TensorType, ...]:
        if condition.dtype is not bool_:
            raise DTypeError(f"'Select' takes a bool condition, not {condition.dtype.name}")
        dtype = same_dtype("Select", x, y)
        shape = T.merge(x.shape, y.shape)
        if condition.shape is not None and shape is not None:
            if len(condition.shape) == 1 and len(shape) > 1:
                T.merge(condition.shape, shape[:1])
            elif len(condition.shape) > 0:
                shape = T.merge(condition.shape, shape)
        return (TensorType(dtype, shape),)

    def forward(self, xp: Any, condition: Any, x: Any, y: Any) -> tuple[Any, ...]:
        if condition.ndim == 1 and x.ndim > 1:
            condition = condition.reshape(condition.shape + (1,) * (x.ndim - 1))
        return (xp.where(condition, x, y),)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        zeros = apply(ZerosLike(), grad)
        condition = node.inputs[0]
        return None, apply(Select(), condition, grad, zeros), apply(Select(), condition, zeros, grad)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X > 0, _X, 2 * _X))
        yield Sample(cls(), (np.array([True, False]), _X, 2 * _X))


class AddN(Op):
    """The sum of tensors of one type."""

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        shape = types[0].shape
        for other in types[1:]:
            shape = T.merge(shape, other.shape)
        return (TensorType(same_dtype("AddN", *types), shape),)

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        total = arrays[0]
        for other in arrays[1:]:
            total = total + other
        return (total,)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return [grad] * len(node.inputs)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return (Identity() if len(types) == 1 else self), tuple(range(len(types)))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X, 2 * _X, 3 * _X))


def scalar_like(value: float, like: Tensor) -> Tensor:
    """A scalar constant of the dtype of `like`, in its graph."""
    with like.graph.as_default():
        return convert_to_tensor(like.dtype.np_dtype.type(value))


def unary(op: Op, x: Any, name: str | None, default: str, argument: str = "x") -> Tensor:
    return first(make(op, name, default, {argument: x}))


def binary(op: Op, x: Any, y: Any, name: str | None, default: str) -> Tensor:
    return first(make(op, name, default, {"x": x, "y": y}))
