"""Signals and filters: worked examples, the laws of linear shift-invariant systems, and SciPy and scikit-image.

Tests `filters/`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.needed import needed

import minigraph as tf
from minigraph import filters as F
from minigraph.core.errors import DTypeError, ShapeError

ndimage, signal = needed("scipy.ndimage"), needed("scipy.signal")
Array = np.ndarray[Any, Any]


def compute(build: Callable[..., tf.Tensor], *arrays: Array) -> Array:
    """What a session computes of tensors that hold the arrays."""
    with tf.Graph().as_default(), tf.Session() as session:
        inputs = [tf.placeholder(a.dtype, a.shape) for a in arrays]
        result: Array = session.run(build(*inputs), dict(zip(inputs, arrays, strict=True)))
        return result


def filtered(build: Callable[..., tf.Tensor], image: Array, **options: Any) -> Array:
    """One grey image [H,W] through a filter."""
    return compute(lambda x: build(x, **options), image[None, :, :, None])[0, :, :, 0]


def convolved(x: Any, h: Any, mode: str = "full") -> Array:
    arrays = [np.asarray(a, np.float64) for a in (x, h)]
    return compute(lambda a, b: tf.nn.convolve2d(a, b, mode), *arrays)


def impulse(shape: tuple[int, ...], *at: int) -> Array:
    found = np.zeros(shape)
    found[at] = 1
    return found


# worked examples


def test_one_dimensional_convolution() -> None:
    x, h = np.array([1.0, 2, 2]), np.array([3.0, 2, 1])
    assert compute(tf.nn.convolve1d, x, h).tolist() == [3, 8, 11, 6, 2]
    assert compute(lambda a, b: tf.nn.convolve1d(a, b, "valid"), x, h).tolist() == [11]
    assert compute(tf.nn.convolve1d, np.stack([x, 2 * x]), h)[1].tolist() == [6, 16, 22, 12, 4]


def test_an_image_is_a_sum_of_shifted_impulses() -> None:
    """x = δ(n1,n2) + 2δ(n1,n2−1) + 3δ(n1−1,n2−1), and its convolution the sum of as many responses."""
    x = impulse((3, 3), 0, 0) + 2 * impulse((3, 3), 0, 1) + 3 * impulse((3, 3), 1, 1)
    assert x.tolist() == [[1, 2, 0], [0, 3, 0], [0, 0, 0]]
    h = np.arange(1.0, 10).reshape(3, 3)
    parts = [x[i] * convolved(impulse((3, 3), *i), h) for i in np.ndindex(3, 3)]
    np.testing.assert_array_equal(sum(parts), convolved(x, h))


def test_full_convolution() -> None:
    assert convolved([[4, 5], [2, 3]], [[1, 2], [3, 4]]).tolist() == [[4, 13, 10], [14, 38, 26], [6, 17, 12]]


def test_same_convolution_of_a_ramp() -> None:
    """The rows that the chapter prints; the kernel in its listing does not give them, this one does."""
    kernel = [[-1, 1, -1], [-2, 3, 1], [2, -4, 0]]
    printed = [
        [-2, -8, -7, -6, -5, -4, 28],
        [5, -3, -4, -5, -6, -7, 28],
        [-2, -10, -11, -12, -13, -14, 28],
        [-9, -17, -18, -19, -20, -21, 28],
        [-16, -24, -25, -26, -27, -28, 28],
        [-23, -31, -32, -33, -34, -35, 28],
        [-29, 13, 13, 13, 13, 13, 27],
    ]
    image = np.arange(1.0, 50).reshape(7, 7)
    assert convolved(image, kernel, "same").tolist() == printed
    assert filtered(F.convolve, image, kernel=kernel, border="zero").tolist() == printed
    assert signal.convolve2d(image, kernel, "same").tolist() == printed


def test_the_mean_filter_divides_the_variance_of_noise_by_its_size() -> None:
    noise = 10 * np.random.RandomState(0).randn(512, 512)
    for size in (3, 5):
        inner = filtered(F.mean, noise, size=size)[size:-size, size:-size]
        assert inner.var() == pytest.approx(100 / size**2, rel=0.02)
    assert filtered(F.mean, np.full((9, 9), 7.0)) == pytest.approx(7)


def test_median_border_rules() -> None:
    image = np.array([[1.0, 2, 9], [4, 5, 6], [7, 8, 3]])
    assert filtered(F.median, image).tolist() == [[2, 4, 6], [4, 5, 6], [7, 6, 5]]
    assert filtered(F.median, image, border="shrink").tolist() == [[3, 4.5, 5.5], [4.5, 5, 5.5], [6, 5.5, 5.5]]


def test_salt_and_pepper() -> None:
    """As many pixels change as drawing 0 or 20 of 21 numbers changes; a median takes nearly all of them out."""
    image = np.full((1, 200, 200, 1), 100.0)
    noisy = compute(lambda x: F.add_salt_and_pepper(x, 2 / 21, seed=1), image)
    assert set(np.unique(noisy)) == {0, 100, 255}
    assert [(noisy == v).mean() for v in (0, 255)] == pytest.approx([1 / 21] * 2, rel=0.05)
    assert (filtered(F.median, noisy[0, :, :, 0]) != 100).mean() < 0.005
    np.testing.assert_array_equal(noisy, compute(lambda x: F.add_salt_and_pepper(x, 2 / 21, seed=1), image))
    assert (noisy != compute(lambda x: F.add_salt_and_pepper(x, 2 / 21, seed=2), image)).any()


def test_gaussian_noise_has_its_variance() -> None:
    image = np.full((1, 300, 300, 1), 100.0)
    noisy = compute(lambda x: F.add_gaussian_noise(x, 100, seed=1), image)
    assert noisy.var() == pytest.approx(100, rel=0.03)
    assert noisy.mean() == pytest.approx(100, abs=0.2)


def test_the_gaussian_kernel_is_normalised_and_centred() -> None:
    kernel = F.gaussian_kernel()
    assert kernel.shape[0] % 2 == 1
    assert kernel.sum() == pytest.approx(1)
    middle = kernel.shape[0] // 2
    assert kernel[middle, middle] == kernel.max()
    np.testing.assert_allclose(kernel[middle, middle + 1] / kernel[middle, middle], np.exp(-1 / 10))
    # the chapter's, for comparison: not divided by its sum, and with no element at its centre
    row, column = np.mgrid[-10:10, -10:10]
    assert np.exp(-(row**2 + column**2) / 10).sum() == pytest.approx(31.42, abs=0.005)
    assert pytest.approx(0.025 * 31.42, abs=0.001) == F.CHAPTER_AMOUNT


def test_sharpening_keeps_the_brightness_and_widens_edges() -> None:
    step = np.repeat([[50.0] * 20 + [150.0] * 20], 24, 0)
    sharp = filtered(F.sharpen, step)
    np.testing.assert_allclose(filtered(F.sharpen, np.full((24, 24), 80.0)), 80)
    assert sharp[12, 19] < 50
    assert sharp[12, 20] > 150
    np.testing.assert_allclose(filtered(F.high_pass, step) + filtered(F.gaussian, step), step)


def test_names_of_differences() -> None:
    """Under true convolution [0 1 −1] is the backward difference, [1 −1 0] the forward one, [1 0 −1] the central."""
    line = np.array([[1.0, 4, 9, 16, 25]])
    for kernel, expected in ((F.BACKWARD, [3, 5, 7]), (F.FORWARD, [5, 7, 9]), (F.CENTRAL, [8, 12, 16])):
        assert convolved(line, kernel, "same")[0, 1:4].tolist() == expected


def test_sobel_kernels_are_separable() -> None:
    assert F.SOBEL_X.tolist() == [[1, 0, -1], [2, 0, -2], [1, 0, -1]]
    assert F.SOBEL_Y.tolist() == [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]
    ramp = np.add.outer(5 * np.arange(6.0), 3 * np.arange(7.0))
    inner = (slice(1, -1), slice(1, -1))
    assert (filtered(F.sobel_x, ramp)[inner] == 24).all()
    assert (filtered(F.sobel_y, ramp)[inner] == 40).all()
    np.testing.assert_allclose(filtered(F.sobel, ramp)[inner], np.hypot(24, 40))
    np.testing.assert_allclose(filtered(F.gradient, ramp)[inner], np.hypot(6, 10))


def test_identity_kernel() -> None:
    image = np.random.RandomState(0).rand(5, 6)
    for size in (1, 3, 5):
        np.testing.assert_array_equal(filtered(F.convolve, image, kernel=F.identity_kernel(size)), image)


# laws

SEEDS = st.integers(0, 2**16)
SIZES = st.tuples(st.integers(1, 7), st.integers(1, 7))


def pair(seed: int, image: tuple[int, ...], kernel: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """Two images and a kernel of whole numbers, so that sums are exact."""
    random = np.random.RandomState(seed)
    one, two = random.randint(-9, 10, (2, *image)).astype(float)
    return one, two, random.randint(-9, 10, kernel).astype(float)


@settings(max_examples=30)
@given(SEEDS, SIZES, SIZES, st.integers(-5, 5))
def test_scaling_and_superposition(seed: int, image: tuple[int, int], kernel: tuple[int, int], scale: int) -> None:
    one, two, h = pair(seed, image, kernel)
    np.testing.assert_array_equal(convolved(scale * one + two, h), scale * convolved(one, h) + convolved(two, h))


@settings(max_examples=30)
@given(SEEDS, SIZES, SIZES, st.integers(0, 3), st.integers(0, 3))
def test_shift_invariance(seed: int, image: tuple[int, int], kernel: tuple[int, int], down: int, right: int) -> None:
    one, _, h = pair(seed, image, kernel)
    shift = ((down, 0), (right, 0))
    np.testing.assert_array_equal(convolved(np.pad(one, shift), h), np.pad(convolved(one, h), shift))


@settings(max_examples=30)
@given(SEEDS, SIZES, SIZES)
def test_convolution_commutes_and_an_impulse_gives_the_impulse_response(
    seed: int, image: tuple[int, int], kernel: tuple[int, int]
) -> None:
    """The chapter calls the signal that gives back the impulse response a unit step: it is the unit impulse."""
    one, _, h = pair(seed, image, kernel)
    np.testing.assert_array_equal(convolved(impulse((1, 1), 0, 0), h), h)
    np.testing.assert_array_equal(convolved(one, h), convolved(h, one))
    step = np.ones((1, 5))
    response = convolved(step, np.array([[1.0, 2.0]]))
    assert response.tolist() == [[1, 3, 3, 3, 3, 2]]


@settings(max_examples=30)
@given(SEEDS, SIZES, SIZES, st.sampled_from(["full", "same", "valid"]))
def test_layers_cross_correlate_so_that_convolution_turns_the_kernel(
    seed: int, image: tuple[int, int], kernel: tuple[int, int], mode: str
) -> None:
    one, _, h = pair(seed, image, kernel)
    if mode == "valid" and any(k > n for k, n in zip(kernel, image, strict=True)):
        with pytest.raises(ShapeError, match="Negative dimension"):
            convolved(one, h, mode)
        return
    found = convolved(one, h, mode)
    full = signal.convolve(one, h, "full")  # SciPy's own "valid" swaps its operands, its "same" is of the larger
    starts = {"full": (0, 0), "same": [(k - 1) // 2 for k in kernel], "valid": [k - 1 for k in kernel]}[mode]
    expected = full[tuple(slice(s, s + n) for s, n in zip(starts, found.shape, strict=True))]
    np.testing.assert_allclose(found, expected, atol=1e-9)
    if mode == "valid":
        turned = h[::-1, ::-1].copy()
        layer = compute(lambda x, w: tf.nn.conv2d(x, w, 1, "VALID"), one[None, :, :, None], turned[:, :, None, None])
        np.testing.assert_array_equal(layer[0, :, :, 0], found)


@settings(max_examples=30)
@given(SEEDS, SIZES, SIZES)
def test_the_gradient_is_the_adjoint(seed: int, image: tuple[int, int], kernel: tuple[int, int]) -> None:
    """⟨h∗x, δ⟩ = ⟨x, δ∗turned h⟩: the gradient for the image is δ convolved with the turned kernel."""
    one, _, h = pair(seed, image, kernel)
    delta = np.random.RandomState(seed).randint(-9, 10, np.add(image, kernel) - 1).astype(float)

    def gradient(x: tf.Tensor, k: tf.Tensor, d: tf.Tensor) -> tf.Tensor:
        return tf.gradients(tf.nn.convolve2d(x, k), x, grad_ys=d)[0]

    found = compute(gradient, one, h, delta)
    np.testing.assert_array_equal(found, convolved(delta, h[::-1, ::-1].copy(), "valid"))
    assert (convolved(one, h) * delta).sum() == (one * found).sum()


def test_median_and_canny_are_not_linear() -> None:
    random = np.random.RandomState(0)
    one, two = 50 * random.rand(2, 12, 12)
    assert not np.allclose(filtered(F.median, one + two), filtered(F.median, one) + filtered(F.median, two))
    edges = [filtered(F.canny, 4 * image) for image in (one, two, one + two)]
    assert (edges[2] != (edges[0] | edges[1])).any()


# against SciPy, scikit-image and OpenCV


@pytest.fixture(scope="module", params=["camera", "photo"])
def image(request: pytest.FixtureRequest) -> Array:
    """512x512 grey levels."""
    if request.param == "camera":
        data = pytest.importorskip("skimage.data")
        return np.asarray(data.camera(), np.float32)
    folder = os.environ.get("MINIGRAPH_DATA")
    if not folder:
        pytest.skip("MINIGRAPH_DATA names no folder with photographs")
    path = sorted(Path(folder).glob("photos/*/*.jpg"))[0]
    with Image.open(path) as found:
        return np.asarray(found.convert("L").resize((512, 512), Image.Resampling.BICUBIC), np.float32)


def agree(found: Array, expected: Array) -> None:
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize(("border", "mode"), [("symmetric", "reflect"), ("reflect", "mirror"), ("zero", "constant")])
def test_linear_filters_against_scipy(image: Array, border: str, mode: Any) -> None:
    exact = image.astype(np.float64)
    agree(filtered(F.mean, image, size=5, border=border), ndimage.uniform_filter(exact, 5, mode=mode))
    agree(filtered(F.gaussian, image, sigma=1.7, border=border), ndimage.gaussian_filter(exact, 1.7, mode=mode))
    for build, axis in ((F.sobel_y, 0), (F.sobel_x, 1)):
        agree(filtered(build, image, border=border), ndimage.sobel(exact, axis, mode=mode))
    kernel = np.random.RandomState(0).randn(4, 7)
    expected = ndimage.convolve(exact, kernel, mode=mode, origin=(-1, 0))
    if border == "zero":
        np.testing.assert_allclose(signal.convolve2d(exact, kernel, "same"), expected, atol=1e-8)
    agree(filtered(F.convolve, image, kernel=kernel, border=border), expected)


def test_median_against_scipy(image: Array) -> None:
    for size in (3, 7):
        found = filtered(F.median, image, size=size)
        np.testing.assert_array_equal(found, ndimage.median_filter(image, size, mode="nearest"))
    padded = np.pad(image[:40, :50], 2, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5))
    found = filtered(F.median, image[:40, :50], size=5, border="shrink")
    np.testing.assert_array_equal(found, np.nanmedian(windows, axis=(2, 3)))


def test_wiener_against_scipy(image: Array) -> None:
    exact = image.astype(np.float64)
    with np.errstate(all="ignore"):
        agree(filtered(F.wiener, image, size=5, noise=100.0, border="zero"), signal.wiener(exact, 5, 100.0))
        agree(filtered(F.wiener, image, border="zero"), signal.wiener(exact, 3))
    flat = np.full((8, 8), 3.0, np.float32)
    np.testing.assert_array_equal(filtered(F.wiener, flat), flat)


@pytest.mark.parametrize(("border", "mode"), [("symmetric", "reflect"), ("zero", "constant")])
@pytest.mark.parametrize(("sigma", "low", "high"), [(1.0, 25.5, 51.0), (2.5, 8.0, 20.0)])
def test_canny_against_scikit_image(
    image: Array, border: str, mode: str, sigma: float, low: float, high: float
) -> None:
    feature = pytest.importorskip("skimage.feature")
    expected = feature.canny(image / 255, sigma, low / 255, high / 255, mode=mode)
    found = filtered(F.canny, image, sigma=sigma, low=low, high=high, border=border)
    assert (found == expected).mean() >= 0.999
    assert expected.sum() > 1000


def test_filters_against_opencv(image: Array) -> None:
    cv2 = pytest.importorskip("cv2")
    agree(filtered(F.sobel_x, image, border="reflect"), cv2.Sobel(image, cv2.CV_32F, 1, 0))
    agree(filtered(F.mean, image, size=3, border="reflect"), cv2.blur(image, (3, 3)))
    np.testing.assert_array_equal(filtered(F.median, image, size=5), cv2.medianBlur(image, 5))


@settings(max_examples=30)
@given(SEEDS, st.floats(0.5, 0.95), st.floats(0.01, 0.5))
def test_hysteresis_keeps_components_with_a_strong_pixel(seed: int, weak_share: float, strong_share: float) -> None:
    random = np.random.RandomState(seed)
    weak, strong = random.rand(9, 11) < weak_share, random.rand(9, 11) < strong_share
    labels, _ = ndimage.label(weak, np.ones((3, 3)))
    expected = weak & np.isin(labels, labels[weak & strong])
    found = compute(tf.nn.hysteresis, weak[None, :, :, None], strong[None, :, :, None])
    np.testing.assert_array_equal(found[0, :, :, 0], expected)


# channels, batches, mistakes


def test_images_and_channels_are_filtered_by_themselves() -> None:
    images = 255 * np.random.RandomState(0).rand(2, 16, 17, 3)
    builds: list[Any] = [F.mean, F.median, F.gradient, F.canny, F.wiener]
    for build in [*builds, lambda x: F.gaussian(x, 1.0), lambda x: F.sharpen(x, 1.0)]:
        together = compute(build, images)
        for n, c in np.ndindex(2, 3):
            np.testing.assert_allclose(together[n, :, :, c], filtered(build, images[n, :, :, c]), atol=1e-9)


def test_sizes_may_be_unknown() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, None, None, 1])
        results = [F.sobel(x), F.median(x), F.canny(x), F.wiener(x), F.add_salt_and_pepper(x, 0.5)]
        for shape in ((1, 12, 9, 1), (2, 11, 14, 1)):
            assert [r.shape for r in session.run(results, {x: np.ones(shape)})] == [shape] * len(results)


def test_mistakes_are_told() -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [1, 8, 9, 1])
        for build in (F.mean, F.median, F.wiener):
            with pytest.raises(ValueError, match="odd"):
                build(x, 4)
            with pytest.raises(ShapeError, match="11x11 is larger than images"):
                build(x, 11)
        with pytest.raises(ShapeError, match="larger"):
            F.gaussian(x, 2.0)
        for mistake, message in (
            (lambda: F.gaussian(x, 0.0), "sigma"),
            (lambda: F.mean(x, border="wrap"), "border"),
            (lambda: F.median(x, border="zero"), "border"),
            (lambda: F.canny(x, low=3.0, high=2.0), "low"),
            (lambda: F.wiener(x, noise=-1.0), "variance"),
            (lambda: F.add_salt_and_pepper(x, 1.5), "fraction"),
            (lambda: F.add_gaussian_noise(x, -1.0), "variance"),
            (lambda: tf.nn.convolve2d(x, np.ones((2, 2)), "whole"), "mode"),
            (lambda: tf.nn.convolve2d(x, np.ones(2)), "KH,KW"),
            (lambda: tf.nn.convolve1d(x, np.ones(2)), "L"),
            (lambda: F.mean(x[0]), "N,H,W,C"),
        ):
            with pytest.raises(ValueError, match=message):
                mistake()
        with pytest.raises(DTypeError, match="floating"):
            F.mean(tf.placeholder(tf.uint8, [1, 8, 9, 1]))
