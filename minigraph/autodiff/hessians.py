"""Matrices of second derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.autodiff.gradients import dense_gradients
from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Tensor
from minigraph.core.operand import Operand
from minigraph.core.typing import TensorLike
from minigraph.ops.array.joining import stack
from minigraph.ops.array.reshape import reshape
from minigraph.ops.builder import composed
from minigraph.ops.constant import constant
from minigraph.ops.filling import zeros_like
from minigraph.util.nest import listed

__all__ = ["hessians"]


def hessians(
    ys: TensorLike | Sequence[TensorLike], xs: Operand[Any] | Sequence[Operand[Any]], name: str = "hessians",
    colocate_gradients_with_ops: bool = False, gate_gradients: bool = False, aggregation_method: Any = None,
) -> list[Tensor]:  # fmt: skip
    """Make the second derivatives of the sum of `ys` by the elements of each x.

    Args:
        ys: A floating-point tensor, or a list of them.
        xs: A floating-point tensor or variable of known shape, or a list of them.
        name: Name scope of the nodes.
        colocate_gradients_with_ops, gate_gradients, aggregation_method: TensorFlow 1's; they have no effect.

    Returns:
        For each x a tensor of its dtype whose shape is that of x twice.

    Raises:
        ValueError: No y depends on an x.
        ShapeError: The shape of an x is not fully known.

    Example:
        >>> x = tf.constant([1.0, 2.0])
        >>> tf.Session().run(tf.hessians(tf.reduce_prod(x) * x[0], x))[0].tolist()
        [[4.0, 2.0], [2.0, 0.0]]
    """
    given = listed(xs)
    with composed(name, "hessians", *given):
        return [_hessian(x, slope) for x, slope in zip(given, dense_gradients(ys, given), strict=True)]


def _hessian(x: Any, slope: Tensor | None) -> Tensor:
    tensor = convert_to_tensor(x)
    shape = tensor.type.static
    if slope is None:
        raise ValueError(f"no gradient reaches {x!r}")
    rows = []
    for unit in np.eye(tensor.type.size, dtype=tensor.dtype.np_dtype):
        (row,) = dense_gradients(slope, x, constant(unit.reshape(shape)))
        rows.append(zeros_like(tensor) if row is None else row)
    return reshape(stack(rows), (*shape, *shape))
