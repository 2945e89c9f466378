"""Loops: see ``cases.py`` for the rules of these files.

Tests `control/`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cases import CASES, Case, Results, case
from cases_api import caught, names_of, run_in_session, shape_of
from cases_ops import add, f32, normal

_X = normal(4, 3)


def _power(tf: Any, x: Any, w: Any) -> Any:
    return tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, tf.tanh(y * w) + x), (0, x))


def _ragged(tf: Any, x: Any) -> Any:
    """The number of rounds depends on the values."""
    return tf.while_loop(lambda y, n: tf.reduce_sum(y * y) < 50.0, lambda y, n: [y * 1.7, n + 1], [x, 0])


def _written(tf: Any, x: Any, w: Any) -> Any:
    rows = tf.TensorArray(tf.float32, 4, clear_after_read=False).unstack(x)
    out = tf.TensorArray(tf.float32, size=0, dynamic_size=True, clear_after_read=False)

    def body(i: Any, out: Any, h: Any) -> Any:
        h = tf.tanh(rows.read(i) * w + h)
        return i + 1, out.write(i, h * h), h

    _, out, h = tf.while_loop(lambda i, *_: i < 4, body, (0, out, tf.zeros([3])))
    return [out.stack(), h, out.size(), out.gather([2, 0])]


def _grown(tf: Any, x: Any) -> Any:
    return tf.while_loop(
        lambda i, y: i < 3, lambda i, y: [i + 1, tf.concat([y, y[:1] * 2.0], 0)], [tf.constant(0), x],
        shape_invariants=[tf.TensorShape([]), tf.TensorShape([None, 3])], back_prop=False,
    )[1]  # fmt: skip


def _nested(tf: Any, x: Any) -> Any:
    def body(i: Any, y: Any) -> Any:
        inner = tf.while_loop(lambda j, z: j < i, lambda j, z: (j + 1, z * y), (0, x))
        return i + 1, tf.sin(inner[1])

    return tf.while_loop(lambda i, y: i < 3, body, (0, x))[1]


add("while", _power, _X, normal(3))
add("while_values", _ragged, normal(3))
add("while_never", lambda tf, x: tf.while_loop(lambda y: tf.reduce_sum(y) > 1e9, lambda y: y * 2.0, [x]), _X)
add("while_at_most", lambda tf, x: tf.while_loop(lambda y: y[0, 0] < 1e9, lambda y: y * 2.0, [x],
    maximum_iterations=3), _X)  # fmt: skip
add("while_arrays", _written, _X, normal(3))
add("while_grown", _grown, _X)
add("while_nested", _nested, normal(2, 2))
add("while_cond", lambda tf, x: tf.while_loop(
    lambda i, y: i < 4, lambda i, y: (i + 1, tf.cond(tf.equal(i % 2, 0), lambda: y * x, lambda: y + x)), (0, x))[1],
    normal(3))  # fmt: skip
add("while_no_gradient", lambda tf, x: tf.while_loop(lambda i, y: i < 2, lambda i, y: (i + 1, y * 2.0), (0, x),
    back_prop=False)[1] + x, _X)  # fmt: skip
add("while_in_cond", lambda tf, p, x: tf.cond(
    p, lambda: tf.while_loop(lambda i, y: i < 2, lambda i, y: (i + 1, y * x), (0, x))[1], lambda: x), np.array(True),
    normal(3))  # fmt: skip

add("map_pairs", lambda tf, x, y: tf.map_fn(lambda p: p[0] * p[1] + 1.0, (x, y), dtype=tf.float32), _X, normal(4, 3))
add("map_dictionary", lambda tf, x: [v for _, v in sorted(tf.map_fn(
    lambda r: {"a": r * r, "b": tf.reduce_sum(r)}, x, dtype={"a": tf.float32, "b": tf.float32}).items())], _X)  # fmt: skip
add("map_weights", lambda tf, x, w: tf.map_fn(lambda r: tf.matmul(r[None], w)[0], x), _X, normal(3, 2))
add("map_long", lambda tf, x: tf.map_fn(lambda r: tf.reduce_sum(tf.nn.softmax(r) * r), x), normal(40, 3))
add("map_masked", lambda tf, x: tf.map_fn(lambda r: tf.reduce_sum(tf.boolean_mask(r * r, r > 0)), x), _X)
add("map_types", lambda tf, x: tf.map_fn(lambda r: tf.cast(r * 10, tf.int32), x, dtype=tf.int32), _X)
add("scan", lambda tf, x, w: tf.scan(lambda a, r: tf.tanh(a * w + r), x), _X, normal(3))
add("scan_first", lambda tf, x, a: tf.scan(lambda a, r: a * r + 1.0, x, initializer=a), _X, normal(3))
add("scan_reverse", lambda tf, x: tf.scan(lambda a, r: a * 0.5 + r, x, reverse=True), _X)
add("scan_pairs", lambda tf, x, y: list(tf.scan(
    lambda a, p: (a[0] + p[0], a[1] * p[1]), (x, y), initializer=(tf.zeros([3]), tf.ones([3])))), _X, _X + 1.0)  # fmt: skip
add("scan_long", lambda tf, x, w: tf.scan(lambda a, r: tf.tanh(a * w + r), x), normal(60, 3), normal(3))
add("foldl", lambda tf, x: tf.foldl(lambda a, r: a * 0.5 + r, x), _X)
add("foldl_first", lambda tf, x: tf.foldl(lambda a, r: a + tf.reduce_sum(r), x, initializer=tf.constant(2.0)), _X)
add("foldr", lambda tf, x: tf.foldr(lambda a, r: a * 0.5 + r, x), _X)

add("array_concat", lambda tf, x: tf.TensorArray(tf.float32, 2).write(0, x).write(1, 2.0 * x).concat(), _X)
add("array_scatter", lambda tf, x: tf.TensorArray(tf.float32, 4).scatter([2, 0, 3, 1], x).stack(), _X)


@case()
def while_unknown_batch(tf: Any) -> Results:
    """Unknown dimensions, structures, and variables read in the loop."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 2])
        w = tf.Variable([[0.5, 1.0], [-1.0, 0.25]])

        def body(i: Any, state: Any) -> Any:
            return [i + 1, {"h": tf.tanh(tf.matmul(state["h"], w)), "n": state["n"] + tf.shape(x)[0]}]

        n, state = tf.while_loop(lambda i, s: i < 4, body, [tf.constant(0), {"h": x, "n": tf.constant(0)}])
        slope = tf.gradients(tf.reduce_sum(tf.square(state["h"])), [x, w])
        step = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(state["h"]))
        mapped = tf.map_fn(lambda r: tf.reduce_sum(r * w), x)
        session.run(tf.global_variables_initializer())
        feed = {x: f32([[1, 2], [3, -4], [0, 1]])}
        values = session.run([n, state["h"], state["n"], mapped], feed)
        slopes = session.run(slope, feed)
        session.run(step, feed)
        return {
            "n": values[0], "h": values[1], "count": values[2], "mapped": values[3], "dx": slopes[0], "dw": slopes[1],
            "w": session.run(w), "names": names_of([n, state["h"]]),
            "shapes": [shape_of(t) for t in (n, state["h"], mapped)],
        }  # fmt: skip


