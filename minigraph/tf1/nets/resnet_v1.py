"""`slim.nets.resnet_v1`, with the names of TF-slim's variables. He et al. 2015."""

from __future__ import annotations

from typing import Any

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.tf1 import contrib_layers as layers
from minigraph.tf1.arg_scope import add_arg_scope
from minigraph.tf1.collecting import collect_named_outputs
from minigraph.tf1.nets import resnet_utils

__all__ = ["bottleneck", "resnet_arg_scope", "resnet_v1", "resnet_v1_block"]
__all__ += [f"resnet_v1_{depth}" for depth in resnet_utils.DEPTHS]

resnet_arg_scope = resnet_utils.resnet_arg_scope


@add_arg_scope
def bottleneck(
    inputs: Tensor, depth: int, depth_bottleneck: int, stride: int, rate: int = 1, outputs_collections: Any = None,
    scope: Any = None,
) -> Tensor:  # fmt: skip
    """The input, or a convolution of it, plus three convolutions of it; the second one strides."""
    with tf.variable_scope(scope, "bottleneck_v1", [inputs]) as where:
        if depth == inputs.shape.as_list()[3]:
            shortcut = resnet_utils.subsample(inputs, stride, "shortcut")
        else:
            shortcut = layers.conv2d(inputs, depth, [1, 1], stride=stride, activation_fn=None, scope="shortcut")
        net = layers.conv2d(inputs, depth_bottleneck, [1, 1], stride=1, scope="conv1")
        net = resnet_utils.conv2d_same(net, depth_bottleneck, 3, stride, rate=rate, scope="conv2")
        net = layers.conv2d(net, depth, [1, 1], stride=1, activation_fn=None, scope="conv3")
        return collect_named_outputs(outputs_collections, where.name, tf.nn.relu(shortcut + net))


resnet_v1_block, resnet_v1, *_published = resnet_utils.family(1, bottleneck)
resnet_v1_50, resnet_v1_101, resnet_v1_152, resnet_v1_200 = _published
