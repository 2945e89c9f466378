"""Inputs of a network from files: pictures and arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.errors import DataLossError, MinigraphError, NotFoundError
from minigraph.core.types import TensorType, compatible, format_shape

Picture = Callable[[Path], np.ndarray]


class InputError(MinigraphError, ValueError):
    """A file does not fit an input of the model."""


def read_inputs(
    files: Sequence[str], inputs: Mapping[str, tf.Tensor], default: str = "", picture: Picture | None = None
) -> dict[tf.Tensor, np.ndarray]:
    """The arrays of files, by the inputs they are for; several pictures of one input are a batch.

    files: pictures, .npy files, or .npz files with arrays by the inputs' names, each after `NAME=` if not for the only
    input or the input `default`. picture: reads a picture for the input `default`, as [1, ...]; by default one is
    resized to the input's size and, for a floating dtype, has numbers from 0 to 1. Raises InputError if a file does
    not fit.
    """
    found: dict[str, np.ndarray] = {}
    pictures: set[str] = set()
    for text in files:
        name, equals, path = text.partition("=")
        if not (equals and name in inputs):
            name, path = "", text
        if not Path(path).is_file():
            raise NotFoundError(f"--input: {path}: no such file")
        if Path(path).suffix == ".npz":
            for each, array in _arrays(Path(path), inputs).items():
                _once(each, found, path)
                found[each] = array
            continue
        if not name and not default and len(inputs) != 1:
            raise InputError(f"--input: the model has the inputs {', '.join(inputs)}: say which, as in NAME={path}")
        name = name or default or next(iter(inputs))
        if Path(path).suffix == ".npy":
            _once(name, found, path)
            found[name] = _array(Path(path))
            continue
        own = picture is not None and name == default
        read = picture(Path(path)) if own and picture is not None else _picture(Path(path), inputs[name].type)
        if name not in pictures:
            _once(name, found, path)
        elif found[name].shape[1:] != read.shape[1:]:
            sizes = f"{format_shape(read.shape[1:])}, the ones before it {format_shape(found[name].shape[1:])}"
            raise InputError(f"--input: {path}: a picture of {sizes}: they cannot be one batch")
        found[name] = np.concatenate([found[name], read]) if name in pictures else read
        pictures.add(name)
    return {inputs[n]: _fitted(n, a, inputs[n].type) for n, a in found.items()}


def _once(name: str, found: Mapping[str, np.ndarray], path: str) -> None:
    if name in found:
        raise InputError(f"--input: {path}: the input '{name}' has an array already; only pictures make up a batch")


def _arrays(path: Path, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    from minigraph.formats.registry import load_weights

    found = load_weights(path)
    if any(n not in inputs for n in found):
        raise InputError(f"{path} has the arrays {', '.join(found)}; the model's inputs are {', '.join(inputs)}")
    return found


def _array(path: Path) -> np.ndarray:
    try:
        with open(path, "rb") as file:
            array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataLossError(f"{path} is damaged, or holds no array of numbers") from error
    return array


def _fitted(name: str, array: np.ndarray, kind: TensorType) -> np.ndarray:
    if not compatible(kind.shape, array.shape):
        shapes = f"{format_shape(array.shape)}, the input {format_shape(kind.shape)}"
        raise InputError(f"--input: the array for '{name}' has the shape {shapes}")
    try:
        return array.astype(kind.dtype.np_dtype, copy=False)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"--input: the array for '{name}' is of {array.dtype}, the input of {kind.dtype.name}"
        ) from error


def _picture(path: Path, kind: TensorType) -> np.ndarray:
    """A picture as the input wants it: channels first or last, in the input's size, else in its own, cut to 32s."""
    from minigraph.data import load_image
    from minigraph.data.images import open_image

    shape = kind.shape or ()
    first = len(shape) == 4 and shape[1] in (1, 3)
    if not first and not (len(shape) == 4 and shape[3] in (1, 3)):
        raise InputError(
            f"{path} is a picture, but the input is {kind}, neither [N,C,H,W] nor [N,H,W,C] with C = 1 or 3"
        )
    sides, channels = (shape[2:], shape[1]) if first else (shape[1:3], shape[3])
    wide, high = open_image(path).size
    height, width = (known or max(own // 32, 1) * 32 for known, own in zip(sides, (high, wide), strict=True))
    image = load_image(path, (height, width))
    image = image.mean(2, keepdims=True) if channels == 1 else image
    image = image / np.float32(255) if kind.dtype.is_floating else image.round()
    batch: np.ndarray = image[None]
    return np.ascontiguousarray(batch.transpose(0, 3, 1, 2)) if first else batch
