"""Data sets by their names: digits in the package, MNIST, Fashion-MNIST and CIFAR-10 from a folder or the cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from minigraph.core.errors import (
    DataLossError,
    InvalidArgumentError,
    MissingPackageError,
    NotFoundError,
    UnavailableError,
)
from minigraph.core.typing import PathLike
from minigraph.data import cifar10, mnist
from minigraph.data.dataset import Dataset
from minigraph.data.download import fetch_mnist
from minigraph.util.files import atomic_write

FASHION = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
NAMES = ("mnist", "fashion-mnist", "cifar10")  # those that are downloaded

# The files of each set that pooch downloads, with SHA-256, and the folders that have them.
_FILES: Mapping[str, Mapping[str, str]] = {
    "fashion-mnist": {
        f"{mnist.TRAIN_IMAGES}.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        f"{mnist.TRAIN_LABELS}.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        f"{mnist.TEST_IMAGES}.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        f"{mnist.TEST_LABELS}.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
    "cifar10": {cifar10.ARCHIVE: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"},
}
MIRRORS: Mapping[str, Sequence[str]] = {
    "fashion-mnist": (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    ),
    "cifar10": ("https://www.cs.toronto.edu/~kriz/",),
}


def load(source: str = "sample", folder: PathLike | None = None) -> Dataset:
    """Load images with their classes: MNIST's digits, Fashion-MNIST's clothes or CIFAR-10's photographs.

    MNIST and Fashion-MNIST have grey images of 28x28, flattened to 784 pixels; CIFAR-10 has colour images
    [N,32,32,3]. All pixels are from 0 to 1, and labels are one-hot.

    Args:
        source: "sample" for 5,000 training and 1,000 test digits that ship with the package, the same number of each
            class; "mnist" or "fashion-mnist" for 60,000 and 10,000 images; "cifar10" for 50,000 and 10,000. `fetch`
            downloads the last three.
        folder: Folder that holds the files of the full set, in its subfolder of the set's name or itself: four IDX
            files, gzipped or plain; for CIFAR-10 the binary version, unpacked or as its archive. By default the
            folder in the environment variable MINIGRAPH_DATA, or else the cache.

    Returns:
        The images and labels.

    Raises:
        NotFoundError: The files do not exist.
        DataLossError: The files are damaged.
        ValueError: `source` is unknown, or a folder is given with "sample".

    Example:
        >>> from minigraph import data
        >>> digits = data.load()
        >>> digits.train_images.shape, digits.train_labels.shape
        ((5000, 784), (5000, 10))

    Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits", 1998; Xiao, Rasul and Vollgraf,
    "Fashion-MNIST", 2017; Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
    """
    if source == "sample":
        if folder is not None:
            raise ValueError(f'load: a folder needs source {_listed()}, got source="sample"')
        return mnist.read_folder(mnist.SAMPLE)
    if source not in NAMES:
        raise ValueError(f'load: expected source "sample", {_listed()}, got {source!r}')
    folders = mnist.search_path(folder, source)
    for place in folders:
        if (found := _find(source, place)) is not None:
            return _read(source, found)
    raise NotFoundError(
        f"cannot find the files of {source}. Looked in:\n"
        + "".join(f"  {place}: {_lacking(source, place)}\n" for place in folders)
        + f"`minigraph data {source}` downloads them; `minigraph data {source} --from FOLDER` takes them"
        " from a folder. Or set MINIGRAPH_DATA to a folder that holds them."
    )


def fetch(
    name: str, target: PathLike | None = None, source_folder: PathLike | None = None, progress: bool = True
) -> Path:
    """Put the files of a data set into a folder, checked by SHA-256. Whole files are kept.

    Args:
        name: "mnist" (11 MB), "fashion-mnist" (31 MB) or "cifar10" (170 MB). The last two need pooch.
        target: The folder; by default the one in the cache where `load(name)` looks.
        source_folder: Folder to copy the files from, its subfolder `name` or itself, instead of a download. MNIST's may
            be unpacked; of the other two it takes the files that are downloaded, gzipped.
        progress: Whether to report on stderr.

    Returns:
        The folder.

    Raises:
        ValueError: The name is unknown.
        UnavailableError: A file cannot be downloaded.
        NotFoundError: A file does not exist in `source_folder`.
        DataLossError: A file in `source_folder` is damaged.
        MissingPackageError: pooch is not installed.
        OSError: The folder cannot be written.

    Example:
        >>> from minigraph import data
        >>> try:
        ...     data.fetch("cifar10", "here", source_folder="nowhere", progress=False)
        ... except tf.errors.NotFoundError as error:
        ...     print(error)
        nowhere: expected cifar-10-binary.tar.gz in it or in nowhere/cifar10
    """
    if name not in NAMES:
        raise ValueError(f"fetch: expected {_listed()}, got {name!r}")
    if name == "mnist":
        return fetch_mnist(target, progress=progress, source_folder=source_folder)
    folder = mnist.search_path(name=name)[-1] if target is None else Path(target)
    for file, checksum in _FILES[name].items():
        if source_folder is None:
            _download(name, file, checksum, folder, progress)
        else:
            _copy(name, Path(source_folder), file, checksum, folder)
    return folder


def _download(name: str, file: str, checksum: str, folder: Path, progress: bool) -> None:
    try:
        import pooch
    except ImportError as error:
        raise MissingPackageError(f'downloading {name} needs pooch: pip install "minigraph[datasets]"') from error
    import logging

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.INFO if progress else logging.ERROR)
    failures = []
    try:
        for mirror in MIRRORS[name]:
            try:
                pooch.retrieve(mirror + file, f"sha256:{checksum}", file, folder)
                return
            except (OSError, ValueError) as error:  # requests' errors are OSErrors; another checksum is a ValueError
                failures.append(f"  {mirror}{file}: {' '.join(str(error).split())}\n")
    finally:
        logger.setLevel(level)
    raise UnavailableError(
        f"cannot download {file} of {name}. Tried:\n"
        + "".join(failures)
        + f"If you have the files, `minigraph data {name} --from FOLDER` takes them from a folder;"
        " or set MINIGRAPH_DATA to the folder that holds them."
    )


def _copy(name: str, source: Path, file: str, checksum: str, folder: Path) -> None:
    import hashlib
    import shutil

    path = next((path for path in (source / name / file, source / file) if path.is_file()), None)
    if path is None:
        raise NotFoundError(f"{source}: expected {file} in it or in {source / name}")
    with open(path, "rb") as content:
        if (found := hashlib.file_digest(content, "sha256").hexdigest()) != checksum:
            raise DataLossError(f"{path}: expected a file with SHA-256 {checksum}, got {found}")
        content.seek(0)
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / file) as copy:
            shutil.copyfileobj(content, copy)


def _find(source: str, folder: Path) -> Path | None:
    if source == "cifar10":
        return cifar10.find(folder)
    return None if mnist.lacking(folder) else folder


def _read(source: str, place: Path) -> Dataset:
    if source == "cifar10":
        return cifar10.read(place)
    return mnist.read_folder(place, FASHION if source == "fashion-mnist" else mnist.DIGITS)


def _lacking(source: str, folder: Path) -> str:
    if not folder.is_dir():
        return "no such folder"
    if source == "cifar10":
        return f"neither {cifar10.ARCHIVE} nor its files {cifar10.TRAIN_FILES[0]} …"
    return "no " + ", ".join(mnist.lacking(folder))


def _listed() -> str:
    return " or ".join(f'"{name}"' for name in NAMES)


def load_folder(folder: PathLike) -> Dataset:
    """The data set whose files a folder holds, itself or else in a subfolder that has the set's name.

    A folder's own IDX files are MNIST's unless the folder's name is `fashion-mnist`.

    Raises NotFoundError, DataLossError, InvalidArgumentError if there are several sets.
    """
    path = Path(folder)
    own = "fashion-mnist" if path.resolve().name == "fashion-mnist" else "mnist"
    sets = [(name, found) for name in (own, "cifar10") if (found := _find(name, path))]
    sets = sets or [(name, found) for name in NAMES if (found := _find(name, path / name))]
    if len(sets) > 1:
        places = ", ".join(f"{name} ({place})" for name, place in sets)
        raise InvalidArgumentError(f"{path}: expected one data set, got {places}; give the folder of one of them")
    if sets:
        return _read(*sets[0])
    return load(next((name for name in NAMES if (path / name).is_dir()), own), path)  # says which files are missing
