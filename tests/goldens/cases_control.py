"""Branches, checks, Python functions, shapes that depend on values: see ``cases.py`` for the rules of these files."""

# ruff: noqa: UP035, UP006  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

from typing import Any

import numpy as np

from cases import CASES, Case, Results, case
from cases_api import caught, names_of, run_in_session, shape_of
from cases_ops import add, f32, normal

_YES, _NO = np.array(True), np.array(False)

for _name, _pred in (("true", _YES), ("false", _NO)):
    add("cond_" + _name, lambda tf, p, x, y: tf.cond(p, lambda: x * y + x, lambda: tf.exp(y)), _pred, normal(2, 3),
        normal(2, 3), second=True)  # fmt: skip
    add("cond_nested_" + _name, lambda tf, p, x: tf.cond(
        tf.reduce_sum(x) > 0, lambda: x * x, lambda: tf.cond(p, lambda: 3.0 * x, lambda: x - 1.0)), _pred,
        -np.abs(normal(3)))  # fmt: skip
    add("cond_list_" + _name, lambda tf, p, x: tf.cond(
        p, lambda: [x, 2.0 * x, tf.constant(1)], lambda: [x * x, x, tf.constant(2)]), _pred, normal(3))  # fmt: skip
    add("cond_outside_" + _name, lambda tf, p, x: tf.cond(p, lambda: x, lambda: tf.constant([1.0, 1.0, 1.0])) * x,
        _pred, normal(3))  # fmt: skip
    add("cond_shapes_" + _name, lambda tf, p, x: tf.reduce_sum(tf.cond(p, lambda: x[:2], lambda: x)), _pred, normal(3))
for _value in (0.5, 1.5, 3.0):
    add("case_%d" % (10 * _value), lambda tf, v, x: tf.case(
        [(v < 1, lambda: x * 2.0), (v < 2, lambda: x * x)], default=lambda: -x), f32(_value), normal(3))  # fmt: skip
    add("case_exclusive_%d" % (10 * _value), lambda tf, v, x: tf.case(
        [(v < 1, lambda: x * 2.0), (v > 2, lambda: x * x)], default=lambda: -x, exclusive=True), f32(_value),
        normal(3))  # fmt: skip

_X = normal(4, 3)
_MASK = np.array([True, False, True, True])
add("where_places", lambda tf, c: tf.where(c), normal(3, 4) > 0)
add("boolean_mask", lambda tf, x, m: tf.boolean_mask(x, m), _X, _MASK)
add("boolean_mask_places", lambda tf, x: tf.boolean_mask(x, x > 0), _X)
add("boolean_mask_axis", lambda tf, x, m: tf.boolean_mask(x, m, axis=1), normal(2, 4, 2), _MASK)
add("boolean_mask_none", lambda tf, x, m: tf.reduce_sum(tf.boolean_mask(x, m) * 2.0), _X, np.zeros(4, bool))
add("unique", lambda tf, x: list(tf.unique(x)), np.array([5, 1, 5, 2, 1, 9]))
add("range_of_shape", lambda tf, x: [tf.range(tf.shape(x)[0]), tf.range(1, tf.size(x), 2)], _X)
add("check_numerics", lambda tf, x: [tf.check_numerics(x, "fine"), tf.verify_tensor_all_finite(x, "fine")], _X)
add("print", lambda tf, x: tf.Print(x, [x, tf.shape(x)], "x = ", summarize=2), _X)


@case()
def cond_effects(tf: Any) -> Results:
    """Only the branch that is taken has effects; operations as results; variables made inside."""
    with tf.Graph().as_default(), tf.Session() as session:
        p = tf.placeholder(tf.bool, [])
        v = tf.Variable(1.0)
        either = tf.cond(p, lambda: tf.assign_add(v, 1.0), lambda: tf.assign_sub(v, 10.0))
        step = tf.cond(p, lambda: tf.group(tf.assign(v, v * 2.0)), lambda: tf.no_op())
        with tf.variable_scope("s"):
            made = tf.cond(p, lambda: tf.get_variable("w", [2], initializer=tf.ones_initializer()) * 3.0,
                lambda: tf.zeros([2]))  # fmt: skip
        gradient = tf.gradients(made, tf.global_variables()[-1])[0]
        session.run(tf.global_variables_initializer())
        values = []
        for flag in (True, False, True):
            values.append(session.run(either, {p: flag}))
            session.run(step, {p: flag})
            values.append(session.run(v))
        return {
            "values": np.array(values),
            "made": [session.run(made, {p: flag}).tolist() for flag in (True, False)],
            "gradients": [session.run(gradient, {p: flag}).tolist() for flag in (True, False)],
            "variables": names_of(tf.global_variables()),
            "names": names_of([either, made]),
            "shape": shape_of(made),
        }


