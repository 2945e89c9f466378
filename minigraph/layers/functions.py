"""The common layers of TensorFlow 1's `tf.layers`: functions that make their own variables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias, cast

from minigraph.core.arguments import refuse
from minigraph.core.collections import GraphKeys
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.core.types import format_shape
from minigraph.core.typing import DataFormat2D, LayerDataFormat, LayerPadding, Padding, ShapeLike, Size, TensorLike
from minigraph.ops.array.reshape import reshape, transpose
from minigraph.ops.array.shape import shape
from minigraph.ops.array.slicing import getitem
from minigraph.ops.builder import as_tensor_like, composed
from minigraph.ops.constant import Const
from minigraph.ops.data_format import NCHW, NHWC
from minigraph.ops.filling import zeros_like
from minigraph.ops.identity import identity
from minigraph.ops.math.algebra import tensordot
from minigraph.ops.math.casting import cast as to_dtype
from minigraph.ops.math.casting import widened
from minigraph.ops.math.matmul import matmul
from minigraph.ops.math.selection import where
from minigraph.ops.nn import conv2d as conv
from minigraph.ops.nn.bias import bias_add
from minigraph.ops.nn.dropout import dropout as nn_dropout
from minigraph.ops.nn.norm import LEAST_EPSILON, bessel_corrected, normalised
from minigraph.ops.nn.norm import batch_normalization as normalise
from minigraph.ops.nn.pool import avg_pool, max_pool
from minigraph.ops.nn.statistics import moments
from minigraph.run.initializers import InitializerLike, ones_initializer, zeros_initializer
from minigraph.run.variable_scope import Regularizer, Reuse, VariableScope, get_variable, variable_scope
from minigraph.run.variables import Constraint, Variable, assign_sub

Activation: TypeAlias = Callable[[Tensor], Tensor] | None


@contextmanager
def layer_scope(x: Tensor, name: str | VariableScope | None, default: str, reuse: Reuse) -> Iterator[None]:
    """The variable scope of a layer of `x`. A scope from before is opened again, and so is its name scope."""
    with x.graph.as_default():
        if isinstance(name, VariableScope):
            again = variable_scope(name, reuse=reuse, auxiliary_name_scope=False)
            with x.graph.name_scope(name.original_name_scope), again:
                yield
        else:
            with variable_scope(name, default_name=default, reuse=reuse):
                yield


def batch_normalization(
    inputs: TensorLike, axis: int | Sequence[int] = -1, momentum: float = 0.99, epsilon: float = 1e-3,
    center: bool = True, scale: bool = True, beta_initializer: InitializerLike = zeros_initializer,
    gamma_initializer: InitializerLike = ones_initializer, moving_mean_initializer: InitializerLike = zeros_initializer,
    moving_variance_initializer: InitializerLike = ones_initializer, beta_regularizer: Regularizer | None = None,
    gamma_regularizer: Regularizer | None = None, beta_constraint: Constraint | None = None,
    gamma_constraint: Constraint | None = None, training: TensorLike = False, trainable: bool = True,
    name: str | None = None, reuse: Reuse = None, renorm: bool = False, renorm_clipping: None = None,
    renorm_momentum: float = 0.99, fused: bool | None = None, virtual_batch_size: None = None, adjustment: None = None,
) -> Tensor:  # fmt: skip
    """Normalise over all axes but one: gamma·(x − mean)/√(variance + epsilon) + beta.

    In training, mean and (biased) variance are the batch's, and gradients flow through them. Otherwise they are the
    moving averages. The operations in the collection `tf.GraphKeys.UPDATE_OPS` update these averages; a training
    loop runs them with each step:

        with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
            train = optimizer.minimize(loss)

    For four-dimensional inputs normalised over axis 1 or 3, which TensorFlow computes by a fused kernel, the moving
    variance is of the unbiased estimate m/(m − 1)·σ² from m numbers; for other inputs it is of the biased one.
    Variables: gamma, beta, moving_mean, moving_variance.

    Args:
        inputs: Tensor of known rank, whose size along `axis` is known.
        axis: The axis of the channels, or a list of that one axis.
        momentum: Each update keeps this share of the moving averages.
        epsilon: Small number added to the variance.
        center: Whether beta is added.
        scale: Whether gamma is multiplied.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer: Initializers of the
            variables.
        beta_regularizer, gamma_regularizer: Functions from a variable to its penalty, which is added to
            `tf.GraphKeys.REGULARIZATION_LOSSES`.
        beta_constraint, gamma_constraint: Functions from a variable to the value that optimizers assign to it after
            each update.
        training: A bool, or a bool scalar tensor.
        trainable: Whether gamma and beta are in `tf.GraphKeys.TRAINABLE_VARIABLES`.
        name: Variable scope of the layer; by default `batch_normalization`, `batch_normalization_1`, …
        reuse: True to use the variables of an earlier layer of this name, `tf.AUTO_REUSE` to use or make them.
        fused: False for the biased moving variance with images, too.
        renorm, renorm_clipping, virtual_batch_size, adjustment: Not supported; they must be False or None.
        renorm_momentum: TensorFlow 1's; it has no effect without `renorm`.

    Returns:
        A tensor of the shape and dtype of `inputs`.

    Raises:
        ShapeError: The rank of `inputs`, or the size along `axis`, is unknown, or `axis` is not one axis of `inputs`.
        ValueError: An argument is not supported.

    Example:
        >>> x = tf.constant([[1.0], [3.0]])
        >>> y = tf.layers.batch_normalization(x, epsilon=0.0, training=True)
        >>> update = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
        >>> with tf.Session() as sess:
        ...     sess.run(tf.global_variables_initializer())
        ...     print(sess.run([y, update])[0].ravel())
        [-1.  1.]

    Source: Ioffe and Szegedy, "Batch normalization", 2015.
    """
    refuse(
        "tf.layers.batch_normalization", renorm=renorm, renorm_clipping=renorm_clipping,
        virtual_batch_size=virtual_batch_size, adjustment=adjustment,
    )  # fmt: skip
    x = convert_to_tensor(inputs)
    with layer_scope(x, name, "batch_normalization", reuse):
        return normalised_batch(
            x, axis, momentum, epsilon, center, scale, known(training), trainable, fused,
            beta=(beta_initializer, beta_regularizer, beta_constraint),
            gamma=(gamma_initializer, gamma_regularizer, gamma_constraint),
            moving_mean=moving_mean_initializer, moving_variance=moving_variance_initializer,
        )  # fmt: skip


def known(condition: Any) -> Any:
    """The value of a constant bool tensor; any other argument unchanged."""
    condition = as_tensor_like(condition)
    if isinstance(condition, Tensor) and isinstance(condition.node.op, Const):
        return bool(condition.node.op.value)
    return condition


def normalised_batch(
    x: Tensor, axis: Any, momentum: float, epsilon: float, center: bool, scale: bool, training: Any, trainable: bool,
    fused: bool | None, beta: tuple[Any, Any, Any], gamma: tuple[Any, Any, Any], moving_mean: Any, moving_variance: Any,
    count: int | None = None, beta_first: bool = False,
) -> Tensor:  # fmt: skip
    """`batch_normalization` in the current variable scope. beta and gamma: initializer, regularizer, constraint.

    count: the number of nodes TensorFlow makes, without the variables', if it differs from that of `tf.layers`.
    """
    along = _channel_axis(axis, x)
    others = [a for a in range(len(x.type.shape or ())) if a != along]
    fuses = fused is not False and along in (1, 3) and len(others) == 3

    def variable(name: str, initializer: Any, regularizer: Any, constraint: Any, learned: bool) -> Variable:
        size = [x.type.shape[along]]  # type: ignore[index]
        return get_variable(name, size, x.dtype, initializer, regularizer, learned, constraint=constraint)

    wanted = [("gamma", gamma, scale), ("beta", beta, center)]
    made = {n: variable(n, *how, trainable) for n, how, want in (wanted[::-1] if beta_first else wanted) if want}
    averages = variable("moving_mean", moving_mean, None, None, False)
    spread = variable("moving_variance", moving_variance, None, None, False)
    with x.graph.counted_as(count or _nodes(training, fuses, center, scale, along == len(others))):
        mean, variance = averages.value(), spread.value()
        dtype = x.dtype
        parts: list[Any] = [made.get("beta"), made.get("gamma")]
        if isinstance(training, Tensor) or training:
            x, mean, variance = (widened(v) for v in (x, mean, variance))
            if x.dtype is not dtype:
                parts = [None if v is None else widened(v.value()) for v in parts]
            batch_mean, biased = moments(x, others)
            _move(averages, to_dtype(batch_mean, dtype), momentum, training)
            corrected = bessel_corrected(biased, x) if fuses else biased
            _move(spread, to_dtype(corrected, dtype), momentum, training)
            mean, variance = (_if(training, a, b) for a, b in ((batch_mean, mean), (biased, variance)))
        middle, width, offset, factor = (_spread(p, along, x) for p in (mean, variance, *parts))
        if not fuses:
            return to_dtype(normalise(x, middle, width, offset, factor, epsilon), dtype)
        name = "cond/Merge" if isinstance(training, Tensor) else "FusedBatchNormV3"
        return to_dtype(normalised(x, middle, width, offset, factor, max(epsilon, LEAST_EPSILON), name), dtype)


def _nodes(training: Any, fused: bool, center: bool, scale: bool, last: bool) -> int:
    """The number of nodes TensorFlow 1.15 makes for a batch normalisation, without the variables'."""
    which = 2 if isinstance(training, Tensor) else int(bool(training))
    if fused:
        return (2, 14, 36)[which] + (not center) + (not scale)
    return (8, 24, 56)[which] - (not scale) + (0 if last else 8)


