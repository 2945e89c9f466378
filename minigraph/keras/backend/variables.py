"""Variables and their values, and `eval`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import as_dtype
from minigraph.core.graph import Tensor
from minigraph.keras.state import floatx, get_session, state_of
from minigraph.run.variables import Variable, assign, assign_add, assign_sub

__all__ = [
    "batch_get_value",
    "batch_set_value",
    "count_params",
    "eval",
    "get_value",
    "moving_average_update",
    "ones",
    "set_value",
    "update",
    "update_add",
    "update_sub",
    "variable",
    "zeros",
]


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Variable:
    """Make a variable. It gets its value before a model or `get_session` runs.

    Args:
        value: The initial value: a number, an array or a tensor.
        dtype: Dtype; by default that of `floatx`.
        name: Name of the variable.
        constraint: Function from the variable to the value that replaces it after each step of training; None for none.

    Returns:
        The variable.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.variable([1.0, 2.0])))
        [1. 2.]
    """
    kind = as_dtype(dtype or floatx())
    start = value if isinstance(value, Tensor) else np.asarray(value, kind.np_dtype)
    made = Variable(start, name=name, dtype=kind, constraint=constraint)
    state_of(made.graph).track([made])
    return made


def get_value(x: Any) -> Any:
    """The value of a variable.

    Args:
        x: The variable.

    Returns:
        An array, or a NumPy scalar.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.get_value(K.variable([1.0, 2.0])))
        [1. 2.]
    """
    return get_session().run(x)


def batch_get_value(tensors: Sequence[Any]) -> list[Any]:
    """The values of variables, read at once.

    Args:
        tensors: The variables.

    Returns:
        A list of arrays.

    Example:
        >>> K = tf.keras.backend
        >>> [float(v) for v in K.batch_get_value([K.variable(1.0), K.variable(2.0)])]
        [1.0, 2.0]
    """
    return list(get_session().run(list(tensors))) if tensors else []


def set_value(x: Variable, value: Any) -> None:
    """Set a variable.

    Args:
        x: The variable.
        value: An array of its shape.

    Example:
        >>> K = tf.keras.backend
        >>> x = K.variable(1.0)
        >>> K.set_value(x, 5.0)
        >>> float(K.get_value(x))
        5.0
    """
    batch_set_value([(x, value)])


def batch_set_value(tuples: Iterable[tuple[Variable, Any]]) -> None:
    """Set variables.

    Args:
        tuples: Pairs of a variable and its value.

    Example:
        >>> K = tf.keras.backend
        >>> x, y = K.variable(1.0), K.variable(2.0)
        >>> K.batch_set_value([(x, 3.0), (y, 4.0)])
        >>> float(K.eval(x + y))
        7.0
    """
    values = {v.op.name: np.asarray(value, v.dtype.np_dtype) for v, value in tuples}
    get_session().write_state(values)


def eval(x: Any) -> Any:
    """The value of a tensor, computed in `get_session`.

    Args:
        x: A tensor that needs no feeds, or a variable.

    Returns:
        An array, or a NumPy scalar.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.constant([1.0, 2.0]) + 1.0))
        [2. 3.]
    """
    return get_session().run(x)


def count_params(x: Any) -> int:
    """The number of elements of a variable or tensor of known shape.

    Args:
        x: The variable or tensor.

    Returns:
        The number.

    Example:
        >>> tf.keras.backend.count_params(tf.zeros([3, 4]))
        12
    """
    return int(np.prod(convert_to_tensor(x).type.static))


def update(x: Variable, new_x: Any) -> Tensor:
    """Assign a value to a variable.

    Args:
        x: The variable.
        new_x: The value.

    Returns:
        A tensor of the new value; computing it assigns.

    Example:
        >>> K = tf.keras.backend
        >>> x = K.variable(1.0)
        >>> float(K.eval(K.update(x, 5.0)))
        5.0
    """
    return assign(x, new_x)


def update_add(x: Variable, increment: Any) -> Tensor:
    """Add a value to a variable.

    Args:
        x: The variable.
        increment: The value.

    Returns:
        A tensor of the new value; computing it assigns.

    Example:
        >>> K = tf.keras.backend
        >>> float(K.eval(K.update_add(K.variable(1.0), 0.5)))
        1.5
    """
    return assign_add(x, increment)


def update_sub(x: Variable, decrement: Any) -> Tensor:
    """Subtract a value from a variable.

    Args:
        x: The variable.
        decrement: The value.

    Returns:
        A tensor of the new value; computing it assigns.

    Example:
        >>> K = tf.keras.backend
        >>> float(K.eval(K.update_sub(K.variable(1.0), 0.25)))
        0.75
    """
    return assign_sub(x, decrement)


def moving_average_update(x: Variable, value: Any, momentum: Any) -> Tensor:
    """Move a variable towards a value: x −= (x − value)·(1 − momentum).

    Args:
        x: The variable.
        value: The value.
        momentum: The share of the old value that is kept.

    Returns:
        A tensor of the new value; computing it assigns.

    Example:
        >>> K = tf.keras.backend
        >>> float(K.eval(K.moving_average_update(K.variable(1.0), 3.0, 0.75)))
        1.5
    """
    return assign_sub(x, (x - convert_to_tensor(value)) * (1.0 - momentum))


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """Make a variable of zeros.

    Args:
        shape: Its shape.
        dtype: Dtype; by default that of `floatx`.
        name: Name of the variable.

    Returns:
        The variable.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.zeros((2, 3))))
        [[0. 0. 0.]
         [0. 0. 0.]]
    """
    return variable(np.zeros(shape), dtype, name)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """Make a variable of ones.

    Args:
        shape: Its shape.
        dtype: Dtype; by default that of `floatx`.
        name: Name of the variable.

    Returns:
        The variable.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.ones((2, 3))))
        [[1. 1. 1.]
         [1. 1. 1.]]
    """
    return variable(np.ones(shape), dtype, name)
