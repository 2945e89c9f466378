"""Arguments that programs rarely give: see ``cases.py`` for the rules of these files."""

# ruff: noqa: UP035  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

import os
import tempfile
from typing import Any, Callable

import numpy as np
from cases import CASES, Case, Results, case
from cases_api import caught, names_of, shape_of
from cases_ops import normal

_LOGITS = normal(3, 4, 2)
_LABELS = np.float32(np.random.RandomState(3).rand(3, 4, 2))


def _cross_entropy(name: str, call: Callable[..., Any], shape: Any = (3, 4, 2)) -> None:
    """The loss along an axis, and its gradients."""

    def run(tf: Any) -> Results:
        with tf.Graph().as_default(), tf.Session() as session:
            x = tf.placeholder(tf.float32, shape)
            y = tf.placeholder(tf.float32, shape)
            loss = call(tf, y, x)
            grads = [g for g in tf.gradients(tf.reduce_sum(loss * loss), [x, y]) if g is not None]
            found = session.run([loss] + grads, {x: _LOGITS, y: _LABELS})
            return dict({str(i): v for i, v in enumerate(found)}, shape=shape_of(loss))

    CASES["cross_entropy_" + name] = Case(run, 2e-5, 2e-6)


for _axis in (0, 1, 2, -1):
    _cross_entropy("dim_%d" % _axis, lambda tf, y, x, a=_axis: tf.nn.softmax_cross_entropy_with_logits(
        labels=y, logits=x, dim=a))  # fmt: skip
for _axis in (0, 1):
    _cross_entropy("v2_axis_%d" % _axis, lambda tf, y, x, a=_axis: tf.nn.softmax_cross_entropy_with_logits_v2(
        labels=y, logits=x, axis=a), (None, None, None))  # fmt: skip
_cross_entropy("v2_dim", lambda tf, y, x: tf.nn.softmax_cross_entropy_with_logits_v2(labels=y, logits=x, dim=1))


_FOUND, _TRUE = np.float32(np.random.RandomState(5).rand(4, 3)), np.eye(3, dtype=np.float32)[[0, 2, 1, 1]]


def _loss(name: str, call: Callable[..., Any], true: Any = _TRUE, found: Any = _FOUND) -> None:
    """A loss of ``tf.contrib.losses`` and ``slim.losses``, its gradient, and what is in the collection."""

    def run(tf: Any) -> Results:
        with tf.Graph().as_default(), tf.Session() as session:
            x, y = tf.constant(found), tf.constant(true)
            made = [call(tf, module, x, y) for module in (tf.contrib.losses, tf.contrib.slim.losses)]
            grads = tf.gradients([tf.reduce_sum(m) for m in made], [x])
            values = session.run(made + grads)
            kept = len(tf.get_collection(tf.GraphKeys.LOSSES))
            return {"losses": np.stack(values[:2]), "dx": values[2], "kept": kept, "shape": shape_of(made[0])}

    CASES["contrib_loss_" + name] = Case(run, 2e-5, 2e-6)


