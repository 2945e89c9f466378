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
    """Build GoogLeNet: nine modules of 1x1, 3x3 and 5x5 convolutions and a pooling side by side.

    The network has 6,998,552 parameters, 13,378,280 with auxiliary heads. End point for transfer learning: pool5
    [N,1024].

    Args:
        images: float32 [N,H,W,3]; the size is known, at least 80, and 224 by design.
        num_classes: Number of classes.
        is_training: Whether dropout works as in training.
        width: A factor of the numbers of maps and units.
        dropout_keep_prob: The share of units that dropout keeps, a number or a float32 scalar tensor.
        aux_heads: Whether to add classifiers on inception4a and inception4d, with the end points aux1_logits and
            aux2_logits; by default in training only.
        reuse: True to use the variables of an earlier call; see `tf.variable_scope`.
        scope: Variable scope of the network.

    Returns:
        Logits, float32 [N, num_classes], and the end points: tensors by their names.

    Example:
        >>> from minigraph import models
        >>> images = tf.placeholder(tf.float32, [None, 80, 80, 3])
        >>> logits, end_points = models.googlenet(images, num_classes=10, width=0.25)
        >>> logits.shape.as_list()
        [None, 10]

    Source: Szegedy et al., "Going deeper with convolutions", 2014.
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
    trainable=6_998_552,
    preprocessing=CAFFE,
    auxiliary=MappingProxyType({"aux1_logits": 0.3, "aux2_logits": 0.3}),
)
