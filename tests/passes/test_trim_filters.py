"""Parts of filters that only ever lie over padding, as text and against the whole filter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pass_text import check, check_missed

import minigraph as tf
from minigraph.passes.trim_filters import trim_filters

PIXEL = "feed %x float32[3,1,1,2]\nfeed %w float32[3,3,2,4]\nfeed %d float32[3,1,1,4]\n"
SAME, NONE = "{padding='SAME'", "{padding=((0, 0), (0, 0))"
SLICE = "%s = StridedSlice(%w) {spec=(('slice', 1, 2, None), ('slice', 1, 2, None))}\n"


def test_on_one_pixel_only_the_middle_of_a_filter_is_left() -> None:
    feeds = "feed %x float32[3,1,1,2]\nfeed %w float32[3,3,2,4]\n"
    before = feeds + f"%y = Conv2D(%x, %w) {SAME}}}\nreturn %y"
    check(trim_filters, before, feeds + SLICE + f"%y = Conv2D(%x, %s) {NONE}}}\nreturn %y", exact=False)


def test_so_it_is_in_both_gradients() -> None:
    check(
        trim_filters,
        PIXEL
        + f"%a = Conv2DInputGrad(%w, %d) {SAME}, shape=(3, 1, 1, 2)}}\n"
        + f"%b = Conv2DFilterGrad(%x, %d) {SAME}, shape=(3, 3, 2, 4)}}\nreturn %a, %b",
        PIXEL
        + SLICE
        + f"%a = Conv2DInputGrad(%s, %d) {NONE}, shape=(3, 1, 1, 2)}}\n"
        + f"%m = Conv2DFilterGrad(%x, %d) {NONE}, shape=(1, 1, 2, 4)}}\n"
        + "%b = Pad(%m) {paddings=((1, 1), (1, 1), (0, 0), (0, 0))}\nreturn %a, %b",
        exact=False,
    )


def test_each_axis_by_itself() -> None:
    line = "feed %x float32[3,1,6,2]\nfeed %w float32[3,3,2,4]\n"
    check(
        trim_filters,
        line + f"%y = Conv2D(%x, %w) {SAME}}}\nreturn %y",
        line
        + "%s = StridedSlice(%w) {spec=(('slice', 1, 2, None), ('slice', 0, 3, None))}\n"
        + "%y = Conv2D(%x, %s) {padding=((0, 0), (1, 1))}\nreturn %y",
        exact=False,
    )


@pytest.mark.parametrize(
    ("size", "attributes", "reason"),
    [
        (2, SAME, "all of the filter sees the image"),
        (1, "{padding=((6, 6), (6, 6)), strides=(9, 9)", "the filter sees padding only"),
        (3, "{padding=((1, 3), (1, 3)), dilations=(3, 3)", "the rest would need negative padding"),
    ],
)
def test_what_stays(size: int, attributes: str, reason: str) -> None:
    text = f"feed %x float32[3,{size},{size},2]\nfeed %w float32[3,3,2,4]\n"
    check_missed(trim_filters, text + f"%y = Conv2D(%x, %w) {attributes}}}\nreturn %y", reason)


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 3),
    pads=st.tuples(*[st.tuples(st.integers(0, 5), st.integers(0, 5))] * 2),
)
def test_results_and_gradients_are_those_of_the_whole_filter(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: int,
    dilation: int,
    pads: tuple[tuple[int, int], tuple[int, int]],
) -> None:
    spans = [(k - 1) * dilation + 1 for k in kernel]
    if any(n + sum(p) < span for n, p, span in zip(size, pads, spans, strict=True)):
        return  # TensorFlow refuses it
    random = np.random.RandomState(0)
    arrays = [random.randn(2, *size, 3), random.randn(*kernel, 3, 2)]
    found = []
    for passes in ((), ("trim_filters",)):
        with tf.Graph().as_default(), tf.Session(backend="numpy", passes=passes) as session:
            x, w = (tf.placeholder(tf.float64, a.shape) for a in arrays)
            places = [[0, 0], *map(list, pads), [0, 0]]
            y = tf.nn.conv2d(x, w, [1, stride, stride, 1], places, dilations=[1, dilation, dilation, 1])
            fetches = [y, *tf.gradients(y * y, [x, w])]
            found.append(session.run(fetches, dict(zip((x, w), arrays, strict=True))))
    for whole, trimmed in zip(*found, strict=True):
        np.testing.assert_allclose(trimmed, whole, rtol=1e-12, atol=1e-12)
