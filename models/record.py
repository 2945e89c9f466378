"""The records of a network: how to build it, its images, its weight files, its training."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import minigraph as tf

EndPoints = dict[str, tf.Tensor]
Builder = Callable[..., tuple[tf.Tensor, EndPoints]]


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """The scaling that a network's weights expect of images: (x − mean)/std per channel, for x from 0 to 255.

    Args:
        channels: Order of the channels, RGB or BGR, or L for grey images.
        mean: The means, in this order.
        std: The divisors, in this order.

    Example:
        >>> from minigraph import models
        >>> scale = models.Preprocessing("RGB", (127.5, 127.5, 127.5), (127.5, 127.5, 127.5))
        >>> print(scale.apply(np.full([1, 1, 3], 255)))
        [[[1. 1. 1.]]]
    """

    channels: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def apply(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """Scale images.

        Args:
            images: […,3] in the order RGB, or […,1] for L, from 0 to 255.

        Returns:
            float32 images of the same shape, with their channels in the weights' order.

        Raises:
            ValueError: The number of channels is wrong.
        """
        if images.shape[-1] != len(self.channels):
            raise ValueError(f"expected {len(self.channels)} channels ({self.channels}), got shape {images.shape}")
        ordered = images[..., ::-1] if self.channels == "BGR" else images
        mean, std = (np.asarray(numbers, np.float32) for numbers in (self.mean, self.std))
        return (ordered.astype(np.float32) - mean) / std


IMAGENET = Preprocessing("RGB", (123.675, 116.28, 103.53), (58.395, 57.12, 57.375))  # torchvision's
CAFFE = Preprocessing("BGR", (103.939, 116.779, 123.68), (1.0, 1.0, 1.0))
SIGNED = Preprocessing("RGB", (127.5, 127.5, 127.5), (127.5, 127.5, 127.5))  # −1 to 1


class Stored(NamedTuple):
    """The place and layout of a variable in a weight file.

    The variable is the file's array, reshaped to `shape` if that is given, its axes permuted by `axes` if that is
    given, and reshaped to the variable's shape.

    Args:
        name: Name of the array; for Keras its name in `weight_names`.
        axes: The permutation.
        shape: The shape before the permutation.

    Example:
        >>> from minigraph import models
        >>> models.Stored("fc.weight", axes=(1, 0)).to_variable(np.zeros([10, 64]), (64, 10)).shape
        (64, 10)
    """

    name: str
    axes: tuple[int, ...] | None = None
    shape: tuple[int, ...] | None = None

    def to_variable(self, array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        """Convert an array of the file.

        Args:
            array: The array.
            shape: Shape of the variable.

        Returns:
            The value of the variable.
        """
        found = array if self.shape is None else array.reshape(self.shape)
        return (found if self.axes is None else found.transpose(self.axes)).reshape(shape)


Layout = Callable[[str, tuple[int, ...]], Stored]


@dataclass(frozen=True, slots=True)
class Recipe:
    """The settings with which `minigraph train` trains a network by default.

    Args:
        dataset: The data, as for `minigraph train --data`; "folder" for --image-dir.
        image_shape: Shape of an image, as the network's function takes it.
        batch_size: Number of images in a batch.
        learning_rate: The learning rate.
        keep_prob: The share of units that dropout keeps; None for a network without dropout.
        stddev: Standard deviation of the initial values; None for the network's own.
        epochs: Number of epochs by the name of the data.
        other_epochs: Number of epochs for other data.
        chapter: The textbook chapter's own values of some of these settings, by name; empty if it has none.

    Example:
        >>> from minigraph import models
        >>> models.get_recipe(models.get_model("mnist-cnn")).batch_size
        256
    """

    dataset: str
    image_shape: tuple[int, ...]
    batch_size: int
    learning_rate: float
    keep_prob: float | None
    stddev: float | None
    epochs: Mapping[str, int]
    other_epochs: int
    chapter: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Model:
    """A network in the table `MODELS`.

    Args:
        name: The name that the command line takes.
        summary: A description in one line.
        family: The name that networks of the same kind share.
        build: The function that builds the network; see `minigraph.models`.
        image_size: Number of rows and columns of the images.
        classes: Number of classes of the published weights.
        bottleneck: The end point that a new classifier is put on in transfer learning.
        preprocessing: The scaling of images.
        layouts: For each known kind of weight file ("keras", "torch"), a function from a variable's name, without the
            network's scope, and shape to its place in the file.
        preprocessing_of: The scaling by the kind of weight file, if it differs.
        auxiliary: The weights of the losses of further logits in training, by end point.
        trainable: Number of trainable parameters with `classes` classes, as `parameters` counts them.
        recipe: How to train the network; None if `minigraph train` does not.

    Example:
        >>> from minigraph import models
        >>> model = models.get_model("mnist-cnn")
        >>> model.image_shape, model.parameters()
        ((28, 28, 1), 6640394)
    """

    name: str
    summary: str
    family: str
    build: Builder
    image_size: int
    classes: int
    bottleneck: str
    preprocessing: Preprocessing
    layouts: Mapping[str, Layout] = field(default_factory=lambda: MappingProxyType({}))
    preprocessing_of: Mapping[str, Preprocessing] = field(default_factory=lambda: MappingProxyType({}))
    auxiliary: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    trainable: int = 0
    recipe: Recipe | None = None

    @property
    def channels(self) -> int:
        """The number of channels of the images."""
        return len(self.preprocessing.channels)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """The shape of an image: rows, columns, channels."""
        return self.image_size, self.image_size, self.channels

    def parameters(self) -> int:
        """Count the trainable numbers of the network.

        Returns:
            The number.
        """
        with tf.Graph().as_default():
            self.build(tf.placeholder(tf.float32, [None, *self.image_shape]), num_classes=self.classes)
            return sum(math.prod(v.type.static) for v in tf.trainable_variables())
