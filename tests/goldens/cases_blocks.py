"""Blocks moved to the batch and back, and checks of ranks, dtypes and values: see ``cases.py`` for these files' rules."""

from __future__ import annotations

from typing import Any

import numpy as np

from cases import CASES, Case, case
from cases_api import caught, run_in_session
from cases_ops import add, normal

_IMAGES = normal(2, 4, 6, 3)
_ZEROS, _SOME = np.zeros((2, 2), np.int32), np.array([[1, 1], [2, 0]], np.int32)

add("space_to_batch", lambda tf, x: tf.space_to_batch(x, _ZEROS, 2), _IMAGES, second=True)
add("space_to_batch_padded", lambda tf, x: tf.space_to_batch(x, _SOME, block_size=2), _IMAGES)
add("space_to_batch_block_shape", lambda tf, x: tf.space_to_batch(x, _ZEROS, block_shape=2), _IMAGES)
add("space_to_batch_fed", lambda tf, x, p: tf.stop_gradient(tf.space_to_batch(x, p, 2))[:, :2], _IMAGES, _SOME)
add("batch_to_space", lambda tf, x: tf.batch_to_space(x, _ZEROS, 2), normal(8, 2, 3, 2), second=True)
add("batch_to_space_cropped", lambda tf, x: tf.batch_to_space(x, _SOME, block_size=2), normal(8, 2, 3, 2))
for _block, _pairs in (
    ([3], [[0, 2]]), ([2, 3], [[1, 1], [0, 0]]), ([3, 4, 2], [[1, 1], [0, 2], [1, 0]]), ([1], [[0, 0]]),
    ([1, 2, 3, 1], [[0, 0], [1, 1], [2, 0], [0, 0]]),
):  # fmt: skip
    _name = "_".join(map(str, _block))
    _shape = [3, *(int(b * 2 - a - c) for b, (a, c) in zip(_block, _pairs)), 2]
    _whole = [3 * int(np.prod(_block)), *([2] * len(_block)), 2]
    add("space_to_batch_nd_" + _name, lambda tf, x, b=_block, p=_pairs: tf.space_to_batch_nd(x, b, p), normal(*_shape))
    add("batch_to_space_nd_" + _name, lambda tf, x, b=_block, p=_pairs: tf.batch_to_space_nd(x, b, p), normal(*_whole))
add("space_to_batch_nd_empty", lambda tf, x: tf.space_to_batch_nd(x, [3], [[1, 2]]), normal(3, 0, 2))
add("space_to_batch_nd_ints", lambda tf, x: tf.space_to_batch_nd(x, [2], [[1, 0]]), np.arange(6).reshape(2, 3))
add("required_space_to_batch_paddings",
    lambda tf, x: list(tf.required_space_to_batch_paddings(x, [3, 2, 5])), np.array([5, 4, 2], np.int32))  # fmt: skip
add("required_space_to_batch_paddings_base",
    lambda tf, x: list(tf.required_space_to_batch_paddings([5, 4], [3, 2], x)), _SOME)  # fmt: skip
add("required_space_to_batch_paddings_known",
    lambda tf, x: [x, *tf.required_space_to_batch_paddings([5, 4], [3, 2], [[1, 1], [0, 4]])], _SOME)  # fmt: skip

