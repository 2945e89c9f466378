"""Axes, sizes and the like that are fed, and `run/partial_updates.py`. See ``cases.py``."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from cases import CASES, Case, Results

X = (np.arange(24.0, dtype=np.float32).reshape(2, 3, 4) % 7) / 2


def _run(tf: Any, build: Callable[..., Any]) -> Results:
    """The results, and the gradient of the sum of their squares, where integers are fed: as ``p(value)``."""
    feed: Any = {}
    results: Results = {}

    def p(value: Any) -> Any:
        made = tf.placeholder(tf.int32, np.shape(value))
        feed[made] = value
        return made

    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(X)
        made = build(tf, x, p)
        ys = list(made) if isinstance(made, (list, tuple)) else [made]
        for i, value in enumerate(session.run(ys, feed)):
            results["y%d" % i] = value
        floats = [tf.reduce_sum(y * y) for y in ys if y.dtype == tf.float32]
        (gradient,) = tf.gradients(floats, x) if floats else [None]
        if gradient is not None:
            results["dx"] = session.run(tf.convert_to_tensor(gradient), feed)
    return results


LATE: Any = {
    "tile": lambda tf, x, p: tf.tile(x, p([2, 1, 3])),
    "tile_list": lambda tf, x, p: tf.tile(x, [p(2), 1, tf.shape(x)[0]]),
    "pad": lambda tf, x, p: tf.pad(x, p([[1, 0], [0, 1], [2, 0]])),
    "pad_reflect": lambda tf, x, p: tf.pad(x, p([[1, 0], [0, 1], [2, 0]]), "REFLECT"),
    "pad_symmetric": lambda tf, x, p: tf.pad(x, p([[1, 0], [0, 1], [2, 0]]), "SYMMETRIC"),
    "concat": lambda tf, x, p: tf.concat([x, 2.0 * x], p(1)),
    "split": lambda tf, x, p: tf.split(x, p([1, 3]), 2),
    "argmax": lambda tf, x, p: [tf.argmax(x, p(2)), tf.argmin(x, tf.constant(1))],
    "sum": lambda tf, x, p: tf.reduce_sum(x, p(1)),
    "sum_list": lambda tf, x, p: tf.reduce_sum(x, [p(0), 2]),
    "mean": lambda tf, x, p: tf.reduce_mean(x, tf.range(1, tf.rank(x)), keepdims=True),
    "max": lambda tf, x, p: tf.reduce_max(x, p(0)),
    "gather": lambda tf, x, p: tf.gather(x, [1, 0, 1], axis=p(1)),
    "expand": lambda tf, x, p: tf.expand_dims(x, p(1)),
    "transpose": lambda tf, x, p: tf.transpose(x, p([2, 0, 1])),
    "cumsum": lambda tf, x, p: [tf.cumsum(x, p(1), exclusive=True), tf.cumprod(x + 1.0, p(2), reverse=True)],
    "one_hot": lambda tf, x, p: tf.one_hot([1, 0, 2], p(3)),
    "top_k": lambda tf, x, p: tf.nn.top_k(x, p(2)),
    "reverse": lambda tf, x, p: tf.reverse(x, tf.constant([1])),
    "resize": lambda tf, x, p: tf.image.resize_images(x[..., tf.newaxis], p([4, 5])),
    "resize_nearest": lambda tf, x, p: tf.image.resize_nearest_neighbor(x[..., tf.newaxis], [p(4), 5]),
    "fill": lambda tf, x, p: [tf.fill(p([2, 3]), 1.5), tf.zeros([p(2), 3]), tf.ones([p(2), p(3)], tf.int32)],
    "broadcast": lambda tf, x, p: tf.broadcast_to(x[0, :, :1], p([3, 4])),
    "random": lambda tf, x, p: [tf.random_normal(p([2, 3]), seed=3), tf.random_uniform([p(2), 3], seed=4)],
    "range": lambda tf, x, p: [tf.range(p(5)), tf.range(p(1), p(9), p(3))],
    "slice": lambda tf, x, p: [tf.slice(x, p([0, 1, 0]), p([1, 2, -1])), tf.slice(x, [0, p(1), 0], [1, p(2), 2])],
    "conv_transpose": lambda tf, x, p: tf.nn.conv2d_transpose(
        x[:, :2, :2, tf.newaxis], tf.ones([3, 3, 1, 1]), [p(2), 4, 4, 1], [1, 2, 2, 1]
    ),
    "scatter_nd": lambda tf, x, p: tf.scatter_nd([[1]], x[:1, 0], p([3, 4])),
    "reverse_fed": lambda tf, x, p: [tf.reverse(x, p([1])), tf.reverse(x, p([-1, 0])), tf.reverse(x, [p(2)])],
    "softmax": lambda tf, x, p: [tf.nn.softmax(x, p(1)), tf.nn.log_softmax(x, p(0)), tf.nn.softmax(x, tf.constant(1))],
    "logsumexp": lambda tf, x, p: [tf.reduce_logsumexp(x, p(1)), tf.reduce_logsumexp(x, p([0, -1]), keepdims=True)],
    "embedding_mod": lambda tf, x, p: tf.nn.embedding_lookup([x[0], x[1]], p([0, 1, 5, 4])),
    "embedding_div": lambda tf, x, p: tf.nn.embedding_lookup([x[0], x[1]], p([0, 1, 5, 4]), "div", max_norm=2.0),
}


def _update(tf: Any, build: Callable[..., Any]) -> Results:
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.Variable(np.arange(1.0, 6.0, dtype=np.float32))
        w = tf.Variable(np.arange(1.0, 7.0, dtype=np.float32).reshape(2, 3))
        step = build(tf, v, w)
        session.run(tf.global_variables_initializer())
        return {"step": session.run(step), "v": session.run(v), "w": session.run(w)}


def _slices(tf: Any) -> Any:
    return tf.IndexedSlices(tf.constant([2.0, 9.0, 0.5]), tf.constant([1, 2, 1]))


UPDATES: Any = {
    "slice": lambda tf, v, w: v[1:3].assign([7.0, 8.0]),
    "element": lambda tf, v, w: v[-1].assign(7.0),
    "every_other": lambda tf, v, w: v[::2].assign([7.0, 8.0, 9.0]),
    "column": lambda tf, v, w: w[:, 1].assign([7.0, 8.0]),
    "row": lambda tf, v, w: w[1, ...].assign([7.0, 8.0, 9.0]),
    "function": lambda tf, v, w: tf.assign(w[0, 1:], [7.0, 8.0]),
    "nd_add": lambda tf, v, w: tf.scatter_nd_add(w, [[1, 0], [1, 0], [0, 2]], [5.0, 6.0, 7.0]),
    "nd_sub": lambda tf, v, w: tf.scatter_nd_sub(w, [[1]], [[5.0, 6.0, 7.0]]),
    "nd_update": lambda tf, v, w: tf.scatter_nd_update(w, [[1, 0], [0, 2]], [5.0, 6.0]),
    "nd_method": lambda tf, v, w: v.scatter_nd_sub([[1], [1], [0]], [5.0, 6.0, 7.0]),
}
for _kind in ("mul", "div", "max", "min", "add", "sub"):
    UPDATES[_kind] = lambda tf, v, w, k=_kind: getattr(tf, "scatter_" + k)(v, [1, 1, 3], [2.0, 3.0, 9.0])
    UPDATES[_kind + "_method"] = lambda tf, v, w, k=_kind: getattr(v, "scatter_" + k)(_slices(tf))

for _name, _build in LATE.items():
    CASES["late_" + _name] = Case(lambda tf, b=_build: _run(tf, b), 2e-5, 2e-6)
for _name, _build in UPDATES.items():
    CASES["part_" + _name] = Case(lambda tf, b=_build: _update(tf, b), 2e-5, 2e-6)
