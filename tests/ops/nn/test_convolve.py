"""One- and three-dimensional convolution against PyTorch, and reversing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.evaluate import Case, check_gradients

import minigraph as tf
from minigraph.core.errors import ShapeError

small = st.integers(1, 3)
PADDING = st.sampled_from(["SAME", "VALID"])


def same(length: int, kernel: int, stride: int, dilation: int, padding: str) -> tuple[int, int]:
    """The least padding that gives ⌈L/S⌉ windows room, the odd one at the end."""
    if padding == "VALID":
        return 0, 0
    total = max((-(-length // stride) - 1) * stride + (kernel - 1) * dilation + 1 - length, 0)
    return total // 2, total - total // 2


@st.composite
def convolutions(draw: st.DrawFn, rank: int) -> tuple[Any, ...]:
    """Image [N,…,C], filter […,C,O], strides, dilations, padding."""
    kernel, strides, dilations = (draw(st.lists(small, min_size=rank, max_size=rank)) for _ in range(3))
    padding = draw(PADDING)
    sizes = [(k - 1) * d + 1 + draw(st.integers(0, 3)) for k, d in zip(kernel, dilations, strict=True)]
    random = np.random.RandomState(draw(st.integers(0, 99)))
    n, channels, outs = (draw(st.integers(1, 2)) for _ in range(3))
    return random.randn(n, *sizes, channels), random.randn(*kernel, channels, outs), strides, dilations, padding


def check_against_torch(build: Any, case: tuple[Any, ...], dims: Any) -> None:
    torch = pytest.importorskip("torch")
    x, w, strides, dilations, padding = case
    rank = len(strides)
    tx = torch.tensor(np.moveaxis(x, -1, 1).copy(), requires_grad=True)
    tw = torch.tensor(np.moveaxis(w, (-1, -2), (0, 1)).copy(), requires_grad=True)
    pairs = [same(*each, padding) for each in zip(x.shape[1:-1], w.shape[:rank], strides, dilations, strict=True)]
    padded = torch.nn.functional.pad(tx, [v for pair in reversed(pairs) for v in pair])
    y = (torch.nn.functional.conv1d if rank == 1 else torch.nn.functional.conv3d)(
        padded, tw, None, tuple(strides), 0, tuple(dilations)
    )
    found = Case(build, [x, w], dims=dims)
    weights, grads = found.differentiate(found.outputs)
    dx, dw = torch.autograd.grad(y, [tx, tw], torch.tensor(np.moveaxis(weights[0], -1, 1).copy()))
    values = found.values([*found.outputs, *grads])  # type: ignore[list-item]
    expected = (
        np.moveaxis(y.detach().numpy(), 1, -1),
        np.moveaxis(dx.numpy(), 1, -1),
        np.moveaxis(dw.numpy(), (0, 1), (-1, -2)),
    )
    for a, b in zip(values, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


def test_a_stride_may_be_one_number_or_one_for_each_axis() -> None:
    x, w = np.random.RandomState(0).randn(2, 7, 3).astype(np.float32), np.ones((3, 3, 4), np.float32)
    with tf.Session() as session:
        one, each = session.run([tf.nn.conv1d(x, w, stride, "SAME") for stride in (2, [1, 2, 1])])
    assert one.shape == (2, 4, 4)
    np.testing.assert_array_equal(one, each)


@settings(max_examples=40)
@given(convolutions(1))
def test_conv1d_against_torch(case: tuple[Any, ...]) -> None:
    _, _, (stride,), (dilation,), padding = case
    check_against_torch(lambda x, w: tf.nn.conv1d(x, w, stride, padding, dilations=dilation), case, np.shape)


@settings(max_examples=40)
@given(convolutions(3), st.booleans())
def test_conv3d_against_torch(case: tuple[Any, ...], known: bool) -> None:
    _, w, strides, dilations, padding = case
    options = {"padding": padding, "dilations": [1, *dilations, 1]}
    fixed = known or (padding == "SAME" and strides[0] > 1)

    def dims(array: Any) -> Any:
        return array.shape if fixed or array.shape == w.shape else [None] * 4 + [array.shape[4]]

    check_against_torch(lambda x, v: tf.nn.conv3d(x, v, [1, *strides, 1], **options), case, dims)


@settings(max_examples=8)
@given(convolutions(3), st.booleans(), st.integers(0, 2))
def test_conv3d_transpose_is_the_gradient_of_conv3d(case: tuple[Any, ...], known: bool, batch: int) -> None:
    """conv3d(x, w) is linear in x, so its gradient for x is its transpose; conv3d's is tested against PyTorch."""
    x, w, strides, _, padding = case
    x, step = np.resize(x, (batch, *x.shape[1:])), [1, *strides, 1]
    with tf.Graph().as_default(), tf.Session(backend="numpy") as session:
        volume = tf.constant(x)
        y = tf.nn.conv3d(volume, w, step, padding)
        delta = np.random.RandomState(0).randn(*y.shape.as_list())
        fed = tf.placeholder(tf.float64, [batch if known else None, *y.shape.as_list()[1:]])
        target = list(x.shape) if known else tf.stack([tf.shape(fed)[0], *x.shape[1:]])
        found = tf.nn.conv3d_transpose(fed, w, target, step, padding)
        assert found.shape.as_list() == [batch if known else None, *x.shape[1:]]
        got, want = session.run([found, tf.gradients(y, volume, tf.constant(delta))[0]], {fed: delta})
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("batch", ["number", "fed", "of another tensor"])
def test_a_transpose_has_the_batch_of_its_output_shape(rank: int, batch: str) -> None:
    """Its static shape is that of each run; a run with another batch fails."""
    transposed = tf.nn.conv2d_transpose if rank == 2 else tf.nn.conv3d_transpose
    ones = [1] * rank
    with tf.Graph().as_default(), tf.Session(backend="numpy") as session:
        value, like = tf.placeholder(tf.float32, [None, *ones, 2]), tf.placeholder(tf.float32, [None])
        count = tf.placeholder_with_default(3, [])
        n: Any = {"number": 3, "fed": count, "of another tensor": tf.shape(like)[0]}[batch]
        y = transposed(value, np.ones([2] * rank + [1, 2], np.float32), [n, *[2] * rank, 1], 2)
        assert y.shape.as_list() == [3 if batch == "number" else None, *[2] * rank, 1]
        given = {value: np.ones([3, *ones, 2]), like: np.zeros(3)}
        np.testing.assert_array_equal(session.run(y, given), np.full([3, *[2] * rank, 1], 2))
        for wrong in (2, 6):
            with pytest.raises(tf.errors.InvalidArgumentError, match=rf"node '{y.op.name}'.* made at .*test_convolve"):
                session.run(y, {**given, value: np.ones([wrong, *ones, 2])})


