"""Image files as arrays of grey levels from 0 to 255, and back into files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from minigraph.core.errors import DataLossError, InvalidArgumentError, NotFoundError, ResourceExhaustedError
from minigraph.tools.shared.grey import luma
from minigraph.tools.shared.options import check_output
from minigraph.util.files import atomic_write

MAX_PIXELS = 40_000_000
DEEP = 257  # a level of 8 bits is as bright as 257 of 16 bits: 255·257 = 65535


@dataclass(frozen=True)
class Pixels:
    """levels: float32 [H,W,C], C 1 (grey) or 3 (red, green, blue), from 0 to 255; alpha: uint8 [H,W] or None.

    deep: the file has 16 bits per pixel, so levels are multiples of 1/257.
    """

    levels: np.ndarray[Any, Any]
    alpha: np.ndarray[Any, Any] | None = None
    deep: bool = False


def read_picture(path: Path, max_pixels: int = MAX_PIXELS) -> Pixels:
    """The first frame of an image file, upright. Palettes, CMYK and the like become RGB; black and white becomes grey.

    Raises NotFoundError, DataLossError (not an image, or damaged), ResourceExhaustedError (more than `max_pixels`).
    """
    if not path.is_file():
        raise NotFoundError(f"{path}: no such file")
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # our own limit is checked before anything is decoded
    try:
        with Image.open(path) as image:
            width, height = image.size
            if width * height > max_pixels:
                raise ResourceExhaustedError(
                    f"{path}: {width}x{height} pixels are more than the limit of {max_pixels:,}; "
                    f"--max-pixels {width * height} allows them"
                )
            image.load()
            return _as_levels(ImageOps.exif_transpose(image), path)
    except PermissionError:
        raise
    except (OSError, SyntaxError, ValueError) as error:  # raised by Pillow's decoders
        what = str(error) or type(error).__name__
        raise DataLossError(f"{path}: not a readable image: {what}") from None
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _as_levels(image: Image.Image, path: Path) -> Pixels:
    if image.mode == "F":
        raise DataLossError(f"{path}: images of real numbers have no known range; convert it to 8 or 16 bits")
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.float64)
        if values.size and (values.min() < 0 or values.max() > 65535):
            raise DataLossError(f"{path}: its values go from {values.min():.0f} to {values.max():.0f}, not 0 to 65535")
        return Pixels((values / DEEP).astype(np.float32)[..., None], deep=True)
    see_through = image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info
    grey = image.mode in ("1", "L", "LA", "La")
    plain = image.convert(("LA" if grey else "RGBA") if see_through else ("L" if grey else "RGB"))
    array = np.asarray(plain)
    array = array[..., None] if array.ndim == 2 else array
    if not see_through:
        return Pixels(array.astype(np.float32))
    return Pixels(array[..., :-1].astype(np.float32), array[..., -1])


def as_grey(picture: Pixels) -> Pixels:
    """The picture's luma as its only channel."""
    if picture.levels.shape[-1] == 1:
        return picture
    return replace(picture, levels=luma(picture.levels))


def check_format(path: Path, picture: Pixels | None = None) -> str:
    """Pillow's format for the file's suffix. Raises InvalidArgumentError if it cannot hold the picture."""
    Image.init()
    form = Image.EXTENSION.get(path.suffix.lower())
    if form is None or form not in Image.SAVE:
        raise InvalidArgumentError(f"{path}: the name must end in that of an image format, such as .png or .jpg")
    check_output(path)
    if picture is not None and form != "PNG" and form != "TIFF":
        if picture.deep:
            raise InvalidArgumentError(f"{path}: an image of 16 bits can be written as .png or .tiff")
        if picture.alpha is not None and form != "WEBP":
            raise InvalidArgumentError(f"{path}: an image with transparency can be written as .png, .tiff or .webp")
    return form


def as_image(picture: Pixels) -> Image.Image:
    """The levels, rounded and clipped to the range."""
    levels = np.nan_to_num(picture.levels, nan=0.0)
    if picture.deep:
        return Image.fromarray(np.clip(np.rint(levels[..., 0] * DEEP), 0, 65535).astype(np.uint16))
    array = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    if picture.alpha is not None:
        array = np.concatenate([array, picture.alpha[..., None]], axis=2)
    return Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)


def write_picture(path: Path, image: Image.Image, form: str) -> None:
    """Write the file atomically."""
    try:
        with atomic_write(path) as file:
            image.save(file, format=form)
    except (ValueError, KeyError) as error:
        raise InvalidArgumentError(f"{path}: {error}") from None
