"""Functions that update parts of variables: at indices, at index vectors, and in slices."""

from __future__ import annotations

from typing import Any

from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Tensor
from minigraph.core.operand import OPERATORS, Operand
from minigraph.core.typing import TensorLike
from minigraph.ops.array.slicing import StridedSlice
from minigraph.ops.builder import first
from minigraph.ops.state.scatter import (
    AssignSlice,
    Scatter,
    ScatterAdd,
    ScatterDiv,
    ScatterMax,
    ScatterMin,
    ScatterMul,
    ScatterNdAdd,
    ScatterNdSub,
    ScatterNdUpdate,
    ScatterSub,
    ScatterUpdate,
)
from minigraph.ops.state.variable import ReadVariable

__all__ = [
    "scatter_add", "scatter_div", "scatter_max", "scatter_min", "scatter_mul", "scatter_nd_add", "scatter_nd_sub",
    "scatter_nd_update", "scatter_sub", "scatter_update",
]  # fmt: skip


def _scatter(op: Scatter, ref: Any, indices: Any, updates: Any, name: str | None) -> Tensor:
    variable = getattr(ref, "ref", None)
    kind = type(op).__name__
    if not isinstance(variable, Tensor):
        raise TypeError(f"{kind} needs a tf.Variable, not {ref!r}")
    with variable.graph.as_default(), variable.graph.name_scope(name or kind) as scope:
        places = convert_to_tensor(indices, name="indices")
        values = convert_to_tensor(updates, variable.dtype, name="updates")
        return first(variable.graph.add(op, (variable, places, values), scope))


def scatter_update(
    ref: Operand[Any], indices: TensorLike, updates: TensorLike, use_locking: bool = True, name: str | None = None
) -> Tensor:
    """Overwrite slices of a variable: ref[indices] = updates. If an index occurs twice, the last update stands.

    Args:
        ref: A variable.
        indices: An integer tensor of places along the first axis.
        updates: A tensor of the dtype of `ref` and shape indices.shape + ref.shape[1:].
        use_locking: No effect: the updates of a run are made one after the other.
        name: Name scope of the nodes.

    Returns:
        The value of the variable after the update.

    Raises:
        TypeError: `ref` is not a variable.
        DTypeError: `indices` is not integer, or `updates` is not of the dtype of `ref`.
        ShapeError: The shape of `updates` does not fit.
        InvalidArgumentError: An index is out of range; found in the run.

    Example:
        >>> v = tf.Variable([1.0, 2.0, 3.0])
        >>> step = tf.scatter_update(v, [0, 2], [10.0, 30.0])
        >>> with tf.Session() as s:
        ...     s.run(tf.global_variables_initializer())
        ...     s.run(step)
        array([10.,  2., 30.], dtype=float32)
    """
    return _scatter(ScatterUpdate(), ref, indices, updates, name)


def scatter_add(
    ref: Operand[Any], indices: TensorLike, updates: TensorLike, use_locking: bool = False, name: str | None = None
) -> Tensor:
    """Add to slices of a variable: ref[indices] += updates. If an index occurs twice, both updates are added.

    Args:
        ref: A variable.
        indices: An integer tensor of places along the first axis.
        updates: A tensor of the dtype of `ref` and shape indices.shape + ref.shape[1:].
        use_locking: No effect: the updates of a run are made one after the other.
        name: Name scope of the nodes.

    Returns:
        The value of the variable after the update.

    Raises:
        TypeError: `ref` is not a variable.
        DTypeError: `indices` is not integer, or `updates` is not of the dtype of `ref`.
        ShapeError: The shape of `updates` does not fit.
        InvalidArgumentError: An index is out of range; found in the run.

    Example:
        >>> v = tf.Variable([1.0, 2.0, 3.0])
        >>> step = tf.scatter_add(v, [0, 0, 2], [10.0, 10.0, 30.0])
        >>> with tf.Session() as s:
        ...     s.run(tf.global_variables_initializer())
        ...     s.run(step)
        array([21.,  2., 33.], dtype=float32)
    """
    return _scatter(ScatterAdd(), ref, indices, updates, name)


def scatter_sub(
    ref: Operand[Any], indices: TensorLike, updates: TensorLike, use_locking: bool = False, name: str | None = None
) -> Tensor:
    """Subtract from slices of a variable: ref[indices] −= updates. If an index occurs twice, both are subtracted.

    Args:
        ref: A variable.
        indices: An integer tensor of places along the first axis.
        updates: A tensor of the dtype of `ref` and shape indices.shape + ref.shape[1:].
        use_locking: No effect: the updates of a run are made one after the other.
        name: Name scope of the nodes.

    Returns:
        The value of the variable after the update.

    Raises:
        TypeError: `ref` is not a variable.
        DTypeError: `indices` is not integer, or `updates` is not of the dtype of `ref`.
        ShapeError: The shape of `updates` does not fit.
        InvalidArgumentError: An index is out of range; found in the run.

    Example:
        >>> v = tf.Variable([1.0, 2.0, 3.0])
        >>> step = tf.scatter_sub(v, [0, 2], [10.0, 30.0])
        >>> with tf.Session() as s:
        ...     s.run(tf.global_variables_initializer())
        ...     s.run(step)
        array([ -9.,   2., -27.], dtype=float32)
    """
    return _scatter(ScatterSub(), ref, indices, updates, name)


