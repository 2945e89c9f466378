"""A tensor times a scalar."""

from __future__ import annotations

from minigraph.core.graph import Tensor
from minigraph.core.typing import NumberLike, TensorLike
from minigraph.ops.array.indexed_slices import map_values
from minigraph.ops.math.arithmetic import multiply

__all__ = ["scalar_mul"]


def scalar_mul(scalar: NumberLike, x: TensorLike, name: str | None = None) -> Tensor:
    """Multiply a tensor by a scalar: scalar·x.

    Args:
        scalar: A number, or a scalar tensor of the dtype of `x`.
        x: A tensor of numeric dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`; IndexedSlices if `x` is.

    Raises:
        DTypeError: The dtypes differ, or are not numeric.

    Example:
        >>> tf.Session().run(tf.scalar_mul(10.0, [1.0, 2.0]))
        array([10., 20.], dtype=float32)
    """
    return map_values(lambda values: multiply(scalar, values, name), x)
