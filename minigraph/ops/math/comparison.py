"""Comparisons and logic, element by element. The results are booleans."""

from __future__ import annotations

from minigraph.core.graph import Tensor
from minigraph.core.typing import TensorLike
from minigraph.ops.pointwise import Comparison, Logical, X, binary, unary

__all__ = [
    "equal",
    "greater",
    "greater_equal",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "not_equal",
]


class Equal(Comparison):
    """z = (x = y)."""

    ufunc = "equal"
    kinds = "fiubc"


def equal(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Compare two tensors element by element: x = y. NaN equals nothing.

    Args:
        x: A tensor of numeric or bool dtype.
        y: A tensor of the dtype of `x`, of a shape that broadcasts with that of `x`.
        name: Name of the node.

    Returns:
        A bool tensor of the broadcast shape.

    Raises:
        DTypeError: The dtypes differ, or are not numeric or bool.
        ShapeError: The shapes do not broadcast.

    Example:
        >>> tf.Session().run(tf.equal([1, 2, 3], 2))
        array([False,  True, False])
    """
    return binary(Equal(), x, y, name, "Equal")


class NotEqual(Comparison):
    """z = (x ≠ y)."""

    ufunc = "not_equal"
    kinds = "fiubc"


def not_equal(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Compare two tensors element by element: x ≠ y. NaN differs from everything.

    Args:
        x: A tensor of numeric or bool dtype.
        y: A tensor of the dtype of `x`, of a shape that broadcasts with that of `x`.
        name: Name of the node.

    Returns:
        A bool tensor of the broadcast shape.

    Raises:
        DTypeError: The dtypes differ, or are not numeric or bool.
        ShapeError: The shapes do not broadcast.

    Example:
        >>> tf.Session().run(tf.not_equal([1, 2, 3], 2))
        array([ True, False,  True])
    """
    return binary(NotEqual(), x, y, name, "NotEqual")


class Less(Comparison):
    """z = (x < y)."""

    ufunc = "less"


def less(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Compare two tensors element by element: x < y.

    Args:
        x: A tensor of numeric dtype.
        y: A tensor of the dtype of `x`, of a shape that broadcasts with that of `x`.
        name: Name of the node.

    Returns:
        A bool tensor of the broadcast shape.

    Raises:
        DTypeError: The dtypes differ, or are not numeric.
        ShapeError: The shapes do not broadcast.

    Example:
        >>> tf.Session().run(tf.less([1, 2, 3], 2))
        array([ True, False, False])
    """
    return binary(Less(), x, y, name, "Less")


class LessEqual(Comparison):
    """z = (x ≤ y)."""

    ufunc = "less_equal"


def less_equal(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Compare two tensors element by element: x ≤ y.

    Args:
        x: A tensor of numeric dtype.
        y: A tensor of the dtype of `x`, of a shape that broadcasts with that of `x`.
        name: Name of the node.

    Returns:
        A bool tensor of the broadcast shape.

    Raises:
        DTypeError: The dtypes differ, or are not numeric.
        ShapeError: The shapes do not broadcast.

    Example:
        >>> tf.Session().run(tf.less_equal([1, 2, 3], 2))
        array([ True,  True, False])
    """
    return binary(LessEqual(), x, y, name, "LessEqual")


class Greater(Comparison):
    """z = (x > y)."""

    ufunc = "greater"


def greater(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Compare two tensors element by element: x > y.

    Args:
        x: A tensor of numeric dtype.
        y: A tensor of the dtype of `x`, of a shape that broadcasts with that of `x`.
        name: Name of the node.

    Returns:
        A bool tensor of the broadcast shape.

    Raises:
        DTypeError: The dtypes differ, or are not numeric.
        ShapeError: The shapes do not broadcast.

    Example:
        >>> tf.Session().run(tf.greater([1, 2, 3], 2))
        array([False, False,  True])
    """
    return binary(Greater(), x, y, name, "Greater")


class GreaterEqual(Comparison):
    """z = (x ≥ y)."""

    ufunc = "greater_equal"


def greater_equal(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Compare two tensors element by element: x ≥ y.

    Args:
        x: A tensor of numeric dtype.
        y: A tensor of the dtype of `x`, of a shape that broadcasts with that of `x`.
        name: Name of the node.

    Returns:
        A bool tensor of the broadcast shape.

    Raises:
        DTypeError: The dtypes differ, or are not numeric.
        ShapeError: The shapes do not broadcast.

    Example:
        >>> tf.Session().run(tf.greater_equal([1, 2, 3], 2))
        array([False,  True,  True])
    """
    return binary(GreaterEqual(), x, y, name, "GreaterEqual")


class LogicalAnd(Logical):
    """z = x ∧ y."""

    ufunc = "logical_and"


def logical_and(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Compute the logical and of two tensors element by element: x ∧ y.

    Args:
        x: A tensor of dtype bool.
        y: A tensor of dtype bool, of a shape that broadcasts with that of `x`.
        name: Name of the node.

    Returns:
        A bool tensor of the broadcast shape.

    Raises:
        DTypeError: `x` or `y` is not bool.
        ShapeError: The shapes do not broadcast.

    Example:
        >>> tf.Session().run(tf.logical_and([True, True, False], [True, False, False]))
        array([ True, False, False])
    """
    return binary(LogicalAnd(), x, y, name, "LogicalAnd")


class LogicalOr(Logical):
    """z = x ∨ y."""

    ufunc = "logical_or"


def logical_or(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Compute the logical or of two tensors element by element: x ∨ y.

    Args:
        x: A tensor of dtype bool.
        y: A tensor of dtype bool, of a shape that broadcasts with that of `x`.
        name: Name of the node.

    Returns:
        A bool tensor of the broadcast shape.

    Raises:
        DTypeError: `x` or `y` is not bool.
        ShapeError: The shapes do not broadcast.

    Example:
        >>> tf.Session().run(tf.logical_or([True, True, False], [True, False, False]))
        array([ True,  True, False])
    """
    return binary(LogicalOr(), x, y, name, "LogicalOr")


class LogicalXor(Logical):
    """z = x ⊕ y."""

    ufunc = "logical_xor"


def logical_xor(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Compute the logical exclusive or of two tensors element by element: x ⊕ y.

    Args:
        x: A tensor of dtype bool.
        y: A tensor of dtype bool, of a shape that broadcasts with that of `x`.
        name: Name of the node.

    Returns:
        A bool tensor of the broadcast shape.

    Raises:
        DTypeError: `x` or `y` is not bool.
        ShapeError: The shapes do not broadcast.

    Example:
        >>> tf.Session().run(tf.logical_xor([True, True, False], [True, False, False]))
        array([False,  True, False])
    """
    return binary(LogicalXor(), x, y, name, "LogicalXor")


class LogicalNot(Logical):
    """y = ¬x."""

    ufunc = "logical_not"
    domain = (X > 0,)


def logical_not(x: TensorLike, name: str | None = None) -> Tensor:
    """Negate each element of a bool tensor: ¬x.

    Args:
        x: A tensor of dtype bool.
        name: Name of the node.

    Returns:
        A bool tensor of the shape of `x`.

    Raises:
        DTypeError: `x` is not bool.

    Example:
        >>> tf.Session().run(tf.logical_not([True, False]))
        array([False,  True])
    """
    return unary(LogicalNot(), x, name, "LogicalNot")
