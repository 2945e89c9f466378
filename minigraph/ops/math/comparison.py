"""Comparisons and logic: pointwise ops that give booleans."""

from __future__ import annotations

from minigraph.ops.pointwise import Comparison, Logical, Pointwise, X


class Equal(Comparison):
    """z = (x = y)."""

    ufunc = "equal"
    kinds = "fiub"


class NotEqual(Comparison):
    """z = (x ≠ y)."""

    ufunc = "not_equal"
    kinds = "fiub"


class Less(Comparison):
    """z = (x < y)."""

    ufunc = "less"


class LessEqual(Comparison):
    """z = (x ≤ y)."""

    ufunc = "less_equal"


class Greater(Comparison):
    """z = (x > y)."""

    ufunc = "greater"


class GreaterEqual(Comparison):
    """z = (x ≥ y)."""

    ufunc = "greater_equal"


class LogicalAnd(Logical):
    """z = x ∧ y."""

    ufunc = "logical_and"


class LogicalOr(Logical):
    """z = x ∨ y."""

    ufunc = "logical_or"


class LogicalXor(Logical):
    """z = x ⊕ y."""

    ufunc = "logical_xor"


class LogicalNot(Logical):
    """y = ¬x."""

    ufunc = "logical_not"
    domain = (X > 0,)


class IsNan(Pointwise):
    """Whether x is NaN."""

    ufunc = "isnan"
    kinds = "f"
    gives_bool = True
    differentiable = False


class IsFinite(Pointwise):
    """Whether x is neither NaN nor infinite."""

    ufunc = "isfinite"
    kinds = "f"
    gives_bool = True
    differentiable = False
