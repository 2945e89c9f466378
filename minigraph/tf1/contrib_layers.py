"""`tf.contrib.layers`: layers with arguments that `arg_scope` can set, and the collections that slim's users expect."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any, cast

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.core.typing import DataFormat2D, LayerPadding
from minigraph.layers.common import channels_of, image_format, known, last_size, op_padding, sizes
from minigraph.layers.functions import dropped, product_with
from minigraph.run.initializers import Distribution, FanMode
from minigraph.run.variable_scope import Regularizer
from minigraph.tf1.arg_scope import add_arg_scope
from minigraph.tf1.collecting import collect_named_outputs
from minigraph.util.nest import listed


def xavier_initializer(uniform: bool = True, seed: int | None = None, dtype: Any = tf.float32) -> Any:
    """Values of variance 2/(fan in + fan out). Source: Glorot and Bengio 2010."""
    return variance_scaling_initializer(1.0, "FAN_AVG", uniform, seed, dtype)


xavier_initializer_conv2d = xavier_initializer


def variance_scaling_initializer(
    factor: float = 2.0, mode: str = "FAN_IN", uniform: bool = False, seed: int | None = None, dtype: Any = tf.float32
) -> Any:
    """Values of variance factor/n, with n the fan in, the fan out, or their mean; normal values are truncated at two
    standard deviations. Source: He et al. 2015."""
    if mode not in ("FAN_IN", "FAN_OUT", "FAN_AVG"):
        raise TypeError(f"Unknown mode {mode!r}: expected FAN_IN, FAN_OUT or FAN_AVG")
    distribution: Distribution = "uniform" if uniform else "truncated_normal"
    fan = cast(FanMode, mode.lower())
    if uniform:
        return tf.variance_scaling_initializer(factor, fan, distribution, seed, dtype)
    corrected = factor * 1.3 * (0.87962566103423978**2)  # this function's rule: a variance of 1.3 times before the cut
    return tf.variance_scaling_initializer(corrected, fan, distribution, seed, dtype)


def _regularizer(scale: Any, scope: str | None, default: str, size: Callable[[Any], Tensor]) -> Regularizer:
    """scale·size(w), as a named function."""
    if isinstance(scale, numbers.Integral):
        raise ValueError(f"scale cannot be an integer: {scale}")
    if isinstance(scale, numbers.Real) and scale < 0:
        raise ValueError(f"Setting a scale less than 0 on a regularizer: {scale}")

    def penalty(weights: Any) -> Tensor | None:
        if isinstance(scale, numbers.Real) and scale == 0:
            return None
        with tf.name_scope(scope, default, [weights]) as name:
            factor = tf.convert_to_tensor(scale, weights.dtype, name="scale")
            return tf.multiply(factor, size(weights), name=name)

    return penalty


def l2_regularizer(scale: float, scope: str | None = None) -> Regularizer:
    """scale·Σw²/2. None for a scale of 0."""
    return _regularizer(scale, scope, "l2_regularizer", lambda weights: tf.nn.l2_loss(weights))


def l1_regularizer(scale: float, scope: str | None = None) -> Regularizer:
    """scale·Σ|w|. None for a scale of 0."""
    return _regularizer(scale, scope, "l1_regularizer", lambda weights: tf.reduce_sum(tf.abs(weights)))


def l1_l2_regularizer(scale_l1: float = 1.0, scale_l2: float = 1.0, scope: str | None = None) -> Regularizer:
    """scale_l1·Σ|w| + scale_l2·Σw²/2."""
    both: Regularizer = sum_regularizer(
        [l1_regularizer(scale_l1), l2_regularizer(scale_l2)], scope or "l1_l2_regularizer"
    )
    return both


def sum_regularizer(regularizer_list: Any, scope: str | None = None) -> Any:
    """The sum of several regularizers, None among them left out; None if there are no others."""
    chosen = [r for r in regularizer_list if r is not None]
    if not chosen:
        return None

    def penalty(weights: Any) -> Tensor | None:
        with tf.name_scope(scope, "sum_regularizer", [weights]) as name:
            terms = [term for term in (r(weights) for r in chosen) if term is not None]
            return tf.add_n(terms, name=name) if terms else None

    return penalty


def apply_regularization(regularizer: Any, weights_list: Any = None) -> Tensor:
    """The sum of a regularizer's penalties of variables, by default those of the collection WEIGHTS.

    It is added to REGULARIZATION_LOSSES. ValueError if there are no variables.
    """
    weights = list(tf.get_collection(tf.GraphKeys.WEIGHTS) if weights_list is None else weights_list)
    if not weights:
        raise ValueError("No weights to regularize.")
    with tf.name_scope("get_regularization_penalty", values=weights) as scope:
        penalties = [p if (p := regularizer(w)) is not None else tf.constant(0.0) for w in weights]
        total = tf.add_n(penalties, name=scope)
        tf.add_to_collection(tf.GraphKeys.REGULARIZATION_LOSSES, total)
        return total


def model_weights(
    name: str, shape: list[int], like: Tensor, initializer: Any, regularizer: Any, trainable: bool, collections: Any,
) -> Any:  # fmt: skip
    """A model's variable, also added to MODEL_VARIABLES and to `collections` (a list, or lists by name)."""
    extra = collections.get(name, []) if isinstance(collections, dict) else collections or []
    extra = [extra] if isinstance(extra, str) else list(extra)
    keys = [tf.GraphKeys.GLOBAL_VARIABLES, tf.GraphKeys.MODEL_VARIABLES, *extra]
    return tf.get_variable(name, shape, like.dtype, initializer, _called(regularizer, name), trainable, keys)


