"""Linear algebra, under the names of TensorFlow 1's `tf.linalg`."""

from minigraph.ops.array.arrays import eye, matrix_transpose, trace
from minigraph.ops.array.arrays import matrix_band_part as band_part
from minigraph.ops.array.arrays import matrix_diag as diag
from minigraph.ops.array.arrays import matrix_diag_part as diag_part
from minigraph.ops.math.algebra import einsum, norm, tensordot
from minigraph.ops.math.clipping import global_norm
from minigraph.ops.math.matmul import matmul
from minigraph.ops.nn.norm import l2_normalize

transpose = matrix_transpose

__all__ = [
    "band_part", "diag", "diag_part", "einsum", "eye", "global_norm", "l2_normalize", "matmul", "matrix_transpose",
    "norm", "tensordot", "trace", "transpose",
]  # fmt: skip
