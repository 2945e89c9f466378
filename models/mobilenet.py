"""MobileNet (Howard et al. 2017) for small images: 3,217,226 parameters with ten classes."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType

import minigraph as tf
from minigraph.models.layers import channels, conv_norm, dense, finish, global_mean, scaled
from minigraph.models.record import SIGNED, EndPoints, Model, Recipe

# Stride and number of maps of each pair of a depthwise and a pointwise convolution: table 1 of the paper.
PAIRS = ((1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), *5 * ((1, 512),), (2, 1024), (1, 1024))


def mobilenet(
    images: tf.Tensor, num_classes: int = 10, is_training: bool = False, width: float = 1.0, stem_stride: int = 1,
    reuse: bool | None = None, scope: str = "mobilenet",
) -> tuple[tf.Tensor, EndPoints]:  # fmt: skip
    """Build MobileNet: 13 pairs of a depthwise 3x3 and a 1x1 convolution, with batch normalisation.

    The network has 3,217,226 parameters with ten classes, and 4,231,976 with 1,000. End point for transfer learning:
    pool [N,1024].

    Args:
        images: float32 [N,H,W,3]; the size is at least 16, and 32 by design.
        num_classes: Number of classes.
        is_training: Whether batch normalisation works as in training.
        width: A factor of the numbers of maps.
        stem_stride: Stride of the first convolution: 1 for small images, 2 for the paper's 224x224.
        reuse: True to use the variables of an earlier call; see `tf.variable_scope`.
        scope: Variable scope of the network.

    Returns:
        Logits, float32 [N, num_classes], and the end points: tensors by their names.

    Example:
        >>> from minigraph import models
        >>> images = tf.placeholder(tf.float32, [None, 32, 32, 3])
        >>> logits, end_points = models.mobilenet(images, num_classes=10, width=0.25)
        >>> logits.shape.as_list()
        [None, 10]

    Source: Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision applications", 2017.
    """
    ends: EndPoints = {}
    conv = partial(conv_norm, is_training=is_training, momentum=0.9, epsilon=1e-3)
    with tf.variable_scope(scope, reuse=reuse):
        x = ends["stem"] = conv(images, scaled(32, width), 3, stem_stride, name="stem")
        for number, (stride, maps) in enumerate(PAIRS, 1):
            with tf.variable_scope(f"pair{number}"):
                x = conv(x, channels(x), 3, stride, groups=channels(x), name="depthwise")
                x = ends[f"pair{number}"] = conv(x, scaled(maps, width), 1, name="pointwise")
        x = ends["pool"] = global_mean(x, "pool")
        return finish(dense(x, num_classes, None, "logits"), ends)


MODEL = Model(
    name="mobilenet",
    summary="Small images: 13 pairs of depthwise and 1x1 convolutions with batch normalisation",
    family="mobilenet",
    build=mobilenet,
    image_size=32,
    classes=10,
    bottleneck="pool",
    trainable=3_217_226,
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
