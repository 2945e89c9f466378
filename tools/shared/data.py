"""Data sets by their names on the command line."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from minigraph.core.errors import InvalidArgumentError, NotFoundError
from minigraph.data import Batches, Dataset, Distortions, ImageFolder, LoadedBatches, Prefetch, load, load_image
from minigraph.data.images import load_distorted
from minigraph.data.named import NAMES, load_folder
from minigraph.data.order import BatchStream
from minigraph.models.record import Model, Preprocessing
from minigraph.tools.shared.grey import luma
from minigraph.util.lazy import lazy_property

FOLDER = "folder"  # a recipe's data set that only the user has
WORKERS = 2  # threads that decode


class Images(Protocol):
    """Images [M, ...] by index: an array, or images that are read from files on access."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: Any, /) -> NDArray[np.float32]: ...


class TrainingData(Protocol):
    """Training and test data of a network. Labels are one-hot, float32 [N, classes] and [M, classes]."""

    @property
    def classes(self) -> tuple[str, ...]: ...

    @property
    def train_labels(self) -> NDArray[np.float32]: ...

    @property
    def test_labels(self) -> NDArray[np.float32]: ...

    @property
    def test_images(self) -> Images: ...

    def batches(self, batch_size: int, seed: int) -> BatchStream:
        """Mini-batches of training images and labels."""

    def identity(self) -> dict[str, Any]:
        """A JSON-compatible description that identifies this data in checkpoints."""


class LoadedImages:
    """Image files of a folder, decoded and preprocessed on access: float32 [M, *size, channels]."""

    def __init__(self, files: Sequence[Path], size: tuple[int, int], preprocessing: Preprocessing) -> None:
        self._files, self._size, self._preprocessing = files, size, preprocessing

    def __len__(self) -> int:
        return len(self._files)

    @overload
    def __getitem__(self, key: int, /) -> NDArray[np.float32]: ...
    @overload
    def __getitem__(self, key: slice, /) -> NDArray[np.float32]: ...
    def __getitem__(self, key: int | slice, /) -> NDArray[np.float32]:
        if not isinstance(key, slice):
            return self._load(self._files[key])
        with Prefetch(self._load, self._files[key], workers=WORKERS, ahead=2 * WORKERS) as images:
            return np.stack(list(images))

    def _load(self, path: Path) -> NDArray[np.float32]:
        return self._preprocessing.apply(load_image(path, self._size))


