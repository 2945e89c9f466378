"""Gradients of look-ups, and optimizers that change only the rows that were looked up. See ``cases.py``."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from cases import CASES, Case, Results, case

TABLE = np.cos(np.arange(21.0, dtype=np.float32)).reshape(7, 3)
IDS = [[1, 4, 1], [0, 4, 4], [6, 1, 2], [2, 2, 2]]


def _train(tf: Any, make: Callable[[Any], Any], lookup: str, resource: bool, clip: Any = None) -> Results:
    """Four steps on rows that repeat; after each all variables, in the order of their names."""
    with tf.Graph().as_default():
        table = tf.get_variable("table", initializer=tf.constant(TABLE), use_resource=resource)
        ids, scale = tf.placeholder(tf.int32, [3]), tf.placeholder(tf.float32, [])
        rows = tf.nn.embedding_lookup(table, ids) if lookup == "embedding" else tf.gather(table, ids)
        loss = tf.reduce_sum(tf.square(rows * scale - 0.3) * [[1.0], [2.0], [3.0]])
        optimizer = make(tf)
        pairs = optimizer.compute_gradients(loss)
        if clip is not None:
            pairs = clip(tf, pairs)
        step = optimizer.apply_gradients(pairs)
        results = {"kinds": [isinstance(g, tf.IndexedSlices) for g, _ in pairs], "step": step.type}
        variables = sorted(tf.global_variables(), key=lambda v: v.op.name)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for i, row in enumerate(IDS):
                session.run(step, {ids: row, scale: 1.0 + 0.5 * i})
                for v, value in zip(variables, session.run(variables)):
                    results["%s after %d" % (v.op.name, i + 1)] = value
    return results


def _norm(tf: Any, pairs: Any) -> Any:
    clipped, _ = tf.clip_by_global_norm([g for g, _ in pairs], 1.5)
    return list(zip(clipped, [v for _, v in pairs]))


CLIPS: Any = {
    "global_norm": _norm,
    "norm": lambda tf, pairs: [(tf.clip_by_norm(g, 1.5), v) for g, v in pairs],
    "value": lambda tf, pairs: [(tf.clip_by_value(g, -0.7, 0.7), v) for g, v in pairs],
    "scaled": lambda tf, pairs: [(tf.scalar_mul(0.5, g), v) for g, v in pairs],
    "negative": lambda tf, pairs: [(-g, v) for g, v in pairs],
    "dense": lambda tf, pairs: [(tf.convert_to_tensor(g), v) for g, v in pairs],
    "identity": lambda tf, pairs: [(tf.identity(g), v) for g, v in pairs],
    "sum": lambda tf, pairs: [(tf.add_n([g, g]), v) for g, v in pairs],
    "anew": lambda tf, pairs: [(tf.IndexedSlices(g.values, g.indices), v) for g, v in pairs],
}
OPTIMIZERS: Any = {
    "descent": lambda tf: tf.train.GradientDescentOptimizer(0.1),
    "momentum": lambda tf: tf.train.MomentumOptimizer(0.1, 0.9),
    "nesterov": lambda tf: tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "adagrad": lambda tf: tf.train.AdagradOptimizer(0.1),
    "adadelta": lambda tf: tf.train.AdadeltaOptimizer(1.0, epsilon=1e-3),
    "ftrl": lambda tf: tf.train.FtrlOptimizer(0.1, l1_regularization_strength=0.05, l2_regularization_strength=0.01),
    "ftrl_power": lambda tf: tf.train.FtrlOptimizer(0.1, learning_rate_power=-0.7),
    "rmsprop": lambda tf: tf.train.RMSPropOptimizer(0.1, momentum=0.5),
    "rmsprop_centered": lambda tf: tf.train.RMSPropOptimizer(0.1, momentum=0.5, centered=True),
    "adam": lambda tf: tf.train.AdamOptimizer(0.1),
}


def _add(name: str, *arguments: Any) -> None:
    CASES["sparse_" + name] = Case(lambda tf: _train(tf, *arguments), 2e-5, 2e-6)


for _name, _make in OPTIMIZERS.items():
    _add(_name, _make, "embedding", False)
    _add(_name + "_resource", _make, "gather", True)
for _name, _clip in CLIPS.items():
    _add("clip_" + _name, OPTIMIZERS["momentum"], "embedding", False, _clip)


@case()
def indexed_slices(tf: Any) -> Results:
    """What `tf.gradients` gives for look-ups: slices, their places and the shape; dense where another way leads."""
    with tf.Graph().as_default(), tf.Session() as session:
        table = tf.Variable(TABLE)
        doubled = table * 2.0
        reads = {
            "vector": tf.gather(table, [1, 1, 5]) ** 2,
            "scalar": tf.gather(table, 3) ** 2,
            "matrix": tf.nn.embedding_lookup(table, [[1, 0], [0, 6]]) ** 2,
            "copy": tf.gather(tf.identity(table), [2]) ** 2,
            "two": tf.gather(table, [1, 1, 5]) + tf.gather(table, [6, 1, 0]),
            "columns": tf.gather(table, [1, 0], axis=1) ** 2,
            "computed": tf.gather(doubled, [1, 0]) ** 2,
            "and all": tf.reduce_sum(tf.gather(table, [1, 0])) + tf.reduce_sum(table),
        }
        session.run(tf.global_variables_initializer())
        results: Results = {}
        for name, y in reads.items():
            (gradient,) = tf.gradients(y, table)
            results[name] = [isinstance(gradient, tf.IndexedSlices), gradient.dtype.name]
            results[name + " dense"] = session.run(tf.convert_to_tensor(gradient))
            if results[name][0]:
                results[name + " shapes"] = [gradient.values.shape.as_list(), gradient.indices.shape.as_list()]
                value = session.run({"a": [gradient]})["a"][0]
                results[name + " type"] = type(value).__name__
                results.update({name + " " + part: getattr(value, part) for part in value._fields})
        (inner,) = tf.gradients(tf.gather(doubled, [1, 0]), doubled)
        results["of a tensor"] = isinstance(inner, tf.IndexedSlices)
        return results


@case()
def indexed_slices_by_hand(tf: Any) -> Results:
    with tf.Graph().as_default(), tf.Session() as session:
        whole = tf.IndexedSlices(tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.constant([3, 1]), tf.constant([5, 2]))
        part = tf.IndexedSlices(tf.constant([[1.0, 2.0]]), tf.constant([3]))
        results: Results = {
            "repr": str(part), "whole": str(whole), "name": whole.name, "op": whole.op.name, "none": part.dense_shape,
            "kept": tf.convert_to_tensor_or_indexed_slices(part) is part,
            "norm": session.run(tf.global_norm([whole, None, tf.constant([2.0])])),
            "values": session.run(part).values, "no shape": session.run(part).dense_shape,
            "sum": session.run(tf.reduce_sum(whole, 0)), "shape": session.run(tf.shape(whole)),
            "stacked": session.run(tf.concat([whole, tf.ones([1, 2])], 0)),
        }  # fmt: skip
        try:
            tf.convert_to_tensor(part)
        except ValueError as error:
            results["message"] = str(error)
        return results
