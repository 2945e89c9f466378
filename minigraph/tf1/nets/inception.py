"""`slim.nets.inception`: Inception v1 to v3, with the names of TF-slim's variables.

Szegedy et al. 2014 and 2015; Ioffe and Szegedy 2015.
"""

from __future__ import annotations

from typing import Any

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.tf1 import contrib_convolutions as convolutions
from minigraph.tf1 import contrib_layers as layers
from minigraph.tf1.arg_scope import arg_scope
from minigraph.tf1.nets.tables import (
    Depth,
    Network,
    Outputs,
    build,
    classify,
    depths,
    inception_arg_scope,
    normal,
    predicted,
    sliding,
    stem,
    training,
    window,
)

__all__ = [f"inception_v{version}{part}" for version in (1, 2, 3) for part in ("", "_base", "_arg_scope")]

Branches = tuple[str, ...]
inception_v1_arg_scope = inception_v2_arg_scope = inception_v3_arg_scope = inception_arg_scope


def _mixed_v1(a: int, b: int, c: int, d: int, e: int, f: int, last: str = "0b") -> Branches:
    return (
        f"Conv2d_0a_1x1 {a}", f"Conv2d_0a_1x1 {b}, Conv2d_0b_3x3 {c}", f"Conv2d_0a_1x1 {d}, Conv2d_{last}_3x3 {e}",
        f"MaxPool_0a_3x3, Conv2d_0b_1x1 {f}",
    )  # fmt: skip


_V1: Network = {
    "Conv2d_1a_7x7": "64 /2", "MaxPool_2a_3x3": "/2", "Conv2d_2b_1x1": "64", "Conv2d_2c_3x3": "192",
    "MaxPool_3a_3x3": "/2",
    "Mixed_3b": _mixed_v1(64, 96, 128, 16, 32, 32),
    "Mixed_3c": _mixed_v1(128, 128, 192, 32, 96, 64),
    "MaxPool_4a_3x3": "/2",
    "Mixed_4b": _mixed_v1(192, 96, 208, 16, 48, 64),
    "Mixed_4c": _mixed_v1(160, 112, 224, 24, 64, 64),
    "Mixed_4d": _mixed_v1(128, 128, 256, 24, 64, 64),
    "Mixed_4e": _mixed_v1(112, 144, 288, 32, 64, 64),
    "Mixed_4f": _mixed_v1(256, 160, 320, 32, 128, 128),
    "MaxPool_5a_2x2": "/2",
    "Mixed_5b": _mixed_v1(256, 160, 320, 32, 128, 128, last="0a"),
    "Mixed_5c": _mixed_v1(384, 192, 384, 48, 128, 128),
}  # fmt: skip


def inception_v1_base(inputs: Any, final_endpoint: str = "Mixed_5c", scope: Any = "InceptionV1") -> Outputs:
    """The layers of Inception v1 up to an end point, and all end points by name. ValueError for an unknown one."""
    first = arg_scope([layers.conv2d, layers.fully_connected], weights_initializer=normal(0.01))
    with tf.variable_scope(scope, "InceptionV1", [inputs]), first, sliding():
        return build(_V1, inputs, final_endpoint)


def inception_v1(
    inputs: Any, num_classes: int = 1000, is_training: Any = True, dropout_keep_prob: float = 0.8,
    prediction_fn: Any = convolutions.softmax, spatial_squeeze: bool = True, reuse: Any = None,
    scope: Any = "InceptionV1",
) -> Outputs:  # fmt: skip
    """Inception v1 on images [N,224,224,3]: logits [N,num_classes], and the end points by name."""
    with tf.variable_scope(scope, "InceptionV1", [inputs], reuse=reuse) as where, training(is_training):
        net, ends = inception_v1_base(inputs, scope=where)
        with tf.variable_scope("Logits"):
            net = layers.avg_pool2d(net, [7, 7], stride=1, scope="MaxPool_0a_7x7")
            net = layers.dropout(net, dropout_keep_prob, scope="Dropout_0b")
            logits = classify(net, ends, num_classes, "Conv2d_0c_1x1", spatial_squeeze)
        return logits, predicted(ends, logits, prediction_fn)


def _mixed_v2(a: int, b: int, c: int, d: int, e: int, f: int, pool: str = "Avg") -> Branches:
    return (
        f"Conv2d_0a_1x1 {a}", f"Conv2d_0a_1x1 {b} ~0.09, Conv2d_0b_3x3 {c}",
        f"Conv2d_0a_1x1 {d} ~0.09, Conv2d_0b_3x3 {e}, Conv2d_0c_3x3 {e}",
        f"{pool}Pool_0a_3x3, Conv2d_0b_1x1 {f} ~0.1",
    )  # fmt: skip


