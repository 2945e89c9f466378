"""Assignment of loaded weights to a session's variables: all of them, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minigraph.core.collections import GraphKeys
from minigraph.core.errors import InvalidArgumentError
from minigraph.formats.arrays import Array
from minigraph.run.variables import Variable

if TYPE_CHECKING:
    from minigraph.run.session import Session

_LISTED = 20


class WeightMismatch(NamedTuple):
    """A variable and an array that do not fit, each by name and shape; None for the one that does not exist."""

    variable: tuple[str, tuple[int, ...]] | None
    array: tuple[str, tuple[int, ...]] | None


def mismatch(rows: Sequence[WeightMismatch], where: str) -> InvalidArgumentError:
    """The error that lists variables and arrays that do not fit, side by side. Pairs of one name come first."""
    pairs = [(row.variable, row.array) for row in rows if row.variable and row.array]
    lefts = [row.variable for row in rows if not row.array]
    rights = [row.array for row in rows if not row.variable]
    table = [("in the graph", f"in {where}")]
    table += [(_cell(left), _cell(right)) for left, right in (pairs + list(zip_longest(lefts, rights)))]
    width = max(len(left) for left, _ in table[: _LISTED + 1])
    lines = [f"  {left:{width}}  {right}" for left, right in table[: _LISTED + 1]]
    if len(table) > _LISTED + 1:
        lines.append(f"  … and {len(table) - _LISTED - 1} more")
    return InvalidArgumentError("the weights do not fit, and nothing was loaded:\n" + "\n".join(lines))


def _cell(side: tuple[str, tuple[int, ...]] | None) -> str:
    return "-" if side is None else f"{side[0]} {list(side[1])}"


def assign_weights(
    session: Session,
    arrays: Mapping[str, Array],
    variables: Mapping[str, Variable] | None = None,
    strict: bool = True,
    where: str = "the weights",
) -> None:
    """Set variables to the values of arrays.

    All variables are set, or none if there is an error. Floating-point numbers are cast to the variable's dtype.

    Args:
        session: The session that gets the values.
        arrays: Arrays by name, as `load_weights` gives them.
        variables: The variables by the names of their arrays; by default all global variables by their own names.
        strict: Whether each variable needs an array, and each array a variable. Otherwise the others are left alone.
        where: The words that errors use for the arrays.

    Raises:
        InvalidArgumentError: Names, shapes or dtypes do not fit. The message lists them side by side.

    Example:
        >>> from minigraph import weights
        >>> w = tf.get_variable("w", [2])
        >>> with tf.Session() as sess:
        ...     weights.assign_weights(sess, {"w": np.array([1.0, 2.0])})
        ...     print(sess.run(w))
        [1. 2.]
    """
    if variables is None:
        variables = {v.op.name: v for v in session.graph.get_collection(GraphKeys.GLOBAL_VARIABLES)}
    rows, values = [], {}
    for name, variable in variables.items():
        left, array = (variable.op.name, variable.type.static), arrays.get(name)
        if array is None:
            rows += [WeightMismatch(left, None)] if strict else []
        elif array.shape != variable.type.static or not fits(array, variable):
            dtype = "" if fits(array, variable) else f" {array.dtype}"
            rows.append(WeightMismatch(left, (name + dtype, array.shape)))
        else:
            values[variable.op.name] = array.astype(variable.dtype.np_dtype)
    if strict:
        rows += [WeightMismatch(None, (name, array.shape)) for name, array in arrays.items() if name not in variables]
    if rows:
        raise mismatch(rows, where)
    session.write_state(values)


def fits(array: Array, variable: Variable) -> bool:
    """Whether a variable can hold the array's numbers: the dtypes are equal, or both are floating-point."""
    wanted = variable.dtype.np_dtype
    return bool(array.dtype == wanted or (array.dtype.kind == "f" and np.dtype(wanted).kind == "f"))
