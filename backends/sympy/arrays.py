"""The array module for the ops' references: NumPy's functions on object arrays of SymPy expressions.

Moves of elements and arithmetic are NumPy's own. This file has the mathematical functions and those that compare
elements.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

import numpy as np
import sympy

from minigraph.backends.sympy.symbols import Array, decide, exact, largest, numbers, pick, smallest

_ELEMENTWISE: dict[str, tuple[Callable[..., Any], int]] = {
    "floor_divide": (lambda x, y: sympy.floor(x / y), 2),
    "mod": (lambda x, y: x - y * sympy.floor(x / y), 2),
    "maximum": (largest, 2),
    "minimum": (smallest, 2),
    "logaddexp": (lambda x, y: sympy.log(sympy.exp(x) + sympy.exp(y)), 2),
    "equal": (lambda x, y: decide(sympy.Eq(x, y)), 2),
    "not_equal": (lambda x, y: decide(sympy.Ne(x, y)), 2),
    "less": (lambda x, y: decide(sympy.Lt(x, y)), 2),
    "less_equal": (lambda x, y: decide(sympy.Le(x, y)), 2),
    "greater": (lambda x, y: decide(sympy.Gt(x, y)), 2),
    "greater_equal": (lambda x, y: decide(sympy.Ge(x, y)), 2),
    "logical_and": (sympy.And, 2),
    "logical_or": (sympy.Or, 2),
    "logical_xor": (sympy.Xor, 2),
    "logical_not": (sympy.Not, 1),
    "reciprocal": (lambda x: 1 / x, 1),
    "absolute": (sympy.Abs, 1),
    "sign": (sympy.sign, 1),
    "floor": (sympy.floor, 1),
    "ceil": (sympy.ceiling, 1),
    "exp": (sympy.exp, 1),
    "expm1": (lambda x: sympy.exp(x) - 1, 1),
    "log": (sympy.log, 1),
    "log1p": (lambda x: sympy.log(1 + x), 1),
    "rint": (lambda x: sympy.Integer(round(_number(x))), 1),
    "sqrt": (sympy.sqrt, 1),
    "sin": (sympy.sin, 1),
    "cos": (sympy.cos, 1),
    "tanh": (sympy.tanh, 1),
    "isnan": (lambda x: sympy.true if x is sympy.nan else sympy.false, 1),
    "isfinite": (lambda x: sympy.false if x.has(sympy.nan, sympy.oo, -sympy.oo) else sympy.true, 1),
    "where": (pick, 3),
}

_OF_ROWS: dict[str, Callable[[Sequence[Any]], Any]] = {
    "sum": lambda row: sympy.Add(*row),
    "prod": lambda row: sympy.Mul(*row),
    "max": lambda row: reduce(largest, row, -sympy.oo),
    "min": lambda row: reduce(smallest, row, sympy.oo),
    "all": lambda row: sympy.And(*row),
    "any": lambda row: sympy.Or(*row),
}

_NUMPY = frozenset({  # it moves elements, or applies Python's operators to them
    "add", "arange", "broadcast_to", "concatenate", "divide", "expand_dims", "moveaxis", "multiply", "negative",
    "power", "split", "square", "squeeze", "stack", "subtract", "swapaxes", "take", "tensordot", "tile", "transpose",
})  # fmt: skip


def _number(x: Any) -> Any:
    """The rounded number. SymPy has no symbolic rounding to even."""
    return numbers(np.array(x, object), np.dtype(object), "the operand of round")[()]


def elementwise(function: Callable[..., Any], *arrays: Any) -> Array:
    """`function` applied to the elements of broadcast arrays."""
    return exact(np.frompyfunc(function, len(arrays), 1)(*map(exact, arrays)))


def fold(function: Callable[[Sequence[Any]], Any], x: Any, axis: Any = None, keepdims: bool = False) -> Array:
    """`function` applied to each row of elements along the axes."""
    array = exact(x)
    axes = range(array.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
    reduced = {a % array.ndim for a in axes}
    kept = [a for a in range(array.ndim) if a not in reduced]
    shape = tuple(array.shape[a] for a in kept)
    rows = array.transpose([*kept, *sorted(reduced)]).reshape((*shape, math.prod(array.shape[a] for a in reduced)))
    out = np.empty(shape, object)
    for index in np.ndindex(*shape):
        out[index] = function(list(rows[index]))
    whole = tuple(1 if a in reduced else size for a, size in enumerate(array.shape))
    return exact(out.reshape(whole) if keepdims else out)


class Arrays:
    """The module `xp` for `Op.forward`. Raises AttributeError for functions without meaning on symbols."""

    def __getattr__(self, name: str) -> Any:
        if name in _ELEMENTWISE:
            function, arity = _ELEMENTWISE[name]
            return lambda *arrays: elementwise(function, *arrays[:arity])
        if name in _OF_ROWS:
            return partial(fold, _OF_ROWS[name])
        if name in _NUMPY:
            return getattr(np, name)
        raise AttributeError(name)

    def asarray(self, value: Any, dtype: Any = None) -> Array:
        return exact(value)

    def full(self, shape: Any, value: Any, dtype: Any = None) -> Array:
        return exact(np.full(shape, value, None if isinstance(value, int | float) else object))

    def zeros(self, shape: Any, dtype: Any = None) -> Array:
        return self.full(shape, 0)

    def zeros_like(self, x: Any) -> Array:
        return self.full(x.shape, 0)

    def ones_like(self, x: Any) -> Array:
        return self.full(x.shape, 1)

    def pad(self, x: Any, widths: Any, mode: str = "constant", **options: Any) -> Array:
        return exact(np.pad(x, widths, mode=mode, **options))  # type: ignore[call-overload]

    def cumprod(self, x: Any, axis: int, dtype: Any = None) -> Array:
        return np.multiply.accumulate(exact(x), axis=axis)

    def matmul(self, a: Any, b: Any) -> Array:
        products = exact(a)[..., :, :, None] * exact(b)[..., None, :, :]
        return fold(_OF_ROWS["sum"], products, -2)


xp = Arrays()