def test_empty_volumes() -> None:
    """A sum over no channels is 0; no filters give no channels. Volumes and windows without an extent are refused."""
    with tf.Graph().as_default(), tf.Session(backend="numpy") as session:
        for n in (2, None):
            x = tf.placeholder(tf.float32, [n, 2, 3, 2, 1])
            y = tf.nn.conv3d(x, np.ones((2, 2, 2, 1, 0), np.float32), 1, "SAME")
            assert session.run(y, {x: np.ones((2, 2, 3, 2, 1))}).shape == (2, 2, 3, 2, 0)
            value, target = tf.placeholder(tf.float32, [n, 2, 3, 2, 0]), [2, 2, 3, 2, 1]
            z = tf.nn.conv3d_transpose(value, np.ones((2, 2, 2, 1, 0), np.float32), target, 1)
            np.testing.assert_array_equal(session.run(z, {value: np.ones((2, 2, 3, 2, 0))}), np.zeros(target))
        for axis in range(1, 5):
            sizes, window = [1, 2, 2, 2, 1], [2, 2, 2, 1, 2]
            sizes[axis] = window[axis - 1] = 0
            for volume, w in ((sizes, [2, 2, 2, 1, 2]), ([1, 2, 2, 2, 1], window), (sizes, window)):
                with pytest.raises(ShapeError, match=r"^conv3d: the sizes and channels .* must be positive"):
                    tf.nn.conv3d(tf.zeros(volume), tf.zeros(w), 1, "SAME")
                with pytest.raises(ShapeError, match=r"^conv3d_transpose: the sizes and channels .* must be positive"):
                    tf.nn.conv3d_transpose(tf.zeros([*volume[:4], 2]), tf.zeros(w), volume, 1)
        with pytest.raises(ShapeError, match="takes no channels"):
            tf.nn.conv2d(tf.zeros([1, 2, 2, 0]), tf.zeros([1, 1, 0, 2]), 1, "SAME")


def zeros(*shape: int) -> tf.Tensor:
    return tf.zeros(shape)