_loss("absolute", lambda tf, losses, x, y: losses.absolute_difference(x, y))
_loss("squared", lambda tf, losses, x, y: losses.mean_squared_error(x, y, 2.0))
_loss("squared_rows", lambda tf, losses, x, y: losses.mean_squared_error(x, y, tf.constant([1.0, 0.0, 2.0, 0.5])))
_loss("squared_zero", lambda tf, losses, x, y: losses.mean_squared_error(x, y, 0.0))
_loss("squared_column", lambda tf, losses, x, y: losses.mean_squared_error(x, y, [[1.0], [0.0], [2.0], [0.5]]))
_loss("squared_all", lambda tf, losses, x, y: losses.mean_squared_error(x, y, y + 0.5))
_loss("squared_one", lambda tf, losses, x, y: losses.mean_squared_error(x, y, [3.0]))
_loss("log", lambda tf, losses, x, y: losses.log_loss(x, y))
_loss("log_epsilon", lambda tf, losses, x, y: losses.log_loss(x, y, epsilon=0.1))
_loss("hinge", lambda tf, losses, x, y: losses.hinge_loss(x, y))
_loss("sigmoid", lambda tf, losses, x, y: losses.sigmoid_cross_entropy(x, y))
_loss("sigmoid_smooth", lambda tf, losses, x, y: losses.sigmoid_cross_entropy(x, y, 1.5, 0.2))
_loss("softmax", lambda tf, losses, x, y: losses.softmax_cross_entropy(x, y))
_loss("softmax_smooth", lambda tf, losses, x, y: losses.softmax_cross_entropy(x, y, label_smoothing=0.3))
_loss("softmax_rows", lambda tf, losses, x, y: losses.softmax_cross_entropy(x, y, tf.constant([0.0, 1.0, 2.0, 3.0])))
_loss("sparse", lambda tf, losses, x, y: losses.sparse_softmax_cross_entropy(x, y), np.array([0, 2, 1, 1], np.int64))
_loss(
    "sparse_column",
    lambda tf, losses, x, y: losses.sparse_softmax_cross_entropy(x, y, 2.0),
    np.array([[0], [2], [1], [1]], np.int64),
)
_loss("pairs", lambda tf, losses, x, y: losses.mean_pairwise_squared_error(x, y))
_loss(
    "pairs_rows", lambda tf, losses, x, y: losses.mean_pairwise_squared_error(x, y, tf.constant([1.0, 0.0, 2.0, 0.5]))
)
_loss("cosine", lambda tf, losses, x, y: losses.cosine_distance(x, y, 1))
_loss("cosine_dim", lambda tf, losses, x, y: losses.cosine_distance(x, y, dim=0, weights=2.0))
_loss("weighted", lambda tf, losses, x, y: losses.compute_weighted_loss(x * y, tf.constant([1.0, 2.0, 0.0, 1.0])))


@case()
def contrib_loss_total(tf: Any) -> Results:
    with tf.Graph().as_default(), tf.Session() as session:
        losses = tf.contrib.losses
        losses.mean_squared_error(tf.constant(_FOUND), tf.constant(_TRUE))
        losses.add_loss(tf.constant(3.0))
        tf.add_to_collection(tf.GraphKeys.REGULARIZATION_LOSSES, tf.constant(0.5))
        totals = [losses.get_total_loss(), losses.get_total_loss(add_regularization_losses=False)]
        return {"totals": session.run(tf.stack(totals)), "count": len(losses.get_losses())}


def _constrained(name: str, build: Callable[..., Any]) -> None:
    """Variables with constraints over four steps of training."""

    def run(tf: Any) -> Results:
        with tf.Graph().as_default(), tf.Session() as session:
            step, watched = build(tf)
            session.run(tf.global_variables_initializer())
            found = []
            for _ in range(4):
                session.run(step)
                found.append(session.run(watched))
            return {str(i): np.stack(column) for i, column in enumerate(zip(*found))}

    CASES["constraint_" + name] = Case(run, 2e-5, 2e-6)


def _clip(tf: Any, low: float = -1.0, high: float = 1.0) -> Any:
    return lambda v: tf.clip_by_value(v, low, high)


def _norm_ball(tf: Any) -> Any:
    return lambda v: tf.clip_by_norm(v, 1.0)


def _one(tf: Any, optimizer: Any, constraint: Any) -> Any:
    v = tf.Variable([0.5, -0.4, 0.2], constraint=constraint)
    free = tf.Variable([0.5, -0.4, 0.2])
    loss = tf.reduce_sum(tf.square(v - [3.0, -2.0, 0.1])) + tf.reduce_sum(tf.square(free - v))
    return optimizer.minimize(loss), [v, free]


_constrained("descent", lambda tf: _one(tf, tf.train.GradientDescentOptimizer(0.3), _clip(tf)))
_constrained("momentum", lambda tf: _one(tf, tf.train.MomentumOptimizer(0.1, 0.9), _norm_ball(tf)))
_constrained("adam", lambda tf: _one(tf, tf.train.AdamOptimizer(0.5), _norm_ball(tf)))
_constrained("rmsprop", lambda tf: _one(tf, tf.train.RMSPropOptimizer(0.3), _clip(tf, -0.6, 0.6)))
_constrained("adagrad", lambda tf: _one(tf, tf.train.AdagradOptimizer(0.9), _clip(tf, -0.6, 0.6)))


