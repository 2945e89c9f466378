"""Arrays of SymPy expressions: construction, and the decision of conditions at a point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import sympy

from minigraph.core.errors import InvalidArgumentError

Array = np.ndarray[Any, Any]

_POINT: ContextVar[Mapping[Any, Any] | None] = ContextVar("point", default=None)


def symbols(name: str, shape: Sequence[int], **assumptions: bool) -> Array:
    """An array of real symbols, numbered from 1 along the axes longer than 1.

    `symbols("a", (1, 3, 3, 1))` holds a11, a12, …, a33; an axis of more than 9 elements puts commas between the
    numbers. `assumptions` are SymPy's, such as positive=True.
    """
    out = np.empty(tuple(shape), object)
    separator = "," if max(shape, default=1) > 9 else ""
    for index in np.ndindex(*out.shape):
        numbers = separator.join(str(i + 1) for i, size in zip(index, out.shape, strict=True) if size > 1)
        out[index] = sympy.Symbol(name + numbers, real=True, **assumptions)
    return out


def exact(value: Any) -> Array:
    """A new object array of SymPy expressions. A floating-point number becomes the shortest decimal that rounds to it.

    Thus 0.1 is 1/10, also in float32. Raises InvalidArgumentError for values that are neither numbers nor expressions.
    """
    array = np.asarray(value)
    out = np.empty(array.shape, object)
    for index, element in zip(np.ndindex(*out.shape), array.flat, strict=True):
        out[index] = _exact(element)
    return out


def _exact(element: Any) -> Any:
    if isinstance(element, sympy.Basic):
        decimals = element.atoms(sympy.Float)  # an op's attributes, such as an exponent of 0.75
        return element.xreplace({d: sympy.Rational(repr(float(d))) for d in decimals}) if decimals else element
    if isinstance(element, bool | np.bool_):
        return sympy.true if element else sympy.false
    if isinstance(element, int | np.integer):
        return sympy.Integer(int(element))
    if isinstance(element, float | np.floating):
        return sympy.Rational(str(element)) if np.isfinite(element) else sympy.sympify(float(element))
    raise InvalidArgumentError(f"expected numbers or SymPy expressions, got {element!r}")


def numbers(array: Array, kind: np.dtype[Any], what: str) -> Array:
    """Exact numbers or truth values as a NumPy array. Raises InvalidArgumentError, which names `what`, for symbols."""
    for element in array.flat:
        if not is_number(element):
            raise InvalidArgumentError(f"{what} must be known numbers, but it holds the expression {element}")
    return np.array([bool(e) if e in (sympy.true, sympy.false) else e for e in array.flat], kind).reshape(array.shape)


def is_number(element: Any) -> bool:
    return element in (sympy.true, sympy.false) or bool(getattr(element, "is_number", False))


@contextmanager
def branches_at(point: Mapping[Any, Any]) -> Iterator[None]:
    """Within the block, decide conditions by the numbers that `point` gives to the symbols.

    ReLU and max pooling then give the branch that holds around the point instead of Max and Piecewise. Results keep
    their symbols. Conditions that the point does not decide stay open.
    """
    token = _POINT.set({s: _exact(v) for s, v in point.items()})
    try:
        yield
    finally:
        _POINT.reset(token)


def decide(condition: Any) -> Any:
    """The condition, or true or false if the point decides it."""
    point = _POINT.get()
    if not point or condition in (sympy.true, sympy.false):
        return condition
    there = condition.subs(point)
    return there if there in (sympy.true, sympy.false) else condition


def pick(condition: Any, a: Any, b: Any) -> Any:
    """a where the condition holds, else b."""
    chosen = decide(condition)
    if chosen == sympy.true:
        return a
    if chosen == sympy.false:
        return b
    return sympy.Piecewise((a, chosen), (b, True))


def largest(a: Any, b: Any) -> Any:
    """max(a, b); Max(a, b) if the comparison is open."""
    chosen = decide(sympy.Ge(a, b))
    if chosen in (sympy.true, sympy.false):
        return a if chosen else b
    return sympy.Max(a, b)


def smallest(a: Any, b: Any) -> Any:
    """min(a, b); Min(a, b) if the comparison is open."""
    chosen = decide(sympy.Le(a, b))
    if chosen in (sympy.true, sympy.false):
        return a if chosen else b
    return sympy.Min(a, b)


def is_positive(y: Any) -> Any:
    """The condition y > 0. For y = Max(0, x) it is x > 0."""
    if isinstance(y, sympy.Max) and sympy.S.Zero in y.args:
        rest = [a for a in y.args if a != 0]
        return decide(sympy.Or(*[sympy.Gt(a, 0) for a in rest]))
    return decide(sympy.Gt(y, 0))
