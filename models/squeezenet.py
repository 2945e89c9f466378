"""SqueezeNet 1.1 (Iandola et al. 2016), in Keras' form: 1,235,496 parameters."""

from __future__ import annotations

from types import MappingProxyType

import minigraph as tf
from minigraph.models.layers import conv, dropout, finish, global_mean, max_pool, scaled
from minigraph.models.record import CAFFE, EndPoints, Model, Stored

FIRES = {  # maps of the squeezing and of each expanding convolution
    "fire2": (16, 64), "fire3": (16, 64), "fire4": (32, 128), "fire5": (32, 128),
    "fire6": (48, 192), "fire7": (48, 192), "fire8": (64, 256), "fire9": (64, 256),
}  # fmt: skip


def squeezenet(
    images: tf.Tensor, num_classes: int = 1000, is_training: bool = False, width: float = 1.0,
    dropout_keep_prob: float | tf.Tensor = 0.5, reuse: bool | None = None, scope: str = "squeezenet",
) -> tuple[tf.Tensor, EndPoints]:  # fmt: skip
    """Build SqueezeNet 1.1: 1x1 convolutions to few maps, then 1x1 and 3x3 convolutions side by side.

    End point for transfer learning: pool9 [N,512], the means of the maps of fire9. The logits do not depend on it.

    Args:
        images: float32 [N,H,W,3]; the size is at least 31, and 227 by design.
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
        >>> images = tf.placeholder(tf.float32, [None, 64, 64, 3])
        >>> logits, end_points = models.squeezenet(images, num_classes=10, width=0.25)
        >>> logits.shape.as_list()
        [None, 10]

    Source: Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters", 2016.
    """
    ends: EndPoints = {}
    with tf.variable_scope(scope, reuse=reuse):
        x = ends["conv1"] = conv(images, scaled(64, width), 3, 2, "VALID", name="conv1")
        x = ends["pool1"] = max_pool(x, 3, 2, name="pool1")
        for name, (squeeze, expand) in FIRES.items():
            x = ends[name] = _fire(x, scaled(squeeze, width), scaled(expand, width), name)
            if name in ("fire3", "fire5"):
                pool = name.replace("fire", "pool")
                x = ends[pool] = max_pool(x, 3, 2, name=pool)
        ends["pool9"] = global_mean(x, "pool9")
        x = dropout(x, dropout_keep_prob, is_training, "drop9")
        x = ends["conv10"] = conv(x, num_classes, 1, name="conv10")
        return finish(global_mean(x, "pool10"), ends)


def _fire(x: tf.Tensor, squeeze: int, expand: int, name: str) -> tf.Tensor:
    """1x1 to fewer maps, then parallel 1x1 and 3x3: [N,H,W,C] -> [N,H,W,2·expand]."""
    with tf.variable_scope(name):
        x = conv(x, squeeze, 1, name="squeeze1x1")
        return tf.concat([conv(x, expand, 1, name="expand1x1"), conv(x, expand, 3, name="expand3x3")], 3)


def _keras(name: str, shape: tuple[int, ...]) -> Stored:
    layer, _, kind = name.rpartition("/")
    return Stored(f"{layer}_{'W' if kind == 'weights' else 'b'}")


MODEL = Model(
    name="squeezenet",
    summary="SqueezeNet 1.1: 1x1 convolutions to few maps, then 1x1 and 3x3 side by side",
    family="squeezenet",
    build=squeezenet,
    image_size=227,
    classes=1000,
    bottleneck="pool9",
    trainable=1_235_496,
    preprocessing=CAFFE,
    layouts=MappingProxyType({"keras": _keras}),
)
