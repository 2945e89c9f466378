"""Sums by segment with negative numbers, and `tf1/combined.py`: see ``cases.py`` for the rules of these files."""

from __future__ import annotations

import numpy as np

from cases import case
from cases import CASES, Case
from cases_api import caught, run_in_session
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

_SORTED = np.array([0, 0, 1, 1, 3], np.int32)

for _name in ("unsorted_segment_mean", "unsorted_segment_sqrt_n"):
    add(_name, lambda tf, x, i, n=_name: getattr(tf, n)(x, i, 4), normal(5, 2), np.array([0, 2, 2, 0, 3], np.int32))
    add(
        _name + "_numbers",
        lambda tf, x, i, n=_name: getattr(tf, n)(x, i, 5),
        normal(5),
        np.array([0, 2, 2, 0, 3], np.int32),
    )
add("segment_mean", lambda tf, x, i: tf.segment_mean(x, i), normal(5, 2), _SORTED)
for _kind in ("int32", "int64", "uint8", "int8"):
    _whole = np.array([1, 2, 4, 5, 7], _kind) if _kind == "uint8" else np.array([-1, -2, 4, 5, 7], _kind)
    add("segment_mean_" + _kind, lambda tf, x, i: tf.segment_mean(x, i), _whole, _SORTED)
for _kind in ("int32", "int64"):
    add("unsorted_segment_mean_" + _kind, lambda tf, x, i: tf.unsorted_segment_mean(x, i, 5),
        np.array([-1, -2, 4, 5, 7], _kind), _SORTED)  # fmt: skip
add("cross", lambda tf, x, y: tf.cross(x, y), normal(2, 3), normal(2, 3) + 1)
add("roll", lambda tf, x: tf.roll(x, 2, 1), normal(3, 5))
add("roll_axes", lambda tf, x: tf.roll(x, [-1, 7], [0, 1]), normal(3, 5))
for _axes in ([0], [1], [0, 1]):
    add("roll_empty_%d%d" % (_axes[0], len(_axes)), lambda tf, x, a=_axes: tf.roll(x, [2] * len(a), a), normal(0, 3))
add("shape_n", lambda tf, x, y: tf.shape_n([x, y]), normal(3, 5), normal(2))
add(
    "setdiff1d",
    lambda tf, x, y: list(tf.setdiff1d(x, y)),
    np.array([3, 1, 4, 1, 5, 9], np.int32),
    np.array([1, 9], np.int32),
)
add("invert_permutation", lambda tf, x: tf.invert_permutation(x), np.array([3, 0, 2, 1], np.int32))

_TIES = f32([[1, 2], [3, -1], [3, 0], [-2, 0], [1, 2]])
_GAPS = np.array([0, 0, 1, 1, 3], np.int32)

for _kind in ("max", "min", "prod"):
    _unsorted, _sorted = "unsorted_segment_" + _kind, "segment_" + _kind
    for _case, _ids in (("", np.array([0, 3, 0, 1, 3], np.int32)), ("_negative", _SOME), ("_all_negative", _ALL)):
        add(_unsorted + _case, lambda tf, x, i, n=_unsorted: getattr(tf, n)(x, i, 4), normal(5, 2), _ids)
    add(_unsorted + "_numbers", lambda tf, x, i, n=_unsorted: getattr(tf, n)(x, i, 4), normal(5), _SOME)
    add(_unsorted + "_ties", lambda tf, x, n=_unsorted: getattr(tf, n)(x, [0, 1, 1, 2, 0], 3), _TIES)
    add(_unsorted + "_ints", lambda tf, x, i, n=_unsorted: getattr(tf, n)(x, i, 4), np.array([5, -6, 7, 8, 9], np.int32),
        _SOME.astype(np.int64))  # fmt: skip
    if _kind != "prod":  # TensorFlow has no gradient of segment_prod
        add(_sorted, lambda tf, x, i, n=_sorted: getattr(tf, n)(x, i), normal(5, 2), _SORTED)
    add(_sorted + "_gaps", lambda tf, x, n=_sorted: tf.stop_gradient(getattr(tf, n)(x, _GAPS)), normal(5, 2))


@case()
def count_up_to(tf):  # type: ignore[no-untyped-def]
    v = tf.Variable(2, name="v")
    step = tf.count_up_to(v, 4)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        seen = [int(session.run(step)), int(session.run(step))]
        try:
            session.run(step)
            message = ""
        except tf.errors.OutOfRangeError as error:
            message = error.message.split("\n")[0].split(" (")[0][:18]
        return {"seen": seen, "left": int(session.run(v)), "message": message}


@case()
def batch_scatter_update(tf):  # type: ignore[no-untyped-def]
    one, two = tf.Variable(tf.zeros([2, 4])), tf.Variable(tf.zeros([2, 2, 3, 2]))
    last = tf.Variable(tf.zeros([5]))
    steps = [
        tf.batch_scatter_update(one, [[0, 3], [2, 1]], [[1.0, 2.0], [3.0, 4.0]]),
        tf.batch_scatter_update(two, [[[0, 2], [1, 0]], [[1, 2], [2, 0]]], np.arange(16, dtype=np.float32).reshape(2, 2, 2, 2)),
        tf.batch_scatter_update(last, [4, 1], [7.0, 8.0]),
    ]  # fmt: skip
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return dict(zip("abc", session.run(steps)))


add("invert_permutation_long", lambda tf, x: tf.invert_permutation(x), np.array([2, 0, 1], np.int64))
add("invert_permutation_empty", lambda tf, x: tf.invert_permutation(x), np.array([], np.int32))
for _index, _wrong in enumerate(([2, 2, 1], [0, 3, 1], [-1, 0, 1], [0, 0])):
    CASES["error_run_invert_permutation_%d" % _index] = Case(
        lambda tf, v=_wrong: caught(tf, lambda tf: run_in_session(tf, tf.invert_permutation(tf.constant(v))), []), 0.0, 0.0)  # fmt: skip
