"""Layers that act in training only: dropout, noise and penalties."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from minigraph import nn
from minigraph.core.graph import Tensor
from minigraph.keras import backend as K
from minigraph.keras.field_layer import FieldLayer
from minigraph.keras.regularizers import L1L2
from minigraph.ops.array.shape import packed
from minigraph.ops.array.shape import shape as shape_of
from minigraph.ops.identity import identity

__all__ = [
    "ActivityRegularization",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
]


class ActivityRegularization(FieldLayer):
    """The input itself, with the penalty l1·Σ|x| + l2·Σx², divided by the number of examples.

    Args:
        l1: Factor of the absolute values.
        l2: Factor of the squares.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> layer = tf.keras.layers.ActivityRegularization(l2=0.5)
        >>> _ = layer(tf.constant([[1.0, 1.0], [2.0, 2.0]]))
        >>> print(tf.Session().run(layer.losses))
        [np.float32(2.5)]
    """

    supports_masking = True
    l1: float = 0.0
    l2: float = 0.0

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(l1, l2, activity_regularizer=L1L2(l1, l2), **kwargs)


class Dropout(FieldLayer):
    """Sets a random share of the elements to 0 in training, and divides the others by the rest of the share.

    Args:
        rate: The probability that an element is set to 0, in [0, 1).
        noise_shape: Shape of the random mask, which is broadcast to the input; None for that of the input, and None for
            a size that is the input's.
        seed: Seed of the mask; see `tf.set_random_seed`.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> x = tf.ones([2, 3])
        >>> print(tf.Session().run(tf.keras.layers.Dropout(0.5)(x, training=False)))
        [[1. 1. 1.]
         [1. 1. 1.]]
    """

    supports_masking = True
    rate: float
    noise_shape: Any = None
    seed: int | None = None

    def mask_shape(self, x: Tensor) -> Any:
        """The shape of the random mask.

        Args:
            x: The input tensor.

        Returns:
            Sizes, numbers or tensors; None for the shape of the input.
        """
        if self.noise_shape is None:
            return None
        sizes = [shape_of(x)[i] if d is None else d for i, d in enumerate(self.noise_shape)]
        return packed(sizes)

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Compute the result.

        Args:
            inputs: The input tensor.
            training: Whether the layer trains, a bool or a bool scalar tensor; None for the learning phase.

        Returns:
            The result.
        """
        if not 0 < self.rate < 1:
            return inputs

        def dropped() -> Tensor:
            return nn.dropout(inputs, noise_shape=self.mask_shape(inputs), seed=self.seed, rate=self.rate)

        return K.in_train_phase(dropped, lambda: identity(inputs), training)


class _SpatialDropout(Dropout):
    fields: ClassVar[tuple[str, ...]] = ("rate",)
    data_format: Any = "channels_last"
    ndim = 0

    def mask_shape(self, x: Tensor) -> Any:
        dims: list[Any] = [shape_of(x)[0], *[1] * self.ndim]
        channel = 1 if self.data_format == "channels_first" else self.ndim + 1
        dims.insert(channel, x.type.shape[channel])  # type: ignore[index]
        return K.stack(dims)


class SpatialDropout1D(_SpatialDropout):
    """Sets random whole channels of sequences to 0 in training.

    Args:
        rate: The probability that a channel of an example is set to 0, in [0, 1).
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> layer = tf.keras.layers.SpatialDropout1D(0.5)
        >>> layer(tf.ones([2, 5, 3])).shape.as_list()
        [2, 5, 3]
    """

    ndim = 1


class SpatialDropout2D(_SpatialDropout):
    """Sets random whole channels of images to 0 in training.

    Args:
        rate: The probability that a channel of an example is set to 0, in [0, 1).
        data_format: "channels_first" for images [N,C,H,W]; else they are [N,H,W,C].
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> layer = tf.keras.layers.SpatialDropout2D(0.5)
        >>> layer(tf.ones([2, 5, 5, 3])).shape.as_list()
        [2, 5, 5, 3]
    """

    fields = ("rate", "data_format")
    data_format: Any = None
    ndim = 2


class SpatialDropout3D(_SpatialDropout):
    """Sets random whole channels of volumes to 0 in training.

    Args:
        rate: The probability that a channel of an example is set to 0, in [0, 1).
        data_format: "channels_first" for volumes [N,C,D,H,W]; else they are [N,D,H,W,C].
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> layer = tf.keras.layers.SpatialDropout3D(0.5)
        >>> layer(tf.ones([2, 5, 5, 5, 3])).shape.as_list()
        [2, 5, 5, 5, 3]
    """

    fields = ("rate", "data_format")
    data_format: Any = None
    ndim = 3


class GaussianNoise(FieldLayer):
    """Adds random numbers of a normal distribution of mean 0 in training.

    Args:
        stddev: Standard deviation of the noise.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> x = tf.keras.layers.GaussianNoise(0.1)(tf.ones([2, 3]), training=False)
        >>> print(tf.Session().run(x))
        [[1. 1. 1.]
         [1. 1. 1.]]
    """

    supports_masking = True
    stddev: float

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Compute the result.

        Args:
            inputs: The input tensor.
            training: Whether the layer trains, a bool or a bool scalar tensor; None for the learning phase.

        Returns:
            The result.
        """

        def noised() -> Any:
            return inputs + K.random_normal(shape_of(inputs), 0.0, self.stddev, inputs.dtype)

        return K.in_train_phase(noised, lambda: identity(inputs), training)


class GaussianDropout(FieldLayer):
    """Multiplies the elements by random numbers of a normal distribution of mean 1 in training.

    Args:
        rate: Sets the standard deviation, √(rate/(1 − rate)). In [0, 1).
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> x = tf.keras.layers.GaussianDropout(0.1)(tf.ones([2, 3]), training=False)
        >>> print(tf.Session().run(x))
        [[1. 1. 1.]
         [1. 1. 1.]]
    """

    supports_masking = True
    rate: float

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Compute the result.

        Args:
            inputs: The input tensor.
            training: Whether the layer trains, a bool or a bool scalar tensor; None for the learning phase.

        Returns:
            The result.
        """
        if not 0 < self.rate < 1:
            return inputs

        def noised() -> Any:
            stddev = float(np.sqrt(self.rate / (1.0 - self.rate)))
            return inputs * K.random_normal(shape_of(inputs), 1.0, stddev, inputs.dtype)

        return K.in_train_phase(noised, lambda: identity(inputs), training)
