"""The product of the elements over axes, and its gradient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from minigraph.core.errors import GradientError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import Scalar
from minigraph.core.scalar import cast as cast_scalar
from minigraph.core.types import TensorType
from minigraph.core.typing import AxisLike, TensorLike
from minigraph.loops.axes import around, reduction
from minigraph.loops.builder import Statement, accumulator
from minigraph.loops.index import Index
from minigraph.loops.kernel import MULTIPLY, Kernel
from minigraph.ops.broadcast import normalise_axes
from minigraph.ops.builder import apply
from minigraph.ops.math.arithmetic import Add, Mul
from minigraph.ops.math.cumulative import Cumprod, Recurrence
from minigraph.ops.math.reduce import MATRIX, ReduceOp, check_axes, reduced, spread
from minigraph.ops.pointwise import NUMBERS

__all__ = ["reduce_prod"]


class Prod(ReduceOp):
    """Π x. The gradient is the product of the other elements, correct at zeros too."""

    function = "prod"
    kinds = NUMBERS
    accumulates = True

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        return reduction(MULTIPLY, in_types[0], normalise_axes(self.axis, len(in_types[0].static)), out_types[0], 1)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        x = node.inputs[0]
        rank = x.type.rank
        if rank is None:
            raise GradientError(f"the gradient of reduce_prod needs a known rank ({node.name})")
        slope, product = spread(self, grad, x), x
        for axis in normalise_axes(self.axis, rank):
            slope = apply(Mul(), slope, apply(ProdOfOthers(axis=axis), product))
            product = apply(Prod(axis=(axis,), keep_dims=True), product)
        return (slope,)


class ProdOfOthers(Op):
    """For each element the product of all others along an axis."""

    axis: int
    accumulates = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        if x.shape is not None:
            check_axes((self.axis,), x)
        return (x,)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        before, after = (Cumprod(self.axis, True, reverse).forward(xp, x)[0] for reverse in (False, True))
        return (before * after,)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        """The product of the elements before in a first pass, times that of the elements behind in a second."""
        k, shape, kind = Statement("prod_of_others"), around(in_types[0].static, self.axis), in_types[0].dtype
        x, y, product = k.operand(in_types[0], shape), k.result(out_types[0], shape), accumulator(kind)
        passed = y if kind is product else k.workspace(product, shape)
        with k.over(shape[0], shape[2], names="oi") as (o, i):
            for back in (False, True):
                place = lambda j, back=back: (o, shape[1] - 1 - j if back else j, i)  # noqa: E731

                def keep(values: Sequence[Scalar], j: Index, place: Any = place, back: bool = back) -> None:
                    if back:
                        k.store(y, place(j), values[0] * passed[place(j)])
                    else:
                        k.store(passed, place(j), values[0])

                term = lambda j, place=place: [cast_scalar(x[place(j)], product)]  # noqa: E731
                k.reduce([shape[1]], MULTIPLY, [1], [product], term, before=keep)
        return k.done()

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return 2 * in_types[0].size

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        """Σ_{i≠k} g_i·Π_{j≠i,k} x_j: the terms with i < k and those with i > k, each by a recurrence."""
        x = node.inputs[0]
        before, after = (apply(Cumprod(self.axis, True, reverse), x) for reverse in (False, True))
        left = apply(Recurrence(self.axis, False, (1, 1)), apply(Mul(), grad, before), x)
        right = apply(Recurrence(self.axis, True, (1, 1)), apply(Mul(), grad, after), x)
        return (apply(Add(), apply(Mul(), left, after), apply(Mul(), before, right)),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(1), (MATRIX,))
        yield Sample(cls(0), (MATRIX,))


def reduce_prod(
    input_tensor: TensorLike, axis: AxisLike = None, keepdims: bool | None = None, name: str | None = None,
    reduction_indices: AxisLike = None, keep_dims: bool | None = None,
) -> Tensor:  # fmt: skip
    """Multiply the elements over axes.

    Args:
        input_tensor: A tensor of numeric dtype.
        axis: The axis or axes to reduce; None for all.
        keepdims: Whether to keep the reduced axes, with size 1.
        name: Name of the node.
        reduction_indices: Older name of `axis`.
        keep_dims: Older name of `keepdims`.

    Returns:
        A tensor of the dtype of `input_tensor`, without the reduced axes unless `keepdims` is True.

    Raises:
        ShapeError: An axis is out of range, or is a tensor that is not a constant.
        DTypeError: `input_tensor` is not numeric, or an axis is not an integer.

    Example:
        >>> tf.Session().run(tf.reduce_prod([[1.0, 2.0], [3.0, 4.0]], axis=1))
        array([ 2., 12.], dtype=float32)
    """
    return reduced(Prod, input_tensor, axis, keepdims, name, "Prod", (reduction_indices, keep_dims))
