"""GoogLeNet (Szegedy et al. 2014): 6,998,552 parameters, 13,378,280 with its two auxiliary heads."""

from __future__ import annotations

from types import MappingProxyType

import minigraph as tf
from minigraph.models.layers import avg_pool, conv, dense, dropout, finish, flatten, global_mean, max_pool, scaled
from minigraph.models.record import CAFFE, EndPoints, Model

# Maps of the 1x1 convolution, of those before and of the 3x3 one, before and of the 5x5 one, and after the pooling.
MODULES = {
    "inception3a": (64, 96, 128, 16, 32, 32), "inception3b": (128, 128, 192, 32, 96, 64),
    "inception4a": (192, 96, 208, 16, 48, 64), "inception4b": (160, 112, 224, 24, 64, 64),
    "inception4c": (128, 128, 256, 24, 64, 64), "inception4d": (112, 144, 288, 32, 64, 64),
    "inception4e": (256, 160, 320, 32, 128, 128), "inception5a": (256, 160, 320, 32, 128, 128),
    "inception5b": (384, 192, 384, 48, 128, 128),
}  # fmt: skip
HEADS = {"inception4a": "aux1", "inception4d": "aux2"}


def googlenet(
    images: tf.Tensor, num_classes: int = 1000, is_training: bool = False, width: float = 1.0,
    dropout_keep_prob: float | tf.Tensor = 0.6, aux_heads: bool | None = None, reuse: bool | None = None,
    scope: str = "googlenet",
) -> tuple[tf.Tensor, EndPoints]:  # fmt: skip
    """images: float32 [N,224,224,3], or another known size of at least 80. Returns logits and end points.

    aux_heads: classifiers on inception4a and inception4d, whose logits are aux1_logits and aux2_logits; by default only
    in training. pool5, the mean of each map, is [N,1024].
    """
    ends: EndPoints = {}
    with tf.variable_scope(scope, reuse=reuse):
        x = ends["conv1"] = conv(images, scaled(64, width), 7, 2, name="conv1")
        x = ends["pool1"] = _norm(max_pool(x, 3, 2, "SAME", "pool1"), "norm1")
        x = conv(x, scaled(64, width), 1, name="conv2_reduce")
        x = ends["conv2"] = conv(x, scaled(192, width), 3, name="conv2")
        x = ends["pool2"] = max_pool(_norm(x, "norm2"), 3, 2, "SAME", "pool2")
        for name, maps in MODULES.items():
            x = ends[name] = _module(x, [scaled(m, width) for m in maps], name)
            if name in HEADS and (is_training if aux_heads is None else aux_heads):
                head = HEADS[name]
                ends[f"{head}_logits"] = _head(x, num_classes, width, is_training, head)
            if name in ("inception3b", "inception4e"):
                pool = f"pool{name[-2]}"
                x = ends[pool] = max_pool(x, 3, 2, "SAME", pool)
        x = ends["pool5"] = global_mean(x, "pool5")
        x = dropout(x, dropout_keep_prob, is_training)
        return finish(dense(x, num_classes, None, "logits"), ends)


def _norm(x: tf.Tensor, name: str) -> tf.Tensor:
    """Five maps, k = 1, α = 1e-4 of the mean of their squares, β = 0.75."""
    return tf.nn.local_response_normalization(x, 2, bias=1.0, alpha=1e-4 / 5, beta=0.75, name=name)


def _module(x: tf.Tensor, maps: list[int], name: str) -> tf.Tensor:
    """Parallel 1x1, 3x3 and 5x5 convolutions, the larger ones after 1x1 reductions, and pooling."""
    one, three_reduce, three, five_reduce, five, pooled = maps
    with tf.variable_scope(name):
        branches = [
            conv(x, one, 1, name="1x1"),
            conv(conv(x, three_reduce, 1, name="3x3_reduce"), three, 3, name="3x3"),
            conv(conv(x, five_reduce, 1, name="5x5_reduce"), five, 5, name="5x5"),
            conv(max_pool(x, 3, 1, "SAME"), pooled, 1, name="pool_proj"),
        ]
        return tf.concat(branches, 3, name="concat")


def _head(x: tf.Tensor, num_classes: int, width: float, is_training: bool, name: str) -> tf.Tensor:
    with tf.variable_scope(name):
        x = conv(avg_pool(x, 5, 3), scaled(128, width), 1, name="conv")
        x = dense(flatten(x), scaled(1024, width), name="fc")
        return dense(dropout(x, 0.3, is_training), num_classes, None, "logits")


MODEL = Model(
    name="googlenet",
    summary="Inception modules: 1x1, 3x3 and 5x5 convolutions and pooling side by side",
    family="googlenet",
    build=googlenet,
    image_size=224,
    classes=1000,
    bottleneck="pool5",
    preprocessing=CAFFE,
    auxiliary=MappingProxyType({"aux1_logits": 0.3, "aux2_logits": 0.3}),
)
