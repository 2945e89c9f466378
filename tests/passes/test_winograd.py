"""The pass winograd: what it makes of convolutions and their gradients, what it declines, and the numbers.

Tests `rewrite/choice.py` and `ops/nn/winograd_costs.py`.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pass_text import check, check_missed, run
from support.programs import ops, program_of
from support.random_graphs import Case, evaluate

import minigraph as tf
from minigraph.backends.numpy import winograd as kernels
from minigraph.compile import blocks
from minigraph.ir.printer import format_program
from minigraph.ir.program import Program
from minigraph.ir.regions import Blocked
from minigraph.ir.verifier import verify_program
from minigraph.ops.nn.conv2d import Conv2D, Conv2DFilterGrad, Conv2DInputGrad
from minigraph.passes import PIPELINES
from minigraph.passes.fuse_blocks import FuseBlocks
from minigraph.passes.winograd import ConvShape, WinogradPass, winograd
from minigraph.rewrite.choice import Choice

EAGER = WinogradPass(margin=float("inf"))  # wherever it is possible

BLOCKS = FuseBlocks(min_edge=0, min_saved=0)

QUICK = settings(max_examples=40)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a row of tiles and of one or two images."""
    monkeypatch.setattr(kernels, "LIMIT", 1)
    monkeypatch.setattr(blocks, "TARGET", 600)


def variable(*shape: int) -> Any:
    return tf.Variable(tf.random_normal(shape))


def convolution(x: Any, w: Any, stride: int = 1, padding: str = "SAME") -> Any:
    return tf.nn.conv2d(x, w, [1, stride, stride, 1], padding)


def large(channels: int = 64) -> dict[Any, np.ndarray]:
    return {tf.placeholder(tf.float32, [None, 14, 14, channels]): np.zeros((32, 14, 14, channels), np.float32)}


def test_a_layer_and_its_gradients_become_one_form_with_one_filter() -> None:
    feeds = large()
    (x,) = feeds
    w = variable(5, 5, 64, 128)
    y = convolution(x, w)
    outcome = winograd.run(program_of([y, *tf.gradients(tf.reduce_sum(y * y), [x, w])], feeds))
    verify_program(outcome.program)
    found = ops(outcome.program)
    assert [k for k in found if k.startswith(("Winograd", "Conv"))] == [
        "WinogradFilter", "WinogradConv2D", "WinogradGrads", "WinogradFilterAdjoint",
    ]  # fmt: skip
    assert len(outcome.applied) == 3
    assert {a.result[:11] for a in outcome.applied} == {"F(4x4, 5x5)"}
    again = winograd.run(outcome.program)
    assert not again.applied
    assert format_program(again.program) == format_program(outcome.program)


@pytest.mark.parametrize(("wanted", "left"), [(0, "WinogradInputGrad"), (1, "WinogradFilterGrad")])
def test_one_gradient_alone(wanted: int, left: str) -> None:
    feeds = large()
    (x,) = feeds
    w = variable(3, 3, 64, 64)
    gradient = tf.gradients(convolution(x, w), [x, w])[wanted]
    found = ops(EAGER.run(program_of([gradient], feeds)).program)
    assert left in found
    assert not {"WinogradGrads", "Conv2DInputGrad", "Conv2DFilterGrad"} & set(found)


def test_what_pays_in_the_mnist_network() -> None:
    """The second layer; the first has one channel, and of a tiny image the filter's transform is most of the work."""
    first = ConvShape((256, 28, 28, 1), (5, 5, 1, 64), (256, 28, 28, 64), 4)
    second = ConvShape((256, 14, 14, 64), (5, 5, 64, 128), (256, 14, 14, 128), 4)
    assert isinstance(first.best([Conv2D]), str)
    assert isinstance(first.best([Conv2DFilterGrad]), str)
    assert isinstance(second._replace(x=(1, 3, 3, 64), y=(1, 3, 3, 128)).best([Conv2D]), str)
    assert second.best([Conv2D]) == second.best([Conv2DInputGrad, Conv2DFilterGrad]) == 4


def test_a_single_image_is_worth_it_where_the_filter_stays_the_same() -> None:
    x = tf.placeholder(tf.float32, [1, 12, 12, 64])
    w = variable(5, 5, 64, 128)
    y = convolution(x, w)
    feeds = {x: np.zeros((1, 12, 12, 64), np.float32)}
    assert "WinogradConv2D" in ops(winograd.run(program_of([y], feeds)).program)
    for changing in ([y, w.assign(w * 2.0)], [convolution(x, w * tf.reduce_sum(x))]):
        assert "WinogradConv2D" not in ops(winograd.run(program_of(changing, feeds)).program)


