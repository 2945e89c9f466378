"""Keras's HDF5 files: those that TensorFlow 1.15 wrote, and those that minigraph writes.

`goldens/record_keras_files.py` wrote `tf1_keras_files.zip`, and checks with TensorFlow what minigraph writes.
"""

from __future__ import annotations

import importlib
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.needed import needed
from support.paths import GOLDENS

from minigraph import keras
from minigraph.core.errors import DataLossError, NotFoundError

L = keras.layers


def recorder() -> Any:
    sys.path.insert(0, str(GOLDENS))
    try:
        return importlib.import_module("record_keras_files")
    finally:
        sys.path.remove(str(GOLDENS))


@pytest.fixture(autouse=True)
def _clear() -> None:
    needed("h5py")
    keras.backend.clear_session()


def test_what_tensorflow_wrote(tmp_path: Path) -> None:
    zipfile.ZipFile(GOLDENS / "tf1_keras_files.zip").extractall(tmp_path)
    recorder().check(keras, str(tmp_path))


def test_what_minigraph_writes(tmp_path: Path) -> None:
    recorder().write(keras, str(tmp_path))
    keras.backend.clear_session()
    recorder().check(keras, str(tmp_path))


def model(units: int = 3, name: str = "top") -> Any:
    return keras.Sequential([L.Dense(4, input_shape=(2,), name="first"), L.Dense(units, name=name)])


def test_weights_by_name(tmp_path: Path) -> None:
    first = model()
    first.save_weights(tmp_path / "w.h5")
    other = model(5, "other")
    other.load_weights(tmp_path / "w.h5", by_name=True)
    np.testing.assert_array_equal(other.get_weights()[0], first.get_weights()[0])
    wide = model(5)
    with pytest.raises(ValueError, match=r'Layer "top" has weights of the shapes \[\(4, 5\), \(5,\)\]'):
        wide.load_weights(tmp_path / "w.h5", by_name=True)
    wide.load_weights(tmp_path / "w.h5", by_name=True, skip_mismatch=True)
    np.testing.assert_array_equal(wide.get_weights()[0], first.get_weights()[0])
    with pytest.raises(ValueError, match="not compatible"):
        wide.load_weights(tmp_path / "w.h5")
    with pytest.raises(ValueError, match="containing 2 layers into a model with 1 layers"):
        keras.Sequential([L.Dense(4, input_shape=(2,))]).load_weights(tmp_path / "w.h5")


def test_files_that_are_not_there_or_damaged(tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    with pytest.raises(NotFoundError, match="there is no file"):
        keras.models.load_model(path)
    model().save_weights(path)
    with pytest.raises(ValueError, match="weights only"):
        keras.models.load_model(path)
    with pytest.raises(FileExistsError, match="exists"):
        model().save(path, overwrite=False)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataLossError, match="cannot be read"):
        model().load_weights(path)
