"""The pass constant_folding: what is computed at compile time, and what is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.pass_text import check, check_missed, program
from support.programs import after, kinds, program_of

import minigraph as tf
from minigraph.passes.constant_folding import constant_folding, constant_value


def x23() -> Any:
    return tf.placeholder(tf.float32, [2, 3])


def test_constant_folding_computes_what_is_known_and_keeps_what_is_random() -> None:
    x = x23()
    known = tf.sqrt(tf.constant([4.0, 9.0, 16.0])) * 2.0
    outcome = constant_folding.run(program_of([x + known, tf.random_uniform([3]) + known], [x]))
    assert "RandomUniform" in kinds(outcome.program)
    assert "Sqrt" not in kinds(outcome.program)
    large = tf.constant(np.arange(5000, dtype=np.float32)) + 1.0
    assert "AddV2" in kinds(constant_folding.run(program_of([large])).program)


def test_large_constants_of_one_number_are_folded_without_being_made() -> None:
    x = tf.placeholder(tf.float32, [100, 100])
    filled = tf.cast(tf.equal(tf.zeros([100, 100]) + 1.0, tf.ones([100, 100])), tf.float32) * 3.0
    program = after(program_of([x + filled], [x]), constant_folding).program
    assert kinds(program) == ["AddV2", "Full"]
    (full,) = [i.op for i in program.instrs if type(i.op).__name__ == "Full"]
    assert full.value == 3.0  # type: ignore[attr-defined]
    mixed = np.arange(10000.0, dtype=np.float32).reshape(100, 100)
    program = after(program_of([tf.zeros([100, 100]) + tf.constant(mixed)]), constant_folding).program
    assert "AddV2" in kinds(program)


A = "const %a float32[3](4.0, 9.0, -0.0)\n"


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("%y = Sqrt(%a)", "const %y float32[3](2.0, 3.0, -0.0)"),
        ("const %b float32[](2.0)\n%y = Mul(%a, %b)", "const %y float32[3](8.0, 18.0, -0.0)"),
        ("%s = Sqrt(%a)\n%y = Sum(%s) {axis=(0,)}", "const %y float32[](5.0)"),  # one after the other
        ("%f = Full() {type=float32[3], value=1.5}\n%y = AddV2(%a, %f)", "const %y float32[3](5.5, 10.5, 1.5)"),
    ],
)
def test_constants_are_computed(text: str, after: str) -> None:
    check(constant_folding, A + text + "\nreturn %y", after + "\nreturn %y")


def test_a_large_pointwise_result_of_one_number_is_filled() -> None:
    check(
        constant_folding,
        "%a = Full() {type=float32[50,50], value=4.0}\n%b = Sqrt(%a)\n%y = Mul(%b, %b)\nreturn %y",
        "%y = Full() {type=float32[50,50], value=float32(4.0)}\nreturn %y",
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("feed %x float32[3]\n%y = Mul(%x, %a)", "an operand is not constant"),
        ("%y = Sqrt(%a) ^%a", "it has control inputs"),
        ("%y = CheckNumerics(%a) {message='no'}", "it is stateful"),
        ("const %m float32[2,1](1.0, 2.0)\n%y = Orthogonal(%m)", "it is computed on the host, by the run"),
        ("%y = BroadcastTo(%a) {shape=(400, 3)}", "a constant has more than 1024 elements"),
        ("%y = BroadcastTo(%a) {shape=(400, 3)}", "it is not pointwise"),
        ("%b = Full() {type=float32[400,3], value=1.0}\n%y = Mul(%a, %b)", "an operand has several numbers"),
        ("feed %x float32[3]\n%y = Mul(%x, %a)", "it is small"),
    ],
)
def test_what_is_not_computed_and_why(text: str, reason: str) -> None:
    check_missed(constant_folding, A + text + "\nreturn %y", reason)


def test_random_numbers_are_not_folded() -> None:
    text = "cell %s uint64[3]\n%y = RandomUniform(%s) {dtype=float32, shape=(3,), seed=1, seed2=2}\nreturn %y"
    check_missed(constant_folding, text, "an operand is not constant")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("const %c float32[2](3.0, 3.0)", 3.0),
        ("const %c float32[2](-0.0, -0.0)", -0.0),
        ("const %c float32[2](3.0, 4.0)", None),
        ("const %c float32[2](0.0, -0.0)", None),
        ("const %c int32[2](0, 0)", 0.0),
        ("const %c bool[](True)", None),
        ("const %c float32[0]()", None),
    ],
)
def test_the_one_number_of_a_constant(text: str, number: float | None) -> None:
    found = constant_value(program(text + "\nreturn %c").results[0])
    assert repr(found) == repr(number)
