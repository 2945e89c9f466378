"""Comparisons and logic, element by element. The results are booleans."""

from __future__ import annotations

from typing import Any

from minigraph.core.graph import Tensor
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
    kinds = "fiub"


def equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x = y."""
    return binary(Equal(), x, y, name, "Equal")


class NotEqual(Comparison):
    """z = (x ≠ y)."""

    ufunc = "not_equal"
    kinds = "fiub"


def not_equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x ≠ y."""
    return binary(NotEqual(), x, y, name, "NotEqual")


class Less(Comparison):
    """z = (x < y)."""

    ufunc = "less"


def less(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x < y."""
    return binary(Less(), x, y, name, "Less")


class LessEqual(Comparison):
    """z = (x ≤ y)."""

    ufunc = "less_equal"


def less_equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x ≤ y."""
    return binary(LessEqual(), x, y, name, "LessEqual")


class Greater(Comparison):
    """z = (x > y)."""

    ufunc = "greater"


def greater(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x > y."""
    return binary(Greater(), x, y, name, "Greater")


class GreaterEqual(Comparison):
    """z = (x ≥ y)."""

    ufunc = "greater_equal"


def greater_equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x ≥ y."""
    return binary(GreaterEqual(), x, y, name, "GreaterEqual")


class LogicalAnd(Logical):
    """z = x ∧ y."""

    ufunc = "logical_and"


def logical_and(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x and y."""
    return binary(LogicalAnd(), x, y, name, "LogicalAnd")


class LogicalOr(Logical):
    """z = x ∨ y."""

    ufunc = "logical_or"


def logical_or(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x or y."""
    return binary(LogicalOr(), x, y, name, "LogicalOr")


class LogicalXor(Logical):
    """z = x ⊕ y."""

    ufunc = "logical_xor"


def logical_xor(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x xor y."""
    return binary(LogicalXor(), x, y, name, "LogicalXor")


class LogicalNot(Logical):
    """y = ¬x."""

    ufunc = "logical_not"
    domain = (X > 0,)


def logical_not(x: Any, name: str | None = None) -> Tensor:
    """not x."""
    return unary(LogicalNot(), x, name, "LogicalNot")
