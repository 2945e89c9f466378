"""`slim.nets.resnet_v2`, with the names of TF-slim's variables. He et al. 2016."""

from __future__ import annotations

from typing import Any

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.tf1 import contrib_layers as layers
from minigraph.tf1 import contrib_norm as norm
from minigraph.tf1.arg_scope import add_arg_scope
from minigraph.tf1.collecting import collect_named_outputs
from minigraph.tf1.nets import resnet_utils

__all__ = ["bottleneck", "resnet_arg_scope", "resnet_v2", "resnet_v2_block"]
__all__ += [f"resnet_v2_{depth}" for depth in resnet_utils.DEPTHS]

resnet_arg_scope = resnet_utils.resnet_arg_scope


@add_arg_scope
def bottleneck(
    inputs: Tensor, depth: int, depth_bottleneck: int, stride: int, rate: int = 1, outputs_collections: Any = None,
    scope: Any = None,
) -> Tensor:  # fmt: skip
    """The input, or a convolution of it, plus a norm and three convolutions of it; the second one strides."""
    with tf.variable_scope(scope, "bottleneck_v2", [inputs]) as where:
        before = norm.batch_norm(inputs, activation_fn=tf.nn.relu, scope="preact")
        plain: dict[str, Any] = {"normalizer_fn": None, "activation_fn": None}
        if depth == inputs.shape.as_list()[3]:
            shortcut = resnet_utils.subsample(inputs, stride, "shortcut")
        else:
            shortcut = layers.conv2d(before, depth, [1, 1], stride=stride, scope="shortcut", **plain)
        net = layers.conv2d(before, depth_bottleneck, [1, 1], stride=1, scope="conv1")
        net = resnet_utils.conv2d_same(net, depth_bottleneck, 3, stride, rate=rate, scope="conv2")
        net = layers.conv2d(net, depth, [1, 1], stride=1, scope="conv3", **plain)
        return collect_named_outputs(outputs_collections, where.name, shortcut + net)


resnet_v2_block, resnet_v2, *_published = resnet_utils.family(2, bottleneck)
resnet_v2_50, resnet_v2_101, resnet_v2_152, resnet_v2_200 = _published
