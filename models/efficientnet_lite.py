"""EfficientNet-Lite0 (Tan and Le 2019; without squeeze-and-excitation, with ReLU6): 4,652,008 parameters."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import minigraph as tf
from minigraph.models.layers import (
    TORCH,
    channels,
    conv_norm,
    dense,
    dropout,
    finish,
    global_mean,
    scaled,
    torch_stored,
)
from minigraph.models.record import EndPoints, Model, Preprocessing, Stored


class BlockSpec(NamedTuple):
    """`times` inverted bottlenecks: `expand` times the maps, a depthwise convolution of `size`, then to `maps`."""

    times: int
    size: int
    stride: int
    expand: int
    maps: int


STAGES = (
    BlockSpec(1, 3, 1, 1, 16),
    BlockSpec(2, 3, 2, 6, 24),
    BlockSpec(2, 5, 2, 6, 40),
    BlockSpec(3, 3, 2, 6, 80),
    BlockSpec(3, 5, 1, 6, 112),
    BlockSpec(4, 5, 2, 6, 192),
    BlockSpec(1, 3, 1, 6, 320),
)


def efficientnet_lite0(
    images: tf.Tensor, num_classes: int = 1000, is_training: bool = False, width: float = 1.0,
    dropout_keep_prob: float | tf.Tensor = 0.8, reuse: bool | None = None, scope: str = "efficientnet_lite0",
) -> tuple[tf.Tensor, EndPoints]:  # fmt: skip
    """Build EfficientNet-Lite0: inverted residual blocks with depthwise convolutions.

    The stochastic depth of the paper's training is left out. End point for transfer learning: pool [N,1280].

    Args:
        images: float32 [N,H,W,3]; the size is at least 32, and 224 by design.
        num_classes: Number of classes.
        is_training: Whether dropout and batch normalisation work as in training.
        width: A factor of the numbers of maps and units.
        dropout_keep_prob: The share of units that dropout keeps, a number or a float32 scalar tensor.
        reuse: True to use the variables of an earlier call; see `tf.variable_scope`.
        scope: Variable scope of the network.

    Returns:
        Logits, float32 [N, num_classes], and the end points: tensors by their names.

    Example:
        >>> from minigraph import models
        >>> images = tf.placeholder(tf.float32, [None, 32, 32, 3])
        >>> logits, end_points = models.efficientnet_lite0(images, num_classes=10, width=0.25)
        >>> logits.shape.as_list()
        [None, 10]

    Source: Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural networks", 2019.
    """
    ends: EndPoints = {}
    conv = partial(conv_norm, activation=tf.nn.relu6, is_training=is_training, momentum=0.99, epsilon=1e-3)
    with tf.variable_scope(scope, reuse=reuse):
        x = ends["stem"] = conv(images, scaled(32, width), 3, 2, name="stem")
        number = 0
        for stage in STAGES:
            for i in range(stage.times):
                name = f"block{number}"
                with tf.variable_scope(name):
                    stride = 1 if i else stage.stride
                    x = ends[name] = _block(x, stage, stride, scaled(stage.maps, width), conv)
                number += 1
        x = ends["head"] = conv(x, scaled(1280, width), 1, name="head")
        x = ends["pool"] = global_mean(x, "pool")
        x = dropout(x, dropout_keep_prob, is_training)
        return finish(dense(x, num_classes, None, "logits"), ends)


def _block(x: tf.Tensor, stage: BlockSpec, stride: int, maps: int, conv: Any) -> tf.Tensor:
    """Expand the maps, filter each separately, project to fewer maps, and add x if the shape is unchanged."""
    y = x
    if stage.expand > 1:
        y = conv(y, channels(x) * stage.expand, 1, name="expand")
    y = conv(y, channels(y), stage.size, stride, groups=channels(y), name="depthwise")
    y = conv(y, maps, 1, activation=None, name="project")
    return tf.add(x, y, name="add") if stride == 1 and channels(x) == maps else y


def _torch(name: str, shape: tuple[int, ...]) -> Stored:
    """`block3/project/norm/gamma` is `_blocks.3._bn2.weight`."""
    *path, kind = name.split("/")
    normalised = path[-1] == "norm"
    layer = path[-2] if normalised else path[-1]
    prefix = f"_blocks.{path[0].removeprefix('block')}." if path[0].startswith("block") else ""
    convolutions = {
        "stem": ("_conv_stem", "_bn0"), "expand": ("_expand_conv", "_bn0"), "depthwise": ("_depthwise_conv", "_bn1"),
        "project": ("_project_conv", "_bn2"), "head": ("_conv_head", "_bn1"), "logits": ("_fc", ""),
    }  # fmt: skip
    return torch_stored(f"{prefix}{convolutions[layer][normalised]}.{TORCH[kind]}", shape)


MODEL = Model(
    name="efficientnet-lite0",
    summary="Inverted bottlenecks with depthwise convolutions, batch normalisation and ReLU6",
    family="efficientnet-lite",
    build=efficientnet_lite0,
    image_size=224,
    classes=1000,
    bottleneck="pool",
    trainable=4_652_008,
    preprocessing=Preprocessing("RGB", (127.0, 127.0, 127.0), (128.0, 128.0, 128.0)),
    layouts=MappingProxyType({"torch": _torch}),
)
