"""tf.image, and slices and pads from tensors: see ``cases.py`` for the rules of these files.

Tests `ops/image/`.
"""

# ruff: noqa: UP035, UP006  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

from typing import Any

import numpy as np

from cases import CASES, Case, Results, case
from cases_api import caught, names_of, run_in_session, shape_of
from cases_ops import add, f32, normal

_X = normal(2, 4, 5, 2)
_SIZES = ((8, 10), (2, 3), (4, 5), (7, 3), (1, 1))

for _kind in ("bilinear", "nearest_neighbor", "bicubic", "area"):
    for _align in (False, True):
        for _size in _SIZES:
            add(
                "resize_%s_%s_%d_%d" % ((_kind, "aligned" if _align else "plain") + _size),
                lambda tf, x, k=_kind, a=_align, s=_size: (
                    tf.stop_gradient if k == "area" else tf.identity
                )(getattr(tf.image, "resize_" + k)(x, s, align_corners=a)),
                _X,
            )  # fmt: skip
for _kind in ("bilinear", "nearest_neighbor", "bicubic"):
    add(
        "resize_%s_half" % _kind,
        lambda tf, x, k=_kind: [
            getattr(tf.image, "resize_" + k)(x, [7, 3], half_pixel_centers=True),
            getattr(tf.image, "resize_" + k)(x, [3, 9], half_pixel_centers=True),
        ],
        _X,
    )

_BYTES = np.random.RandomState(3).randint(0, 256, (2, 4, 5, 3)).astype(np.uint8)
_COLOURS = np.random.RandomState(4).rand(2, 4, 5, 3).astype(np.float32)
_ONE = _COLOURS[0]
add("resize_bytes", lambda tf, x: [tf.image.resize_images(x, [7, 3], m) for m in range(4)], _BYTES)
add("resize_one", lambda tf, x: [tf.image.resize_images(x, [4, 5]), tf.image.resize_images(x, [8, 8], method=1),
    tf.image.resize_images(x, [9, 9], preserve_aspect_ratio=True)], _ONE)  # fmt: skip
add("resize_from_shape", lambda tf, x: tf.image.resize_bilinear(x, tf.shape(x)[1:3] * 2), _X)
add("crops", lambda tf, x: [
    tf.image.crop_to_bounding_box(x, 1, 2, 2, 3), tf.image.pad_to_bounding_box(x, 1, 2, 6, 8),
    tf.image.central_crop(x, 0.5), tf.image.resize_image_with_crop_or_pad(x, 3, 8),
    tf.image.resize_image_with_crop_or_pad(x, 6, 2)], _X)  # fmt: skip
add("crops_one", lambda tf, x: [
    tf.image.crop_to_bounding_box(x, 1, 2, 2, 3), tf.image.pad_to_bounding_box(x, 1, 2, 6, 8),
    tf.image.central_crop(x, 0.6), tf.image.resize_image_with_crop_or_pad(x, 3, 8)], _ONE)  # fmt: skip
add("flips", lambda tf, x: [tf.image.flip_left_right(x), tf.image.flip_up_down(x), tf.image.transpose_image(x)]
    + [tf.stop_gradient(tf.image.rot90(x, k)) for k in range(4)], _X)  # fmt: skip
add("flips_one", lambda tf, x: [tf.image.flip_left_right(x), tf.image.flip_up_down(x), tf.image.transpose_image(x)]
    + [tf.stop_gradient(tf.image.rot90(x, k)) for k in range(4)], _ONE)  # fmt: skip
add("total_variation", lambda tf, x: [tf.image.total_variation(x), tf.image.total_variation(x[0])], _X)

for _name, _input in (("floats", _COLOURS), ("bytes", _BYTES)):
    add("adjust_" + _name, lambda tf, x: [tf.stop_gradient(y) for y in (
        tf.image.adjust_brightness(x, 0.2), tf.image.adjust_contrast(x, 1.7), tf.image.adjust_gamma(x, 2.0, 0.9),
        tf.image.adjust_saturation(x, 0.4), tf.image.adjust_saturation(x, 3.0), tf.image.adjust_hue(x, 0.3),
        tf.image.adjust_hue(x, -0.15), tf.image.per_image_standardization(x), tf.image.rgb_to_grayscale(x))], _input)  # fmt: skip
