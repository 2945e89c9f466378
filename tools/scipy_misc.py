"""`scipy.misc` as it was before SciPy 1.2: image files and resizing, by Pillow."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

__all__ = ["bytescale", "fromimage", "imread", "imresize", "imrotate", "imsave", "imshow", "toimage"]

_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "lanczos": Image.Resampling.LANCZOS,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "cubic": Image.Resampling.BICUBIC,
}


def bytescale(data: Any, cmin: Any = None, cmax: Any = None, high: int = 255, low: int = 0) -> np.ndarray:
    """Map [cmin, cmax], by default the range of `data`, to [low, high], as uint8. Data of uint8 is left as it is."""
    array = np.asarray(data)
    if array.dtype == np.uint8:
        return array
    if not 0 <= low <= high <= 255:
        raise ValueError(f"expected 0 <= low <= high <= 255, got {low} and {high}")
    least = array.min() if cmin is None else cmin
    most = array.max() if cmax is None else cmax
    if most < least:
        raise ValueError("`cmax` should be larger than `cmin`.")
    scaled = (array - least) * (float(high - low) / (float(most - least) or 1.0)) + low
    return np.asarray((scaled.clip(low, high) + 0.5).astype(np.uint8))


def toimage(
    arr: Any, high: int = 255, low: int = 0, cmin: Any = None, cmax: Any = None, pal: Any = None,
    mode: str | None = None, channel_axis: int | None = None,
) -> Image.Image:  # fmt: skip
    """A Pillow image of an array [H,W], or with 3 or 4 channels on some axis. Other dtypes than uint8 are scaled."""
    data = np.asarray(arr)
    if pal is not None or mode in ("P", "1"):
        raise ValueError("palettes and bits are not supported")
    if data.ndim == 2:
        if mode == "F":
            return Image.fromarray(data.astype(np.float32))
        if mode == "I":
            return Image.fromarray(data.astype(np.int32))
        if mode not in (None, "L"):
            raise ValueError(f"an array of two axes has no mode {mode!r}")
        return Image.fromarray(bytescale(data, cmin, cmax, high, low))
    if data.ndim != 3 or not {3, 4} & set(data.shape):
        raise ValueError("'arr' does not have a suitable array shape for any mode.")
    axis = channel_axis
    if axis is None:
        axis = data.shape.index(3) if 3 in data.shape else data.shape.index(4)
    pixels = np.moveaxis(bytescale(data, cmin, cmax, high, low), axis, 2)
    natural = {3: "RGB", 4: "RGBA"}.get(pixels.shape[2])
    if natural is None:
        raise ValueError("Channel axis dimension is not valid")
    size = (pixels.shape[1], pixels.shape[0])
    return Image.frombytes(mode or natural, size, np.ascontiguousarray(pixels).tobytes())


def fromimage(im: Image.Image, flatten: bool = False, mode: str | None = None) -> np.ndarray:
    """The pixels of a Pillow image; float32 grey values with `flatten`."""
    if mode is not None:
        im = im.convert(mode)
    elif im.mode == "P":
        im = im.convert("RGBA" if "transparency" in im.info else "RGB")
    if flatten:
        im = im.convert("F")
    elif im.mode == "1":
        im = im.convert("L")
    return np.array(im)


def imread(name: Any, flatten: bool = False, mode: str | None = None) -> np.ndarray:
    """The pixels of an image file."""
    with Image.open(name) as image:
        return fromimage(image, flatten, mode)


def imsave(name: Any, arr: Any, format: str | None = None) -> None:
    """Write pixels [H,W], [H,W,3] or [H,W,4] to a file. Other dtypes than uint8 are scaled to their range."""
    toimage(arr, channel_axis=2 if np.ndim(arr) == 3 else None).save(name, format)


def imresize(arr: Any, size: Any, interp: str = "bilinear", mode: str | None = None) -> np.ndarray:
    """Resize to percent (an integer), by a factor (a float), or to (height, width). Other dtypes than uint8 are scaled
    to [0, 255] first, except in mode "F"."""
    image = toimage(arr, mode=mode)
    if isinstance(size, int | np.integer):
        size = size / 100.0
    if isinstance(size, float | np.floating):
        wanted = int(image.size[0] * size), int(image.size[1] * size)
    else:
        wanted = int(size[1]), int(size[0])
    return fromimage(image.resize(wanted, _FILTERS[interp]))


def imrotate(arr: Any, angle: float, interp: str = "bilinear") -> np.ndarray:
    """Rotate an image counter-clockwise, in degrees, with the corners black."""
    return fromimage(toimage(arr).rotate(angle, _FILTERS[interp]))


def imshow(arr: Any) -> None:
    """Show an image in the viewer of the system."""
    toimage(arr).show()