_LAYERS_NAMES = {
    "weights": "kernel", "biases": "bias", "depthwise_weights": "depthwise_kernel",
    "pointwise_weights": "pointwise_kernel",
}  # fmt: skip


def _called(regularizer: Any, name: str) -> Any:
    """The regularizer, with its nodes in a scope named as the variable is in `tf.layers`."""
    if regularizer is None:
        return None

    def penalty(weights: Any) -> Tensor | None:
        scope = weights.op.name.removesuffix(name) + _LAYERS_NAMES[name]
        with tf.name_scope(f"{scope}/Regularizer/"):
            return regularizer(weights)  # type: ignore[no-any-return]

    return penalty


def finish(
    x: Tensor, y: Tensor, channels: int, normalizer: Any, normalizer_params: Any, biases_initializer: Any,
    biases_regularizer: Any, trainable: bool, collections: Any, form: DataFormat2D | None = None,
) -> Tensor:  # fmt: skip
    """Apply the normaliser if given, otherwise add the bias."""
    if normalizer is not None:
        return normalizer(y, **(normalizer_params or {}))  # type: ignore[no-any-return]
    if biases_initializer is None:
        return y
    bias = model_weights("biases", [channels], x, biases_initializer, biases_regularizer, trainable, collections)
    return tf.nn.bias_add(y, bias, form)


@add_arg_scope
def conv2d(
    inputs: Any, num_outputs: int, kernel_size: Any, stride: Any = 1, padding: LayerPadding = "SAME",
    data_format: str | None = None, rate: Any = 1, activation_fn: Any = tf.nn.relu, normalizer_fn: Any = None,
    normalizer_params: Any = None, weights_initializer: Any = None, weights_regularizer: Any = None,
    biases_initializer: Any = tf.zeros_initializer, biases_regularizer: Any = None, reuse: Any = None,
    variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True,
    scope: str | None = None,
) -> Tensor:  # fmt: skip
    """Cross-correlation of images [N,H,W,C], a bias or a normaliser, and ReLU.

    Variables: weights, biases.
    """
    x = tf.convert_to_tensor(inputs)
    form, size = image_format(layout_of(data_format))
    with tf.variable_scope(scope, "Conv", [x], reuse=reuse) as where:
        dims = [*sizes(kernel_size, 2, "kernel_size"), channels_of(x, layout_of(data_format), "conv2d"), num_outputs]
        initializer = weights_initializer or xavier_initializer()
        weights = model_weights("weights", dims, x, initializer, weights_regularizer, trainable, variables_collections)
        tf.get_default_graph().reserve_ids(1)  # the dilation rate, a constant
        y = tf.nn.conv2d(x, weights, size(stride), op_padding(padding), data_format=form, dilations=size(rate))
        y = finish(x, y, num_outputs, normalizer_fn, normalizer_params, biases_initializer, biases_regularizer,
                    trainable, variables_collections, form)  # fmt: skip
        y = y if activation_fn is None else activation_fn(y)
        return collect_named_outputs(outputs_collections, where.original_name_scope.rstrip("/"), y)


convolution2d = convolution = conv2d


@add_arg_scope
def fully_connected(
    inputs: Any, num_outputs: int, activation_fn: Any = tf.nn.relu, normalizer_fn: Any = None,
    normalizer_params: Any = None, weights_initializer: Any = None, weights_regularizer: Any = None,
    biases_initializer: Any = tf.zeros_initializer, biases_regularizer: Any = None, reuse: Any = None,
    variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True,
    scope: str | None = None,
) -> Tensor:  # fmt: skip
    """inputs·weights over the last axis of inputs [..., C], a bias or a normaliser, and ReLU.

    Variables: weights, biases.
    """
    x = tf.convert_to_tensor(inputs)
    if not isinstance(num_outputs, numbers.Integral):
        raise ValueError(f"num_outputs must be an integer, not {num_outputs!r}")
    with tf.variable_scope(scope, "fully_connected", [x], reuse=reuse) as where:
        dims = [last_size(x, max(x.type.rank or 2, 2), "fully_connected"), num_outputs]
        initializer = weights_initializer or xavier_initializer()
        weights = model_weights("weights", dims, x, initializer, weights_regularizer, trainable, variables_collections)
        y = finish(x, product_with(x, weights), num_outputs, normalizer_fn, normalizer_params, biases_initializer,
                    biases_regularizer, trainable, variables_collections)  # fmt: skip
        y = y if activation_fn is None else activation_fn(y)
        return collect_named_outputs(outputs_collections, where.original_name_scope.rstrip("/"), y)


