"""Sums by segment with negative numbers: see ``cases.py`` for the rules of these files."""

from __future__ import annotations

import numpy as np

from cases_ops import add, f32, normal

_SOME, _ALL = np.array([0, -1, 3, -7, 0], np.int32), np.array([-1, -1, -2, -1, -1], np.int32)

add("unsorted_segment_sum_negative", lambda tf, x, i: tf.unsorted_segment_sum(x, i, 4), normal(5, 2), _SOME)
add("unsorted_segment_sum_negative_constant",
    lambda tf, x: tf.unsorted_segment_sum(x, tf.constant(_SOME), 4), normal(5, 2), second=True)  # fmt: skip
add("unsorted_segment_sum_negative_rows", lambda tf, x, i: tf.unsorted_segment_sum(x, i, 4), normal(5, 2, 3), _SOME)
add("unsorted_segment_sum_negative_numbers", lambda tf, x, i: tf.unsorted_segment_sum(x, i, 4), normal(5), _SOME)
add("unsorted_segment_sum_all_negative", lambda tf, x, i: tf.unsorted_segment_sum(x, i, 2), normal(5, 2), _ALL)
add("unsorted_segment_sum_dropped_nan", lambda tf, x, i: tf.stop_gradient(tf.unsorted_segment_sum(x, i, 4)),
    f32([1, np.nan, 2, np.inf, 3]), _SOME)  # fmt: skip
add("unsorted_segment_sum_ints", lambda tf, x, i: tf.unsorted_segment_sum(x, i, 4), np.array([5, 6, 7, 8, 9], np.int32),
    _SOME.astype(np.int64))  # fmt: skip
