"""`tf.contrib.layers.batch_norm`."""

from __future__ import annotations

from typing import Any

import minigraph as tf
from minigraph.core.arguments import refuse
from minigraph.core.graph import Tensor
from minigraph.layers.common import known
from minigraph.layers.normalization import normalised_batch
from minigraph.tf1.arg_scope import add_arg_scope
from minigraph.tf1.collecting import collect_named_outputs
from minigraph.tf1.contrib_layers import model_weights


@add_arg_scope
def batch_norm(
    inputs: Any, decay: float = 0.999, center: bool = True, scale: bool = False, epsilon: float = 0.001,
    activation_fn: Any = None, param_initializers: Any = None, param_regularizers: Any = None,
    updates_collections: Any = tf.GraphKeys.UPDATE_OPS, is_training: Any = True, reuse: Any = None,
    variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True,
    batch_weights: Any = None, fused: bool | None = None, data_format: str = "NHWC",
    zero_debias_moving_mean: bool = False, scope: str | None = None, renorm: bool = False, renorm_clipping: Any = None,
    renorm_decay: float = 0.99, adjustment: Any = None,
) -> Tensor:  # fmt: skip
    """Batch normalisation, see `tf.layers.batch_normalization`. gamma only with `scale`.

    With updates_collections=None, the moving averages are updated whenever the result is computed in training. Unless
    fused=False, rows [N,C] are treated as images of one pixel, so that their moving variance also averages unbiased
    estimates. renorm_decay has no effect, as renorm is not supported.
    """
    refuse(
        "tf.contrib.layers.batch_norm", batch_weights=batch_weights, zero_debias_moving_mean=zero_debias_moving_mean,
        renorm=renorm, renorm_clipping=renorm_clipping, adjustment=adjustment,
    )  # fmt: skip
    if data_format not in ("NHWC", "NCHW"):
        raise ValueError("data_format has to be either NCHW or NHWC.")
    x, training = tf.convert_to_tensor(inputs), known(is_training)
    rank = x.type.rank
    if rank is None:
        raise ValueError(f"Inputs {x.name} has undefined rank")
    own = fused is not False and (rank == 2 or (rank == 4 and updates_collections != tf.GraphKeys.UPDATE_OPS))
    starts, penalties = param_initializers or {}, param_regularizers or {}
    axis = 1 if data_format == "NCHW" else -1
    with tf.variable_scope(scope, "BatchNorm", [x], reuse=reuse) as where:
        flat = own and rank == 2
        images = tf.reshape(x, [-1, 1, 1, x.shape[1]] if axis == -1 else [-1, x.shape[1], 1, 1]) if flat else x
        before = _state()
        y = normalised_batch(
            images, axis, decay, epsilon, center, scale, training, trainable, fused,
            beta=(starts.get("beta", tf.zeros_initializer()), penalties.get("beta"), None),
            gamma=(starts.get("gamma", tf.ones_initializer()), penalties.get("gamma"), None),
            moving_mean=starts.get("moving_mean", tf.zeros_initializer()),
            moving_variance=starts.get("moving_variance", tf.ones_initializer()),
            count=_nodes(training, center, scale, updates_collections is None) if own else None, beta_first=own,
        )  # fmt: skip
        y = _collect(y, before, variables_collections, updates_collections, own)
        if flat:
            y = tf.reshape(y, tf.shape(x))
        y = y if activation_fn is None else activation_fn(y)
        return collect_named_outputs(outputs_collections, where.name, y)


def _nodes(training: Any, center: bool, scale: bool, now: bool) -> int:
    """The number of nodes, without variables, of TensorFlow's fused form."""
    which = 2 if isinstance(training, Tensor) else int(bool(training))
    return (1, 11, 40 if now else 41)[which] + (not center) + (not scale)


def _state() -> tuple[set[Any], int]:
    """The variables, and the number of update operations."""
    graph = tf.get_default_graph()
    return set(tf.global_variables()), len(graph.get_collection(tf.GraphKeys.UPDATE_OPS))


