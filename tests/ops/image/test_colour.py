"""The conversion of images between dtypes, at the dtypes' limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigraph as tf

NUMBERS = ("uint8", "uint16", "int8", "int16", "int32", "int64", "float16", "float32", "float64")


@pytest.mark.parametrize("source", NUMBERS)
def test_white_stays_white_and_black_black(source: str) -> None:
    """The ends of the range go to the ends of the range: white as near as the two dtypes allow, black exactly."""
    for target in NUMBERS:
        if source == target:
            continue
        kinds = [np.dtype(n) for n in (source, target)]
        white, scale = (1.0 if k.kind == "f" else float(np.iinfo(k).max) for k in kinds)
        image = tf.constant(np.array([0, white]).astype(source)) if kinds[0].kind == "f" else tf.constant(
            np.array([0, np.iinfo(source).max], source)
        )  # fmt: skip
        found = tf.Session().run(tf.image.convert_image_dtype(image, target, saturate=True))
        assert found.dtype == kinds[1]
        assert found[0] == 0
        assert abs(float(found[1]) / scale - 1.0) < (0.01 if kinds[0].itemsize > 1 else 0.02), (source, target, found)


@pytest.mark.parametrize("dtype", [tf.bool, tf.string])
def test_images_without_numbers_are_refused(dtype: Any) -> None:
    with pytest.raises(TypeError, match="convert_image_dtype converts between numeric dtypes"):
        tf.image.convert_image_dtype(tf.zeros([2]), dtype)
    with pytest.raises(TypeError, match="Cannot find maximum value"):
        _ = dtype.max