STRIDED: dict[str, tuple[int, Any]] = {
    "conv1d": (1, lambda s: tf.nn.conv1d(zeros(1, 4, 2), zeros(2, 2, 1), s, "SAME")),
    "conv2d": (2, lambda s: tf.nn.conv2d(zeros(1, 4, 4, 2), zeros(2, 2, 2, 1), s, "SAME")),
    "conv3d": (3, lambda s: tf.nn.conv3d(zeros(1, 4, 4, 4, 2), zeros(2, 2, 2, 2, 1), s, "SAME")),
    "conv2d_transpose": (2, lambda s: tf.nn.conv2d_transpose(zeros(1, 2, 2, 1), zeros(2, 2, 3, 1), [1, 4, 4, 3], s)),
    "conv3d_transpose": (
        3,
        lambda s: tf.nn.conv3d_transpose(zeros(1, 2, 2, 2, 1), zeros(2, 2, 2, 3, 1), [1, 4, 4, 4, 3], s),
    ),
    "convolution": (3, lambda s: tf.nn.convolution(zeros(1, 4, 4, 4, 2), zeros(2, 2, 2, 2, 1), "SAME", s)),
    "depthwise_conv2d": (2, lambda s: tf.nn.depthwise_conv2d(zeros(1, 4, 4, 2), zeros(2, 2, 2, 1), s, "SAME")),
    "max_pool1d": (1, lambda s: tf.nn.max_pool1d(zeros(1, 4, 2), 2, s, "SAME")),
    "avg_pool": (2, lambda s: tf.nn.avg_pool(zeros(1, 4, 4, 2), 2, s, "SAME")),
    "max_pool3d": (3, lambda s: tf.nn.max_pool3d(zeros(1, 4, 4, 4, 2), 2, s, "SAME")),
    "pool": (2, lambda s: tf.nn.pool(zeros(1, 4, 4, 2), [2, 2], "MAX", "SAME", strides=s)),
}


@pytest.mark.parametrize("name", STRIDED)
def test_strides_are_integers_in_few_forms(name: str) -> None:
    rank, build = STRIDED[name]
    with tf.Graph().as_default():
        shape = build(2).shape
        every: list[Any] = [1, *[2] * rank, 1]
        for same in (np.int64(2), np.array(2), [2], (2,) * rank, np.array(every), tf.Dimension(2), every):
            assert build(same).shape == shape
        wrong: list[Any] = [2.0, 2.5, "2", [], [2] * (rank + 1), [2] * (rank + 3), 0, -1, [every], tf.constant(2)]
        for bad in (*wrong, [1, 2.5, *every[2:]], [2.0] * rank, [2, *every[1:]], [*every[:-1], 2]):
            with pytest.raises(ValueError, match=r"^stride"):
                build(bad)


@pytest.mark.parametrize("transposed", [tf.nn.conv2d_transpose, tf.nn.conv3d_transpose])
def test_an_output_shape_is_a_vector_of_integers(transposed: Any) -> None:
    rank = 2 if transposed is tf.nn.conv2d_transpose else 3
    target = [1, *[2] * rank, 3]
    with tf.Graph().as_default():
        value, w = zeros(1, *[1] * rank, 1), zeros(*[2] * rank, 3, 1)
        for same in (np.array(target, np.uint8), tf.constant(target, tf.int64), tf.TensorShape(target)):
            assert transposed(value, w, same, 2).shape.as_list() == target
        floats = [float(d) for d in target]
        wrong: list[Any] = [floats, tf.constant(floats), np.array(floats), [target], 2, target[1:], None, "a"]
        for bad in (*wrong, [None, *target[1:]], [-1, *target[1:]]):
            with pytest.raises(ShapeError):
                transposed(value, w, bad, 2)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(["int32", "int64", "uint8", "int16"]), st.sampled_from(["full", "same", "valid"]), small, small)
def test_whole_numbers_are_convolved_exactly(dtype: str, mode: Any, rows: int, columns: int) -> None:
    signal = pytest.importorskip("scipy.signal")
    random = np.random.RandomState(rows * 9 + columns)
    low = 0 if dtype == "uint8" else -9
    x, h = random.randint(low, 10, (4, 5)).astype(dtype), random.randint(low, 3, (rows, columns)).astype(dtype)
    with tf.Graph().as_default(), tf.Session(backend="numpy") as session:
        y = tf.nn.convolve2d(x, h, mode)
        assert y.dtype.name == dtype
        np.testing.assert_array_equal(session.run(y), signal.convolve2d(x, h, mode))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "int64"])
def test_sums_beyond_a_dtype_of_whole_numbers_wrap(dtype: str) -> None:
    """On each backend, against SciPy's sums in int64, wrapped by NumPy."""
    signal = pytest.importorskip("scipy.signal")
    random, limits = np.random.RandomState(0), np.iinfo(dtype)
    low, high = max(limits.min, -(2**48)), min(limits.max, 2**48)
    x = random.randint(low, high, (4, 5), dtype=np.int64)
    x[0, :2] = high, low
    h = random.randint(0, 8, (2, 3), dtype=np.int64)
    want = signal.convolve2d(x, h).astype(dtype)
    assert dtype == "int64" or (want != signal.convolve2d(x, h)).any()
    for backend in ("numpy", "llvm"):
        with tf.Graph().as_default(), tf.Session(backend=backend) as session:
            fed = tf.placeholder(dtype, x.shape)  # not a constant, which NumPy would fold
            found = session.run(tf.nn.convolve2d(fed, h.astype(dtype)), {fed: x.astype(dtype)})
        np.testing.assert_array_equal(found, want)


