"""Boxes and distances of sequences (`detection`): arguments that do not fit. The goldens have the numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigraph.tf1 as tf


@pytest.mark.parametrize("known", [True, False])
def test_the_sequences_of_edit_distance_have_one_rank(known: bool) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        places = [tf.placeholder(tf.int64, [1, rank] if known else None) for rank in (2, 3)]
        shapes = [tf.placeholder(tf.int64, [rank] if known else None) for rank in (2, 3)]
        first, second = (tf.SparseTensor(p, tf.constant([1]), s) for p, s in zip(places, shapes, strict=True))
        feed: Any = {places[0]: [[0, 0]], places[1]: [[0, 0, 0]], shapes[0]: [2, 2], shapes[1]: [2, 2, 2]}
        with pytest.raises(tf.errors.InvalidArgumentError if not known else ValueError, match="one rank"):
            session.run(tf.edit_distance(first, second), feed)


def test_limits_of_non_max_suppression() -> None:
    boxes, scores = np.array([[0, 0, 1, 1]], np.float32), np.array([1], np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        with pytest.raises(ValueError, match="max_output_size must be a scalar"):
            tf.image.non_max_suppression(boxes, scores, [3, 4])
        with pytest.raises(tf.errors.InvalidArgumentError, match="max_output_size must not be negative"):
            session.run(tf.image.non_max_suppression(boxes, scores, -1))
        assert session.run(tf.image.non_max_suppression(boxes, scores, 0)).tolist() == []
