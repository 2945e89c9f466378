"""Systems of linear equations, and eigenvalues of symmetric matrices, from LAPACK."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.errors import DTypeError, InvalidArgumentError, ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Sample
from minigraph.core.types import TensorType, broadcast, compatible, format_shape
from minigraph.core.typing import TensorLike
from minigraph.ops.array.arrays import matrix_transpose
from minigraph.ops.array.reshape import expand_dims
from minigraph.ops.builder import apply, composed, first, make
from minigraph.ops.filling import OnesLike, ZerosLike
from minigraph.ops.math.arithmetic import Mul, Neg, Sub
from minigraph.ops.math.comparison import Equal, Greater
from minigraph.ops.math.cumulative import Cumsum
from minigraph.ops.math.linear_algebra import MatrixOp
from minigraph.ops.math.matmul import matmul
from minigraph.ops.math.selection import Select

__all__ = ["cholesky_solve", "matrix_solve", "matrix_triangular_solve", "self_adjoint_eig", "self_adjoint_eigvals"]


class MatrixSolve(MatrixOp):
    """X with A·X = B; with Aᵀ·X = B if `adjoint`. ∂L/∂B = Y with Aᵀ·Y = δ, and ∂L/∂A = −Y·Xᵀ."""

    adjoint: bool = False

    def infer(self, a: TensorType, b: TensorType) -> tuple[TensorType, ...]:  # type: ignore[override]
        super().infer(a)
        if a.dtype != b.dtype:
            raise DTypeError(
                f"'{type(self).__name__}' takes matrices of one dtype, not {a.dtype.name} and {b.dtype.name}"
            )
        if a.shape is None or b.shape is None:
            return (b,)
        if len(b.shape) != len(a.shape) or not compatible(a.shape[:-1], b.shape[:-1]):
            shapes = f"{format_shape(a.shape)} and {format_shape(b.shape)}"
            raise ShapeError(
                f"'{type(self).__name__}': the shapes {shapes} of the matrix and the right side do not fit"
            )
        known = broadcast(a.shape[:-1], b.shape[:-1]) or ()
        return (TensorType(b.dtype, (*known, b.shape[-1])),)

    def coefficients(self, a: Any) -> Any:
        """The part of the matrix that counts."""
        return a

    def forward(self, xp: Any, a: Any, b: Any) -> tuple[Any, ...]:
        a = self.coefficients(a)
        try:
            return (xp.asarray(np.linalg.solve(a.swapaxes(-1, -2) if self.adjoint else a, b)),)
        except np.linalg.LinAlgError:
            raise InvalidArgumentError("Input matrix is not invertible.") from None

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        a, x = node.inputs[0], node.outputs[0]
        back = apply(self.replace(adjoint=not self.adjoint), a, grad)
        pair = (x, back) if self.adjoint else (back, x)
        return self.kept(apply(Neg(), matmul(*pair, transpose_b=True))), back

    def kept(self, slope: Tensor) -> Tensor:
        """The slope of the part of the matrix that counts."""
        return slope

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        random = np.random.RandomState(0)
        a, b = random.randn(2, 3, 3) + 4 * np.eye(3), random.randn(2, 3, 4)
        yield Sample(cls(), (a, b))
        yield Sample(cls(adjoint=True), (a, b))
        yield Sample(cls(), (np.array([[2.5]]), np.array([[5.0, 1.0]])))


class MatrixTriangularSolve(MatrixSolve):
    """As MatrixSolve, of the lower triangle of A, or of the upper one. The other triangle is not read."""

    lower: bool = True

    def coefficients(self, a: Any) -> Any:
        return np.tril(a) if self.lower else np.triu(a)

    def kept(self, slope: Tensor) -> Tensor:
        rows, columns = _places(slope)
        outside = apply(Greater(), columns, rows) if self.lower else apply(Greater(), rows, columns)
        return apply(Select(), outside, apply(ZerosLike(), slope), slope)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for sample in super().samples():
            yield sample
            yield sample._replace(op=sample.op.replace(lower=False))


class SelfAdjointEig(MatrixOp):
    """The eigenvalues e of symmetric matrices, ascending, and eigenvectors, the columns of V. Of A, the lower triangle
    is read.

    ∂L/∂A is the lower triangle of S + Sᵀ, with half its diagonal, for S = V·(diag δe + F ∘ (Vᵀ·δV))·Vᵀ with
    F_ij = 1/(e_j − e_i), and 0 where i = j. Source: Giles 2008, An extended collection of matrix derivative results.
    """

    def infer(self, a: TensorType) -> tuple[TensorType, ...]:
        super().infer(a)
        return TensorType(a.dtype, None if a.shape is None else a.shape[:-1]), a

    def forward(self, xp: Any, a: Any) -> tuple[Any, ...]:
        values, vectors = np.linalg.eigh(a)
        return xp.asarray(values), xp.asarray(vectors)

    def vjp(self, node: Node, *grads: Tensor | None) -> Sequence[Tensor | None]:
        values, vectors = node.outputs
        of_values, of_vectors = apply(ZerosLike(), values) if grads[0] is None else grads[0], grads[1]
        rows, columns = _places(vectors)
        same, zero = apply(Equal(), rows, columns), apply(ZerosLike(), vectors)
        turned = zero
        if of_vectors is not None:
            gaps = apply(Sub(), expand_dims(values, -2), expand_dims(values, -1))
            gaps = apply(Select(), same, apply(OnesLike(), vectors), gaps)
            turned = matmul(vectors, of_vectors, transpose_a=True) / gaps
        middle = apply(Select(), same, apply(Mul(), apply(OnesLike(), vectors), expand_dims(of_values, -1)), turned)
        s = matmul(matmul(vectors, middle), vectors, transpose_b=True)
        doubled = s + matrix_transpose(s)
        below = apply(Select(), apply(Greater(), rows, columns), doubled, zero)
        return (apply(Select(), same, s, below),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:  # the signs of eigenvectors are free, and the upper triangle is not read
        a = np.random.RandomState(0).randn(2, 3, 3)
        yield Sample(cls(), (a + a.transpose(0, 2, 1) + np.diag([1.0, 4.0, 9.0]),), smooth=False)


def _places(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """The numbers of the row and of the column of each element, without known sizes."""
    ones = apply(OnesLike(), matrix)
    return apply(Cumsum(-2), ones), apply(Cumsum(-1), ones)


def matrix_solve(matrix: TensorLike, rhs: TensorLike, adjoint: bool = False, name: str | None = None) -> Tensor:
    """Solve systems of linear equations: matrix·x = rhs.

    Args:
        matrix: A tensor [..., n, n] of dtype float32 or float64.
        rhs: The right sides, a tensor [..., n, k] of the dtype of `matrix`.
        adjoint: Whether to solve the systems of the transposed matrices.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `rhs`.

    Raises:
        ShapeError: The shapes do not fit.
        DTypeError: The dtype is another one.
        InvalidArgumentError: A matrix has no inverse; found in the run.

    Example:
        >>> tf.Session().run(tf.matrix_solve([[1.0, 2.0], [0.0, 4.0]], [[5.0], [8.0]]))
        array([[1.],
               [2.]], dtype=float32)
    """
    return first(make(MatrixSolve(adjoint), name, "MatrixSolve", {"matrix": matrix, "rhs": rhs}))


def matrix_triangular_solve(
    matrix: TensorLike, rhs: TensorLike, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> Tensor:
    """Solve systems of linear equations whose matrices are triangular.

    Args:
        matrix: A tensor [..., n, n] of dtype float32 or float64. Only one triangle is read.
        rhs: The right sides, a tensor [..., n, k] of the dtype of `matrix`.
        lower: Whether it is the lower triangle.
        adjoint: Whether to solve the systems of the transposed matrices.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `rhs`.

    Raises:
        ShapeError: The shapes do not fit.
        DTypeError: The dtype is another one.
        InvalidArgumentError: An element of the diagonal is 0; found in the run.

    Example:
        >>> tf.Session().run(tf.matrix_triangular_solve([[1.0, 7.0], [1.0, 4.0]], [[1.0], [9.0]]))
        array([[1.],
               [2.]], dtype=float32)
    """
    op = MatrixTriangularSolve(adjoint, lower)
    return first(make(op, name, "MatrixTriangularSolve", {"matrix": matrix, "rhs": rhs}))


def cholesky_solve(chol: TensorLike, rhs: TensorLike, name: str | None = None) -> Tensor:
    """Solve systems of linear equations A·x = rhs by the Cholesky factors of A.

    Args:
        chol: The lower triangular factors, a tensor [..., n, n] of dtype float32 or float64, as from `tf.cholesky`.
        rhs: The right sides, a tensor [..., n, k] of the dtype of `chol`.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype and shape of `rhs`.

    Raises:
        ShapeError: The shapes do not fit.
        DTypeError: The dtype is another one.

    Example:
        >>> tf.Session().run(tf.cholesky_solve(tf.cholesky([[4.0, 2.0], [2.0, 5.0]]), [[8.0], [12.0]]))
        array([[1.],
               [2.]], dtype=float32)
    """
    with composed(name, "cholesky_solve", chol, rhs):
        return matrix_triangular_solve(chol, matrix_triangular_solve(chol, rhs), adjoint=True)


def self_adjoint_eig(tensor: TensorLike, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Compute eigenvalues and eigenvectors of symmetric matrices.

    Args:
        tensor: A tensor [..., n, n] of dtype float32 or float64. Its upper triangle is not read.
        name: Name of the node.

    Returns:
        The eigenvalues [..., n], ascending, and matrices [..., n, n] whose columns are the eigenvectors. Signs of
        eigenvectors are not defined.

    Raises:
        ShapeError: The last two dimensions differ.
        DTypeError: The dtype is another one.

    Example:
        >>> values, vectors = tf.self_adjoint_eig([[2.0, 1.0], [1.0, 2.0]])
        >>> tf.Session().run(values).round(4)
        array([1., 3.], dtype=float32)
    """
    values, vectors = make(SelfAdjointEig(), name, "SelfAdjointEigV2", {"tensor": tensor}).outputs
    return values, vectors


def self_adjoint_eigvals(tensor: TensorLike, name: str | None = None) -> Tensor:
    """Compute eigenvalues of symmetric matrices.

    Args:
        tensor: A tensor [..., n, n] of dtype float32 or float64. Its upper triangle is not read.
        name: Name of the node.

    Returns:
        The eigenvalues [..., n], ascending.

    Raises:
        ShapeError: The last two dimensions differ.
        DTypeError: The dtype is another one.

    Example:
        >>> tf.Session().run(tf.self_adjoint_eigvals([[2.0, 1.0], [1.0, 2.0]])).round(4)
        array([1., 3.], dtype=float32)
    """
    return self_adjoint_eig(tensor, name)[0]
