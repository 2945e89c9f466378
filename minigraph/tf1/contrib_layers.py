"""`tf.contrib.layers`: layers with arguments that `arg_scope` can set, and the collections that slim's users expect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.tf1.arg_scope import add_arg_scope

Regularizer = Callable[[Any], Tensor]


def xavier_initializer(uniform: bool = True, seed: int | None = None, dtype: Any = tf.float32) -> Any:
    """Values of variance 2/(fan in + fan out). Source: Glorot and Bengio 2010."""
    return variance_scaling_initializer(1.0, "FAN_AVG", uniform, seed, dtype)


xavier_initializer_conv2d = xavier_initializer


def variance_scaling_initializer(
    factor: float = 2.0, mode: str = "FAN_IN", uniform: bool = False, seed: int | None = None, dtype: Any = tf.float32
) -> Any:
    """Values of variance factor/n, with n the fan in, the fan out, or their mean; cut at two standard deviations where
    they are not uniform. Source: He et al. 2015."""
    distribution = "uniform" if uniform else "truncated_normal"
    if uniform:
        return tf.variance_scaling_initializer(factor, mode.lower(), distribution, seed, dtype)
    corrected = factor * 1.3 * (0.87962566103423978**2)  # this function's rule: a variance of 1.3 times before the cut
    return tf.variance_scaling_initializer(corrected, mode.lower(), distribution, seed, dtype)


def l2_regularizer(scale: float, scope: str | None = None) -> Regularizer:
    """scale·Σw²/2."""

    def penalty(weights: Any) -> Tensor:
        with tf.name_scope(scope, "l2_regularizer", [weights]) as name:
            factor = tf.constant(scale, weights.dtype, name="scale")
            return tf.multiply(factor, tf.nn.l2_loss(weights), name=name)

    return penalty


def l1_regularizer(scale: float, scope: str | None = None) -> Regularizer:
    """scale·Σ|w|."""

    def penalty(weights: Any) -> Tensor:
        with tf.name_scope(scope, "l1_regularizer", [weights]) as name:
            factor = tf.constant(scale, weights.dtype, name="scale")
            return tf.multiply(factor, tf.reduce_sum(tf.abs(weights)), name=name)

    return penalty


def collect_named_outputs(collections: Any, alias: str, outputs: Tensor) -> Tensor:
    """Put a layer's output into collections, and remember the name of its scope, under which end points list it."""
    outputs.graph.stores.setdefault("aliases", {})[outputs] = alias
    for name in collections if isinstance(collections, list | tuple) else [collections]:
        if name:
            tf.add_to_collection(name, outputs)
    return outputs


def convert_collection_to_dict(collection: str) -> dict[str, Tensor]:
    """The tensors of a collection by the names of their scopes."""
    aliases = tf.get_default_graph().stores.get("aliases", {})
    return {aliases.get(t, t.op.name): t for t in tf.get_collection(collection)}


def _variable(
    name: str, shape: list[int], like: Tensor, initializer: Any, regularizer: Any, trainable: bool, collections: Any,
) -> Any:  # fmt: skip
    """A model's variable: it is in MODEL_VARIABLES too, and in `collections`, a list or lists by name."""
    extra = collections.get(name, []) if isinstance(collections, dict) else collections or []
    extra = [extra] if isinstance(extra, str) else list(extra)
    keys = [tf.GraphKeys.GLOBAL_VARIABLES, tf.GraphKeys.MODEL_VARIABLES, *extra]
    return tf.get_variable(name, shape, like.dtype, initializer, regularizer, trainable, keys)


def _finish(
    x: Tensor, y: Tensor, channels: int, normalizer: Any, normalizer_params: Any, biases_initializer: Any,
    biases_regularizer: Any, trainable: bool, collections: Any,
) -> Tensor:  # fmt: skip
    """The normaliser in place of the bias, where there is one."""
    if normalizer is not None:
        return normalizer(y, **(normalizer_params or {}))  # type: ignore[no-any-return]
    if biases_initializer is None:
        return y
    bias = _variable("biases", [channels], x, biases_initializer, biases_regularizer, trainable, collections)
    return tf.nn.bias_add(y, bias)


