"""VGG with 16 and 19 layers (Simonyan and Zisserman 2014), and a small one for small images."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import MappingProxyType

import minigraph as tf
from minigraph.models.layers import TORCH, conv, dense, dropout, finish, flatten, max_pool, scaled, torch_stored
from minigraph.models.record import CAFFE, IMAGENET, SIGNED, EndPoints, Layout, Model, Recipe, Stored

MAPS = (64, 128, 256, 512, 512)  # of each block's convolutions
BLOCKS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}  # convolutions in each block


def vgg(
    images: tf.Tensor, blocks: Sequence[int], num_classes: int = 1000, is_training: bool = False, width: float = 1.0,
    dropout_keep_prob: float | tf.Tensor = 0.5, reuse: bool | None = None, scope: str = "vgg",
    maps: Sequence[int] = MAPS, units: int = 4096,
) -> tuple[tf.Tensor, EndPoints]:  # fmt: skip
    """Build a VGG network: blocks of 3x3 convolutions and a max-pooling, then three fully connected layers.

    `vgg16` (138,357,544 parameters) and `vgg19` (143,667,240) are this function with `blocks` and `scope` set;
    `vgg_small` (879,914) has three blocks, and is for images of 32x32 in ten classes. End point for transfer learning:
    fc7 [N,4096], or [N,256].

    Args:
        images: float32 [N,H,W,3]; the size is known, at least 32, and 224 by design.
        num_classes: Number of classes.
        is_training: Whether dropout works as in training.
        width: A factor of the numbers of maps and units.
        dropout_keep_prob: The share of units that dropout keeps, a number or a float32 scalar tensor.
        blocks: Number of convolutions in each block.
        reuse: True to use the variables of an earlier call; see `tf.variable_scope`.
        scope: Variable scope of the network.
        maps: Number of maps of each block's convolutions.
        units: Number of units of the first two fully connected layers.

    Returns:
        Logits, float32 [N, num_classes], and the end points: tensors by their names.

    Example:
        >>> from minigraph import models
        >>> images = tf.placeholder(tf.float32, [None, 32, 32, 3])
        >>> logits, end_points = models.vgg16(images, num_classes=10, width=0.125)
        >>> logits.shape.as_list()
        [None, 10]

    Source: Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", 2014.
    """
    ends: EndPoints = {}
    with tf.variable_scope(scope, reuse=reuse):
        x = images
        for block, (count, channels) in enumerate(zip(blocks, maps, strict=True), 1):
            for i in range(1, count + 1):
                name = f"conv{block}_{i}"
                x = ends[name] = conv(x, scaled(channels, width), 3, name=name)
            x = ends[f"pool{block}"] = max_pool(x, 2, 2, name=f"pool{block}")
        x = flatten(x)
        for name in ("fc6", "fc7"):
            x = ends[name] = dense(x, scaled(units, width), name=name)
            x = dropout(x, dropout_keep_prob, is_training, name.replace("fc", "drop"))
        return finish(dense(x, num_classes, None, "fc8"), ends)


vgg16 = partial(vgg, blocks=BLOCKS["vgg16"], scope="vgg16")
vgg_small = partial(vgg, blocks=(2, 2, 2), num_classes=10, scope="vgg_small", maps=(32, 64, 128), units=256)
vgg19 = partial(vgg, blocks=BLOCKS["vgg19"], scope="vgg19")


def _keras(name: str, shape: tuple[int, ...]) -> Stored:
    """`conv1_2/weights` is `block1_conv2_W_1`."""
    layer, _, kind = name.rpartition("/")
    block, _, number = layer.removeprefix("conv").partition("_")
    full = {"fc6": "fc1", "fc7": "fc2", "fc8": "predictions"}
    return Stored(f"{full.get(layer) or f'block{block}_conv{number}'}_{'W' if kind == 'weights' else 'b'}_1")


def _torch(blocks: Sequence[int]) -> Layout:
    """torchvision numbers all layers, including ReLU and pooling, and flattens the maps channels first."""
    layers = {"fc6": "classifier.0", "fc7": "classifier.3", "fc8": "classifier.6"}
    position = 0
    for block, count in enumerate(blocks, 1):
        for i in range(1, count + 1):
            layers[f"conv{block}_{i}"] = f"features.{position}"
            position += 2
        position += 1

    def stored(name: str, shape: tuple[int, ...]) -> Stored:
        layer, _, kind = name.rpartition("/")
        found = torch_stored(f"{layers[layer]}.{TORCH[kind]}", shape)
        if (layer, kind) != ("fc6", "weights"):
            return found
        side = round((shape[0] / MAPS[-1]) ** 0.5)
        return Stored(found.name, (2, 3, 1, 0), (shape[1], MAPS[-1], side, side))

    return stored


MODELS = tuple(
    Model(
        name=name,
        summary=f"{sum(blocks)} 3x3 convolutions in five blocks, three full connections, dropout",
        family="vgg",
        build=build,
        image_size=224,
        classes=1000,
        bottleneck="fc7",
        trainable=trainable,
        preprocessing=CAFFE,
        layouts=MappingProxyType({"keras": _keras, "torch": _torch(blocks)}),
        preprocessing_of=MappingProxyType({"torch": IMAGENET}),
    )
    for (name, blocks), build, trainable in zip(BLOCKS.items(), (vgg16, vgg19), (138_357_544, 143_667_240), strict=True)
)

SMALL = Model(
    name="vgg-small",
    summary="Small images: 6 3x3 convolutions in three blocks, three full connections, dropout",
    family="vgg",
    build=vgg_small,
    image_size=32,
    classes=10,
    bottleneck="fc7",
    trainable=879_914,
    preprocessing=SIGNED,
    recipe=Recipe(
        dataset="cifar10",
        image_shape=(32, 32, 3),
        batch_size=128,
        learning_rate=0.001,
        keep_prob=0.5,
        stddev=None,
        epochs=MappingProxyType({"sample": 5, "mnist": 3, "fashion-mnist": 5}),
        other_epochs=20,
    ),
)