def _reduction_v2(a: int, b: int, c: int, d: int) -> Branches:
    return (
        f"Conv2d_0a_1x1 {a} ~0.09, Conv2d_1a_3x3 {b} /2",
        f"Conv2d_0a_1x1 {c} ~0.09, Conv2d_0b_3x3 {d}, Conv2d_1a_3x3 {d} /2", "MaxPool_1a_3x3 /2",
    )  # fmt: skip


_V2: Network = {
    "MaxPool_2a_3x3": "/2", "Conv2d_2b_1x1": "64 ~0.1", "Conv2d_2c_3x3": "192", "MaxPool_3a_3x3": "/2",
    "Mixed_3b": _mixed_v2(64, 64, 64, 64, 96, 32),
    "Mixed_3c": _mixed_v2(64, 64, 96, 64, 96, 64),
    "Mixed_4a": _reduction_v2(128, 160, 64, 96),
    "Mixed_4b": _mixed_v2(224, 64, 96, 96, 128, 128),
    "Mixed_4c": _mixed_v2(192, 96, 128, 96, 128, 128),
    "Mixed_4d": _mixed_v2(160, 128, 160, 128, 160, 96),
    "Mixed_4e": _mixed_v2(96, 128, 192, 160, 192, 96),
    "Mixed_5a": _reduction_v2(128, 192, 192, 256),
    "Mixed_5b": _mixed_v2(352, 192, 320, 160, 224, 128),
    "Mixed_5c": _mixed_v2(352, 192, 320, 192, 224, 128, pool="Max"),
}  # fmt: skip


