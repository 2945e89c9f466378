"""`slim.nets.inception_resnet_v2`, with the names of TF-slim's variables. Szegedy et al. 2016."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.tf1 import contrib_layers as layers
from minigraph.tf1 import contrib_norm as norm
from minigraph.tf1.arg_scope import Scope, arg_scope
from minigraph.tf1.nets.inception_v4 import aux_logits, flat_logits
from minigraph.tf1.nets.tables import Network, Outputs, block, build, sliding, stem, training

Activation = Callable[[Tensor], Tensor] | None


def _residual(side: int, *branches: str) -> Any:
    """A block whose branches, mixed by a convolution, are added to its input. side: of its images."""

    def added(
        net: Tensor, scale: float = 1.0, activation_fn: Activation = tf.nn.relu, scope: Any = None, reuse: Any = None
    ) -> Tensor:
        with tf.variable_scope(scope, f"Block{side}", [net], reuse=reuse):
            mixed = block(net, branches)
            channels: Any = net.shape.as_list()[3]
            up = layers.conv2d(mixed, channels, 1, normalizer_fn=None, activation_fn=None, scope="Conv2d_1x1")
            net = net + scale * up
            return net if activation_fn is None else activation_fn(net)

    added.__name__ = f"block{side}"  # `repeat` makes scopes of it
    return added


block35 = _residual(
    35, "Conv2d_1x1 32", "Conv2d_0a_1x1 32, Conv2d_0b_3x3 32", "Conv2d_0a_1x1 32, Conv2d_0b_3x3 48, Conv2d_0c_3x3 64"
)
block17 = _residual(17, "Conv2d_1x1 192", "Conv2d_0a_1x1 128, Conv2d_0b_1x7 160, Conv2d_0c_7x1 192")
block8 = _residual(8, "Conv2d_1x1 192", "Conv2d_0a_1x1 192, Conv2d_0b_1x3 224, Conv2d_0c_3x1 256")


def _network(pad: str, stride: int, rate: int, activation_fn: Activation) -> Network:
    def repeated(times: int, unit: Any, scale: float) -> Callable[[Tensor], Tensor]:
        return lambda net: layers.repeat(net, times, unit, scale=scale, activation_fn=activation_fn)

    def dilated(net: Tensor) -> Tensor:
        with arg_scope([layers.conv2d], rate=rate):
            return repeated(20, block17, 0.1)(net)

    def last(net: Tensor) -> Tensor:
        net = block8(repeated(9, block8, 0.2)(net), activation_fn=None)
        return layers.conv2d(net, 1536, 1, scope="Conv2d_7b_1x1")

    return {
        **stem(pad),
        "Mixed_5b": (
            "Conv2d_1x1 96", "Conv2d_0a_1x1 48, Conv2d_0b_5x5 64",
            "Conv2d_0a_1x1 64, Conv2d_0b_3x3 96, Conv2d_0c_3x3 96", "AvgPool_0a_3x3, Conv2d_0b_1x1 64",
        ),
        "Block35": repeated(10, block35, 0.17),
        "Mixed_6a": (
            f"Conv2d_1a_3x3 384 /{stride} {pad}",
            f"Conv2d_0a_1x1 256, Conv2d_0b_3x3 256, Conv2d_1a_3x3 384 /{stride} {pad}",
            f"MaxPool_1a_3x3 /{stride} {pad}",
        ),
        "PreAuxLogits": dilated,
        "Mixed_7a": (
            f"Conv2d_0a_1x1 256, Conv2d_1a_3x3 384 /2 {pad}", f"Conv2d_0a_1x1 256, Conv2d_1a_3x3 288 /2 {pad}",
            f"Conv2d_0a_1x1 256, Conv2d_0b_3x3 288, Conv2d_1a_3x3 320 /2 {pad}", f"MaxPool_1a_3x3 /2 {pad}",
        ),
        "Conv2d_7b_1x1": last,
    }  # fmt: skip


def inception_resnet_v2_base(
    inputs: Any, final_endpoint: str = "Conv2d_7b_1x1", output_stride: int = 16, align_feature_maps: bool = False,
    scope: Any = None, activation_fn: Activation = tf.nn.relu,
) -> Outputs:  # fmt: skip
    """The layers of Inception-ResNet v2 up to an end point, and all end points by name.

    output_stride: 16, or 8 for the layers up to PreAuxLogits, which are dilated then. align_feature_maps: whether all
    padding is SAME. Raises ValueError for another stride or an unknown end point.
    """
    if output_stride not in (8, 16):
        raise ValueError("output_stride must be 8 or 16.")
    if output_stride == 8 and final_endpoint in ("Mixed_7a", "Conv2d_7b_1x1"):
        raise ValueError("output_stride==8 is only supported up to the PreAuxlogits end_point for now.")
    stride, rate = (1, 2) if output_stride == 8 else (2, 1)
    network = _network("S" if align_feature_maps else "V", stride, rate, activation_fn)
    with tf.variable_scope(scope, "InceptionResnetV2", [inputs]), sliding():
        net, ends = build(network, inputs, final_endpoint)
        ends.pop("Block35", None)
        return net, ends


def inception_resnet_v2(
    inputs: Any, num_classes: int | None = 1001, is_training: Any = True, dropout_keep_prob: float = 0.8,
    reuse: Any = None, scope: Any = "InceptionResnetV2", create_aux_logits: bool = True,
    activation_fn: Activation = tf.nn.relu,
) -> Outputs:  # fmt: skip
    """Inception-ResNet v2 on images [N,299,299,3]: logits [N,num_classes], and the end points by name.

    create_aux_logits: whether to make the second classifier, the end point AuxLogits. Without classes the result is
    the pooled features [N,1536].
    """
    with tf.variable_scope(scope, "InceptionResnetV2", [inputs], reuse=reuse) as where, training(is_training):
        net, ends = inception_resnet_v2_base(inputs, scope=where, activation_fn=activation_fn)
        if create_aux_logits and num_classes:
            ends["AuxLogits"] = aux_logits(
                ends["PreAuxLogits"], num_classes, ("Conv2d_1a_3x3", "Conv2d_2a_5x5", "Logits")
            )
        with tf.variable_scope("Logits"):
            net = layers.avg_pool2d(net, net.shape.as_list()[1:3], padding="VALID", scope="AvgPool_1a_8x8")
            net = layers.flatten(net)
            if not num_classes:
                return net, ends
            net = layers.dropout(net, dropout_keep_prob, is_training=is_training, scope="Dropout")
            return flat_logits(net, ends, num_classes)


inception_resnet_v2.default_image_size = 299  # type: ignore[attr-defined]


def inception_resnet_v2_arg_scope(
    weight_decay: float = 0.00004, batch_norm_decay: float = 0.9997, batch_norm_epsilon: float = 0.001,
    activation_fn: Activation = tf.nn.relu,
) -> Scope:  # fmt: skip
    """Weight decay, also of biases, ReLU and batch normalisation for convolutions."""
    decay = layers.l2_regularizer(weight_decay)
    both = [layers.conv2d, layers.fully_connected]
    params = {"decay": batch_norm_decay, "epsilon": batch_norm_epsilon}
    with (
        arg_scope(both, weights_regularizer=decay, biases_regularizer=decay),
        arg_scope([layers.conv2d], activation_fn=activation_fn, normalizer_fn=norm.batch_norm,
                  normalizer_params=params) as scope,
    ):  # fmt: skip
        return scope