@case()
def py_functions(tf: Any) -> Results:
    """Python functions: several results, none, and the shapes that are told."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 2])
        one = tf.py_func(lambda a: a[::2] * np.float32(2), [x], tf.float32)
        both = tf.py_func(lambda a, b: (a.sum(), np.int64(len(a)) + b), [x, tf.constant(5, tf.int64)],
            [tf.float32, tf.int64])  # fmt: skip
        seen = []

        def note(a: Any) -> None:
            seen.append(a.tolist())

        silent = tf.py_func(note, [x], [])
        one.set_shape([None, 2])
        with tf.control_dependencies([silent]):
            after = tf.reduce_sum(one * tf.identity(x)[:1])
        feed = {x: np.arange(6, dtype=np.float32).reshape(3, 2)}
        return {
            "one": session.run(one, feed),
            "both0": session.run(both, feed)[0],
            "both1": session.run(both, feed)[1],
            "after": session.run(after, feed),
            "seen": seen,
            "names": [one.name, both[1].name],
            "shapes": [shape_of(one), shape_of(both[0])],
            "dtypes": [t.dtype.name for t in both],
        }


@case()
def checks_pass(tf: Any) -> Results:
    """Assertions that hold let the run go on."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None])
        checks = [
            tf.Assert(tf.reduce_all(x > 0), [x]), tf.assert_positive(x), tf.assert_less(x, 10.0), tf.assert_equal(x, x + 0),
            tf.assert_greater_equal(x, 1.0), tf.assert_rank(x, 1), tf.assert_non_negative(x),
        ]  # fmt: skip
        with tf.control_dependencies(checks):
            y = tf.identity(x) * 2.0
        return {"y": session.run(y, {x: [1.0, 2.0]})}


@case()
def dropout_of_a_fed_mode(tf: Any) -> Results:
    """A run without training draws nothing, so the next one has the numbers that come next."""
    results: Results = {}
    for name in ("layers", "noise_shape", "cond"):
        with tf.Graph().as_default(), tf.Session() as session:
            tf.set_random_seed(1)
            on, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [4, None])
            if name == "layers":
                y = tf.layers.dropout(x, 0.5, training=on)
            elif name == "noise_shape":
                y = tf.layers.dropout(x, 0.5, noise_shape=[4, 1], training=on)
            else:
                y = tf.cond(on, lambda x=x: tf.nn.dropout(x, 0.5), lambda x=x: x)
            after = tf.random_uniform([2])
            for i, mode in enumerate((True, False, True)):
                results["%s%d" % (name, i)] = session.run(y, {on: mode, x: np.ones([4, 8])})
            results[name + "after"] = session.run(after)
    return results


def _error(name: str, call: Any, *phrases: str) -> None:
    CASES["error_" + name] = Case(lambda tf: caught(tf, call, list(phrases)), 0.0, 0.0)


def _asserted(tf: Any, make: Any) -> Any:
    x = tf.placeholder(tf.float32, [None])
    with tf.control_dependencies([make(x)]):
        y = tf.identity(x)
    with tf.Session() as session:
        return session.run(y, {x: [1.0, -2.0]})


_error(
    "cond_bool",
    lambda tf: tf.cond(True, lambda: tf.constant(1), lambda: tf.constant(2)),
    "pred must not be a Python bool",
)
_error("cond_types", lambda tf: tf.cond(tf.constant(True), lambda: tf.constant(1), lambda: tf.constant(2.0)),
    "Outputs of true_fn and false_fn must have the same type", "int32", "float32")  # fmt: skip
_error("cond_forms", lambda tf: tf.cond(tf.constant(True), lambda: [tf.constant(1)] * 2, lambda: [tf.constant(2)] * 3),
    "same nested structure")  # fmt: skip
_error(
    "cond_none", lambda tf: tf.cond(tf.constant(True), lambda: None, lambda: tf.constant(2)), "must have a return value"
)
_error(
    "cond_callable", lambda tf: tf.cond(tf.constant(True), tf.constant(1), lambda: tf.constant(2)), "must be callable"
)
_error("case_pairs", lambda tf: tf.case([tf.constant(True)], lambda: tf.constant(1)), "2-tuple")
_error("check_numerics", lambda tf: run_in_session(tf, tf.check_numerics(tf.log([1.0, -1.0]), "my value")),
    "my value : Tensor had NaN values")  # fmt: skip
_error("check_numerics_inf", lambda tf: run_in_session(tf, tf.check_numerics(tf.log([1.0, 0.0]), "m")),
    "m : Tensor had Inf values")  # fmt: skip
_error("assert_fails", lambda tf: _asserted(tf, lambda x: tf.Assert(tf.reduce_all(x > 0), ["all positive:", x])),
    "assertion failed", "all positive:", "-2")  # fmt: skip
_error("assert_less", lambda tf: _asserted(tf, lambda x: tf.assert_less(x, 0.5, message="too large")),
    "assertion failed", "too large", "Condition x < y did not hold element-wise:")  # fmt: skip
_error("assert_static", lambda tf: tf.assert_equal([1, 2], [1, 3]), "Condition x == y did not hold element-wise:")
_error("assert_rank", lambda tf: tf.assert_rank(tf.zeros([2, 3]), 1), "must have rank 1")
_error("assert_type", lambda tf: tf.assert_type(tf.zeros([2]), tf.int32), "must be of type", "int32")
_error("py_func_dtype", lambda tf: run_in_session(tf, tf.py_func(lambda: np.zeros(2), [], tf.float32)), "float")
_error(
    "py_func_raises",
    lambda tf: run_in_session(tf, tf.py_func(lambda: [][0], [], tf.float32)),
    "list index out of range",
)
_error("mask_scalar", lambda tf: tf.boolean_mask(tf.zeros([2]), True), "mask cannot be scalar")
_error("mask_shape", lambda tf: tf.boolean_mask(tf.zeros([2, 3]), [True, False, True]), "(2,)", "(3,)", "incompatible")
_error(
    "where_one",
    lambda tf: tf.where(tf.constant([True]), tf.zeros([1])),
    "x and y must both be non-None or both be None",
)