@dataclass(frozen=True, eq=False)
class Photographs:
    """Image files for training and testing, stretched to `size` (height, width).

    distortions: applied to the training images, drawn anew in each epoch. percentage: share of each class for testing.
    """

    train: ImageFolder
    test: ImageFolder
    size: tuple[int, int]
    preprocessing: Preprocessing
    distortions: Distortions
    percentage: float

    @property
    def classes(self) -> tuple[str, ...]:
        return self.train.classes

    @lazy_property
    def train_labels(self) -> NDArray[np.float32]:
        return self.train.one_hot()

    @lazy_property
    def test_labels(self) -> NDArray[np.float32]:
        return self.test.one_hot()

    @property
    def test_images(self) -> Images:
        return LoadedImages(self.test.files, self.size, self.preprocessing)

    def batches(self, batch_size: int, seed: int) -> BatchStream:
        """Mini-batches of training images and labels, decoded and distorted on threads; each image once per epoch."""

        def load(row: int, epoch: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            image = load_distorted(self.train.files[row], self.size, self.distortions, seed, epoch, row)
            return self.preprocessing.apply(image), self.train_labels[row]

        return LoadedBatches(
            load, len(self.train.files), batch_size=batch_size, seed=seed, drop_remainder=False, workers=WORKERS
        )

    def identity(self) -> dict[str, Any]:
        """The classes, the distortions, and checksums of the files' names and sizes."""
        return {
            "data": f"{self.train.checksum()} + {self.test.checksum()}",
            "classes": list(self.classes),
            "validation_percentage": self.percentage,
            **asdict(self.distortions),
        }


class FittedBatches(Batches):
    """Batches of a data set whose images are fitted to a network one batch at a time."""

    def __init__(self, data: Dataset, fit: Callable[[NDArray[np.float32]], NDArray[np.float32]], **order: Any) -> None:
        super().__init__(data.train_images, data.train_labels, **order)
        self._fit = fit

    def next_batch(self) -> tuple[NDArray[Any], ...]:
        images, labels = super().next_batch()
        return self._fit(images), labels


class FittedImages:
    """The test images of a data set, fitted to a network on access."""

    def __init__(self, images: Images, fit: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> None:
        self._images, self._fit = images, fit

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, key: Any, /) -> NDArray[np.float32]:
        found = self._images[key]
        return self._fit(found) if isinstance(key, slice) else self._fit(found[None])[0]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A data set whose images have the size, the channels and the scaling of a network.

    Small images get a black border; grey ones become red, green and blue, or colour ones grey, as the network wants.
    """

    data: Dataset
    model: Model

    @property
    def classes(self) -> tuple[str, ...]:
        return self.data.classes

    @property
    def train_labels(self) -> NDArray[np.float32]:
        return self.data.train_labels

    @property
    def test_labels(self) -> NDArray[np.float32]:
        return self.data.test_labels

    @property
    def test_images(self) -> Images:
        return FittedImages(self.data.test_images, self._fit)

    def batches(self, batch_size: int, seed: int) -> BatchStream:
        """Mini-batches of training images and labels."""
        return FittedBatches(self.data, self._fit, batch_size=batch_size, seed=seed)

    def identity(self) -> dict[str, Any]:
        """That of the data set: the rest follows from the network."""
        return self.data.identity()

    def _fit(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """[N, pixels] or [N, rows, columns, 3], from 0 to 1, as the network takes them."""
        pixels = _squared(images)
        border = self.model.image_size - pixels.shape[1]
        sides = (border // 2, border - border // 2)
        pixels = np.pad(pixels, ((0, 0), sides, sides, (0, 0)))
        if self.model.channels != pixels.shape[3]:
            grey = luma(pixels) if pixels.shape[3] == 3 else pixels
            pixels = np.repeat(grey, self.model.channels, 3)
        return self.model.preprocessing.apply(255 * pixels)


def plain_images(data: TrainingData) -> Images:
    """The test images as pictures, from 0 to 1, before they are fitted to a network."""
    if isinstance(data, Photographs):
        return LoadedImages(data.test.files, data.size, Preprocessing("RGB", (0.0,) * 3, (255.0,) * 3))
    return data.data.test_images if isinstance(data, Fitted) else data.test_images


def _squared(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """[N, rows, columns, channels] of images that may be flat and grey."""
    return images if images.ndim == 4 else images.reshape(len(images), math.isqrt(images.shape[1]), -1, 1)


def fitted(data: Dataset, model: Model, image_shape: Sequence[int]) -> TrainingData:
    """A data set for a network whose recipe takes images of a shape; itself if its images are as they should be.

    Raises InvalidArgumentError if they are larger.
    """
    scaling = model.preprocessing
    is_scaled = scaling.channels != "BGR" and {*scaling.mean} == {0.0} and {*scaling.std} == {255.0}
    if data.train_images.shape[1:] == tuple(image_shape) and is_scaled:
        return data
    side = _squared(data.train_images[:1]).shape[1]
    if side > model.image_size or len(image_shape) != 3:
        raise InvalidArgumentError(
            f"{model.name} takes images of {model.image_size}x{model.image_size}, and the data has {side}x{side}"
        )
    return Fitted(data, model)


def load_data(source: str) -> Dataset:
    """ "sample", the name of a data set, or a folder with the files of one, in it or in its subfolder of that name.

    Raises NotFoundError for any other name or a missing file, and DataLossError for a damaged file.
    """
    if source == "sample" or source in NAMES:
        return load(source)
    if not Path(source).is_dir():
        names = ", ".join(("sample", *NAMES))
        raise NotFoundError(f"--data: expected {names}, or a folder with the files of a data set, got {source!r}")
    return load_folder(source)


def load_photographs(
    folder: ImageFolder, model: Model, distortions: Distortions, percentage: float, seed: int
) -> Photographs:
    """A folder's images for a model: `percentage` of each class, drawn with `seed`, are for testing; 100 means all."""
    everything = percentage >= 100
    train, test = (folder, folder) if everything else folder.split(percentage, seed)
    return Photographs(train, test, (model.image_size,) * 2, model.preprocessing, distortions, percentage)
