"""More of tf.contrib.layers, slim and names of later versions: see ``cases.py`` for the rules of these files.

Tests `tf1/aliases.py`, `tf1/analyzer.py`, `tf1/collecting.py`, `tf1/contrib_optimize.py`, `tf1/contrib_metrics.py`,
`tf1/contrib_summaries.py`, `tf1/slim.py` and `tf1/vocabulary.py`.
"""

# ruff: noqa: UP035, UP006  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

from typing import Any, Callable, Dict

import numpy as np

from cases import CASES, Case, Results, case, drawn_after

PICTURES = np.random.RandomState(3).uniform(-1, 1, (2, 6, 6, 3)).astype(np.float32)


LAYERS: Dict[str, Callable[[Any, Any], Any]] = {
    "conv2d_transpose": lambda c, x: c.conv2d_transpose(x, 4, 3, 2),
    "conv2d_transpose_valid": lambda c, x: c.conv2d_transpose(x, 4, 3, 2, padding="VALID", activation_fn=None),
    "conv2d_transpose_norm": lambda c, x: c.conv2d_transpose(
        x, 4, [3, 4], [2, 1], normalizer_fn=c.batch_norm, normalizer_params={"is_training": False}
    ),
    "separable_conv2d": lambda c, x: c.separable_conv2d(x, 5, 3, 2),
    "separable_conv2d_stride": lambda c, x: c.separable_conv2d(
        x, 5, 3, 1, stride=2, weights_regularizer=c.l2_regularizer(0.1)
    ),
    "separable_conv2d_deep": lambda c, x: c.separable_conv2d(x, None, 3, 1, scope="deep"),
    "bias_add": lambda c, x: c.bias_add(x, initializer=lambda *_, **__: 0.5 + np.zeros(3, np.float32)),
    "softmax": lambda c, x: c.softmax(x),
    "layer_norm": lambda c, x: c.layer_norm(x),
    "layer_norm_axes": lambda c, x: c.layer_norm(x, begin_norm_axis=2, begin_params_axis=2, center=False),
    "instance_norm": lambda c, x: c.instance_norm(x, scale=False),
    "instance_norm_nchw": lambda c, x: c.instance_norm(x, data_format="NCHW"),
}


def _add_layer(name: str, build: Callable[[Any, Any], Any]) -> None:
    """A layer's result and variables, a random number after it, and the gradient of its sum of squares."""

    def run(tf: Any) -> Results:
        with tf.Graph().as_default():
            tf.set_random_seed(5)
            x = tf.placeholder(tf.float32, [None, 6, 6, 3])
            y = build(tf.contrib.layers, x)
            number = tf.random_uniform([])
            (slope,) = tf.gradients(tf.reduce_sum(tf.square(y)), x)
            names = [v.op.name for v in tf.global_variables()]
            losses = len(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES))
            models = len(tf.contrib.slim.get_model_variables())
            with tf.Session() as session:
                session.run(tf.global_variables_initializer())
                found = session.run([y, number, slope], {x: PICTURES})
        results = dict(zip(["y", "number", "slope"], found))
        results.update(names=names, shape=str(y.shape), losses=losses, models=models)
        return results

    CASES["slim_" + name] = Case(run, 2e-5, 2e-5)


for _name, _build in LAYERS.items():
    _add_layer(_name, _build)


