"""Determinants, inverses and Cholesky factors of matrices, from LAPACK."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.dtypes import float32, float64
from minigraph.core.errors import DTypeError, InvalidArgumentError, ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import TensorType, compatible, format_shape
from minigraph.core.typing import TensorLike
from minigraph.ops.array.arrays import matrix_transpose
from minigraph.ops.array.reshape import expand_dims
from minigraph.ops.builder import apply, first, make
from minigraph.ops.filling import OnesLike, ZerosLike
from minigraph.ops.math.arithmetic import Mul, Neg
from minigraph.ops.math.comparison import Equal, Greater
from minigraph.ops.math.cumulative import Cumsum
from minigraph.ops.math.matmul import matmul
from minigraph.ops.math.selection import Select

__all__ = ["cholesky", "matrix_determinant", "matrix_inverse"]


class MatrixOp(Op, abstract=True):
    """An op on the square matrices along the last two axes."""

    on_host = True

    def infer(self, a: TensorType) -> tuple[TensorType, ...]:
        name = type(self).__name__
        if a.dtype not in (float32, float64):
            raise DTypeError(f"'{name}' takes matrices of float32 or float64, not {a.dtype.name}")
        if a.shape is not None and (len(a.shape) < 2 or not compatible(a.shape[-1:], a.shape[-2:-1])):
            raise ShapeError(f"'{name}' takes square matrices, not shape {format_shape(a.shape)}")
        return (self.given(a),)

    def given(self, a: TensorType) -> TensorType:
        """The type of the result."""
        return a

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return in_types[0].size * in_types[0].static[-1]

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        a = np.random.RandomState(0).randn(2, 3, 3)
        yield Sample(cls(), (a @ a.transpose(0, 2, 1) + np.eye(3),))
        yield Sample(cls(), (np.array([[2.5]]),))


class MatrixDeterminant(MatrixOp):
    """det A; ∂L/∂A = δ·det A·A⁻ᵀ."""

    def given(self, a: TensorType) -> TensorType:
        return TensorType(a.dtype, None if a.shape is None else a.shape[:-2])

    def forward(self, xp: Any, a: Any) -> tuple[Any, ...]:
        return (xp.asarray(np.linalg.det(a)).astype(a.dtype),)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        scale = expand_dims(expand_dims(apply(Mul(), grad, node.outputs[0]), -1), -1)
        return (apply(Mul(), scale, matrix_transpose(apply(MatrixInverse(), node.inputs[0]))),)


class MatrixInverse(MatrixOp):
    """Y = A⁻¹; ∂L/∂A = −Yᵀ·δ·Yᵀ."""

    def forward(self, xp: Any, a: Any) -> tuple[Any, ...]:
        try:
            return (xp.asarray(np.linalg.inv(a)),)
        except np.linalg.LinAlgError:
            raise InvalidArgumentError("Input is not invertible.") from None

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        y = node.outputs[0]
        return (apply(Neg(), matmul(matmul(y, grad, transpose_a=True), y, transpose_b=True)),)


class Cholesky(MatrixOp):
    """The lower triangular L with A = L·Lᵀ. The upper triangle of A is not read.

    The gradient is symmetric: ∂L/∂A = ½·(S + Sᵀ) with S = L⁻ᵀ·Φ(Lᵀ·δ)·L⁻¹, where Φ takes the lower triangle and half of
    the diagonal. Source: I. Murray, "Differentiation of the Cholesky decomposition", arXiv:1602.07527.
    """

    def forward(self, xp: Any, a: Any) -> tuple[Any, ...]:
        try:
            return (xp.asarray(np.linalg.cholesky(a)),)
        except np.linalg.LinAlgError:
            message = "Cholesky decomposition was not successful. The input might not be valid."
            raise InvalidArgumentError(f"{message} It must be symmetric and positive definite.") from None

    @classmethod
    def samples(cls) -> Iterable[Sample]:  # finite differences see the lower triangle alone
        return (sample._replace(smooth=False) for sample in super().samples())

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        lower = node.outputs[0]
        inverse = apply(MatrixInverse(), lower)
        product = matmul(lower, grad, transpose_a=True)
        ones = apply(OnesLike(), product)
        row, column = (apply(Cumsum(axis), ones) for axis in (-2, -1))  # their numbers, which need no known sizes
        zero = apply(ZerosLike(), product)
        diagonal = apply(Select(), apply(Equal(), row, column), 0.5 * product, zero)
        phi = apply(Select(), apply(Greater(), row, column), product, diagonal)
        s = matmul(matmul(inverse, phi, transpose_a=True), inverse)
        return (0.5 * (s + matrix_transpose(s)),)


def matrix_determinant(input: TensorLike, name: str | None = None) -> Tensor:
    """Compute the determinants of square matrices.

    Args:
        input: A tensor [..., n, n] of dtype float32 or float64.
        name: Name of the node.

    Returns:
        A tensor [...] of the dtype of `input`.

    Raises:
        ShapeError: The last two dimensions differ.
        DTypeError: The dtype is another one.

    Example:
        >>> tf.Session().run(tf.matrix_determinant([[[1.0, 2.0], [0.0, 4.0]]]))
        array([4.], dtype=float32)
    """
    return first(make(MatrixDeterminant(), name, "MatrixDeterminant", {"input": input}))


def matrix_inverse(input: TensorLike, adjoint: bool = False, name: str | None = None) -> Tensor:
    """Compute the inverses of square matrices.

    Args:
        input: A tensor [..., n, n] of dtype float32 or float64.
        adjoint: Whether to invert the transposed matrices.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `input`.

    Raises:
        ShapeError: The last two dimensions differ.
        DTypeError: The dtype is another one.
        InvalidArgumentError: A matrix has no inverse; found in the run.

    Example:
        >>> tf.Session().run(tf.matrix_inverse([[2.0, 0.0], [0.0, 4.0]]))
        array([[0.5 , 0.  ],
               [0.  , 0.25]], dtype=float32)
    """
    given = matrix_transpose(input) if adjoint else input
    return first(make(MatrixInverse(), name, "MatrixInverse", {"input": given}))


def cholesky(input: TensorLike, name: str | None = None) -> Tensor:
    """Compute the Cholesky factors of symmetric positive definite matrices: the lower triangular L with A = L·Lᵀ.

    Args:
        input: A tensor [..., n, n] of dtype float32 or float64. Only the lower triangles are read.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `input`.

    Raises:
        ShapeError: The last two dimensions differ.
        DTypeError: The dtype is another one.
        InvalidArgumentError: A matrix is not positive definite; found in the run.

    Example:
        >>> tf.Session().run(tf.cholesky([[4.0, 2.0], [2.0, 2.0]]))
        array([[2., 0.],
               [1., 1.]], dtype=float32)
    """
    return first(make(Cholesky(), name, "Cholesky", {"input": input}))