@pytest.mark.usefixtures("small_blocks")
def test_forms_are_done_block_by_block_in_regions() -> None:
    feeds = {tf.placeholder(tf.float32, [6, 8, 8, 2]): np.zeros((6, 8, 8, 2), np.float32)}
    (x,) = feeds
    w = variable(3, 3, 2, 2)
    y = tf.nn.relu(convolution(tf.tanh(x), w))
    gradients = tf.gradients(tf.reduce_sum(y * y), [x, w])
    program = BLOCKS.run(EAGER.run(program_of([y, *gradients], feeds)).program).program
    verify_program(program)
    regions = [repr(i.op) for i in program.instrs if isinstance(i.op, Blocked)]
    assert any("WinogradGrads" in r for r in regions)
    assert any("WinogradConv2D" in r for r in regions)


@pytest.mark.usefixtures("small_blocks")
@QUICK
@given(
    batch=st.integers(1, 5),
    size=st.integers(5, 9),
    kernel=st.sampled_from([3, 5]),
    padding=st.sampled_from(["SAME", "VALID"]),
    shared=st.booleans(),
    second=st.booleans(),
    fused=st.booleans(),
)
def test_random_networks_keep_their_values(
    batch: int, size: int, kernel: int, padding: str, shared: bool, second: bool, fused: bool
) -> None:
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(1)
        x = tf.placeholder(tf.float64, [None, size, size, 2])
        weights = [tf.Variable(0.3 * tf.random_normal([kernel, kernel, 2, 2], dtype=tf.float64)) for _ in range(2)]
        if shared:
            weights[1] = weights[0]
        y = tf.tanh(convolution(x, weights[0], padding=padding))
        y = y + convolution(y, weights[1]) * convolution(y, weights[1][::-1])
        loss = tf.reduce_sum(y * y)
        fetches = [loss, y, *tf.gradients(loss, [x, *weights])]
        if second:
            fetches += tf.gradients(tf.reduce_sum(tf.square(fetches[2])), [x, weights[0]])
        feed = {x: np.random.RandomState(batch).randn(batch, size, size, 2)}
        case = Case(graph, fetches, feed, tf.global_variables_initializer())
    passes: list[Any] = [EAGER, *([BLOCKS] if fused else [])]
    outcome = EAGER.run(program_of(fetches, feed))
    assert not {"Conv2D", "Conv2DInputGrad", "Conv2DFilterGrad"} & set(ops(outcome.program))
    for a, b in zip(evaluate(case, optimize="O0"), evaluate(case, passes=passes), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8 * max(1.0, float(np.abs(a).max())))


def test_it_stands_before_the_fusion_and_can_be_switched_off() -> None:
    names = [p.name for p in PIPELINES["O3"]]
    assert names.index("winograd") < names.index("fuse_blocks")
    feeds = {h: np.ones_like(a) for h, a in large().items()}
    y = convolution(next(iter(feeds)), variable(5, 5, 64, 128))
    init = tf.global_variables_initializer()
    found = {}
    for disabled in ([], ["winograd"]):
        with tf.Session(disable_passes=disabled) as session:
            session.run(init)
            session.run(y, feeds)
            found[bool(disabled)] = any("WinogradConv2D" in ops(plan.program) for plan in session._runner.cache.plans)
    assert found == {False: True, True: False}