def _error(name: str, call: Any, *phrases: str) -> None:
    CASES["error_" + name] = Case(lambda tf: caught(tf, call, list(phrases)), 0.0, 0.0)


_error("while_callable", lambda tf: tf.while_loop(True, lambda i: i, [1]), "cond must be callable")
_error("while_nothing", lambda tf: tf.while_loop(lambda: True, lambda: 1, []), "No loop variables provided")
_error("while_structure", lambda tf: tf.while_loop(lambda i, x: i < 3, lambda i, x: i + 1, [0, 1.0]),
    "The two structures don't have the same")  # fmt: skip
_error("while_shape", lambda tf: tf.while_loop(lambda x: x[0] < 3, lambda x: tf.concat([x, x], 0), [tf.zeros([1])]),
    "enters the loop with shape (1,), but has shape (2,) after one iteration")  # fmt: skip
_error("while_invariant", lambda tf: tf.while_loop(lambda x: x[0] < 3, lambda x: x, [tf.zeros([2])],
    [tf.TensorShape([3])]), "The shape invariant specified for", "(2,)", "(3,)")  # fmt: skip
_error("array_twice", lambda tf: run_in_session(tf, tf.TensorArray(tf.float32, 2).write(5, 1.0).stack()), "index 5")
_error("scan_structure", lambda tf: tf.scan(lambda a, x: (a, x), tf.zeros([3])), "structure")
