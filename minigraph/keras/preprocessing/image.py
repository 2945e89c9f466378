"""Images as arrays, and batches of images with random changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minigraph.core.arguments import refuse
from minigraph.keras.state import floatx, image_data_format
from minigraph.util.pictures import open_picture

_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}


def load_img(
    path: Any, grayscale: bool = False, color_mode: str = "rgb", target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
) -> Any:  # fmt: skip
    """Open an image file with Pillow. target_size: rows and columns. interpolation: nearest, bilinear or bicubic."""
    from PIL import Image

    mode = "grayscale" if grayscale else color_mode
    if mode not in _MODES:
        raise ValueError(f'color_mode must be "grayscale", "rgb", or "rgba", not {mode!r}')
    with open(path, "rb") as file:
        opened = open_picture(file).convert(_MODES[mode])
    if target_size is None:
        return opened
    return opened.resize((target_size[1], target_size[0]), Image.Resampling[interpolation.upper()])


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> np.ndarray:
    """An image of Pillow as an array [H,W,C], or [C,H,W] with channels_first."""
    array = np.asarray(img, dtype or floatx())
    array = array[:, :, None] if array.ndim == 2 else array
    return array.transpose(2, 0, 1) if (data_format or image_data_format()) == "channels_first" else array


def array_to_img(x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None) -> Any:
    """An array [H,W,C] as an image of Pillow. scale: stretch its range to 0 … 255."""
    from PIL import Image

    array = np.asarray(x, dtype or floatx())
    if (data_format or image_data_format()) == "channels_first":
        array = array.transpose(1, 2, 0)
    if scale:
        array = array - array.min()
        array = array * (255.0 / (array.max() or 1.0))
    return Image.fromarray((array[:, :, 0] if array.shape[2] == 1 else array).astype(np.uint8))


class ImageDataGenerator:
    """Makes batches of images with random changes: mirror images. Others are refused.

    rescale: a factor of the pixels, after `preprocessing_function`.
    """

    def __init__(
        self, horizontal_flip: bool = False, vertical_flip: bool = False, rescale: float | None = None,
        preprocessing_function: Callable[[np.ndarray], np.ndarray] | None = None, data_format: str | None = None,
        **others: Any,
    ) -> None:  # fmt: skip
        refuse("keras.preprocessing.image.ImageDataGenerator", **{k: v or None for k, v in others.items()})
        self.horizontal_flip, self.vertical_flip, self.rescale = horizontal_flip, vertical_flip, rescale
        self.preprocessing_function = preprocessing_function
        self.rows = 1 if (data_format or image_data_format()) == "channels_first" else 0  # the axis of an image's rows

    def standardize(self, x: np.ndarray) -> np.ndarray:
        """One image after `preprocessing_function` and the factor."""
        if self.preprocessing_function is not None:
            x = self.preprocessing_function(x)
        return x if self.rescale is None else x * self.rescale

    def random_transform(self, x: np.ndarray) -> np.ndarray:
        """One image, perhaps mirrored."""
        if self.horizontal_flip and np.random.random() < 0.5:
            x = np.flip(x, self.rows + 1)
        if self.vertical_flip and np.random.random() < 0.5:
            x = np.flip(x, self.rows)
        return x

    def flow(
        self, x: Any, y: Any = None, batch_size: int = 32, shuffle: bool = True, sample_weight: Any = None,
        seed: int | None = None,
    ) -> Iterator[Any]:  # fmt: skip
        """Batches of images without end: (images, labels), or images alone without `y`."""
        images = np.asarray(x, floatx())
        rest = [np.asarray(part) for part in (y, sample_weight) if part is not None]
        if seed is not None:
            np.random.seed(seed)
        while True:
            order = np.random.permutation(len(images)) if shuffle else np.arange(len(images))
            for start in range(0, len(order), batch_size):
                chosen = order[start : start + batch_size]
                batch = np.stack([self.standardize(self.random_transform(images[i])) for i in chosen])
                yield (batch, *(part[chosen] for part in rest)) if rest else batch