def _channel_axis(axis: Any, x: Tensor) -> int:
    """The axis of the channels, counted from 0."""
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
    """Add to UPDATE_OPS: variable −= (1 − momentum)·(variable − value), in training."""
    graph = variable.graph
    with graph.name_scope("AssignMovingAvg") as scope:
        step: Tensor = (variable - value) * (1.0 - momentum)
        update = assign_sub(variable, _if(training, step, zeros_like(step)), name=scope)
    graph.add_to_collection(GraphKeys.UPDATE_OPS, update.op)


def _spread(values: Any, along: int, x: Tensor) -> Any:
    """`values`, numbers along the axis `along` or None, reshaped to broadcast against `x`."""
    rank = len(x.type.shape or ())
    return (
        values
        if values is None or along == rank - 1
        else reshape(values, [-1 if a == along else 1 for a in range(rank)])
    )


def conv2d(
    inputs: TensorLike, filters: int, kernel_size: Size, strides: Size = (1, 1), padding: LayerPadding = "valid",
    data_format: LayerDataFormat = "channels_last", dilation_rate: Size = (1, 1), activation: Activation = None,
    use_bias: bool = True, kernel_initializer: InitializerLike | None = None,
    bias_initializer: InitializerLike = zeros_initializer, kernel_regularizer: Regularizer | None = None,
    bias_regularizer: Regularizer | None = None, activity_regularizer: None = None,
    kernel_constraint: Constraint | None = None, bias_constraint: Constraint | None = None, trainable: bool = True,
    name: str | None = None, reuse: Reuse = None,
) -> Tensor:  # fmt: skip
    """Convolve images with trained filters and add a bias.

    As everywhere in deep learning, this is a cross-correlation: the kernel is not flipped.
    Variables: kernel [KH,KW,C,filters], bias [filters].

    Args:
        inputs: Floating-point images [N,H,W,C], with C known.
        filters: Number of filters, the channels of the result.
        kernel_size: Rows and columns of the filters: one number, or a pair.
        strides: Steps along rows and columns: one number, or a pair.
        padding: "valid" for no padding, or "same" to keep the size at stride 1.
        data_format: "channels_last" for images [N,H,W,C] or "channels_first" for [N,C,H,W].
        dilation_rate: Distance between the kernel's elements: one number, or a pair.
        activation: Function applied to the result, such as `tf.nn.relu`; None for none.
        use_bias: Whether a bias is added.
        kernel_initializer: Initializer of the kernel; by default the scope's, or else Glorot's uniform one.
        bias_initializer: Initializer of the bias.
        kernel_regularizer, bias_regularizer: Functions from a variable to its penalty, which is added to
            `tf.GraphKeys.REGULARIZATION_LOSSES`.
        activity_regularizer: Not supported; it must be None.
        kernel_constraint, bias_constraint: Functions from a variable to the value that optimizers assign to it after
            each update.
        trainable: Whether the variables are in `tf.GraphKeys.TRAINABLE_VARIABLES`.
        name: Variable scope of the layer; by default `conv2d`, `conv2d_1`, …
        reuse: True to use the variables of an earlier layer of this name, `tf.AUTO_REUSE` to use or make them.

    Returns:
        Images [N,H',W',filters]; H' is ⌈H/stride⌉ with "same", ⌈(H − KH + 1)/stride⌉ with "valid" and no dilation.

    Raises:
        ValueError: An argument has an unknown value, or is not supported.
        ShapeError: The rank of `inputs` is wrong, or the number of channels is unknown.

    Example:
        >>> x = tf.placeholder(tf.float32, [None, 28, 28, 1])
        >>> tf.layers.conv2d(x, filters=32, kernel_size=5, padding="same", activation=tf.nn.relu).shape.as_list()
        [None, 28, 28, 32]
    """
    refuse("tf.layers.conv2d", activity_regularizer=activity_regularizer)
    form, size = image_format(data_format)
    x = convert_to_tensor(inputs)
    channels = channels_of(x, data_format, "conv2d")
    rows, columns = pair(kernel_size)
    with layer_scope(x, name, "conv2d", reuse):
        dims = [rows, columns, channels, filters]
        kernel = get_variable("kernel", dims, x.dtype, kernel_initializer, kernel_regularizer, trainable,
                              constraint=kernel_constraint)  # fmt: skip
        x.graph.reserve_ids(1)  # the dilation rate, a constant
        y = conv.conv2d(x, kernel, size(strides), op_padding(padding), data_format=form, dilations=size(dilation_rate))
        bias = (bias_initializer, bias_regularizer, trainable, bias_constraint) if use_bias else None
        return finished(y, filters, bias, activation, form)


