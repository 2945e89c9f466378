# mypy: disable-error-code="no-any-return"
"""Python operators on tensors and variables. The ops that implement them install their functions here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeAlias, TypeVar

import numpy.typing as npt

OPERATORS: dict[str, Callable[..., Any]] = {}
Result = TypeVar("Result")
Other: TypeAlias = "Operand[Any] | npt.ArrayLike"


class Operand(Generic[Result]):
    """Base class of tensors and variables: operators that give a `Result`; no truth value, length or iteration."""

    __slots__ = ()
    __array_priority__ = 100  # NumPy arrays on the left hand leave the operator to us

    def as_graph_tensor(self) -> Result:
        """The tensor that this stands for in expressions."""
        raise NotImplementedError

    def __add__(self, other: Other) -> Result:
        return OPERATORS["add"](self, other)

    def __radd__(self, other: Other) -> Result:
        return OPERATORS["add"](other, self)

    def __sub__(self, other: Other) -> Result:
        return OPERATORS["sub"](self, other)

    def __rsub__(self, other: Other) -> Result:
        return OPERATORS["sub"](other, self)

    def __mul__(self, other: Other) -> Result:
        return OPERATORS["mul"](self, other)

    def __rmul__(self, other: Other) -> Result:
        return OPERATORS["mul"](other, self)

    def __truediv__(self, other: Other) -> Result:
        return OPERATORS["truediv"](self, other)

    def __rtruediv__(self, other: Other) -> Result:
        return OPERATORS["truediv"](other, self)

    def __floordiv__(self, other: Other) -> Result:
        return OPERATORS["floordiv"](self, other)

    def __rfloordiv__(self, other: Other) -> Result:
        return OPERATORS["floordiv"](other, self)

    def __mod__(self, other: Other) -> Result:
        return OPERATORS["mod"](self, other)

    def __rmod__(self, other: Other) -> Result:
        return OPERATORS["mod"](other, self)

    def __pow__(self, other: Other) -> Result:
        return OPERATORS["pow"](self, other)

    def __rpow__(self, other: Other) -> Result:
        return OPERATORS["pow"](other, self)

    def __matmul__(self, other: Other) -> Result:
        return OPERATORS["matmul"](self, other)

    def __rmatmul__(self, other: Other) -> Result:
        return OPERATORS["matmul"](other, self)

    def __lt__(self, other: Other) -> Result:
        return OPERATORS["less"](self, other)

    def __le__(self, other: Other) -> Result:
        return OPERATORS["less_equal"](self, other)

    def __gt__(self, other: Other) -> Result:
        return OPERATORS["greater"](self, other)

    def __ge__(self, other: Other) -> Result:
        return OPERATORS["greater_equal"](self, other)

    def __and__(self, other: Other) -> Result:
        return OPERATORS["and"](self, other)

    def __rand__(self, other: Other) -> Result:
        return OPERATORS["and"](other, self)

    def __or__(self, other: Other) -> Result:
        return OPERATORS["or"](self, other)

    def __ror__(self, other: Other) -> Result:
        return OPERATORS["or"](other, self)

    def __xor__(self, other: Other) -> Result:
        return OPERATORS["xor"](self, other)

    def __neg__(self) -> Result:
        return OPERATORS["neg"](self)

    def __abs__(self) -> Result:
        return OPERATORS["abs"](self)

    def __invert__(self) -> Result:
        return OPERATORS["invert"](self)

    def __getitem__(self, key: Any) -> Result:
        return OPERATORS["getitem"](self, key)

    def __bool__(self) -> bool:
        raise TypeError(
            "Using a `tf.Tensor` as a Python `bool` is not allowed: a graph tensor has no value until it is run. "
            "Use `if t is not None:` to test whether one was given, or tf.where to choose between values in the graph."
        )

    def __iter__(self) -> Any:
        raise TypeError(
            f"'{type(self).__name__}' is not iterable: iterating over a `tf.Tensor` is not allowed, since it has no "
            "value until it is run. Use tf.unstack to split it."
        )

    def __len__(self) -> int:
        raise TypeError("a graph tensor has no len(); use get_shape() or tf.shape")
