"""Comparisons, divisions, collections, initializers and sessions: see ``cases.py`` for the rules of these files."""

# ruff: noqa: UP035, UP006  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

from typing import Any

import numpy as np

from cases import CASES, Case, Results, _add_random, case
from cases_api import caught, names_of, run_in_session, shape_of
from cases_ops import add, f32, normal

_LEFT, _RIGHT = f32([[-1, 0, 2], [3, np.nan, np.inf]]), f32([[0, 0, 1], [3, np.nan, np.inf]])
for _name in ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal"):
    add("compare_" + _name, lambda tf, x, y, n=_name: [getattr(tf, n)(x, y), getattr(tf, n)(x, 1.0)], _LEFT, _RIGHT)
    add("compare_integers_" + _name, lambda tf, x, y, n=_name: getattr(tf, n)(x, y), np.array([[1], [5]]),
        np.array([1, 3, 5]))  # fmt: skip
add("compare_operators", lambda tf, x, y: [x > y, x >= y, x < y, x <= y, 1.0 > x, 1.0 <= x], _LEFT, _RIGHT)
for _name in ("logical_and", "logical_or", "logical_xor"):
    add("bools_" + _name, lambda tf, x, y, n=_name: getattr(tf, n)(x, y), np.array([[True], [False]]),
        np.array([True, False]))  # fmt: skip
add("bools_operators", lambda tf, x, y: [x & y, x | y, x ^ y, ~x, tf.logical_not(y)], np.array([[True], [False]]),
    np.array([True, False]))  # fmt: skip

_DIVIDENDS, _DIVISORS = f32([[-7.5, 7.5, 0], [1, -1, 6]]), f32([2, -2, 4])
for _name in ("div", "truediv", "divide", "floordiv", "realdiv", "mod", "floormod", "div_no_nan"):
    add("divide_" + _name, lambda tf, x, y, n=_name: getattr(tf, n)(x, y), _DIVIDENDS, _DIVISORS)
    if _name not in ("realdiv", "div_no_nan"):
        add("divide_integers_" + _name, lambda tf, x, y, n=_name: getattr(tf, n)(x, y),
            np.array([[-7, 7, 0], [1, -1, 6]], np.int32), np.array([2, -2, 4], np.int32))  # fmt: skip
add("divide_bytes", lambda tf, x, y: [tf.truediv(x, y), tf.div(x, y), tf.floordiv(x, y)],
    np.array([7, 200], np.uint8), np.array([2, 7], np.uint8))  # fmt: skip
