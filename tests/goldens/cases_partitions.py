"""Slices distributed and stitched, sums of chosen slices, counts: see ``cases.py`` for the rules of these files."""

from __future__ import annotations

from typing import Any

import numpy as np

from cases import CASES, Case
from cases_api import caught, run_in_session
from cases_ops import add, f32, normal

_PARTS = np.array([0, 2, 2, 0, 3], np.int32)
add("dynamic_partition", lambda tf, x, p: tf.dynamic_partition(x, p, 4), normal(5, 2), _PARTS)
add("dynamic_partition_numbers", lambda tf, x, p: tf.dynamic_partition(x, p, 4), normal(5), _PARTS)
add("dynamic_partition_rows", lambda tf, x: tf.dynamic_partition(x, [[0, 1], [1, 0]], 2), normal(2, 2, 3))
add("dynamic_partition_ints", lambda tf, x, p: tf.dynamic_partition(x, p, 4), np.arange(5), _PARTS)

_FIRST, _SECOND = np.array([0, 4, 2], np.int32), np.array([[1, 3], [5, 6]], np.int32)
add("dynamic_stitch", lambda tf, i, j, x, y: tf.dynamic_stitch([i, j], [x, y]), _FIRST, _SECOND, normal(3, 2),
    normal(2, 2, 2))  # fmt: skip
add("dynamic_stitch_numbers", lambda tf, x, y: tf.dynamic_stitch([[0, 2], 1], [x, y]), normal(2), f32(5))
add("dynamic_stitch_twice", lambda tf, x, y: tf.dynamic_stitch([[0, 1], [1, 2]], [x, y]), normal(2, 3), normal(2, 3))
add("dynamic_there_and_back", lambda tf, x, p: tf.dynamic_stitch(
    tf.dynamic_partition(tf.range(5), p, 4), tf.dynamic_partition(x * x, p, 4)), normal(5, 2), _PARTS)  # fmt: skip

_ROWS, _IDS = np.array([3, 0, 0, 2], np.int32), np.array([0, 0, 1, 3], np.int32)
for _name in ("sparse_segment_sum", "sparse_segment_mean", "sparse_segment_sqrt_n"):
    add(_name, lambda tf, x, i, s, n=_name: getattr(tf, n)(x, i, s), normal(4, 3), _ROWS, _IDS)
    add(_name + "_count", lambda tf, x, i, s, n=_name: tf.stop_gradient(getattr(tf, n)(x, i, s, num_segments=5)),
        normal(4, 3), _ROWS, _IDS)  # fmt: skip

_VALUES = np.array([1, 4, 1, 0, 2, 4, 4], np.int32)
add("bincount", lambda tf, x: tf.bincount(x), _VALUES)
add("bincount_minlength", lambda tf, x: tf.bincount(x, minlength=8, dtype=tf.float32), _VALUES)
add("bincount_maxlength", lambda tf, x: tf.bincount(x, maxlength=3), _VALUES)
add("bincount_weights", lambda tf, x: tf.bincount(x, tf.constant(f32([1, 2, 3, 4, 5, 6, 7]))), _VALUES)
add("bincount_empty", lambda tf, x: tf.bincount(x, minlength=2), np.zeros(0, np.int32))
_RANGE = f32([-1, 0, 1.5, 2, 5, 15, 2.5, 4.999])
for _kind in (np.float32, np.float64, np.int32):
    _name = np.dtype(_kind).name
    for _function in ("histogram_fixed_width", "histogram_fixed_width_bins")[: 1 if _kind is np.int32 else 2]:
        add(
            _function + "_" + _name,
            lambda tf, x, f=_function, k=_kind: getattr(tf, f)(tf.stop_gradient(x), np.array([0, 5], k), nbins=5),
            _RANGE.astype(_kind),
        )
add("histogram_fixed_width_long",
    lambda tf, x: tf.histogram_fixed_width(tf.stop_gradient(x), f32([-1, 1]), dtype=tf.int64), normal(50))  # fmt: skip

for _name, _call in {
    "partition_beyond": lambda tf: run_in_session(tf, tf.dynamic_partition([1.0, 2.0], tf.identity([0, 2]), 2)),
    "partition_shape": lambda tf: tf.dynamic_partition(tf.zeros([2, 3]), [0, 1, 1], 2),
    "stitch_shape": lambda tf: tf.dynamic_stitch([[0, 1], [2, 3]], [tf.zeros([2, 3]), tf.zeros([2, 4])]),
    "stitch_places": lambda tf: tf.dynamic_stitch([[0, 1, 2]], [tf.zeros([2, 3])]),
    "bincount_negative": lambda tf: run_in_session(tf, tf.bincount([1, -1])),
}.items():  # fmt: skip
    CASES["error_" + _name] = Case(lambda tf, c=_call: caught(tf, c, []), 0.0, 0.0)


def _drawn(tf: Any) -> Any:
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(3)
        x, drawn = tf.zeros([2, 3]), []
        for build in (lambda: tf.dynamic_partition(x, [0, 1], 2), lambda: tf.dynamic_stitch([[0, 1]], [x]),
                      lambda: tf.sparse_segment_sum(x, [0, 1], [0, 0]), lambda: tf.sparse_segment_mean(x, [0], [0]),
                      lambda: tf.sparse_segment_sqrt_n(x, [0], [0]), lambda: tf.bincount([1, 2]),
                      lambda: tf.histogram_fixed_width([1.0], [0.0, 2.0])):  # fmt: skip
            build()
            drawn.append(tf.random_uniform([2]))
        return {"drawn": np.array(session.run(drawn))}


CASES["partitions_draw"] = Case(_drawn, 2e-5, 2e-6)
