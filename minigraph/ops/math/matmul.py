"""Matrix products."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core import types as T
from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import TensorType, format_shape
from minigraph.core.typing import TensorLike
from minigraph.ops.broadcast import sum_like
from minigraph.ops.builder import apply, as_tensor_like, first, graph_of, make, same_dtype
from minigraph.ops.nn.bias import bias_add

__all__ = ["matmul", "xw_plus_b"]


def _random(*shape: int) -> np.ndarray:
    return np.random.RandomState(sum(shape)).randn(*shape)


class MatMul(Op):
    """C = A·B on the last two axes, each optionally transposed first; leading axes broadcast.

    With δ = ∂L/∂C: ∂L/∂A = δ·Bᵀ and ∂L/∂B = Aᵀ·δ.
    """

    contracts = True
    transpose_a: bool = False
    transpose_b: bool = False
    accumulates = True

    def infer(self, a: TensorType, b: TensorType) -> tuple[TensorType, ...]:
        dtype = same_dtype(type(self).__name__, a, b)
        if a.shape is None or b.shape is None:
            return (TensorType(dtype, None),)
        if len(a.shape) < 2 or len(b.shape) < 2:
            raise ShapeError(
                f"Shape must be at least rank 2: matmul of {format_shape(a.shape)} and {format_shape(b.shape)}"
            )
        m, k = _oriented(a.shape, self.transpose_a)
        k2, n = _oriented(b.shape, self.transpose_b)
        if k is not None and k2 is not None and k != k2:
            raise ShapeError(
                f"Dimensions must be equal, but are {k} and {k2} for '{type(self).__name__}' "
                f"with input shapes: {format_shape(a.shape)}, {format_shape(b.shape)}"
            )
        batch = T.broadcast(a.shape[:-2], b.shape[:-2])
        return (TensorType(dtype, (*(batch or ()), m, n)),)

    def forward(self, xp: Any, a: Any, b: Any) -> tuple[Any, ...]:
        left = xp.swapaxes(a, -1, -2) if self.transpose_a else a
        right = xp.swapaxes(b, -1, -2) if self.transpose_b else b
        return (xp.matmul(left, right),)

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return 2 * out_types[0].size * in_types[0].static[-2 if self.transpose_a else -1]

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        a, b = node.inputs
        kind = type(self)
        if self.transpose_a:
            da = apply(kind(self.transpose_b, True), b, grad)
        else:
            da = apply(kind(False, not self.transpose_b), grad, b)
        if self.transpose_b:
            db = apply(kind(True, self.transpose_a), grad, a)
        else:
            db = apply(kind(not self.transpose_a, False), a, grad)
        if kind is BatchMatMulV2:
            return sum_like(da, a), sum_like(db, b)
        return da, db

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for ta in (False, True):
            for tb in (False, True):
                a, b = _random(2, 3), _random(3, 4)
                yield Sample(cls(ta, tb), (a.T.copy() if ta else a, b.T.copy() if tb else b))


class BatchMatMulV2(MatMul):
    """MatMul with leading axes, which broadcast."""

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_random(2, 2, 3), _random(3, 4)))
        yield Sample(cls(False, True), (_random(2, 2, 3), _random(2, 4, 3)))


def _oriented(shape: tuple[Any, ...], transposed: bool) -> tuple[Any, Any]:
    rows, columns = shape[-2:]
    return (columns, rows) if transposed else (rows, columns)


def matmul(
    a: TensorLike, b: TensorLike, transpose_a: bool = False, transpose_b: bool = False, adjoint_a: bool = False,
    adjoint_b: bool = False, a_is_sparse: bool = False, b_is_sparse: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Multiply matrices: A·B on the last two axes.

    Args:
        a: A tensor [..., M, K] of numeric dtype.
        b: A tensor [..., K, N] of the dtype of `a`; leading axes broadcast.
        transpose_a: Whether `a` is [..., K, M], to be transposed first.
        transpose_b: Whether `b` is [..., N, K], to be transposed first.
        adjoint_a, adjoint_b: The same as `transpose_a` and `transpose_b`; not supported for complex numbers.
        a_is_sparse, b_is_sparse: TensorFlow 1's; they have no effect.
        name: Name of the node.

    Returns:
        A tensor [..., M, N] of the dtype of `a`.

    Raises:
        ValueError: A matrix is to be both transposed and adjoint, or adjoint and complex.
        ShapeError: A rank is below 2, the inner sizes differ, or leading axes do not broadcast.
        DTypeError: The dtypes differ.

    Example:
        >>> tf.Session().run(tf.matmul([[1.0, 2.0], [3.0, 4.0]], [[10.0], [100.0]]))
        array([[210.],
               [430.]], dtype=float32)
    """
    if transpose_a and adjoint_a:
        raise ValueError("Only one of transpose_a and adjoint_a can be True.")
    if transpose_b and adjoint_b:
        raise ValueError("Only one of transpose_b and adjoint_b can be True.")
    a, b = as_tensor_like(a), as_tensor_like(b)
    known = a if isinstance(a, Tensor) else b if isinstance(b, Tensor) else None
    dtype = None if known is None else known.dtype
    with graph_of([a, b]).as_default():
        a, b = convert_to_tensor(a, dtype, "a"), convert_to_tensor(b, dtype, "b")
    for side, adjoint in (("a", adjoint_a), ("b", adjoint_b)):
        if adjoint and a.dtype.is_complex:
            raise ValueError(f"matmul: adjoint_{side}=True is not supported for complex numbers")
    high = any(t.type.rank is None or t.type.rank > 2 for t in (a, b))
    op = (BatchMatMulV2 if high else MatMul)(bool(transpose_a or adjoint_a), bool(transpose_b or adjoint_b))
    return first(make(op, name, "MatMul", {"a": a, "b": b}))


def xw_plus_b(x: TensorLike, weights: TensorLike, biases: TensorLike, name: str | None = None) -> Tensor:
    """Compute the affine map x·W + b.

    Args:
        x: A tensor [N, K] of numeric dtype.
        weights: W, a tensor [K, M] of the dtype of `x`.
        biases: b, a tensor [M] of the dtype of `x`.
        name: Name scope of the nodes.

    Returns:
        A tensor [N, M] of the dtype of `x`.

    Raises:
        ShapeError: The shapes do not fit together.
        DTypeError: The dtypes differ.

    Example:
        >>> tf.Session().run(tf.nn.xw_plus_b([[1.0, 2.0]], [[10.0], [100.0]], [0.5]))
        array([[210.5]], dtype=float32)
    """
    x = convert_to_tensor(x)
    with x.graph.name_scope(name or "xw_plus_b") as scope:
        return bias_add(matmul(x, weights), biases, name=scope)