@add_arg_scope
def conv2d(
    inputs: Any, num_outputs: int, kernel_size: Any, stride: Any = 1, padding: str = "SAME",
    data_format: str | None = None, rate: Any = 1, activation_fn: Any = tf.nn.relu, normalizer_fn: Any = None,
    normalizer_params: Any = None, weights_initializer: Any = None, weights_regularizer: Any = None,
    biases_initializer: Any = tf.zeros_initializer, biases_regularizer: Any = None, reuse: Any = None,
    variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True,
    scope: str | None = None,
) -> Tensor:  # fmt: skip
    """Cross-correlation of images [N,H,W,C], a bias or a normaliser, and ReLU. Variables: weights, biases."""
    if data_format not in (None, "NHWC"):
        raise ValueError(f"data_format must be NHWC, not {data_format!r}")
    x = tf.convert_to_tensor(inputs)
    (rows, columns), strides, rates = _pair(kernel_size), _pair(stride), _pair(rate)
    with tf.variable_scope(scope, "Conv", [x], reuse=reuse) as where:
        dims = [rows, columns, int(x.shape[-1]), num_outputs]
        initializer = weights_initializer or xavier_initializer()
        weights = _variable("weights", dims, x, initializer, weights_regularizer, trainable, variables_collections)
        tf.get_default_graph().reserve_ids(1)  # the dilation rate, a constant
        y = tf.nn.conv2d(x, weights, [1, *strides, 1], padding.upper(), dilations=[1, *rates, 1])
        y = _finish(x, y, num_outputs, normalizer_fn, normalizer_params, biases_initializer, biases_regularizer,
                    trainable, variables_collections)  # fmt: skip
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
    """inputs·weights [N,C], a bias or a normaliser, and ReLU. Variables: weights, biases."""
    x = tf.convert_to_tensor(inputs)
    with tf.variable_scope(scope, "fully_connected", [x], reuse=reuse) as where:
        dims = [int(x.shape[-1]), num_outputs]
        initializer = weights_initializer or xavier_initializer()
        weights = _variable("weights", dims, x, initializer, weights_regularizer, trainable, variables_collections)
        y = _finish(x, tf.matmul(x, weights), num_outputs, normalizer_fn, normalizer_params, biases_initializer,
                    biases_regularizer, trainable, variables_collections)  # fmt: skip
        y = y if activation_fn is None else activation_fn(y)
        return collect_named_outputs(outputs_collections, where.original_name_scope.rstrip("/"), y)


@add_arg_scope
def linear(inputs: Any, num_outputs: int, **options: Any) -> Tensor:
    """`fully_connected` without ReLU."""
    return fully_connected(inputs, num_outputs, activation_fn=None, **options)


@add_arg_scope
def batch_norm(
    inputs: Any, decay: float = 0.999, center: bool = True, scale: bool = False, epsilon: float = 0.001,
    activation_fn: Any = None, param_initializers: Any = None, param_regularizers: Any = None,
    updates_collections: Any = tf.GraphKeys.UPDATE_OPS, is_training: Any = True, reuse: Any = None,
    variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True,
    fused: bool | None = None, scope: str | None = None, **unsupported: Any,
) -> Tensor:  # fmt: skip
    """Batch normalisation, see `tf.layers.batch_normalization`. gamma only with `scale`.

    With updates_collections=None the moving averages change each time that the result is computed in training.
    """
    for name, value in unsupported.items():
        if value not in (None, False, "NHWC"):
            raise ValueError(f"tf.contrib.layers.batch_norm: {name}={value!r} is not supported")
    x = tf.convert_to_tensor(inputs)
    starts, penalties = param_initializers or {}, param_regularizers or {}
    graph = tf.get_default_graph()
    with tf.variable_scope(scope, "BatchNorm", [x], reuse=reuse) as where:
        before, known = list(graph.get_collection_ref(tf.GraphKeys.UPDATE_OPS)), set(tf.global_variables())
        y = tf.layers.batch_normalization(
            x, momentum=decay, epsilon=epsilon, center=center, scale=scale, training=is_training,
            trainable=trainable, fused=fused, name=where,  # type: ignore[arg-type]
                reuse=reuse,
            beta_initializer=starts.get("beta", tf.zeros_initializer),
            gamma_initializer=starts.get("gamma", tf.ones_initializer),
            moving_mean_initializer=starts.get("moving_mean", tf.zeros_initializer),
            moving_variance_initializer=starts.get("moving_variance", tf.ones_initializer),
            beta_regularizer=penalties.get("beta"), gamma_regularizer=penalties.get("gamma"),
        )  # fmt: skip
        for variable in tf.global_variables():
            if variable not in known:
                tf.add_to_collection(tf.GraphKeys.MODEL_VARIABLES, variable)
        held = graph.get_collection_ref(tf.GraphKeys.UPDATE_OPS)
        updates = held[len(before) :]
        if updates_collections != tf.GraphKeys.UPDATE_OPS:
            held[:] = before
            for update in updates if updates_collections else []:
                tf.add_to_collection(updates_collections, update)
            if updates_collections is None and updates:
                with tf.control_dependencies(updates):
                    y = tf.identity(y)
        y = y if activation_fn is None else activation_fn(y)
        return collect_named_outputs(outputs_collections, where.original_name_scope.rstrip("/"), y)


