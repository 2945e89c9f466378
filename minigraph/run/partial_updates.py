"""Methods of variables that update some of their elements."""

from __future__ import annotations

from minigraph.core.graph import Tensor
from minigraph.core.operand import Operand
from minigraph.core.typing import TensorLike
from minigraph.ops.array.indexed_slices import IndexedSlices
from minigraph.ops.state import counting
from minigraph.ops.state import scatter_api as scatter


class PartialUpdates(Operand[Tensor]):
    """The part of `tf.Variable` that updates slices and elements."""

    def scatter_add(self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None) -> Tensor:
        """Add to slices along the first axis; see `tf.scatter_add`.

        Args:
            sparse_delta: The updates and their places.
            use_locking: TensorFlow 1's; it has no effect.
            name: Name of the node.

        Returns:
            A tensor: the value after the update.
        """
        return scatter.scatter_add(self, sparse_delta.indices, sparse_delta.values, name=name)

    def scatter_sub(self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None) -> Tensor:
        """Subtract from slices along the first axis; see `tf.scatter_sub`.

        Args:
            sparse_delta: The updates and their places.
            use_locking: TensorFlow 1's; it has no effect.
            name: Name of the node.

        Returns:
            A tensor: the value after the update.
        """
        return scatter.scatter_sub(self, sparse_delta.indices, sparse_delta.values, name=name)

    def scatter_update(self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None) -> Tensor:
        """Overwrite slices along the first axis; see `tf.scatter_update`.

        Args:
            sparse_delta: The updates and their places.
            use_locking: TensorFlow 1's; it has no effect.
            name: Name of the node.

        Returns:
            A tensor: the value after the update.
        """
        return scatter.scatter_update(self, sparse_delta.indices, sparse_delta.values, name=name)

    def batch_scatter_update(
        self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None
    ) -> Tensor:
        """Overwrite slices, batch by batch: self[b, indices[b, i]] = values[b, i] for all b of the leading axes.

        Args:
            sparse_delta: The updates and their places, indices [..., n] and values of shape
                indices.shape + self.shape[indices.rank:].
            use_locking: TensorFlow 1's; it has no effect.
            name: Name of the node.

        Returns:
            A tensor: the value after the update.

        Raises:
            ShapeError: The rank of the indices is 0 or not known.

        Example:
            >>> v = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
            >>> step = v.batch_scatter_update(tf.IndexedSlices([[7.0], [8.0]], [[1], [0]]))
            >>> with tf.Session() as s:
            ...     s.run(tf.global_variables_initializer())
            ...     s.run(step)
            array([[1., 7.],
                   [8., 4.]], dtype=float32)
        """
        return counting.batch_scatter_update(self, sparse_delta.indices, sparse_delta.values, use_locking, name)

    def count_up_to(self, limit: int) -> Tensor:
        """Make a step that adds 1 to the variable, an integer scalar, until it has reached a limit.

        Args:
            limit: The limit.

        Returns:
            A tensor: the value before the step. OutOfRangeError in a run at the limit.

        Raises:
            DTypeError: The variable is not an integer scalar.

        Example:
            >>> epoch = tf.Variable(0)
            >>> step = epoch.count_up_to(2)
            >>> with tf.Session() as s:
            ...     s.run(tf.global_variables_initializer())
            ...     [int(s.run(step)) for _ in range(2)]
            [0, 1]
        """
        return counting.count_up_to(self, limit)

    def scatter_mul(self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None) -> Tensor:
        """Multiply slices along the first axis; see `tf.scatter_mul`.

        Args:
            sparse_delta: The updates and their places.
            use_locking: TensorFlow 1's; it has no effect.
            name: Name of the node.

        Returns:
            A tensor: the value after the update.
        """
        return scatter.scatter_mul(self, sparse_delta.indices, sparse_delta.values, name=name)

    def scatter_div(self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None) -> Tensor:
        """Divide slices along the first axis; see `tf.scatter_div`.

        Args:
            sparse_delta: The updates and their places.
            use_locking: TensorFlow 1's; it has no effect.
            name: Name of the node.

        Returns:
            A tensor: the value after the update.
        """
        return scatter.scatter_div(self, sparse_delta.indices, sparse_delta.values, name=name)

    def scatter_max(self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None) -> Tensor:
        """Raise slices along the first axis; see `tf.scatter_max`.

        Args:
            sparse_delta: The updates and their places.
            use_locking: TensorFlow 1's; it has no effect.
            name: Name of the node.

        Returns:
            A tensor: the value after the update.
        """
        return scatter.scatter_max(self, sparse_delta.indices, sparse_delta.values, name=name)

    def scatter_min(self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None) -> Tensor:
        """Lower slices along the first axis; see `tf.scatter_min`.

        Args:
            sparse_delta: The updates and their places.
            use_locking: TensorFlow 1's; it has no effect.
            name: Name of the node.

        Returns:
            A tensor: the value after the update.
        """
        return scatter.scatter_min(self, sparse_delta.indices, sparse_delta.values, name=name)

    def scatter_nd_add(self, indices: TensorLike, updates: TensorLike, name: str | None = None) -> Tensor:
        """Add to elements or slices at index vectors; see `tf.scatter_nd_add`.

        Args:
            indices: The index vectors.
            updates: The updates.
            name: Name of the node.

        Returns:
            A tensor: the value after the update.
        """
        return scatter.scatter_nd_add(self, indices, updates, name=name)

    def scatter_nd_sub(self, indices: TensorLike, updates: TensorLike, name: str | None = None) -> Tensor:
        """Subtract from elements or slices at index vectors; see `tf.scatter_nd_sub`.

        Args:
            indices: The index vectors.
            updates: The updates.
            name: Name of the node.

        Returns:
            A tensor: the value after the update.
        """
        return scatter.scatter_nd_sub(self, indices, updates, name=name)

    def scatter_nd_update(self, indices: TensorLike, updates: TensorLike, name: str | None = None) -> Tensor:
        """Overwrite elements or slices at index vectors; see `tf.scatter_nd_update`.

        Args:
            indices: The index vectors.
            updates: The updates.
            name: Name of the node.

        Returns:
            A tensor: the value after the update.
        """
        return scatter.scatter_nd_update(self, indices, updates, name=name)
