"""TF-slim's preparation of images for VGG against its definition in NumPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.program import run

import minigraph as tf
from minigraph.tf1 import vgg_preprocessing

MEANS = [123.68, 116.78, 103.94]


def resized(image: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Bilinear, as in TensorFlow 1: pixel i of the result is at i·(old size)/(new size)."""
    out = np.zeros((rows, columns, 3))
    for r, c in np.ndindex(rows, columns):
        y, x = r * image.shape[0] / rows, c * image.shape[1] / columns
        top, left = int(y), int(x)
        below, right = min(top + 1, image.shape[0] - 1), min(left + 1, image.shape[1] - 1)
        upper = image[top, left] + (image[top, right] - image[top, left]) * (x - left)
        lower = image[below, left] + (image[below, right] - image[below, left]) * (x - left)
        out[r, c] = upper + (lower - upper) * (y - top)
    return out


@pytest.mark.parametrize(("size", "new"), [((30, 20), (24, 16)), ((18, 33), (16, 29)), ((16, 16), (16, 16))])
def test_evaluation(size: tuple[int, int], new: tuple[int, int]) -> None:
    image = np.random.RandomState(0).randint(0, 256, (*size, 3)).astype(np.float32)
    with tf.Graph().as_default(), tf.Session(backend="numpy") as session:
        x = tf.placeholder(tf.float32, [None, None, 3])
        y = vgg_preprocessing.preprocess_image(x, 14, 12, is_training=False, resize_side_min=16)
        assert y.get_shape().as_list() == [14, 12, 3]
        got = session.run(y, {x: image})
    top, left = (new[0] - 14) // 2, (new[1] - 12) // 2
    expected = resized(image, *new)[top : top + 14, left : left + 12] - MEANS
    np.testing.assert_allclose(got, expected, atol=2e-3)


def test_training_crops_and_mirrors_at_random() -> None:
    image = np.random.RandomState(0).randint(0, 256, (20, 24, 3)).astype(np.float32)
    with tf.Graph().as_default(), tf.Session(backend="numpy") as session:
        tf.set_random_seed(1)
        y = vgg_preprocessing.preprocess_image(tf.constant(image), 14, 12, True, resize_side_min=16, resize_side_max=20)
        found = [session.run(y) for _ in range(4)]
    assert {a.shape for a in found} == {(14, 12, 3)}
    assert len({a.tobytes() for a in found}) == 4
    assert all(a.min() >= -124 and a.max() <= 152 for a in found)


def test_means_must_fit() -> None:
    with tf.Graph().as_default(), pytest.raises(ValueError, match="must match the number of channels"):
        vgg_preprocessing._mean_image_subtraction(tf.zeros([4, 4, 1]), MEANS)


def test_a_program_imports_it_by_tf_slims_name(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        "import tensorflow as tf\n"
        "from preprocessing import vgg_preprocessing\n"
        "image = vgg_preprocessing.preprocess_image(tf.zeros([300, 280, 3]), 224, 224, is_training=False)\n"
        "print(image.get_shape(), vgg_preprocessing._R_MEAN)\n",
    )
    assert done.stdout == "(224, 224, 3) 123.68\n", done.stderr
