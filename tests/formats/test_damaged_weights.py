"""Bad weight files: damaged, malicious or absurd ones give the documented error, and quickly."""

from __future__ import annotations

import contextlib
import io
import pickle
import struct
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.paths import CHECKPOINTS

from minigraph.core.errors import DataLossError
from minigraph.formats.tensorflow import table, wire
from minigraph.formats.torch import pickles
from minigraph.formats.torch.archive import LEGACY_HEAD
from minigraph.util.read_budget import LEAST, Budget, Damaged
from minigraph.weights import load_weights, save_weights

MOST = 400 << 20  # bytes that reading a small file may take


@contextlib.contextmanager
def quickly() -> Iterator[None]:
    """The processor is busy for less than two seconds."""
    start = time.process_time()
    yield
    assert time.process_time() - start < 2


class Evil:
    """A pickle of it would write a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return open, (str(self.path), "w")


def archive(path: Path, parts: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as target:
        for name, content in parts.items():
            target.writestr(name, content)
    return path


class Tensor:
    """What pickles as torch's tensor does."""

    def __init__(self, shape: Any, strides: Any, offset: Any = 0, key: str = "0") -> None:
        self.arguments = key, offset, shape, strides

    @staticmethod
    def dumps(content: Any) -> bytes:
        buffer = io.BytesIO()
        pickler = _Pickler(buffer, 2)
        pickler.dump(content)
        return buffer.getvalue()


class _Global:
    def __init__(self, text: str) -> None:
        self.text = text


class _Storage:
    def __init__(self, key: str) -> None:
        self.key = key


class _Pickler(pickle._Pickler):  # type: ignore[name-defined, misc]
    def persistent_id(self, item: Any) -> Any:
        return (
            ("storage", _Global("ctorch\nFloatStorage\n"), item.key, "cpu", 4) if isinstance(item, _Storage) else None
        )

    def save(self, item: Any, save_persistent_id: bool = True) -> None:
        if isinstance(item, _Global):
            self.write(item.text.encode())
        elif isinstance(item, Tensor):
            key, *rest = item.arguments
            self.save(_Global("ctorch._utils\n_rebuild_tensor_v2\n"))
            self.save((_Storage(key), *rest, False, {}))
            self.write(b"R")
        else:
            super().save(item, save_persistent_id)


def torch_archive(path: Path, content: Any, numbers: bytes = bytes(16)) -> Path:
    return archive(path, {"archive/data.pkl": Tensor.dumps(content), "archive/data/0": numbers})


def refused(path: Path, match: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(DataLossError, match=match):
            load_weights(path)
        assert tracemalloc.get_traced_memory()[1] < MOST
    finally:
        tracemalloc.stop()


def test_a_made_up_torch_file_is_read(tmp_path: Path) -> None:
    path = torch_archive(tmp_path / "w.pth", {"w": Tensor((2, 2), (1, 2))}, np.arange(4, dtype="<f4").tobytes())
    np.testing.assert_array_equal(load_weights(path)["w"], [[0, 2], [1, 3]])


@pytest.mark.parametrize("legacy", [False, True])
def test_pickles_that_ask_for_code(legacy: bool, tmp_path: Path) -> None:
    target = tmp_path / "written"
    evil = pickle.dumps({"w": Evil(target)}, 2)
    path = tmp_path / "w.pth"
    if legacy:
        path.write_bytes(LEGACY_HEAD + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2) + evil)
    else:
        archive(path, {"archive/data.pkl": evil})
    refused(path, r"asks for (io|_io)\.open")
    assert not target.exists()


@pytest.mark.parametrize(
    "code",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        b"(S'true'\nios\nsystem\n.",
        b"(cos\nsystem\nS'true'\no.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",
        b"\x80\x02cbuiltins\neval\nU\x011\x85\x81.",
        b"\x80\x02\x82\x01.",
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n.",
    ],
    ids=["global", "inst", "obj", "stack_global", "newobj", "extension", "name alone"],
)
def test_forms_of_code(code: bytes, tmp_path: Path) -> None:
    refused(archive(tmp_path / "w.pth", {"archive/data.pkl": code}), "asks for|no tensor")


@pytest.mark.parametrize(
    ("tensor", "match"),
    [
        (Tensor((3, 2), (2, 1)), "reaches to element 5 of a storage of 4"),
        (Tensor((2,), (1,), 3), "reaches to element 4"),
        (Tensor((2**40, 2**20), (0, 0)), "which is impossible"),
        (Tensor((2**20, 2**10), (0, 0)), "too large"),
        (Tensor((-1,), (1,)), "no shape"),
        (Tensor((1,), (-1,)), "no shape"),
        (Tensor((1,), (1,), -1), "place is wrong"),
        (Tensor((1,), (1, 1)), "place is wrong"),
        (Tensor((1,) * 100, (1,) * 100), "which is impossible"),
        (Tensor((1.0,), (1,)), "no shape"),
        (Tensor((1,), (1,), key="../../other"), r"has no archive/data/\.\./\.\./other"),
        (Tensor((1,), (1,), key="7"), "has no archive/data/7"),
    ],
)
def test_tensors_that_cannot_be(tensor: Tensor, match: str, tmp_path: Path) -> None:
    refused(torch_archive(tmp_path / "w.pth", {"w": tensor}), match)


