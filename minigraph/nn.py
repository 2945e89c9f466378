"""Neural-network functions, under the names of TensorFlow 1's `tf.nn`."""

from minigraph.ops.bias import bias_add
from minigraph.ops.conv2d import conv2d
from minigraph.ops.dropout import dropout
from minigraph.ops.loss import (
    l2_loss,
    log_softmax,
    sigmoid_cross_entropy_with_logits,
    softmax,
    softmax_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    sparse_softmax_cross_entropy_with_logits,
)
from minigraph.ops.math import elu, relu, sigmoid, softplus, tanh
from minigraph.ops.matmul import xw_plus_b
from minigraph.ops.norm import batch_normalization, l2_normalize, moments
from minigraph.ops.pool import avg_pool, max_pool

__all__ = [
    "avg_pool",
    "batch_normalization",
    "bias_add",
    "conv2d",
    "dropout",
    "elu",
    "l2_loss",
    "l2_normalize",
    "log_softmax",
    "max_pool",
    "moments",
    "relu",
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