def dense(
    inputs: TensorLike, units: int, activation: Activation = None, use_bias: bool = True,
    kernel_initializer: InitializerLike | None = None, bias_initializer: InitializerLike = zeros_initializer,
    kernel_regularizer: Regularizer | None = None, bias_regularizer: Regularizer | None = None,
    activity_regularizer: None = None, kernel_constraint: Constraint | None = None,
    bias_constraint: Constraint | None = None, trainable: bool = True, name: str | None = None, reuse: Reuse = None,
) -> Tensor:  # fmt: skip
    """Multiply by a trained matrix and add a bias: a fully connected layer.

    Variables: kernel [C,units], bias [units].

    Args:
        inputs: Floating-point tensor […,C], with C known.
        units: Size of the last axis of the result.
        activation: Function applied to the result, such as `tf.nn.relu`; None for none.
        use_bias: Whether a bias is added.
        kernel_initializer: Initializer of the kernel; by default the scope's, or else Glorot's uniform one.
        bias_initializer: Initializer of the bias.
        kernel_regularizer, bias_regularizer: Functions from a variable to its penalty, which is added to
            `tf.GraphKeys.REGULARIZATION_LOSSES`.
        activity_regularizer: Not supported; it must be None.
        kernel_constraint, bias_constraint: Functions from a variable to the value that optimizers assign to it after
            each update.
        trainable: Whether the variables are in `tf.GraphKeys.TRAINABLE_VARIABLES`.
        name: Variable scope of the layer; by default `dense`, `dense_1`, …
        reuse: True to use the variables of an earlier layer of this name, `tf.AUTO_REUSE` to use or make them.

    Returns:
        A tensor […,units] of the dtype of `inputs`.

    Raises:
        ValueError: An argument is not supported.
        ShapeError: The last dimension of `inputs` is unknown, or there is only one.

    Example:
        >>> x = tf.placeholder(tf.float32, [None, 784])
        >>> tf.layers.dense(x, 10).shape.as_list()
        [None, 10]
        >>> [v.name for v in tf.trainable_variables()]
        ['dense/kernel:0', 'dense/bias:0']
    """
    refuse("tf.layers.dense", activity_regularizer=activity_regularizer)
    x = convert_to_tensor(inputs)
    width = last_size(x, max(x.type.rank or 2, 2), "dense")
    with layer_scope(x, name, "dense", reuse):
        kernel = get_variable("kernel", [width, units], x.dtype, kernel_initializer, kernel_regularizer, trainable,
                              constraint=kernel_constraint)  # fmt: skip
        y = product_with(x, kernel)
        bias = (bias_initializer, bias_regularizer, trainable, bias_constraint) if use_bias else None
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
    y: Tensor, units: int, bias: tuple[Any, Any, bool, Any] | None, activation: Activation,
    form: DataFormat2D | None = None,
) -> Tensor:  # fmt: skip
    """activation(y + bias).

    bias: its initializer, its regularizer, whether it is trained, and its constraint; None for no bias.
    """
    if bias is not None:
        initializer, regularizer, trainable, constraint = bias
        how = (initializer, regularizer, trainable)
        y = bias_add(y, get_variable("bias", [units], y.dtype, *how, constraint=constraint), form)
    return y if activation is None else activation(y)