def test_pickles_that_grow(tmp_path: Path) -> None:
    """Lists of lists that share: small in memory, exponential for one who walks through them, or hashes them."""
    nested: Any = []
    for _ in range(200):
        nested = [nested, nested]
    refused(torch_archive(tmp_path / "w.pth", {"w": nested}), "no tensor")
    tuples: Any = ()
    for _ in range(200):
        tuples = (tuples, tuples)
    refused(archive(tmp_path / "v.pth", {"archive/data.pkl": pickle.dumps(tuples)[:-1] + b"}\x94(h\x00NNu."}), "pickle")
    code = b"\x80\x02}r\xff\xff\xff\x7f."  # memory number 2³¹ − 1
    refused(archive(tmp_path / "u.pth", {"archive/data.pkl": code}), "no tensor")
    deep = b"\x80\x02" + b"(" * 20_000 + b"t" * 20_000 + b"."
    refused(archive(tmp_path / "t.pth", {"archive/data.pkl": deep}), "no tensor")


def test_zip_bombs(tmp_path: Path) -> None:
    shape = (1 << 30,)
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"shape": shape, "fortran_order": False, "descr": "|u1"})
    packed = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(tmp_path / "w.npz", "w", packed, compresslevel=1) as target, target.open("w.npy", "w") as part:
        part.write(buffer.getvalue())
        for _ in range(300):
            part.write(bytes(1 << 20))
    assert (tmp_path / "w.npz").stat().st_size < 2 << 20
    refused(tmp_path / "w.npz", f"would unpack to more than {LEAST:,} bytes")
    with (
        zipfile.ZipFile(tmp_path / "w.pth", "w", packed, compresslevel=1) as target,
        target.open("a/data.pkl", "w") as part,
    ):
        for _ in range(300):
            part.write(bytes(1 << 20))
    refused(tmp_path / "w.pth", "would unpack")


