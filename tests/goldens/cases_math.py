"""Matrices, indexing, sums of products: see ``cases.py`` for the rules of these files.

Tests `ops/math/` and `ops/array/`.
"""

# ruff: noqa: UP035, UP006  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

from typing import Any

import numpy as np

from cases import CASES, Case, Results, case
from cases_api import caught, names_of, run_in_session, shape_of
from cases_ops import add, f32, normal, positive

for _name in ("expm1", "log_sigmoid", "rint"):
    add("math_" + _name, lambda tf, x, n=_name: getattr(tf, n)(x), f32([-2.5, -0.5, 0, 0.5, 1.5]))
add("is_inf", lambda tf, x: [tf.is_inf(x), tf.is_nan(x)], f32([1, np.inf, -np.inf, np.nan]))
add("saturate_cast", lambda tf, x: [tf.saturate_cast(x, tf.uint8), tf.saturate_cast(x, tf.int8)],
    f32([-300, -1.5, 3.7, 127, 300]))  # fmt: skip
add("to_int64", lambda tf, x: [tf.to_int64(x), tf.to_double(x)], f32([1.5, -2]))
add("cumsum_options", lambda tf, x: [
    tf.cumsum(x, -1, exclusive=True, reverse=True), tf.cumsum(x, 0, reverse=True)], normal(2, 3))  # fmt: skip

_PLACES = np.array([[0, 2], [1, 1], [0, 2]], np.int32)
add("gather_nd", lambda tf, x, i: [tf.gather_nd(x, i), tf.gather_nd(x, [[1], [1]])], normal(2, 3, 2), _PLACES)
add("scatter_nd", lambda tf, u, i: tf.scatter_nd(i, u, [2, 3, 2]), normal(3, 2), _PLACES)

_SQUARE = normal(2, 3, 3)
add("matrices", lambda tf, x: [
    tf.matrix_transpose(x), tf.matrix_diag(x), tf.matrix_diag_part(x), tf.matrix_band_part(x, 1, 0),
    tf.matrix_band_part(x, -1, 1), tf.trace(x)], _SQUARE)  # fmt: skip
add("matrices_wide", lambda tf, x: [tf.matrix_diag_part(x), tf.matrix_band_part(x, 0, -1)], normal(2, 3, 5))
add("diag", lambda tf, x: [tf.diag(x), tf.diag_part(tf.diag(x) * 2.0)], normal(3))
add("eyes", lambda tf: [tf.eye(3), tf.eye(2, 4), tf.eye(4, num_columns=2, dtype=tf.int32), tf.eye(2, batch_shape=[3])])
add("broadcast_to", lambda tf, x: tf.broadcast_to(x, [2, 3, 4]), normal(3, 1))
add("sequence_mask", lambda tf, n: [tf.sequence_mask(n, 5), tf.sequence_mask(n, 4, tf.float32)],
    np.array([[1, 3], [0, 5]], np.int32))  # fmt: skip
add("meshgrid", lambda tf, x, y: tf.meshgrid(x, y) + tf.meshgrid(x, y, indexing="ij"), normal(3), normal(2))
add("depth_space", lambda tf, x: [tf.depth_to_space(x, 2), tf.space_to_depth(x, 2)], normal(2, 4, 6, 8))
add("count_nonzero", lambda tf, x: [tf.count_nonzero(x), tf.count_nonzero(x, 1), tf.count_nonzero(x, dtype=tf.int32)],
    f32([[0, 1, 2], [0, 0, 3]]))  # fmt: skip
add("tensordot_forms", lambda tf, x, y: [tf.tensordot(x, y, 2), tf.tensordot(x, y, [[2, 1], [1, 0]]),
    tf.tensordot(x, y, 0)], normal(2, 3, 4), normal(3, 4, 2))  # fmt: skip
add("einsum", lambda tf, x, y: [
    tf.einsum("bij,bjk->bik", x, y), tf.einsum("bij,bjk->ik", x, y), tf.einsum("bij->jb", x),
    tf.einsum("bij,bkl->bk", x, y), tf.einsum("bij,bjk", x, y)], normal(2, 3, 4), normal(2, 4, 2))  # fmt: skip
