"""The pass stabilise: logarithms in forms that neither overflow nor take log 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.pass_text import check, check_missed

import minigraph as tf
from minigraph.passes.stabilise import stabilise


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


def x23() -> Any:
    return tf.placeholder(tf.float32, [2, 3])


def test_stabilised_loss_survives_large_logits() -> None:
    x, y = x23(), tf.constant([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    loss = -tf.reduce_sum(y * tf.log(tf.nn.softmax(x)), 1)
    feed = {x: [[1000.0, 0.0, 0.0], [0.0, 0.0, 0.0]]}
    with tf.Session() as session:
        np.testing.assert_allclose(session.run(loss, feed), [1000.0, np.log(3)], rtol=1e-6)
    with tf.Session(optimize="O0") as session:
        assert not np.isfinite(session.run(loss, feed)[0])


X = "feed %x float32[2,3]\n"
CLASSES = X + "feed %y float32[2,3]\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("%s = Softmax(%x)\n%z = Log(%s)", "%z = LogSoftmax(%x)"),
        ("const %c float32[](1.0)\n%s = AddV2(%x, %c)\n%z = Log(%s)", "%z = Log1p(%x)"),
        ("const %c float32[](1.0)\n%s = AddV2(%c, %x)\n%z = Log(%s)", "%z = Log1p(%x)"),
        ("%e = Exp(%x)\n%z = Log1p(%e)", "%z = Softplus(%x)"),
        ("const %c float32[](1.0)\n%e = Exp(%x)\n%s = AddV2(%c, %e)\n%z = Log(%s)", "%z = Softplus(%x)"),
    ],
)
def test_stable_forms(before: str, after: str) -> None:
    # On numbers for which the unstable form is one, too: logarithms of negative numbers are NaN in both.
    check(stabilise, X + before + "\nreturn %z", X + after + "\nreturn %z", exact=False)


@pytest.mark.parametrize("axis", ["(1,)", "(-1,)"])
@pytest.mark.parametrize("product", ["%y, %l", "%l, %y"])
def test_cross_entropy(axis: str, product: str) -> None:
    text = f"%s = Softmax(%x)\n%l = Log(%s)\n%p = Mul({product})\n%t = Sum(%p) {{axis={axis}}}\n%z = Neg(%t)\nreturn %z"
    check(stabilise, CLASSES + text, CLASSES + "%z = SoftmaxCrossEntropyWithLogits(%x, %y)\nreturn %z", exact=False)


@pytest.mark.parametrize(
    ("feeds", "attributes", "reason"),
    [
        ("[2,3]", "axis=(1,), keep_dims=True", "it keeps the reduced axis"),
        ("[2,3]", "axis=(0,)", "it is not the sum over the last of two axes"),
        ("[2,3]", "axis=(0, 1)", "it is not the sum over the last of two axes"),
        ("[4,2,3]", "axis=(2,)", "it is not the sum over the last of two axes"),
    ],
)
def test_a_sum_that_is_no_cross_entropy_stays(feeds: str, attributes: str, reason: str) -> None:
    text = f"feed %x float32{feeds}\nfeed %y float32{feeds}\n%l = LogSoftmax(%x)\n%p = Mul(%y, %l)\n"
    check_missed(stabilise, text + f"%t = Sum(%p) {{{attributes}}}\n%z = Neg(%t)\nreturn %z", reason)


def test_a_cross_entropy_that_keeps_its_axis_runs() -> None:
    x, y = x23(), tf.constant([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    loss = -tf.reduce_sum(y * tf.log(tf.nn.softmax(x)), 1, keepdims=True)
    with tf.Session() as session:
        found = session.run(loss, {x: np.zeros((2, 3))})
    np.testing.assert_allclose(found, np.full((2, 1), np.log(3)), rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("feed %y float32[3]\n%l = LogSoftmax(%x)\n%p = Mul(%y, %l)\n%t = Sum(%p) {axis=(1,)}\n%z = Neg(%t)",
         "labels and logits have different types"),
        ("const %c float32[](2.0)\n%s = AddV2(%x, %c)\n%z = Log(%s)", "it is not a sum with the constant 1"),
        ("const %c float32[1,1,1](1.0)\n%s = AddV2(%x, %c)\n%z = Log(%s)", "it is not a sum with the constant 1"),
        ("%s = Softmax(%x)\n%z = Log(%s) ^%x", "it has control inputs"),
    ],
)  # fmt: skip
def test_what_is_not_the_form_stays(text: str, reason: str) -> None:
    check_missed(stabilise, X + text + "\nreturn %z", reason)
