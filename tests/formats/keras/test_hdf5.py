"""Keras's HDF5 files of weights and of whole models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.weights import same_weights

from minigraph.weights import load_weights, save_weights


def test_a_long_list_of_layers(tmp_path: Path) -> None:
    """HDF5's attributes hold less than 64 KiB; Keras cuts its list of layers, and so is it here."""
    h5py = pytest.importorskip("h5py")
    weights = {f"{'a_long_name_of_a_layer' * 12}_{i}/kernel": np.full(2, i) for i in range(300)}
    save_weights(tmp_path / "w.h5", weights)
    with h5py.File(tmp_path / "w.h5") as file:
        assert "layer_names1" in file.attrs
    same_weights(load_weights(tmp_path / "w.h5"), weights)


def test_keras_names_and_whole_models(tmp_path: Path) -> None:
    """The layout of Keras's `save_weights` and `save`: tensorflow/python/keras/saving/hdf5_format.py."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "m.h5", "w") as file:
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = np.array([b"input", b"dense_1"])
        root.create_group("input").attrs["weight_names"] = np.array([])
        layer = root.create_group("dense_1")
        layer.attrs["weight_names"] = np.array([b"dense_1/kernel:0", b"dense_1/bias:0"])
        layer["dense_1/kernel:0"] = np.ones((2, 3), np.float32)
        layer["dense_1/bias:0"] = np.zeros(3, np.float32)
        file.create_group("optimizer_weights")["ignored"] = np.ones(3)
    wanted = {"dense_1/kernel": np.ones((2, 3), np.float32), "dense_1/bias": np.zeros(3, np.float32)}
    same_weights(load_weights(tmp_path / "m.h5"), wanted)


def test_other_hdf5_files_by_path(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["layers/conv/vars/0"] = np.ones(3)
    same_weights(load_weights(tmp_path / "m.h5"), {"layers/conv/vars/0": np.ones(3)})