add("einsum_three", lambda tf, x, y, z: tf.einsum("ij,jk,kl->il", x, y, z), normal(2, 3), normal(3, 4), normal(4, 2))
add("norms", lambda tf, x: [tf.norm(x), tf.norm(x, axis=1), tf.norm(x, 1, axis=0), tf.norm(x, np.inf, axis=-1),
    tf.norm(x, 3.0, axis=1, keepdims=True), tf.norm(x, "fro", axis=[1, 2]), tf.norm(x, 1, axis=[1, 2])],
    positive(2, 3, 4))  # fmt: skip
add("confusion_matrix", lambda tf, a, b: [
    tf.confusion_matrix(a, b, 4), tf.confusion_matrix(a, b, num_classes=5, dtype=tf.float32, weights=[1, 2, 3, 4])],
    np.array([0, 2, 2, 1]), np.array([0, 1, 2, 1]))  # fmt: skip
add("variance", lambda tf, x: [tf.math.reduce_variance(x, 1), tf.math.reduce_std(x)], normal(3, 4))

add(
    "unsorted_segment_sum", lambda tf, x, i: [tf.unsorted_segment_sum(x, i, 4)], normal(5, 2), np.array([0, 3, 0, 1, 3])
)
add("sorted", lambda tf, x: [tf.sort(x), tf.sort(x, axis=0, direction="DESCENDING"), tf.argsort(x),
    tf.argsort(x, axis=0, direction="DESCENDING")], normal(3, 4))  # fmt: skip
add("map_fn", lambda tf, x: tf.map_fn(lambda row: tf.reduce_sum(row * row), x), normal(3, 4))
add("sums", lambda tf, x, y: [tf.accumulate_n([x, y, x]), tf.scalar_mul(3.0, x), tf.realdiv(x, y)] + tf.identity_n([x, y]),
    normal(3), positive(3))  # fmt: skip


@case()
def scatter_updates(tf: Any) -> Results:
    """Parts of variables changed, one after the other."""
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.Variable(np.arange(6, dtype=np.float32).reshape(3, 2))
        calls = [
            tf.scatter_update(v, [0, 2], [[9.0, 8.0], [7.0, 6.0]]),
            tf.scatter_add(v, [1, 1], [[1.0, 1.0], [2.0, 2.0]]),
            tf.scatter_sub(v, np.array([0]), [[1.0, 0.5]]),
        ]
        session.run(tf.global_variables_initializer())
        values = [session.run(call) for call in calls]
        return {"values": np.stack(values), "after": session.run(v), "shapes": [shape_of(c) for c in calls]}


@case()
def names_of_math(tf: Any) -> Results:
    """Names and static shapes."""
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 3, 4])
        y = tf.placeholder(tf.float32, [4, None])
        made = [
            tf.cumsum(x), tf.erf(x), tf.expm1(x), tf.matrix_diag(x), tf.matrix_band_part(x, 0, 0), tf.trace(x),
            tf.linspace(0.0, 1.0, 3), tf.tensordot(x, y, 1), tf.tensordot(x, tf.zeros([3, 2]), [[1], [0]], name="mine"),
            tf.gather_nd(x, [[0, 1]]), tf.scatter_nd([[1]], [2.0], [3]), tf.broadcast_to(x, [2, 3, 4]),
            tf.depth_to_space(tf.zeros([1, 2, 2, 4]), 2), tf.space_to_depth(tf.zeros([1, 2, 2, 4]), 2),
        ]  # fmt: skip
        return {"names": names_of(made), "shapes": [shape_of(t) for t in made]}


def _error(name: str, call: Any, *phrases: str) -> None:
    CASES["error_" + name] = Case(lambda tf: caught(tf, call, list(phrases)), 0.0, 0.0)


_error("gather_nd_depth", lambda tf: tf.gather_nd(tf.zeros([2, 3]), [[0, 1, 2]]), "3")
_error("matrix_transpose_rank", lambda tf: tf.matrix_transpose(tf.zeros([2])), "rank >= 2")
_error("norm_order", lambda tf: tf.norm(tf.zeros([2]), "fro"), "'ord' must be a supported vector norm, got fro")
_error("gather_nd_range", lambda tf: run_in_session(tf, tf.gather_nd(tf.zeros([2, 3]), [[0, 5]])), "5")
