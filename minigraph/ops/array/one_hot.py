"""One-hot vectors of class numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import as_dtype, float32, int32, int64
from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import call, cast, where
from minigraph.core.types import TensorType
from minigraph.core.typing import DTypeLike, TensorLike
from minigraph.loops.axes import around
from minigraph.loops.builder import Statement
from minigraph.loops.kernel import Kernel
from minigraph.ops.array.joining import checked_axis
from minigraph.ops.array.known import number_or_tensor
from minigraph.ops.array.late import Late
from minigraph.ops.builder import first, graph_of, same_dtype
from minigraph.ops.counting import no_flops

__all__ = ["one_hot"]


class OneHot(Op):
    """`on` at the index along a new axis, `off` elsewhere. An index out of range gives `off` everywhere."""

    depth: int
    axis: int = -1
    differentiable = False

    def infer(self, indices: TensorType, on: TensorType, off: TensorType) -> tuple[TensorType, ...]:
        if not indices.dtype.is_integer:
            raise DTypeError(f"'OneHot' takes integer indices, not {indices.dtype.name}")
        dtype = same_dtype("OneHot", on, off)
        if on.rank not in (None, 0) or off.rank not in (None, 0):
            raise ShapeError(f"'OneHot' takes scalars for on and off, not {on} and {off}")
        if indices.shape is None:
            return (TensorType(dtype, None),)
        axis = checked_axis(self.axis, len(indices.shape) + 1, "one_hot")
        return (TensorType(dtype, (*indices.shape[:axis], self.depth, *indices.shape[axis:])),)

    def forward(self, xp: Any, indices: Any, on: Any, off: Any) -> tuple[Any, ...]:
        axis = self.axis % (indices.ndim + 1)
        counts = xp.arange(self.depth).reshape((-1,) + (1,) * (indices.ndim - axis))
        return (xp.where(xp.expand_dims(indices, axis) == counts, on, off),)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        shape = around(out_types[0].static, self.axis)
        k = Statement("one_hot")
        indices, on, off = k.operand(in_types[0], (shape[0], shape[2])), k.operand(in_types[1]), k.operand(in_types[2])
        y = k.result(out_types[0], shape)
        with k.over(*shape) as (o, d, i):
            hit = call("equal", cast(indices[o, i], int64), k.number(d, int64))
            k.store(y, (o, d, i), where(hit, on[()], off[()]))
        return k.done()

    flops = no_flops

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(4), (np.array([1, 3, -1], np.int32), np.array(1.0), np.array(0.0)))
        yield Sample(cls(3, 0), (np.array([1, 2], np.int64), np.array(5.0), np.array(-1.0)))


def one_hot(
    indices: TensorLike, depth: int, on_value: TensorLike | None = None, off_value: TensorLike | None = None,
    axis: int | None = None, dtype: DTypeLike | None = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Encode class numbers as vectors with one element set.

    Args:
        indices: An integer tensor of class numbers. Numbers outside [0, depth) give no `on_value`.
        depth: The number of classes.
        on_value: The scalar at the class number; by default 1.
        off_value: The scalar elsewhere; by default 0.
        axis: The place of the new axis in the result; by default the last.
        dtype: The dtype of the result; by default that of `on_value`, or float32.
        name: Name scope of the nodes.

    Returns:
        A tensor of the shape of `indices` with a new axis of size `depth`.

    Raises:
        DTypeError: `indices` is not integer, or the dtypes of the values differ.
        ShapeError: A value is not a scalar, or `axis` is out of range.

    Example:
        >>> tf.Session().run(tf.one_hot([1, 2], depth=3))
        array([[0., 1., 0.],
               [0., 0., 1.]], dtype=float32)
    """
    kind = as_dtype(dtype) if dtype is not None else float32
    graph = graph_of([indices])
    with graph.as_default(), graph.name_scope(name or "one_hot") as scope:
        wanted = kind if dtype is not None or on_value is None else None
        on = convert_to_tensor(1 if on_value is None else on_value, wanted, "on_value")
        off = convert_to_tensor(0 if off_value is None else off_value, on.dtype, "off_value")
        graph.reserve_ids(1 + (on_value is not None) + (off_value is not None))
        index = convert_to_tensor(indices, None, "indices", int32)
        size, at = number_or_tensor(depth), -1 if axis is None else int(axis)
        if isinstance(size, Tensor):
            return first(graph.add(Late("OneHot", "depth", "number", (("axis", at),)), (index, on, off, size), scope))
        return first(graph.add(OneHot(int(size), at), (index, on, off), scope))
