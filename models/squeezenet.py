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
    """images: float32 [N,227,227,3], or any size of at least 31. Returns logits [N, num_classes] and the end points.

    The convolutions and poolings of stride 2 are VALID. pool9, the mean of each map of fire9, [N,512], is not
    on the path to the logits; it serves classifiers for other classes.
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
    preprocessing=CAFFE,
    layouts=MappingProxyType({"keras": _keras}),
)
