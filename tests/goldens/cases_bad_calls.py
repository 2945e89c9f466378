"""Calls that are refused: the class of the error, and the numbers that its message must show. See ``cases.py``."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from cases import CASES, Case
from cases_api import caught, run_in_session

Call = Callable[[Any], Any]


def _graph(name: str, call: Call, *phrases: str) -> None:
    """The call fails while the graph is built."""
    CASES["error_bad_" + name] = Case(lambda tf: caught(tf, call, list(phrases)), 0.0, 0.0)


def _run(name: str, build: Callable[..., Any], values: Any, *phrases: str, ranks: bool = False) -> None:
    """The graph is built with placeholders of unknown shapes, or known ranks; the run with the values fails."""

    def call(tf: Any) -> Any:
        arrays = [np.asarray(v) for v in values]
        xs = [tf.placeholder(tf.as_dtype(a.dtype), [None] * a.ndim if ranks else None) for a in arrays]
        return run_in_session(tf, build(tf, *xs), dict(zip(xs, arrays)))

    CASES["error_run_" + name] = Case(lambda tf: caught(tf, call, list(phrases)), 0.0, 0.0)


def _ones(*shape: int, dtype: Any = np.float32) -> Any:
    return np.ones(shape, dtype)


# Shapes that only the run knows.

_run("add", lambda tf, x, y: x + y, (_ones(2, 3), _ones(2, 4)), "[2,3]", "[2,4]")
_run("matmul", lambda tf, x, y: tf.matmul(x, y), (_ones(2, 3), _ones(4, 5)), "[2,3]", "[4,5]")
_run("matmul_batch", lambda tf, x, y: tf.matmul(x, y), (_ones(2, 2, 3), _ones(2, 4, 5)), "3", "4")
_run("reshape", lambda tf, x, s: tf.reshape(x, s), (_ones(2, 3), np.int32([4, 2])), "6", "8")
_run("reshape_unknown", lambda tf, x: tf.reshape(x, [4, -1]), (_ones(2, 3),), "6", "4")
_run("concat", lambda tf, x, y: tf.concat([x, y], 0), (_ones(2, 3), _ones(2, 4)), "[2,3]", "[2,4]")
_run("stack", lambda tf, x, y: tf.stack([x, y]), (_ones(2), _ones(3)), "[2]", "[3]")
_run("split", lambda tf, x: tf.split(x, 2, 1), (_ones(2, 3),), "3", "2")
_run("squeeze", lambda tf, x: tf.squeeze(x, [1]), (_ones(1, 3),), "1", "3")
_run("gather", lambda tf, x, i: tf.gather(x, i), (_ones(3), np.int32([0, 7])), "7", "[0, 3)")
_run("gather_negative", lambda tf, x, i: tf.gather(x, i), (_ones(3), np.int32([-1])), "-1", "[0, 3)")
_run("gather_nd", lambda tf, x, i: tf.gather_nd(x, i), (_ones(3, 2), np.int32([[1, 5]])), "[1, 5]")
_run("slice", lambda tf, x: tf.slice(x, [0, 1], [2, 4]), (_ones(2, 3),), "3")
_run(
    "conv2d_channels",
    lambda tf, x, w: tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME"),
    (_ones(1, 5, 5, 3), _ones(3, 3, 2, 4)),
    "3",
    "2",
)
_run(
    "conv2d_rank",
    lambda tf, x, w: tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME"),
    (_ones(5, 5, 3), _ones(3, 3, 3, 4)),
    "[5,5,3]",
)
_run("bias_add", lambda tf, x, b: tf.nn.bias_add(x, b), (_ones(2, 3), _ones(4)), "3", "4")
_run("sparse_label", lambda tf, y, x: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=x),
    (np.int64([0, 9]), _ones(2, 3)), "9", "[0, 3)")  # fmt: skip
_run("confusion", lambda tf, y, f: tf.confusion_matrix(y, f, 3), (np.int64([0, 1]), np.int64([0, 5])), "5", "3")
_run("confusion_negative", lambda tf, y, f: tf.confusion_matrix(y, f, 3), (np.int64([0, -1]), np.int64([0, 1])), "-1")
_run("sparse_rows", lambda tf, y, x: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=x),
    (np.int64([0, 1, 2]), _ones(2, 3)), "3", "2")  # fmt: skip
_run("softmax_xent", lambda tf, y, x: tf.nn.softmax_cross_entropy_with_logits_v2(labels=y, logits=x), (_ones(2, 3), _ones(2, 4)),
    "[2,3]", "[2,4]")  # fmt: skip
_run("top_k", lambda tf, x: tf.nn.top_k(x, 5), (_ones(2, 3),), "5")
_run("transpose", lambda tf, x: tf.transpose(x, [1, 0]), (_ones(2, 3, 4),), "3", "2")
_run("tile", lambda tf, x: tf.tile(x, [2, 2, 2]), (_ones(2, 3),), "3", "2")
_run("pad", lambda tf, x: tf.pad(x, [[1, 1]]), (_ones(2, 3),), "2")
_run("reflect", lambda tf, x: tf.pad(x, [[3, 0]], "REFLECT"), (_ones(3),), "3")
_run("broadcast_to", lambda tf, x: tf.broadcast_to(x, [2, 2]), (_ones(3),), "3", "2")
_run("scatter_nd", lambda tf, u: tf.scatter_nd([[7]], u, [3]), (_ones(1),), "7", "[3]")
_run("segment", lambda tf, x, i: tf.unsorted_segment_sum(x, i, 2), (_ones(2), np.int32([0, 5])), "5", "[0, 2)",
    ranks=True)  # fmt: skip
_run("arg_axis", lambda tf, x: tf.argmax(x, 3), (_ones(2, 3),), "3", "2")
_run("reduce_axis", lambda tf, x: tf.reduce_sum(x, 4), (_ones(2, 3),), "4", "2")
_run("concat_axis", lambda tf, x: tf.concat([x, x], 2), (_ones(2, 3),), "2")
_run("unstack", lambda tf, x: tf.unstack(x, 4), (_ones(3, 2),), "4", "3")
_run("assign", lambda tf, x: tf.assign(tf.Variable([1.0, 2.0]), x), (_ones(3),), "[2]", "[3]")
_run("scatter", lambda tf, x: tf.scatter_add(tf.Variable(np.ones(3, np.float32)), [5], x), (_ones(1),), "5", "3")
_run("int_division", lambda tf, x, y: x // y, (np.int32([1, 2]), np.int32([1, 0])), "ivision by zero")
_run("negative_size", lambda tf, s: tf.zeros(s), (np.int32([2, -3]),), "-3")
_run("range_delta", lambda tf, d: tf.range(0, 5, d), (np.int32(0),), "delta")
_run("random_shape", lambda tf, s: tf.random_normal(s), (np.int32([-2]),), "-2")
_run(
    "image_crop",
    lambda tf, x: tf.image.crop_to_bounding_box(x, 0, 0, 9, 9),
    (_ones(4, 4, 3),),
    "height must be",
    ranks=True,
)

# Calls that the graph refuses.

_z = lambda tf, *shape: tf.zeros(list(shape))  # noqa: E731
_graph("matmul", lambda tf: tf.matmul(_z(tf, 2, 3), _z(tf, 2, 3)), "3", "2")
_graph("conv_groups", lambda tf: tf.nn.conv2d(_z(tf, 1, 9, 9, 3), _z(tf, 5, 5, 1, 32), [1, 1, 1, 1], "SAME"), "3", "1")
_graph(
    "conv_strides", lambda tf: tf.nn.conv2d(_z(tf, 1, 9, 9, 3), _z(tf, 5, 5, 3, 2), [1, 1, 1], "SAME"), "strides", "3"
)
_graph("pool_ksize", lambda tf: tf.nn.max_pool(_z(tf, 1, 9, 9, 3), [2, 2, 2], [1, 1, 1, 1], "SAME"), "ksize", "3")
_graph("pool_rank", lambda tf: tf.nn.max_pool(_z(tf, 9, 9, 3), [1, 2, 2, 1], [1, 1, 1, 1], "SAME"), "rank 4", "rank 3")
_graph("bias", lambda tf: tf.nn.bias_add(_z(tf, 2, 3), _z(tf, 4)), "3", "4")
_graph("stack", lambda tf: tf.stack([_z(tf, 2), _z(tf, 3)]), "2", "3")
_graph("split", lambda tf: tf.split(_z(tf, 2, 3), 2, 1), "3", "2")
_graph("unstack", lambda tf: tf.unstack(tf.placeholder(tf.float32, [None, 2])), "num")
_graph("transpose", lambda tf: tf.transpose(_z(tf, 2, 3), [0, 1, 2]), "2", "3")
_graph("squeeze", lambda tf: tf.squeeze(_z(tf, 2, 3), [0]), "2")
_graph("expand_dims", lambda tf: tf.expand_dims(_z(tf, 2, 3), 4), "4")
_graph("concat_ranks", lambda tf: tf.concat([_z(tf, 2), _z(tf, 2, 3)], 0), "1", "2")
_graph("softmax_axis", lambda tf: tf.nn.softmax(_z(tf, 2, 3), 5), "5", "2")
_graph(
    "xent_shapes",
    lambda tf: tf.nn.softmax_cross_entropy_with_logits_v2(labels=_z(tf, 2, 3), logits=_z(tf, 2, 4)),
    "3",
    "4",
)
_graph("dim_and_axis", lambda tf: tf.nn.softmax(_z(tf, 2, 3), axis=0, dim=1), "axis", "dim")
_graph("keep_both", lambda tf: tf.reduce_sum(_z(tf, 2), keepdims=True, keep_dims=True), "keepdims", "keep_dims")
_graph("axis_both", lambda tf: tf.reduce_sum(_z(tf, 2), axis=0, reduction_indices=0), "axis", "reduction_indices")
_graph("unknown_argument", lambda tf: tf.nn.relu(_z(tf, 2), alpha=2.0), "alpha")
_graph("constant_shape", lambda tf: tf.constant([1.0, 2.0, 3.0], shape=[2]), "3", "2")
_graph("constant_type", lambda tf: tf.constant(1.5, tf.int32), "int32", "1.5")
_graph("ragged", lambda tf: tf.constant([[1.0, 2.0], [3.0]]))
_graph("placeholder_type", lambda tf: tf.placeholder("nothing"), "nothing")
_graph("grad_ys_count", lambda tf: tf.gradients([tf.constant(1.0)], [tf.constant(1.0)], [None, None]), "1", "2")
_graph("assign_type", lambda tf: tf.assign(tf.Variable(1.0), tf.constant(1)), "int32", "float32")
_graph("dropout_both", lambda tf: tf.nn.dropout(_z(tf, 2), keep_prob=0.5, rate=0.5), "rate", "keep_prob")
_graph("layer_rank", lambda tf: tf.layers.conv2d(_z(tf, 5, 5, 3), 2, 3), "4", "3")
_graph("layer_unknown", lambda tf: tf.layers.dense(tf.placeholder(tf.float32, [2, None]), 3), "last dim", "defined")
_graph("scope_reuse", lambda tf: tf.variable_scope("a", reuse=3).__enter__(), "reuse")
_graph("resize_rank", lambda tf: tf.image.resize_bilinear(_z(tf, 5, 5, 3), [2, 2]), "rank 4", "rank 3")
_graph("cond_shapes", lambda tf: tf.cond(tf.placeholder(tf.bool, [2]), lambda: _z(tf, 2), lambda: _z(tf, 2)), "2")
_graph("while_of_bool", lambda tf: tf.constant(1.0) and 2, "bool")
_graph("gather_axis", lambda tf: tf.gather(_z(tf, 2, 3), [0], axis=4), "4")
_graph("slice_size", lambda tf: run_in_session(tf, tf.slice(_z(tf, 2, 3), [0, 0], [3, 1])), "2", "3")
_graph("index_rank", lambda tf: _z(tf, 2, 3)[0, 0, 0], "3")
_graph("index_range", lambda tf: _z(tf, 2, 3)[5], "5", "2")
_graph("index_step", lambda tf: _z(tf, 2, 3)[::0], "zero")
_graph("broadcast", lambda tf: tf.broadcast_to(_z(tf, 3), [2, 2]), "3", "2")
_graph("clip_types", lambda tf: tf.clip_by_value(_z(tf, 2), tf.constant(0), tf.constant(1)), "float32", "int32")
_graph("clip_shape", lambda tf: tf.clip_by_value(_z(tf, 2), tf.zeros([3, 2]), 1.0), "2", "3")