def _scoped(tf: Any) -> Any:
    """The scope's constraint, one that replaces it, and a scope inside."""
    ones = tf.ones_initializer()
    with tf.variable_scope("a", constraint=_clip(tf)):
        v = tf.get_variable("v", [2], initializer=ones)
        w = tf.get_variable("w", [2], initializer=ones, constraint=_clip(tf, -0.5, 0.5))
        with tf.variable_scope("b"):
            u = tf.get_variable("u", [2], initializer=ones)
    free = tf.get_variable("free", [2], initializer=ones)
    loss = tf.reduce_sum(-3.0 * v - 2.0 * w - u - free)
    return tf.train.GradientDescentOptimizer(0.5).minimize(loss), [v, w, u, free]


_constrained("scope", _scoped)


def _layered(tf: Any) -> Any:
    """Kernels and biases of layers, with constant initial values."""
    x = tf.constant(np.linspace(-1, 1, 24, dtype=np.float32).reshape(1, 4, 3, 2))
    some = tf.constant_initializer(0.3)
    y = tf.layers.conv2d(
        x, 2, 2, kernel_initializer=some, kernel_constraint=_clip(tf, 0.0, 9.0), bias_constraint=_clip(tf, -0.1, 0.1)
    )
    y = tf.layers.dense(y, 2, kernel_initializer=some, kernel_constraint=_norm_ball(tf))
    y = tf.layers.batch_normalization(y, gamma_constraint=_clip(tf, 0.9, 1.1), beta_constraint=_clip(tf, -0.2, 0.2))
    step = tf.train.GradientDescentOptimizer(0.4).minimize(tf.reduce_sum(tf.square(y - 1.0)))
    return step, tf.trainable_variables()


_constrained("layers", _layered)


