"""Gradients that are zero but for some slices along the first axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import DType
from minigraph.core.errors import of_two_graphs
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.operand import Operand
from minigraph.core.types import TensorShape
from minigraph.core.typing import DTypeLike, TensorLike
from minigraph.ops.array.gathering import GatherGrad
from minigraph.ops.array.joining import concat
from minigraph.ops.array.reshape import reshape
from minigraph.ops.array.shape import fill, size, static_dims
from minigraph.ops.array.shape import shape as shape_of
from minigraph.ops.builder import apply
from minigraph.ops.math.add_n import AddN

__all__ = ["IndexedSlices", "convert_to_tensor_or_indexed_slices"]


class IndexedSlicesValue(NamedTuple):
    """What a session gives for `tf.IndexedSlices`: three arrays; `dense_shape` may be None."""

    values: Any
    indices: Any
    dense_shape: Any = None


class IndexedSlices(Operand[Tensor]):
    """A tensor that is zero but for slices along its first axis: dense[indices[i]] += values[i].

    The gradient of `tf.gather` and `tf.nn.embedding_lookup` in a table has this form. Optimizers then change only the
    rows that were looked up. Wherever a tensor is expected, it stands for the dense tensor.

    Args:
        values: The slices, a tensor [N, …].
        indices: Where each of them stands along the first axis, an integer vector [N]. Slices with one index add up.
        dense_shape: The shape of the dense tensor, an integer vector. Needed to make the dense tensor.

    Raises:
        GraphError: The tensors are of different graphs.

    Example:
        >>> table = tf.Variable([[1.0], [2.0], [3.0]])
        >>> (slope,) = tf.gradients(tf.reduce_sum(tf.gather(table, [2, 0, 2])), table)
        >>> with tf.Session() as session:
        ...     session.run(tf.global_variables_initializer())
        ...     session.run(slope).indices
        ...     session.run(tf.convert_to_tensor(slope))
        array([2, 0, 2], dtype=int32)
        array([[1.],
               [0.],
               [2.]], dtype=float32)
    """

    __slots__ = ("_dense", "_dense_shape", "_indices", "_values")

    def __init__(self, values: TensorLike, indices: TensorLike, dense_shape: TensorLike | None = None) -> None:
        self._values = convert_to_tensor(values, name="values")
        self._indices = convert_to_tensor(indices, name="indices")
        self._dense_shape = None if dense_shape is None else convert_to_tensor(dense_shape, name="dense_shape")
        self._dense: Tensor | None = None
        for part in self.parts:
            if part.graph is not self._values.graph:
                raise of_two_graphs(part, self._values)

    @property
    def values(self) -> Tensor:
        """The slices."""
        return self._values

    @property
    def indices(self) -> Tensor:
        """The places of the slices along the first axis."""
        return self._indices

    @property
    def dense_shape(self) -> Tensor | None:
        """The shape of the dense tensor, if it was given."""
        return self._dense_shape

    @property
    def parts(self) -> list[Tensor]:
        """The tensors that it consists of."""
        return [t for t in (self._values, self._indices, self._dense_shape) if t is not None]

    @property
    def shape(self) -> TensorShape:
        """The dense shape, as far as it is known."""
        return TensorShape(None if self._dense_shape is None else static_dims(self._dense_shape))

    @property
    def dtype(self) -> DType:
        """The dtype of the slices."""
        return self._values.dtype

    @property
    def name(self) -> str:
        """The name of the slices."""
        return self._values.name

    @property
    def op(self) -> Node:
        """The operation that makes the slices."""
        return self._values.op

    @property
    def device(self) -> str:
        """The device of the slices: the empty string."""
        return self._values.device

    @property
    def graph(self) -> Graph:
        """The graph."""
        return self._values.graph

    def consumers(self) -> list[Node]:
        """List the operations that read the slices.

        Returns:
            The operations, in the order of making.
        """
        return self._values.consumers()

    def as_graph_tensor(self) -> Tensor:
        """Give the dense tensor.

        Returns:
            The tensor: zeros, to which the slices are added.

        Raises:
            ValueError: The dense shape is unknown.
        """
        if self._dense is None:
            if self._dense_shape is None:
                raise ValueError(f"Tensor conversion requested for IndexedSlices without dense_shape: {self}")
            with self.graph.as_default(), self.graph.name_scope("UnsortedSegmentSum"):
                like = fill(self._dense_shape, self.dtype.np_dtype.type(0))
                self._dense = apply(GatherGrad(), self._values, self._indices, like)
        return self._dense

    def __neg__(self) -> IndexedSlices:  # type: ignore[override]
        return IndexedSlices(-self._values, self._indices, self._dense_shape)

    def __repr__(self) -> str:
        shape = "" if self._dense_shape is None else f", dense_shape={self._dense_shape}"
        return f"IndexedSlices(indices={self._indices}, values={self._values}{shape})"


def as_slices(dense: Tensor) -> Tensor | IndexedSlices:
    """A gradient that adds slices to zeros as these slices; any other as it is."""
    terms = dense.node.inputs[::-1] if isinstance(dense.node.op, AddN) else (dense,)  # TensorFlow adds the first first
    if not all(t.node.op == GatherGrad(0) for t in terms):
        return dense
    graph = dense.graph
    with graph.as_default(), graph.name_scope(f"{dense.node.name}/"), graph.counted_as(0):
        parts = [_slices(t) for t in terms]
        values, indices = (p[0] if len(p) == 1 else concat(p, 0) for p in zip(*parts, strict=True))
        found = IndexedSlices(values, indices, shape_of(terms[0].node.inputs[2]))
    found._dense = dense
    return found


def _slices(dense: Tensor) -> tuple[Tensor, Tensor]:
    """The slices that a node adds, along one axis, and their places as a vector."""
    values, indices, like = dense.node.inputs
    if indices.type.rank == 1:
        return values, indices
    count = indices.type.size if indices.type.is_static else size(indices)
    return reshape(values, concat([[count], shape_of(like)[1:]], 0)), reshape(indices, [-1])


def convert_to_tensor_or_indexed_slices(
    value: TensorLike | IndexedSlices, dtype: DTypeLike | None = None, name: str | None = None
) -> Tensor | IndexedSlices:
    """Turn a value into a tensor, unless it is `tf.IndexedSlices`.

    Args:
        value: Anything that `tf.convert_to_tensor` takes, or IndexedSlices.
        dtype: The dtype; by default that of `value`.
        name: Name of the constant.

    Returns:
        The IndexedSlices as they are, or the tensor.

    Raises:
        DTypeError: The value has another dtype.

    Example:
        >>> slices = tf.IndexedSlices([[1.0, 2.0]], [3])
        >>> tf.convert_to_tensor_or_indexed_slices(slices) is slices
        True
    """
    if isinstance(value, IndexedSlices):
        convert_to_tensor(value.values, dtype)
        return value
    return convert_to_tensor(value, dtype, name)


def map_values(function: Callable[[Any], Tensor], x: Any) -> Tensor:
    """A function that keeps zeros, applied to a value. Of IndexedSlices it is applied to the slices, and gives such."""
    if isinstance(x, IndexedSlices):
        return IndexedSlices(function(x.values), x.indices, x.dense_shape)  # type: ignore[return-value]
    return function(x)
