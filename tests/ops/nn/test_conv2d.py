"""Convolution and its gradients against naive loops, SciPy and PyTorch."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.evaluate import Case, check_gradients, evaluate
from support.needed import needed
from support.padding import same_padding

import minigraph as tf
from minigraph.autodiff.gradients import gradients
from minigraph.core.dtypes import float32
from minigraph.core.errors import DTypeError, InvalidArgumentError, ShapeError
from minigraph.core.graph import Graph, Tensor
from minigraph.core.types import TensorType
from minigraph.ops.constant import placeholder
from minigraph.ops.nn.conv2d import Conv2D, conv2d, grouped_conv2d
from minigraph.ops.nn.conv_transpose import conv2d_backprop_filter, conv2d_backprop_input
from minigraph.ops.window import explicit_padding, output_size
from minigraph.run.session import Session

signal = needed("scipy.signal")

Pairs = tuple[tuple[int, int], tuple[int, int]]


class Convolution(NamedTuple):
    x: np.ndarray
    w: np.ndarray
    strides: tuple[int, int]
    dilations: tuple[int, int]
    padding: Any

    def pads(self) -> Pairs:
        if self.padding == "VALID":
            return (0, 0), (0, 0)
        if self.padding != "SAME":
            return self.padding
        reach = [(k - 1) * d + 1 for k, d in zip(self.w.shape[:2], self.dilations, strict=True)]
        top, left = (same_padding(self.x.shape[i + 1], reach[i], self.strides[i])[1] for i in range(2))
        return top, left

    @property
    def groups(self) -> int:
        return self.x.shape[3] // self.w.shape[2]

    def tensor(self, x: Tensor, w: Tensor) -> Tensor:
        explicit = self.padding if isinstance(self.padding, str) else [[0, 0], *map(list, self.padding), [0, 0]]
        return grouped_conv2d(x, w, self.groups, [1, *self.strides, 1], explicit, dilations=[1, *self.dilations, 1])


@st.composite
def convolutions(draw: st.DrawFn) -> Convolution:
    small = st.integers(1, 2)
    groups, fan_in, fan_out = draw(small), draw(small), draw(small)
    kernel, strides = [draw(st.tuples(st.integers(1, 3), st.integers(1, 3))) for _ in range(2)]
    dilations = draw(st.tuples(small, small))
    pads = st.tuples(st.integers(0, 2), st.integers(0, 2))
    padding = draw(st.one_of(st.sampled_from(["SAME", "VALID"]), st.tuples(pads, pads)))
    low = [1 if padding == "SAME" else (k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    size = [draw(st.integers(n, n + 4)) for n in low]
    random = np.random.RandomState(draw(st.integers(0, 9)))
    x = random.randn(draw(small), *size, groups * fan_in)
    return Convolution(x, random.randn(*kernel, fan_in, groups * fan_out), strides, dilations, padding)


def naive(c: Convolution) -> np.ndarray:
    """The definition, in loops over every output, on an image that is zero outside its bounds."""
    (top, bottom), (left, right) = c.pads()
    n, height, width, channels = c.x.shape
    rows, columns, fan_in, outs = c.w.shape
    out_h = len(range(0, top + height + bottom - (rows - 1) * c.dilations[0], c.strides[0]))
    out_w = len(range(0, left + width + right - (columns - 1) * c.dilations[1], c.strides[1]))
    fan_out = outs // (channels // fan_in)
    y = np.zeros((n, out_h, out_w, outs))
    for b, p, q, o in np.ndindex(*y.shape):
        for r, s, i in np.ndindex(rows, columns, fan_in):
            row = p * c.strides[0] + r * c.dilations[0] - top
            column = q * c.strides[1] + s * c.dilations[1] - left
            if 0 <= row < height and 0 <= column < width:
                y[b, p, q, o] += c.x[b, row, column, o // fan_out * fan_in + i] * c.w[r, s, i, o]
    return y


@settings(max_examples=60)
@given(convolutions())
def test_forward_is_the_definition(c: Convolution) -> None:
    case = Case(c.tensor, [c.x, c.w])
    expected = naive(c)
    assert case.outputs[0].shape.as_list() == list(expected.shape)
    np.testing.assert_allclose(case.values(case.outputs)[0], expected, rtol=1e-12, atol=1e-12)


@settings(max_examples=40)
@given(convolutions())
def test_gradients_to_second_order_against_torch(c: Convolution) -> None:
    torch = pytest.importorskip("torch")
    case = Case(c.tensor, [c.x, c.w])
    weights, first = case.differentiate(case.outputs)
    again, second = case.differentiate([g for g in first if g is not None])

    tx = torch.tensor(c.x.transpose(0, 3, 1, 2).copy(), requires_grad=True)
    tw = torch.tensor(c.w.transpose(3, 2, 0, 1).copy(), requires_grad=True)
    (top, bottom), (left, right) = c.pads()
    padded = torch.nn.functional.pad(tx, (left, right, top, bottom))
    y = torch.nn.functional.conv2d(padded, tw, None, c.strides, 0, c.dilations, c.groups)
    expected = torch.autograd.grad(y, [tx, tw], torch.tensor(weights[0].transpose(0, 3, 1, 2)), create_graph=True)
    cotangents = (again[0].transpose(0, 3, 1, 2), again[1].transpose(3, 2, 0, 1))
    total = sum((g * torch.tensor(v.copy())).sum() for g, v in zip(expected, cotangents, strict=True))
    expected2 = torch.autograd.grad(total, [tx, tw])

    found = case.values([*case.outputs, *first, *second])  # type: ignore[list-item]
    image, filters = (0, 2, 3, 1), (2, 3, 1, 0)
    orders = (image, image, filters, image, filters)
    for a, b, order in zip(found, (y, *expected, *expected2), orders, strict=True):
        np.testing.assert_allclose(a, b.detach().numpy().transpose(order), rtol=1e-10, atol=1e-10)


@settings(max_examples=20)
@given(st.integers(3, 7), st.integers(3, 7), st.integers(1, 3), st.integers(1, 3), st.sampled_from(["VALID", "SAME"]))
def test_forward_is_scipys_correlation(height: int, width: int, rows: int, columns: int, mode: str) -> None:
    random = np.random.RandomState(height * width)
    x, w = random.randn(height, width), random.randn(rows, columns)
    # SciPy's own "same" centres an even kernel elsewhere, so the padding is made by hand.
    pads = [same_padding(n, k, 1)[1] if mode == "SAME" else (0, 0) for n, k in zip(x.shape, w.shape, strict=True)]
    expected = signal.correlate(np.pad(x, pads), w, mode="valid")
    case = Case(lambda a, b: conv2d(a, b, 1, mode), [x[None, :, :, None], w[:, :, None, None]])
    np.testing.assert_allclose(case.values(case.outputs)[0][0, :, :, 0], expected, rtol=1e-12, atol=1e-12)


@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 6), st.integers(1, 4))
def test_same_padding_is_the_least_that_gives_all_windows(length: int, kernel: int, stride: int, dilation: int) -> None:
    out, pads = same_padding(length, (kernel - 1) * dilation + 1, stride)
    assert output_size(length, kernel, stride, dilation, "SAME") == out
    assert explicit_padding(length, kernel, stride, dilation, "SAME") == pads
    assert output_size(length, kernel, stride, dilation, pads) == out


def test_an_empty_batch_has_empty_results() -> None:
    case = Case(lambda x, w: conv2d(x, w, 1, "SAME"), [np.zeros((0, 4, 4, 2)), np.ones((3, 3, 2, 5))])
    _, (dx, dw) = case.differentiate(case.outputs)
    y, gx, gw = case.values([*case.outputs, dx, dw])  # type: ignore[list-item]
    assert (y.shape, gx.shape) == ((0, 4, 4, 5), (0, 4, 4, 2))
    np.testing.assert_array_equal(gw, np.zeros((3, 3, 2, 5)))


def test_stacked_convolutions_have_second_derivatives() -> None:
    random = np.random.RandomState(1)

    def network(x: Tensor, w: Tensor, v: Tensor) -> Tensor:
        return conv2d(conv2d(x, w, [1, 2, 2, 1], "SAME") * 2.0, v, 1, "VALID")

    check_gradients(network, [random.randn(1, 5, 5, 1), random.randn(3, 3, 1, 2), random.randn(2, 2, 2, 1)])


def test_unknown_sizes_are_kept_and_resolved_when_run() -> None:
    with Graph().as_default():
        x = placeholder("float32", [None, None, 7, 3])
        y = conv2d(x, np.ones((3, 3, 3, 4), np.float32), [1, 2, 2, 1], "SAME")
        assert y.shape.as_list() == [None, None, 4, 4]
        (grad,) = gradients(y, x)
        assert grad is not None
        (value,) = evaluate([grad], {x: np.ones((2, 5, 7, 3))})
        assert value.shape == (2, 5, 7, 3)


@pytest.mark.parametrize(
    ("x", "w", "message"),
    [
        ((1, 4, 4), (3, 3, 1, 1), "rank 4"),
        ((1, 4, 4, 3), (3, 3, 2, 4), "must be equal, but are 3 and 2 for"),
        ((1, 4, 4, 3), (3, 3, 1, 3), "the input \\(1, 4, 4, 3\\) has 3 channels, the filter \\(3, 3, 1, 3\\) takes 1"),
        ((1, 2, 2, 1), (3, 3, 1, 1), "Negative dimension size caused by subtracting 3 from 2"),
        ((1, 4, 4, 0), (3, 3, 1, 1), "are 0 and 1"),
        ((1, 4, 4, 1), (3, 3, 0, 1), "are 1 and 0"),
    ],
)
def test_misfits_are_told(x: tuple[int, ...], w: tuple[int, ...], message: str) -> None:
    with Graph().as_default(), pytest.raises(ShapeError, match=message):
        conv2d(np.zeros(x, np.float32), np.zeros(w, np.float32), 1, "VALID")


def test_bad_arguments() -> None:
    with Graph().as_default():
        x = placeholder("float32", [1, 4, 4, 1])
        w = np.ones((2, 2, 1, 1), np.float32)
        with pytest.raises(DTypeError):
            conv2d(placeholder("int32", [1, 4, 4, 1]), np.ones((2, 2, 1, 1), np.int32), 1, "SAME")
        for strides in (1, [1, 1], [1, 1, 1, 1]):
            assert conv2d(x, w, strides, "SAME").shape.as_list() == [1, 4, 4, 1]
        for strides in ([2, 1, 1, 1], [1, 0, 1, 1], [1, 1, 1], 0):
            with pytest.raises(ValueError):
                conv2d(x, w, strides, "SAME")
        for padding in ("FULL", None, [[1, 0], [0, 0], [0, 0], [0, 0]], [[0, 0], [-1, 0], [0, 0], [0, 0]]):
            with pytest.raises(ValueError):
                conv2d(x, w, 1, padding)
        with pytest.raises(ValueError, match="NHWC"):
            conv2d(x, w, 1, "SAME", data_format="CHWN")


def test_specialising_makes_padding_explicit() -> None:
    with Graph().as_default():
        x, w = placeholder("float32", [1, 5, 6, 1]), placeholder("float32", [3, 2, 1, 1])
        op, kept = Conv2D((2, 2), "SAME").specialise([x.type, w.type], [None, None])
    assert kept == (0, 1)
    assert op == Conv2D((2, 2), ((1, 1), (0, 0)), (1, 1))


@pytest.mark.parametrize("outputs", [32, 33])
def test_groups_come_only_when_asked_for(outputs: int) -> None:
    """TensorFlow 1 refuses both on a CPU, one of them when it runs."""
    filters = np.ones((5, 5, 1, outputs), np.float32)
    with Graph().as_default():
        with pytest.raises(ShapeError, match="must be equal, but are 3 and 1 for 'Conv2D'"):
            conv2d(placeholder("float32", [None, 8, 8, 3]), filters, 1, "SAME")
        x = placeholder("float32")
        y = conv2d(x, filters, 1, "SAME")
        with pytest.raises(InvalidArgumentError, match=r"are 3 and 1 .*\(node 'Conv2D_1' .*test_conv2d.py:"):
            Session(backend="numpy").run(y, {x: np.ones((1, 8, 8, 3))})


def test_gradients_have_no_unasked_groups() -> None:
    with Graph().as_default():
        x, grad = placeholder("float32", [1, 4, 4, 3]), placeholder("float32")
        with pytest.raises(ShapeError, match="3 and 1 for 'Conv2D'"):
            conv2d_backprop_input([1, 4, 4, 3], np.ones((3, 3, 1, 3), np.float32), grad, 1, "SAME")
        with pytest.raises(ShapeError, match="3 and 1 for 'Conv2D'"):
            conv2d_backprop_filter(x, [3, 3, 1, 3], grad, 1, "SAME")


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("stride", [1, 2])
def test_no_output_channels(backend: str, padding: str, stride: int) -> None:
    x, w = tf.placeholder(tf.float32, [2, 5, 4, 2]), tf.placeholder(tf.float32, [3, 2, 2, None])
    y = tf.nn.conv2d(x, w, [1, stride, stride, 1], padding)
    feed = {x: np.ones((2, 5, 4, 2)), w: np.ones((3, 2, 2, 0))}
    with tf.Session(backend=backend) as session:
        result, dx, dw = session.run([y, *tf.gradients(y, [x, w])], feed)
    rows, columns = (5, 4) if padding == "SAME" else (3, 3)
    assert result.shape == (2, -(-rows // stride), -(-columns // stride), 0)
    np.testing.assert_array_equal(dx, np.zeros((2, 5, 4, 2)))
    assert dw.shape == (3, 2, 2, 0)


@pytest.mark.parametrize("shape", [(0, 2, 1, 2), (2, 0, 1, 2)])
def test_a_filter_without_height_or_width_is_refused(shape: tuple[int, ...]) -> None:
    x = tf.placeholder(tf.float32, [1, 3, 3, 1])
    with pytest.raises(tf.errors.ShapeError, match="has no height or no width"):
        tf.nn.conv2d(x, np.zeros(shape, np.float32), [1, 1, 1, 1], "SAME")
    w = tf.placeholder(tf.float32, [None, None, 1, 2])
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match=r"no height or no width.*Conv2D"):
        session.run(tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME"), {x: np.ones((1, 3, 3, 1)), w: np.zeros(shape)})


@pytest.mark.parametrize(("groups", "filter_shape"), [(1, (3, 2, 4, 6)), (2, (3, 2, 2, 6))])
def test_flops_are_two_for_each_tap_of_each_output_element(groups: int, filter_shape: tuple[int, ...]) -> None:
    """For the convolution and its gradients, whose products are the same."""
    types = [TensorType(float32, shape) for shape in ((2, 5, 7, 4), filter_shape)]
    op = Conv2D(padding="VALID", groups=groups)
    (out,) = op.infer(*types)
    counted = sum(2 * filter_shape[2] for _ in range(2 * 3 * 6 * 6) for _ in range(3 * 2))
    assert op.flops(types, [out]) == counted
    with tf.Graph().as_default():
        x, w = (tf.placeholder(tf.float32, t.shape) for t in types)
        y = x.node.graph.add(op, (x, w)).outputs[0]
        for slope in tf.gradients(y, [x, w]):
            node = slope.node
            assert node.op.flops([t.type for t in node.inputs], [slope.type]) == counted
