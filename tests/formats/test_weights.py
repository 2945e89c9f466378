"""Weight files: what is written is read, what others wrote is read as they meant it."""

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
from support.paths import CHECKPOINTS
from support.real_weights import weight_file

from minigraph.core.errors import DataLossError, InvalidArgumentError, MissingPackageError, NotFoundError
from minigraph.formats.tensorflow.crc32c import crc32c
from minigraph.weights import FORMATS, find_format, load_weights, save_weights

WRITTEN = [form for form in FORMATS if form.write is not None]
DTYPES = ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


def need(form_name: str) -> None:
    if form_name == "Keras HDF5":
        pytest.importorskip("h5py")


def same(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        array = np.asarray(value)
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape), name
        assert found[name].tobytes() == array.tobytes(), name
        assert found[name].flags.writeable
        assert found[name].flags.c_contiguous


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
        same(load_weights(path), {k: v.astype(v.dtype.newbyteorder("=")) for k, v in weights.items()})

    check()


def test_the_content_decides_not_the_suffix(tmp_path: Path) -> None:
    save_weights(tmp_path / "a.npz", {"w": np.ones(3)})
    (tmp_path / "a.npz").rename(tmp_path / "a.safetensors")
    assert find_format(tmp_path / "a.safetensors")[0].name == "npz"
    same(load_weights(tmp_path / "a.safetensors"), {"w": np.ones(3)})


def test_a_long_list_of_layers(tmp_path: Path) -> None:
    """HDF5's attributes hold less than 64 KiB; Keras cuts its list of layers, and so is it here."""
    h5py = pytest.importorskip("h5py")
    weights = {f"{'a_long_name_of_a_layer' * 12}_{i}/kernel": np.full(2, i) for i in range(300)}
    save_weights(tmp_path / "w.h5", weights)
    with h5py.File(tmp_path / "w.h5") as file:
        assert "layer_names1" in file.attrs
    same(load_weights(tmp_path / "w.h5"), weights)


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
        same(dict(found), weights)
    for write in (np.savez, np.savez_compressed):
        write(tmp_path / "v.npz", f=np.asfortranarray(weights["a/b"]), zeros=np.zeros((500, 100)))
        same(load_weights(tmp_path / "v.npz"), {"f": weights["a/b"], "zeros": np.zeros((500, 100))})


def test_bfloat16_becomes_float32(tmp_path: Path) -> None:
    header = json.dumps({"w": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    (tmp_path / "w.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"\xc0\x3f\x20\xc0")
    same(load_weights(tmp_path / "w.safetensors"), {"w": np.float32([1.5, -2.5])})


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
    same(load_weights(tmp_path / "m.h5"), wanted)


def test_other_hdf5_files_by_path(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["layers/conv/vars/0"] = np.ones(3)
    same(load_weights(tmp_path / "m.h5"), {"layers/conv/vars/0": np.ones(3)})


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
    same(load_weights(tmp_path / "m.onnx"), weights | {"listed": np.float16([1.0, 0.5])})


# TensorFlow's checkpoints, recorded by TensorFlow 1.15.5


@pytest.mark.parametrize("path", ["model-3", "model-3.index", "model-3.data-00000-of-00001", "sharded"])
def test_checkpoints_of_the_second_kind(path: str) -> None:
    with np.load(CHECKPOINTS / "values.npz") as values:
        same(load_weights(CHECKPOINTS / path), dict(values))


def test_a_checkpoint_of_the_first_kind() -> None:
    with np.load(CHECKPOINTS / "values.npz") as values:
        wanted = {name: value for name, value in values.items() if name != "brain"}
    same(load_weights(CHECKPOINTS / "first.ckpt"), wanted)


def test_a_missing_data_file(tmp_path: Path) -> None:
    (tmp_path / "m.index").write_bytes((CHECKPOINTS / "sharded.index").read_bytes())
    with pytest.raises(DataLossError, match=r"m\.data-00000-of-00002 is missing"):
        load_weights(tmp_path / "m")


def test_the_checksum() -> None:
    """Values of RFC 3720, B.4, and a loop over bits."""
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(bytes(range(32))) == 0x46DD794E
    data = np.random.default_rng(0).integers(0, 256, 10_007, np.uint8).tobytes()
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0x82F63B78 if register & 1 else 0)
    assert crc32c(data) == register ^ 0xFFFFFFFF


# torch's files


@pytest.mark.parametrize("legacy", [False, True])
def test_torch(legacy: bool, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    base = torch.arange(24.0).reshape(2, 3, 4)
    state = {
        "whole": base,
        "transposed": base.permute(2, 0, 1),
        "part": base[:, 1, ::2],
        "expanded": torch.ones(1, 3).expand(5, 3),
        "channels_last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "scalar": torch.tensor(7),
        "empty": torch.zeros(0, 3),
        "brain": torch.tensor([1.5, -2.5], dtype=torch.bfloat16),
        "parameter": torch.nn.Parameter(torch.randn(3)),
        **{d: torch.tensor([0, 1, 2]).to(getattr(torch, d)) for d in ("float16", "int8", "uint8", "int32", "bool")},
    }
    torch.save(state, tmp_path / "w.pth", _use_new_zipfile_serialization=not legacy)
    wanted = {n: t.detach().to(torch.float32 if n == "brain" else t.dtype).numpy() for n, t in state.items()}
    same(load_weights(tmp_path / "w.pth"), {n: np.array(a, order="C") for n, a in wanted.items()})


@pytest.mark.parametrize("legacy", [False, True])
def test_a_torch_training_checkpoint(legacy: bool, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    network(torch.ones(1, 1, 4, 4)).sum().backward()
    optimizer = torch.optim.Adam(network.parameters())
    optimizer.step()
    saved = {"epoch": 3, "state_dict": network.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save(saved, tmp_path / "w.pt", _use_new_zipfile_serialization=not legacy)
    same(load_weights(tmp_path / "w.pt"), {n: t.numpy() for n, t in network.state_dict().items()})


@pytest.mark.parametrize("legacy", [False, True])
def test_a_pickled_network_is_refused(legacy: bool, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save(torch.nn.Linear(2, 2), tmp_path / "w.pth", _use_new_zipfile_serialization=not legacy)
    with pytest.raises(DataLossError, match=r"asks for torch\.nn\.modules\.linear\.Linear.*state_dict\(\)"):
        load_weights(tmp_path / "w.pth")


def test_real_torch_weights() -> None:
    torch = pytest.importorskip("torch")
    path = weight_file("efficientnet-lite0-57934424.pth")
    state = torch.load(path, weights_only=True)
    assert sum(not t.is_contiguous() for t in state.values()) == 50
    same(load_weights(path), {n: np.array(t.numpy(), order="C") for n, t in state.items()})