@case()
def getter_keywords(tf: Any) -> Results:
    """The arguments that a custom getter is called with."""
    seen = []

    def getter(getter: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        assert not args
        seen.append([name, sorted(kwargs), kwargs["reuse"], kwargs["trainable"] is not False, kwargs["partitioner"]])
        return getter(name, **kwargs)

    def bare(getter: Any, name: str, shape: Any, dtype: Any, initializer: Any, regularizer: Any, reuse: Any,
             trainable: Any, collections: Any, caching_device: Any, partitioner: Any, validate_shape: Any,
             use_resource: Any, synchronization: Any, aggregation: Any) -> Any:  # fmt: skip
        seen.append([name, list(shape)])
        return getter(name + "_bare", shape, initializer=tf.zeros_initializer())

    with tf.Graph().as_default():
        with tf.variable_scope("a", custom_getter=getter):
            made = [tf.get_variable("v", [2])]
            with tf.variable_scope("b", custom_getter=getter):
                made.append(tf.get_variable("w", [2], trainable=False))
            made.append(tf.get_variable("x", [3], custom_getter=bare))
        with tf.variable_scope("a", custom_getter=getter, reuse=True):
            made.append(tf.get_variable("v", [2]))
        return {"seen": seen, "names": names_of(made)}


@case()
def scope_arguments(tf: Any) -> Results:
    """A variable scope without a name scope, and one in the graph of its values."""
    with tf.Graph().as_default():
        x = tf.constant(1.0, name="x")
    with tf.Graph().as_default():
        with tf.variable_scope("a"), tf.variable_scope("b", auxiliary_name_scope=False) as scope:
            made = [tf.get_variable("v", [2]), tf.constant(1.0)]
        with tf.variable_scope("c", auxiliary_name_scope=False):
            made += [tf.get_variable("v", [2]), tf.constant(1.0)]
        with tf.variable_scope(None, "d", [x]):
            there = tf.get_variable("v", [2])
        return {"names": names_of(made + [there]), "scope": scope.original_name_scope, "there": there.graph is x.graph}


@case()
def unique_out_idx(tf: Any) -> Results:
    with tf.Graph().as_default(), tf.Session() as session:
        made = [tf.unique([7, 3, 7, 7, 5, 3], out_idx=kind)[1] for kind in (tf.int32, tf.int64)]
        return dict({str(i): v for i, v in enumerate(session.run(made))}, dtypes=[t.dtype.name for t in made])


@case()
def slim_gradient_summaries(tf: Any) -> Results:
    with tf.Graph().as_default():
        w = tf.get_variable("w", [2], initializer=tf.ones_initializer())
        slim = tf.contrib.slim
        slim.learning.create_train_op(
            tf.reduce_sum(w * w), tf.train.GradientDescentOptimizer(0.1), summarize_gradients=True
        )
        return {"summaries": sorted(names_of(tf.get_collection(tf.GraphKeys.SUMMARIES)))}


@case()
def slim_train_step_fn(tf: Any) -> Results:
    """A training loop with its own step function, feeds and initial operations."""
    slim = tf.contrib.slim
    with tf.Graph().as_default(), tempfile.TemporaryDirectory() as folder:
        start = tf.placeholder(tf.float32, [])
        w = tf.Variable(start, name="w")
        seen = tf.Variable(5.0, collections=[tf.GraphKeys.LOCAL_VARIABLES], trainable=False)
        op = slim.learning.create_train_op(w * w + 0.0 * seen, tf.train.GradientDescentOptimizer(0.25))
        calls = []

        def step(sess: Any, train_op: Any, global_step: Any, kwargs: Any) -> Any:
            loss, stop = slim.learning.train_step(sess, train_op, global_step, kwargs)
            calls.append([float(loss), sorted(kwargs)])
            return loss, stop or len(calls) == 3

        last = slim.learning.train(
            op,
            folder,
            train_step_fn=step,
            init_feed_dict={start: 8.0},
            number_of_steps=5,
            log_every_n_steps=2,
            summary_writer=None,
        )
        return {
            "last": float(last),
            "losses": np.array([c[0] for c in calls]),
            "keys": [k for k in calls[0][1] if k.startswith("should")],
        }


@case()
def saver_arguments(tf: Any) -> Results:
    """Padded step numbers, the state file's name, no state file, reshaping, deferred builds, checkpoints that stay."""
    with tf.Graph().as_default(), tf.Session() as session, tempfile.TemporaryDirectory() as folder:
        tf.Variable(np.arange(6.0, dtype=np.float32), name="w")
        session.run(tf.global_variables_initializer())
        padded = tf.train.Saver(pad_step_number=True)
        path = padded.save(session, os.path.join(folder, "m"), 12, latest_filename="other", write_meta_graph=False)
        other = tf.train.latest_checkpoint(folder, "other")
        none = tf.train.latest_checkpoint(folder)
        padded.save(session, os.path.join(folder, "n"), write_state=False, write_meta_graph=False)
        kept = [tf.train.latest_checkpoint(folder, "other") == other, tf.train.latest_checkpoint(folder) == none]
        deferred = tf.train.Saver(defer_build=True)
        late = tf.Variable(7.0, name="late")
        deferred.build()
        session.run(late.initializer)
        deferred.save(session, os.path.join(folder, "late"), write_meta_graph=False)
        session.run(late.assign(0.0))
        deferred.restore(session, os.path.join(folder, "late"))
        value = session.run(late)
        hours = tf.train.Saver(max_to_keep=1, keep_checkpoint_every_n_hours=1e-12)
        paths = [hours.save(session, os.path.join(folder, "h"), i, write_meta_graph=False) for i in range(3)]
        stay = [tf.train.checkpoint_exists(p) for p in paths]
        with tf.Graph().as_default(), tf.Session() as second:
            table = tf.Variable(np.zeros((2, 3), np.float32), name="w")
            tf.train.Saver(reshape=True).restore(second, path)
            return {
                "name": os.path.basename(path).split(".")[0], "other": os.path.basename(other).split(".")[0],
                "none": none, "kept": kept, "late": value, "stay": stay, "table": second.run(table),
                "last": len(hours.last_checkpoints), "empty": tf.train.Saver([], allow_empty=True) is not None,
            }  # fmt: skip


@case()
def split_and_sum_arguments(tf: Any) -> Results:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, None)
        total = tf.accumulate_n([x, x], shape=[3], tensor_dtype=tf.float32)
        parts = tf.split([1.0, 2.0, 3.0], [1, 2], num=2)
        mapped = tf.map_fn(lambda v: tf.cast(v, tf.int32), tf.constant([1.5, 2.5]), dtype=tf.int32, back_prop=False)
        found = session.run([total, mapped] + parts, {x: [1.0, 2.0, 3.0]})
        return dict({str(i): v for i, v in enumerate(found)}, shape=shape_of(total))


