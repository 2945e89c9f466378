"""Rarer ops, and images with their channels first: see ``cases.py`` for the rules of these files."""

# ruff: noqa: UP035, UP006  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

from typing import Any

import numpy as np

from cases import CASES, Case, Results, case
from cases_api import caught, names_of, run_in_session, shape_of
from cases_layers import _layer
from cases_ops import add, f32, normal, positive

for _name, _options in (
    ("plain", {}), ("exclusive", {"exclusive": True}), ("reverse", {"reverse": True, "axis": 1}),
    ("both", {"axis": -1, "exclusive": True, "reverse": True}),
):  # fmt: skip
    add("cumprod_" + _name, lambda tf, x, o=_options: tf.cumprod(x, **o), positive(3, 4))
    add("cumsum_" + _name, lambda tf, x, o=_options: tf.cumsum(x, **o), normal(3, 4))
add("cumprod_integers", lambda tf, x: tf.cumprod(x, 1), np.array([[1, 2, 3], [0, -1, 5]], np.int32))

_ONE, _TWO = np.random.RandomState(1).rand(2, 14, 13, 3).astype(np.float32), normal(2, 14, 13, 3) * f32(0.2) + f32(0.5)
_BYTES = np.random.RandomState(2).randint(0, 256, (2, 12, 12, 1)).astype(np.uint8)
add("psnr", lambda tf, x, y: [tf.image.psnr(x, y, 1.0), tf.image.psnr(x[0], y[0], 255)], _ONE, _TWO)
add("psnr_bytes", lambda tf, x: tf.image.psnr(x, 255 - x, 255), _BYTES)
add("ssim", lambda tf, x, y: [tf.image.ssim(x, y, 1.0), tf.image.ssim(x[0], y[1], max_val=2.0)], _ONE, _TWO)
add(
    "ssim_options",
    lambda tf, x, y: tf.image.ssim(x, y, 1.0, filter_size=5, filter_sigma=0.9, k1=0.02, k2=0.05),
    _ONE,
    _TWO,
)
add("ssim_bytes", lambda tf, x: tf.image.ssim(x, x // 2, 255), _BYTES)
for _padding in ("SAME", "VALID"):
    for _index, (_size, _step, _rate) in enumerate(
        (((3, 3), (1, 1), (1, 1)), ((2, 3), (2, 3), (1, 1)), ((2, 2), (1, 2), (2, 3)))
    ):
        add("patches_%s_%d" % (_padding.lower(), _index), lambda tf, x, z=_size, s=_step, r=_rate, p=_padding: (
            tf.image.extract_image_patches(x, [1, *z, 1], [1, *s, 1], [1, *r, 1], p)), normal(2, 6, 7, 2))  # fmt: skip
_IDS = np.array([0, 0, 1, 3, 3], np.int32)
add("segment_sum", lambda tf, x: tf.segment_sum(x, tf.constant(_IDS)), normal(5, 2))
add("segment_sum_of_run", lambda tf, x, i: tf.reduce_sum(tf.segment_sum(x, i) * 2.0, 0), normal(5, 2), _IDS)
add(
    "unsorted_segment_sum_more",
    lambda tf, x, i: tf.unsorted_segment_sum(x, i, 5),
    normal(5, 2),
    np.array([3, 0, 3, 1, 0]),
)
for _padding in ("same", "valid"):
    _layer("conv3d_" + _padding, lambda tf, x, p=_padding: tf.layers.conv3d(x, 3, [2, 3, 2], 2, p, activation=tf.nn.elu),
        normal(1, 4, 5, 6, 2))  # fmt: skip
    _layer("conv3d_transpose_" + _padding, lambda tf, x, p=_padding: tf.layers.conv3d_transpose(
        x, 3, [2, 3, 1], 2, p, activation=tf.nn.elu), normal(1, 4, 5, 2, 2))  # fmt: skip

_IMAGES, _FIRST = normal(2, 3, 6, 5), "channels_first"


def _first(name: str, build: Any) -> None:
    """A layer on images [N,C,H,W], without its gradients: TensorFlow cannot compute these on a CPU."""

    def run(tf: Any) -> Results:
        with tf.Graph().as_default():
            x = tf.placeholder(tf.float32, [None, 3, 6, 5])
            y = build(tf, x)
            variables = tf.global_variables()
            return {"names": names_of([y] + variables), "shapes": [shape_of(v) for v in [y] + variables]}

    CASES["first_" + name] = Case(run, 1e-4, 5e-4)


_first("conv2d", lambda tf, x: tf.layers.conv2d(x, 4, 3, data_format=_FIRST, activation=tf.nn.relu))
_first("conv2d_same", lambda tf, x: tf.layers.conv2d(x, 4, [3, 2], 2, "same", data_format=_FIRST, use_bias=False))
_first("max_pooling2d", lambda tf, x: tf.layers.max_pooling2d(x, 2, 2, data_format=_FIRST))
_first("average_pooling2d", lambda tf, x: tf.layers.average_pooling2d(x, [2, 3], 1, "same", data_format=_FIRST))
_first("batch_normalization", lambda tf, x: tf.layers.batch_normalization(x, axis=1, training=True))
_first("conv2d_transpose", lambda tf, x: tf.layers.conv2d_transpose(x, 2, 3, 2, "same", data_format=_FIRST))
_first("separable_conv2d", lambda tf, x: tf.layers.separable_conv2d(x, 2, 3, data_format=_FIRST))
_first("flatten", lambda tf, x: tf.layers.flatten(x, data_format=_FIRST))
_first("slim", lambda tf, x: tf.layers.dense(tf.layers.flatten(tf.layers.conv2d(x, 2, 1, data_format=_FIRST)), 3))


@case()
def names_of_extra(tf: Any) -> Results:
    """Names and static shapes."""
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 12, 11, 2])
        ids = tf.placeholder(tf.int32, [None])
        rows = tf.placeholder(tf.float32, [None, 4])
        made = [
            tf.cumprod(rows), tf.image.extract_image_patches(x, [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1], "VALID"),
            tf.image.psnr(x, x, 1.0), tf.unsorted_segment_sum(rows, ids, 3), tf.image.ssim(x[..., :1], x[..., :1], 1.0),
        ]  # fmt: skip
        return {"names": names_of(made[:4]), "shapes": [shape_of(t) for t in made]}


