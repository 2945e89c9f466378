"""`slim.nets.resnet_v1`, with the names of TF-slim's variables. He et al. 2015."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.tf1 import contrib_layers as layers
from minigraph.tf1.arg_scope import add_arg_scope
from minigraph.tf1.collecting import collect_named_outputs
from minigraph.tf1.nets import resnet_utils
from minigraph.tf1.nets.resnet_utils import Block, Outputs

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


def resnet_v1_block(scope: str, base_depth: int, num_units: int, stride: int) -> Block:
    """A block of bottlenecks; the last one strides."""
    return resnet_utils.block_of(scope, bottleneck, base_depth, num_units, stride)


def resnet_v1(
    inputs: Any, blocks: Sequence[Block], num_classes: int | None = None, is_training: Any = True,
    global_pool: bool = True, output_stride: int | None = None, include_root_block: bool = True,
    spatial_squeeze: bool = False, reuse: Any = None, scope: Any = None,
) -> Outputs:  # fmt: skip
    """A ResNet of these blocks: its result, and the end points by the names of their scopes.

    The result is the logits [N,1,1,num_classes]; without `num_classes` the features before them; without
    `global_pool` a map of them. output_stride: behind it units are dilated instead of striding. include_root_block:
    whether the first convolution and pooling are made.
    """
    return resnet_utils.network(
        1, bottleneck, inputs, blocks, num_classes, is_training, global_pool, output_stride, include_root_block,
        spatial_squeeze, reuse, scope,
    )  # fmt: skip


resnet_v1.default_image_size = 224  # type: ignore[attr-defined]
resnet_v1_50, resnet_v1_101, resnet_v1_152, resnet_v1_200 = (
    resnet_utils.made(1, bottleneck, depth) for depth in resnet_utils.DEPTHS
)
