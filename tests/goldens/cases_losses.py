"""tf.losses and tf.metrics: see ``cases.py`` for the rules of these files.

Tests `losses/` and `metrics/`.
"""

# ruff: noqa: UP035, UP006  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

from typing import Any

import numpy as np

from cases import CASES, Case, Results, case
from cases_api import caught, names_of
from cases_ops import add, f32, normal

_A, _B, _W = normal(3, 4), normal(3, 4, seed=1), f32([[1], [0], [2.5]])
_P = f32([[0.1, 0.9, 0.5, 0.3], [0.2, 0.6, 0.7, 0.9], [0.0, 0.4, 0.8, 0.5]])
_Z = f32([[0, 1, 1, 0], [1, 0, 0.5, 1], [0, 0, 1, 1]])

for _name, _x, _y in (
    ("absolute_difference", _A, _B), ("mean_squared_error", _A, _B), ("huber_loss", _A, 2 * _B),
    ("log_loss", _Z, _P), ("hinge_loss", _Z, _A), ("sigmoid_cross_entropy", _Z, _A), ("softmax_cross_entropy", _Z, _A),
):  # fmt: skip
    add("losses_" + _name, lambda tf, x, y, n=_name: getattr(tf.losses, n)(x, y), _x, _y)
for _reduction in ("NONE", "SUM", "SUM_OVER_BATCH_SIZE", "MEAN", "SUM_BY_NONZERO_WEIGHTS"):
    add("losses_weighted_" + _reduction.lower(), lambda tf, x, y, w, r=_reduction: tf.losses.mean_squared_error(
        x, y, w, reduction=getattr(tf.losses.Reduction, r)), _A, _B, _W)  # fmt: skip
add("losses_weight_zero", lambda tf, x, y: [tf.losses.absolute_difference(x, y, 0.0),
    tf.losses.absolute_difference(x, y, weights=tf.constant(3.0))], _A, _B)  # fmt: skip
add("losses_huber_delta", lambda tf, x, y: tf.losses.huber_loss(x, y, delta=0.3), _A, _B)
add("losses_cosine_distance", lambda tf, x, y: tf.losses.cosine_distance(x, y, axis=1), _A, _B)
add("losses_pairwise", lambda tf, x, y: tf.losses.mean_pairwise_squared_error(x, y), _A, _B)
add("losses_pairwise_weights", lambda tf, x, y, w: tf.losses.mean_pairwise_squared_error(x, y, w), _A, _B, _W)
add("losses_smoothing", lambda tf, z, x: [tf.losses.softmax_cross_entropy(z, x, label_smoothing=0.1),
    tf.losses.sigmoid_cross_entropy(z, x, label_smoothing=0.2)], _Z, _A)  # fmt: skip
add("losses_sparse", lambda tf, x, y: [tf.losses.sparse_softmax_cross_entropy(y, x),
    tf.losses.sparse_softmax_cross_entropy(tf.expand_dims(y, 1), x, weights=[1.0, 0.0, 2.0])], _A,
    np.array([0, 3, 1]))  # fmt: skip


