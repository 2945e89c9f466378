"""Linear algebra, under the names of TensorFlow 1's `tf.linalg`."""

from minigraph.ops.array.arrays import eye as eye
from minigraph.ops.array.arrays import matrix_transpose as matrix_transpose
from minigraph.ops.array.diagonals import matrix_band_part as _matrix_band_part
from minigraph.ops.array.diagonals import matrix_diag as _matrix_diag
from minigraph.ops.array.diagonals import matrix_diag_part as _matrix_diag_part
from minigraph.ops.array.diagonals import matrix_set_diag as _matrix_set_diag
from minigraph.ops.array.diagonals import trace as trace
from minigraph.ops.math.algebra import einsum as einsum
from minigraph.ops.math.algebra import norm as norm
from minigraph.ops.math.algebra import tensordot as tensordot
from minigraph.ops.math.clipping import global_norm as global_norm
from minigraph.ops.math.linear_algebra import cholesky as cholesky
from minigraph.ops.math.linear_algebra import matrix_determinant as _matrix_determinant
from minigraph.ops.math.linear_algebra import matrix_inverse as _matrix_inverse
from minigraph.ops.math.linear_systems import cholesky_solve as cholesky_solve
from minigraph.ops.math.linear_systems import matrix_solve as _matrix_solve
from minigraph.ops.math.linear_systems import matrix_triangular_solve as _matrix_triangular_solve
from minigraph.ops.math.linear_systems import self_adjoint_eig as _self_adjoint_eig
from minigraph.ops.math.linear_systems import self_adjoint_eigvals as _self_adjoint_eigvals
from minigraph.ops.math.matmul import matmul as matmul
from minigraph.ops.nn.norm import l2_normalize as l2_normalize

band_part, diag, diag_part = _matrix_band_part, _matrix_diag, _matrix_diag_part
set_diag = _matrix_set_diag
eigh, eigvalsh = _self_adjoint_eig, _self_adjoint_eigvals
solve, triangular_solve = _matrix_solve, _matrix_triangular_solve
det, inv = _matrix_determinant, _matrix_inverse
transpose = matrix_transpose
