"""Data sets by their names on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from minigraph.core.errors import NotFoundError
from minigraph.data import Dataset, Distortions, ImageFolder, LoadedBatches, Prefetch, load, load_image
from minigraph.data.images import load_distorted
from minigraph.data.order import BatchStream
from minigraph.models.record import Model, Preprocessing
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


def load_data(source: str) -> Dataset:
    """ "sample", "mnist", or a folder with the four MNIST files, in it or in its `mnist` subfolder.

    Raises NotFoundError for any other name or a missing file, and DataLossError for a damaged file.
    """
    if source in ("sample", "mnist"):
        return load(source)
    if not Path(source).is_dir():
        raise NotFoundError(f"--data: expected sample, mnist, or a folder with the MNIST files, got {source!r}")
    return load("mnist", source)


def load_photographs(
    folder: ImageFolder, model: Model, distortions: Distortions, percentage: float, seed: int
) -> Photographs:
    """A folder's images for a model: `percentage` of each class, drawn with `seed`, are for testing; 100 means all."""
    everything = percentage >= 100
    train, test = (folder, folder) if everything else folder.split(percentage, seed)
    return Photographs(train, test, (model.image_size,) * 2, model.preprocessing, distortions, percentage)