add("adjust_gradients", lambda tf, x: [tf.image.adjust_brightness(x, -0.2), tf.image.rgb_to_grayscale(x),
    tf.image.per_image_standardization(x), tf.image.adjust_gamma(x, 2.0)], _COLOURS)  # fmt: skip
add("hsv", lambda tf, x: [tf.stop_gradient(tf.image.rgb_to_hsv(x)), tf.stop_gradient(tf.image.hsv_to_rgb(x))],
    np.concatenate([_COLOURS[0], np.zeros((1, 5, 3), np.float32), 0.3 * np.ones((1, 5, 3), np.float32)]))  # fmt: skip
add("grayscale_to_rgb", lambda tf, x: tf.image.grayscale_to_rgb(x), normal(2, 3, 4, 1))
add("convert_floats", lambda tf, x: [tf.image.convert_image_dtype(x, t, saturate=True)
    for t in (tf.uint8, tf.int16, tf.float64, tf.float32)], f32([[0, 0.1, 0.5, 0.999, 1]]))  # fmt: skip
add("convert_bytes", lambda tf, x: [tf.image.convert_image_dtype(x, t)
    for t in (tf.float32, tf.int16, tf.int32, tf.int8)], np.array([0, 1, 7, 128, 255], np.uint8))  # fmt: skip
add("standardize_flat", lambda tf, x: tf.image.per_image_standardization(x), 3 * np.ones((2, 2, 3), np.float32))
_BOXES = f32([[0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], [0.7, 0.1, 0.2, 0.6], [-0.3, 0.4, 0.6, 1.2]])
_FROM = np.array([0, 1, 1, 0], np.int32)
add("crop_and_resize", lambda tf, x, b, i: [tf.image.crop_and_resize(x, b, i, [3, 4]),
    tf.image.crop_and_resize(x, b, i, [1, 2], extrapolation_value=9.0)], _X, _BOXES, _FROM)  # fmt: skip
add("crop_and_resize_nearest", lambda tf, x, b, i: tf.stop_gradient(
    tf.image.crop_and_resize(x, b, i, [3, 4], method="nearest")), _X, _BOXES, _FROM)  # fmt: skip