add("divide_operators", lambda tf, x, y: [x / y, x // y, x % y, 1.0 / y, 7.0 // y, 7.0 % y], _DIVIDENDS, _DIVISORS)

for _name in ("reduce_min", "reduce_max", "reduce_logsumexp"):
    add("reduction_" + _name, lambda tf, x, n=_name: [
        getattr(tf, n)(x), getattr(tf, n)(x, 1), getattr(tf, n)(x, [0, 2], keepdims=True), getattr(tf, n)(x, -1)],
        normal(2, 3, 4))  # fmt: skip
add("reduction_ties", lambda tf, x: [tf.reduce_min(x, 1), tf.reduce_max(x, 1)], f32([[1, 1, 2], [3, 3, 3]]))
add("reduction_logsumexp_far", lambda tf, x: [tf.reduce_logsumexp(x, 1), tf.reduce_logsumexp(x)],
    f32([[1000, 1000], [-1000, -1001], [-np.inf, 0]]))  # fmt: skip
add("reduction_old_names", lambda tf, x: [tf.reduce_min(x, reduction_indices=[1], keep_dims=True)], normal(2, 3))
add("softplus_far", lambda tf, x: tf.nn.softplus(x), f32([-100, -20, -1, 0, 1, 20, 100]), second=True)
add("to_int32", lambda tf, x: [tf.to_int32(x), tf.to_int32(x > 0)], f32([-1.9, -0.5, 0.5, 1.9, 100]))
add("tuple", lambda tf, x, y: tf.tuple([x * 2.0, y]), normal(2), normal(3))
add("average_pooling2d", lambda tf, x: [tf.layers.average_pooling2d(x, 2, 2), tf.layers.average_pooling2d(
    x, [3, 2], [1, 2], "same"), tf.layers.average_pooling2d(x, pool_size=3, strides=1, padding="valid")],
    normal(2, 5, 6, 3))  # fmt: skip

for _name in ("glorot_uniform_initializer", "glorot_normal_initializer"):
    for _shape in ([5, 3], [3, 3, 2, 4]):
        _add_random("initial_%s_%d" % (_name, len(_shape)), 7,
            lambda tf, n=_name, s=_shape: getattr(tf, n)()(s))  # fmt: skip
    _add_random("initial_%s_seed" % _name, None,
        lambda tf, n=_name: getattr(tf, n)(seed=3, dtype=tf.float32)([4]))  # fmt: skip
for _mode in ("fan_in", "fan_out", "fan_avg"):
    for _distribution in ("normal", "uniform", "truncated_normal", "untruncated_normal"):
        _add_random("initial_scaling_%s_%s" % (_mode, _distribution), 7,
            lambda tf, m=_mode, d=_distribution: tf.variance_scaling_initializer(2.0, m, d, seed=5)([3, 2, 4]))  # fmt: skip


@case()
def collections_of_graphs(tf: Any) -> Results:
    """Collections: copies and references, scopes, several at once, clearing."""
    with tf.Graph().as_default() as graph:
        with tf.name_scope("s"):
            inside = tf.constant(1.0, name="a")
        tf.add_to_collection("mine", inside)
        tf.add_to_collection("mine", tf.constant(2.0, name="b"))
        tf.add_to_collection("mine", "text")
        tf.add_to_collection("mine", "text")
        tf.get_collection("mine").append("not kept")
        tf.get_collection_ref("mine").append("kept")
        graph.add_to_collections(["one", "two", "one"], 5)
        tf.get_collection_ref("empty")
        by_scope = names_of(tf.get_collection("mine", scope="s"))
        keys = sorted(graph.get_all_collection_keys())
        counts = [len(tf.get_collection(k)) for k in ("mine", "one", "two", "empty", "none")]
        kept = tf.get_collection("mine")[-1]
        graph.clear_collection("mine")
        return {
            "scope": by_scope, "keys": keys, "counts": counts, "kept": kept, "cleared": tf.get_collection("mine"),
            "of_names": sorted(v for k, v in vars(tf.GraphKeys).items() if k in (
                "GLOBAL_VARIABLES", "TRAINABLE_VARIABLES", "LOCAL_VARIABLES", "MODEL_VARIABLES", "SUMMARIES",
                "UPDATE_OPS", "LOSSES", "REGULARIZATION_LOSSES", "MOVING_AVERAGE_VARIABLES", "ACTIVATIONS", "BIASES",
                "WEIGHTS", "GLOBAL_STEP", "SAVERS", "INIT_OP", "LOCAL_INIT_OP", "SUMMARY_OP", "TRAIN_OP", "READY_OP",
                "QUEUE_RUNNERS", "TABLE_INITIALIZERS", "ASSET_FILEPATHS")),
        }  # fmt: skip


@case()
def default_sessions(tf: Any) -> Results:
    """Which session and graph are the default, inside and outside of blocks."""
    seen = []
    with tf.Graph().as_default() as outer:
        seen += [tf.get_default_session() is None, tf.get_default_graph() is outer]
        x = tf.constant(2.0) * 3.0
        with tf.Session() as first:
            seen.append(tf.get_default_session() is first)
            value = x.eval()
            with tf.Graph().as_default() as inner, tf.Session() as second:
                seen += [tf.get_default_session() is second, tf.get_default_graph() is inner, second.graph is inner]
            seen += [tf.get_default_session() is first, tf.get_default_graph() is outer]
        seen.append(tf.get_default_session() is None)
        third = tf.Session()
        with third.as_default():
            seen += [tf.get_default_session() is third, float(x.eval()) == 6.0]
        again = third.run(x)  # as_default does not close
        third.close()
        interactive = tf.InteractiveSession()
        seen.append(tf.get_default_session() is interactive)
        evaluated = tf.constant(4).eval()
        interactive.close()
        graph = tf.Graph()
        with graph.as_default():
            y = tf.constant(1.0)
        with tf.Session(graph=graph) as session:
            seen += [tf.get_default_graph() is graph, session.graph is graph, float(session.run(y)) == 1.0]
    return {"seen": seen, "value": value, "again": again, "evaluated": evaluated}


@case()
def reset_graph(tf: Any) -> Results:
    """A fresh default graph: names begin anew."""
    tf.reset_default_graph()
    first = tf.Variable(1.0)
    old = tf.get_default_graph()
    tf.reset_default_graph()
    second = tf.Variable(1.0)
    results = {
        "names": [first.name, second.name],
        "another": tf.get_default_graph() is not old,
        "variables": len(tf.global_variables()),
    }
    tf.reset_default_graph()
    return results


@case()
def initial_values_of(tf: Any) -> Results:
    """Some variables or all, by the old name and the new; what is still uninitialised."""
    with tf.Graph().as_default(), tf.Session() as session:
        a = tf.Variable(1.0, name="a")
        b = tf.Variable(tf.fill([2], 3.0), name="b")
        c = tf.Variable(a.initialized_value() * 2.0, name="c")
        some, old = tf.variables_initializer([b], name="some"), tf.initialize_all_variables()
        session.run(some)
        value = session.run(b)
        session.run(tf.variables_initializer([]))
        session.run(old)
        before = session.run([a, c])
        session.run([tf.assign(a, 9.0), tf.assign(b, [7.0, 8.0])])
        session.run(tf.variables_initializer([b]))
        again = [session.run(a), session.run(b)[0]]
        session.run(a.initializer)
        return {
            "names": [some.name, old.name, tf.variables_initializer([a, b]).name, a.initializer.name],
            "b": value,
            "before": np.array(before),
            "again": np.array(again),
            "a": session.run(a),
        }


@case()
def variable_scopes(tf: Any) -> Results:
    """VariableScope: names, reuse, defaults that are inherited, custom getters."""
    with tf.Graph().as_default():
        made = tf.constant_initializer(0.5)

        def renamed(getter: Any, name: str, *args: Any, **kwargs: Any) -> Any:
            return getter(name + "_by_getter", *args, **kwargs)

        def penalty(w: Any) -> Any:
            return tf.reduce_sum(w, name="penalty")

        with tf.variable_scope("a", initializer=made, regularizer=penalty) as a:
            w = tf.get_variable("w", [2])
            with tf.variable_scope("b", dtype=tf.float64) as b:
                v = tf.get_variable("v", [3])
                plain = tf.get_variable("plain", [1], initializer=tf.zeros_initializer(), regularizer=None)
            with tf.variable_scope(b, reuse=True) as again:
                same = tf.get_variable("v", [3]) is v
            a.reuse_variables()
            reused = [a.reuse, again.reuse, tf.get_variable_scope().reuse]
        with tf.variable_scope("c", custom_getter=renamed):
            got = tf.get_variable("w", [2], trainable=False)
        with tf.variable_scope("outer"):
            with tf.variable_scope("inner") as inner:
                pass
            with tf.variable_scope(inner.name):
                relative = tf.get_variable_scope().name
            with tf.variable_scope(inner) as entered:
                absolute = entered.name, entered.original_name_scope
        root = tf.get_variable_scope()
        return {
            "names": names_of([w, v, plain, got]),
            "scopes": [a.name, b.name, inner.name, root.name, relative, *absolute],
            "dtypes": [t.dtype.base_dtype.name for t in (w, v, got)],
            "reused": [bool(r) for r in reused],
            "same": same,
            "is_scope": [isinstance(s, tf.VariableScope) for s in (a, inner, root)],
            "initial": a.initializer is made,
            "penalties": names_of(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)),
            "global": names_of(a.global_variables()),
            "trainable": names_of(a.trainable_variables()),
        }


@case()
def names_of_more(tf: Any) -> Results:
    """The name and the static shape of what each call returns."""
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 4], name="x")
        n = tf.placeholder(tf.int32, [3], name="n")
        image = tf.placeholder(tf.float32, [None, 6, 6, 2], name="image")
        made = [
            tf.greater(x, 0.0), tf.greater_equal(x, x), tf.less(x, 0.0), tf.less_equal(x, x, name="small"), x >= 1.0,
            x < 1.0, x <= 1.0, tf.logical_xor(x > 0, x < 1), tf.div(x, 2.0), tf.truediv(n, 2), tf.div(n, 2),
            tf.floordiv(x, 2.0), tf.reduce_logsumexp(x, 1), tf.reduce_min(x, 0), tf.to_int32(x), tf.nn.softplus(x),
            tf.nn.xw_plus_b(x, tf.ones([4, 2]), tf.ones([2])),
            tf.nn.elu(x), tf.nn.selu(x), tf.tuple([x, n])[0], tf.clip_by_norm(x, 1.0), tf.global_norm([x]),
            tf.cumsum(x), tf.linspace(0.0, 1.0, 5), tf.norm(x), tf.tensordot(x, tf.ones([4, 5]), 1),
            tf.nn.l2_normalize(x, 1), tf.nn.in_top_k(x, n, 2), tf.nn.top_k(x, 2)[1],
            tf.random_crop(image, [1, 2, 2, 2]), tf.py_func(lambda a: a, [x], tf.float32), tf.check_numerics(x, "m"),
        ]  # fmt: skip
        return {"names": names_of(made), "shapes": [shape_of(t) for t in made], "dtypes": [t.dtype.name for t in made]}