def inception_v2_base(
    inputs: Any, final_endpoint: str = "Mixed_5c", min_depth: int = 16, depth_multiplier: float = 1.0, scope: Any = None
) -> Outputs:
    """The layers of Inception v2 up to an end point, and all end points by name. ValueError for an unknown one."""
    depth = depths(depth_multiplier, min_depth)

    def first(net: Tensor) -> Tensor:
        return convolutions.separable_conv2d(
            net, depth(64), [7, 7], depth_multiplier=min(depth(64) // 3, 8), stride=2, weights_initializer=normal(1.0),
            scope="Conv2d_1a_7x7",
        )  # fmt: skip

    with tf.variable_scope(scope, "InceptionV2", [inputs]), sliding():
        return build({"Conv2d_1a_7x7": first, **_V2}, inputs, final_endpoint, depth)


def inception_v2(
    inputs: Any, num_classes: int = 1000, is_training: Any = True, dropout_keep_prob: float = 0.8, min_depth: int = 16,
    depth_multiplier: float = 1.0, prediction_fn: Any = convolutions.softmax, spatial_squeeze: bool = True,
    reuse: Any = None, scope: Any = "InceptionV2",
) -> Outputs:  # fmt: skip
    """Inception v2 on images [N,224,224,3]: logits [N,num_classes], and the end points by name."""
    with tf.variable_scope(scope, "InceptionV2", [inputs], reuse=reuse) as where, training(is_training):
        options: dict[str, Any] = {"min_depth": min_depth, "depth_multiplier": depth_multiplier}
        net, ends = inception_v2_base(inputs, scope=where, **options)
        with tf.variable_scope("Logits"):
            net = _pooled(net, 7, dropout_keep_prob)
            logits = classify(net, ends, num_classes, "Conv2d_1c_1x1", spatial_squeeze)
        return logits, predicted(ends, logits, prediction_fn)


def _pooled(net: Tensor, size: int, keep_prob: float) -> Tensor:
    sides = window(net, size)
    net = layers.avg_pool2d(net, sides, padding="VALID", scope=f"AvgPool_1a_{sides[0]}x{sides[1]}")
    return layers.dropout(net, keep_prob, scope="Dropout_1b")


def _mixed_v3(pool: int, b: str = "Conv2d_0a_1x1 48, Conv2d_0b_5x5 64") -> Branches:
    return (
        "Conv2d_0a_1x1 64", b, "Conv2d_0a_1x1 64, Conv2d_0b_3x3 96, Conv2d_0c_3x3 96",
        f"AvgPool_0a_3x3, Conv2d_0b_1x1 {pool}",
    )  # fmt: skip


def _tall_v3(a: int) -> Branches:
    return (
        "Conv2d_0a_1x1 192", f"Conv2d_0a_1x1 {a}, Conv2d_0b_1x7 {a}, Conv2d_0c_7x1 192",
        f"Conv2d_0a_1x1 {a}, Conv2d_0b_7x1 {a}, Conv2d_0c_1x7 {a}, Conv2d_0d_7x1 {a}, Conv2d_0e_1x7 192",
        "AvgPool_0a_3x3, Conv2d_0b_1x1 192",
    )  # fmt: skip


def _wide_v3(second: str) -> Branches:
    return (
        "Conv2d_0a_1x1 320", f"Conv2d_0a_1x1 384, Conv2d_0b_1x3 384 + Conv2d_{second}_3x1 384",
        "Conv2d_0a_1x1 448, Conv2d_0b_3x3 384, Conv2d_0c_1x3 384 + Conv2d_0d_3x1 384",
        "AvgPool_0a_3x3, Conv2d_0b_1x1 192",
    )  # fmt: skip


_V3: Network = {
    **stem("V"),
    "Mixed_5b": _mixed_v3(32),
    "Mixed_5c": _mixed_v3(64, "Conv2d_0b_1x1 48, Conv_1_0c_5x5 64"),
    "Mixed_5d": _mixed_v3(64),
    "Mixed_6a": (
        "Conv2d_1a_1x1 384 k3x3 /2 V", "Conv2d_0a_1x1 64, Conv2d_0b_3x3 96, Conv2d_1a_1x1 96 k3x3 /2 V",
        "MaxPool_1a_3x3 /2 V",
    ),
    "Mixed_6b": _tall_v3(128), "Mixed_6c": _tall_v3(160), "Mixed_6d": _tall_v3(160), "Mixed_6e": _tall_v3(192),
    "Mixed_7a": (
        "Conv2d_0a_1x1 192, Conv2d_1a_3x3 320 /2 V",
        "Conv2d_0a_1x1 192, Conv2d_0b_1x7 192, Conv2d_0c_7x1 192, Conv2d_1a_3x3 192 /2 V", "MaxPool_1a_3x3 /2 V",
    ),
    "Mixed_7b": _wide_v3("0b"), "Mixed_7c": _wide_v3("0c"),
}  # fmt: skip


def inception_v3_base(
    inputs: Any, final_endpoint: str = "Mixed_7c", min_depth: int = 16, depth_multiplier: float = 1.0, scope: Any = None
) -> Outputs:
    """The layers of Inception v3 up to an end point, and all end points by name. ValueError for an unknown one."""
    depth: Depth = depths(depth_multiplier, min_depth)
    with tf.variable_scope(scope, "InceptionV3", [inputs]), sliding():
        return build(_V3, inputs, final_endpoint, depth)


def inception_v3(
    inputs: Any, num_classes: int = 1000, is_training: Any = True, dropout_keep_prob: float = 0.8, min_depth: int = 16,
    depth_multiplier: float = 1.0, prediction_fn: Any = convolutions.softmax, spatial_squeeze: bool = True,
    reuse: Any = None, scope: Any = "InceptionV3", create_aux_logits: bool = True,
) -> Outputs:  # fmt: skip
    """Inception v3 on images [N,299,299,3]: logits [N,num_classes], and the end points by name.

    create_aux_logits: whether to make the second classifier, the end point AuxLogits.
    """
    with tf.variable_scope(scope, "InceptionV3", [inputs], reuse=reuse) as where, training(is_training):
        options: dict[str, Any] = {"min_depth": min_depth, "depth_multiplier": depth_multiplier}
        net, ends = inception_v3_base(inputs, scope=where, **options)
        if create_aux_logits:
            with sliding(), tf.variable_scope("AuxLogits"):
                depth = depths(depth_multiplier, min_depth)
                ends["AuxLogits"] = _aux_logits(ends["Mixed_6e"], num_classes, depth, spatial_squeeze)
        with tf.variable_scope("Logits"):
            net = ends["PreLogits"] = _pooled(net, 8, dropout_keep_prob)
            logits = classify(net, ends, num_classes, "Conv2d_1c_1x1", spatial_squeeze)
        return logits, predicted(ends, logits, prediction_fn)


def _aux_logits(net: Tensor, num_classes: int, depth: Depth, spatial_squeeze: bool) -> Tensor:
    net = layers.avg_pool2d(net, [5, 5], stride=3, padding="VALID", scope="AvgPool_1a_5x5")
    net = layers.conv2d(net, depth(128), [1, 1], scope="Conv2d_1b_1x1")
    sides = window(net, 5)
    net = layers.conv2d(
        net, depth(768), sides, weights_initializer=normal(0.01), padding="VALID",
        scope=f"Conv2d_2a_{sides[0]}x{sides[1]}",
    )  # fmt: skip
    net = layers.conv2d(
        net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None, weights_initializer=normal(0.001),
        scope="Conv2d_2b_1x1",
    )  # fmt: skip
    return tf.squeeze(net, [1, 2], name="SpatialSqueeze") if spatial_squeeze else net


inception_v1.default_image_size = inception_v2.default_image_size = 224  # type: ignore[attr-defined]
inception_v3.default_image_size = 299  # type: ignore[attr-defined]