def _error(name: str, call: Any, *phrases: str) -> None:
    CASES["error_arguments_" + name] = Case(lambda tf: caught(tf, call, list(phrases)), 0.0, 0.0)


_error("constraint", lambda tf: tf.Variable(1.0, constraint=3.0), "constraint", "callable")
_error("saver_defer", lambda tf: tf.train.Saver([tf.Variable(1.0)], defer_build=True), "build cannot be deferred")
_error("cosine_axis", lambda tf: tf.contrib.losses.cosine_distance(tf.zeros([2, 2]), tf.zeros([2, 2])), "axis")
_error(
    "contrib_shapes",
    lambda tf: tf.contrib.losses.mean_squared_error(tf.zeros([2, 3]), tf.zeros([3, 2])),
    "(2, 3)",
    "(3, 2)",
)


@case()
def contrib_metrics(tf: Any) -> Results:
    """`slim.metrics`: predictions first."""
    with tf.Graph().as_default(), tf.Session() as session:
        metrics, (y, f) = tf.contrib.slim.metrics, (tf.constant(v, tf.int64) for v in ([0, 1, 1, 2], [0, 2, 1, 2]))
        made = [metrics.accuracy(f, y), metrics.accuracy(f, y, [1.0, 2.0, 0.0, 1.0])]
        weights = [1.0, 2.0, 0.0, 1.0]
        pairs = {
            "accuracy": metrics.streaming_accuracy(f, y, weights), "iou": metrics.streaming_mean_iou(f, y, 3),
            "precision": metrics.streaming_precision(f > 1, y > 0), "recall": metrics.streaming_recall(f > 1, y > 0),
            "absolute": metrics.streaming_mean_absolute_error(tf.to_float(f), tf.to_float(y), weights, None, None, "e"),
            "mean": metrics.streaming_mean(f), "less": metrics.streaming_percentage_less(tf.to_float(f), 1.5),
        }  # fmt: skip
        values, updates = metrics.aggregate_metric_map(pairs)
        session.run(tf.local_variables_initializer())
        found = {"now " + k: v for k, v in session.run(updates).items()}
        return dict(found, accuracies=np.stack(session.run(made)), names=names_of([values["absolute"], made[0]]),
            lists=[len(v) for v in metrics.aggregate_metrics(*pairs.values())], **session.run(values))  # fmt: skip


@case()
def one_hot_scope(tf: Any) -> Results:
    with tf.Graph().as_default(), tf.Session() as session:
        y = tf.contrib.slim.one_hot_encoding([2, 0], 3, 2.0, -1.0, "kept", "s")
        return {"y": session.run(y), "kept": names_of(tf.get_collection("kept")), "name": y.name.split("/")[0]}


@case()
def saver_meta_graph(tf: Any) -> Results:
    """The graph beside a checkpoint, read by what `save` returns, as most programs do."""
    with tempfile.TemporaryDirectory() as folder:
        with tf.Graph().as_default(), tf.Session() as session:
            x = tf.placeholder(tf.float32, [None], name="x")
            w = tf.Variable([2.0, 3.0], name="w")
            tf.add_to_collection("outputs", tf.multiply(x, w, name="y"))
            session.run(tf.global_variables_initializer())
            session.run(w.assign([5.0, 7.0]))
            saver = tf.train.Saver(max_to_keep=1)
            saver.save(session, os.path.join(folder, "first"))
            path = saver.save(session, os.path.join(folder, "model"), global_step=3)
            saver.save(session, os.path.join(folder, "bare"), write_meta_graph=False, write_state=False)
        found = sorted(name for name in os.listdir(folder) if name.endswith(".meta"))
        latest = tf.train.latest_checkpoint(folder)
        with tf.Graph().as_default(), tf.Session() as session:
            tf.train.import_meta_graph(path + ".meta").restore(session, latest)
            values = session.run(tf.get_collection("outputs"), {"x:0": [1.0, 2.0]})
            names = names_of(tf.global_variables())
    return {"found": found, "y": values[0], "names": names, "same": path == latest}
