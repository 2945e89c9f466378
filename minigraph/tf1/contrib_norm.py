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