def flatten(inputs: TensorLike, name: str | None = None, data_format: LayerDataFormat = "channels_last") -> Tensor:
    """Join all axes but the first.

    Args:
        inputs: Tensor [N,…] of known rank.
        name: Name scope of the nodes.
        data_format: With "channels_first" the channels become the last axis before the others are joined.

    Returns:
        A tensor [N, product of the other sizes] of the dtype of `inputs`.

    Raises:
        ShapeError: The rank of `inputs` is unknown.
        ValueError: `data_format` is unknown.

    Example:
        >>> tf.layers.flatten(tf.zeros([2, 4, 4, 3])).shape.as_list()
        [2, 48]
    """
    x = convert_to_tensor(inputs)
    if x.type.shape is None:
        raise ShapeError("flatten needs to know the rank of its input")
    with x.graph.as_default(), x.graph.name_scope(name or "flatten"):
        if image_format(data_format)[0] == NCHW and len(x.type.shape) > 2:
            x = transpose(x, [0, *range(2, len(x.type.shape)), 1])
        dims = x.type.shape or ()
        x.graph.reserve_ids(6 if dims[0] is None else 0)  # the nodes that look up the size of the batch
        if None not in dims[1:]:
            size = math.prod(dim for dim in dims[1:] if dim is not None)
            return reshape(x, [-1 if dims[0] is None else dims[0], size])
        return reshape(x, [getitem(shape(x), 0) if dims[0] is None else dims[0], -1])