add("slice_tensors", lambda tf, x, b: [tf.slice(x, b, [1, 2, 3, 2]), tf.slice(x, [0, 1, 0, 0], tf.shape(x) // 2)], _X,
    np.array([1, 0, 2, 0], np.int32))  # fmt: skip
add("pad_tensors", lambda tf, x: tf.pad(x, tf.stack([[1, 2], [tf.shape(x)[0], 0]])), normal(2, 3))


def _random(name: str, build: Any, image: Any = _ONE) -> None:
    """Three runs in a session, with seeds."""

    def run(tf: Any) -> Results:
        with tf.Graph().as_default(), tf.Session() as session:
            tf.set_random_seed(5)
            y = build(tf, tf.constant(image))
            return {"runs": np.stack([session.run(y) for _ in range(3)]), "shape": shape_of(y), "dtype": y.dtype.name}

    CASES["random_" + name] = Case(run, 2e-5, 2e-6)


_random("image_flip", lambda tf, x: tf.image.random_flip_left_right(x, seed=1))
_random("image_flip_batch", lambda tf, x: tf.image.random_flip_up_down(x, seed=2), _COLOURS)
_random("image_brightness", lambda tf, x: tf.image.random_brightness(x, 0.3, seed=3))
_random("image_contrast", lambda tf, x: tf.image.random_contrast(x, 0.5, 1.5, seed=4))
_random("image_saturation", lambda tf, x: tf.image.random_saturation(x, 0.5, 1.5, seed=5))
_random("image_hue", lambda tf, x: tf.image.random_hue(x, 0.2, seed=6))
_random("image_flip_default", lambda tf, x: tf.image.random_flip_left_right(x))
_random("image_flip_batch_default", lambda tf, x: tf.image.random_flip_left_right(x), _COLOURS)
_random("image_hue_default", lambda tf, x: tf.image.random_hue(x, 0.2))
_random("image_saturation_default", lambda tf, x: tf.image.random_saturation(x, 0.5, 1.5))
_random("image_crop_default", lambda tf, x: tf.random_crop(x, [2, 3, 3]))
_random("image_crop", lambda tf, x: tf.random_crop(x, [2, 3, 3], seed=7))


@case()
def flips_of_known_and_unknown_images(tf: Any) -> Results:
    """So many runs that other numbers cannot flip the same images by chance. The graph's seed alone chooses them."""
    results = {}
    for name, shape in (("known", [3, 3, 1]), ("unknown", [None, None, 1]), ("batch", [2, 3, 3, 1]), ("rank", [None] * 4)):
        image = np.arange(np.prod([d or 3 for d in shape]), dtype=np.float32).reshape([d or 3 for d in shape])
        for flip in (tf.image.random_flip_left_right, tf.image.random_flip_up_down):
            with tf.Graph().as_default(), tf.Session() as session:
                tf.set_random_seed(5)
                x = tf.placeholder(tf.float32, shape)
                y = flip(x)
                results[name + " " + flip.__name__] = [session.run(y, {x: image}).ravel().tolist() for _ in range(24)]
    return results


@case()
def image_shapes(tf: Any) -> Results:
    """Names and static shapes, where sizes are unknown too."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 8, 6, 3])
        free = tf.placeholder(tf.float32, [None, None, 3])
        made = [
            tf.image.resize_bilinear(x, [4, 4]), tf.image.resize_nearest_neighbor(x, [4, 4]),
            tf.image.resize_images(x, [4, 4]), tf.image.resize_images(free, [4, 5]),
            tf.image.adjust_brightness(x, 0.1), tf.image.adjust_contrast(x, 2.0), tf.image.per_image_standardization(free),
        ]  # fmt: skip
        shapes = [
            tf.image.central_crop(free, 0.5), tf.image.resize_image_with_crop_or_pad(free, 4, 4),
            tf.image.crop_to_bounding_box(free, 0, 0, 2, 2), tf.image.pad_to_bounding_box(free, 1, 1, 9, 9),
            tf.image.flip_left_right(free), tf.random_crop(free, [2, 2, 3]), tf.image.rgb_to_grayscale(free),
            tf.image.resize_bicubic(x, tf.shape(x)[1:3]), tf.image.rgb_to_hsv(free),
        ]  # fmt: skip
        feed = {free: _COLOURS[0]}
        results = {"crop%d" % i: session.run(y, feed) for i, y in enumerate(shapes[:4])}
        return dict(results, names=names_of(made), shapes=[shape_of(t) for t in made + shapes])


def _error(name: str, call: Any, *phrases: str) -> None:
    CASES["error_" + name] = Case(lambda tf: caught(tf, call, list(phrases)), 0.0, 0.0)


_error("resize_rank", lambda tf: tf.image.resize_images(tf.zeros([2, 3]), [4, 4]), "3 or 4 dimensions")
_error("resize_size", lambda tf: tf.image.resize_images(tf.zeros([2, 3, 1]), [4, 4, 4]), "'size' must be a 1-D")
_error("resize_method", lambda tf: tf.image.resize_images(tf.zeros([2, 3, 1]), [4, 4], 9), "not implemented")
_error("resize_zero", lambda tf: run_in_session(tf, tf.image.resize_bilinear(tf.zeros([1, 2, 3, 1]), [0, 4])),
    "output dimensions must be positive")  # fmt: skip
_error("crop_outside", lambda tf: tf.image.crop_to_bounding_box(tf.zeros([4, 4, 1]), 0, 2, 4, 4), "width must be >=")
_error("pad_small", lambda tf: tf.image.pad_to_bounding_box(tf.zeros([4, 4, 1]), 0, 2, 4, 4), "width must be <=")
_error("central_fraction", lambda tf: tf.image.central_crop(tf.zeros([4, 4, 1]), 0.0), "within (0, 1]")
_error("hue_delta", lambda tf: tf.image.random_hue(tf.zeros([4, 4, 3]), 0.7), "max_delta must be <= 0.5")
_error("contrast_range", lambda tf: tf.image.random_contrast(tf.zeros([4, 4, 3]), 2.0, 1.0), "upper must be > lower")
