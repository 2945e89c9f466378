"""Image files, opened by Pillow: formats that decode without other programs, of sizes that fit the file's."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from minigraph.util.read_budget import Budget

if TYPE_CHECKING:
    from PIL import Image

# Pillow's names of the formats that are read.
PICTURES = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")


def open_picture(file: BinaryIO) -> Image.Image:
    """An image file, opened by Pillow but not decoded. Of the formats that Pillow knows, some run other programs."""
    import warnings

    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # `check_pixels` is stricter
        return Image.open(file, formats=PICTURES)


def check_pixels(image: Image.Image, file_size: int) -> None:
    """Raise Damaged if an image, not decoded yet, would take more memory than a file of its size may."""
    Budget(file_size).take("the image", (image.height, image.width, 3), 1)