def _error(name: str, call: Any, *phrases: str) -> None:
    CASES["error_extra_" + name] = Case(lambda tf: caught(tf, call, list(phrases)), 0.0, 0.0)


_error("psnr_shapes", lambda tf: tf.image.psnr(tf.zeros([4, 4, 1]), tf.zeros([4, 5, 1]), 1.0), "4", "5")
_error("psnr_rank", lambda tf: tf.image.psnr(tf.zeros([4, 4]), tf.zeros([4, 4]), 1.0), "4")
_error(
    "ssim_small",
    lambda tf: run_in_session(tf, tf.image.ssim(tf.zeros([9, 12, 1]), tf.zeros([9, 12, 1]), 1.0)),
    "9",
    "11",
)
_error("patches_padding", lambda tf: tf.image.extract_image_patches(
    tf.zeros([1, 4, 4, 1]), [1, 2, 2, 1], [1, 1, 1, 1], [1, 1, 1, 1], "same"), "same")  # fmt: skip
_error("patches_sizes", lambda tf: tf.image.extract_image_patches(
    tf.zeros([1, 4, 4, 1]), [2, 2], [1, 1, 1, 1], [1, 1, 1, 1], "SAME"), "4")  # fmt: skip
_error(
    "segments",
    lambda tf: run_in_session(tf, tf.segment_sum(tf.zeros([3]), [1, 0, 2])),
    "segment ids are not increasing",
)
_error("cumprod_axis", lambda tf: run_in_session(tf, tf.cumprod(tf.zeros([3]), 2)), "2")
_error("layer_format", lambda tf: tf.layers.conv2d(tf.zeros([1, 3, 3, 1]), 2, 2, data_format="NCHW"), "data_format")
