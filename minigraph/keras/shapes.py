"""What layers say about the shapes of their inputs."""

from __future__ import annotations

from typing import Any


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