def _collect(y: Tensor, before: tuple[set[Any], int], variables: Any, updates: Any, own: bool) -> Tensor:
    """Add new variables to their collections and update operations to `updates` (None: run them before the result)."""
    known_before, count = before
    graph = y.graph
    for variable in tf.global_variables():
        if variable not in known_before:
            tf.add_to_collection(tf.GraphKeys.MODEL_VARIABLES, variable)
            name = variable.op.name.rpartition("/")[2]
            extra = variables.get(name, []) if isinstance(variables, dict) else variables
            tf.add_to_collections([extra] if isinstance(extra, str) else extra, variable)
    if updates == tf.GraphKeys.UPDATE_OPS:
        return y
    held = graph.get_collection_ref(tf.GraphKeys.UPDATE_OPS)
    made = held[count:]
    del held[count:]
    if updates is not None:
        for update in made:
            tf.add_to_collections(updates, update)
        return y
    if not made:
        return y
    graph.reserve_ids(0 if own else 1)
    with tf.control_dependencies(made):
        return tf.identity(y)


def _scale_and_shift(
    x: Tensor, size: list[Any], center: bool, scale: bool, starts: dict[str, Any], collections: Any, trainable: bool
) -> tuple[Any, Any]:
    """The variables beta and gamma, None where there is none."""

    def made(name: str, start: Any) -> Any:
        return model_weights(name, size, x, starts.get(name, start), None, trainable, collections)

    beta = made("beta", tf.zeros_initializer()) if center else None
    gamma = made("gamma", tf.ones_initializer()) if scale else None
    return beta, gamma


@add_arg_scope
def layer_norm(
    inputs: Any, center: bool = True, scale: bool = True, activation_fn: Any = None, reuse: Any = None,
    variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True,
    begin_norm_axis: int = 1, begin_params_axis: int = -1, scope: str | None = None,
) -> Tensor:  # fmt: skip
    """Normalise each example over the axes from `begin_norm_axis` on, then scale and shift.

    Variables: beta and gamma, of the shape of the axes from `begin_params_axis` on. Source: Ba et al. 2016.
    """
    x = tf.convert_to_tensor(inputs)
    with tf.variable_scope(scope, "LayerNorm", [x], reuse=reuse) as where:
        dims = x.shape.as_list()
        first = begin_norm_axis % len(dims)
        size = dims[begin_params_axis % len(dims) :]
        if None in size:
            raise ValueError(f"Inputs {x.name}: shape[{begin_params_axis}:] is not fully defined: {x.shape}")
        beta, gamma = _scale_and_shift(x, size, center, scale, {}, variables_collections, trainable)
        mean, variance = tf.nn.moments(x, list(range(first, len(dims))), keep_dims=True)
        epsilon = 1e-3 if x.dtype is tf.float16 else 1e-12
        y = tf.nn.batch_normalization(x, mean, variance, beta, gamma, epsilon)
        y.set_shape(dims)
        y = y if activation_fn is None else activation_fn(y)
        return collect_named_outputs(outputs_collections, where.name, y)


@add_arg_scope
def instance_norm(
    inputs: Any, center: bool = True, scale: bool = True, epsilon: float = 1e-06, activation_fn: Any = None,
    param_initializers: Any = None, reuse: Any = None, variables_collections: Any = None,
    outputs_collections: Any = None, trainable: bool = True, data_format: str = "NHWC", scope: str | None = None,
) -> Tensor:  # fmt: skip
    """Normalise each channel of each image over rows and columns, then scale and shift it.

    Variables: beta and gamma. Source: Ulyanov et al. 2016.
    """
    if data_format not in ("NHWC", "NCHW"):
        raise ValueError("data_format has to be either NCHW or NHWC.")
    x = tf.convert_to_tensor(inputs)
    with tf.variable_scope(scope, "InstanceNorm", [x], reuse=reuse) as where:
        rank = x.type.rank
        if rank is None:
            raise ValueError(f"Inputs {x.name} has undefined rank")
        axis = 1 if data_format == "NCHW" else rank - 1
        size = [x.shape.as_list()[axis]]
        starts = param_initializers or {}
        beta, gamma = _scale_and_shift(x, size, center, scale, starts, variables_collections, trainable)
        if data_format == "NCHW":
            wide = [1, size[0], *[1] * (rank - 2)]
            beta, gamma = (None if v is None else tf.reshape(v, wide) for v in (beta, gamma))
        mean, variance = tf.nn.moments(x, [a for a in range(1, rank) if a != axis], keep_dims=True)
        y = tf.nn.batch_normalization(x, mean, variance, beta, gamma, epsilon, name="instancenorm")
        y = y if activation_fn is None else activation_fn(y)
        return collect_named_outputs(outputs_collections, where.name, y)
