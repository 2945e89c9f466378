"""`slim.nets.vgg`: the networks of Simonyan and Zisserman 2015, with fully connected layers as convolutions."""

from __future__ import annotations

from typing import Any

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.core.typing import LayerPadding
from minigraph.tf1 import contrib_layers as layers
from minigraph.tf1.arg_scope import Scope, arg_scope
from minigraph.tf1.collecting import convert_collection_to_dict

Outputs = tuple[Tensor, dict[str, Tensor]]


def vgg_arg_scope(weight_decay: float = 0.0005) -> Scope:
    """Weight decay, ReLU and zero biases for convolutional and fully connected layers; SAME padding."""
    both = [layers.conv2d, layers.fully_connected]
    decay = layers.l2_regularizer(weight_decay)
    with (
        arg_scope(both, activation_fn=tf.nn.relu, weights_regularizer=decay, biases_initializer=tf.zeros_initializer()),
        arg_scope([layers.conv2d], padding="SAME") as scope,
    ):
        return scope


def _vgg(
    depths: tuple[int, ...], inputs: Any, num_classes: int, is_training: Any, dropout_keep_prob: float,
    spatial_squeeze: bool, scope: str, name: str, fc_conv_padding: LayerPadding,
) -> Outputs:  # fmt: skip
    with tf.variable_scope(scope, name, [inputs]) as where:
        points = where.original_name_scope.rstrip("/") + "_end_points"
        kinds = [layers.conv2d, layers.fully_connected, layers.max_pool2d]
        with arg_scope(kinds, outputs_collections=points):
            net = inputs
            for block, depth in enumerate(depths, 1):
                maps = min(64 * 2 ** (block - 1), 512)
                net = layers.repeat(net, depth, layers.conv2d, maps, [3, 3], scope=f"conv{block}")
                net = layers.max_pool2d(net, [2, 2], scope=f"pool{block}")
            net = layers.conv2d(net, 4096, [7, 7], padding=fc_conv_padding, scope="fc6")
            net = layers.dropout(net, dropout_keep_prob, is_training=is_training, scope="dropout6")
            net = layers.conv2d(net, 4096, [1, 1], scope="fc7")
            net = layers.dropout(net, dropout_keep_prob, is_training=is_training, scope="dropout7")
            net = layers.conv2d(net, num_classes, [1, 1], activation_fn=None, scope="fc8")
        found = convert_collection_to_dict(points)
        if spatial_squeeze:
            net = tf.squeeze(net, [1, 2], name="fc8/squeezed")
            found[f"{where.name}/fc8"] = net
        return net, found


def _network(name: str, depths: tuple[int, ...]) -> Any:
    def network(
        inputs: Any, num_classes: int = 1000, is_training: Any = True, dropout_keep_prob: float = 0.5,
        spatial_squeeze: bool = True, scope: str = name, fc_conv_padding: LayerPadding = "VALID",
    ) -> Outputs:  # fmt: skip
        return _vgg(
            depths, inputs, num_classes, is_training, dropout_keep_prob, spatial_squeeze, scope, name, fc_conv_padding
        )

    network.__name__ = network.__qualname__ = name
    network.__doc__ = (
        f"{name} on images [N,224,224,3]: logits [N,num_classes], and the outputs of all layers by the names of their "
        f"scopes, such as '{name}/fc7' [N,1,1,4096]."
    )
    network.default_image_size = 224  # type: ignore[attr-defined]
    return network


vgg_a = _network("vgg_a", (1, 1, 2, 2, 2))
vgg_16 = _network("vgg_16", (2, 2, 3, 3, 3))
vgg_19 = _network("vgg_19", (2, 2, 4, 4, 4))
vgg_d, vgg_e = vgg_16, vgg_19
