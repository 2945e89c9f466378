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
    """Open an image file.

    Args:
        path: The file, in any format that Pillow reads.
        grayscale: Whether the colour mode is "grayscale"; older than `color_mode`.
        color_mode: "grayscale", "rgb" or "rgba".
        target_size: Rows and columns of the result; None for those of the file.
        interpolation: How the image gets to this size: "nearest", "bilinear" or "bicubic".

    Returns:
        An image of Pillow.

    Raises:
        ValueError: The colour mode is unknown.
        OSError: The file cannot be read, or is no image.

    Example:
        >>> image = tf.keras.preprocessing.image
        >>> image.array_to_img(np.zeros([4, 6, 3])).save("black.png")
        >>> image.load_img("black.png", target_size=(2, 3)).size
        (3, 2)
    """
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
    """Turn an image into an array.

    Args:
        img: An image of Pillow, or anything that NumPy takes for an array [H,W] or [H,W,C].
        data_format: "channels_last" or "channels_first"; by default that of `keras.backend.image_data_format`.
        dtype: Dtype of the result; by default that of `keras.backend.floatx`.

    Returns:
        An array [H,W,C], or [C,H,W] with "channels_first", of the image's numbers.

    Example:
        >>> tf.keras.preprocessing.image.img_to_array(np.zeros([4, 6], np.uint8)).shape
        (4, 6, 1)
    """
    array = np.asarray(img, dtype or floatx())
    array = array[:, :, None] if array.ndim == 2 else array
    return array.transpose(2, 0, 1) if (data_format or image_data_format()) == "channels_first" else array


def array_to_img(x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None) -> Any:
    """Turn an array into an image.

    Args:
        x: Array [H,W,C], or [C,H,W] with "channels_first", of 1, 3 or 4 channels.
        data_format: "channels_last" or "channels_first"; by default that of `keras.backend.image_data_format`.
        scale: Whether the range of the numbers is stretched to 0 … 255.
        dtype: Dtype in which this is computed; by default that of `keras.backend.floatx`.

    Returns:
        An image of Pillow.

    Example:
        >>> tf.keras.preprocessing.image.array_to_img(np.ones([4, 6, 3]), scale=False).size
        (6, 4)
    """
    from PIL import Image

    array = np.asarray(x, dtype or floatx())
    if (data_format or image_data_format()) == "channels_first":
        array = array.transpose(1, 2, 0)
    if scale:
        array = array - array.min()
        array = array * (255.0 / (array.max() or 1.0))
    return Image.fromarray((array[:, :, 0] if array.shape[2] == 1 else array).astype(np.uint8))


class ImageDataGenerator:
    """Makes batches of images with random changes: mirror images. TensorFlow's other changes are refused.

    Args:
        horizontal_flip: Whether half of the images are mirrored left to right.
        vertical_flip: Whether half of the images are turned upside down.
        rescale: Factor of the pixels, applied after `preprocessing_function`; None for none.
        preprocessing_function: Function from an image to an image of the same shape, applied after the mirroring.
        data_format: "channels_last" or "channels_first"; by default that of `keras.backend.image_data_format`.
        **others: TensorFlow's other arguments, which must be 0, False or None.

    Raises:
        ValueError: One of the other arguments is set.

    Example:
        >>> generator = tf.keras.preprocessing.image.ImageDataGenerator(horizontal_flip=True, rescale=1 / 255)
        >>> images, labels = next(generator.flow(np.zeros([8, 4, 4, 3]), np.zeros(8), batch_size=2))
        >>> images.shape, labels.shape
        ((2, 4, 4, 3), (2,))
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
        """Apply `preprocessing_function` and the factor.

        Args:
            x: An image.

        Returns:
            The changed image.
        """
        if self.preprocessing_function is not None:
            x = self.preprocessing_function(x)
        return x if self.rescale is None else x * self.rescale

    def random_transform(self, x: np.ndarray) -> np.ndarray:
        """Mirror an image, or not, at random.

        Args:
            x: An image.

        Returns:
            The image or its mirror image.
        """
        if self.horizontal_flip and np.random.random() < 0.5:
            x = np.flip(x, self.rows + 1)
        if self.vertical_flip and np.random.random() < 0.5:
            x = np.flip(x, self.rows)
        return x

    def flow(
        self, x: Any, y: Any = None, batch_size: int = 32, shuffle: bool = True, sample_weight: Any = None,
        seed: int | None = None,
    ) -> Iterator[Any]:  # fmt: skip
        """Batches of images, epoch after epoch without end.

        Args:
            x: Images [N,H,W,C], or [N,C,H,W] with "channels_first".
            y: Labels [N,…]; None for none.
            batch_size: Images in a batch; the last one of an epoch may have fewer.
            shuffle: Whether each epoch takes the images in a new random order.
            sample_weight: Weights [N] of the images; None for none.
            seed: Seed of NumPy's random numbers, set at the start; None to leave them as they are.

        Yields:
            Tuples (images, labels) or (images, labels, weights); the images alone if there is nothing else.
        """
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
