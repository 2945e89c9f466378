"""The table of models."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import minigraph as tf
from minigraph.core.errors import MinigraphError
from minigraph.models import mnist_cnn


@dataclass(frozen=True, slots=True)
class Model:
    """A network and how it is trained unless told otherwise.

    build: takes images, float32 [N, *image_shape], keep_prob, a float32 scalar, and stddev, a number; returns
        logits, float32 [N, classes].
    dataset: the data to train on, as for `minigraph train --data`.
    epochs: by data set; `other_epochs` for any other.
    """

    name: str
    summary: str
    build: Callable[..., tf.Tensor]
    image_shape: tuple[int, ...]
    classes: int
    dataset: str
    batch_size: int
    learning_rate: float
    keep_prob: float
    stddev: float
    epochs: Mapping[str, int]
    other_epochs: int

    def parameters(self) -> int:
        """The number of trainable numbers in the network."""
        with tf.Graph().as_default():
            images = tf.placeholder(tf.float32, [None, *self.image_shape])
            self.build(images, tf.placeholder(tf.float32, []), stddev=self.stddev)
            return sum(math.prod(v.type.static) for v in tf.trainable_variables())


class UnknownModelError(MinigraphError, KeyError):
    """There is no model of that name."""

    __str__ = Exception.__str__  # KeyError's shows the repr


MODELS: tuple[Model, ...] = (
    Model(
        name="mnist-cnn",
        summary="Handwritten digits: two 5x5 convolutions, two full connections, dropout",
        build=mnist_cnn.build,
        image_shape=(784,),
        classes=10,
        dataset="sample",
        batch_size=256,
        learning_rate=0.01,
        keep_prob=0.75,
        stddev=1.0,
        epochs=MappingProxyType({"sample": 3}),
        other_epochs=5,
    ),
)


def get_model(name: str) -> Model:
    """The model of that name. UnknownModelError, with the names that come close, if there is none."""
    from difflib import get_close_matches

    known = {model.name: model for model in MODELS}
    if name in known:
        return known[name]
    plain = name.lower().replace("_", "-")
    close = get_close_matches(plain, known, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else f"known models: {', '.join(sorted(known))}"
    raise UnknownModelError(f"unknown model {name!r}; {hint}")
