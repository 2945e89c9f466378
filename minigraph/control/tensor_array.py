"""`tf.TensorArray`: tensors of one shape by their index, which a loop writes and reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigraph.core.arguments import refuse
from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import as_dtype, int32
from minigraph.core.graph import Node, Tensor
from minigraph.core.types import as_shape, merge
from minigraph.core.typing import DTypeLike, ShapeLike, TensorLike
from minigraph.ops.array.gathering import gather as taken
from minigraph.ops.array.joining import concat as joined
from minigraph.ops.array.known import in_graph
from minigraph.ops.array.reshape import reshape
from minigraph.ops.array.shape import shape
from minigraph.ops.builder import apply, composed
from minigraph.ops.control.arrays import EmptyArray, WriteElement
from minigraph.ops.identity import identity
from minigraph.ops.state.variable import no_op

__all__ = ["TensorArray"]


class TensorArray:
    """An array of tensors of one dtype and shape. Methods that write return the array as it is then.

    Args:
        dtype: The dtype of the elements.
        size: Number of elements, an integer or an integer tensor.
        dynamic_size: Whether writing behind the end makes the array longer.
        clear_after_read: TensorFlow 1's; it has no effect: elements can be read again.
        tensor_array_name, colocate_with_first_write_call: TensorFlow 1's; they have no effect.
        handle: TensorFlow 1's; it must be None.
        flow: The tensor of all elements, in place of `size`.
        infer_shape: Whether all elements have the shape of the first one that is written.
        element_shape: The shape of the elements, if it is known.
        name: Name scope of the nodes.

    Raises:
        ValueError: `handle` is given, or neither `size` nor `flow` is.

    Example:
        >>> squares = tf.TensorArray(tf.int32, size=3)
        >>> for k in range(3):
        ...     squares = squares.write(k, k * k)
        >>> tf.Session().run(squares.stack())
        array([0, 1, 4], dtype=int32)
    """

    def __init__(
        self, dtype: DTypeLike, size: TensorLike | None = None, dynamic_size: bool | None = None,
        clear_after_read: bool | None = None, tensor_array_name: str | None = None, handle: Any = None,
        flow: Tensor | None = None, infer_shape: bool = True, element_shape: ShapeLike = None,
        colocate_with_first_write_call: bool = True, name: str | None = None,
    ) -> None:  # fmt: skip
        refuse("tf.TensorArray", handle=handle)
        self.dtype = as_dtype(dtype)
        self._grows = bool(dynamic_size)
        self._infers = infer_shape
        self._element = [as_shape(element_shape)]  # shared by all states of the array
        if flow is None:
            if size is None:
                raise ValueError("Size must be provided if handle is not provided")
            with composed(name, "TensorArray", size):
                flow = apply(EmptyArray(self.dtype), convert_to_tensor(size, int32, name="size"))
        self.flow = flow

    def replaced(self, flow: Tensor) -> TensorArray:
        """Give an array with other contents.

        Args:
            flow: The tensor of all elements.

        Returns:
            The array. The two share what is known of the elements' shape.
        """
        made = TensorArray(self.dtype, dynamic_size=self._grows, flow=flow, infer_shape=self._infers)
        made._element = self._element
        return made

    @property
    def handle(self) -> Tensor:
        """The tensor of all elements: there is no other handle."""
        return self.flow

    def identity(self) -> TensorArray:
        """Give the array itself.

        Returns:
            The array.
        """
        return self

    def write(self, index: TensorLike, value: TensorLike, name: str | None = None) -> TensorArray:
        """Write an element.

        Args:
            index: The place, an int32 scalar.
            value: A tensor of the array's dtype.
            name: Name scope of the nodes.

        Returns:
            The array with this element.

        Raises:
            DTypeError: `value` has another dtype.
            ShapeError: `value` has another shape than the elements.
            InvalidArgumentError: `index` is out of range; found in the run.
        """
        with composed(name, "TensorArrayWrite", self.flow, index, value):
            element = convert_to_tensor(value, self.dtype)
            if self._infers:
                self._element[0] = merge(self._element[0], element.type.shape)
            place = convert_to_tensor(index, name="index")
            return self.replaced(apply(WriteElement(self._grows), self.flow, place, element))

    def read(self, index: TensorLike, name: str | None = None) -> Tensor:
        """Read an element.

        Args:
            index: The place, an int32 scalar.
            name: Name scope of the nodes.

        Returns:
            The element.

        Raises:
            InvalidArgumentError: `index` is out of range; found in the run.
        """
        with self.flow.graph.counted_as(1 if in_graph(index) else 2):
            element = taken(self.flow, index, name=name or "TensorArrayRead")
        element.set_shape(self._element[0])
        return element

    def gather(self, indices: TensorLike, name: str | None = None) -> Tensor:
        """Read several elements.

        Args:
            indices: The places, an integer vector.
            name: Name scope of the nodes.

        Returns:
            The elements along a new first axis.
        """
        with self.flow.graph.counted_as(1 if in_graph(indices) else 2):
            return self._rows(taken(self.flow, indices, name=name or "TensorArrayGather"))

    def stack(self, name: str | None = None) -> Tensor:
        """Read all elements.

        Args:
            name: Name of the node.

        Returns:
            The elements along a new first axis.
        """
        with self.flow.graph.counted_as(5):  # TensorFlow gathers a range of places
            return self._rows(identity(self.flow, name=name or "TensorArrayStack"))

    def concat(self, name: str | None = None) -> Tensor:
        """Join all elements along their first axis. They have one shape.

        Args:
            name: Name scope of the nodes.

        Returns:
            The joined elements.
        """
        with composed(name, "TensorArrayConcat", self.flow), self.flow.graph.counted_as(1):
            element = self._element[0]
            result = reshape(self.flow, joined([[-1], shape(self.flow)[2:]], 0))
            result.set_shape(None if element is None else (None, *element[1:]))
            return result

    def unstack(self, value: TensorLike, name: str | None = None) -> TensorArray:
        """Set all elements.

        Args:
            value: The elements along the first axis.
            name: Name of the node.

        Returns:
            The array with these elements.
        """
        rows = convert_to_tensor(value, self.dtype)
        with rows.graph.counted_as(9):  # TensorFlow scatters to a range of places
            elements = identity(rows, name=name or "TensorArrayUnstack")
        if self._infers and elements.type.shape is not None:
            self._element[0] = merge(self._element[0], elements.type.shape[1:])
        return self.replaced(elements)

    def scatter(self, indices: Sequence[int], value: TensorLike, name: str | None = None) -> TensorArray:
        """Write several elements.

        Args:
            indices: The places.
            value: The elements along the first axis.
            name: Name scope of the nodes.

        Returns:
            The array with these elements.
        """
        array = self
        with composed(name, "TensorArrayScatter", self.flow, value):
            rows = convert_to_tensor(value, self.dtype)
            for k, index in enumerate(indices):
                array = array.write(index, rows[k])
        return array

    def size(self, name: str | None = None) -> Tensor:
        """Count the elements.

        Args:
            name: Name scope of the nodes.

        Returns:
            Their number, an int32 scalar.
        """
        with composed(name, "TensorArraySize", self.flow), self.flow.graph.counted_as(1):
            return shape(self.flow)[0]

    def close(self, name: str | None = None) -> Node:
        """Do nothing: a run keeps no array.

        Args:
            name: Name of the node.

        Returns:
            An operation.
        """
        return no_op(name or "TensorArrayClose")

    def _rows(self, rows: Tensor) -> Tensor:
        element = self._element[0]
        rows.set_shape(None if element is None else (None, *element))
        return rows
