"""`slim.nets.mobilenet_v1`, with the names of TF-slim's variables. Howard et al. 2017."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.tf1 import contrib_convolutions as convolutions
from minigraph.tf1 import contrib_layers as layers
from minigraph.tf1 import contrib_norm as norm
from minigraph.tf1.arg_scope import Scope, arg_scope
from minigraph.tf1.nets.tables import Outputs, classify, depths, predicted, training, window


class WholeConv(NamedTuple):
    """A convolution."""

    kernel: Sequence[int]
    stride: int
    depth: int


Conv = WholeConv  # TF-slim's name


class DepthSepConv(NamedTuple):
    """A filter for each channel, and a convolution of 1x1."""

    kernel: Sequence[int]
    stride: int
    depth: int


_STEPS = ((1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), *[(1, 512)] * 5, (2, 1024), (1, 1024))
_LAYERS: tuple[Conv | DepthSepConv, ...] = (
    Conv((3, 3), 2, 32),
    *(DepthSepConv((3, 3), stride, depth) for stride, depth in _STEPS),
)


def _steps(
    name: str, layer: Conv | DepthSepConv, depth: int, stride: int, rate: int
) -> list[tuple[str, Callable[..., Tensor]]]:
    """The end points of a layer, and the functions that make them of the one before."""
    if isinstance(layer, WholeConv):
        return [(name, partial(layers.conv2d, num_outputs=depth, kernel_size=layer.kernel, stride=layer.stride))]
    filters = partial(
        convolutions.separable_conv2d, num_outputs=None, kernel_size=layer.kernel, stride=stride, rate=rate
    )
    mix = partial(layers.conv2d, num_outputs=depth, kernel_size=[1, 1])
    return [(f"{name}_depthwise", filters), (f"{name}_pointwise", mix)]


def mobilenet_v1_base(
    inputs: Any, final_endpoint: str = "Conv2d_13_pointwise", min_depth: int = 8, depth_multiplier: float = 1.0,
    conv_defs: Sequence[Conv | DepthSepConv] | None = None, output_stride: int | None = None, scope: Any = None,
) -> Outputs:  # fmt: skip
    """The layers of MobileNet v1 up to an end point, and all end points by name.

    output_stride: 8, 16 or 32; behind it layers are dilated instead of striding. Raises ValueError for an unknown end
    point, or another stride.
    """
    if output_stride not in (None, 8, 16, 32):
        raise ValueError("Only allowed output_stride values are 8, 16, 32.")
    depth, ends, stride_so_far, rate = depths(depth_multiplier, min_depth), {}, 1, 1
    net: Tensor = inputs
    both = [layers.conv2d, convolutions.separable_conv2d]
    with tf.variable_scope(scope, "MobilenetV1", [inputs]), arg_scope(both, padding="SAME"):
        for number, layer in enumerate(_LAYERS if conv_defs is None else conv_defs):
            stride, dilation = layer.stride, 1
            if output_stride is not None and stride_so_far == output_stride:
                stride, dilation, rate = 1, rate, rate * stride
            else:
                stride_so_far *= stride
            for point, step in _steps(f"Conv2d_{number}", layer, depth(layer.depth), stride, dilation):
                net = ends[point] = step(net, normalizer_fn=norm.batch_norm, scope=point)
                if point == final_endpoint:
                    return net, ends
    raise ValueError(f"Unknown final endpoint {final_endpoint}")


def mobilenet_v1(
    inputs: Any, num_classes: int | None = 1000, dropout_keep_prob: float = 0.999, is_training: Any = True,
    min_depth: int = 8, depth_multiplier: float = 1.0, conv_defs: Sequence[Conv | DepthSepConv] | None = None,
    prediction_fn: Any = convolutions.softmax, spatial_squeeze: bool = True, reuse: Any = None,
    scope: Any = "MobilenetV1", global_pool: bool = False,
) -> Outputs:  # fmt: skip
    """MobileNet v1 on images [N,224,224,3]: logits [N,num_classes], and the end points by name.

    global_pool: whether to take the mean over the whole map, of any size. Without classes the result is the pooled
    features [N,1,1,C].
    """
    if inputs.shape.ndims != 4:
        raise ValueError(f"Invalid input tensor rank, expected 4, was: {inputs.shape.ndims}")
    with tf.variable_scope(scope, "MobilenetV1", [inputs], reuse=reuse) as where, training(is_training):
        net, ends = mobilenet_v1_base(
            inputs, min_depth=min_depth, depth_multiplier=depth_multiplier, conv_defs=conv_defs, scope=where
        )
        with tf.variable_scope("Logits"):
            if global_pool:
                net = ends["global_pool"] = tf.reduce_mean(net, [1, 2], keepdims=True, name="global_pool")
            else:
                net = layers.avg_pool2d(net, window(net, 7), padding="VALID", scope="AvgPool_1a")
                ends["AvgPool_1a"] = net
            if not num_classes:
                return net, ends
            net = layers.dropout(net, dropout_keep_prob, scope="Dropout_1b")
            logits = classify(net, ends, num_classes, "Conv2d_1c_1x1", spatial_squeeze)
        return logits, predicted(ends, logits, prediction_fn)


mobilenet_v1.default_image_size = 224  # type: ignore[attr-defined]


def mobilenet_v1_arg_scope(
    is_training: Any = True, weight_decay: float = 0.00004, stddev: float = 0.09, regularize_depthwise: bool = False,
    batch_norm_decay: float = 0.9997, batch_norm_epsilon: float = 0.001,
) -> Scope:  # fmt: skip
    """Weight decay, ReLU6 and batch normalisation for convolutions."""
    both = [layers.conv2d, convolutions.separable_conv2d]
    params = {"is_training": is_training, "center": True, "scale": True, "decay": batch_norm_decay,
              "epsilon": batch_norm_epsilon}  # fmt: skip
    decay = layers.l2_regularizer(weight_decay)
    first, deep = tf.truncated_normal_initializer(stddev=stddev), decay if regularize_depthwise else None
    with (
        arg_scope(both, weights_initializer=first, activation_fn=tf.nn.relu6, normalizer_fn=norm.batch_norm),
        arg_scope([norm.batch_norm], **params),
        arg_scope([layers.conv2d], weights_regularizer=decay),
        arg_scope([convolutions.separable_conv2d], weights_regularizer=deep) as scope,
    ):
        return scope
