"""The chapter's errata that are numbers: the printed statement fails, the corrected one holds. See docs/chapter.md.

Those about figures are in test_figures.py and test_chapter_convolution.py.
"""

from __future__ import annotations

import warnings

import numpy as np
from support.needed import needed

import minigraph as tf
from minigraph import data, filters
from minigraph.models.registry import get_model

signal = needed("scipy.signal")
RANDOM = np.random.RandomState(4)


def run(*fetches: tf.Tensor) -> list[np.ndarray]:
    with tf.Session(backend="numpy") as session:
        found: list[np.ndarray] = session.run(list(fetches))
    return found


def test_gamma_of_the_standard_deviation_recovers_the_input() -> None:
    """Batch normalisation: printed γ = Var[x]; right is γ = √Var[x], with β = E[x]."""
    x = RANDOM.normal(3, 4, (50, 1))
    t = tf.constant(x)
    mean, variance = tf.nn.moments(t, [0])
    right, printed = (tf.nn.batch_normalization(t, mean, variance, mean, g, 0.0) for g in (tf.sqrt(variance), variance))
    recovered, other = run(right, printed)
    np.testing.assert_allclose(recovered, x, atol=1e-12)
    assert np.abs(other - x).max() > 10


def test_the_batch_variance_is_the_biased_one() -> None:
    """Batch normalisation divides by m; the m/(m − 1) of inference makes the variance unbiased."""
    _, variance = tf.nn.moments(tf.constant([1.0, 2.0, 6.0]), [0])
    (biased,) = run(variance)
    np.testing.assert_allclose(biased, np.var([1, 2, 6]), rtol=1e-6)
    np.testing.assert_allclose(biased * 3 / 2, np.var([1, 2, 6], ddof=1), rtol=1e-6)


def test_the_high_pass_is_image_minus_blur() -> None:
    """L3-4 shows `gray_high` and never makes it."""
    image = RANDOM.uniform(0, 255, (1, 24, 24, 1))
    x = tf.constant(image)
    high, low = run(filters.high_pass(x, 1.5), filters.gaussian(x, 1.5))
    np.testing.assert_allclose(high, image - low, atol=1e-10)


def test_batches_by_the_epochs_number_run_out_and_make_nan() -> None:
    """L3-7: batch i is [i·128 : (i + 1)·128] for epoch i, so epoch 64 finds nothing among 8,192 images."""
    images = np.zeros((8192, 2), np.float32)
    assert len(images[63 * 128 : 64 * 128]) == 128
    batch = images[64 * 128 : 65 * 128]
    assert batch.shape == (0, 2)
    x = tf.placeholder(tf.float32, [None, 2])
    cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=x, logits=x))
    with tf.Session(backend="numpy") as session, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.isnan(session.run(cost, {x: batch}))
        assert np.isfinite(session.run(cost, {x: images[:128]}))


def test_mnist_has_one_channel() -> None:
    """Printed: a depth of 3, for red, green and blue."""
    assert data.load().train_images.shape[1:] in ((784,), (28, 28), (28, 28, 1))
    assert get_model("mnist-cnn").channels == 1


def test_full_connections_and_poolings_of_vgg16() -> None:
    """Printed: three full connections of 4096, and each of the first layers followed by pooling."""
    graph = tf.Graph()
    with graph.as_default():
        get_model("vgg16").build(tf.placeholder(tf.float32, [None, 224, 224, 3]), num_classes=1000)
    shapes = [v.shape.as_list() for v in graph.get_collection("trainable_variables")]
    assert [s for s in shapes if len(s) == 2] == [[25088, 4096], [4096, 4096], [4096, 1000]]
    kinds = "".join({"Conv2D": "c", "MaxPool": "p"}.get(n.type, "") for n in graph.nodes)
    assert kinds == "ccp" + "ccp" + "cccp" * 3


def test_the_means_of_an_rgb_network_are_in_the_order_rgb() -> None:
    """L3-9 subtracts the means of blue, green, red from red, green, blue: red and blue are off by 20 levels.

    The model here takes Caffe's weights, whose order is blue, green, red; its record says so, and means go with it.
    """
    average = np.array([[[123.68, 116.779, 103.939]]], np.float32)  # of ImageNet: red, green, blue
    np.testing.assert_allclose(average - [103.939, 116.779, 123.68], [[[19.741, 0, -19.741]]], atol=1e-3)
    preparation = get_model("vgg16").preprocessing
    assert preparation.channels == "BGR"
    np.testing.assert_allclose(preparation.apply(average), np.zeros((1, 1, 3)), atol=1e-4)


def test_the_response_at_minus_one_is_flipped_and_moved_by_minus_one() -> None:
    """F3-3: y(t) = Σ x(τ)·h(t − τ). At t = −1 that is h(−1 − τ), where nothing overlaps; h(1 − τ) gives y(1) = 8."""
    x, h = {0: 1, 1: 2, 2: 2}, {0: 3, 1: 2, 2: 1}

    def total(t: int) -> int:
        return sum(v * h.get(t - tau, 0) for tau, v in x.items())

    assert total(-1) == 0
    full = signal.convolve([1, 2, 2], [3, 2, 1])
    assert [total(t) for t in range(5)] == full.tolist()
    assert total(1) == full[1] == 8  # the value that stands for h(1 − τ)


def test_indices_of_a_two_dimensional_signal_start_at_zero_and_end_at_m_minus_one() -> None:
    """Printed: 0 < n₁ < M − 1, which leaves out the border, so the impulses no longer add up to the signal."""
    x = np.arange(1, 13).reshape(3, 4)

    def total(rows: range, columns: range) -> np.ndarray:
        parts = np.zeros_like(x)
        for r in rows:
            for c in columns:
                parts[r, c] += x[r, c]
        return parts

    np.testing.assert_array_equal(total(range(3), range(4)), x)
    assert np.count_nonzero(total(range(1, 2), range(1, 3))) == 2  # of 12


def test_the_vertical_kernel_is_a_backward_difference_with_the_axis_upwards() -> None:
    """Printed as the forward one: [0 −1 0; 0 1 0; 0 0 0]."""
    x = RANDOM.normal(size=(6, 5))
    kernel = np.array([[0, -1, 0], [0, 1, 0], [0, 0, 0]])
    got = signal.convolve2d(x, kernel, "same")
    upwards, found = x[::-1], got[::-1]  # row 0 at the bottom
    np.testing.assert_allclose(found[1:], upwards[1:] - upwards[:-1])
    assert np.abs(found[:-1] - (upwards[1:] - upwards[:-1])).max() > 0.1


def test_the_sign_of_sobels_vertical_kernel_follows_the_axis() -> None:
    """The chapter's Hy takes the axis upwards; SOBEL_Y downwards, as arrays are stored. The magnitude is the same."""
    printed = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])
    np.testing.assert_array_equal(printed, -filters.SOBEL_Y)
    ramp = np.tile(np.arange(5.0)[:, None], (1, 5))  # brighter downwards
    assert signal.convolve2d(ramp, filters.SOBEL_Y, "valid").min() > 0
    assert signal.convolve2d(ramp, printed, "valid").max() < 0
    assert signal.convolve2d(ramp[::-1], printed, "valid").min() > 0
