"""The conversion of Python values to tensors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minigraph.core.arguments import renamed
from minigraph.core.dtypes import as_dtype
from minigraph.core.errors import DTypeError
from minigraph.core.graph import Tensor
from minigraph.core.operand import Operand
from minigraph.core.typing import DTypeLike, TensorLike

__all__ = ["convert_to_tensor"]

_constant: list[Callable[..., Tensor]] = []  # the builder of constants, installed by the ops that define them


def install_constant(builder: Callable[..., Tensor]) -> None:
    _constant.append(builder)


def convert_to_tensor(
    value: TensorLike, dtype: DTypeLike | None = None, name: str | None = None,
    preferred_dtype: DTypeLike | None = None, dtype_hint: DTypeLike | None = None,
) -> Tensor:  # fmt: skip
    """Turn a value into a tensor. Arrays and numbers become constants.

    Args:
        value: A tensor, a variable, an array, a number, or nested lists of numbers. Python floats become float32,
            Python integers int32.
        dtype: The dtype; by default that of `value`.
        name: Name of the constant.
        preferred_dtype: The dtype for numbers and lists if `dtype` is None.
        dtype_hint: TensorFlow 2's name of `preferred_dtype`.

    Returns:
        The tensor.

    Raises:
        DTypeError: A tensor has another dtype, or the dtype cannot hold the value.

    Example:
        >>> tf.convert_to_tensor([1, 2])
        <tf.Tensor 'Const:0' shape=(2,) dtype=int32>
    """
    if isinstance(value, Operand):
        value = value.as_graph_tensor()
    if isinstance(value, Tensor):
        if dtype is not None and value.dtype != dtype:
            raise DTypeError(
                f"Tensor conversion requested dtype {as_dtype(dtype).name} for Tensor with dtype "
                f"{value.dtype.name}: {value!r}"
            )
        return value
    hint = renamed("dtype_hint", dtype_hint, "preferred_dtype", preferred_dtype)
    if dtype is None and hint is not None and not isinstance(value, np.ndarray | np.generic):
        dtype = hint
    return _constant[-1](value, dtype=dtype, name=name or "Const")
