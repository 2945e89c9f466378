"""Inception v3 (Szegedy et al. 2015): 23,834,568 parameters, 27,161,264 with its auxiliary head."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import minigraph as tf
from minigraph.models.layers import (
    TORCH,
    avg_pool,
    conv_norm,
    dense,
    dropout,
    finish,
    global_mean,
    max_pool,
    scaled,
    torch_stored,
)
from minigraph.models.record import SIGNED, EndPoints, Model, Stored

Size = int | tuple[int, int]


class ConvSpec(NamedTuple):
    """A convolution, with rows and columns of its filter; one of stride 2 is VALID."""

    maps: int
    size: Size
    stride: int = 1


class Module(NamedTuple):
    """Parallel branches, each a chain of layers, and one pooling branch.

    `split`: branches that end in a 1x3 and a 3x1 convolution of 384 maps, side by side. `pooled`: the maps of the 1x1
    convolution after average pooling; 0 for max-pooling of stride 2 and no convolution.
    """

    branches: dict[str, tuple[ConvSpec, ...]]
    pooled: int
    split: tuple[str, ...] = ()


def _wide(pooled: int) -> Module:
    """Of 35x35 maps."""
    double = (ConvSpec(64, 1), ConvSpec(96, 3), ConvSpec(96, 3))
    return Module(
        {"branch1x1": (ConvSpec(64, 1),), "branch5x5": (ConvSpec(48, 1), ConvSpec(64, 5)), "branch3x3dbl": double},
        pooled,
    )


def _factorised(maps: int) -> Module:
    """Of 17x17 maps: 7x7 convolutions as 1x7 and 7x1."""
    row, column = ConvSpec(maps, (1, 7)), ConvSpec(maps, (7, 1))
    single = (ConvSpec(maps, 1), row, ConvSpec(192, (7, 1)))
    double = (ConvSpec(maps, 1), column, row, column, ConvSpec(192, (1, 7)))
    return Module({"branch1x1": (ConvSpec(192, 1),), "branch7x7": single, "branch7x7dbl": double}, 192)


_TO_17 = Module(
    {"branch3x3": (ConvSpec(384, 3, 2),), "branch3x3dbl": (ConvSpec(64, 1), ConvSpec(96, 3), ConvSpec(96, 3, 2))}, 0
)
_TO_8 = Module(
    {
        "branch3x3": (ConvSpec(192, 1), ConvSpec(320, 3, 2)),
        "branch7x7x3": (ConvSpec(192, 1), ConvSpec(192, (1, 7)), ConvSpec(192, (7, 1)), ConvSpec(192, 3, 2)),
    },
    0,
)
_LAST = Module(
    {
        "branch1x1": (ConvSpec(320, 1),),
        "branch3x3": (ConvSpec(384, 1),),
        "branch3x3dbl": (ConvSpec(448, 1), ConvSpec(384, 3)),
    },
    192,
    ("branch3x3", "branch3x3dbl"),
)

MODULES = {
    "Mixed_5b": _wide(32), "Mixed_5c": _wide(64), "Mixed_5d": _wide(64), "Mixed_6a": _TO_17,
    "Mixed_6b": _factorised(128), "Mixed_6c": _factorised(160), "Mixed_6d": _factorised(160),
    "Mixed_6e": _factorised(192), "Mixed_7a": _TO_8, "Mixed_7b": _LAST, "Mixed_7c": _LAST,
}  # fmt: skip


def inception_v3(
    images: tf.Tensor, num_classes: int = 1000, is_training: bool = False, width: float = 1.0,
    dropout_keep_prob: float | tf.Tensor = 0.8, aux_head: bool | None = None, scale: bool = True,
    reuse: bool | None = None, scope: str = "inception_v3",
) -> tuple[tf.Tensor, EndPoints]:  # fmt: skip
    """Build Inception v3: modules of factorised convolutions with batch normalisation.

    End point for transfer learning: pool [N,2048], the means of the last maps.

    Args:
        images: float32 [N,H,W,3]; the size is at least 75 (299 with the head), and 299 by design.
        num_classes: Number of classes.
        is_training: Whether dropout and batch normalisation work as in training.
        width: A factor of the numbers of maps and units.
        dropout_keep_prob: The share of units that dropout keeps, a number or a float32 scalar tensor.
        aux_head: Whether to add a classifier on Mixed_6e, with the end point aux_logits; by default in training only.
        scale: Whether batch normalisation has γ; without it there are 17,216 fewer parameters.
        reuse: True to use the variables of an earlier call; see `tf.variable_scope`.
        scope: Variable scope of the network.

    Returns:
        Logits, float32 [N, num_classes], and the end points: tensors by their names.

    Example:
        >>> from minigraph import models
        >>> images = tf.placeholder(tf.float32, [None, 75, 75, 3])
        >>> logits, end_points = models.inception_v3(images, num_classes=10, width=0.25)
        >>> logits.shape.as_list()
        [None, 10]

    Source: Szegedy et al., "Rethinking the Inception architecture for computer vision", 2015.
    """
    ends: EndPoints = {}
    conv = partial(conv_norm, is_training=is_training, momentum=0.9, epsilon=1e-3, scale=scale)

    def layer(x: tf.Tensor, spec: ConvSpec, name: str) -> tf.Tensor:
        padding = "SAME" if spec.stride == 1 else "VALID"
        return conv(x, scaled(spec.maps, width), spec.size, spec.stride, padding, name=name)

    with tf.variable_scope(scope, reuse=reuse):
        x = ends["Conv2d_1a_3x3"] = layer(images, ConvSpec(32, 3, 2), "Conv2d_1a_3x3")
        x = ends["Conv2d_2a_3x3"] = conv(x, scaled(32, width), 3, 1, "VALID", name="Conv2d_2a_3x3")
        x = ends["Conv2d_2b_3x3"] = layer(x, ConvSpec(64, 3), "Conv2d_2b_3x3")
        x = ends["MaxPool_3a_3x3"] = max_pool(x, 3, 2, name="MaxPool_3a_3x3")
        x = ends["Conv2d_3b_1x1"] = layer(x, ConvSpec(80, 1), "Conv2d_3b_1x1")
        x = ends["Conv2d_4a_3x3"] = conv(x, scaled(192, width), 3, 1, "VALID", name="Conv2d_4a_3x3")
        x = ends["MaxPool_5a_3x3"] = max_pool(x, 3, 2, name="MaxPool_5a_3x3")
        for name, module in MODULES.items():
            with tf.variable_scope(name):
                x = ends[name] = _module(x, module, layer)
            if name == "Mixed_6e" and (is_training if aux_head is None else aux_head):
                ends["aux_logits"] = _head(x, num_classes, width, conv)
        x = ends["pool"] = global_mean(x, "pool")
        x = dropout(x, dropout_keep_prob, is_training)
        return finish(dense(x, num_classes, None, "logits"), ends)


def _module(x: tf.Tensor, module: Module, layer: Any) -> tf.Tensor:
    parts = []
    for branch, layers in module.branches.items():
        several = len(layers) > 1 or branch in module.split
        y = x
        for i, spec in enumerate(layers, 1):
            y = layer(y, spec, f"{branch}_{i}" if several else branch)
        if branch in module.split:
            last = f"{branch}_{len(layers) + 1}"
            parts += [layer(y, ConvSpec(384, (1, 3)), f"{last}a"), layer(y, ConvSpec(384, (3, 1)), f"{last}b")]
        else:
            parts.append(y)
    if module.pooled:
        parts.append(layer(avg_pool(x, 3, 1, "SAME"), ConvSpec(module.pooled, 1), "branch_pool"))
    else:
        parts.append(max_pool(x, 3, 2))
    return tf.concat(parts, 3, name="concat")


def _head(x: tf.Tensor, num_classes: int, width: float, conv: Any) -> tf.Tensor:
    with tf.variable_scope("AuxLogits"):
        x = conv(avg_pool(x, 5, 3), scaled(128, width), 1, name="conv0")
        x = conv(x, scaled(768, width), 5, 1, "VALID", name="conv1")
        return dense(global_mean(x), num_classes, None, "logits")


def _torch(name: str, shape: tuple[int, ...]) -> Stored:
    """`Mixed_5b/branch1x1/norm/gamma` is `Mixed_5b.branch1x1.bn.weight`."""
    *path, kind = name.split("/")
    if path[-1] == "norm":
        path[-1] = "bn"
    elif path[-1] == "logits":
        path[-1] = "fc"
    else:
        path.append("conv")
    return torch_stored(".".join([*path, TORCH[kind]]), shape)


MODEL = Model(
    name="inception-v3",
    summary="Inception modules with factorised convolutions and batch normalisation",
    family="inception",
    build=inception_v3,
    image_size=299,
    classes=1000,
    bottleneck="pool",
    trainable=23_834_568,
    preprocessing=SIGNED,
    layouts=MappingProxyType({"torch": _torch}),
    auxiliary=MappingProxyType({"aux_logits": 0.4}),
)