@case()
def optimize_losses(tf: Any) -> Results:
    """Steps by names, functions and classes, with clipping and decay; the summaries; the variables' names."""
    results: Results = {}
    ways = {
        "name": dict(optimizer="SGD"),
        "clipped": dict(optimizer="Adam", clip_gradients=0.5),
        "class": dict(optimizer=tf.train.GradientDescentOptimizer, summaries=[]),
        "function": dict(optimizer=lambda rate: tf.train.MomentumOptimizer(rate, 0.5), summaries=["loss", "gradients"]),
        "decay": dict(
            optimizer="SGD", learning_rate_decay_fn=lambda rate, step: tf.train.exponential_decay(rate, step, 1, 0.5)
        ),
    }
    for name, options in ways.items():
        with tf.Graph().as_default():
            tf.set_random_seed(2)
            w = tf.get_variable("w", [3], initializer=tf.constant_initializer([1.0, 2.0, 3.0]))
            loss = tf.reduce_sum(tf.square(w))
            step = tf.train.get_or_create_global_step()
            train = tf.contrib.layers.optimize_loss(loss, step, 0.1, **options)
            with tf.Session() as session:
                session.run(tf.global_variables_initializer())
                for _ in range(3):  # the losses that they return race with the update in TensorFlow
                    session.run(train)
                results[name] = np.append(session.run(w), session.run(step)).astype(np.float32)
            results[name + " names"] = [v.op.name for v in tf.global_variables()]
            results[name + " summaries"] = len(tf.get_collection(tf.GraphKeys.SUMMARIES))
    return results


@case()
def regularizers_together(tf: Any) -> Results:
    layers = tf.contrib.layers
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.constant([[1.0, -2.0], [3.0, 0.5]])
        both = layers.l1_l2_regularizer(0.3, 0.2)(w)
        several = layers.sum_regularizer([layers.l1_regularizer(0.1), None, layers.l2_regularizer(0.4)])(w)
        applied = layers.apply_regularization(layers.l2_regularizer(0.5), [w, w * 2.0])
        collected = len(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES))
        return {"values": np.array(session.run([both, several, applied])), "collected": collected}


@case()
def moving_averages_of_values(tf: Any) -> Results:
    """Averages with and without the division by 1 - decay**n; the variables that they make."""
    from_module = getattr(tf, "python", None) or tf.contrib.framework  # TensorFlow has the module apart
    if hasattr(from_module, "training"):
        assign = from_module.training.moving_averages.assign_moving_average
    else:
        from tensorflow.python.training import moving_averages

        assign = moving_averages.assign_moving_average
    with tf.Graph().as_default(), tf.Session() as session:
        plain, debiased = tf.Variable([1.0, 2.0], name="a"), tf.Variable([0.0, 0.0], name="b")
        x = tf.placeholder(tf.float32, [2])
        updates = [assign(plain, x, 0.9, zero_debias=False), assign(debiased, x, 0.9)]
        names = sorted(v.op.name for v in tf.global_variables())
        session.run(tf.global_variables_initializer())
        for value in (1.0, 2.0, 4.0):
            session.run(updates, {x: [value, -value]})
        return {"values": np.array(session.run([plain, debiased])), "names": names}


@case()
def variables_without_values(tf: Any) -> Results:
    with tf.Graph().as_default(), tf.Session() as session:
        a, b = tf.Variable(1.0, name="a"), tf.Variable(2.0, name="b")
        report, first = tf.report_uninitialized_variables(), tf.is_variable_initialized(a)
        before = [sorted(n.decode() for n in session.run(report)), bool(session.run(first))]
        session.run(a.initializer)
        between = [sorted(n.decode() for n in session.run(report)), bool(session.run(first))]
        session.run(b.initializer)
        return {"seen": [before, between, [len(session.run(report))]]}