@case()
def names_of_layers(tf: Any) -> Results:
    """The names of what layers return, with and without names of their own, and of their variables."""
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 6, 6, 2], name="x")
        rows = tf.placeholder(tf.float32, [None, 4], name="rows")
        on = tf.placeholder(tf.bool, [], name="on")
        made = []
        for name in (None, None, "mine"):
            made += [
                tf.layers.conv2d(x, 3, 3, name=name and name + "_conv"),
                tf.layers.conv2d(x, 3, 3, use_bias=False, activation=tf.nn.relu, name=name and name + "_plain"),
                tf.layers.max_pooling2d(x, 2, 2, name=name and name + "_max"),
                tf.layers.average_pooling2d(x, 2, 2, name=name and name + "_mean"),
                tf.layers.dense(rows, 3, name=name and name + "_dense"),
                tf.layers.dense(rows, 3, tf.nn.relu, use_bias=False, name=name and name + "_through"),
                tf.layers.flatten(x, name=name and name + "_flat"),
                tf.layers.dropout(rows, 0.5, training=True, name=name and name + "_drop"),
                tf.layers.dropout(rows, 0.5, training=on, name=name and name + "_maybe"),
                tf.layers.dropout(rows, 0.5, name=name and name + "_off"),
                tf.layers.batch_normalization(x, training=True, name=name and name + "_norm"),
                tf.layers.batch_normalization(rows, training=False, name=name and name + "_still"),
            ]  # fmt: skip
        with tf.variable_scope("s"):
            made += [tf.layers.conv2d(x, 3, 3), tf.layers.dense(rows, 3), tf.layers.max_pooling2d(x, 2, 2)]
        return {"names": names_of(made), "variables": names_of(tf.global_variables())}