def dropout(
    inputs: TensorLike, rate: TensorLike = 0.5, noise_shape: ShapeLike | Tensor = None, seed: int | None = None,
    training: TensorLike = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """In training, set a random share of the elements to 0 and divide the others by 1 − rate.

    Args:
        inputs: Floating-point tensor.
        rate: The probability that an element is set to 0, in [0, 1); a number or a scalar tensor.
        noise_shape: Shape of the random mask, which is broadcast to `inputs`; by default that of `inputs`.
        seed: Seed of the mask; see `tf.set_random_seed`.
        training: A bool, or a bool scalar tensor. If False, the result is `inputs`.
        name: Name scope of the nodes.

    Returns:
        A tensor of the shape and dtype of `inputs`.

    Raises:
        ValueError: `rate` is a number outside [0, 1), or `inputs` is not floating-point.

    Example:
        >>> y = tf.layers.dropout(tf.ones([1000]), rate=0.5, training=True)
        >>> print(np.unique(tf.Session().run(y)))
        [0. 2.]

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.
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
    inputs: TensorLike, pool_size: Size, strides: Size, padding: LayerPadding = "valid",
    data_format: LayerDataFormat = "channels_last", name: str | None = None,
) -> Tensor:  # fmt: skip
    """Take the maximum of each window of images, channel by channel.

    Args:
        inputs: Images [N,H,W,C].
        pool_size: Sizes of the window: one number, or a pair.
        strides: Steps from window to window: one number, or a pair.
        padding: "valid" for no padding, or "same" to keep the size at stride 1.
        data_format: "channels_last" for images [N,H,W,C] or "channels_first" for [N,C,H,W].
        name: Name scope of the nodes.

    Returns:
        Images [N,H,W,C] with smaller spatial sizes.

    Raises:
        ValueError: An argument has an unknown value.
        ShapeError: The rank of `inputs` is wrong, or a window does not fit.

    Example:
        >>> tf.layers.max_pooling2d(tf.zeros([1, 6, 6, 3]), pool_size=2, strides=2).shape.as_list()
        [1, 3, 3, 3]
    """
    form, size = image_format(data_format)
    with composed(name, "max_pooling2d", inputs):
        return max_pool(inputs, size(pool_size), size(strides), op_padding(padding), form, name="MaxPool")


def average_pooling2d(
    inputs: TensorLike, pool_size: Size, strides: Size, padding: LayerPadding = "valid",
    data_format: LayerDataFormat = "channels_last", name: str | None = None,
) -> Tensor:  # fmt: skip
    """Take the mean of each window of images, channel by channel.

    Padding counts neither in the sum nor in the number of elements.

    Args:
        inputs: Images [N,H,W,C].
        pool_size: Sizes of the window: one number, or a pair.
        strides: Steps from window to window: one number, or a pair.
        padding: "valid" for no padding, or "same" to keep the size at stride 1.
        data_format: "channels_last" for images [N,H,W,C] or "channels_first" for [N,C,H,W].
        name: Name scope of the nodes.

    Returns:
        Images [N,H,W,C] with smaller spatial sizes.

    Raises:
        ValueError: An argument has an unknown value.
        ShapeError: The rank of `inputs` is wrong, or a window does not fit.

    Example:
        >>> tf.layers.average_pooling2d(tf.zeros([1, 6, 6, 3]), pool_size=2, strides=2).shape.as_list()
        [1, 3, 3, 3]
    """
    form, size = image_format(data_format)
    with composed(name, "average_pooling2d", inputs):
        return avg_pool(inputs, size(pool_size), size(strides), op_padding(padding), form, name="AvgPool")


def op_padding(padding: LayerPadding) -> Padding:
    """A layer's padding as ops spell it."""
    return cast(Padding, padding.upper())


def require_channels_last(data_format: str) -> None:
    """ValueError for another data format."""
    if data_format != "channels_last":
        raise ValueError(f"data_format must be channels_last, not {data_format!r}")


def image_format(data_format: str) -> tuple[DataFormat2D, Callable[[Any], list[int]]]:
    """The ops' name of a data format, and a function that turns a size or a pair into sizes for all four axes."""
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(f"data_format must be channels_last or channels_first, not {data_format!r}")
    if data_format == "channels_first":
        return NCHW, lambda value: [1, 1, *pair(value)]
    return NHWC, lambda value: [1, *pair(value), 1]


def channels_of(x: Tensor, data_format: str, layer: str) -> int:
    """The number of channels of images. ShapeError if it is unknown."""
    if data_format == "channels_last":
        return last_size(x, 4, layer)
    dims = x.type.shape
    if dims is None or len(dims) != 4 or dims[1] is None:
        raise ShapeError(f"{layer} takes images [N,C,H,W] whose channels are defined, not {format_shape(dims)}")
    return dims[1]


def last_size(x: Tensor, rank: int, layer: str) -> int:
    """The size of the last axis of a tensor of the given rank. ShapeError if it is unknown."""
    dims = x.type.shape
    if dims is None or len(dims) != rank or dims[-1] is None:
        shape = format_shape(dims)
        raise ShapeError(f"{layer} takes a tensor of rank {rank} whose last dimension is defined, not {shape}")
    return dims[-1]


def pair(value: Any) -> tuple[int, int]:
    """A number or a pair as a pair."""
    rows, columns = (value, value) if isinstance(value, int) else value
    return int(rows), int(columns)
