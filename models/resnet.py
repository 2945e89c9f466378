"""Residual networks of 18 to 152 layers in torchvision's form, and of 20 for small images (He et al. 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import minigraph as tf
from minigraph.models.layers import (
    TORCH,
    Activation,
    channels,
    conv_norm,
    dense,
    finish,
    global_mean,
    max_pool,
    scaled,
    torch_stored,
)
from minigraph.models.record import IMAGENET, SIGNED, EndPoints, Model, Recipe, Stored

UNITS = {  # residual units in each of the four blocks
    "resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3),
    "resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3), "resnet152": (3, 8, 36, 3),
}  # fmt: skip


def resnet(
    images: tf.Tensor, units: Sequence[int], bottleneck: bool, num_classes: int = 1000, is_training: bool = False,
    width: float = 1.0, reuse: bool | None = None, scope: str = "resnet",
) -> tuple[tf.Tensor, EndPoints]:  # fmt: skip
    """Build a residual network with batch normalisation, as torchvision does.

    `resnet18`, `resnet34`, `resnet50`, `resnet101` and `resnet152` are this function with `units`, `bottleneck` and
    `scope` set. Padding is the same on all sides. End point for transfer learning: pool5, [N,2048], or [N,512] without
    bottlenecks.

    Args:
        images: float32 [N,H,W,3]; the size is at least 32, and 224 by design.
        num_classes: Number of classes.
        is_training: Whether batch normalisation works as in training.
        width: A factor of the numbers of maps and units.
        units: Number of residual units in each of the four blocks.
        bottleneck: Whether a unit is a 1x1, a 3x3 and a 1x1 convolution to four times the maps, instead of two 3x3
            ones. A stride of 2 is the 3x3 convolution's (in the paper, the first 1x1 one's).
        reuse: True to use the variables of an earlier call; see `tf.variable_scope`.
        scope: Variable scope of the network.

    Returns:
        Logits, float32 [N, num_classes], and the end points: tensors by their names.

    Example:
        >>> from minigraph import models
        >>> images = tf.placeholder(tf.float32, [None, 32, 32, 3])
        >>> logits, end_points = models.resnet18(images, num_classes=10, width=0.25)
        >>> logits.shape.as_list()
        [None, 10]

    Source: He et al., "Deep residual learning for image recognition", 2015.
    """
    ends: EndPoints = {}
    conv = partial(conv_norm, is_training=is_training, momentum=0.9, epsilon=1e-5)
    with tf.variable_scope(scope, reuse=reuse):
        x = ends["conv1"] = conv(images, scaled(64, width), 7, 2, 3, name="conv1")
        x = ends["pool1"] = max_pool(x, 3, 2, 1, "pool1")
        for block, count in enumerate(units, 1):
            maps = scaled(64, width) * 2 ** (block - 1)
            for unit in range(1, count + 1):
                stride = 2 if unit == 1 and block > 1 else 1
                with tf.variable_scope(f"block{block}/unit_{unit}"):
                    x = _unit(x, maps, stride, bottleneck, conv)
            ends[f"block{block}"] = x
        x = ends["pool5"] = global_mean(x, "pool5")
        return finish(dense(x, num_classes, None, "logits"), ends)


def resnet20(
    images: tf.Tensor, num_classes: int = 10, is_training: bool = False, width: float = 1.0,
    reuse: bool | None = None, scope: str = "resnet20",
) -> tuple[tf.Tensor, EndPoints]:  # fmt: skip
    """Build the residual network of 20 layers for small images, such as CIFAR-10's.

    A 3x3 convolution, then three blocks of three units with two 3x3 convolutions each, and 16, 32 and 64 maps. A
    shortcut between other shapes is a 1x1 convolution. The network has 272,474 parameters. End point for transfer
    learning: pool3 [N,64].

    Args:
        images: float32 [N,H,W,3]; the size is at least 4, and 32 by design.
        num_classes: Number of classes.
        is_training: Whether batch normalisation works as in training.
        width: A factor of the numbers of maps.
        reuse: True to use the variables of an earlier call; see `tf.variable_scope`.
        scope: Variable scope of the network.

    Returns:
        Logits, float32 [N, num_classes], and the end points: tensors by their names.

    Example:
        >>> from minigraph import models
        >>> images = tf.placeholder(tf.float32, [None, 32, 32, 3])
        >>> logits, end_points = models.resnet20(images, num_classes=10, width=0.25)
        >>> logits.shape.as_list()
        [None, 10]

    Source: He et al., "Deep residual learning for image recognition", 2015, section 4.2.
    """
    ends: EndPoints = {}
    conv = partial(conv_norm, is_training=is_training, momentum=0.9, epsilon=1e-5)
    with tf.variable_scope(scope, reuse=reuse):
        x = ends["conv1"] = conv(images, scaled(16, width), 3, name="conv1")
        for block in (1, 2, 3):
            for unit in (1, 2, 3):
                with tf.variable_scope(f"block{block}/unit_{unit}"):
                    stride = 2 if unit == 1 and block > 1 else 1
                    x = _unit(x, scaled(16, width) * 2 ** (block - 1), stride, False, conv)
            ends[f"block{block}"] = x
        x = ends["pool3"] = global_mean(x, "pool3")
        return finish(dense(x, num_classes, None, "logits"), ends)


def _unit(x: tf.Tensor, maps: int, stride: int, bottleneck: bool, conv: Any) -> tf.Tensor:
    """relu(x + F(x)), with a 1x1 convolution of x if its shape differs from F(x)'s."""
    none: Activation = None
    if bottleneck:
        y = conv(x, maps, 1, name="conv1")
        y = conv(y, maps, 3, stride, 1, name="conv2")
        y = conv(y, 4 * maps, 1, activation=none, name="conv3")
    else:
        y = conv(x, maps, 3, stride, 1, name="conv1")
        y = conv(y, maps, 3, 1, 1, activation=none, name="conv2")
    if stride > 1 or channels(x) != channels(y):
        x = conv(x, channels(y), 1, stride, 0, activation=none, name="shortcut")
    return tf.nn.relu(x + y, name="relu")