@case(5e-7, 1e-7)
def other_names(tf: Any) -> Results:
    """Initializers and random numbers under other names; each value pins the number of ops before it."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(9)
        starts = {
            "unit": tf.uniform_unit_scaling_initializer(1.43),
            "he_normal": tf.initializers.he_normal(),
            "he_uniform": tf.initializers.he_uniform(),
            "lecun_normal": tf.initializers.lecun_normal(),
            "lecun_uniform": tf.initializers.lecun_uniform(),
        }
        values = [tf.get_variable(name, [3, 4], initializer=start) for name, start in starts.items()]
        drawn = [tf.random.normal([2]), tf.random.uniform([2]), tf.random.truncated_normal([2])]
        session.run(tf.initializers.global_variables())
        results = dict(zip(starts, session.run(values)))
        results["drawn"] = np.stack(session.run(drawn))
        x = tf.constant([[3.0, 1.0], [2.0, 5.0]])
        results["arg"] = np.stack(session.run([tf.arg_max(x, 1), tf.arg_min(x, 0)]))
        results["floor"] = session.run(tf.floor_div([7, -7], 2))
        results["relu"] = session.run(tf.nn.relu_layer(x, [[1.0], [-1.0]], [0.5]))
        calls = [
            ("softmax", lambda: tf.contrib.layers.softmax(x)),
            ("relu_layer", lambda: tf.nn.relu_layer(x, [[1.0], [-1.0]], [0.5])),
            ("report", lambda: tf.report_uninitialized_variables([])),
            ("regularizer", lambda: tf.contrib.layers.l1_l2_regularizer(0.1, 0.2)(x)),
            ("apply", lambda: tf.contrib.layers.apply_regularization(tf.contrib.layers.l2_regularizer(0.1), [x])),
            ("strided", lambda: tf.strided_slice(x, [0], [1])),
        ]
        results.update(drawn_after(tf, session, calls))
        return results


@case()
def vocabularies(tf: Any) -> Results:
    """Texts as numbers of words, cut and filled up; rare words are unknown."""
    texts = ["the cat sat on the mat", "the dog's cat-flap", "a very LONG text about cats and the dogs"]
    seen = []
    for least in (0, 1):
        processor = tf.contrib.learn.preprocessing.VocabularyProcessor(5, min_frequency=least)
        rows = [row.tolist() for row in processor.fit_transform(texts)]
        unknown = [row.tolist() for row in processor.transform(["the unseen cat"])]
        seen.append([rows, unknown, len(processor.vocabulary_), list(processor.reverse(rows[:1]))])
    return {"seen": seen}


@case()
def sizes_of_models(tf: Any) -> Results:
    with tf.Graph().as_default():
        tf.contrib.slim.fully_connected(tf.placeholder(tf.float32, [None, 4]), 3)
        return {"sizes": list(map(int, tf.contrib.slim.model_analyzer.analyze_vars(tf.global_variables())))}


@case()
def names_of_slots(tf: Any) -> Results:
    """Slots and averages are named below the variable scope that is open when they are made."""
    with tf.Graph().as_default():
        w = tf.get_variable("w", [3])
        with tf.variable_scope("outer"), tf.name_scope("inner"):
            u = tf.get_variable("u", [2])
            loss = tf.reduce_sum(w) + tf.reduce_sum(u)
            tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
            tf.train.AdamOptimizer(0.1).minimize(loss)
            tf.train.ExponentialMovingAverage(0.9).apply([w, u])
        return {"names": [v.op.name for v in tf.global_variables()]}


@case()
def objects_of_programs(tf: Any) -> Results:
    """Attributes of graphs, shapes, dtypes and sessions; dimensions as numbers."""
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 4, 6, 3])
        sizes = session.run([tf.stack([x.get_shape()[1], 5]), tf.convert_to_tensor(x.get_shape()[2])])
        with graph.device("/cpu:0"), graph.name_scope("a"), graph.name_scope("b"):
            scope = graph.get_name_scope()
        shape = tf.TensorShape([2, None])
        return {
            "stacked": sizes[0],
            "converted": sizes[1],
            "whole": tf.get_variable("w", [3, 6 / 2]).get_shape().as_list(),
            "scope": scope,
            "values": [t.name for t in x.op.values()],
            "device": x.op.device,
            "limits": [float(v) for v in tf.uint8.limits],
            "kinds": [tf.float32.is_complex, tf.uint8.is_unsigned, tf.int8.is_unsigned, tf.int32.real_dtype.name],
            "shapes": [
                shape.concatenate([3]).as_list(),
                shape.with_rank(2).as_list(),
                str(shape.with_rank_at_least(1)),
            ],
            "gates": [tf.train.Optimizer.GATE_NONE, tf.train.Optimizer.GATE_OP, tf.train.Optimizer.GATE_GRAPH],
            "called": float(session.make_callable(tf.reduce_sum(x), [x])(np.ones((1, 4, 6, 3)))),
        }