def test_arrays_that_are_no_numbers(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", w=np.array([Evil(tmp_path / "written")], object))
    refused(tmp_path / "w.npz", "'w' holds object, which is not read")
    assert not (tmp_path / "written").exists()
    np.savez(tmp_path / "v.npz", w=np.array(["text"]))
    refused(tmp_path / "v.npz", "which is not read")
    archive(tmp_path / "u.npz", {"w.npy": b"\x93NUMPY", "../../x": b""})
    refused(tmp_path / "u.npz", "npz")


def test_hdf5_that_leads_elsewhere(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["secret"] = np.ones(3)
    (tmp_path / "raw").write_bytes(bytes(24))
    cases: dict[str, Callable[[Any], Any]] = {
        "is a link": lambda file: file.__setitem__("w", h5py.ExternalLink("other.h5", "/secret")),
        "are not followed": lambda file: file.__setitem__("w", h5py.SoftLink("/w")),
        "in another file": lambda file: file.create_dataset("w", (3,), "f8", external=[(str(tmp_path / "raw"), 0, 24)]),
        "too large": lambda file: file.create_dataset("w", (1 << 20, 1 << 10), "f8", chunks=(64, 64)),
        "not an array": lambda file: file.__setitem__("w", h5py.Empty("f4")),
        "which is not read": lambda file: file.__setitem__("w", "text"),
    }
    for i, (match, make) in enumerate(cases.items()):
        path = tmp_path / f"{i}.h5"
        with h5py.File(path, "w") as file:
            make(file)
        refused(path, match)
    with h5py.File(tmp_path / "loop.h5", "w") as file:
        file["a"] = file["/"]
    refused(tmp_path / "loop.h5", "the group 'a/' has another name, too")


def test_onnx_that_leads_elsewhere(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    tensor = onnx.numpy_helper.from_array(np.ones(3, np.float32), "w")
    graph = onnx.helper.make_graph([], "g", [], [], [tensor])
    onnx.save(onnx.helper.make_model(graph), tmp_path / "m.onnx", save_as_external_data=True, size_threshold=0)
    refused(tmp_path / "m.onnx", "in another file")


def test_safetensors_headers(tmp_path: Path) -> None:
    for header in (b"{", b'{"w":{"dtype":"F32","shape":[99999999999],"data_offsets":[0,4]}}', b'{"w":3}'):
        (tmp_path / "w.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
        refused(tmp_path / "w.safetensors", "safetensors")
    (tmp_path / "w.safetensors").write_bytes(struct.pack("<Q", 1 << 60) + b"{}")
    refused(tmp_path / "w.safetensors", "not a weight file")


# truncations and flipped bytes


def example(name: str, folder: Path) -> bytes:
    if name in ("npz", "safetensors", "h5"):
        if name == "h5":
            pytest.importorskip("h5py")
        rng = np.random.default_rng(0)
        save_weights(folder / f"w.{name}", {"a/b": rng.normal(size=(3, 4)), "c": np.arange(5)})
        return (folder / f"w.{name}").read_bytes()
    if name in ("torch", "torch-legacy"):
        torch = pytest.importorskip("torch")
        state = {"a.weight": torch.randn(3, 4), "a.bias": torch.arange(5), "t": torch.randn(2, 3).t()}
        torch.save(state, folder / "w.pth", _use_new_zipfile_serialization=name == "torch")
        return (folder / "w.pth").read_bytes()
    return (CHECKPOINTS / name).read_bytes()


def damage(content: bytes, cut: int | None, flips: list[tuple[int, int]]) -> bytes:
    out = bytearray(content if cut is None else content[: cut % len(content)])
    for place, bits in flips:
        if out:
            out[place % len(out)] ^= bits
    return bytes(out)


changes = st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(1, 255)), max_size=4)
cuts = st.none() | st.integers(0, 1 << 20)


@pytest.mark.parametrize("name", ["npz", "safetensors", "torch", "torch-legacy", "first.ckpt", "model-3.index"])
def test_damaged_files(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    content = example(name, folder)
    if name == "model-3.index":
        data = "model-3.data-00000-of-00001"
        (folder / data).write_bytes((CHECKPOINTS / data).read_bytes())
    path = folder / ("model-3.index" if name == "model-3.index" else "damaged")

    @settings(max_examples=150)
    @given(cuts, changes)
    def check(cut: int | None, flips: list[tuple[int, int]]) -> None:
        path.write_bytes(damage(content, cut, flips))
        with quickly(), contextlib.suppress(DataLossError):
            assert all(isinstance(a, np.ndarray) for a in load_weights(path).values())

    check()


def test_a_checkpoint_with_any_byte_changed_is_refused() -> None:
    """All of a table is under checksums; its footer leads nowhere else."""
    content = (CHECKPOINTS / "first.ckpt").read_bytes()
    for place in range(0, len(content) - 48, 97):
        bad = bytearray(content)
        bad[place] ^= 0x10
        with pytest.raises(Damaged):
            list(table.entries(memoryview(bytes(bad)), Budget(len(bad))))


START = (CHECKPOINTS / "first.ckpt").read_bytes()[:3000]
OPCODES = [bytes([code]) for code in b"().}]{eslutNKqhRbQ0\x85\x86\x87\x94"]


def crafted(blocks: bytes) -> bytes:
    """A table of one block of these bytes, with checksums that are right."""
    from minigraph.formats.tensorflow.crc32c import crc32c

    def sealed(block: bytes) -> bytes:
        found = crc32c(block + b"\0")
        return block + b"\0" + ((((found >> 15) | (found << 17)) + 0xA282EAD8) & 0xFFFFFFFF).to_bytes(4, "little")

    def varint(number: int) -> bytes:
        out = b""
        while number > 127:
            out += bytes([number & 127 | 128])
            number >>= 7
        return out + bytes([number])

    handle = varint(0) + varint(len(blocks))
    index = b"\0\x01" + bytes([len(handle)]) + b"z" + handle + struct.pack("<II", 0, 1)
    footer = b"\0\0" + varint(len(blocks) + 5) + varint(len(index))
    return sealed(blocks) + sealed(index) + footer.ljust(40, b"\0") + table.MAGIC


@settings(max_examples=150)
@given(
    st.binary(max_size=200)
    | st.builds(damage, st.just((CHECKPOINTS / "first.ckpt").read_bytes()[:3000]), cuts, changes)
)
def test_tables_with_right_checksums(tmp_path_factory: pytest.TempPathFactory, block: bytes) -> None:
    """Checksums do not protect against malice: behind them, too, nothing but the documented error arises."""
    path = tmp_path_factory.getbasetemp() / "crafted.ckpt"
    path.write_bytes(crafted(block + struct.pack("<II", 0, 1)))
    with quickly(), contextlib.suppress(DataLossError):
        load_weights(path)


@settings(max_examples=200)
@given(st.binary(max_size=100))
def test_messages(content: bytes) -> None:
    with quickly(), contextlib.suppress(Damaged):
        wire.message(memoryview(content))


@settings(max_examples=300)
@given(st.binary(max_size=60) | st.lists(st.sampled_from(OPCODES)).map(b"".join))
def test_pickles(content: bytes) -> None:
    with quickly(), contextlib.suppress(Damaged):
        pickles.load(io.BytesIO(content), {}, lambda identity: identity, Budget(len(content)))


def test_reading_needs_no_tensorflow_and_no_torch() -> None:
    program = (
        "import sys; from minigraph.weights import load_weights; load_weights(sys.argv[1])\n"
        "print(*[n for n in ('torch', 'tensorflow', 'google.protobuf', 'h5py', 'onnx') if n in sys.modules])"
    )
    command = [sys.executable, "-c", program, str(CHECKPOINTS / "model-3")]
    assert not subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
