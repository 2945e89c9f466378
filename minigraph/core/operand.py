# mypy: disable-error-code="no-any-return"
"""Python operators on tensors and variables. The ops that implement them install their functions here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeAlias, TypeVar

import numpy.typing as npt

OPERATORS: dict[str, Callable[..., Any]] = {}
Result = TypeVar("Result")
Other: TypeAlias = "Operand[Any] | npt.ArrayLike"


_REFLECTED = {
    "add": "__radd__", "subtract": "__rsub__", "multiply": "__rmul__", "divide": "__rtruediv__",
    "floor_divide": "__rfloordiv__", "remainder": "__rmod__", "power": "__rpow__", "matmul": "__rmatmul__",
    "less": "__gt__", "less_equal": "__ge__", "greater": "__lt__", "greater_equal": "__le__",
    "bitwise_and": "__rand__", "bitwise_or": "__ror__", "bitwise_xor": "__rxor__",
}  # fmt: skip
"""The operators of NumPy arrays, as universal functions, that a tensor on the right hand does in place of NumPy."""


class Operand(Generic[Result]):
    """Base class of tensors and variables: operators that give a `Result`; no truth value, length or iteration."""

    __slots__ = ()

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

    def __rxor__(self, other: Other) -> Result:
        return OPERATORS["xor"](other, self)

    def __neg__(self) -> Result:
        return OPERATORS["neg"](self)

    def __abs__(self) -> Result:
        return OPERATORS["abs"](self)

    def __invert__(self) -> Result:
        return OPERATORS["invert"](self)

    def __getitem__(self, key: Any) -> Result:
        return OPERATORS["getitem"](self, key)

    def assign(self, value: Any, use_locking: Any = None, name: str | None = None, read_value: bool = True) -> Result:
        """Make an assignment to a slice of a variable, such as `v[1:3].assign(x)`.

        Args:
            value: The new value, of the variable's dtype; it broadcasts to the slice.
            use_locking: TensorFlow 1's; it has no effect.
            name: Name scope of the nodes.
            read_value: TensorFlow 1's; it has no effect: running the operation of the result also assigns.

        Returns:
            A tensor: the variable's value after the assignment. Running it assigns.

        Raises:
            TypeError: This is not a slice of a variable.
        """
        return OPERATORS["assign_slice"](self, value, name)

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

    if not TYPE_CHECKING:  # type checkers are to find these calls, which cannot work

        def __getattr__(self, name: str) -> NoReturn:
            from minigraph.core.habits import OF_TENSOR, missing

            raise AttributeError(missing(f"'{type(self).__name__}' object", name, OF_TENSOR), name=name, obj=self)

        def __array__(self, *_: Any, **__: Any) -> NoReturn:
            raise self._has_no_value("a NumPy array")

        def __array_ufunc__(self, function: Any, method: str, *inputs: Any, **options: Any) -> Any:
            """`array + tensor` and the like make nodes; all else that NumPy computes needs numbers."""
            out = options.pop("out", None)
            is_operator = method == "__call__" and not options and len(inputs) == 2 and inputs[1] is self
            if is_operator and (out is None or out[0] is inputs[0]):  # array + tensor, array += tensor
                if function.__name__ in ("equal", "not_equal"):  # tensors are compared by identity
                    return function.__name__ == "not_equal"
                if function.__name__ in _REFLECTED:
                    return getattr(self, _REFLECTED[function.__name__])(inputs[0])
            raise self._has_no_value(f"an operand of np.{function.__name__}")

        def __float__(self) -> NoReturn:
            raise self._has_no_value("a float")

        def __int__(self) -> NoReturn:
            raise self._has_no_value("an int")

        def __complex__(self) -> NoReturn:
            raise self._has_no_value("a complex number")

        def __index__(self) -> NoReturn:
            raise self._has_no_value("an integer")

        def __round__(self, digits: int | None = None) -> NoReturn:
            raise self._has_no_value("a rounded number")

        def __format__(self, spec: str) -> str:
            if spec:
                raise self._has_no_value(f"a number in the format '{spec}'")
            return str(self)

    def _has_no_value(self, wanted: str) -> TypeError:
        return TypeError(
            f"{self!r} has no value until it is run, so it cannot be used as {wanted}. Compute with the functions of "
            "`tf` in the graph, or take the value that Session.run or Tensor.eval gives."
        )
