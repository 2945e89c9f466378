"""Image files as arrays: decoding, resizing, and distortions that depend only on a seed. Needs Pillow."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minigraph.core.errors import DataLossError
from minigraph.core.typing import PathLike
from minigraph.data.order import uniforms
from minigraph.util.pictures import check_pixels, open_picture

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})
_SMALL = (64, 64)  # pixels to decode to where only the file's soundness is asked
_DRAWS = 7


@dataclass(frozen=True, slots=True)
class Distortions:
    """Random changes of an image that keep its class. The first four are those of TensorFlow's image retraining script.

    Args:
        flip_left_right: Whether half of the images are mirrored.
        random_crop: Percentage by which the image is larger than the part that is cut out at a random place.
        random_scale: Greatest percentage by which the image is enlarged before the cut.
        random_brightness: Greatest percentage by which the values are multiplied up or down, at most 100.
        random_translation: Greatest shift as a percentage of the sides, below 100. The gap shows the mirror image.

    Raises:
        ValueError: A percentage is out of range.

    Example:
        >>> from minigraph import data
        >>> bool(data.Distortions()), bool(data.Distortions(flip_left_right=True))
        (False, True)
    """

    flip_left_right: bool = False
    random_crop: float = 0
    random_scale: float = 0
    random_brightness: float = 0
    random_translation: float = 0

    def __post_init__(self) -> None:
        for name, most in (
            ("random_crop", np.inf),
            ("random_scale", np.inf),
            ("random_brightness", 100),
            ("random_translation", 99),
        ):
            if not 0 <= getattr(self, name) <= most:
                raise ValueError(f"{name}: expected a percentage from 0 to {most}, got {getattr(self, name)}")

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))

    def apply(self, image: Image.Image, size: tuple[int, int], numbers: Sequence[float]) -> NDArray[np.float32]:
        """Change and resize an image.

        Args:
            image: The image, of Pillow.
            size: Height and width of the result.
            numbers: Seven numbers in [0, 1), which decide all changes.

        Returns:
            float32 [H,W,3], 0 to 255.
        """
        grow, left, top, mirror, bright, right, down = numbers
        scale = (1 + self.random_crop / 100) * (1 + grow * self.random_scale / 100)
        width, height = image.width / scale, image.height / scale
        x, y = left * (image.width - width), top * (image.height - height)
        pixels = resize(image, size, (x, y, x + width, y + height))
        pixels = self._translate(pixels, 2 * right - 1, 2 * down - 1)
        if self.flip_left_right and mirror < 0.5:
            pixels = pixels[:, ::-1]
        factor = 1 + (2 * bright - 1) * self.random_brightness / 100
        changed: NDArray[np.float32] = np.clip(np.ascontiguousarray(pixels) * np.float32(factor), 0, 255)
        return changed

    def _translate(self, pixels: NDArray[np.float32], right: float, down: float) -> NDArray[np.float32]:
        height, width = pixels.shape[:2]
        dy = round(down * self.random_translation / 100 * height)
        dx = round(right * self.random_translation / 100 * width)
        if not dx and not dy:
            return pixels
        around = [(max(dy, 0), max(-dy, 0)), (max(dx, 0), max(-dx, 0)), (0, 0)]
        padded = np.pad(pixels, around, mode="symmetric")
        y, x = max(-dy, 0), max(-dx, 0)
        return padded[y : y + height, x : x + width]


def open_image(path: PathLike, least: tuple[int, int] | None = None) -> Image.Image:
    """The first frame of an image file, decoded, upright, in RGB, with white in place of transparency.

    least: a height and width that suffice, so that a JPEG may be decoded at a fraction of its size. DataLossError, with
    the reason, if the file is damaged or no image; OSError if it cannot be opened.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with open(path, "rb") as file, open_picture(file) as image:
            if least is not None:
                image.draft("RGB", (least[1], least[0]))
            check_pixels(image, os.fstat(file.fileno()).st_size)
            image.load()
            upright = ImageOps.exif_transpose(image)
            if upright.has_transparency_data:
                upright = upright.convert("RGBA")
                white = Image.new("RGBA", upright.size, "white")
                upright = Image.alpha_composite(white, upright)
            return upright.convert("RGB")
    except UnidentifiedImageError:
        what = "the file is empty" if not Path(path).stat().st_size else "no image of a known format"
        raise DataLossError(f"{os.fspath(path)}: {what}") from None
    except (PermissionError, FileNotFoundError, IsADirectoryError):
        raise
    except Exception as error:  # Pillow's decoders can fail in any way on a damaged file
        raise DataLossError(f"{os.fspath(path)}: {str(error) or type(error).__name__}") from None


def resize(image: Image.Image, size: tuple[int, int], box: Any = None) -> NDArray[np.float32]:
    """The image, or its part `box` (left, top, right, bottom, in pixels), stretched to `size` (height, width).

    Bilinear, over all pixels that an output pixel covers. The result is float32 [H,W,3], 0 to 255.
    """
    from PIL import Image

    return np.asarray(image.resize((size[1], size[0]), Image.Resampling.BILINEAR, box), np.float32)


def load_image(path: PathLike, size: tuple[int, int]) -> NDArray[np.float32]:
    """Read an image file and stretch it to a size.

    Transparency becomes white. The resizing is bilinear, over all pixels that a pixel of the result covers.

    Args:
        path: Path of the file: BMP, GIF, JPEG (2000), PNG, PPM, TIFF or WebP.
        size: Height and width of the result.

    Returns:
        float32 [H,W,3], RGB, 0 to 255.

    Raises:
        DataLossError: The file is damaged or no image.
        OSError: The file cannot be opened.

    Example:
        >>> from PIL import Image
        >>> from minigraph import data
        >>> Image.new("RGB", (64, 48), "red").save("red.png")
        >>> image = data.load_image("red.png", size=(24, 32))
        >>> image.shape, image[0, 0].tolist()
        ((24, 32, 3), [255.0, 0.0, 0.0])
    """
    return resize(open_image(path, size), size)


def load_distorted(
    path: PathLike, size: tuple[int, int], distortions: Distortions, seed: int, epoch: int, row: int
) -> NDArray[np.float32]:
    """As `load_image`, with changes that depend only on (seed, epoch, row)."""
    image = open_image(path, size)
    return distortions.apply(image, size, uniforms(_DRAWS, seed, epoch, row).tolist())


def complaint(path: Path) -> str | None:
    """The reason why an image file cannot be read, or None. It is decoded whole, a JPEG at a fraction of its size."""
    if path.suffix.lower() not in SUFFIXES:
        return f"not a name of an image ({', '.join(sorted(SUFFIXES))})"
    try:
        open_image(path, _SMALL)
    except DataLossError as error:
        return error.message.removeprefix(f"{path}: ")
    except OSError as error:
        return error.strerror or str(error)
    return None