@pytest.mark.usefixtures("small_blocks")
def test_debug_mode_accepts_a_training_step() -> None:
    tf.set_random_seed(2)
    x = tf.placeholder(tf.float32, [None, 9, 9, 2])
    y = tf.nn.relu(tf.nn.bias_add(convolution(x, variable(5, 5, 2, 4)), variable(4)))
    y = convolution(tf.nn.max_pool(y, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"), variable(3, 3, 4, 3))
    step = tf.train.AdamOptimizer(0.01).minimize(tf.reduce_sum(y * y))
    with tf.Session(passes=[EAGER, BLOCKS], debug=True) as session:
        session.run(tf.global_variables_initializer())
        session.run(step, {x: np.random.RandomState(0).randn(5, 9, 9, 2).astype(np.float32)})


# as text


NHWC = "feed %x float32[2,8,8,4]\nfeed %w float32[3,3,4,4]\n"
PADS = "padding=((1, 1), (1, 1))"
FORM = f"{{tile=2, kernel=3, {PADS}}}"


class _Tile2:
    """Chooses tiles of 2x2, without trials."""

    def __call__(self, program: Program, ways: Any, expected: str) -> Choice:
        return Choice("F(2x2, 3x3)", "by the test")


TILE2 = WinogradPass(chooser=_Tile2())


def test_a_convolution_becomes_a_transform_and_a_product() -> None:
    check(
        TILE2,
        NHWC + f"%y = Conv2D(%x, %w) {{{PADS}}}\nreturn %y",
        NHWC + f"%f = WinogradFilter(%w) {{tile=2, kernel=3}}\n%y = WinogradConv2D(%x, %f) {FORM}\nreturn %y",
        exact=False,
    )


GRADIENTS = NHWC + "feed %d float32[2,8,8,4]\n"
DX = f"%a = Conv2DInputGrad(%w, %d) {{{PADS}, shape=(2, 8, 8, 4)}}\n"
DW = f"%b = Conv2DFilterGrad(%x, %d) {{{PADS}, shape=(3, 3, 4, 4)}}\n"


def test_both_gradients_become_one() -> None:
    check(
        TILE2,
        GRADIENTS + DX + DW + "return %a, %b",
        GRADIENTS
        + "%f = WinogradFilter(%w) {tile=2, kernel=3}\n"
        + f"%a = WinogradGrads(%x, %f, %d) {FORM}\n"
        + "%b = WinogradFilterAdjoint(%a.1) {tile=2, kernel=3}\nreturn %a, %b",
        exact=False,
    )


@pytest.mark.parametrize(
    "between",
    [
        DX + "%e = Exp(%a)\n" + DW.replace("%x, %d", "%e, %d"),
        DW + "%e = Exp(%b)\n" + DX.replace("%w, %d", "%e, %d"),
    ],
    ids=["the second reads what the first makes", "the other way round"],
)
def test_gradients_of_which_one_needs_the_other_are_not_joined(between: str) -> None:
    outcome = run(TILE2, GRADIENTS + between + "return %a, %b")
    assert len(outcome.applied) == 2
    assert "WinogradGrads" not in ops(outcome.program)


def test_gradients_of_two_deltas_are_not_joined() -> None:
    text = GRADIENTS + "feed %e float32[2,8,8,4]\n" + DX + DW.replace("%d", "%e") + "return %a, %b"
    assert "WinogradGrads" not in ops(run(TILE2, text).program)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (PADS, PADS + ", strides=(2, 2)", "its strides are (2, 2) and its dilations (1, 1), not 1"),
        (PADS, PADS + ", dilations=(2, 2)", "its strides are (1, 1) and its dilations (2, 2), not 1"),
        ("[3,3,4,4]", "[3,5,4,4]", "its filter is 3x5, not 3x3 or 5x5"),
        ("[3,3,4,4]", "[1,1,4,4]", "its filter is 1x1, not 3x3 or 5x5"),
        ("[3,3,4,4]", "[7,7,4,4]", "its filter is 7x7, not 3x3 or 5x5"),
        ("float32", "float16", "float16 is not exact enough"),
        ("}", "} ^%x", "it has control inputs"),
    ],
)
def test_what_has_no_form_and_why(old: str, new: str, reason: str) -> None:
    text = NHWC + f"%y = Conv2D(%x, %w) {{{PADS}}}\nreturn %y"
    assert old in text
    head, _, rest = text.partition("%y") if old == "}" else ("", "", text)
    check_missed(TILE2, head + ("%y" if head else "") + rest.replace(old, new), reason)


def test_groups_have_no_form() -> None:
    text = NHWC.replace("[3,3,4,4]", "[3,3,2,4]") + f"%y = Conv2D(%x, %w) {{{PADS}, groups=2}}\nreturn %y"
    check_missed(TILE2, text, "it has 2 groups")


def test_what_does_not_pay_stays() -> None:
    text = NHWC + f"%y = Conv2D(%x, %w) {{{PADS}}}\nreturn %y"
    outcome = run(WinogradPass(margin=0.1), text)
    (missed,) = outcome.missed
    assert re.fullmatch(r"it is estimated at \d+\.\d\d times the direct form, not below 0\.1 times", missed.reason)


def test_a_large_filter_on_one_channel_does_not_pay() -> None:
    text = "feed %x float32[64,16,16,1]\nfeed %w float32[5,5,1,64]\n%y = Conv2D(%x, %w)\nreturn %y"
    (missed,) = run(winograd, text).missed
    assert re.fullmatch(r"it is estimated at .* times the direct form, not below 0\.85 times", missed.reason)