@case()
def raised(tf: Any) -> Results:
    """Exceptions by their classes, and what they hold."""
    found = []

    def attempt(kind: Any, fetch: Any) -> None:
        with tf.Session() as session:
            try:
                session.run(fetch)
            except kind as error:
                base = isinstance(error, tf.errors.OpError)
                found.append([base, error.op is not None and error.op.name, "Placeholder" in error.message])

    with tf.Graph().as_default():
        attempt(tf.errors.InvalidArgumentError, tf.placeholder(tf.float32) + 1.0)
        attempt(tf.errors.FailedPreconditionError, tf.Variable(1.0, name="w") + 1.0)
        attempt((tf.errors.NotFoundError, tf.errors.OutOfRangeError), tf.read_file("/nowhere/a.png"))
        attempt(tf.errors.OpError, tf.check_numerics(tf.log([-1.0]), "no", name="c"))
    return {"found": found}


def _error(name: str, call: Any, *phrases: str) -> None:
    CASES["error_" + name] = Case(lambda tf: caught(tf, call, list(phrases)), 0.0, 0.0)


_error("compare_dtypes", lambda tf: tf.less(tf.zeros([2]), tf.zeros([2], tf.int32)), "float32", "int32")
_error("compare_bools", lambda tf: tf.less(tf.constant(True), tf.constant(False)), "bool")
_error("compare_shapes", lambda tf: tf.zeros([2]) > tf.zeros([3]), "2", "3")
_error("and_of_floats", lambda tf: tf.logical_and(tf.zeros([2]), tf.zeros([2])), "bool", "float32")
_error("divide_dtypes", lambda tf: tf.truediv(tf.zeros([2]), tf.zeros([2], tf.float64)), "float32", "float64")
_error("divide_by_zero", lambda tf: run_in_session(tf, tf.constant([1, 2]) // tf.placeholder_with_default([0, 1], [2])),
    "division by zero")  # fmt: skip
_error("mod_by_zero", lambda tf: run_in_session(tf, tf.constant([1, 2]) % tf.placeholder_with_default([0, 1], [2])),
    "division by zero")  # fmt: skip
_error("not_a_list_of_variables", lambda tf: tf.variables_initializer(3), "int")
_error("scope_of_nothing", lambda tf: tf.variable_scope(None).__enter__(), "name_or_scope", "default_name")
_error("scaling_mode", lambda tf: tf.variance_scaling_initializer(1.0, "fan_of"), "Invalid `mode` argument", "fan_of")
_error("scaling_distribution", lambda tf: tf.variance_scaling_initializer(1.0, "fan_in", "gauss"), "gauss")
_error("scaling_scale", lambda tf: tf.variance_scaling_initializer(0.0), "positive float")
_error("tuple_of_nothing", lambda tf: tf.tuple([None]), "Must have at least one Tensor")
_error("reset_nested", lambda tf: tf.reset_default_graph(), "nested")
