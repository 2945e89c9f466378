"""Shapes of inputs and results, and structures of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigraph.core.types import TensorShape


class InputSpec:
    """The inputs that a layer takes, for its attribute `input_spec`.

    Args:
        dtype: TensorFlow's argument, which is not checked.
        shape: Sizes, from which the rank follows.
        ndim: The rank; None for any.
        max_ndim: The largest rank, which is not checked.
        min_ndim: The smallest rank; None for any.
        axes: Sizes of axes, by their numbers; None for any.

    Example:
        >>> tf.keras.layers.InputSpec(shape=(None, 3)).ndim
        2
    """

    def __init__(
        self, dtype: Any = None, shape: Any = None, ndim: int | None = None, max_ndim: int | None = None,
        min_ndim: int | None = None, axes: dict[int, int | None] | None = None,
    ) -> None:  # fmt: skip
        self.dtype, self.max_ndim, self.min_ndim = dtype, max_ndim, min_ndim
        self.shape = None if shape is None else tuple(shape)
        self.ndim = ndim if self.shape is None else len(self.shape)
        self.axes = dict(axes or {})


def flat(value: Any) -> list[Any]:
    """A tensor, or a list or tuple of them, as a list."""
    return [part for item in value for part in flat(item)] if isinstance(value, list | tuple) else [value]


def shapes_of(value: Any) -> Any:
    """The shape of a tensor, or the shapes of a list of them."""
    return [shapes_of(v) for v in value] if isinstance(value, list | tuple) else value.shape


def as_tuples(shape: Any) -> Any:
    """A shape as a tuple of sizes, None for unknown ones; or a list of them."""
    if isinstance(shape, list):
        return [as_tuples(s) for s in shape]
    return tuple(TensorShape(shape).as_list())


def alone(values: Sequence[Any]) -> Any:
    """The only one of some values; several as they are."""
    return values[0] if len(values) == 1 else values
