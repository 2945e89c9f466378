"""Several effects in one run, and fetched variables: see ``cases.py`` for the rules of these files.

TensorFlow 1 leaves some of these orders open: its threads race. Only what nearly all of many runs give is recorded; an
overwrite beside an update is not among it.
"""

# ruff: noqa: UP035, UP006  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from cases import Results, case

REPEAT = 21


def mostly(tf: Any, program: Callable[[], Any]) -> Results:
    """The results of nearly all runs of a program."""
    found = []
    for _ in range(REPEAT if tf.__name__ == "tensorflow" else 1):
        with tf.Graph().as_default(), tf.Session() as session:
            build = program()
            session.run(tf.global_variables_initializer())
            found.append([np.asarray(v) for v in build(session)])
    votes = [sum(all(np.allclose(a, b, 1e-6, 1e-7) for a, b in zip(one, other)) for other in found) for one in found]
    assert max(votes) > 0.8 * len(found), (votes, found)
    return {str(i): v for i, v in enumerate(found[votes.index(max(votes))])}


@case()
def effects_two_steps_of_one_variable(tf: Any) -> Results:
    def program() -> Any:
        w, u = tf.Variable(10.0), tf.Variable(3.0)
        optimizer = tf.train.GradientDescentOptimizer(0.5)
        steps = [optimizer.minimize(w * 1.0), optimizer.minimize(w * 2.0 + u)]
        return lambda session: [session.run(steps) and session.run(u), session.run(w)]

    return mostly(tf, program)


@case()
def effects_many_additions(tf: Any) -> Results:
    def program() -> Any:
        v = tf.Variable([1.0, 2.0])
        adds = [tf.assign_add(v, [1.0 * k, 1.0]) for k in range(5)] + [tf.assign_sub(v, [0.5, 0.5])]
        group = tf.group(*adds)
        return lambda session: [session.run(group) or session.run(v)]

    return mostly(tf, program)


@case()
def effects_controlled_overwrite(tf: Any) -> Results:
    def program() -> Any:
        v = tf.Variable(12.0)
        with tf.control_dependencies([v.assign_add(1.0)]):
            double = v.assign(v * 2.0)
        with tf.control_dependencies([double]):
            after = v.read_value() + 0.0
        return lambda session: [session.run([after, double.op])[0], session.run(v)]

    return mostly(tf, program)


@case()
def effects_fetched_variable(tf: Any) -> Results:
    """Whatever its place and form, a fetched variable shows the state after the run."""

    def program() -> Any:
        v = tf.Variable(1.0, name="v")
        add = tf.assign_add(v, 1.0)
        forms = ([v, add], [add, v], ["v:0", add.op], [add.op, "v:0"], [v, v, add], [(v,), [add]])

        def run(session: Any) -> Any:
            for fetches in forms:
                found = session.run(fetches)
                yield [float(np.ravel(f)[0]) for f in found if f is not None]

        return run

    return mostly(tf, program)


@case()
def effects_fetched_in_a_dictionary(tf: Any) -> Results:
    def program() -> Any:
        v = tf.Variable([1, 2, 3], name="v")
        fetches = {"v": v, "more": {"add": tf.assign_add(v, [1, 1, 1]).op}}
        return lambda session: [session.run(fetches)["v"] for _ in range(3)]

    return mostly(tf, program)


@case()
def effects_fetched_variable_that_is_overwritten(tf: Any) -> Results:
    def program() -> Any:
        v, x = tf.Variable([1.0, 2.0]), tf.placeholder(tf.float32, [2])
        assign = v.assign(x)
        return lambda session: [session.run([assign.op, v], {x: [k, 5.0]})[1] for k in (7.0, 8.0)]

    return mostly(tf, program)


@case()
def effects_fetched_rows(tf: Any) -> Results:
    def program() -> Any:
        v = tf.Variable(np.zeros((3, 2), np.float32))
        adds = [tf.scatter_add(v, [0, 2], [[1.0, 1.0], [2.0, 2.0]]), tf.scatter_sub(v, [1], [[3.0, 3.0]])]
        ops = [a.op for a in adds]
        return lambda session: [session.run([v, *ops])[0] for _ in range(2)]

    return mostly(tf, program)


def _steps(tf: Any, make: Callable[[], Any]) -> Results:
    """Step, variable and loss fetched beside training: the loss is from before the step, the others from after it."""

    def program() -> Any:
        w = tf.Variable([[0.5], [-0.25]])
        x = tf.constant([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]])
        loss = tf.reduce_mean(tf.square(tf.matmul(x, w) - 1.0))
        step = tf.train.get_or_create_global_step()
        train = make().minimize(loss, global_step=step)

        def run(session: Any) -> Any:
            for _ in range(4):
                _, count, weights, value = session.run([train, step, w, loss])
                yield count
                yield weights
                yield value

        return run

    return mostly(tf, program)


@case()
def effects_step_of_gradient_descent(tf: Any) -> Results:
    return _steps(tf, lambda: tf.train.GradientDescentOptimizer(0.1))


@case()
def effects_step_of_momentum(tf: Any) -> Results:
    return _steps(tf, lambda: tf.train.MomentumOptimizer(0.1, 0.9))


@case()
def effects_step_of_adam(tf: Any) -> Results:
    return _steps(tf, lambda: tf.train.AdamOptimizer(0.1))


@case()
def effects_step_of_rmsprop(tf: Any) -> Results:
    return _steps(tf, lambda: tf.train.RMSPropOptimizer(0.1))


@case()
def effects_step_of_adagrad(tf: Any) -> Results:
    return _steps(tf, lambda: tf.train.AdagradOptimizer(0.1))


@case()
def effects_count_in_a_loop(tf: Any) -> Results:
    """`if step % 100 == 0` of a usual loop: the numbers that it prints."""

    def program() -> Any:
        step = tf.Variable(0, trainable=False, name="global_step")
        w = tf.Variable(3.0)
        rate = tf.train.exponential_decay(0.5, step, 2, 0.5, staircase=True)
        train = tf.train.GradientDescentOptimizer(rate).minimize(tf.square(w), global_step=step)

        def run(session: Any) -> Any:
            for _ in range(5):
                _, count, at_rate = session.run([train, step, rate])
                yield count
                yield at_rate
                yield session.run(w)

        return run

    return mostly(tf, program)
