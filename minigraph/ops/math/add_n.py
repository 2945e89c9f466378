"""The sum of several tensors, element by element."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from minigraph.core import types as T
from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import as_dtype
from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import Scalar
from minigraph.core.types import TensorType
from minigraph.core.typing import DTypeLike, ShapeLike, TensorLike
from minigraph.ops.builder import first, make, same_dtype
from minigraph.ops.identity import Identity
from minigraph.ops.pointwise import X, by_rows, evaluate_expr

__all__ = ["accumulate_n", "add_n"]


class AddN(Op):
    """The sum of tensors of one type."""

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        shape = types[0].shape
        for other in types[1:]:
            shape = T.merge(shape, other.shape)
        dtype = same_dtype("AddN", *types)
        if dtype.is_bool:
            raise DTypeError("'AddN' does not take bool")
        return (TensorType(dtype, shape),)

    forward = evaluate_expr

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return (len(in_types) - 1) * out_types[0].size

    batching = by_rows

    def is_pointwise(self, in_types: Sequence[TensorType]) -> bool:
        return True

    def expr(self, *operands: Scalar) -> Scalar:
        total, *rest = operands
        for other in rest:
            total = total + other
        return total

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return [grad] * len(node.inputs)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return (Identity() if len(types) == 1 else self), tuple(range(len(types)))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (X, 2 * X, 3 * X))


def add_n(inputs: Sequence[TensorLike], name: str | None = None) -> Tensor:
    """Add several tensors of one shape element by element.

    Args:
        inputs: At least one tensor. All have the same numeric dtype and the same shape.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of the inputs.

    Raises:
        ShapeError: `inputs` is empty, or the shapes differ.
        DTypeError: The dtypes differ.

    Example:
        >>> tf.Session().run(tf.add_n([[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]]))
        array([111., 222.], dtype=float32)
    """
    tensors = [convert_to_tensor(t) for t in inputs]
    if not tensors:
        raise ShapeError("add_n needs at least one tensor")
    return first(make(AddN(), name, "AddN", {f"inputs_{i}": t for i, t in enumerate(tensors)}))


def accumulate_n(
    inputs: Sequence[TensorLike], shape: ShapeLike = None, tensor_dtype: DTypeLike | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Add several tensors of one shape element by element, as `tf.add_n` does.

    Args:
        inputs: At least one tensor. All have the same numeric dtype and the same shape.
        shape: The shape of the inputs, to set what is unknown of it.
        tensor_dtype: The dtype that the inputs must have.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of the inputs.

    Raises:
        ShapeError: `inputs` is empty, or the shapes differ.
        DTypeError: The dtypes differ, or are not `tensor_dtype`.

    Example:
        >>> tf.Session().run(tf.accumulate_n([[1.0, 2.0], [10.0, 20.0]]))
        array([11., 22.], dtype=float32)
    """
    total = add_n(inputs, name or "AccumulateNV2")
    if tensor_dtype is not None and total.dtype is not as_dtype(tensor_dtype):
        raise DTypeError(f"tensor_dtype is {as_dtype(tensor_dtype).name}, but the inputs are {total.dtype.name}")
    if shape is not None:
        total.set_shape(shape)
    return total
