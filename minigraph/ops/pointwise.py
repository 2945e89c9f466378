"""The base classes of pointwise ops. Each output element depends on the operands' elements at its place, broadcast as
by NumPy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from minigraph.core import types as T
from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import as_dtype, bool_
from minigraph.core.errors import DTypeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Batching, Op, Sample
from minigraph.core.scalar import Scalar, call, evaluate, operand
from minigraph.core.types import TensorType
from minigraph.ops.broadcast import sum_like
from minigraph.ops.builder import first, make, same_dtype
from minigraph.ops.counting import per_output

X = np.array([[-1.7, -0.4, 0.3], [0.8, 1.9, 2.6]])
POSITIVE = np.abs(X) + 0.2
Y = np.array([[0.7], [-1.3]])
NUMBERS = "fiuc"  # the kinds of NumPy dtypes of ops that take complex numbers, too


def by_rows(op: Op, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
    """`Op.batching` of ops whose result is cut along its first axis together with the operands that have it."""
    cut = T.cut_rows(in_types, out_types[0])
    return None if cut is None else Batching(cut, (False,))


def evaluate_expr(op: Op, xp: Any, *arrays: Any, **_: Any) -> tuple[Any, ...]:
    """`Op.forward` of pointwise ops: their scalar expression on arrays."""
    operands = [operand(i, as_dtype(a.dtype)) for i, a in enumerate(arrays)]
    return (evaluate(op.expr(*operands), arrays, xp),)


class Pointwise(Op, abstract=True):
    """An elementwise op on operands of one dtype, defined by its scalar expression: by default the function `ufunc`.

    `kinds` are the NumPy dtype kinds it takes; `gives_bool` marks comparisons.
    """

    ufunc: ClassVar[str] = ""
    kinds: ClassVar[str] = "fiu"
    gives_bool: ClassVar[bool] = False
    domain: ClassVar[tuple[np.ndarray, ...]] = (X,)

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        kind = type(self).__name__
        dtype = same_dtype(kind, *types)
        if dtype.np_dtype.kind not in self.kinds:
            raise DTypeError(f"'{kind}' does not take {dtype.name}")
        shape = types[0].shape
        for other in types[1:]:
            shape = T.broadcast(shape, other.shape)
        return (TensorType(bool_ if self.gives_bool else dtype, shape),)

    forward = evaluate_expr

    flops = per_output

    batching = by_rows

    def is_pointwise(self, in_types: Sequence[TensorType]) -> bool:
        return True

    def expr(self, *operands: Scalar) -> Scalar:
        return call(self.ufunc, *operands) if self.ufunc else super().expr(*operands)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), cls.domain)


class Binary(Pointwise, abstract=True):
    domain = (X, Y)

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
    domain = (X, Y)


class Logical(Pointwise, abstract=True):
    differentiable = False
    kinds = "b"
    gives_bool = True
    domain: ClassVar[tuple[np.ndarray, ...]] = (X > 0, Y > 0)


class Unary(Pointwise, abstract=True):
    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (self.partial(grad, node.inputs[0], node.outputs[0]),)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """g·∂y/∂x."""
        raise NotImplementedError


def scalar_like(value: float, like: Tensor) -> Tensor:
    """A scalar constant of the dtype of `like`, in its graph."""
    with like.graph.as_default():
        return convert_to_tensor(like.dtype.np_dtype.type(value))


def unary(op: Op, x: Any, name: str | None, default: str, argument: str = "x") -> Tensor:
    return first(make(op, name, default, {argument: x}))


def binary(op: Op, x: Any, y: Any, name: str | None, default: str) -> Tensor:
    return first(make(op, name, default, {"x": x, "y": y}))
