"""The records of the table of networks."""

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
    """The preprocessing that a network's weights expect: (x − mean)/std of each channel, x from 0 to 255.

    channels: RGB, BGR, or L for grey. mean and std: in this order.
    """

    channels: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def apply(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """images: [..., 3] in the order RGB, or [..., 1] for L, from 0 to 255. Returns float32 of the same shape."""
        if images.shape[-1] != len(self.channels):
            raise ValueError(f"expected {len(self.channels)} channels ({self.channels}), got shape {images.shape}")
        ordered = images[..., ::-1] if self.channels == "BGR" else images
        mean, std = (np.asarray(numbers, np.float32) for numbers in (self.mean, self.std))
        return (ordered.astype(np.float32) - mean) / std


IMAGENET = Preprocessing("RGB", (123.675, 116.28, 103.53), (58.395, 57.12, 57.375))  # torchvision's
CAFFE = Preprocessing("BGR", (103.939, 116.779, 123.68), (1.0, 1.0, 1.0))
SIGNED = Preprocessing("RGB", (127.5, 127.5, 127.5), (127.5, 127.5, 127.5))  # −1 to 1


class Stored(NamedTuple):
    """The name and memory layout of a variable in a weight file.

    The variable is the file's array, reshaped to `shape` if given, its axes permuted by `axes` if given, then reshaped
    to the variable's shape. name: in the file; for Keras in `weight_names`.
    """

    name: str
    axes: tuple[int, ...] | None = None
    shape: tuple[int, ...] | None = None

    def to_variable(self, array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        """The value of the variable, which has the shape `shape`, from the file's array."""
        found = array if self.shape is None else array.reshape(self.shape)
        return (found if self.axes is None else found.transpose(self.axes)).reshape(shape)


Layout = Callable[[str, tuple[int, ...]], Stored]


@dataclass(frozen=True, slots=True)
class Recipe:
    """The defaults of `minigraph train` for a network.

    dataset: the training data, as for `minigraph train --data`; "folder" for --image-dir. image_shape: of one image, as
    the builder takes it. stddev: of the initial values; None for the network's own. epochs: by data set;
    `other_epochs` for all others.
    """

    dataset: str
    image_shape: tuple[int, ...]
    batch_size: int
    learning_rate: float
    keep_prob: float
    stddev: float | None
    epochs: Mapping[str, int]
    other_epochs: int


@dataclass(frozen=True, slots=True)
class Model:
    """A network.

    build: `build(images, num_classes=…, is_training=False, width=1.0)` takes images, float32 [N, size, size, channels],
        and returns logits, float32 [N, num_classes], and the end points: name -> tensor, in the network's order, with
        "logits" and "predictions" (softmax) last. is_training: a bool; enables dropout, and batch normalisation by
        the batch. width: a factor for the numbers of maps and units.
    bottleneck: the end point on which transfer learning puts a new classifier.
    layouts: for each known kind of weight file ("keras", "torch"), the location of a variable by its name, without
        the network's scope, and shape.
    preprocessing_of: by kind of weight file, if its weights expect a different preprocessing.
    auxiliary: the weights of the losses of auxiliary logits, by end point, in training.
    recipe: for networks that `minigraph train` supports.
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
    recipe: Recipe | None = None

    @property
    def channels(self) -> int:
        return len(self.preprocessing.channels)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return self.image_size, self.image_size, self.channels

    def parameters(self) -> int:
        """The number of trainable parameters."""
        with tf.Graph().as_default():
            self.build(tf.placeholder(tf.float32, [None, *self.image_shape]), num_classes=self.classes)
            return sum(math.prod(v.type.static) for v in tf.trainable_variables())
