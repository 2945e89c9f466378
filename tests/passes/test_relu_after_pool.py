"""The pass relu_after_pool: ReLU moves behind max-pooling; what stops that."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.pass_text import check, check_missed
from support.programs import program_of

import minigraph as tf
from minigraph.ir.verifier import verify_program
from minigraph.passes.relu_after_pool import relu_after_pool


def network(x: Any, pool: Any = tf.nn.max_pool) -> tuple[Any, list[Any]]:
    """Two convolutions with ReLU and pooling; the maps, and the variables."""
    variables = [tf.Variable(tf.random_normal(s)) for s in ([3, 3, 2, 4], [4], [3, 3, 4, 3], [3])]
    for weights, bias in zip(variables[::2], variables[1::2], strict=True):
        x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, weights, [1, 1, 1, 1], "SAME"), bias))
        x = pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    return x, variables


def test_relu_moves_behind_the_pooling_and_its_gradient_before_the_unpooling() -> None:
    x = tf.placeholder(tf.float32, [5, 8, 8, 2])
    y, variables = network(x)
    grads = tf.gradients(tf.reduce_sum(tf.square(y)), variables)
    program = relu_after_pool.run(program_of(grads, {x: np.zeros((5, 8, 8, 2))})).program
    verify_program(program)
    for instr in program.instrs:
        if type(instr.op).__name__ == "Relu":
            assert type(instr.inputs[0].instr.op).__name__ == "MaxPool"
        if type(instr.op).__name__ == "ReluGrad":
            assert type(instr.inputs[0].instr.op).__name__ != "MaxPoolInputGrad"
        if type(instr.op).__name__ == "BiasAddGrad":
            assert type(instr.inputs[0].instr.op).__name__ == "ReluGrad"


POOL = "{ksize=(2, 2), strides=(2, 2)}"
UNPOOL = "{ksize=(2, 2), strides=(2, 2), shape=(2, 4, 4, 3)}"
FORWARD = f"feed %x float32[2,4,4,3]\n%r = Relu(%x)\n%p = MaxPool(%r) {POOL}\n"
BACKWARD = FORWARD + "feed %d float32[2,2,2,3]\n"


def test_relu_moves_behind_the_pooling() -> None:
    before = FORWARD + "return %p"
    check(relu_after_pool, before, f"feed %x float32[2,4,4,3]\n%q = MaxPool(%x) {POOL}\n%p = Relu(%q)\nreturn %p")


def test_the_gradient_is_gated_before_it_is_spread_and_summed() -> None:
    check(
        relu_after_pool,
        BACKWARD + f"%u = MaxPoolInputGrad(%p.1, %d) {UNPOOL}\n%g = ReluGrad(%u, %r)\n%b = BiasAddGrad(%g)\n"
        "return %p, %g, %b",
        f"feed %x float32[2,4,4,3]\n%q = MaxPool(%x) {POOL}\n%p = Relu(%q)\nfeed %d float32[2,2,2,3]\n"
        f"%h = ReluGrad(%d, %p)\n%g = MaxPoolInputGrad(%q.1, %h) {UNPOOL}\n%b = BiasAddGrad(%h)\nreturn %p, %g, %b",
        exact=False,
    )


U = f"%u = MaxPoolInputGrad(%p.1, %d) {UNPOOL}\n"
READ_WHERE = "the positions of the maxima are read by more than the gradient"
OTHER_SOURCE = "ReLU's gradient has another source than the pooling"
READ_ELSEWHERE = "relu(x) is read by more than one pooling and its own gradient"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("return %p, %r", READ_ELSEWHERE),
        ("%e = Exp(%r)\nreturn %p, %e", READ_ELSEWHERE),
        (f"%e = MaxPool(%r) {POOL.replace('2, 2', '1, 1')}\nreturn %p, %e", READ_ELSEWHERE),
        ("%g = ReluGrad(%r, %x)\nreturn %p, %g", READ_ELSEWHERE),  # as its gradient's other operand
        ("return %p, %p.1", READ_WHERE),
        ("%c = Cast(%p.1) {dtype=float32}\nreturn %p, %c", READ_WHERE),
        (U + "%g = ReluGrad(%u, %r)\nreturn %p, %g, %u", "the pooling's gradient is read by more than ReLU's"),
        (U + "return %p, %u", "the pooling's gradient is read by more than ReLU's"),
        ("feed %o float32[2,4,4,3]\n%g = ReluGrad(%o, %r)\nreturn %p, %g", OTHER_SOURCE),
        (U + "%g = ReluGrad(%u, %r) ^%x\nreturn %p, %g", "it has control inputs"),
        (U.rstrip() + " ^%x\n%g = ReluGrad(%u, %r)\nreturn %p, %g", "it has control inputs"),
    ],
)  # fmt: skip
def test_what_keeps_relu_where_it_is(text: str, reason: str) -> None:
    check_missed(relu_after_pool, BACKWARD + text, reason)


@pytest.mark.parametrize("ordered", ["Relu(%x)", f"MaxPool(%r) {POOL}"])
def test_control_inputs_keep_relu_where_it_is(ordered: str) -> None:
    text = FORWARD.replace(ordered, f"{ordered} ^%x") + "return %p"
    check_missed(relu_after_pool, text, "it has control inputs")


def test_an_assertion_before_a_pooling_is_not_lost() -> None:
    x = tf.placeholder(tf.float32, [2, 4, 4, 3])
    rectified = tf.nn.relu(x)
    with tf.control_dependencies([tf.Assert(tf.reduce_all(x < 1.0), ["too large"])]):
        y = tf.nn.max_pool(rectified, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    with tf.Session() as session:
        session.run(y, {x: np.zeros((2, 4, 4, 3))})
        with pytest.raises(tf.errors.InvalidArgumentError, match="too large"):
            session.run(y, {x: np.ones((2, 4, 4, 3))})


def test_an_infinite_gradient_reaches_the_same_elements_before_and_behind_the_pooling() -> None:
    """1/max_pool(relu(x)) where a window has no positive element: nothing flows back, and no ∞·0 is NaN."""
    x = tf.placeholder(tf.float32, [1, 4, 2, 1])
    gradient = tf.gradients(1.0 / tf.nn.max_pool(tf.nn.relu(x), [1, 2, 2, 1], [1, 2, 2, 1], "VALID"), x)[0]
    values = np.array([-1, -3, -2, -5, 1, 2, 4, -1], np.float32).reshape(1, 4, 2, 1)
    results = []
    for optimize in ("O0", "O3"):
        with tf.Session(optimize=optimize) as session:
            results.append(session.run(gradient, {x: values}).ravel().tolist())
    assert results[0] == results[1] == [0, 0, 0, 0, 0, 0, -1 / 16, 0]
