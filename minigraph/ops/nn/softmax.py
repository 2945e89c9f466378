"""Softmax and its logarithm."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigraph.core.arguments import renamed
from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import DType
from minigraph.core.errors import EarlyShapeError, ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import Scalar, call
from minigraph.core.scalar import cast as cast_scalar
from minigraph.core.types import TensorType, format_shape
from minigraph.core.typing import TensorLike
from minigraph.loops.builder import Statement, accumulator
from minigraph.loops.index import Index
from minigraph.loops.kernel import ADD, LARGER, Buffer, Kernel
from minigraph.ops.array.known import number_or_tensor
from minigraph.ops.array.reshape import transpose
from minigraph.ops.builder import apply, first, make, require_float
from minigraph.ops.math.arithmetic import Mul, Sub
from minigraph.ops.math.exponential import Exp
from minigraph.ops.math.reduce import Sum
from minigraph.ops.math.reduce_extremes import reduce_logsumexp

__all__ = ["log_softmax", "softmax"]


LOGITS = np.array([[1.0, -0.5, 2.0], [0.3, 0.1, -1.2]])


def log_softmax_of(xp: Any, x: Any) -> Any:
    shifted = x - xp.max(x, axis=-1, keepdims=True, initial=-np.inf)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=-1, keepdims=True))


def _require_rows(kind: str, x: TensorType) -> TensorType:
    require_float(kind, x)
    if x.rank == 0:
        raise ShapeError(f"Shape must be at least rank 1 but is rank 0 for '{kind}'")
    return x


def softmax_gradient(p: Tensor, grad: Tensor) -> Tensor:
    """p·(δ − Σ δ·p), for softmax's result p."""
    return apply(Mul(), p, apply(Sub(), grad, apply(Sum((-1,), True), apply(Mul(), grad, p))))


