"""`slim.nets.resnet_utils`: what both versions of ResNet are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.tf1 import contrib_convolutions as convolutions
from minigraph.tf1 import contrib_layers as layers
from minigraph.tf1 import contrib_norm as norm
from minigraph.tf1.arg_scope import Scope, add_arg_scope, arg_scope
from minigraph.tf1.collecting import collect_named_outputs, convert_collection_to_dict

Outputs = tuple[Tensor, dict[str, Tensor]]
DEPTHS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3), 200: (3, 24, 36, 3)}


class ResidualBlock(NamedTuple):
    """Units of one width: a scope, the function of a unit, and its arguments for each unit, dictionaries."""

    scope: str
    unit_fn: Any
    args: Sequence[dict[str, Any]]


Block = ResidualBlock  # TF-slim's name


def subsample(inputs: Tensor, factor: int, scope: str | None = None) -> Tensor:
    """Every `factor`-th pixel of each row and column."""
    return inputs if factor == 1 else layers.max_pool2d(inputs, [1, 1], stride=factor, scope=scope)


def conv2d_same(
    inputs: Tensor, num_outputs: int, kernel_size: int, stride: int, rate: int = 1, scope: str | None = None
) -> Tensor:
    """A convolution whose padding does not depend on the size of the images."""
    if stride == 1:
        return layers.conv2d(inputs, num_outputs, kernel_size, stride=1, rate=rate, padding="SAME", scope=scope)
    total = (kernel_size - 1) * rate
    sides = [total // 2, total - total // 2]
    padded = tf.pad(inputs, [[0, 0], sides, sides, [0, 0]])
    return layers.conv2d(padded, num_outputs, kernel_size, stride=stride, rate=rate, padding="VALID", scope=scope)


@add_arg_scope
def stack_blocks_dense(
    net: Tensor, blocks: Sequence[Block], output_stride: float | None = None, outputs_collections: Any = None
) -> Tensor:
    """The blocks one after another. Behind `output_stride` units are dilated instead of striding. ValueError."""
    stride, rate = 1, 1
    for block in blocks:
        with tf.variable_scope(block.scope, "block", [net]) as where:
            for number, unit in enumerate(block.args, 1):
                if output_stride is not None and stride > output_stride:
                    raise ValueError("The target output_stride cannot be reached.")
                with tf.variable_scope(f"unit_{number}", values=[net]):
                    if output_stride is not None and stride == output_stride:
                        net = block.unit_fn(net, rate=rate, **{**unit, "stride": 1})
                        rate *= unit.get("stride", 1)
                    else:
                        net = block.unit_fn(net, rate=1, **unit)
                        stride *= unit.get("stride", 1)
            net = collect_named_outputs(outputs_collections, where.name, net)
    if output_stride is not None and stride != output_stride:
        raise ValueError("The target output_stride cannot be reached.")
    return net


def resnet_arg_scope(
    weight_decay: float = 0.0001, batch_norm_decay: float = 0.997, batch_norm_epsilon: float = 1e-5,
    batch_norm_scale: bool = True,
) -> Scope:  # fmt: skip
    """Weight decay, ReLU and batch normalisation for convolutions; SAME padding for pooling."""
    params = {
        "decay": batch_norm_decay, "epsilon": batch_norm_epsilon, "scale": batch_norm_scale,
        "updates_collections": tf.GraphKeys.UPDATE_OPS,
    }  # fmt: skip
    with (
        arg_scope(
            [layers.conv2d], weights_regularizer=layers.l2_regularizer(weight_decay),
            weights_initializer=layers.variance_scaling_initializer(), activation_fn=tf.nn.relu,
            normalizer_fn=norm.batch_norm, normalizer_params=params,
        ),
        arg_scope([norm.batch_norm], **params),
        arg_scope([layers.max_pool2d], padding="SAME") as scope,
    ):  # fmt: skip
        return scope


def blocks_of(unit: Any, depth: int) -> list[Block]:
    """The blocks of a published depth: each strides in its last unit, and all but the last block do."""
    widths = enumerate(zip(DEPTHS[depth], (64, 128, 256, 512), strict=True), 1)
    return [block_of(f"block{k}", unit, width, count, 1 if k == 4 else 2) for k, (count, width) in widths]


def block_of(scope: str, unit: Any, base_depth: int, num_units: int, stride: int) -> Block:
    """Units of `base_depth` channels inside and four times as many outside; the last unit strides."""
    args = {"depth": base_depth * 4, "depth_bottleneck": base_depth}
    return Block(scope, unit, [{**args, "stride": 1}] * (num_units - 1) + [{**args, "stride": stride}])


def network(
    version: int, unit: Any, inputs: Any, blocks: Sequence[Block], num_classes: int | None, is_training: Any,
    global_pool: bool, output_stride: float | None, include_root_block: bool, spatial_squeeze: bool, reuse: Any,
    scope: Any,
) -> Outputs:  # fmt: skip
    """A ResNet. In version 2 the norms come before the convolutions, and one comes behind the last block."""
    with tf.variable_scope(scope, f"resnet_v{version}", [inputs], reuse=reuse) as where:
        points = f"{where.original_name_scope}_end_points"
        collected = arg_scope([layers.conv2d, unit, stack_blocks_dense], outputs_collections=points)
        with collected, arg_scope([norm.batch_norm], is_training=is_training):
            net = inputs
            if include_root_block:
                if output_stride is not None:
                    if output_stride % 4:
                        raise ValueError("The output_stride needs to be a multiple of 4.")
                    output_stride /= 4
                plain = {"activation_fn": None, "normalizer_fn": None} if version == 2 else {}
                with arg_scope([layers.conv2d], **plain):
                    net = conv2d_same(net, 64, 7, stride=2, scope="conv1")
                net = layers.max_pool2d(net, [3, 3], stride=2, scope="pool1")
            net = stack_blocks_dense(net, blocks, output_stride)
            if version == 2:
                net = norm.batch_norm(net, activation_fn=tf.nn.relu, scope="postnorm")
            if global_pool:
                net = tf.reduce_mean(net, [1, 2], name="pool5", keepdims=True)
            if not num_classes:
                return net, convert_collection_to_dict(points)
            net = layers.conv2d(net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None, scope="logits")
            if spatial_squeeze:
                net = tf.squeeze(net, [1, 2], name="SpatialSqueeze")
            ends = convert_collection_to_dict(points)
            ends["predictions"] = convolutions.softmax(net, scope="predictions")
            return net, ends


def family(version: int, unit: Any) -> tuple[Any, ...]:
    """Of one version the functions of a block, of a network of given blocks, and of each published depth."""

    def block(scope: str, base_depth: int, num_units: int, stride: int) -> Block:
        """A block of bottlenecks; the last one strides."""
        return block_of(scope, unit, base_depth, num_units, stride)

    def resnet(
        inputs: Any, blocks: Sequence[Block], num_classes: int | None = None, is_training: Any = True,
        global_pool: bool = True, output_stride: int | None = None, include_root_block: bool = True,
        spatial_squeeze: bool = False, reuse: Any = None, scope: Any = None,
    ) -> Outputs:  # fmt: skip
        """A ResNet of these blocks: its result, and the end points by the names of their scopes.

        The result is the logits [N,1,1,num_classes]; without `num_classes` the features before them; without
        `global_pool` a map of them. output_stride: behind it units are dilated instead of striding.
        include_root_block: whether the first convolution and pooling are made.
        """
        return network(
            version, unit, inputs, blocks, num_classes, is_training, global_pool, output_stride, include_root_block,
            spatial_squeeze, reuse, scope,
        )  # fmt: skip

    name = f"resnet_v{version}"
    block.__name__ = block.__qualname__ = f"{name}_block"
    return block, _named(resnet, name), *(_published(version, unit, depth) for depth in DEPTHS)


def _published(version: int, unit: Any, depth: int) -> Any:
    """The function of a ResNet of a published depth."""
    name = f"resnet_v{version}_{depth}"

    def resnet(
        inputs: Any, num_classes: int | None = None, is_training: Any = True, global_pool: bool = True,
        output_stride: int | None = None, spatial_squeeze: bool = False, reuse: Any = None, scope: Any = name,
    ) -> Outputs:  # fmt: skip
        return network(
            version, unit, inputs, blocks_of(unit, depth), num_classes, is_training, global_pool, output_stride, True,
            spatial_squeeze, reuse, scope,
        )  # fmt: skip

    resnet.__doc__ = f"ResNet-{depth}, version {version}, on images [N,224,224,3]; see `resnet_v{version}`."
    return _named(resnet, name)


def _named(resnet: Any, name: str) -> Any:
    resnet.__name__ = resnet.__qualname__ = name
    resnet.default_image_size = 224
    return resnet
