"""More effects in one run: resource variables, control inputs, optimizers. See ``cases_effects.py``."""

# ruff: noqa: UP035, UP006  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from cases import CASES, Case, Results
from cases_effects import mostly

Program = Callable[..., Any]


def _add(name: str, program: Program, *arguments: Any) -> None:
    """A program builds its graph and returns what is done in a session."""
    CASES["effects_" + name] = Case(lambda tf: mostly(tf, lambda: program(tf, *arguments)), 2e-5, 2e-6)


def _variable(tf: Any, value: Any, name: str = "v", resource: bool = False, **options: Any) -> Any:
    return tf.get_variable(name, initializer=tf.constant(value), use_resource=resource, **options)


def _both(name: str, program: Program, *arguments: Any) -> None:
    """The program with both kinds of variables."""
    _add(name + "_reference", program, False, *arguments)
    _add(name + "_resource", program, True, *arguments)


# Updates of one variable in one run.


def _two_optimizers(tf: Any, resource: bool, one: str, other: str) -> Any:
    """Both steps are taken, with gradients from before the run."""
    v = _variable(tf, [3.0, -1.0], resource=resource)
    makers = {
        "descent": lambda: tf.train.GradientDescentOptimizer(0.1),
        "momentum": lambda: tf.train.MomentumOptimizer(0.05, 0.9),
    }
    c = tf.constant([1.0, 2.0])
    steps = [makers[one]().minimize(tf.reduce_sum(v * c)), makers[other]().minimize(tf.reduce_sum(v * 3.0))]
    return lambda session: [session.run(steps) and session.run(v) for _ in range(3)]


_both("descent_and_momentum", _two_optimizers, "descent", "momentum")
_both("momentum_twice", _two_optimizers, "momentum", "momentum")


def _clip_in_order(tf: Any, resource: bool) -> Any:
    """The clip has the step as a control input and reads what the step left."""
    v = _variable(tf, [0.2, -0.4], resource=resource)
    step = tf.train.GradientDescentOptimizer(0.3).minimize(tf.reduce_sum(v * [1.0, -2.0]))
    with tf.control_dependencies([step]):
        clip = v.assign(tf.clip_by_value(v.read_value(), -0.5, 0.5))
    return lambda session: [session.run(clip.op) or session.run(v) for _ in range(4)]


_both("clip_with_control_input", _clip_in_order)


def _grouped(tf: Any, resource: bool) -> Any:
    a, b = _variable(tf, 1.0, "a", resource), _variable(tf, [1, 2], "b", resource)
    both = tf.group(a.assign_add(2.0).op, b.assign_sub([1, 5]).op)
    with tf.control_dependencies([both]):
        sums = [a.read_value() * 10.0, b.read_value() * 10]
    return lambda session: [v for _ in range(3) for v in session.run(sums)] + session.run([a, b])


_both("group_then_reads", _grouped)


def _three_in_order(tf: Any, resource: bool) -> Any:
    """Overwrite, addition, overwrite by what there is, each after the one before."""
    v = _variable(tf, 5.0, resource=resource)
    with tf.control_dependencies([v.assign(2.0)]):
        add = v.assign_add(3.0)
    with tf.control_dependencies([add]):
        last = v.assign(v.read_value() * v.read_value())
    return lambda session: [session.run(last.op) or session.run(v) for _ in range(2)]


_both("overwrite_add_overwrite", _three_in_order)


def _add_then_average(tf: Any, resource: bool) -> Any:
    """A moving average of a variable after its step."""
    v = _variable(tf, 4.0, resource=resource)
    average = tf.train.ExponentialMovingAverage(0.5)
    step = tf.train.GradientDescentOptimizer(1.0).minimize(v * 1.0)
    with tf.control_dependencies([step]):
        both = average.apply([v])
    shadow = average.average(v)
    return lambda session: [
        x for _ in range(3) for x in (session.run(both), *session.run([v, shadow])) if x is not None
    ]


_both("average_after_step", _add_then_average)


def _batch_norm_updates(tf: Any) -> Any:
    """Updates of moving averages as control inputs of the step."""
    x = tf.constant([[1.0, 2.0], [3.0, -1.0], [0.0, 5.0]])
    y = tf.layers.batch_normalization(tf.layers.dense(x, 2, kernel_initializer=tf.ones_initializer()), training=True)
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    with tf.control_dependencies(updates):
        step = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_mean(tf.square(y - 1.0)))
    return lambda session: [session.run(step) or session.run(v) for _ in range(2) for v in tf.global_variables()]


_add("updates_before_step", _batch_norm_updates)

# Scatters.


def _scatters(tf: Any, resource: bool, kind: str) -> Any:
    v = _variable(tf, np.arange(12, dtype=np.float32).reshape(4, 3), resource=resource)
    rows = np.float32([[1, 2, 3], [10, 20, 30], [100, 200, 300]])
    change = getattr(tf, "scatter_" + kind)(v, [2, 0, 3], rows)
    return lambda session: [session.run(change), session.run(v), session.run(change)]


for _kind in ("add", "sub", "update"):
    _both("scatter_" + _kind, _scatters, _kind)


def _scatter_twice(tf: Any, resource: bool) -> Any:
    """Two scatters into one variable, in order, the second onto rows of the first; equal rows add up."""
    v = _variable(tf, np.zeros((3, 2), np.float32), resource=resource)
    with tf.control_dependencies([tf.scatter_update(v, [0, 1], [[1.0, 2.0], [3.0, 4.0]])]):
        then = tf.scatter_add(v, [1, 1, 2], [[1.0, 1.0], [10.0, 10.0], [5.0, 5.0]])
    return lambda session: [session.run(then), session.run(v)]