def scatter_mul(
    ref: Operand[Any], indices: TensorLike, updates: TensorLike, use_locking: bool = False, name: str | None = None
) -> Tensor:
    """Multiply slices of a variable: ref[indices] *= updates.

    Args:
        ref: A variable.
        indices: An integer tensor of places along the first axis. Updates with one index act one after the other.
        updates: A tensor of the dtype of `ref` and shape indices.shape + ref.shape[1:], or a scalar.
        use_locking: No effect: the updates of a run are made one after the other.
        name: Name scope of the nodes.

    Returns:
        The value of the variable after the update.

    Raises:
        TypeError: `ref` is not a variable.
        DTypeError: `indices` is not integer, or `updates` is not of the dtype of `ref`.
        ShapeError: The shape of `updates` does not fit.
        InvalidArgumentError: An index is out of range; found in the run.

    Example:
        >>> v = tf.Variable([1.0, 2.0, 3.0])
        >>> step = tf.scatter_mul(v, [0, 0, 2], [10.0, 10.0, 30.0])
        >>> with tf.Session() as s:
        ...     s.run(tf.global_variables_initializer())
        ...     s.run(step)
        array([100.,   2.,  90.], dtype=float32)
    """
    return _scatter(ScatterMul(), ref, indices, updates, name)


def scatter_div(
    ref: Operand[Any], indices: TensorLike, updates: TensorLike, use_locking: bool = False, name: str | None = None
) -> Tensor:
    """Divide slices of a variable: ref[indices] /= updates.

    Args:
        ref: A variable.
        indices: An integer tensor of places along the first axis. Updates with one index act one after the other.
        updates: A tensor of the dtype of `ref` and shape indices.shape + ref.shape[1:], or a scalar.
        use_locking: No effect: the updates of a run are made one after the other.
        name: Name scope of the nodes.

    Returns:
        The value of the variable after the update.

    Raises:
        TypeError: `ref` is not a variable.
        DTypeError: `indices` is not integer, or `updates` is not of the dtype of `ref`.
        ShapeError: The shape of `updates` does not fit.
        InvalidArgumentError: An index is out of range; found in the run.

    Example:
        >>> v = tf.Variable([1.0, 2.0, 3.0])
        >>> step = tf.scatter_div(v, [0, 2], [2.0, 3.0])
        >>> with tf.Session() as s:
        ...     s.run(tf.global_variables_initializer())
        ...     s.run(step)
        array([0.5, 2. , 1. ], dtype=float32)
    """
    return _scatter(ScatterDiv(), ref, indices, updates, name)


def scatter_max(
    ref: Operand[Any], indices: TensorLike, updates: TensorLike, use_locking: bool = False, name: str | None = None
) -> Tensor:
    """Raise slices of a variable: ref[indices] = max(ref[indices], updates).

    Args:
        ref: A variable.
        indices: An integer tensor of places along the first axis. Updates with one index act one after the other.
        updates: A tensor of the dtype of `ref` and shape indices.shape + ref.shape[1:], or a scalar.
        use_locking: No effect: the updates of a run are made one after the other.
        name: Name scope of the nodes.

    Returns:
        The value of the variable after the update.

    Raises:
        TypeError: `ref` is not a variable.
        DTypeError: `indices` is not integer, or `updates` is not of the dtype of `ref`.
        ShapeError: The shape of `updates` does not fit.
        InvalidArgumentError: An index is out of range; found in the run.

    Example:
        >>> v = tf.Variable([1.0, 2.0, 3.0])
        >>> step = tf.scatter_max(v, [0, 2], [2.0, 2.0])
        >>> with tf.Session() as s:
        ...     s.run(tf.global_variables_initializer())
        ...     s.run(step)
        array([2., 2., 3.], dtype=float32)
    """
    return _scatter(ScatterMax(), ref, indices, updates, name)


def scatter_min(
    ref: Operand[Any], indices: TensorLike, updates: TensorLike, use_locking: bool = False, name: str | None = None
) -> Tensor:
    """Lower slices of a variable: ref[indices] = min(ref[indices], updates).

    Args:
        ref: A variable.
        indices: An integer tensor of places along the first axis. Updates with one index act one after the other.
        updates: A tensor of the dtype of `ref` and shape indices.shape + ref.shape[1:], or a scalar.
        use_locking: No effect: the updates of a run are made one after the other.
        name: Name scope of the nodes.

    Returns:
        The value of the variable after the update.

    Raises:
        TypeError: `ref` is not a variable.
        DTypeError: `indices` is not integer, or `updates` is not of the dtype of `ref`.
        ShapeError: The shape of `updates` does not fit.
        InvalidArgumentError: An index is out of range; found in the run.

    Example:
        >>> v = tf.Variable([1.0, 2.0, 3.0])
        >>> step = tf.scatter_min(v, [0, 2], [2.0, 2.0])
        >>> with tf.Session() as s:
        ...     s.run(tf.global_variables_initializer())
        ...     s.run(step)
        array([1., 2., 2.], dtype=float32)
    """
    return _scatter(ScatterMin(), ref, indices, updates, name)


