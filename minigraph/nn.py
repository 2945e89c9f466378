"""Neural-network functions, under the names of TensorFlow 1's `tf.nn`."""

from minigraph.ops.bias import bias_add
from minigraph.ops.conv2d import conv2d, depthwise_conv2d
from minigraph.ops.conv3d import conv3d
from minigraph.ops.convolve import conv1d, convolve1d, convolve2d
from minigraph.ops.dropout import dropout
from minigraph.ops.edges import hysteresis, non_maximum_suppression
from minigraph.ops.loss import (
    l2_loss,
    log_softmax,
    sigmoid_cross_entropy_with_logits,
    softmax,
    softmax_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    sparse_softmax_cross_entropy_with_logits,
)
from minigraph.ops.lrn import local_response_normalization
from minigraph.ops.math import elu, relu, relu6, sigmoid, softplus, tanh
from minigraph.ops.matmul import xw_plus_b
from minigraph.ops.median import median2d
from minigraph.ops.norm import batch_normalization, fused_batch_norm, l2_normalize, moments
from minigraph.ops.pool import avg_pool, max_pool

lrn = local_response_normalization

__all__ = [
    "avg_pool",
    "batch_normalization",
    "bias_add",
    "conv1d",
    "conv2d",
    "conv3d",
    "convolve1d",
    "convolve2d",
    "depthwise_conv2d",
    "dropout",
    "elu",
    "fused_batch_norm",
    "hysteresis",
    "l2_loss",
    "l2_normalize",
    "local_response_normalization",
    "log_softmax",
    "lrn",
    "max_pool",
    "median2d",
    "moments",
    "non_maximum_suppression",
    "relu",
    "relu6",
    "sigmoid",
    "sigmoid_cross_entropy_with_logits",
    "softmax",
    "softmax_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits_v2",
    "softplus",
    "sparse_softmax_cross_entropy_with_logits",
    "tanh",
    "xw_plus_b",
]
