"""Weight files: what is written is read, what others wrote is read as they meant it.

Tests `weights.py`, `formats/registry.py`, `formats/npz.py`, `formats/safetensors_file.py` and
`formats/onnx_weights.py`.
"""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.weights import same_weights

from minigraph.core.errors import DataLossError, InvalidArgumentError, MissingPackageError, NotFoundError
from minigraph.weights import FORMATS, find_format, load_weights, save_weights

WRITTEN = [form for form in FORMATS if form.write is not None]
DTYPES = ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


def need(form_name: str) -> None:
    if form_name == "Keras HDF5":
        pytest.importorskip("h5py")


names = st.text("abc_/:0é", min_size=1, max_size=12).filter(
    lambda n: not n.endswith(":0") and all(p not in ("", ".", "..") for p in n.split("/"))
)
arrays = hnp.arrays(st.sampled_from([*DTYPES, "bool", ">f4"]), hnp.array_shapes(min_dims=0, max_dims=4, min_side=0))


@pytest.mark.parametrize("form", WRITTEN, ids=lambda f: f.name)
def test_round_trip(form: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    need(form.name)
    path = tmp_path_factory.mktemp("round") / f"weights{form.suffixes[0]}"

    @settings(max_examples=40)
    @given(st.dictionaries(names, arrays, max_size=4))
    def check(weights: dict[str, Any]) -> None:
        save_weights(path, weights)
        assert find_format(path)[0] is form
        same_weights(load_weights(path), {k: v.astype(v.dtype.newbyteorder("=")) for k, v in weights.items()})

    check()


def test_the_content_decides_not_the_suffix(tmp_path: Path) -> None:
    save_weights(tmp_path / "a.npz", {"w": np.ones(3)})
    (tmp_path / "a.npz").rename(tmp_path / "a.safetensors")
    assert find_format(tmp_path / "a.safetensors")[0].name == "npz"
    same_weights(load_weights(tmp_path / "a.safetensors"), {"w": np.ones(3)})


def test_writing_is_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "w.npz"
    save_weights(path, {"w": np.ones(2)})
    before = path.read_bytes()
    for bad in ({"w": np.array(["text"])}, {"": np.ones(1)}, {"a\0b": np.ones(1)}, {"c": np.ones(1, complex)}):
        with pytest.raises(InvalidArgumentError):
            save_weights(path, bad)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["w.npz"]


@pytest.mark.parametrize("name", ["w.pth", "w.ckpt", "w.onnx", "w.txt", "w"])
def test_what_is_not_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=r"written are \.safetensors"):
        save_weights(tmp_path / name, {"w": np.ones(1)})
    assert not list(tmp_path.iterdir())


def test_what_is_no_weight_file(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        load_weights(tmp_path / "absent.npz")
    with pytest.raises(NotFoundError, match="a folder"):
        load_weights(tmp_path)
    for content in (b"", b"hello, world", b"\x80\x02}q\x00."):
        (tmp_path / "w.pth").write_bytes(content)
        with pytest.raises(DataLossError, match="known are safetensors, torch"):
            load_weights(tmp_path / "w.pth")


def test_numpy_reads_and_writes_the_same(tmp_path: Path) -> None:
    weights = {"a/b": np.arange(6.0).reshape(2, 3), "c": np.int64(3)}
    save_weights(tmp_path / "w.npz", weights)
    with np.load(tmp_path / "w.npz") as found:
        same_weights(dict(found), weights)
    for write in (np.savez, np.savez_compressed):
        write(tmp_path / "v.npz", f=np.asfortranarray(weights["a/b"]), zeros=np.zeros((500, 100)))
        same_weights(load_weights(tmp_path / "v.npz"), {"f": weights["a/b"], "zeros": np.zeros((500, 100))})


def test_bfloat16_becomes_float32(tmp_path: Path) -> None:
    header = json.dumps({"w": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    (tmp_path / "w.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"\xc0\x3f\x20\xc0")
    same_weights(load_weights(tmp_path / "w.safetensors"), {"w": np.float32([1.5, -2.5])})


@pytest.mark.parametrize(
    ("package", "extra", "head"), [("h5py", "hdf5", b"\x89HDF\r\n\x1a\n"), ("onnx", "onnx", b"\x08\x07")]
)
def test_a_package_that_is_missing(
    package: str, extra: str, head: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / "w.onnx").write_bytes(head)
    with pytest.raises(MissingPackageError, match=rf"{package}: pip install \"minigraph\[{extra}\]\""):
        load_weights(tmp_path / "w.onnx")


def test_onnx_initializers(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    weights = {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "n": np.array([1, -1], np.int64)}
    tensors = [onnx.numpy_helper.from_array(a, n) for n, a in weights.items()]
    tensors.append(onnx.helper.make_tensor("listed", onnx.TensorProto.FLOAT16, [2], [1.0, 0.5]))
    graph = onnx.helper.make_graph([], "g", [], [], tensors)
    onnx.save(onnx.helper.make_model(graph), tmp_path / "m.onnx")
    same_weights(load_weights(tmp_path / "m.onnx"), weights | {"listed": np.float16([1.0, 0.5])})
