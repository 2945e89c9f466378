"""`slim.nets.inception_v4`, with the names of TF-slim's variables. Szegedy et al. 2016."""

from __future__ import annotations

from typing import Any

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.tf1 import contrib_layers as layers
from minigraph.tf1.nets.tables import Network, Outputs, build, inception_arg_scope, sliding, training

__all__ = ["inception_v4", "inception_v4_arg_scope", "inception_v4_base"]

inception_v4_arg_scope = inception_arg_scope

_A = (
    "Conv2d_0a_1x1 96", "Conv2d_0a_1x1 64, Conv2d_0b_3x3 96", "Conv2d_0a_1x1 64, Conv2d_0b_3x3 96, Conv2d_0c_3x3 96",
    "AvgPool_0a_3x3, Conv2d_0b_1x1 96",
)  # fmt: skip
_B = (
    "Conv2d_0a_1x1 384", "Conv2d_0a_1x1 192, Conv2d_0b_1x7 224, Conv2d_0c_7x1 256",
    "Conv2d_0a_1x1 192, Conv2d_0b_7x1 192, Conv2d_0c_1x7 224, Conv2d_0d_7x1 224, Conv2d_0e_1x7 256",
    "AvgPool_0a_3x3, Conv2d_0b_1x1 128",
)  # fmt: skip
_C = (
    "Conv2d_0a_1x1 256", "Conv2d_0a_1x1 384, Conv2d_0b_1x3 256 + Conv2d_0c_3x1 256",
    "Conv2d_0a_1x1 384, Conv2d_0b_3x1 448, Conv2d_0c_1x3 512, Conv2d_0d_1x3 256 + Conv2d_0e_3x1 256",
    "AvgPool_0a_3x3, Conv2d_0b_1x1 256",
)  # fmt: skip
_V4: Network = {
    "Conv2d_1a_3x3": "32 /2 V", "Conv2d_2a_3x3": "32 V", "Conv2d_2b_3x3": "64",
    "Mixed_3a": ("MaxPool_0a_3x3 /2 V", "Conv2d_0a_3x3 96 /2 V"),
    "Mixed_4a": (
        "Conv2d_0a_1x1 64, Conv2d_1a_3x3 96 V",
        "Conv2d_0a_1x1 64, Conv2d_0b_1x7 64, Conv2d_0c_7x1 64, Conv2d_1a_3x3 96 V",
    ),
    "Mixed_5a": ("Conv2d_1a_3x3 192 /2 V", "MaxPool_1a_3x3 /2 V"),
    **{f"Mixed_5{k}": _A for k in "bcde"},
    "Mixed_6a": (
        "Conv2d_1a_3x3 384 /2 V", "Conv2d_0a_1x1 192, Conv2d_0b_3x3 224, Conv2d_1a_3x3 256 /2 V", "MaxPool_1a_3x3 /2 V",
    ),
    **{f"Mixed_6{k}": _B for k in "bcdefgh"},
    "Mixed_7a": (
        "Conv2d_0a_1x1 192, Conv2d_1a_3x3 192 /2 V",
        "Conv2d_0a_1x1 256, Conv2d_0b_1x7 256, Conv2d_0c_7x1 320, Conv2d_1a_3x3 320 /2 V", "MaxPool_1a_3x3 /2 V",
    ),
    **{f"Mixed_7{k}": _C for k in "bcd"},
}  # fmt: skip


def inception_v4_base(inputs: Any, final_endpoint: str = "Mixed_7d", scope: Any = None) -> Outputs:
    """The layers of Inception v4 up to an end point, and all end points by name. ValueError for an unknown one."""
    with tf.variable_scope(scope, "InceptionV4", [inputs]), sliding():
        return build(_V4, inputs, final_endpoint)


def inception_v4(
    inputs: Any, num_classes: int | None = 1001, is_training: Any = True, dropout_keep_prob: float = 0.8,
    reuse: Any = None, scope: Any = "InceptionV4", create_aux_logits: bool = True,
) -> Outputs:  # fmt: skip
    """Inception v4 on images [N,299,299,3]: logits [N,num_classes], and the end points by name.

    create_aux_logits: whether to make the second classifier, the end point AuxLogits. Without classes the result is
    the pooled features [N,1,1,1536].
    """
    with tf.variable_scope(scope, "InceptionV4", [inputs], reuse=reuse) as where, training(is_training):
        net, ends = inception_v4_base(inputs, scope=where)
        with sliding():
            if create_aux_logits and num_classes:
                scopes = "AvgPool_1a_5x5", "Conv2d_2a", "Aux_logits"
                ends["AuxLogits"] = aux_logits(ends["Mixed_6h"], num_classes, scopes)
            with tf.variable_scope("Logits"):
                net = layers.avg_pool2d(net, net.shape.as_list()[1:3], padding="VALID", scope="AvgPool_1a")
                if not num_classes:
                    return net, ends
                net = layers.dropout(net, dropout_keep_prob, scope="Dropout_1b")
                net = layers.flatten(net, scope="PreLogitsFlatten")
                return flat_logits(net, ends, num_classes)


def aux_logits(net: Tensor, num_classes: int, scopes: tuple[str, str, str]) -> Tensor:
    """The second classifier. scopes: of the pooling, of the last convolution, and of the logits."""
    with tf.variable_scope("AuxLogits"):
        net = layers.avg_pool2d(net, [5, 5], stride=3, padding="VALID", scope=scopes[0])
        net = layers.conv2d(net, 128, [1, 1], scope="Conv2d_1b_1x1")
        net = layers.conv2d(net, 768, net.shape.as_list()[1:3], padding="VALID", scope=scopes[1])
        return layers.fully_connected(layers.flatten(net), num_classes, activation_fn=None, scope=scopes[2])


def flat_logits(net: Tensor, ends: dict[str, Tensor], num_classes: int) -> Outputs:
    """The end points from flat features [N,C]."""
    ends["PreLogitsFlatten"] = net
    ends["Logits"] = layers.fully_connected(net, num_classes, activation_fn=None, scope="Logits")
    ends["Predictions"] = tf.nn.softmax(ends["Logits"], name="Predictions")
    return ends["Logits"], ends


inception_v4.default_image_size = 299  # type: ignore[attr-defined]
