"""Boxes of images that do not fit are errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigraph as tf

IMAGE = np.arange(16.0, dtype=np.float32).reshape(1, 4, 4, 1)
BOXES = np.array([[0.0, 0.0, 1.0, 1.0]], np.float32)


@pytest.mark.parametrize(
    ("boxes", "box_ind", "message"),
    [
        (BOXES, [1], r"box_ind\[0\] = 1 is not in \[0, 1\)"),
        (BOXES, [-1], r"box_ind\[0\] = -1 is not in \[0, 1\)"),
        (BOXES, [0, 0], r"2 elements to shape \[1\]"),
        (BOXES[:, :3], [0], r"3 elements to shape \[1, 4\]"),
        (np.concatenate([BOXES, BOXES]), [0], r"1 elements to shape \[2\]"),
    ],
)
@pytest.mark.parametrize("method", ["bilinear", "nearest"])
def test_boxes_that_do_not_fit_are_errors_of_the_run(boxes: Any, box_ind: Any, message: str, method: Any) -> None:
    given, of = tf.placeholder(tf.float32, [None, None]), tf.placeholder(tf.int32, [None])
    cropped = tf.image.crop_and_resize(IMAGE, given, of, [2, 2], method)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message) as caught:
        tf.Session().run(cropped, {given: boxes, of: box_ind})
    assert "test_crop_and_resize.py" in str(caught.value)


def test_arguments_of_crop_and_resize_are_checked_when_the_graph_is_built() -> None:
    crop = tf.image.crop_and_resize
    for arguments in ((IMAGE, None, [0], [2, 2]), (IMAGE, BOXES, None, [2, 2]), (IMAGE, BOXES, [0], None)):
        with pytest.raises(ValueError, match="crop_and_resize needs"):
            crop(*arguments)
    wrong = ((IMAGE, BOXES, [0], [0, 2]), (IMAGE, BOXES, [0], [2, 2, 2]), (IMAGE, BOXES, [0], [-1, 2]),
             (IMAGE[0], BOXES, [0], [2, 2]), (IMAGE, BOXES[0], [0], [2, 2]), (IMAGE, BOXES, [[0]], [2, 2]))  # fmt: skip
    for arguments in wrong:
        with pytest.raises(tf.errors.ShapeError):
            crop(*arguments)
    whole = crop(IMAGE, BOXES, [0], tf.constant([4, 4]))
    assert tf.Session().run(whole).tolist() == IMAGE.tolist()
