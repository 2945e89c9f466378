"""TensorFlow's checkpoints: those that TensorFlow 1.15.5 recorded, and round trips of any arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn
from support.paths import CHECKPOINTS
from support.weights import same_weights

from minigraph.core.errors import DataLossError
from minigraph.formats.tensorflow.checkpoint import read_checkpoint, write_checkpoint
from minigraph.weights import load_weights

_DTYPES = ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"]
_ARRAYS = st.sampled_from(_DTYPES).flatmap(
    lambda d: stn.arrays(d, stn.array_shapes(min_dims=0, max_dims=3, min_side=0))
)


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30), _ARRAYS, max_size=60))
@settings(max_examples=40)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, arrays: dict[str, Any]) -> None:
    arrays = {name.replace("\0", "0"): array for name, array in arrays.items()}
    folder = tmp_path_factory.mktemp("ck")
    write_checkpoint(str(folder / "m"), arrays)
    found = read_checkpoint(folder / "m.index")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()


@pytest.mark.parametrize("path", ["model-3", "model-3.index", "model-3.data-00000-of-00001", "sharded"])
def test_checkpoints_of_the_second_kind(path: str) -> None:
    with np.load(CHECKPOINTS / "values.npz") as values:
        same_weights(load_weights(CHECKPOINTS / path), dict(values))


def test_a_checkpoint_of_the_first_kind() -> None:
    with np.load(CHECKPOINTS / "values.npz") as values:
        wanted = {name: value for name, value in values.items() if name != "brain"}
    same_weights(load_weights(CHECKPOINTS / "first.ckpt"), wanted)


def test_a_missing_data_file(tmp_path: Path) -> None:
    (tmp_path / "m.index").write_bytes((CHECKPOINTS / "sharded.index").read_bytes())
    with pytest.raises(DataLossError, match=r"m\.data-00000-of-00002 is missing"):
        load_weights(tmp_path / "m")
