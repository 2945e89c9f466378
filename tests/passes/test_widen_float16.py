"""Arithmetic with float16 in float32, as text and against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from support.pass_text import check

import minigraph as tf
from minigraph.passes.widen_float16 import widen_float16

X, WIDE, BACK = "feed %x float16[2,3]\n", "%w = Cast(%x) {dtype=float32}\n", "{dtype=float16}\n"
RANDOM = np.random.RandomState(0)


def same(text: str) -> None:
    check(widen_float16, text, text)


def test_no_rounding_between_two_ops() -> None:
    check(
        widen_float16,
        X + "%y = Square(%x)\n%z = Neg(%y)\nreturn %z",
        X + WIDE + f"%y = Square(%w)\n%z = Neg(%y)\n%r = Cast(%z) {BACK}return %r",
        exact=False,
    )


def test_a_move_is_widened_where_its_operand_is() -> None:
    moved = "Transpose(%{}) {{perm=(1, 0)}}\n"
    check(
        widen_float16,
        X + "%y = Square(%x)\n%t = " + moved.format("y") + "return %t",
        X + WIDE + "%y = Square(%w)\n%t = " + moved.format("y") + f"%r = Cast(%t) {BACK}return %r",
        exact=False,
    )
    same(X + "%t = " + moved.format("x") + "return %t")


@pytest.mark.parametrize("reader", ["%z = Cast(%r) {dtype=float32}", "%z = IsFinite(%r)"])
def test_casts_and_comparisons_read_rounded_numbers(reader: str) -> None:
    check(
        widen_float16,
        X + f"%r = Square(%x)\n{reader}\nreturn %z",
        X + WIDE + f"%y = Square(%w)\n%r = Cast(%y) {BACK}{reader}\nreturn %z",
        exact=False,
    )


def test_other_dtypes_stay() -> None:
    same("feed %x float32[2]\n%y = Square(%x)\n%z = Cast(%y) {dtype=float16}\nreturn %z")


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_a_network_with_float16_weights_is_as_exact_as_one_in_float32(backend: str) -> None:
    image, kernel = RANDOM.rand(2, 8, 8, 4).astype(np.float16), RANDOM.randn(3, 3, 4, 8).astype(np.float16)
    results = []
    for dtype in (tf.float16, tf.float32):
        w = tf.Variable(kernel.astype(dtype.np_dtype))
        y = tf.nn.relu(tf.nn.conv2d(tf.constant(image.astype(dtype.np_dtype)), w, 1, "SAME"))
        y = tf.reduce_mean(tf.exp(y * 0.01) * 3000.0, [1, 2]) - 3000.0
        with tf.Session(backend=backend) as session:
            session.run(tf.global_variables_initializer())
            results.append(session.run(y))
    half, single = results
    assert half.dtype == np.float16
    np.testing.assert_allclose(half, single.astype(np.float16), rtol=2e-3)
    step = tf.train.GradientDescentOptimizer(0.5)
    v = tf.Variable(np.ones(3, np.float16))
    train = step.minimize(tf.reduce_sum(tf.square(v)))
    with tf.Session(backend=backend) as session:
        session.run(tf.global_variables_initializer())
        session.run(train)
        assert session.run(v).tolist() == [0, 0, 0]
