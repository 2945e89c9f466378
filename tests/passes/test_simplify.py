"""The pass simplify: neutral operands, double negations and moves that cancel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.pass_text import check, check_missed
from support.programs import program_of

import minigraph as tf
from minigraph.passes.simplify import simplify


def x23() -> Any:
    return tf.placeholder(tf.float32, [2, 3])


def test_what_no_rule_applies_to_stays_the_program_it_is() -> None:
    x = x23()
    outcome = simplify.run(program_of([tf.reduce_sum(tf.exp(x * 2.0))], [x]))
    assert simplify.run(outcome.program).program is outcome.program


X = "feed %x float32[2,3]\n"
ONE = "const %c float32[](1.0)\n"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (ONE + "%y = Mul(%x, %c)", "%x"),
        (ONE + "%y = Mul(%c, %x)", "%x"),
        ("%c = Full() {type=float32[2,3], value=1}\n%y = Mul(%x, %c)", "%x"),
        (ONE + "%y = RealDiv(%x, %c)", "%x"),
        ("const %c float32[](0.0)\n%y = Sub(%x, %c)", "%x"),
        ("const %c float32[](-0.0)\n%y = AddV2(%x, %c)", "%x"),
        ("const %c float32[](-0.0)\n%y = AddV2(%c, %x)", "%x"),
        (ONE + "%y = Pow(%x, %c)", "%x"),
        ("%n = Neg(%x)\n%y = Neg(%n)", "%x"),
        ("%y = Identity(%x)", "%x"),
        ("%y = Reshape(%x) {shape=(2, 3)}", "%x"),
        ("%y = Cast(%x) {dtype=float32}", "%x"),
        ("%y = BroadcastTo(%x) {shape=(2, 3)}", "%x"),
        ("%y = SumTo(%x) {shape=(2, 3)}", "%x"),
        ("%t = Transpose(%x) {perm=(1, 0)}\n%y = Transpose(%t) {perm=(1, 0)}", "%x"),
    ],
)
def test_what_changes_nothing_goes(text: str, kept: str) -> None:
    check(simplify, X + text + "\nreturn %y", X + f"return {kept}")


def test_moves_in_a_row_become_one() -> None:
    check(
        simplify,
        X + "%a = Reshape(%x) {shape=(6,)}\n%y = Reshape(%a) {shape=(3, 2)}\nreturn %y",
        X + "%y = Reshape(%x) {shape=(3, 2)}\nreturn %y",
    )
    wide = "feed %x float32[2,3,4]\n"
    check(
        simplify,
        wide + "%a = Transpose(%x) {perm=(1, 2, 0)}\n%y = Transpose(%a) {perm=(1, 0, 2)}\nreturn %y",
        wide + "%y = Transpose(%x) {perm=(2, 1, 0)}\nreturn %y",
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("const %c float32[](-0.0)\n%y = Sub(%x, %c)", "-0.0 is not neutral here"),  # −0 − (−0) is +0
        ("const %c float32[](0.0)\n%y = AddV2(%x, %c)", "0.0 is not neutral here"),  # −0 + 0 is +0
        ("const %c float32[](0.0)\n%y = Mul(%x, %c)", "0.0 is not neutral here"),  # NaN·0 is NaN
        ("const %c float32[](0.0)\n%y = Sub(%c, %x)", "no operand is a constant of one value"),
        ("const %c float32[](1.0)\n%y = RealDiv(%c, %x)", "no operand is a constant of one value"),
        ("const %c float32[](1.0)\n%y = Pow(%c, %x)", "no operand is a constant of one value"),
        ("const %c float32[3](1.0, 1.0, 2.0)\n%y = Mul(%x, %c)", "no operand is a constant of one value"),
        ("const %c float32[1,1,1](1.0)\n%y = Mul(%x, %c)", "the other operand has another shape than the result"),
        ("%y = Cast(%x) {dtype=float64}", "it changes the type"),
        ("%y = Reshape(%x) {shape=(3, 2)}", "it changes the type"),
        ("%y = SumTo(%x) {shape=(3,)}", "it changes the type"),
        ("%n = Neg(%x)\n%y = Neg(%n) ^%x", "it has control inputs"),
        ("%y = Neg(%x)", "Feed is not Neg"),
    ],
)
def test_what_changes_a_number_or_a_type_stays(text: str, reason: str) -> None:
    check_missed(simplify, X + text + "\nreturn %y", reason)


def test_minus_zero_keeps_its_sign() -> None:
    """1/(x − (−0)) is +∞ for x = −0, where 1/x is −∞."""
    x = tf.placeholder(tf.float32, [])
    y = 1.0 / (x - tf.constant(-0.0))
    with tf.Session(optimize="O3") as session:
        assert session.run(y, {x: -0.0}) == np.inf