for _name, _call in {
    "two_axes": lambda tf: tf.space_to_batch(np.zeros((2, 2), np.float32), _ZEROS, 2),
    "no_multiple": lambda tf: tf.space_to_batch(_IMAGES, _ZEROS, 3),
    "no_block": lambda tf: tf.space_to_batch_nd(_IMAGES, [0], [[0, 0]]),
    "negative": lambda tf: tf.space_to_batch_nd(_IMAGES, [1], [[-1, 0]]),
    "batch": lambda tf: tf.batch_to_space(_IMAGES, _ZEROS, 2),
    "crops": lambda tf: tf.batch_to_space_nd(_IMAGES, [2], [[4, 6]]),
    "pairs": lambda tf: tf.space_to_batch_nd(_IMAGES, [2, 2], [[0, 0]]),
    "integer": lambda tf: tf.assert_integer(1.5),
    "proper_text": lambda tf: tf.assert_proper_iterable("text"),
    "proper_tensor": lambda tf: tf.assert_proper_iterable(tf.constant([1.0])),
    "proper_number": lambda tf: tf.assert_proper_iterable(1),
    "rank_at_least": lambda tf: tf.assert_rank_at_least(tf.constant([1.0]), 2, message="why"),
    "rank_at_least_run": lambda tf: run_in_session(tf, _unknown(tf, tf.assert_rank_at_least, 2)),
    "rank_in": lambda tf: tf.assert_rank_in(tf.constant([1.0]), (0, 2)),
    "rank_in_run": lambda tf: run_in_session(tf, _unknown(tf, tf.assert_rank_in, (0, 2))),
    "rank_run": lambda tf: run_in_session(tf, _unknown(tf, tf.assert_rank, 0)),
    "rank_float": lambda tf: tf.assert_rank(tf.constant([1.0]), 0.5),
    "rank_vector": lambda tf: tf.assert_rank(tf.constant([1.0]), np.array([1, 2], np.int32)),
    "scalar": lambda tf: tf.assert_scalar(tf.constant([1.0])),
    "same_float_dtype": lambda tf: tf.assert_same_float_dtype([tf.constant(1.0), tf.constant(1.0, tf.float64)]),
    "same_float_dtype_int": lambda tf: tf.assert_same_float_dtype([tf.constant(1)]),
    "near": lambda tf: run_in_session(tf, tf.assert_near([1.0, 2.0], [1.0, 2.5], rtol=0.1)),
}.items():  # fmt: skip
    CASES["error_blocks_" + _name] = Case(lambda tf, c=_call: caught(tf, c, []), 0.0, 0.0)


def _unknown(tf: Any, check: Any, wanted: Any) -> Any:
    """A check of a vector whose rank is not known when the graph is built."""
    x = tf.placeholder_with_default([1.0], None)
    with tf.control_dependencies([check(x, wanted)]):
        return tf.identity(x)


@case()
def checks(tf: Any) -> Any:
    x = tf.placeholder_with_default([1.0, 2.0, 2.0], None)
    made = [
        tf.assert_integer(3), tf.assert_rank(x, 1), tf.assert_rank_at_least(x, 1), tf.assert_rank_in(x, (0, 1)),
        tf.assert_rank_in(tf.constant(1.0), (0, 1)), tf.assert_near(x, [1.0, 2.0 + 1e-6, 2.0]),
        tf.assert_near(x, [1.0, 2.1, 2.0], atol=0.2),
    ]  # fmt: skip
    tf.assert_proper_iterable([x])
    with tf.control_dependencies(made), tf.Session() as session:
        fetched = session.run({
            "scalar": tf.assert_scalar(4.0),
            "rising": [tf.is_non_decreasing(x), tf.is_strictly_increasing(x)],
            "of_one": [tf.is_non_decreasing([1]), tf.is_strictly_increasing([[1]])],
            "falling": [tf.is_non_decreasing([[1, 0]]), tf.is_strictly_increasing([[1, 0]])],
        })  # fmt: skip
    return {
        **{name: np.array(value) for name, value in fetched.items()},
        "dtypes": [tf.assert_same_float_dtype([tf.constant(1.0, tf.float64)]).name, tf.assert_same_float_dtype().name],
        "numeric": [tf.is_numeric_tensor(x), tf.is_numeric_tensor(tf.constant(True)), tf.is_numeric_tensor(1.0)],
    }


@case()
def blocks_draw(tf: Any) -> Any:
    """What random ops draw after ops of this file, which depends on how many nodes these count as."""
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        x = tf.zeros([4, 4, 4, 2])
        drawn = []
        for build in (
            lambda: tf.space_to_batch(x, _SOME, 2), lambda: tf.batch_to_space(x, _SOME, 2),
            lambda: tf.space_to_batch_nd(x, [2], tf.constant([[0, 0]])), lambda: tf.batch_to_space_nd(x, [2], [[1, 0]]),
            lambda: tf.required_space_to_batch_paddings([5, 4], [3, 2]), lambda: tf.assert_integer(3),
            lambda: tf.assert_rank_at_least(x, 2), lambda: tf.assert_near([1.0], [1.0]),
            lambda: tf.is_non_decreasing(x), lambda: tf.assert_scalar(3.0),
        ):  # fmt: skip
            build()
            drawn.append(tf.random_uniform([2]))
        with tf.Session() as session:
            return {"drawn": np.array(session.run(drawn))}