@add_arg_scope
def linear(inputs: Any, num_outputs: int, **options: Any) -> Tensor:
    """`fully_connected` without ReLU."""
    return fully_connected(inputs, num_outputs, activation_fn=None, **options)


def _pooling(kind: str, default: str) -> Any:
    @add_arg_scope
    def pool(
        inputs: Any, kernel_size: Any, stride: Any = 2, padding: str = "VALID", data_format: str | None = "NHWC",
        outputs_collections: Any = None, scope: str | None = None,
    ) -> Tensor:  # fmt: skip
        form, size = image_format(layout_of(data_format))
        with tf.name_scope(scope, default, [inputs]) as where:
            y = getattr(tf.nn, kind)(inputs, size(kernel_size), size(stride), padding.upper(), form)
            return collect_named_outputs(outputs_collections, where.rstrip("/"), y)

    pool.__name__ = pool.__qualname__ = f"{kind}2d"
    pool.__doc__ = f"`tf.nn.{kind}` of images [N,H,W,C]."
    setattr(pool, "_arg_scope_key", f"{__name__}.{kind}2d")  # noqa: B010
    return pool


@add_arg_scope
def flatten(inputs: Any, outputs_collections: Any = None, scope: str | None = None) -> Tensor:
    """Flatten all axes but the first."""
    with tf.name_scope(scope, "Flatten", [inputs]) as where:
        return collect_named_outputs(outputs_collections, where.rstrip("/"), tf.layers.flatten(inputs))


@add_arg_scope
def dropout(
    inputs: Any, keep_prob: Any = 0.5, noise_shape: Any = None, is_training: Any = True,
    outputs_collections: Any = None, scope: str | None = None, seed: int | None = None,
) -> Tensor:  # fmt: skip
    """In training, keep each element with probability `keep_prob` and divide it by `keep_prob`; set others to 0."""
    with tf.variable_scope(scope, "Dropout", [inputs]) as where:
        tf.get_default_graph().unique_name(where.name.rpartition("/")[2])  # the layer's own scope, which nothing is in
        y = dropped(tf.convert_to_tensor(inputs), 1 - keep_prob, noise_shape, seed, known(is_training))
        return collect_named_outputs(outputs_collections, where.name, y)


@add_arg_scope
def one_hot_encoding(
    labels: Any, num_classes: int, on_value: float = 1.0, off_value: float = 0.0, outputs_collections: Any = None,
    scope: str | None = None,
) -> Tensor:  # fmt: skip
    """One-hot rows of length `num_classes`."""
    with tf.name_scope(scope, "OneHotEncoding", [labels]) as where:
        rows = tf.one_hot(tf.cast(labels, tf.int64), num_classes, on_value, off_value)
        return collect_named_outputs(outputs_collections, where.rstrip("/"), rows)


def repeat(inputs: Any, repetitions: int, layer: Any, *args: Any, **kwargs: Any) -> Tensor:
    """Apply `layer` repeatedly, in scopes named <scope>/<scope>_1 and so on."""
    scope = kwargs.pop("scope", None)
    with tf.variable_scope(scope, "Repeat", [inputs]):
        short = scope or getattr(layer, "__name__", "repeat")
        y: Tensor = inputs
        for i in range(repetitions):
            y = layer(y, *args, **kwargs, scope=f"{short}_{i + 1}")
        return y


def stack(inputs: Any, layer: Any, stack_args: Any, **kwargs: Any) -> Tensor:
    """Apply `layer` once for each of `stack_args`, in scopes named <scope>/<scope>_1 and so on."""
    scope = kwargs.pop("scope", None)
    with tf.variable_scope(scope, "Stack", [inputs]):
        short = scope or getattr(layer, "__name__", "stack")
        y: Tensor = inputs
        for i, given in enumerate(stack_args):
            positional = listed(given)
            y = layer(y, *positional, **kwargs, scope=f"{short}_{i + 1}")
        return y


def layout_of(data_format: str | None) -> str:
    """`data_format` under its name in `tf.layers`."""
    if data_format not in (None, "NHWC", "NCHW"):
        raise ValueError(f"data_format must be NHWC or NCHW, not {data_format!r}")
    return "channels_first" if data_format == "NCHW" else "channels_last"


max_pool2d = _pooling("max_pool", "MaxPool2D")
avg_pool2d = _pooling("avg_pool", "AvgPool2D")
