"""Filters, maps, saliency and Grad-CAM of networks whose answers are known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import minigraph as tf
from minigraph.core.errors import InvalidArgumentError
from minigraph.tools.network_view import NetworkView, evenly

RANDOM = np.random.RandomState(0)
FILTERS = RANDOM.normal(size=(3, 3, 2, 4)).astype(np.float32)
WEIGHTS = RANDOM.normal(size=(4, 3)).astype(np.float32)
IMAGE = RANDOM.uniform(size=(6, 5, 2)).astype(np.float32)


def logits_of(images: Any) -> tuple[Any, Any]:
    """Maps, and logits from their means."""
    maps = tf.nn.relu(tf.nn.conv2d(images, tf.constant(FILTERS), [1, 1, 1, 1], "SAME"), name="maps")
    return maps, tf.matmul(tf.reduce_mean(maps, [1, 2]), tf.constant(WEIGHTS))


@pytest.fixture
def view() -> Iterator[NetworkView]:
    with tf.Graph().as_default(), tf.Session(backend="numpy") as session:
        images = tf.placeholder(tf.float32, [None, 6, 5, 2], name="images")
        _, logits = logits_of(images)
        yield NetworkView(session, images, tf.nn.softmax(logits), (6, 5, 2))


def naive_maps() -> np.ndarray:
    padded = np.pad(IMAGE, ((1, 1), (1, 1), (0, 0)))
    out = np.zeros((6, 5, 4))
    for r, c in np.ndindex(6, 5):
        out[r, c] = np.tensordot(padded[r : r + 3, c : c + 3], FILTERS, 3)
    return np.maximum(out, 0)


def test_grad_cam_of_a_network_with_global_means(view: NetworkView) -> None:
    """Its weights of the maps are then those of the last layer, over the number of places (Zhou et al. 2016)."""
    seen = view.look(IMAGE, class_index=2, layers=["maps"])
    maps = naive_maps()
    np.testing.assert_allclose(seen.maps["maps"], maps, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(seen.cam, np.maximum(maps @ WEIGHTS[:, 2] / 30, 0), rtol=1e-4, atol=1e-7)
    assert seen.cam_layer == "maps"
    assert seen.class_index == 2


def test_saliency_is_the_slope_of_the_score(view: NetworkView) -> None:
    seen = view.look(IMAGE)
    assert seen.class_index == int(np.argmax(naive_maps().mean((0, 1)) @ WEIGHTS))

    def score(image: np.ndarray) -> float:
        padded = np.pad(image.astype(np.float64), ((1, 1), (1, 1), (0, 0)))
        means = np.zeros(4)
        for r, c in np.ndindex(6, 5):
            means += np.maximum(np.tensordot(padded[r : r + 3, c : c + 3], FILTERS.astype(np.float64), 3), 0) / 30
        return float(means @ WEIGHTS[:, seen.class_index])

    slopes = np.zeros(IMAGE.shape)
    for index in np.ndindex(*IMAGE.shape):
        above, below = IMAGE.astype(np.float64), IMAGE.astype(np.float64)
        above[index] += 1e-6
        below[index] -= 1e-6
        slopes[index] = (score(above) - score(below)) / 2e-6
    np.testing.assert_allclose(seen.saliency, np.abs(slopes).max(2), rtol=1e-3, atol=1e-5)


def test_the_first_filters_and_the_layers(view: NetworkView) -> None:
    name, filters = view.first_filters()
    assert name == "Conv2D"
    np.testing.assert_array_equal(filters, FILTERS)
    assert list(view.layers()) == ["maps"]
    with pytest.raises(InvalidArgumentError, match="no layer 'conv9' with maps; there are maps"):
        view.look(IMAGE, layers=["conv9"])


def test_a_network_of_vectors_has_nothing_to_show() -> None:
    with tf.Graph().as_default(), tf.Session(backend="numpy") as session:
        x = tf.placeholder(tf.float32, [None, 8])
        view = NetworkView(session, x, tf.nn.softmax(tf.matmul(x, tf.ones([8, 2]))), (2, 4, 1))
        with pytest.raises(InvalidArgumentError, match="no convolution"):
            view.first_filters()
        with pytest.raises(InvalidArgumentError, match="only vectors"):
            view.look(np.ones(8, np.float32))


def test_names_evenly() -> None:
    assert evenly("abcdefg", 4) == ["a", "c", "e", "g"]
    assert evenly("ab", 4) == ["a", "b"]
