"""Normalisation operators."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.formats.onnx.call import OnnxNode, Result
from minigraph.formats.onnx.elementwise import like, select
from minigraph.formats.onnx.emit import Emit
from minigraph.formats.onnx.values import Last
from minigraph.ops.math.casting import widened

CHANNEL_AXIS = 1


def _normalised(x: Tensor, mean: Tensor, variance: Tensor, offset: Tensor, scale: Tensor, epsilon: float) -> Tensor:
    small: Any = like(variance, epsilon)
    return tf.nn.batch_normalization(x, mean, variance, offset, scale, small)


def _batch_norm(call: OnnxNode) -> Result:
    epsilon = call.attr("epsilon", 1e-5)
    if call.attr("training_mode", 0):
        return _training_batch_norm(call, epsilon)
    if not call.attr("spatial", 1):
        call.unsupported("spatial=0: statistics of each element, not of each channel, are not supported")
    if any(call.wants(i) for i in range(1, 5)) and not call.attr("is_test", 0):
        call.unsupported("more than one output: it is computed as in training, before operator set 14")
    scale, offset, mean, variance = (call.x(i) for i in range(1, 5))
    x = call.last() if call.rank() > 2 else call.x()
    mean, variance, scale, offset = (tf.cast(t, x.dtype) for t in (mean, variance, scale, offset))
    y = _normalised(x, mean, variance, offset, scale, epsilon)
    return Last(y) if call.rank() > 2 else y


def _training_batch_norm(call: OnnxNode, epsilon: float) -> Result:
    momentum = call.attr("momentum", 0.9)
    scale, offset, old_mean, old_variance = (call.x(i) for i in range(1, 5))
    x = call.last()
    mean, variance = tf.nn.moments(x, list(range(call.rank() - 1)))
    y = _normalised(x, mean, variance, offset, scale, epsilon)

    def running(old: Tensor, new: Tensor) -> Any:
        return old * like(old, momentum) + tf.cast(new, old.dtype) * like(old, 1 - momentum)

    return [Last(y), running(old_mean, mean), running(old_variance, variance)]


def _per_channel(call: OnnxNode, index: int) -> Tensor:
    """A vector with one number per channel, in a shape that broadcasts with [N,C,...]."""
    return tf.reshape(call.x(index), [-1] + [1] * (call.rank() - 2))


def _standardised(x: Tensor, axes: list[int], epsilon: float) -> Any:
    mean, variance = tf.nn.moments(x, axes, keepdims=True)
    return (x - mean) * tf.rsqrt(variance + like(x, epsilon))


def _instance_norm(call: OnnxNode) -> Result:
    x = _standardised(call.last(), list(range(1, call.rank() - 1)), call.attr("epsilon", 1e-5))
    return Last(x * call.x(1) + call.x(2))


def _group_norm(call: OnnxNode) -> Result:
    groups, shape = call.attr("num_groups"), call.shape()
    if None in shape[1:]:
        call.needs_shape(f"all but the batch must be known, not {call.type()}")
    known = [d or 0 for d in shape[1:]]
    rows = tf.reshape(call.x(), [-1, groups, int(np.prod(known)) // groups])
    x = tf.reshape(_standardised(rows, [2], call.attr("epsilon", 1e-5)), [-1, *known])
    x.set_shape(shape)
    if call.opset >= 21:
        return x * _per_channel(call, 1) + _per_channel(call, 2)
    each = tf.reshape(x, [-1, groups, *[known[0] // groups, *known[1:]]])
    ones = [1] * (len(known))
    scaled = each * tf.reshape(call.x(1), [groups, *ones]) + tf.reshape(call.x(2), [groups, *ones])
    return tf.reshape(scaled, [-1, *known])


def _lrn(call: OnnxNode) -> Result:
    """x / (bias + alpha/size·Σ x²)^beta, the sum over `size` neighbouring channels."""
    size, alpha, beta = call.attr("size"), call.attr("alpha", 1e-4), call.attr("beta", 0.75)
    bias = call.attr("bias", 1.0)
    if size % 2 and call.rank() == 4:
        return Last(tf.nn.lrn(call.last(), (size - 1) // 2, bias, alpha / size, beta))
    channels = call.shape()[CHANNEL_AXIS]
    if channels is None:
        call.needs_shape("the number of channels must be known")
    x, before = call.last(), (size - 1) // 2
    margins = [[0, 0]] * (call.rank() - 1) + [[before, size - 1 - before]]
    squares = tf.pad(x * x, margins)
    call.check_count(size)
    total = reduce(tf.add, [squares[..., i : i + channels] for i in range(size)])
    return Last(x * tf.pow(total * like(x, alpha / size) + like(x, bias), like(x, -beta)))


def _lp_norm(call: OnnxNode) -> Result:
    """x divided by its p-norm; vectors of norm 0 stay 0."""
    x, axis = widened(call.x()), call.attr("axis", -1)
    if call.attr("p", 2) == 1:
        norm = tf.reduce_sum(tf.abs(x), [axis], keepdims=True)
    else:
        norm = tf.sqrt(tf.reduce_sum(x * x, [axis], keepdims=True))
    return tf.cast(x / select(tf.equal(norm, like(x, 0)), tf.ones_like(norm), norm), call.type().dtype)


def _mean_variance(call: OnnxNode) -> Result:
    axes = list(call.attr("axes", [0, 2, 3]))
    mean, variance = tf.nn.moments(call.x(), axes, keepdims=True)
    return (call.x() - mean) / (tf.sqrt(variance) + like(mean, 1e-9))


IMPORT: dict[str, Callable[[OnnxNode], Result]] = {
    "BatchNormalization": _batch_norm,
    "GroupNormalization": _group_norm,
    "InstanceNormalization": _instance_norm,
    "LRN": _lrn,
    "LpNormalization": _lp_norm,
    "MeanVarianceNormalization": _mean_variance,
}


def _lrn_out(e: Emit) -> None:
    """ONNX divides alpha by the size of the window."""
    size = 2 * e.op.depth_radius + 1
    attributes: dict[str, Any] = {"alpha": float(e.op.alpha * size), "beta": float(e.op.beta), "bias": float(e.op.bias)}
    e.give_first(e.add("LRN", e.first(), size=size, **attributes))


EXPORT: dict[str, Callable[[Emit], None]] = {"LRN": _lrn_out}
