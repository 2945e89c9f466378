"""Joint optimizer updates: which are joined, and that nothing else changes.

Tests `ir/multi_tensor_apply.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.pass_text import check, check_missed, check_unchanged, run

import minigraph as tf
from minigraph.ir.multi_tensor_apply import MultiTensorApply
from minigraph.passes.multi_tensor import MultiTensor, multi_tensor

OPTIMIZERS = {
    "sgd": lambda: tf.train.GradientDescentOptimizer(0.1),
    "momentum": lambda: tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "adagrad": lambda: tf.train.AdagradOptimizer(0.1),
    "rmsprop": lambda: tf.train.RMSPropOptimizer(0.01, momentum=0.5),
    "adam": lambda: tf.train.AdamOptimizer(0.01),
}


def problem() -> tuple[Any, list[Any]]:
    tf.set_random_seed(2)
    variables = [tf.Variable(tf.random_normal(s)) for s in ([3, 4], [4], [4, 2], [2])]
    a, b, c, d = variables
    x = tf.constant(np.random.RandomState(0).randn(5, 3).astype(np.float32))
    return tf.reduce_mean(tf.square(tf.matmul(tf.tanh(tf.matmul(x, a) + b), c) + d)), variables


def trained(step: Any, loss: Any, passes: list[Any]) -> tuple[list[Any], dict[str, Any], list[Any]]:
    with tf.Session(passes=passes) as session:
        session.run(tf.global_variables_initializer())
        losses = [session.run([loss, step])[0] for _ in range(5)]
        joint = [
            s.instr.op for p in session._runner.cache.plans for s in p.steps if isinstance(s.instr.op, MultiTensorApply)
        ]
        return losses, session.read_state(), joint


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_joint_updates_are_the_same_updates(name: str) -> None:
    loss, _ = problem()
    step = OPTIMIZERS[name]().minimize(loss)
    losses, state, none = trained(step, loss, [])
    joint_losses, joint_state, joint = trained(step, loss, ["multi_tensor"])
    assert not none
    assert [j.count for j in joint] == [4]
    assert losses == joint_losses
    for key, value in state.items():
        np.testing.assert_array_equal(value, joint_state[key])


def test_large_variables_and_other_optimizers_stay_apart() -> None:
    loss, variables = problem()
    first = tf.train.AdamOptimizer(0.01).minimize(loss, var_list=variables[:2])
    second = tf.train.AdamOptimizer(0.02).minimize(loss, var_list=variables[2:])
    joint = trained(tf.group(first, second), loss, ["multi_tensor"])[2]
    assert sorted(j.count for j in joint) == [2, 2]
    assert [j.count for j in trained(first, loss, [MultiTensor(max_bytes=20)])[2]] == []


def test_an_update_behind_another_is_not_joined_with_it() -> None:
    loss, variables = problem()
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    first = optimizer.minimize(loss, var_list=variables[:1])
    with tf.control_dependencies([first]):
        again = tf.reduce_sum(tf.square(variables[0].read_value() * variables[1][0]))
    second = optimizer.minimize(again, var_list=variables[1:2])
    plain, joint = (trained([first, second], loss, passes) for passes in ([], ["multi_tensor"]))
    assert not joint[2]
    for key, value in plain[1].items():
        np.testing.assert_array_equal(value, joint[1][key])


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
@pytest.mark.parametrize("kind", ["optimizer", "assignment"])
def test_a_variable_is_read_between_another_s_update_and_its_own(kind: str, order: list[int]) -> None:
    variables = [tf.Variable([1.0, 2.0]), tf.Variable([10.0, 20.0])]
    optimizer = tf.train.GradientDescentOptimizer(0.5)
    updates: list[Any] = [None, None]
    for i in order:
        v = variables[i]
        updates[i] = optimizer.apply_gradients([(v * 1.0, v)]) if kind == "optimizer" else v.assign(v * 0.5)
    with tf.control_dependencies(updates[:1]):
        between = variables[1] * 2.0
    with tf.control_dependencies(updates):
        after = variables[1] * 3.0
    with tf.Session(backend="numpy", passes=["fuse_update", "multi_tensor"]) as session:
        session.run(tf.global_variables_initializer())
        found = session.run([between, after, tf.group(*updates)])
        assert found[0].tolist() == [20.0, 40.0]
        assert found[1].tolist() == [15.0, 30.0]
        assert session.run(variables[0]).tolist() == [0.5, 1.0]


STEP = """
    cell %a float32[3]
    cell %b float32[2,2]
    feed %g float32[3]
    feed %h float32[2,2]
    const %r float32[](0.5)
    %u = ApplyGradientDescent(%a, %r, %g)
    %v = ApplyGradientDescent(%b, %r, %h)
    return
"""


def test_updates_of_one_kind_become_one() -> None:
    joined = (
        "%u = MultiTensorApply(%a, %r, %g, %b, %r, %h) {op=ApplyGradientDescent, count=2, writes=(0, 3), reads=(0, 3)}"
    )
    check(multi_tensor, STEP, STEP.split("%u")[0] + joined + "\nreturn")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("%v = ApplyGradientDescent(%b, %r, %h)", "const %q float32[](0.25)\n%v = ApplyGradientDescent(%b, %q, %h)"),
        ("%v = ApplyGradientDescent(%b, %r, %h)", "%v = ApplyGradientDescent(%b, %r, %h) ^%u"),
        ("%v = ApplyGradientDescent(%b, %r, %h)", "cell %s float32[2,2]\n%v = ApplyAdagrad(%b, %s, %r, %h)"),
        ("%v = ApplyGradientDescent(%b, %r, %h)", "%v = AssignSub(%b, %h)"),
        ("%v =", "%s = ReadVariable(%b) ^%u\n%v ="),
    ],
    ids=[
        "another learning rate",
        "behind the other by control",
        "another optimizer",
        "no optimizer",
        "a read between",
    ],
)
def test_other_updates_stay_apart(old: str, new: str) -> None:
    assert old in STEP
    check_unchanged(multi_tensor, STEP.replace(old, new))


def test_updates_of_another_dtype_stay_apart() -> None:
    other = (
        "cell %c float64[2]\nfeed %i float64[2]\nconst %q float64[](0.5)\n%v = ApplyGradientDescent(%c, %q, %i)\nreturn"
    )
    check_unchanged(multi_tensor, STEP.split("%v")[0] + other)


def test_large_variables_stay_apart() -> None:
    check_missed(MultiTensor(max_bytes=15), STEP, "the variable has 16 bytes")
    outcome = run(MultiTensor(max_bytes=16), STEP)
    assert len(outcome.applied) == 1
