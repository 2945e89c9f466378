"""Modules below `tensorflow.python` that programs import, although they are private, and functions only they have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import minigraph as tf
from minigraph.core.types import Dimension, TensorShape
from minigraph.losses.arguments import remove_squeezable_dimensions
from minigraph.ops.array.known import static_value
from minigraph.ops.nn.weights import broadcastable
from minigraph.util.nest import listed


def unknown_shape(ndims: int | None = None) -> TensorShape:
    """A shape of unknown dimensions; of unknown rank without `ndims`."""
    return TensorShape(None if ndims is None else [None] * ndims)


def as_shape(shape: Any) -> TensorShape:
    return TensorShape(shape)


def as_dimension(value: Any) -> Dimension:
    return value if isinstance(value, Dimension) else Dimension(value)


def scalar() -> TensorShape:
    return TensorShape([])


def vector(length: Any) -> TensorShape:
    return TensorShape([length])


def matrix(rows: Any, cols: Any) -> TensorShape:
    return TensorShape([rows, cols])


def smart_cond(pred: Any, fn1: Callable[[], Any], fn2: Callable[[], Any], name: str | None = None) -> Any:
    """`tf.cond`; of a condition that is known now only one branch is built."""
    known = smart_constant_value(pred)
    return tf.cond(pred, fn1, fn2, name=name) if known is None else (fn1 if known else fn2)()


def smart_constant_value(pred: Any) -> bool | None:
    """A condition's value, if it is a bool, 0 or 1, or a tensor with a known value; otherwise None."""
    if isinstance(pred, bool) or (isinstance(pred, int) and pred in (0, 1)):
        return bool(pred)
    if not isinstance(pred, tf.Tensor):
        raise TypeError(f"pred must be a Boolean tensor, a Python bool, or 0 or 1, not {pred!r}")
    known = static_value(pred)
    return None if known is None else bool(known)


def assert_broadcastable(weights: Any, values: Any) -> Any:
    """An operation that fails in a run in which weights cannot be broadcast to values."""
    with tf.name_scope(None, "assert_broadcastable", [weights, values]):
        pair = (tf.convert_to_tensor(weights, name="weights"), tf.convert_to_tensor(values, name="values"))
        checked = broadcastable(*pair)
        return tf.no_op("static_checks") if checked is pair[0] else checked.op


def broadcast_weights(weights: Any, values: Any) -> Any:
    """Weights in the shape of values. An error in a run in which they do not fit."""
    with tf.name_scope(None, "broadcast_weights", [weights, values]):
        value = tf.convert_to_tensor(values, name="values")
        weight = tf.convert_to_tensor(weights, value.dtype.base_dtype, name="weights")
        return weight if weight.shape.is_fully_defined() and weight.shape == value.shape else (
            broadcastable(weight, value) * tf.ones_like(value)
        )  # fmt: skip


def get_backward_walk_ops(
    seed_ops: Any, inclusive: bool = True, within_ops: Any = None, within_ops_fn: Any = None, stop_at_ts: Any = (),
    control_inputs: bool = False,
) -> list[Any]:  # fmt: skip
    """The nodes that some nodes or tensors depend on, the nearest first, and with `inclusive` their own.

    within_ops, within_ops_fn: the nodes to keep to. stop_at_ts: tensors past which the walk does not go.
    control_inputs: whether control inputs count.
    """
    seeds = list(dict.fromkeys(s if isinstance(s, tf.Node) else s.op for s in listed(seed_ops)))
    inside = None if within_ops is None else set(within_ops)
    ends = set(listed(stop_at_ts))
    found, wave = dict.fromkeys(seeds), seeds
    while wave:
        reached = []
        for node in wave:
            before = [t.op for t in node.inputs if t not in ends]
            before += node.control_inputs if control_inputs else []
            reached += [n for n in before if (inside is None or n in inside)
                        and (within_ops_fn is None or within_ops_fn(n))]  # fmt: skip
        wave = list(dict.fromkeys(n for n in reached if n not in found))
        found.update(dict.fromkeys(wave))
    return [n for n in found if inclusive or n not in seeds]


def shared_resources() -> list[Any]:
    """The resources that sessions would share: none, as there are only variables."""
    return []


def initialize_resources(resource_list: Any, name: str = "init") -> Any:
    """The operation that initialises resources."""
    return tf.group(*(r.create for r in resource_list), name=name)


SHAPES = {f.__name__: f for f in (unknown_shape, as_shape, as_dimension, scalar, vector, matrix)}
CONDITIONS = {"smart_cond": smart_cond, "smart_constant_value": smart_constant_value,
              "constant_value": smart_constant_value}  # fmt: skip
WEIGHTS = {"assert_broadcastable": assert_broadcastable, "broadcast_weights": broadcast_weights}
CONFUSION = {"remove_squeezable_dimensions": remove_squeezable_dimensions}
RESOURCES = {"shared_resources": shared_resources, "local_resources": shared_resources,
             "initialize_resources": initialize_resources}  # fmt: skip