def scatter_nd_update(
    ref: Operand[Any], indices: TensorLike, updates: TensorLike, use_locking: bool = True, name: str | None = None
) -> Tensor:
    """Overwrite elements or slices of a variable: ref[i, j, ...] = updates.

    Args:
        ref: A variable.
        indices: An integer tensor [..., D] of index vectors.
        updates: A tensor of the dtype of `ref` and shape indices.shape[:-1] + ref.shape[D:].
        use_locking: No effect: the updates of a run are made one after the other.
        name: Name scope of the nodes.

    Returns:
        The value of the variable after the update.

    Raises:
        TypeError: `ref` is not a variable.
        DTypeError: `indices` is not integer, or `updates` is not of the dtype of `ref`.
        ShapeError: The shape of `updates` does not fit.
        InvalidArgumentError: An index is out of range; found in the run.

    Example:
        >>> v = tf.Variable([1.0, 2.0, 3.0])
        >>> step = tf.scatter_nd_update(v, [[0], [2]], [10.0, 30.0])
        >>> with tf.Session() as s:
        ...     s.run(tf.global_variables_initializer())
        ...     s.run(step)
        array([10.,  2., 30.], dtype=float32)
    """
    return _scatter(ScatterNdUpdate(), ref, indices, updates, name)


def scatter_nd_add(
    ref: Operand[Any], indices: TensorLike, updates: TensorLike, use_locking: bool = False, name: str | None = None
) -> Tensor:
    """Add to elements or slices of a variable: ref[i, j, ...] += updates.

    Args:
        ref: A variable.
        indices: An integer tensor [..., D] of index vectors.
        updates: A tensor of the dtype of `ref` and shape indices.shape[:-1] + ref.shape[D:].
        use_locking: No effect: the updates of a run are made one after the other.
        name: Name scope of the nodes.

    Returns:
        The value of the variable after the update.

    Raises:
        TypeError: `ref` is not a variable.
        DTypeError: `indices` is not integer, or `updates` is not of the dtype of `ref`.
        ShapeError: The shape of `updates` does not fit.
        InvalidArgumentError: An index is out of range; found in the run.

    Example:
        >>> v = tf.Variable([1.0, 2.0, 3.0])
        >>> step = tf.scatter_nd_add(v, [[0], [0]], [10.0, 30.0])
        >>> with tf.Session() as s:
        ...     s.run(tf.global_variables_initializer())
        ...     s.run(step)
        array([41.,  2.,  3.], dtype=float32)
    """
    return _scatter(ScatterNdAdd(), ref, indices, updates, name)


def scatter_nd_sub(
    ref: Operand[Any], indices: TensorLike, updates: TensorLike, use_locking: bool = False, name: str | None = None
) -> Tensor:
    """Subtract from elements or slices of a variable: ref[i, j, ...] −= updates.

    Args:
        ref: A variable.
        indices: An integer tensor [..., D] of index vectors.
        updates: A tensor of the dtype of `ref` and shape indices.shape[:-1] + ref.shape[D:].
        use_locking: No effect: the updates of a run are made one after the other.
        name: Name scope of the nodes.

    Returns:
        The value of the variable after the update.

    Raises:
        TypeError: `ref` is not a variable.
        DTypeError: `indices` is not integer, or `updates` is not of the dtype of `ref`.
        ShapeError: The shape of `updates` does not fit.
        InvalidArgumentError: An index is out of range; found in the run.

    Example:
        >>> v = tf.Variable([1.0, 2.0, 3.0])
        >>> step = tf.scatter_nd_sub(v, [[0], [2]], [10.0, 30.0])
        >>> with tf.Session() as s:
        ...     s.run(tf.global_variables_initializer())
        ...     s.run(step)
        array([ -9.,   2., -27.], dtype=float32)
    """
    return _scatter(ScatterNdSub(), ref, indices, updates, name)


def _assign_slice(part: Any, value: TensorLike, name: str | None) -> Tensor:
    """`v[a:b].assign(value)` for a slice of a variable."""
    node = part.node if isinstance(part, Tensor) else None
    if node is None or not isinstance(node.op, StridedSlice) or not isinstance(node.inputs[0].node.op, ReadVariable):
        raise TypeError(f"assign needs a tf.Variable or a slice of one, not {part!r}")
    variable = node.inputs[0].node.inputs[0]
    with variable.graph.as_default(), variable.graph.name_scope(name or "strided_slice/_assign") as scope:
        new = convert_to_tensor(value, variable.dtype, name="value")
        return first(variable.graph.add(AssignSlice(node.op.spec), (variable, new), scope))


OPERATORS["assign_slice"] = _assign_slice
