"""Static types of tensors: a dtype and a shape whose dimensions, or whose rank, may be unknown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from minigraph.core.dtypes import DType
from minigraph.core.errors import ShapeError

__all__ = ["Dimension", "TensorShape"]

Dim = int | None
Shape = tuple[Dim, ...] | None  # None: the rank is unknown


class TensorType(NamedTuple):
    """A dtype and a shape. `shape` is None if the rank is unknown; a dimension is None if it is unknown."""

    dtype: DType
    shape: Shape

    @property
    def static(self) -> tuple[int, ...]:
        """The shape as numbers. ShapeError if one is unknown."""
        if self.shape is None or None in self.shape:
            raise ShapeError(f"the shape {format_shape(self.shape)} is not fully known")
        return self.shape  # type: ignore[return-value]

    @property
    def is_static(self) -> bool:
        return self.shape is not None and None not in self.shape

    @property
    def rank(self) -> int | None:
        return None if self.shape is None else len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements of a static type."""
        return math.prod(self.static)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.size

    def __str__(self) -> str:
        if self.shape is None:
            return f"{self.dtype.name}[...]"
        return f"{self.dtype.name}[{','.join('?' if d is None else str(d) for d in self.shape)}]"


def format_shape(shape: Shape) -> str:
    """TensorFlow 1's way to print a shape: `(?, 3)`, `(5,)`, `<unknown>`."""
    if shape is None:
        return "<unknown>"
    inner = ", ".join("?" if d is None else str(d) for d in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def compatible(a: Shape, b: Shape) -> bool:
    """Whether a tensor can have both shapes."""
    if a is None or b is None:
        return True
    return len(a) == len(b) and all(x is None or y is None or x == y for x, y in zip(a, b, strict=True))


def common(a: Shape, b: Shape) -> Shape:
    """The shape that describes both; dimensions that differ are unknown."""
    if a is None or b is None or len(a) != len(b):
        return None
    return tuple(x if x == y else None for x, y in zip(a, b, strict=True))


def merge(a: Shape, b: Shape) -> Shape:
    """The shape with the dimensions that either shape knows. ShapeError if they contradict each other."""
    if a is None:
        return b
    if b is None:
        return a
    if not compatible(a, b):
        raise ShapeError(f"Shapes {format_shape(a)} and {format_shape(b)} are not compatible")
    return tuple(y if x is None else x for x, y in zip(a, b, strict=True))


def broadcast(a: Shape, b: Shape) -> Shape:
    """NumPy's broadcasting rule on shapes with unknown dimensions. ShapeError if they do not broadcast."""
    if a is None or b is None:
        return None
    rank = max(len(a), len(b))
    left = (1,) * (rank - len(a)) + a
    right = (1,) * (rank - len(b)) + b
    out: list[Dim] = []
    for x, y in zip(left, right, strict=True):
        if x == y or y == 1:
            out.append(x)
        elif x == 1:
            out.append(y)
        elif x is None or y is None:
            out.append(y if x is None else x)  # the known one is above 1, so it is the result
        else:
            raise ShapeError(f"Incompatible shapes: {format_shape(a)} and {format_shape(b)} do not broadcast")
    return tuple(out)


def cut_rows(types: Sequence[TensorType], out: TensorType) -> tuple[bool, ...] | None:
    """Which operands of a broadcasting op are cut with the result along its first axis; None if that axis is 1."""
    rank, rows = len(out.static), (out.static or (1,))[0]
    if rows == 1:
        return None
    return tuple(len(t.static) == rank and t.static[0] == rows for t in types)


class Dimension:
    """A dimension of a `TensorShape`: an integer, or unknown.

    Arithmetic and comparisons with an unknown dimension give an unknown one or None.

    Args:
        value: The size; None if it is unknown.

    Example:
        >>> shape = tf.placeholder(tf.float32, [None, 28]).shape
        >>> shape[1] * 2, shape[0] * 2
        (Dimension(56), Dimension(None))
        >>> shape[1].value, shape[0].value
        (28, None)
    """

    __slots__ = ("value",)

    def __init__(self, value: Dim | Dimension) -> None:
        self.value: Dim = value.value if isinstance(value, Dimension) else value

    def __index__(self) -> int:
        if self.value is None:
            raise TypeError("an unknown dimension has no integer value")
        return self.value

    __int__ = __index__

    def _with(self, other: Any, fn: Any) -> Any:
        """`fn` of both values; None if one is unknown."""
        right = Dimension(other).value
        return None if self.value is None or right is None else fn(self.value, right)

    def _join(self, other: Any, fn: Any) -> Dimension:
        return Dimension(self._with(other, fn))

    def __add__(self, other: Any) -> Dimension:
        return self._join(other, lambda a, b: a + b)

    def __sub__(self, other: Any) -> Dimension:
        return self._join(other, lambda a, b: a - b)

    def __mul__(self, other: Any) -> Dimension:
        return self._join(other, lambda a, b: a * b)

    def __floordiv__(self, other: Any) -> Dimension:
        return self._join(other, lambda a, b: a // b)

    __radd__, __rmul__ = __add__, __mul__

    def __mod__(self, other: Any) -> Dimension:
        return self._join(other, lambda a, b: a % b)

    def __rsub__(self, other: Any) -> Dimension:
        return Dimension(other) - self

    def __rfloordiv__(self, other: Any) -> Dimension:
        return Dimension(other) // self

    def __lt__(self, other: Any) -> bool | None:
        return self._with(other, lambda a, b: a < b)  # type: ignore[no-any-return]

    def __le__(self, other: Any) -> bool | None:
        return self._with(other, lambda a, b: a <= b)  # type: ignore[no-any-return]

    def __gt__(self, other: Any) -> bool | None:
        return self._with(other, lambda a, b: a > b)  # type: ignore[no-any-return]

    def __ge__(self, other: Any) -> bool | None:
        return self._with(other, lambda a, b: a >= b)  # type: ignore[no-any-return]

    def __eq__(self, other: object) -> bool:
        return self.value == (other.value if isinstance(other, Dimension) else other)

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return f"Dimension({self.value})"

    def __str__(self) -> str:
        return "?" if self.value is None else str(self.value)


class TensorShape:
    """A shape, whose dimensions or whose rank may be unknown.

    Indexing gives a `Dimension`, slices a `TensorShape`. It is false if the rank is unknown.

    Args:
        dims: The dimensions, None for an unknown one; None alone for an unknown rank.

    Raises:
        ShapeError: A dimension is not an integer, or below −1. (−1 is unknown.)

    Example:
        >>> shape = tf.TensorShape([None, 28, 28, 1])
        >>> print(shape)
        (?, 28, 28, 1)
        >>> shape.as_list(), shape.ndims, shape.is_fully_defined()
        ([None, 28, 28, 1], 4, False)
    """

    __slots__ = ("shape",)

    def __init__(self, dims: TensorShape | Sequence[int | Dimension | None] | int | None) -> None:
        self.shape: Shape = as_shape(dims)

    @property
    def ndims(self) -> int | None:
        """The number of axes; None if it is unknown."""
        return None if self.shape is None else len(self.shape)

    rank = ndims

    @property
    def dims(self) -> list[Dimension] | None:
        """The dimensions; None if the rank is unknown."""
        return None if self.shape is None else [Dimension(d) for d in self.shape]

    def as_list(self) -> list[Dim]:
        """Give the dimensions as integers and Nones.

        Returns:
            A list.

        Raises:
            ShapeError: The rank is unknown.
        """
        if self.shape is None:
            raise ShapeError("as_list() is not defined on an unknown TensorShape.")
        return list(self.shape)

    def is_fully_defined(self) -> bool:
        """Tell whether all dimensions are known.

        Returns:
            True if they are.
        """
        return self.shape is not None and None not in self.shape

    def num_elements(self) -> int | None:
        """Multiply the dimensions.

        Returns:
            The number of elements; None if a dimension is unknown.
        """
        if self.shape is None or None in self.shape:
            return None
        return math.prod(d for d in self.shape if d is not None)

    def is_compatible_with(self, other: Any) -> bool:
        """Tell whether a tensor can have both shapes.

        Args:
            other: A shape.

        Returns:
            True if it can.
        """
        return compatible(self.shape, as_shape(other))

    def assert_is_compatible_with(self, other: Any) -> None:
        """Check that a tensor can have both shapes.

        Args:
            other: A shape.

        Raises:
            ShapeError: It cannot.
        """
        merge(self.shape, as_shape(other))

    def merge_with(self, other: Any) -> TensorShape:
        """Merge two shapes.

        Args:
            other: A shape.

        Returns:
            The shape with the dimensions that either shape knows.

        Raises:
            ShapeError: The shapes contradict each other.
        """
        return TensorShape(merge(self.shape, as_shape(other)))

    def concatenate(self, other: Any) -> TensorShape:
        """Append the dimensions of another shape.

        Args:
            other: A shape.

        Returns:
            The dimensions of both; of unknown rank if one of them is.

        Example:
            >>> tf.TensorShape([2, None]).concatenate([3]).as_list()
            [2, None, 3]
        """
        more = as_shape(other)
        return TensorShape(None if self.shape is None or more is None else (*self.shape, *more))

    def with_rank(self, rank: int) -> TensorShape:
        """Require a rank.

        Args:
            rank: The number of dimensions.

        Returns:
            The shape; all dimensions unknown if the rank was.

        Raises:
            ShapeError: The shape has another rank.
        """
        return self.merge_with([None] * rank)

    def with_rank_at_least(self, rank: int) -> TensorShape:
        """Require a lowest rank.

        Args:
            rank: The least number of dimensions.

        Returns:
            The shape itself.

        Raises:
            ShapeError: The shape has fewer dimensions.
        """
        if self.shape is not None and len(self.shape) < rank:
            raise ShapeError(f"Shape {self} must have rank at least {rank}")
        return self

    def with_rank_at_most(self, rank: int) -> TensorShape:
        """Require a highest rank.

        Args:
            rank: The largest number of dimensions.

        Returns:
            The shape itself.

        Raises:
            ShapeError: The shape has more dimensions.
        """
        if self.shape is not None and len(self.shape) > rank:
            raise ShapeError(f"Shape {self} must have rank at most {rank}")
        return self

    def assert_has_rank(self, rank: int) -> None:
        """Require a rank.

        Args:
            rank: The number of dimensions.

        Raises:
            ShapeError: The shape has another rank.
        """
        if self.shape is not None and len(self.shape) != rank:
            raise ShapeError(f"Shape {self} must have rank {rank}")

    def assert_same_rank(self, other: Any) -> None:
        """Require the rank of another shape, if both are known.

        Args:
            other: A shape, or what can be made one.

        Raises:
            ShapeError: The ranks differ.
        """
        shape = as_shape(other)
        if self.shape is not None and shape is not None and len(self.shape) != len(shape):
            raise ShapeError(f"Shapes {self} and {TensorShape(shape)} must have the same rank")

    def assert_is_fully_defined(self) -> None:
        """Require all dimensions to be known.

        Raises:
            ShapeError: One is not.
        """
        if not self.is_fully_defined():
            raise ShapeError(f"Shape {self} is not fully defined")

    def most_specific_compatible_shape(self, other: Any) -> TensorShape:
        """Give the shape that describes both; dimensions that differ are unknown.

        Args:
            other: A shape, or what can be made one.

        Returns:
            The shape.
        """
        return TensorShape(common(self.shape, as_shape(other)))

    def __bool__(self) -> bool:
        """Whether the rank is known, as in TensorFlow 1."""
        return self.shape is not None

    def __len__(self) -> int:
        return len(self.as_list())

    def __iter__(self) -> Iterator[Dimension]:
        return iter([Dimension(d) for d in self.as_list()])

    def __getitem__(self, key: int | slice) -> Any:
        if isinstance(key, slice):
            return TensorShape(self.as_list()[key])
        return Dimension(self.as_list()[key])

    def __eq__(self, other: object) -> bool:
        try:
            return self.shape == as_shape(other)
        except (TypeError, ValueError):
            return False

    def __hash__(self) -> int:
        return hash(self.shape)

    def __repr__(self) -> str:
        return f"TensorShape({self.dims})"

    def __str__(self) -> str:
        return format_shape(self.shape)


def as_shape(value: Any) -> Shape:
    """A shape from None, an int, a TensorShape or a sequence of ints, Nones, -1s and Dimensions."""
    if value is None or (isinstance(value, tuple) and all(d is None or (type(d) is int and d >= 0) for d in value)):
        return value
    if isinstance(value, TensorShape):
        return value.shape
    if isinstance(value, Iterable):
        return tuple(_as_dim(d) for d in value)
    return (_as_dim(value),)


def _as_dim(value: Any) -> Dim:
    if isinstance(value, Dimension):
        value = value.value
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a quotient, as Python 3 gives it
    try:
        number = value.__index__()
    except AttributeError:
        raise ShapeError(f"a dimension must be an integer or None, not {value!r}") from None
    if number < -1:
        raise ShapeError(f"Dimension {number} must be >= 0")
    return None if number == -1 else int(number)
