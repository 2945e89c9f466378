"""AlexNet (Krizhevsky, Sutskever and Hinton 2012): 60,965,224 parameters."""

from __future__ import annotations

import minigraph as tf
from minigraph.models.layers import conv, dense, dropout, finish, flatten, max_pool, scaled
from minigraph.models.record import CAFFE, EndPoints, Model


def alexnet(
    images: tf.Tensor, num_classes: int = 1000, is_training: bool = False, width: float = 1.0,
    dropout_keep_prob: float | tf.Tensor = 0.5, reuse: bool | None = None, scope: str = "alexnet",
) -> tuple[tf.Tensor, EndPoints]:  # fmt: skip
    """Build AlexNet: five convolutions, three of them in two groups, and three fully connected layers.

    Local response normalisation and overlapping max-pooling follow the convolutions. The network has 60,965,224
    parameters. (The paper gives images of 224 rows, which windows of 11 rows in steps of 4 do not cover evenly.) End
    point for transfer learning: fc7 [N,4096].

    Args:
        images: float32 [N,H,W,3]; the size is known, at least 67, and 227 by design.
        num_classes: Number of classes.
        is_training: Whether dropout works as in training.
        width: A factor of the numbers of maps and units.
        dropout_keep_prob: The share of units that dropout keeps, a number or a float32 scalar tensor.
        reuse: True to use the variables of an earlier call; see `tf.variable_scope`.
        scope: Variable scope of the network.

    Returns:
        Logits, float32 [N, num_classes], and the end points: tensors by their names.

    Example:
        >>> from minigraph import models
        >>> images = tf.placeholder(tf.float32, [None, 67, 67, 3])
        >>> logits, end_points = models.alexnet(images, num_classes=10, width=0.125)
        >>> logits.shape.as_list()
        [None, 10]

    Source: Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks", 2012.
    """
    ends: EndPoints = {}

    def maps(count: int) -> int:
        return scaled(count, width, multiple=2)

    with tf.variable_scope(scope, reuse=reuse):
        x = ends["conv1"] = conv(images, maps(96), 11, 4, "VALID", name="conv1")
        x = ends["pool1"] = max_pool(_norm(x, "norm1"), 3, 2, name="pool1")
        x = ends["conv2"] = conv(x, maps(256), 5, groups=2, name="conv2")
        x = ends["pool2"] = max_pool(_norm(x, "norm2"), 3, 2, name="pool2")
        x = ends["conv3"] = conv(x, maps(384), 3, name="conv3")
        x = ends["conv4"] = conv(x, maps(384), 3, groups=2, name="conv4")
        x = ends["conv5"] = conv(x, maps(256), 3, groups=2, name="conv5")
        x = ends["pool5"] = max_pool(x, 3, 2, name="pool5")
        x = flatten(x)
        for name in ("fc6", "fc7"):
            x = dropout(x, dropout_keep_prob, is_training, name.replace("fc", "drop"))
            x = ends[name] = dense(x, scaled(4096, width), name=name)
        return finish(dense(x, num_classes, None, "fc8"), ends)


def _norm(x: tf.Tensor, name: str) -> tf.Tensor:
    """The paper's constants: five maps, k = 2, α = 1e-4, β = 0.75."""
    return tf.nn.local_response_normalization(x, 2, bias=2.0, alpha=1e-4, beta=0.75, name=name)


MODEL = Model(
    name="alexnet",
    summary="Grouped convolutions, local response normalisation, overlapping pooling, three full connections",
    family="alexnet",
    build=alexnet,
    image_size=227,
    classes=1000,
    bottleneck="fc7",
    trainable=60_965_224,
    preprocessing=CAFFE,
)
