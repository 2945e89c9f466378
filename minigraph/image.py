"""Images, under the names of TensorFlow 1's `tf.image`."""

from minigraph.ops.host.image_files import decode_image, decode_jpeg, decode_png, encode_jpeg, encode_png
from minigraph.ops.image.colour import (
    adjust_brightness,
    adjust_contrast,
    adjust_gamma,
    adjust_hue,
    adjust_saturation,
    convert_image_dtype,
    grayscale_to_rgb,
    hsv_to_rgb,
    per_image_standardization,
    random_brightness,
    random_contrast,
    random_hue,
    random_saturation,
    rgb_to_grayscale,
    rgb_to_hsv,
)
from minigraph.ops.image.geometry import (
    ResizeMethod,
    central_crop,
    crop_and_resize,
    crop_to_bounding_box,
    flip_left_right,
    flip_up_down,
    pad_to_bounding_box,
    random_crop,
    random_flip_left_right,
    random_flip_up_down,
    resize_image_with_crop_or_pad,
    resize_images,
    rot90,
    total_variation,
    transpose_image,
)
from minigraph.ops.image.quality import extract_image_patches, psnr, ssim
from minigraph.ops.image.resize import resize_area, resize_bicubic, resize_bilinear, resize_nearest_neighbor

resize = resize_images
resize_with_crop_or_pad = resize_image_with_crop_or_pad
transpose = transpose_image
per_image_whitening = per_image_standardization

__all__ = [
    "ResizeMethod", "adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue", "adjust_saturation",
    "central_crop", "convert_image_dtype", "crop_and_resize", "crop_to_bounding_box", "decode_image", "decode_jpeg",
    "decode_png", "encode_jpeg", "encode_png", "extract_image_patches", "flip_left_right",
    "flip_up_down", "grayscale_to_rgb", "hsv_to_rgb", "pad_to_bounding_box", "per_image_standardization",
    "per_image_whitening", "psnr", "random_brightness", "random_contrast", "random_crop", "random_flip_left_right",
    "random_flip_up_down", "random_hue", "random_saturation", "resize", "resize_area", "resize_bicubic",
    "resize_bilinear", "resize_image_with_crop_or_pad", "resize_images", "resize_nearest_neighbor",
    "resize_with_crop_or_pad", "rgb_to_grayscale", "rgb_to_hsv", "rot90", "ssim", "total_variation", "transpose",
    "transpose_image",
]  # fmt: skip
