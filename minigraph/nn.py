"""Neural-network functions, under the names of TensorFlow 1's `tf.nn`."""

from minigraph.ops.image.edges import hysteresis, non_maximum_suppression
from minigraph.ops.image.median import median2d
from minigraph.ops.math.matmul import xw_plus_b
from minigraph.ops.math.ranking import in_top_k, top_k
from minigraph.ops.math.trigonometric import tanh
from minigraph.ops.nn.activation import crelu, elu, leaky_relu, relu, relu6, selu, sigmoid, softplus, softsign, swish
from minigraph.ops.nn.bias import bias_add
from minigraph.ops.nn.conv2d import conv2d
from minigraph.ops.nn.conv3d import conv3d
from minigraph.ops.nn.conv_transpose import conv2d_backprop_filter, conv2d_backprop_input, conv2d_transpose
from minigraph.ops.nn.convolution import atrous_conv2d, convolution
from minigraph.ops.nn.convolve import conv1d, convolve1d, convolve2d
from minigraph.ops.nn.depthwise import depthwise_conv2d, separable_conv2d
from minigraph.ops.nn.dropout import dropout
from minigraph.ops.nn.embedding import embedding_lookup
from minigraph.ops.nn.loss import (
    l2_loss,
    log_poisson_loss,
    log_softmax,
    sigmoid_cross_entropy_with_logits,
    softmax,
    softmax_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    sparse_softmax_cross_entropy_with_logits,
    weighted_cross_entropy_with_logits,
)
from minigraph.ops.nn.lrn import local_response_normalization
from minigraph.ops.nn.norm import (
    batch_norm_with_global_normalization,
    batch_normalization,
    fused_batch_norm,
    l2_normalize,
)
from minigraph.ops.nn.pool import avg_pool, max_pool, max_pool_with_argmax
from minigraph.ops.nn.pool_nd import avg_pool1d, avg_pool3d, max_pool1d, max_pool3d, pool
from minigraph.ops.nn.statistics import (
    moments,
    normalize_moments,
    sufficient_statistics,
    weighted_moments,
    zero_fraction,
)

avg_pool2d, max_pool2d = avg_pool, max_pool
depthwise_conv2d_native = depthwise_conv2d

lrn = local_response_normalization

__all__ = [
    "atrous_conv2d",
    "avg_pool",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "batch_norm_with_global_normalization",
    "batch_normalization",
    "bias_add",
    "conv1d",
    "conv2d",
    "conv2d_backprop_filter",
    "conv2d_backprop_input",
    "conv2d_transpose",
    "conv3d",
    "convolution",
    "convolve1d",
    "convolve2d",
    "crelu",
    "depthwise_conv2d",
    "depthwise_conv2d_native",
    "dropout",
    "elu",
    "embedding_lookup",
    "fused_batch_norm",
    "hysteresis",
    "in_top_k",
    "l2_loss",
    "l2_normalize",
    "leaky_relu",
    "local_response_normalization",
    "log_poisson_loss",
    "log_softmax",
    "lrn",
    "max_pool",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_pool_with_argmax",
    "median2d",
    "moments",
    "non_maximum_suppression",
    "normalize_moments",
    "pool",
    "relu",
    "relu6",
    "selu",
    "separable_conv2d",
    "sigmoid",
    "sigmoid_cross_entropy_with_logits",
    "softmax",
    "softmax_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits_v2",
    "softplus",
    "softsign",
    "sparse_softmax_cross_entropy_with_logits",
    "sufficient_statistics",
    "swish",
    "tanh",
    "top_k",
    "weighted_cross_entropy_with_logits",
    "weighted_moments",
    "xw_plus_b",
    "zero_fraction",
]
