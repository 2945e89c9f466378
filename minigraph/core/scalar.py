"""Scalar expressions: one element of a pointwise op's result, computed from one element of each operand.

An expression is a graph, in which parts may be shared. Its functions have the names and the meaning of NumPy's ufuncs
(`maximum` propagates NaN, `rint` rounds halves to even), besides `operand`, `constant`, `where` and `cast`. `evaluate`
runs it on arrays; backends that generate code print it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minigraph.core.dtypes import DType, bool_, int64, uint32

BOOLEAN = frozenset(
    {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"}
    | {"logical_and", "logical_or", "logical_xor", "logical_not", "isnan", "isfinite"}
)


class Scalar:
    """One number: `function` of `args`.

    value: of a constant, or an operand's position.
    spelled: for a function that generated code does not have, an equal expression in functions that it has.
    """

    __slots__ = ("args", "dtype", "function", "spelled", "value")

    def __init__(
        self, function: str, args: Sequence[Scalar], dtype: DType, value: Any = None, spelled: Scalar | None = None
    ) -> None:
        self.function = function
        self.args = tuple(args)
        self.dtype = dtype
        self.value = value
        self.spelled = spelled

    def __add__(self, other: Scalar | float) -> Scalar:
        return call("add", self, _as_scalar(other, self))

    def __radd__(self, other: float) -> Scalar:
        return call("add", _as_scalar(other, self), self)

    def __sub__(self, other: Scalar | float) -> Scalar:
        return call("subtract", self, _as_scalar(other, self))

    def __mul__(self, other: Scalar | float) -> Scalar:
        return call("multiply", self, _as_scalar(other, self))

    def __truediv__(self, other: Scalar | float) -> Scalar:
        return call("divide", self, _as_scalar(other, self))

    def __rtruediv__(self, other: float) -> Scalar:
        return call("divide", _as_scalar(other, self), self)

    def __neg__(self) -> Scalar:
        return call("negative", self)

    def __repr__(self) -> str:
        if self.function == "operand":
            return f"x{self.value}"
        if self.function == "constant":
            return repr(self.value)
        name = f"cast<{self.dtype.name}>" if self.function == "cast" else self.function
        return f"{name}({', '.join(map(repr, self.args))})"


def operand(position: int, dtype: DType) -> Scalar:
    """The element of an operand."""
    return Scalar("operand", (), dtype, position)


def constant(value: Any, dtype: DType) -> Scalar:
    """A number."""
    return Scalar("constant", (), dtype, value)


def call(function: str, *args: Scalar | float) -> Scalar:
    """A function of NumPy's name; numbers take the dtype of the first expression."""
    first = next(a for a in args if isinstance(a, Scalar))
    scalars = [_as_scalar(a, first) for a in args]
    return Scalar(function, scalars, bool_ if function in BOOLEAN else scalars[0].dtype)


def library(function: str, *args: Scalar | float, spelled: Scalar) -> Scalar:
    """A function that array modules have. Generated code computes `spelled` instead."""
    made = call(function, *args)
    return Scalar(function, made.args, made.dtype, spelled=spelled)


def where(condition: Scalar, x: Scalar | float, y: Scalar | float) -> Scalar:
    """x where the condition holds, else y."""
    like = x if isinstance(x, Scalar) else y
    assert isinstance(like, Scalar)
    return Scalar("where", (condition, _as_scalar(x, like), _as_scalar(y, like)), like.dtype)


def cast(x: Scalar, dtype: DType) -> Scalar:
    """Change of dtype, as C does it; to bool: whether it is not 0."""
    if x.dtype.is_floating and dtype is uint32:  # NumPy has two results for a float beyond uint32, by its place
        return cast(cast(x, int64), dtype)
    return x if x.dtype is dtype else Scalar("cast", (x,), dtype)


def _as_scalar(value: Scalar | float, like: Scalar) -> Scalar:
    return value if isinstance(value, Scalar) else constant(value, like.dtype)


def walk(*expressions: Scalar, spelled: bool = False) -> list[Scalar]:
    """The distinct nodes of some expressions, each after its arguments, or with `spelled` after its spelled form."""
    found: dict[int, Scalar] = {}
    stack = list(reversed(expressions))
    while stack:
        node = stack[-1]
        pending = [] if id(node) in found else [a for a in _below(node, spelled) if id(a) not in found]
        if pending:
            stack.extend(reversed(pending))
        else:
            found.setdefault(id(node), node)
            stack.pop()
    return list(found.values())


def _below(node: Scalar, spelled: bool) -> tuple[Scalar, ...]:
    return (node.spelled,) if spelled and node.spelled is not None else node.args


def evaluate(expression: Scalar, operands: Sequence[Any], xp: Any) -> Any:
    """The value on arrays, by the functions of an array module."""
    known: dict[int, Any] = {}
    for node in walk(expression):
        known[id(node)] = apply(node, [known[id(a)] for a in node.args], operands, xp)
    return known[id(expression)]


def apply(node: Scalar, args: list[Any], operands: Sequence[Any], xp: Any) -> Any:
    """The value of one node, from those of its arguments."""
    if node.function == "operand":
        return operands[node.value]
    if node.function == "constant":
        return node.dtype.np_dtype.type(node.value)
    if node.function == "cast":
        return xp.asarray(args[0]).astype(node.dtype.np_dtype)
    function: Callable[..., Any] = getattr(xp, node.function)
    return function(*args)