_both("scatters_in_order", _scatter_twice)

# What is read.


def _reads_around(tf: Any, resource: bool) -> Any:
    """A read before an update and one after it, both by control inputs."""
    v = _variable(tf, [1.0, 2.0], resource=resource)
    before = v.read_value() + 0.0
    with tf.control_dependencies([before]):
        add = v.assign_add([10.0, 20.0])
    with tf.control_dependencies([add]):
        after = v.read_value() + 0.0
    return lambda session: [x for _ in range(2) for x in session.run([before, after])]


_both("reads_around_update", _reads_around)


def _computed_in_scope(tf: Any) -> Any:
    """A resource variable is read where it is used: within the scope of control inputs, after the update."""
    v = _variable(tf, 3.0, resource=True)
    with tf.control_dependencies([v.assign_add(1.0)]):
        after = v * 2.0
        copy = tf.identity(v)
        named = v + v.read_value()
    return lambda session: [x for _ in range(2) for x in session.run([after, copy, named])]


_add("resource_used_after_update", _computed_in_scope)


def _result_of_update(tf: Any, resource: bool) -> Any:
    """What an update returns, and a computation from it."""
    v = _variable(tf, 3.0, resource=resource)
    add = v.assign_add(1.0)
    return lambda session: [x for _ in range(2) for x in session.run([add + 0.0, add * 10.0])] + [session.run(v)]


_both("result_of_update", _result_of_update)


def _fed_variable(tf: Any) -> Any:
    """A feed for a variable is what computations see; the variable keeps its value."""
    v = tf.Variable([1.0, 2.0])
    y = v * 2.0
    return lambda session: [session.run(y, {v: [5.0, 7.0]}), session.run(y), session.run(v)]


_add("fed_variable", _fed_variable)


def _branches(tf: Any, resource: bool) -> Any:
    """Only the branch that is taken updates."""
    v, take = _variable(tf, 1.0, resource=resource), tf.placeholder(tf.bool, [])
    y = tf.cond(take, lambda: v.assign_add(10.0) + 0.0, lambda: v.assign_sub(1.0) + 0.0)
    return lambda session: [x for t in (True, False, False) for x in (session.run(y, {take: t}), session.run(v))]


_both("branches", _branches)


def _initial_values(tf: Any, resource: bool) -> Any:
    """A variable from another's initial value; a second run of the initialisers starts over."""
    a = _variable(tf, [1.0, 2.0], "a", resource)
    b = tf.Variable(a.initialized_value() * 3.0, name="b", use_resource=resource)

    def run(session: Any) -> Any:
        session.run([a.assign_add([1.0, 1.0]).op, b.assign([0.0, 0.0]).op])
        yield from session.run([a, b])
        session.run(a.initializer)
        yield from session.run([a, b])
        a.load([7.0, 8.0], session)
        yield session.run(a)

    return run


_both("initial_values", _initial_values)


def _no_control(tf: Any) -> Any:
    """`control_dependencies(None)` ends the outer control inputs."""
    v = tf.Variable(0.0)
    with tf.control_dependencies([v.assign_add(1.0)]):
        inside = tf.constant(2.0) * 1.0
        with tf.control_dependencies(None):
            outside = tf.constant(3.0) * 1.0
    return lambda session: [session.run(outside), session.run(v), session.run(inside), session.run(v)]


_add("no_control_inputs", _no_control)


# Optimizers, with both kinds of variables, and what they keep.

_OPTIMIZERS = {
    "adam": lambda tf: tf.train.AdamOptimizer(0.1),
    "adadelta": lambda tf: tf.train.AdadeltaOptimizer(1.0, 0.9, 1e-3),
    "ftrl": lambda tf: tf.train.FtrlOptimizer(0.5, l1_regularization_strength=0.01, l2_regularization_strength=0.1),
    "nesterov": lambda tf: tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "centered": lambda tf: tf.train.RMSPropOptimizer(0.1, centered=True),
    "adagrad": lambda tf: tf.train.AdagradOptimizer(0.3, 0.5),
}


def _optimized(tf: Any, resource: bool, kind: str) -> Any:
    """Two variables, a step counter, and the slots, all fetched beside the step."""
    a, b = _variable(tf, [1.0, -2.0], "a", resource), _variable(tf, [[3.0]], "b", resource)
    count = tf.train.get_or_create_global_step()
    optimizer = _OPTIMIZERS[kind](tf)
    step = optimizer.minimize(tf.reduce_sum(a * a) * 0.5 + tf.reduce_sum(b * b) * 2.0, global_step=count)
    slots = [optimizer.get_slot(v, n) for n in optimizer.get_slot_names() for v in (a, b)]
    return lambda session: [
        x for _ in range(3) for x in (session.run(step), *session.run([count, a, b, *slots])) if x is not None
    ]


for _kind in _OPTIMIZERS:
    _both("optimizer_" + _kind, _optimized, _kind)


def _some_variables(tf: Any) -> Any:
    """Alternating steps on two lists of variables, as of a generator and a critic."""
    g, d = tf.Variable(1.0), tf.Variable(2.0)
    loss = g * d + tf.square(d)
    optimizer = tf.train.AdamOptimizer(0.1, beta1=0.5)
    steps = [optimizer.minimize(loss, var_list=[d]), optimizer.minimize(-loss, var_list=[g])]
    return lambda session: [
        x for i in range(4) for x in (session.run(steps[i % 2]), *session.run([g, d])) if x is not None
    ]


_add("alternating_lists", _some_variables)
