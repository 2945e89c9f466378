"""Layers that make their own variables, under the names of TensorFlow 1's `tf.layers`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

from minigraph.core.collections import GraphKeys
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.core.types import format_shape
from minigraph.core.typing import DataFormat2D, Padding
from minigraph.ops.array.shape import reshape, shape, transpose
from minigraph.ops.array.slicing import getitem
from minigraph.ops.builder import as_tensor_like, composed
from minigraph.ops.constant import Const
from minigraph.ops.data_format import NCHW, NHWC
from minigraph.ops.filling import zeros_like
from minigraph.ops.identity import identity
from minigraph.ops.math.algebra import tensordot
from minigraph.ops.math.matmul import matmul
from minigraph.ops.math.selection import where
from minigraph.ops.nn import conv2d as conv
from minigraph.ops.nn.bias import bias_add
from minigraph.ops.nn.dropout import dropout as nn_dropout
from minigraph.ops.nn.norm import LEAST_EPSILON, bessel_corrected, normalised
from minigraph.ops.nn.norm import batch_normalization as normalise
from minigraph.ops.nn.pool import avg_pool, max_pool
from minigraph.ops.nn.statistics import moments
from minigraph.run.initializers import ones_initializer, zeros_initializer
from minigraph.run.variables import Variable, assign_sub, get_variable, variable_scope

Activation = Callable[[Tensor], Tensor] | None


def batch_normalization(
    inputs: Any, axis: Any = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True,
    scale: bool = True, beta_initializer: Any = zeros_initializer, gamma_initializer: Any = ones_initializer,
    moving_mean_initializer: Any = zeros_initializer, moving_variance_initializer: Any = ones_initializer,
    beta_regularizer: Any = None, gamma_regularizer: Any = None, training: Any = False, trainable: bool = True,
    name: str | None = None, reuse: Any = None, fused: bool | None = None, **unsupported: Any,
) -> Tensor:  # fmt: skip
    """gamma·(x − mean)/√(variance + epsilon) + beta over all axes but `axis`; gamma is 1 without `scale`, beta 0
    without `center`.

    training: a bool, or a bool tensor. In training, mean and variance (the biased one) are the batch's, and gradients
    flow through them; else they are the moving averages, which the batch's replace by a share of 1 − momentum each
    time the operations in the collection UPDATE_OPS run:

        with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
            train = optimizer.minimize(loss)

    Four-dimensional inputs normalised over axis 1 or 3 (TensorFlow's fused kernel, unless fused=False) average the
    estimate of the population's variance, m/(m−1)·σ² of m numbers; others the biased one.
    Variables: gamma, beta, moving_mean, moving_variance. Source: Ioffe and Szegedy 2015.
    """
    refuse(unsupported, "batch_normalization")
    x = convert_to_tensor(inputs)
    with x.graph.as_default(), variable_scope(name, default_name="batch_normalization", reuse=reuse):
        return normalised_batch(
            x, axis, momentum, epsilon, center, scale, known(training), trainable, fused,
            beta=(beta_initializer, beta_regularizer), gamma=(gamma_initializer, gamma_regularizer),
            moving_mean=moving_mean_initializer, moving_variance=moving_variance_initializer,
        )  # fmt: skip


def known(condition: Any) -> Any:
    """The value of a bool tensor that is a constant; anything else as it is."""
    condition = as_tensor_like(condition)
    if isinstance(condition, Tensor) and isinstance(condition.node.op, Const):
        return bool(condition.node.op.value)
    return condition


def normalised_batch(
    x: Tensor, axis: Any, momentum: float, epsilon: float, center: bool, scale: bool, training: Any, trainable: bool,
    fused: bool | None, beta: tuple[Any, Any], gamma: tuple[Any, Any], moving_mean: Any, moving_variance: Any,
    count: int | None = None, beta_first: bool = False,
) -> Tensor:  # fmt: skip
    """`batch_normalization` in the current variable scope. Pairs are an initializer and a regularizer.

    count: how many nodes TensorFlow makes, variables aside, where that is not as in `tf.layers`.
    """
    along = _channel_axis(axis, x)
    others = [a for a in range(len(x.type.shape or ())) if a != along]
    fuses = fused is not False and along in (1, 3) and len(others) == 3

    def variable(name: str, initializer: Any, regularizer: Any, learned: bool) -> Variable:
        size = [x.type.shape[along]]  # type: ignore[index]
        return get_variable(name, size, x.dtype, initializer, regularizer, trainable=learned)

    wanted = [("gamma", gamma, scale), ("beta", beta, center)]
    made = {n: variable(n, *how, trainable) for n, how, want in (wanted[::-1] if beta_first else wanted) if want}
    averages = variable("moving_mean", moving_mean, None, False)
    spread = variable("moving_variance", moving_variance, None, False)
    with x.graph.counted_as(count or _nodes(training, fuses, center, scale, along == len(others))):
        mean, variance = averages.value(), spread.value()
        if isinstance(training, Tensor) or training:
            batch_mean, biased = moments(x, others)
            _move(averages, batch_mean, momentum, training)
            _move(spread, bessel_corrected(biased, x) if fuses else biased, momentum, training)
            mean, variance = (_if(training, a, b) for a, b in ((batch_mean, mean), (biased, variance)))
        parts = (mean, variance, made.get("beta"), made.get("gamma"))
        middle, width, offset, factor = (_spread(p, along, x) for p in parts)
        if not fuses:
            return normalise(x, middle, width, offset, factor, epsilon)
        name = "cond/Merge" if isinstance(training, Tensor) else "FusedBatchNormV3"
        return normalised(x, middle, width, offset, factor, max(epsilon, LEAST_EPSILON), name)


def _nodes(training: Any, fused: bool, center: bool, scale: bool, last: bool) -> int:
    """How many nodes TensorFlow 1.15 makes of a batch normalisation, variables aside."""
    which = 2 if isinstance(training, Tensor) else int(bool(training))
    if fused:
        return (2, 14, 36)[which] + (not center) + (not scale)
    return (8, 24, 56)[which] - (not scale) + (0 if last else 8)


def _channel_axis(axis: Any, x: Tensor) -> int:
    """The one axis to keep, from 0."""
    axes = list(axis) if isinstance(axis, list | tuple) else [axis]
    dims = x.type.shape
    if dims is None or len(axes) != 1 or not -len(dims) <= axes[0] < len(dims):
        raise ShapeError(f"batch_normalization: axis {axis!r} is not one of a tensor of shape {format_shape(dims)}")
    along = int(axes[0]) % len(dims)
    if dims[along] is None:
        raise ShapeError(f"batch_normalization needs to know the size of axis {axis} of {format_shape(dims)}")
    return along


def _if(training: Any, yes: Tensor, no: Tensor) -> Tensor:
    return where(training, yes, no) if isinstance(training, Tensor) else yes


def _move(variable: Variable, value: Tensor, momentum: float, training: Any) -> None:
    """Adds to UPDATE_OPS: variable −= (1 − momentum)·(variable − value), in training."""
    graph = variable.graph
    with graph.name_scope("AssignMovingAvg") as scope:
        step: Tensor = (variable - value) * (1.0 - momentum)
        update = assign_sub(variable, _if(training, step, zeros_like(step)), name=scope)
    graph.add_to_collection(GraphKeys.UPDATE_OPS, update.op)


def _spread(values: Any, along: int, x: Tensor) -> Any:
    """Numbers along the axis `along`, if any, so that they broadcast against `x`."""
    rank = len(x.type.shape or ())
    return (
        values
        if values is None or along == rank - 1
        else reshape(values, [-1 if a == along else 1 for a in range(rank)])
    )


def conv2d(
    inputs: Any, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid",
    data_format: str = "channels_last", dilation_rate: Any = (1, 1), activation: Activation = None,
    use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = zeros_initializer,
    kernel_regularizer: Any = None, bias_regularizer: Any = None, trainable: bool = True, name: str | None = None,
    reuse: Any = None, **unsupported: Any,
) -> Tensor:  # fmt: skip
    """Cross-correlation of images [N,H,W,C], or [N,C,H,W] with data_format "channels_first", with `filters` filters,
    plus a bias. Variables: kernel, bias."""
    refuse(unsupported, "conv2d")
    form, size = image_format(data_format)
    x = convert_to_tensor(inputs)
    channels = channels_of(x, data_format, "conv2d")
    rows, columns = pair(kernel_size)
    with x.graph.as_default(), variable_scope(name, default_name="conv2d", reuse=reuse):
        dims = [rows, columns, channels, filters]
        kernel = get_variable("kernel", dims, x.dtype, kernel_initializer, kernel_regularizer, trainable)
        x.graph.reserve_ids(1)  # the dilation rate, a constant
        y = conv.conv2d(x, kernel, size(strides), upper(padding), data_format=form, dilations=size(dilation_rate))
        bias = (bias_initializer, bias_regularizer, trainable) if use_bias else None
        return finished(y, filters, bias, activation, form)


def dense(
    inputs: Any, units: int, activation: Activation = None, use_bias: bool = True, kernel_initializer: Any = None,
    bias_initializer: Any = zeros_initializer, kernel_regularizer: Any = None, bias_regularizer: Any = None,
    trainable: bool = True, name: str | None = None, reuse: Any = None, **unsupported: Any,
) -> Tensor:  # fmt: skip
    """inputs·kernel + bias over the last axis of inputs [..., C]. Variables: kernel [C,units], bias."""
    refuse(unsupported, "dense")
    x = convert_to_tensor(inputs)
    width = last_size(x, max(x.type.rank or 2, 2), "dense")
    with x.graph.as_default(), variable_scope(name, default_name="dense", reuse=reuse):
        kernel = get_variable("kernel", [width, units], x.dtype, kernel_initializer, kernel_regularizer, trainable)
        y = product_with(x, kernel)
        bias = (bias_initializer, bias_regularizer, trainable) if use_bias else None
        return finished(y, units, bias, activation)


def product_with(x: Tensor, kernel: Any) -> Tensor:
    """x·kernel over the last axis of x [..., C]."""
    if x.type.rank == 2:
        return matmul(x, kernel)
    if x.type.is_static:
        return tensordot(x, kernel, [[-1], [0]])
    with x.graph.counted_as(25):
        return tensordot(x, kernel, [[-1], [0]])


def finished(
    y: Tensor, units: int, bias: tuple[Any, Any, bool] | None, activation: Activation, form: str | None = None
) -> Tensor:  # fmt: skip
    """activation(y + bias). bias: initializer, regularizer, and whether it is trained; None for none."""
    if bias is not None:
        y = bias_add(y, get_variable("bias", [units], y.dtype, *bias), form)
    return y if activation is None else activation(y)


def flatten(inputs: Any, name: str | None = None, data_format: str = "channels_last") -> Tensor:
    """All axes but the first as one. Of "channels_first" the channels become the last axis before."""
    x = convert_to_tensor(inputs)
    if x.type.shape is None:
        raise ShapeError("flatten needs to know the rank of its input")
    with x.graph.as_default(), x.graph.name_scope(name or "flatten"):
        if image_format(data_format)[0] == NCHW and len(x.type.shape) > 2:
            x = transpose(x, [0, *range(2, len(x.type.shape)), 1])
        dims = x.type.shape or ()
        x.graph.reserve_ids(6 if dims[0] is None else 0)  # what looks up the size of the batch
        if None not in dims[1:]:
            size = math.prod(dim for dim in dims[1:] if dim is not None)
            return reshape(x, [-1 if dims[0] is None else dims[0], size])
        return reshape(x, [getitem(shape(x), 0) if dims[0] is None else dims[0], -1])


def dropout(
    inputs: Any, rate: Any = 0.5, noise_shape: Any = None, seed: int | None = None, training: Any = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """In training, a share `rate` of the elements is set to 0 and the others divided by 1 − rate.

    training: a bool, or a bool tensor.
    """
    with composed(name, "dropout", inputs):
        return dropped(convert_to_tensor(inputs), rate, noise_shape, seed, known(training))


def dropped(x: Tensor, rate: Any, noise_shape: Any, seed: int | None, training: Any) -> Tensor:
    """`dropout` in the current name scope."""
    if isinstance(training, Tensor):
        amount = convert_to_tensor(as_tensor_like(rate), x.dtype)
        chosen = where(training, amount, zeros_like(amount))
        x.graph.reserve_ids(3)  # of the nodes that branch, those before the random numbers
        y = nn_dropout(x, noise_shape=noise_shape, seed=seed, rate=chosen)
        x.graph.reserve_ids(2)
        return identity(y, name="cond/Merge")
    return nn_dropout(x, noise_shape=noise_shape, seed=seed, rate=rate) if training else identity(x)


def max_pooling2d(
    inputs: Any, pool_size: Any, strides: Any, padding: str = "valid", data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The maximum of each window of images [N,H,W,C], or [N,C,H,W] with data_format "channels_first"."""
    form, size = image_format(data_format)
    with composed(name, "max_pooling2d", inputs):
        return max_pool(inputs, size(pool_size), size(strides), upper(padding), form, name="MaxPool")


def average_pooling2d(
    inputs: Any, pool_size: Any, strides: Any, padding: str = "valid", data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window of images [N,H,W,C], or [N,C,H,W] with data_format "channels_first"."""
    form, size = image_format(data_format)
    with composed(name, "average_pooling2d", inputs):
        return avg_pool(inputs, size(pool_size), size(strides), upper(padding), form, name="AvgPool")


def refuse(unsupported: dict[str, Any], layer: str) -> None:
    for name, value in unsupported.items():
        if value not in (None, False):
            raise ValueError(f"tf.layers.{layer}: {name}={value!r} is not supported")


def require_channels_last(data_format: str) -> None:
    if data_format != "channels_last":
        raise ValueError(f"data_format must be channels_last, not {data_format!r}")


def upper(padding: str) -> Padding:
    """A layer's name of a padding as the ops spell it. They check it."""
    return cast(Padding, padding.upper())


def image_format(data_format: str) -> tuple[DataFormat2D, Callable[[Any], list[int]]]:
    """What ops call a layer's data_format, and a function that writes a size, or a pair, for all four axes."""
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(f"data_format must be channels_last or channels_first, not {data_format!r}")
    if data_format == "channels_first":
        return NCHW, lambda value: [1, 1, *pair(value)]
    return NHWC, lambda value: [1, *pair(value), 1]


def channels_of(x: Tensor, data_format: str, layer: str) -> int:
    """The number of channels of images, which must be known."""
    if data_format == "channels_last":
        return last_size(x, 4, layer)
    dims = x.type.shape
    if dims is None or len(dims) != 4 or dims[1] is None:
        raise ShapeError(f"{layer} takes images [N,C,H,W] whose channels are defined, not {format_shape(dims)}")
    return dims[1]


def last_size(x: Tensor, rank: int, layer: str) -> int:
    dims = x.type.shape
    if dims is None or len(dims) != rank or dims[-1] is None:
        shape = format_shape(dims)
        raise ShapeError(f"{layer} takes a tensor of rank {rank} whose last dimension is defined, not {shape}")
    return dims[-1]


def pair(value: Any) -> tuple[int, int]:
    rows, columns = (value, value) if isinstance(value, int) else value
    return int(rows), int(columns)
