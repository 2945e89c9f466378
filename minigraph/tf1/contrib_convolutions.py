"""`tf.contrib.layers`: transposed and separable convolutions, a bias alone, softmax."""

from __future__ import annotations

from typing import Any

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.core.typing import LayerPadding
from minigraph.layers.common import channels_of, image_format, op_padding, sizes
from minigraph.layers.transposed import transposed
from minigraph.tf1.arg_scope import add_arg_scope
from minigraph.tf1.collecting import collect_named_outputs
from minigraph.tf1.contrib_layers import finish, layout_of, model_weights, xavier_initializer


@add_arg_scope
def conv2d_transpose(
    inputs: Any, num_outputs: int, kernel_size: Any, stride: Any = 1, padding: LayerPadding = "SAME",
    data_format: str = "NHWC", activation_fn: Any = tf.nn.relu, normalizer_fn: Any = None,
    normalizer_params: Any = None, weights_initializer: Any = None, weights_regularizer: Any = None,
    biases_initializer: Any = tf.zeros_initializer, biases_regularizer: Any = None, reuse: Any = None,
    variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True,
    scope: str | None = None,
) -> Tensor:  # fmt: skip
    """The transpose of `conv2d` of images [N,H,W,C], a bias or a normaliser, and ReLU.

    Variables: weights [KH,KW,num_outputs,C], biases.
    """
    x, layout = tf.convert_to_tensor(inputs), layout_of(data_format)
    form, _ = image_format(layout)
    with tf.variable_scope(scope, "Conv2d_transpose", [x], reuse=reuse) as where:
        dims = [*sizes(kernel_size, 2, "kernel_size"), num_outputs, channels_of(x, layout, "conv2d_transpose")]
        initializer = weights_initializer or xavier_initializer()
        weights = model_weights("weights", dims, x, initializer, weights_regularizer, trainable, variables_collections)
        y = transposed(
            x, weights, sizes(kernel_size, 2, "kernel_size"), num_outputs, sizes(stride, 2, "stride"), padding, layout
        )
        y = finish(x, y, num_outputs, normalizer_fn, normalizer_params, biases_initializer, biases_regularizer,
                   trainable, variables_collections, form)  # fmt: skip
        y = y if activation_fn is None else activation_fn(y)
        return collect_named_outputs(outputs_collections, where.name, y)


convolution2d_transpose = conv2d_transpose


@add_arg_scope
def separable_conv2d(
    inputs: Any, num_outputs: int | None, kernel_size: Any, depth_multiplier: int = 1, stride: Any = 1,
    padding: LayerPadding = "SAME", data_format: str = "NHWC", rate: Any = 1, activation_fn: Any = tf.nn.relu,
    normalizer_fn: Any = None, normalizer_params: Any = None, weights_initializer: Any = None,
    pointwise_initializer: Any = None, weights_regularizer: Any = None,
    biases_initializer: Any = tf.zeros_initializer, biases_regularizer: Any = None, reuse: Any = None,
    variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True,
    scope: str | None = None,
) -> Tensor:  # fmt: skip
    """A filter for each channel, then, unless `num_outputs` is None, a mix of channels; a bias or a normaliser; ReLU.

    Variables: depthwise_weights, pointwise_weights, biases.
    """
    x, layout = tf.convert_to_tensor(inputs), layout_of(data_format)
    form, size = image_format(layout)
    with tf.variable_scope(scope, "SeparableConv2d", [x], reuse=reuse) as where:
        channels = channels_of(x, layout, "separable_conv2d")
        made = (weights_regularizer, trainable, variables_collections)
        deep = [*sizes(kernel_size, 2, "kernel_size"), channels, depth_multiplier]
        initializer = weights_initializer or xavier_initializer()
        depthwise = model_weights("depthwise_weights", deep, x, initializer, *made)
        dilations = list(sizes(rate, 2, "rate"))
        if num_outputs is None:
            y = tf.nn.depthwise_conv2d(x, depthwise, size(stride), op_padding(padding), dilations, data_format=form)
        else:
            wide = [1, 1, channels * depth_multiplier, num_outputs]
            pointwise = model_weights("pointwise_weights", wide, x, pointwise_initializer or initializer, *made)
            y = tf.nn.separable_conv2d(
                x, depthwise, pointwise, size(stride), op_padding(padding), dilations, data_format=form
            )
        y = finish(x, y, num_outputs or channels * depth_multiplier, normalizer_fn, normalizer_params,
                   biases_initializer, biases_regularizer, trainable, variables_collections, form)  # fmt: skip
        y = y if activation_fn is None else activation_fn(y)
        return collect_named_outputs(outputs_collections, where.name, y)


separable_convolution2d = separable_conv2d


@add_arg_scope
def bias_add(
    inputs: Any, activation_fn: Any = None, initializer: Any = tf.zeros_initializer, regularizer: Any = None,
    reuse: Any = None, variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True,
    data_format: str = "NHWC", scope: str | None = None,
) -> Tensor:  # fmt: skip
    """Add a bias to the channels. Variable: biases."""
    x = tf.convert_to_tensor(inputs)
    form, _ = image_format(layout_of(data_format))
    with tf.variable_scope(scope, "BiasAdd", [x], reuse=reuse) as where:
        channels: Any = x.shape.as_list()[1 if data_format == "NCHW" else -1]
        bias = model_weights("biases", [channels], x, initializer, regularizer, trainable, variables_collections)
        y = tf.nn.bias_add(x, bias, form)
        y = y if activation_fn is None else activation_fn(y)
        return collect_named_outputs(outputs_collections, where.name, y)


@add_arg_scope
def softmax(logits: Any, scope: str | None = None) -> Tensor:
    """The softmax over the last axis."""
    with tf.variable_scope(scope, "softmax", [logits]):
        graph = tf.get_default_graph()
        with graph.counted_as(5):
            return tf.nn.softmax(logits)