resnet18 = partial(resnet, units=UNITS["resnet18"], bottleneck=False, scope="resnet18")
resnet34 = partial(resnet, units=UNITS["resnet34"], bottleneck=False, scope="resnet34")
resnet50 = partial(resnet, units=UNITS["resnet50"], bottleneck=True, scope="resnet50")
resnet101 = partial(resnet, units=UNITS["resnet101"], bottleneck=True, scope="resnet101")
resnet152 = partial(resnet, units=UNITS["resnet152"], bottleneck=True, scope="resnet152")


def _torch(name: str, shape: tuple[int, ...]) -> Stored:
    """`block2/unit_1/conv3/norm/gamma` is `layer2.0.bn3.weight`."""
    *path, kind = name.split("/")
    normalised = path[-1] == "norm"
    layer = path[-2] if normalised else path[-1]
    prefix = ""
    if path[0].startswith("block"):
        prefix = f"layer{path[0].removeprefix('block')}.{int(path[1].removeprefix('unit_')) - 1}."
    if layer == "shortcut":
        layer = f"downsample.{int(normalised)}"
    elif layer == "logits":
        layer = "fc"
    elif normalised:
        layer = layer.replace("conv", "bn")
    return torch_stored(f"{prefix}{layer}.{TORCH[kind]}", shape)


MODELS = tuple(
    Model(
        name=name,
        summary=f"{sum(units)} residual units of {3 if deep else 2} convolutions with batch normalisation",
        family="resnet",
        build=build,
        image_size=224,
        classes=1000,
        bottleneck="pool5",
        trainable=trainable,
        preprocessing=IMAGENET,
        layouts=MappingProxyType({"torch": _torch}),
    )
    for (name, units), deep, build, trainable in zip(
        UNITS.items(),
        (False, False, True, True, True),
        (resnet18, resnet34, resnet50, resnet101, resnet152),
        (11_689_512, 21_797_672, 25_557_032, 44_549_160, 60_192_808),
        strict=True,
    )
)

SMALL = Model(
    name="resnet20",
    summary="Small images: 9 residual units of 2 convolutions with batch normalisation",
    family="resnet",
    build=resnet20,
    image_size=32,
    classes=10,
    bottleneck="pool3",
    trainable=272_474,
    preprocessing=SIGNED,
    recipe=Recipe(
        dataset="cifar10",
        image_shape=(32, 32, 3),
        batch_size=128,
        learning_rate=0.002,
        keep_prob=None,
        stddev=None,
        epochs=MappingProxyType({"sample": 5, "mnist": 3, "fashion-mnist": 5}),
        other_epochs=20,
    ),
)