def _pooling(kind: str, default: str) -> Any:
    @add_arg_scope
    def pool(
        inputs: Any, kernel_size: Any, stride: Any = 2, padding: str = "VALID", outputs_collections: Any = None,
        scope: str | None = None,
    ) -> Tensor:  # fmt: skip
        with tf.name_scope(scope, default, [inputs]) as where:
            window, strides = [1, *_pair(kernel_size), 1], [1, *_pair(stride), 1]
            y = getattr(tf.nn, kind)(inputs, window, strides, padding.upper())
            return collect_named_outputs(outputs_collections, where.rstrip("/"), y)

    pool.__name__ = pool.__qualname__ = f"{kind}2d"
    pool.__doc__ = f"`tf.nn.{kind}` of images [N,H,W,C]."
    setattr(pool, "_arg_scope_key", f"{__name__}.{kind}2d")  # noqa: B010
    return pool


@add_arg_scope
def flatten(inputs: Any, outputs_collections: Any = None, scope: str | None = None) -> Tensor:
    """All axes but the first as one."""
    with tf.name_scope(scope, "Flatten", [inputs]) as where:
        return collect_named_outputs(outputs_collections, where.rstrip("/"), tf.layers.flatten(inputs))


@add_arg_scope
def dropout(
    inputs: Any, keep_prob: Any = 0.5, noise_shape: Any = None, is_training: Any = True,
    outputs_collections: Any = None, scope: str | None = None, seed: int | None = None,
) -> Tensor:  # fmt: skip
    """In training, each element is kept with probability `keep_prob` and divided by it, else 0."""
    with tf.variable_scope(scope, "Dropout", [inputs]) as where:
        y = tf.layers.dropout(inputs, 1 - keep_prob, noise_shape, seed, is_training)
        return collect_named_outputs(outputs_collections, where.original_name_scope.rstrip("/"), y)


@add_arg_scope
def one_hot_encoding(labels: Any, num_classes: int, on_value: float = 1.0, off_value: float = 0.0) -> Tensor:
    """Class numbers as rows of `num_classes`."""
    return tf.one_hot(tf.cast(labels, tf.int64), num_classes, on_value, off_value)


def repeat(inputs: Any, repetitions: int, layer: Any, *args: Any, **kwargs: Any) -> Tensor:
    """`layer` several times over, in scopes named <scope>/<scope>_1 and so on."""
    scope = kwargs.pop("scope", None)
    with tf.variable_scope(scope, "Repeat", [inputs]):
        short = scope or getattr(layer, "__name__", "repeat")
        y: Tensor = inputs
        for i in range(repetitions):
            y = layer(y, *args, **kwargs, scope=f"{short}_{i + 1}")
        return y


def stack(inputs: Any, layer: Any, stack_args: Any, **kwargs: Any) -> Tensor:
    """`layer` once for each of `stack_args`, in scopes named <scope>/<scope>_1 and so on."""
    scope = kwargs.pop("scope", None)
    with tf.variable_scope(scope, "Stack", [inputs]):
        short = scope or getattr(layer, "__name__", "stack")
        y: Tensor = inputs
        for i, given in enumerate(stack_args):
            positional = list(given) if isinstance(given, list | tuple) else [given]
            y = layer(y, *positional, **kwargs, scope=f"{short}_{i + 1}")
        return y


def _pair(value: Any) -> list[int]:
    return [int(v) for v in ((value, value) if isinstance(value, int) else value)]


max_pool2d = _pooling("max_pool", "MaxPool2D")
avg_pool2d = _pooling("avg_pool", "AvgPool2D")