class LogitRows(NamedTuple):
    """A kernel over rows of logits under construction: their number and length, and the dtype of sums."""

    k: Statement
    x: Buffer
    kind: DType

    @classmethod
    def of(cls, name: str, logits: TensorType) -> LogitRows:
        width = logits.static[-1]
        k = Statement(name)
        return cls(k, k.operand(logits, (logits.size // max(width, 1), width)), accumulator(logits.dtype))

    def shifted(self, i: Index, j: Index, m: Scalar) -> Scalar:
        """x − m."""
        return cast_scalar(self.x[i, j], self.kind) - m

    def statistics(self, i: Index) -> tuple[Scalar, Scalar]:
        """The maximum m of row i, and Σ e^(x − m)."""
        width = [self.x.shape[1]]
        (m,) = self.k.reduce(width, LARGER, [-math.inf], [self.kind], lambda j: [cast_scalar(self.x[i, j], self.kind)])
        (total,) = self.k.reduce(width, ADD, [0], [self.kind], lambda j: [call("exp", self.shifted(i, j, m))])
        return m, total


class Softmax(Op):
    """p_i = e^{x_i} / Σ_j e^{x_j} on the last axis; ∂L/∂x = p·(δ − Σ_j δ_j·p_j)."""

    accumulates = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return (_require_rows(type(self).__name__, x),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.exp(log_softmax_of(xp, x)),)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        rows = LogitRows.of("softmax", in_types[0])
        y = rows.k.result(out_types[0], rows.x.shape)
        with rows.k.over(y.shape[0]) as (i,):
            m, total = rows.statistics(i)
            with rows.k.over(y.shape[1], names="j") as (j,):
                rows.k.store(y, (i, j), call("exp", rows.shifted(i, j, m)) / total)
        return rows.k.done()

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        """Maximum, difference, exponential, sum, quotient."""
        return 5 * in_types[0].size

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (softmax_gradient(node.outputs[0], grad),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (LOGITS,))


class LogSoftmax(Op):
    """log p_i = x_i − log Σ_j e^{x_j} on the last axis; ∂L/∂x = δ − p·Σ_j δ_j."""

    accumulates = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return (_require_rows(type(self).__name__, x),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (log_softmax_of(xp, x),)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        rows = LogitRows.of("log_softmax", in_types[0])
        y = rows.k.result(out_types[0], rows.x.shape)
        with rows.k.over(y.shape[0]) as (i,):
            m, total = rows.statistics(i)
            logarithm = rows.k.let(call("log", total))
            with rows.k.over(y.shape[1], names="j") as (j,):
                rows.k.store(y, (i, j), rows.shifted(i, j, m) - logarithm)
        return rows.k.done()

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return 5 * in_types[0].size

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        p = apply(Exp(), node.outputs[0])
        return (apply(Sub(), grad, apply(Mul(), p, apply(Sum((-1,), True), grad))),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (LOGITS,))


def softmax(
    logits: TensorLike, axis: int | Tensor | None = None, name: str | None = None, dim: int | None = None
) -> Tensor:
    """Compute p_i = e^{x_i} / Σ_j e^{x_j} along an axis, without overflow.

    Args:
        logits: A tensor of a floating dtype, of at least 1 dimension.
        axis: The axis of the sum, the last by default, perhaps in a tensor. The rank of `logits` must be known for any
            other number.
        name: Name of the node.
        dim: The older name of `axis`.

    Returns:
        A tensor of the dtype and shape of `logits`, whose sums along `axis` are 1.

    Raises:
        ShapeError: `logits` is a scalar, or has no such axis.
        DTypeError: The dtype of `logits` is not floating.

    Example:
        >>> tf.Session().run(tf.nn.softmax([0.0, np.log(3.0)]))
        array([0.25, 0.75], dtype=float32)
    """
    return _along(Softmax(), logits, renamed("axis", axis, "dim", dim), name)


def log_softmax(
    logits: TensorLike, axis: int | Tensor | None = None, name: str | None = None, dim: int | None = None
) -> Tensor:
    """Compute the logarithm of softmax, x_i − log Σ_j e^{x_j}, along an axis.

    Args:
        logits: A tensor of a floating dtype, of at least 1 dimension.
        axis: The axis of the sum, the last by default, perhaps in a tensor. The rank of `logits` must be known for any
            other number.
        name: Name of the node.
        dim: The older name of `axis`.

    Returns:
        A tensor of the dtype and shape of `logits`.

    Raises:
        ShapeError: `logits` is a scalar, or has no such axis.
        DTypeError: The dtype of `logits` is not floating.

    Example:
        >>> tf.Session().run(tf.nn.log_softmax([0.0, 1000.0]))
        array([-1000.,     0.], dtype=float32)
    """
    return _along(LogSoftmax(), logits, renamed("axis", axis, "dim", dim), name)


def _along(op: Op, logits: Any, axis: Any, name: str | None) -> Tensor:
    x, axis = convert_to_tensor(logits), number_or_tensor(axis)
    rank = x.type.rank
    if isinstance(axis, Tensor):
        require_float(type(op).__name__, x.type)
        with x.graph.name_scope(name or type(op).__name__):
            logarithm = apply(Sub(), x, reduce_logsumexp(x, axis, keepdims=True))
            return logarithm if isinstance(op, LogSoftmax) else apply(Exp(), logarithm)
    axis = None if axis is None else int(axis)
    if axis is None or axis == -1 or axis + 1 == rank:
        return first(make(op, name, type(op).__name__, {"logits": x}))
    if rank is None or not -rank <= axis < rank:
        raise EarlyShapeError(f"axis {axis} of a softmax over a tensor of shape {format_shape(x.type.shape)}")
    swapped = list(range(rank))
    swapped[axis], swapped[-1] = swapped[-1], swapped[axis]
    with x.graph.name_scope(name or type(op).__name__):
        return transpose(apply(op, transpose(x, swapped)), swapped)
