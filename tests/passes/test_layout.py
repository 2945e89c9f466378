"""Transposes sink and cancel: what becomes of them, what stops them, and channels-first networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pass_text import check, check_missed, check_unchanged
from support.programs import after, kinds, program_of, reasons

import minigraph as tf
from minigraph.passes import PIPELINES
from minigraph.passes.layout import layout

QUICK = settings(max_examples=40)


def image() -> Any:
    return tf.placeholder(tf.float32, [2, 3, 4, 5])


def moved(x: Any) -> Any:
    return tf.transpose(x, [0, 2, 3, 1])


def back(x: Any) -> Any:
    return tf.transpose(x, [0, 3, 1, 2])


CASES: dict[str, tuple[Callable[[Any], Any], list[str]]] = {
    "around a sum of two": (lambda x: back(moved(x) + moved(tf.exp(x))), ["AddV2", "Exp"]),
    "around a vector of rows": (
        lambda x: back(moved(x) * tf.constant(np.arange(4.0, dtype=np.float32).reshape(4, 1, 1))),
        ["Mul", "Reshape"],
    ),
    "around a choice": (lambda x: back(tf.where(moved(x) > 0.0, moved(x), moved(-x))), ["Greater", "Neg", "Select"]),
    "before a mean over the image": (lambda x: tf.reduce_mean(moved(x), [1, 2]), ["Mean"]),
    "before a maximum that keeps its axes": (
        lambda x: back(tf.reduce_max(moved(x), [1, 2], keepdims=True)),
        ["Max"],
    ),
    "before a sum of everything": (lambda x: tf.reduce_sum(moved(x)), ["Sum"]),
    "before a sum that leaves the axes in another order": (
        lambda x: tf.reduce_sum(moved(x), 1),
        ["Sum", "Transpose"],
    ),
    "around a concatenation": (lambda x: back(tf.concat([moved(x), moved(-x)], -1)), ["ConcatV2", "Neg"]),
    "of a broadcast": (lambda x: moved(tf.gradients(tf.reduce_mean(x, [2, 3]), x)[0]), ["BroadcastTo", "Full"]),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_left(case: str) -> None:
    build, left = CASES[case]
    x = image()
    y = build(x)
    outcome = after(program_of([y], [x]), layout)
    assert kinds(outcome.program) == left
    assert kinds(after(outcome.program, layout).program) == left
    feed = {x: np.random.RandomState(0).randn(2, 3, 4, 5).astype(np.float32)}
    with tf.Session(optimize="O0") as plain, tf.Session(passes=["layout"], debug=True) as session:
        np.testing.assert_allclose(session.run(y, feed), plain.run(y, feed), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("side", ["a", "b", "both"])
def test_a_matrix_product_reads_its_operands_transposed(side: str) -> None:
    a = tf.placeholder(tf.float32, [4, 3] if side != "b" else [3, 4])
    b = tf.placeholder(tf.float32, [5, 4] if side != "a" else [4, 5])
    y = tf.matmul(tf.transpose(a) if side != "b" else a, tf.transpose(b) if side != "a" else b)
    assert kinds(after(program_of([y], [a, b]), layout).program) == ["MatMul"]
    random = np.random.RandomState(0)
    feed = {t: random.randn(*t.shape.as_list()).astype(np.float32) for t in (a, b)}
    left, right = (feed[t].T if side in (name, "both") else feed[t] for t, name in ((a, "a"), (b, "b")))
    with tf.Session(passes=["layout"]) as session:
        np.testing.assert_allclose(session.run(y, feed), left @ right, rtol=1e-5, atol=1e-6)


def test_what_stops_a_transpose() -> None:
    x = image()
    outcome = after(program_of([moved(x) + tf.placeholder_with_default(np.ones((2, 4, 5, 3), "f"), None)], [x]), layout)
    assert "Transpose" in kinds(outcome.program)
    m = tf.placeholder(tf.float32, [3, 4])
    turned = tf.transpose(m)
    outcome = after(program_of([tf.exp(turned), turned], [m]), layout)
    assert not outcome.applied
    assert "something else reads the transposed operand" in reasons(outcome)
    outcome = after(program_of([turned - tf.transpose(tf.reshape(m, [4, 3]), [0, 1])], [m]), layout)
    assert "its operands are not all transposed in the same way" in reasons(outcome)


def network(x: Any, form: str, seed: int = 0) -> Any:
    """Two convolutions with bias, ReLU and pooling, in either order of axes; the loss."""
    random = np.random.RandomState(seed)
    last = form == "NHWC"
    for channels in ((2, 4), (4, 3)):
        filters = tf.Variable(random.randn(3, 3, *channels).astype(np.float32))
        bias = tf.Variable(random.randn(channels[1]).astype(np.float32))
        strides = [1, 2, 1, 1] if last else [1, 1, 2, 1]
        x = tf.nn.conv2d(x, filters, strides, "SAME", data_format=form)
        x = tf.nn.relu(tf.nn.bias_add(x, bias, data_format=form))
        size = [1, 2, 2, 1] if last else [1, 1, 2, 2]
        x = tf.nn.max_pool(x, size, size, "SAME", data_format=form)
    return tf.reduce_sum(tf.square(tf.reduce_mean(x, [1, 2] if last else [2, 3])))


@QUICK
@given(batch=st.integers(1, 4), height=st.integers(4, 9), width=st.integers(4, 9))
def test_channels_first_gives_what_channels_last_gives(batch: int, height: int, width: int) -> None:
    feed = np.random.RandomState(batch).randn(batch, height, width, 2).astype(np.float32)
    found = {}
    for form in ("NHWC", "NCHW"):
        with tf.Graph().as_default():
            x = tf.placeholder(tf.float32, [None] * 4)
            x.set_shape([None, None, None, 2] if form == "NHWC" else [None, 2, None, None])
            loss = network(x, form)
            fetches = [loss, *tf.gradients(loss, tf.trainable_variables())]
            for level in ("O0", "O3"):
                with tf.Session(optimize=level) as session:
                    session.run(tf.global_variables_initializer())
                    image = feed if form == "NHWC" else feed.transpose(0, 3, 1, 2)
                    found[form, level] = session.run(fetches, {x: image})
    for values in found.values():
        for a, b in zip(found["NHWC", "O0"], values, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_a_channels_first_training_step_transposes_its_images_only() -> None:
    x = tf.placeholder(tf.float32, [3, 2, 8, 8])
    loss = network(x, "NCHW")
    step = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    program = after(program_of([loss], [x], [step]), *PIPELINES["O2"]).program
    assert kinds(program).count("Transpose") == 1


def test_names_and_seeds_are_those_of_one_op() -> None:
    x = tf.placeholder(tf.float32, [1, 2, 5, 5])
    y = tf.nn.max_pool(x, [1, 1, 2, 2], [1, 1, 1, 1], "VALID", data_format="NCHW")
    assert y.name == "MaxPool:0"
    assert y.shape.as_list() == [1, 2, 4, 4]
    assert x.graph.last_id == 2
    assert tf.nn.avg_pool(x, [1, 1, 2, 2], [1, 1, 2, 2], "SAME", data_format="NCHW").name == "AvgPool:0"
    explicit = [[0, 0], [0, 0], [1, 0], [0, 2]]
    y = tf.nn.conv2d(x, np.ones((2, 2, 2, 4), np.float32), [1, 1, 1, 1], explicit, data_format="NCHW", name="c")
    assert (y.name, y.shape.as_list()) == ("c:0", [1, 4, 5, 6])
    with pytest.raises(ValueError, match="across the batch or the channels"):
        tf.nn.conv2d(x, np.ones((2, 2, 2, 4), np.float32), [1, 2, 2, 1], "SAME", data_format="NCHW")


# as text


IMAGE = "feed %x float32[2,3,4,5]\n"
MOVE = "{perm=(0, 2, 3, 1)}"
BACK = "{perm=(0, 3, 1, 2)}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"%t = Transpose(%x) {MOVE}\n%y = Relu(%t)", f"%r = Relu(%x)\n%y = Transpose(%r) {MOVE}"),
        (f"%t = Transpose(%x) {MOVE}\n%y = Mul(%t, %t)", f"%r = Mul(%x, %x)\n%y = Transpose(%r) {MOVE}"),
        (
            f"const %v float32[3](1.0, 2.0, 3.0)\n%t = Transpose(%x) {MOVE}\n%y = Mul(%t, %v)",
            "const %v float32[3](1.0, 2.0, 3.0)\n%w = Reshape(%v) {shape=(1, 3, 1, 1)}\n"
            f"%r = Mul(%x, %w)\n%y = Transpose(%r) {MOVE}",
        ),
        (
            f"const %v float32[](2.0)\n%t = Transpose(%x) {MOVE}\n%y = Mul(%t, %v)",
            f"const %v float32[](2.0)\n%r = Mul(%x, %v)\n%y = Transpose(%r) {MOVE}",
        ),
        (f"%t = Transpose(%x) {MOVE}\n%y = Max(%t) {{axis=(1, 2)}}", "%y = Max(%x) {axis=(2, 3)}"),
        (
            f"%t = Transpose(%x) {MOVE}\n%y = Max(%t) {{axis=(1,)}}",
            "%r = Max(%x) {axis=(2,)}\n%y = Transpose(%r) {perm=(0, 2, 1)}",
        ),
        (
            f"%t = Transpose(%x) {MOVE}\n%y = ConcatV2(%t, %t) {{axis=-1}}",
            f"%r = ConcatV2(%x, %x) {{axis=1}}\n%y = Transpose(%r) {MOVE}",
        ),
        (f"%t = Transpose(%x) {MOVE}\n%y = Transpose(%t) {BACK}", None),
        (f"%t = Transpose(%x) {MOVE}\n%e = Exp(%t)\n%y = Transpose(%e) {BACK}", "%y = Exp(%x)"),
        (f"%t = Transpose(%x) {BACK}\n%y = BiasAddGrad(%t)", f"%t = Transpose(%x) {BACK}\n%y = BiasAddGrad(%t)"),
    ],
)  # fmt: skip
def test_transposes_sink(before: str, after: str | None) -> None:
    expected = IMAGE + (f"{after}\nreturn %y" if after else "return %x")
    if after == before:
        check_unchanged(layout, IMAGE + before + "\nreturn %y")
    else:
        check(layout, IMAGE + before + "\nreturn %y", expected)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("feed %x float32[1,3,1,1]\n%y = Transpose(%x) {perm=(0, 2, 3, 1)}", "%y = Reshape(%x) {shape=(1, 1, 1, 3)}"),
        (
            "feed %x float32[2,3]\n%b = BroadcastTo(%x) {shape=(2, 3, 4), axis=(2,)}\n"
            "%y = Transpose(%b) {perm=(2, 0, 1)}",
            "%y = BroadcastTo(%x) {shape=(4, 2, 3), axis=(0,)}",
        ),
        ("feed %x float32[3,3]\n%t = Transpose(%x) {perm=(1, 0)}\n%y = MatMul(%t, %x)",
         "%y = MatMul(%x, %x) {transpose_a=True}"),
        ("feed %x float32[3,3]\n%t = Transpose(%x) {perm=(1, 0)}\n%y = MatMul(%x, %t) {transpose_b=True}",
         "%y = MatMul(%x, %x)"),
        ("feed %x float32[2,3]\n%t = Transpose(%x) {perm=(1, 0)}\n%y = Exp(%t)",
         "%e = Exp(%x)\n%y = Transpose(%e) {perm=(1, 0)}"),
    ],
)  # fmt: skip
def test_transposes_go_into_what_reads_or_makes_them(before: str, after: str) -> None:
    feed, _, _ = before.partition("\n")
    check(layout, before + "\nreturn %y", f"{feed}\n{after}\nreturn %y")


def test_a_transpose_that_is_read_twice_sinks_on_both_paths_of_an_image_only() -> None:
    check(
        layout,
        IMAGE + f"%t = Transpose(%x) {MOVE}\n%a = Exp(%t)\n%b = Tanh(%t)\nreturn %a, %b",
        IMAGE + f"%e = Exp(%x)\n%a = Transpose(%e) {MOVE}\n%h = Tanh(%x)\n%b = Transpose(%h) {MOVE}\nreturn %a, %b",
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("feed %x float32[2,3]\n%t = Transpose(%x) {perm=(1, 0)}\n%y = Exp(%t)\n%z = Tanh(%t)\nreturn %y, %z",
         "something else reads the transposed operand"),
        (IMAGE + f"feed %w float32[2,4,5,3]\n%t = Transpose(%x) {MOVE}\n%y = Mul(%t, %w)\nreturn %y",
         "its operands are not all transposed in the same way"),
        ("feed %x float32[2,3]\nfeed %v float32[1,1,1]\n%t = Transpose(%x) {perm=(1, 0)}\n%y = Mul(%t, %v)\n"
         "return %y", "the transposed operand is broadcast"),
        (IMAGE + "%y = Exp(%x)\nreturn %y", "no operand is transposed"),
        (IMAGE + f"%t = Transpose(%x) {MOVE} ^%x\n%y = Exp(%t)\nreturn %y", "no operand is transposed"),
        (IMAGE + f"%t = Transpose(%x) {MOVE}\n%y = Exp(%t) ^%x\nreturn %y", "it has control inputs"),
        (IMAGE + "const %v float32[1](1.0)\n%y = ConcatV2(%v, %v) {axis=0}\nreturn %y", "an operand is a vector"),
        (IMAGE + f"%y = Transpose(%x) {MOVE}\nreturn %y", "it moves axes of more than one element"),
        ("feed %x float32[2,3]\n%b = BroadcastTo(%x) {shape=(2, 3, 4), axis=(2,)}\n"
         "%y = Transpose(%b) {perm=(1, 0, 2)}\nreturn %y", "it moves axes that are not broadcast"),
        (IMAGE + f"%t = Transpose(%x) {MOVE}\n%y = BiasAddGrad(%t)\nreturn %y",
         "the channels are not on the last axis before"),
        ("feed %x float32[3,3]\n%y = MatMul(%x, %x)\nreturn %y", "no operand is a transpose of the last two axes"),
        ("feed %x float32[3,3,3,3]\nfeed %w float32[2,3,3,3,3]\n%t = Transpose(%x) {perm=(0, 2, 3, 1)}\n"
         "%u = Transpose(%w) {perm=(0, 1, 2, 4, 3)}\n%y = Mul(%t, %u)\nreturn %y",
         "its operands are not all transposed in the same way"),
    ],
)  # fmt: skip
def test_what_stops_a_transpose_as_text(text: str, reason: str) -> None:
    check_missed(layout, text, reason)