@case()
def losses_collections(tf: Any) -> Results:
    """Names, and what is collected."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 4])
        with tf.variable_scope("net", regularizer=lambda v: 0.1 * tf.nn.l2_loss(v)):
            w = tf.get_variable("w", [4, 4], initializer=tf.ones_initializer())
        y = tf.matmul(x, w)
        made = [
            tf.losses.mean_squared_error(x, y), tf.losses.softmax_cross_entropy(x, y, scope="mine"),
            tf.losses.sparse_softmax_cross_entropy(tf.argmax(x, 1), y), tf.losses.hinge_loss(x, y, loss_collection=None),
            tf.losses.absolute_difference(x, y, reduction=tf.losses.Reduction.SUM), tf.losses.huber_loss(x, y),
        ]  # fmt: skip
        tf.losses.add_loss(tf.constant(2.0, name="extra"))
        total = [tf.losses.get_total_loss(), tf.losses.get_total_loss(add_regularization_losses=False, name="data")]
        total.append(tf.losses.get_regularization_loss())
        session.run(tf.global_variables_initializer())
        return {
            "names": names_of(made + total),
            "losses": names_of(tf.losses.get_losses()),
            "scoped": names_of(tf.losses.get_losses("mine")),
            "regularization": len(tf.losses.get_regularization_losses()),
            "values": np.array(session.run(total, {x: _P})),
        }


_LABELS = [[1, 0, 1, 1], [0, 0, 2, 1], [1, 1, 0, 0]]
_FOUND = [[1, 1, 0, 1], [0, 0, 2, 2], [0, 1, 0, 1]]
_WEIGHTS = [[1, 1, 0, 2], [0.5, 1, 1, 1], [1, 0, 0, 1]]


def _metric(name: str, build: Any) -> None:
    """Three batches: what the update and then the value give, and the variables."""

    def run(tf: Any) -> Results:
        with tf.Graph().as_default(), tf.Session() as session:
            labels = tf.placeholder(tf.int64, [None])
            found = tf.placeholder(tf.int64, [None])
            weights = tf.placeholder(tf.float32, [None])
            score = tf.placeholder(tf.float32, [None])
            value, update = build(tf, labels, found, weights, score)
            results: Results = {
                "names": [value.name, update.name],
                "variables": names_of(tf.local_variables()),
                "others": len(tf.global_variables()),
                "collected": len(tf.get_collection(tf.GraphKeys.METRIC_VARIABLES)),
            }
            session.run(tf.local_variables_initializer())
            results["before"] = session.run(value)
            for i in range(3):
                feed = {labels: _LABELS[i], found: _FOUND[i], weights: _WEIGHTS[i], score: _P[i]}
                results["update%d" % i] = session.run(update, feed)
                results["value%d" % i] = session.run(value)
            return results

    CASES["metrics_" + name] = Case(run, 2e-5, 2e-6)


_metric("mean", lambda tf, y, f, w, s: tf.metrics.mean(s))
_metric("mean_weights", lambda tf, y, f, w, s: tf.metrics.mean(s, w))
for _name in ("accuracy", "precision", "recall", "true_positives", "false_positives", "true_negatives",
              "false_negatives"):  # fmt: skip
    _metric(_name, lambda tf, y, f, w, s, n=_name: getattr(tf.metrics, n)(y, f))
    _metric(_name + "_weights", lambda tf, y, f, w, s, n=_name: getattr(tf.metrics, n)(y, f, weights=w, name="mine"))
for _name in ("mean_squared_error", "root_mean_squared_error", "mean_absolute_error"):
    _metric(_name, lambda tf, y, f, w, s, n=_name: getattr(tf.metrics, n)(tf.cast(y, tf.float32), s))
_metric("auc", lambda tf, y, f, w, s: tf.metrics.auc(tf.minimum(y, 1), s))
_metric("auc_pr", lambda tf, y, f, w, s: tf.metrics.auc(
    tf.minimum(y, 1), s, w, num_thresholds=10, curve="PR", summation_method="minoring"))  # fmt: skip
_metric("mean_per_class_accuracy", lambda tf, y, f, w, s: tf.metrics.mean_per_class_accuracy(y, f, 3))
_metric("mean_iou", lambda tf, y, f, w, s: tf.metrics.mean_iou(y, f, 3))
_metric("percentage_below", lambda tf, y, f, w, s: tf.metrics.percentage_below(s, 0.5))
_metric("mean_relative_error", lambda tf, y, f, w, s: tf.metrics.mean_relative_error(tf.cast(y, tf.float32), s,
    tf.cast(f, tf.float32)))  # fmt: skip


def _error(name: str, call: Any, *phrases: str) -> None:
    CASES["error_" + name] = Case(lambda tf: caught(tf, call, list(phrases)), 0.0, 0.0)


_error("loss_shapes", lambda tf: tf.losses.mean_squared_error(tf.zeros([2, 3]), tf.zeros([2, 4])), "(2, 4)", "(2, 3)",
    "incompatible")  # fmt: skip
_error("loss_weights", lambda tf: tf.losses.mean_squared_error(tf.zeros([2, 3]), tf.zeros([2, 3]), [1.0, 2.0]),
    "weights can not be broadcast to values", "values.rank=2", "weights.rank=1")  # fmt: skip
_error("loss_weights_dims", lambda tf: tf.losses.mean_squared_error(tf.zeros([2, 3]), tf.zeros([2, 3]), [[1.0, 2.0]]),
    "weights can not be broadcast to values", "Mismatch at dim 1")  # fmt: skip
_error("loss_none", lambda tf: tf.losses.mean_squared_error(None, tf.zeros([2])), "labels must not be None.")
_error("loss_reduction", lambda tf: tf.losses.mean_squared_error(tf.zeros([2]), tf.zeros([2]), reduction="some"),
    "Invalid Reduction Key some")  # fmt: skip
_error("metric_shapes", lambda tf: tf.metrics.accuracy(tf.zeros([2, 3]), tf.zeros([2, 4])), "(2, 4)", "(2, 3)")
