"""`ops/image/crop.py`: which rectangles are refused."""

from __future__ import annotations

import pytest

import minigraph as tf


@pytest.mark.parametrize(
    ("rectangle", "fits"),
    [
        ((0, 0, 4, 5), True), ((3, 4, 1, 1), True), ((-1, 0, 4, 5), False), ((0, -1, 4, 5), False),
        ((0, 0, 0, 5), False), ((0, 0, 4, 0), False), ((1, 0, 4, 5), False), ((0, 1, 4, 5), False),
    ],
)  # fmt: skip
def test_rectangles_lie_in_the_image_and_hold_a_pixel(rectangle: tuple[int, int, int, int], fits: bool) -> None:
    image = tf.zeros([4, 5, 3])
    if fits:
        assert tf.image.crop_to_bounding_box(image, *rectangle).shape.as_list() == [*rectangle[2:], 3]
    else:
        with pytest.raises(ValueError, match="must be"):
            tf.image.crop_to_bounding_box(image, *rectangle)
