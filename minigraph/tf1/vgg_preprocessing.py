"""TF-slim's preparation of photographs for VGG, under its names: resized, cropped, and less the mean of ImageNet."""

from __future__ import annotations

from typing import Any

import minigraph as tf

__all__ = ["preprocess_for_eval", "preprocess_for_train", "preprocess_image"]

_R_MEAN, _G_MEAN, _B_MEAN = 123.68, 116.78, 103.94
_RESIZE_SIDE_MIN, _RESIZE_SIDE_MAX = 256, 512


def _mean_image_subtraction(image: Any, means: Any) -> tf.Tensor:
    """image - means for an image [H,W,C] of C known channels."""
    channels = image.get_shape().as_list()[-1]
    if image.get_shape().ndims != 3:
        raise ValueError("Input must be of size [height, width, C>0]")
    if channels != len(means):
        raise ValueError("len(means) must match the number of channels")
    centred: tf.Tensor = image - tf.constant(list(means), image.dtype)
    return centred


def _aspect_preserving_resize(image: Any, smallest_side: Any) -> tf.Tensor:
    """The image with its shorter side at `smallest_side` pixels."""
    shape = tf.shape(image)
    scale = tf.to_float(smallest_side) / tf.to_float(tf.minimum(shape[0], shape[1]))
    size = [tf.to_int32(tf.rint(tf.to_float(shape[axis]) * scale)) for axis in (0, 1)]
    resized = tf.image.resize_bilinear(tf.expand_dims(image, 0), tf.stack(size), align_corners=False)[0]
    resized.set_shape([None, None, 3])
    return resized


def preprocess_for_train(
    image: Any, output_height: int, output_width: int,
    resize_side_min: int = _RESIZE_SIDE_MIN, resize_side_max: int = _RESIZE_SIDE_MAX,
) -> tf.Tensor:  # fmt: skip
    """An image [H,W,3], from 0 to 255, resized at random, cropped at random, and mirrored or not."""
    side = tf.random_uniform([], resize_side_min, resize_side_max + 1, tf.int32)
    resized = _aspect_preserving_resize(image, side)
    cropped = tf.to_float(tf.random_crop(resized, [output_height, output_width, 3]))
    return _mean_image_subtraction(tf.image.random_flip_left_right(cropped), [_R_MEAN, _G_MEAN, _B_MEAN])


def preprocess_for_eval(image: Any, output_height: int, output_width: int, resize_side: int) -> tf.Tensor:
    """The centre of an image [H,W,3], from 0 to 255, after its shorter side was made `resize_side` pixels."""
    resized = _aspect_preserving_resize(image, resize_side)
    shape = tf.shape(resized)
    top, left = (shape[0] - output_height) // 2, (shape[1] - output_width) // 2
    cropped = tf.slice(resized, tf.stack([top, left, 0]), [output_height, output_width, 3])
    return _mean_image_subtraction(tf.to_float(cropped), [_R_MEAN, _G_MEAN, _B_MEAN])


def preprocess_image(
    image: Any, output_height: int, output_width: int, is_training: bool = False,
    resize_side_min: int = _RESIZE_SIDE_MIN, resize_side_max: int = _RESIZE_SIDE_MAX,
) -> tf.Tensor:  # fmt: skip
    """An image as VGG takes it, for training or for evaluation."""
    if is_training:
        return preprocess_for_train(image, output_height, output_width, resize_side_min, resize_side_max)
    return preprocess_for_eval(image, output_height, output_width, resize_side_min)
