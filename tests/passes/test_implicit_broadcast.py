"""The pass implicit_broadcast: repeated numbers that arithmetic need not read from memory, and sums that are 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.pass_text import check, check_missed, check_unchanged

import minigraph as tf
from minigraph.passes.implicit_broadcast import implicit_broadcast

X = "feed %x float32[2,3]\n"
ROW = "feed %r float32[3]\n"
MEAN = "%m = Mean(%x) {axis=(0,), keep_dims=True}\n%d = Sub(%x, %m)\n"
COUNT = "%c = Const() {value=float32[](2.0)}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("%b = BroadcastTo(%r) {shape=(2, 3)}\n%y = Mul(%x, %b)", "%y = Mul(%x, %r)"),
        ("%b = BroadcastTo(%r) {shape=(2, 3)}\n%y = Sub(%b, %x)", "%y = Sub(%r, %x)"),
        (
            "%b = BroadcastTo(%r) {shape=(2, 3), axis=(0,)}\n%y = AddV2(%x, %b)",
            "%s = Reshape(%r) {shape=(1, 3)}\n%y = AddV2(%x, %s)",
        ),
        (
            "%b = BroadcastTo(%r) {shape=(2, 3), axis=(0,), mean=True}\n%y = AddV2(%x, %b)",
            "%s = Reshape(%r) {shape=(1, 3)}\n" + COUNT + "%d = RealDiv(%s, %c)\n%y = AddV2(%x, %d)",
        ),
        (
            "%b = BroadcastTo(%r) {shape=(2, 3)}\n%y = AddN(%x, %b, %x)",
            "%a = Add(%x, %r)\n%y = Add(%a, %x)",
        ),
        (
            "%b = BroadcastTo(%r) {shape=(2, 3)}\n%n = Neg(%b)\n%y = Mul(%x, %n)",
            "%n = Neg(%r)\n%y = Mul(%x, %n)",
        ),
        (
            "%b = BroadcastTo(%r) {shape=(2, 3)}\n%y = Mul(%b, %r)",
            "%p = Mul(%r, %r)\n%y = BroadcastTo(%p) {shape=(2, 3)}",
        ),
    ],
)
def test_arithmetic_reads_the_small_operand_itself(before: str, after: str) -> None:
    feeds = X + ROW if "%x" in before else ROW
    check(implicit_broadcast, f"{feeds}{before}\nreturn %y", f"{feeds}{after}\nreturn %y")


@pytest.mark.parametrize(
    "text",
    [
        X + ROW + "%b = BroadcastTo(%r) {shape=(2, 3)} ^%x\n%y = Mul(%x, %b)\nreturn %y",
        X + ROW + "%b = BroadcastTo(%r) {shape=(2, 3)}\n%y = Mul(%x, %b) ^%r\nreturn %y",
        (X + ROW).replace("float32", "float16")
        + "%b = BroadcastTo(%r) {shape=(2, 3), axis=(0,), mean=True}\n%y = AddV2(%x, %b)\nreturn %y",
        X + MEAN.replace("Sub(%x, %m)", "Sub(%x, %m) ^%m") + "%y = Sum(%d) {axis=(0,)}\nreturn %y",
    ],
)
def test_control_inputs_and_means_in_float16_keep_the_program_as_it_is(text: str) -> None:
    check_unchanged(implicit_broadcast, text)


ZERO = "%z = Const() {value=float32[](0.0)}\n%n = Mul(%m, %z)\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("%y = Sum(%d) {axis=(0,), keep_dims=True}", "return %n"),
        ("%y = SumTo(%d) {shape=(3,)}", "%y = Reshape(%n) {shape=(3,)}\nreturn %y"),
        ("%p = Mul(%r, %d)\n%q = Neg(%p)\n%y = SumTo(%q) {shape=(1, 3)}", "%p = Mul(%n, %r)\n%y = Neg(%p)\nreturn %y"),
    ],
)
def test_a_sum_of_differences_from_the_mean_is_nothing(before: str, after: str) -> None:
    feeds = X + ROW if "%r" in before else X
    mean = MEAN.splitlines()[0] + "\n"
    check(implicit_broadcast, f"{feeds}{MEAN}{before}\nreturn %y", f"{feeds}{mean}{ZERO}{after}", exact=False)


@pytest.mark.parametrize(
    "text",
    [
        MEAN + "%y = Sum(%d) {axis=(1,)}",  # along another axis
        MEAN + "%p = Mul(%x, %d)\n%y = SumTo(%p) {shape=(3,)}",  # times what differs along the axis
        "%m = Mean(%x) {axis=(1,), keep_dims=True}\n%d = Sub(%x, %m)\n%y = SumTo(%d) {shape=(3,)}",
    ],
)
def test_other_sums_stay(text: str) -> None:
    reason = "it is no sum of differences from the mean over its axes"
    check_missed(implicit_broadcast, f"{X}{text}\nreturn %y", reason)


def test_a_sum_of_differences_from_the_mean_stays_nan() -> None:
    x = tf.placeholder(tf.float32, [4])
    total = tf.reduce_sum(x - tf.reduce_mean(x, keepdims=True))
    with tf.Session(backend="numpy") as session:
        for value in (np.nan, np.inf, -np.inf):
            assert np.isnan(session.run(total, {x: [1.0, value, 2.0, 3.0]}))
        assert session.run(total, {x: [0.1, 0.2, 0.4, 0.3]}) == 0


@pytest.mark.parametrize("shape", [(8, 4, 4, 6), (20, 6)])
def test_the_gradient_of_batch_normalization_takes_two_loops_over_its_input(shape: tuple[int, ...]) -> None:
    """One that adds up, and one for the result; and the numbers are those of the program as it was written."""
    axes = list(range(len(shape) - 1))
    x, delta = tf.placeholder(tf.float32, shape), tf.placeholder(tf.float32, shape)
    scale, shift = tf.ones([shape[-1]]), tf.zeros([shape[-1]])
    made = tf.nn.batch_normalization(x, *tf.nn.moments(x, axes), shift, scale, 1e-3)
    grad = tf.gradients(made, [x], delta)
    values = [np.random.RandomState(n).randn(*shape).astype(np.float32) for n in (0, 1)]
    found: dict[str, Any] = {}
    for level in ("O0", "O3"):
        with tf.Session(backend="numpy", optimize=level) as session:
            (found[level],) = session.run(grad, dict(zip((x, delta), values, strict=True)))
            profile = session.profile(grad, dict(zip((x, delta), values, strict=True)))
    np.testing.assert_allclose(found["O3"], found["O0"], rtol=1e-4, atol=1e-5)
    large = [launch for launch in profile.launches if launch.bytes_read >= x.type.nbytes]
    forward = [launch for launch in large if launch.node.startswith("moments")]
    assert len(large) - len(forward) == 2, [launch.node for launch in large]
    assert not any(launch.op == "BroadcastTo" for launch in profile.launches)