def test_a_kernel_of_unknown_size_is_refused() -> None:
    with tf.Graph().as_default(), pytest.raises(ShapeError, match=r"needs a kernel of known size, .* not \(\?, 3\)"):
        tf.nn.convolve2d(np.ones((4, 4), np.float32), tf.placeholder(tf.float32, [None, 3]))


def test_second_derivatives() -> None:
    random = np.random.RandomState(0)
    check_gradients(lambda x, w: tf.nn.conv1d(x, w, 2, "SAME"), [random.randn(2, 5, 2), random.randn(3, 2, 2)])
    arrays = [random.randn(1, 3, 4, 3, 2), random.randn(2, 2, 3, 2, 1)]
    check_gradients(lambda x, w: tf.nn.conv3d(x, w, [1, 1, 2, 1, 1], "SAME"), arrays)
    check_gradients(tf.nn.convolve2d, [random.randn(4, 5), random.randn(2, 3)])
    arrays = [random.randn(1, 2, 2, 2, 1), random.randn(3, 2, 1, 2, 1)]
    check_gradients(lambda y, w: tf.nn.conv3d_transpose(y, w, [1, 4, 4, 2, 2], [1, 2, 2, 1, 1]), arrays)


def test_shapes_that_are_known() -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 5, 8, 7, 2])
        w = np.ones((2, 3, 3, 2, 4), np.float32)
        assert tf.nn.conv3d(x, w, [1, 2, 2, 1, 1], "SAME").get_shape().as_list() == [None, 3, 4, 7, 4]
        assert tf.nn.conv3d(x, w, [1, 1, 1, 1, 1], "VALID", name="c").name == "c:0"
        free = tf.placeholder(tf.float32, [None, None, 8, 7, 2])
        assert tf.nn.conv3d(free, w, [1, 1, 1, 1, 1], "SAME").get_shape().as_list() == [None, None, 8, 7, 4]
        with pytest.raises(ShapeError, match="depth must be known"):
            tf.nn.conv3d(free, w, [1, 2, 1, 1, 1], "SAME")


def test_mistakes_are_told() -> None:
    with tf.Graph().as_default():
        x, line = tf.placeholder(tf.float32, [1, 4, 4, 4, 2]), tf.placeholder(tf.float32, [1, 9, 2])
        w, v = np.ones((2, 2, 2, 2, 1), np.float32), np.ones((3, 2, 1), np.float32)
        ones, wide = [1] * 5, np.ones((2, 2, 2, 1, 2), np.float32)
        for mistake, message in (
            (lambda: tf.nn.conv3d(x, w, ones, "FULL"), "SAME or VALID"),
            (lambda: tf.nn.conv3d(x, w, [2, 1, 1, 1, 1], "SAME"), "strides"),
            (lambda: tf.nn.conv3d(x, w, None, "SAME"), "strides"),
            (lambda: tf.nn.conv3d(x, w[..., :1, :], ones, "SAME"), "2 .channels. and 1"),
            (lambda: tf.nn.conv3d(x[0], w, ones, "SAME"), "N,D,H,W,C"),
            (lambda: tf.nn.conv3d(x, w, ones, "SAME", data_format="NCDHW"), "NDHWC"),
            (lambda: tf.nn.conv3d_transpose(x, v, [1, 8, 8, 8, 2], [1, 2, 2, 2, 1]), "with all sizes but N known"),
            (lambda: tf.nn.conv3d_transpose(x, wide, tf.placeholder(tf.int32), ones), "with all sizes but N known"),
            (lambda: tf.nn.conv3d_transpose(x, wide, [1, 9, 8, 8, 1], [1, 2, 2, 2, 1]), "not the shape of a convol"),
            (lambda: tf.nn.conv3d_transpose(x, wide, [1, 8, 8, 8, 1], 2, dilations=2), "dilations must be 1"),
            (lambda: tf.nn.conv1d(line, v, 0, "SAME"), "stride"),
            (lambda: tf.nn.conv1d(line, v, [2, 1, 1], "SAME"), "stride"),
            (lambda: tf.nn.conv1d(line, v, [1, 1, 2], "SAME"), "stride"),
            (lambda: tf.nn.conv1d(line, v, [1, 2], "SAME"), "stride"),
            (lambda: tf.nn.conv1d(line, v, 1, "SAME", data_format="NCW"), "NWC"),
            (lambda: tf.reverse(x, [5]), "out of valid range"),
        ):
            with pytest.raises(ValueError, match=message):
                mistake()


def test_reverse() -> None:
    x = np.arange(24).reshape(2, 3, 4)
    with tf.Graph().as_default(), tf.Session() as session:
        for axes in ([0], [1, -1], [], [0, 1, 2]):
            np.testing.assert_array_equal(session.run(tf.reverse(x, axes)), np.flip(x, axes) if axes else x)
