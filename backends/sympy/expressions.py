"""Pointwise ops on symbols: their scalar expressions, evaluated exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import sympy

from minigraph.backends.sympy.arrays import elementwise, xp
from minigraph.backends.sympy.symbols import Array, decide, exact, is_positive, numbers, pick
from minigraph.core.dtypes import DType
from minigraph.core.scalar import Scalar


def evaluate(expression: Scalar, operands: Sequence[Array]) -> Array:
    """The expression on arrays of symbols."""
    return _evaluate(expression, operands, {})


def _evaluate(node: Scalar, operands: Sequence[Array], known: dict[int, Array]) -> Array:
    if id(node) not in known:
        known[id(node)] = _compute(node, operands, known)
    return known[id(node)]


def _compute(node: Scalar, operands: Sequence[Array], known: dict[int, Array]) -> Array:
    if node.function == "operand":
        return operands[int(node.value)]
    if node.function == "constant":
        return exact(node.value)
    if node.function == "where":
        return _where(node, operands, known)
    args = [_evaluate(a, operands, known) for a in node.args]
    if node.function == "cast":
        return cast(args[0], node.dtype)
    if node.function == "multiply" and _is_gate(node.args[1]):  # the branch itself instead of its product with 1 or 0
        gate = _evaluate(node.args[1].args[0], operands, known)
        return elementwise(lambda a, c: pick(c, a, sympy.S.Zero), args[0], gate)
    if node.function == "greater" and node.args[1].function == "constant" and node.args[1].value == 0:
        return elementwise(is_positive, args[0])
    result: Array = getattr(xp, node.function)(*args)
    return result


def _is_gate(node: Scalar) -> bool:
    """Whether the expression is 1 where a condition holds and 0 elsewhere."""
    return node.function == "cast" and node.args[0].dtype.is_bool


def _where(node: Scalar, operands: Sequence[Array], known: dict[int, Array]) -> Array:
    """A selection. Where x < c holds, min(x, c) is x."""
    condition, x, y = node.args
    inside = dict(known)
    if condition.function == "less":
        for part in _parts(x):
            if part.function == "minimum" and _same(part.args, condition.args):
                inside[id(part)] = _evaluate(condition.args[0], operands, known)
    chosen = _evaluate(x, operands, inside)
    return elementwise(pick, _evaluate(condition, operands, known), chosen, _evaluate(y, operands, known))


def _parts(node: Scalar) -> Iterator[Scalar]:
    yield node
    for argument in node.args:
        yield from _parts(argument)


def _same(first: Sequence[Scalar], second: Sequence[Scalar]) -> bool:
    """Whether the expressions are the same, or equal constants."""
    return all(
        a is b or (a.function == b.function == "constant" and a.value == b.value)
        for a, b in zip(first, second, strict=True)
    )


def cast(x: Array, dtype: DType) -> Array:
    """A conversion. Exact numbers have no precision, so only the kind of the dtype matters."""
    if dtype.is_floating:
        return elementwise(_as_number, x)
    if dtype.is_bool:
        return elementwise(lambda a: a if is_condition(a) else decide(sympy.Ne(a, 0)), x)
    whole = numbers(elementwise(_as_number, x), np.dtype(object), "an operand of a cast to an integer type")
    return elementwise(lambda a: sympy.Integer(int(a)), whole)


def is_condition(a: Any) -> bool:
    """Whether an element is a truth value or a relation."""
    return isinstance(a, sympy.logic.boolalg.Boolean) and not isinstance(a, sympy.Symbol)


def _as_number(a: Any) -> Any:
    return pick(a, sympy.S.One, sympy.S.Zero) if is_condition(a) else a
