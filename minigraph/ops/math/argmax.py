"""The indices of the largest and of the smallest elements along an axis."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from minigraph.core.arguments import renamed
from minigraph.core.dtypes import as_dtype, int32, int64, uint8
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import Scalar, call, cast, where
from minigraph.core.types import TensorType, format_shape
from minigraph.core.typing import DTypeLike, TensorLike
from minigraph.loops.axes import around
from minigraph.loops.builder import Statement
from minigraph.loops.index import Index
from minigraph.loops.kernel import MAXIMUM, MINIMUM, Kernel
from minigraph.ops.array.known import make_late
from minigraph.ops.builder import first, require_real
from minigraph.ops.counting import per_input
from minigraph.ops.math.reduce import check_axes

__all__ = ["argmax", "argmin"]

_X = np.array([[-1.7, -0.4, 0.3], [0.8, 1.9, 2.6]])


class ArgMax(Op):
    """The index of the largest element along `axis`, the first on ties; that of the first NaN if there is one."""

    axis: int = 0
    output_type: Any = int64
    differentiable = False
    function: ClassVar[str] = "argmax"

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        require_real(type(self).__name__, x)
        if x.shape is None:
            return (TensorType(self.output_type, None),)
        axis = check_axes((self.axis,), x)[0]
        if x.shape[axis] == 0:
            raise ShapeError(f"Reduction axis {axis} is empty in shape {format_shape(x.shape)}")
        return (TensorType(self.output_type, x.shape[:axis] + x.shape[axis + 1 :]),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.asarray(getattr(xp, self.function)(x, axis=self.axis)).astype(self.output_type.np_dtype),)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        """The extreme element first; then the least index whose element equals it or is NaN."""
        k, shape = Statement(self.function), around(in_types[0].static, self.axis)
        x, y = k.operand(in_types[0], shape), k.result(out_types[0], (shape[0], shape[2]))
        largest = self.function == "argmax"
        kind = uint8 if x.dtype.is_bool else x.dtype
        monoid, least = (MAXIMUM, kind.lowest) if largest else (MINIMUM, kind.highest)
        with k.over(*y.shape) as (o, i):

            def element(j: Index) -> Scalar:
                return cast(x[o, j, i], kind)

            (best,) = k.reduce([shape[1]], monoid, [least], [kind], lambda j: [element(j)])

            def place(j: Index) -> list[Scalar]:
                hit = call("equal", element(j), best)
                if kind.is_floating:
                    hit = call("logical_or", hit, call("isnan", element(j)))
                return [where(hit, k.number(j, int32), shape[1])]

            (found,) = k.reduce([shape[1]], MINIMUM, [shape[1]], [int32], place)
            k.store(y, (o, i), found)
        return k.done()

    flops = per_input

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(axis=1), (_X,))


class ArgMin(ArgMax):
    """The index of the smallest element along `axis`, the first on ties; that of the first NaN if there is one."""

    function = "argmin"


def _arg(op: type[ArgMax], x: Any, axis: Any, dimension: Any, output_type: Any, name: str | None) -> Tensor:
    chosen = renamed("axis", axis, "dimension", dimension)
    axis = 0 if chosen is None else chosen
    kind = as_dtype(output_type)
    return first(
        make_late(op, "axis", "number", axis, {"input": x}, name, op.__name__, ("dimension",), output_type=kind)
    )


def argmax(
    input: TensorLike, axis: int | None = None, name: str | None = None, dimension: int | None = None,
    output_type: DTypeLike = int64,
) -> Tensor:  # fmt: skip
    """Find the index of the largest element along an axis, the first of equal ones; that of the first NaN if any.

    Args:
        input: A tensor of numeric dtype.
        axis: The axis; None for the first.
        name: Name of the node.
        dimension: Older name of `axis`.
        output_type: The dtype of the result.

    Returns:
        A tensor of dtype `output_type`, without the axis.

    Raises:
        ShapeError: An axis is out of range.

    Example:
        >>> tf.Session().run(tf.argmax([[1.0, 5.0], [7.0, 2.0]], axis=1))
        array([1, 0])
    """
    return _arg(ArgMax, input, axis, dimension, output_type, name)


def argmin(
    input: TensorLike, axis: int | None = None, name: str | None = None, dimension: int | None = None,
    output_type: DTypeLike = int64,
) -> Tensor:  # fmt: skip
    """Find the index of the smallest element along an axis, the first of equal ones; that of the first NaN if any.

    Args:
        input: A tensor of numeric dtype.
        axis: The axis; None for the first.
        name: Name of the node.
        dimension: Older name of `axis`.
        output_type: The dtype of the result.

    Returns:
        A tensor of dtype `output_type`, without the axis.

    Raises:
        ShapeError: An axis is out of range.

    Example:
        >>> tf.Session().run(tf.argmin([[1.0, 5.0], [7.0, 2.0]], axis=1))
        array([0, 1])
    """
    return _arg(ArgMin, input, axis, dimension, output_type, name)
