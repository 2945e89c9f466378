"""Reader of `torch.save` files without torch: archives, or (before torch 1.6) pickles and raw numbers.

Formats: torch/serialization.py. Their pickles go through `minigraph.formats.torch.pickles`, so no code in them runs.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minigraph.formats.arrays import Array, Weights, from_raw, itemsize, mapped, zip_names
from minigraph.formats.torch import pickles
from minigraph.util.read_budget import Budget, Damaged, check_shape

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_HEAD = b"\x80\x02\x8a\x0a" + LEGACY_MAGIC.to_bytes(10, "little") + b"."
_PROTOCOL = 1001
_STORAGES = {
    "FloatStorage": "float32", "DoubleStorage": "float64", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool",
}  # fmt: skip
_DEEPEST = 16
_COPIED = 4096  # bytes copied in about a microsecond


class _Storage(NamedTuple):
    """A flat array of numbers. dtype None: bytes whose type the tensor specifies."""

    key: str
    dtype: str | None
    size: int


class _Tensor(NamedTuple):
    """A view of a storage; offset and strides are in elements."""

    storage: _Storage
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def is_torch(path: Path, head: bytes) -> bool:
    """Whether the file has one of the two formats."""
    return head.startswith(LEGACY_HEAD) or any(map(_is_pickle, zip_names(path, head)))


def read_torch(path: Path) -> Weights:
    """The tensors by name of a state dictionary, or of a training checkpoint's `state_dict`. Raises Damaged."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return _read_archive(archive, Budget(path.stat().st_size))
    data = mapped(path)
    return _read_legacy(data, Budget(len(data)))


def _is_pickle(name: str) -> bool:
    return name == "data.pkl" or (name.count("/") == 1 and name.endswith("/data.pkl"))


def _read_archive(archive: zipfile.ZipFile, budget: Budget) -> Weights:
    budget.visit("its archive", len(archive.infolist()))
    sizes = {info.filename: info.file_size for info in archive.infolist()}
    names = [name for name in sizes if _is_pickle(name)]
    if len(names) != 1:
        raise Damaged("its archive has no data.pkl")
    folder = names[0].removesuffix("data.pkl")

    def content(name: str) -> bytes:
        if folder + name not in sizes:
            raise Damaged(f"its archive has no {folder}{name}")
        budget.take(name, (sizes[folder + name],), 1)
        with archive.open(folder + name) as part:
            return part.read(sizes[folder + name])

    if folder + "byteorder" in sizes and content("byteorder").strip() != b"little":
        raise Damaged("its numbers are big-endian, which is not read")
    found = _tensors(_load(io.BytesIO(content("data.pkl")), {}, budget), budget)
    raw: dict[str, Any] = {}
    for tensor in found.values():
        key = tensor.storage.key
        if key not in raw:
            raw[key] = content(f"data/{key}")
    return {name: _array(name, tensor, raw[tensor.storage.key], budget) for name, tensor in found.items()}


class _Bytes:
    """The file of a pickle; reads never request more bytes than the file has."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self.at = 0

    def tell(self) -> int:
        return self.at

    def read(self, size: int) -> bytes:
        part = bytes(self._data[self.at : self.at + max(size, 0)])
        self.at += len(part)
        return part

    def readline(self) -> bytes:
        line, end, _ = bytes(self._data[self.at : self.at + 4096]).partition(b"\n")
        self.at += len(line) + len(end)
        return line + end


def _read_legacy(data: memoryview, budget: Budget) -> Weights:
    file = _Bytes(data)
    storages: dict[str, _Storage] = {}
    if _load(file, {}, budget) != LEGACY_MAGIC or _load(file, {}, budget) != _PROTOCOL:
        raise Damaged("it is not a file of torch.save, or of a newer kind")
    system = _load(file, {}, budget)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise Damaged("its numbers are big-endian, which is not read")
    found = _tensors(_load(file, storages, budget), budget)
    raw = {}
    for key in _keys(_load(file, {}, budget)):
        if key not in storages:
            raise Damaged("the list of its storages is damaged")
        length = int.from_bytes(file.read(8), "little", signed=True) * itemsize(storages[key].dtype or "uint8")
        if not 0 <= length <= len(data) - file.at:
            raise Damaged(f"storage '{key}' is cut off")
        raw[key] = data[file.at : file.at + length]
        file.at += length
    missing = [name for name, tensor in found.items() if tensor.storage.key not in raw]
    if missing:
        raise Damaged(f"the numbers of '{missing[0]}' are missing")
    return {name: _array(name, tensor, raw[tensor.storage.key], budget) for name, tensor in found.items()}


def _keys(found: Any) -> list[str]:
    if not isinstance(found, list) or not all(isinstance(key, str) for key in found):
        raise Damaged("the list of its storages is damaged")
    return found


def _array(name: str, tensor: _Tensor, raw: Any, budget: Budget) -> Array:
    size = itemsize(tensor.dtype)
    check_shape(name, tensor.strides)
    count = len(raw) // size
    last = tensor.offset + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True))
    if 0 in tensor.shape:
        return from_raw(name, b"", tensor.dtype, tensor.shape)
    if last >= count:
        raise Damaged(f"'{name}' reaches to element {last} of a storage of {count}")
    budget.work(name, (last + 1 - tensor.offset) * size // _COPIED)
    flat = from_raw(name, raw[tensor.offset * size : (last + 1) * size], tensor.dtype, (last + 1 - tensor.offset,))
    steps = tuple(s * flat.itemsize for s in tensor.strides)
    return np.array(np.lib.stride_tricks.as_strided(flat, tensor.shape, steps, writeable=False), order="C")


# the pickle


def _load(file: Any, storages: dict[str, _Storage], budget: Budget) -> Any:
    """The object of the next pickle; adds its storages to `storages`."""

    def persistent(identity: Any) -> _Storage:
        storage = _storage(identity)
        return storages.setdefault(storage.key, storage)

    return pickles.load(file, _FUNCTIONS, persistent, budget)


def _storage(identity: Any) -> _Storage:
    if isinstance(identity, tuple) and len(identity) > 1 and identity[0] == "module":
        raise pickles.refusal(identity[1].name if isinstance(identity[1], pickles.Global) else "a module")
    if not isinstance(identity, tuple) or len(identity) < 5 or identity[0] != "storage":
        raise Damaged("its pickle is damaged: a storage is missing")
    _, kind, key, _, size, *view = identity
    if view not in ([], [None]):
        raise Damaged("a storage is a view of another, which is not read")
    if not isinstance(kind, pickles.Global) or not isinstance(key, str) or not isinstance(size, int):
        raise Damaged("its pickle is damaged: a storage is missing")
    plain = kind.name.removeprefix("torch.").removeprefix("storage.")
    if plain == "UntypedStorage":
        return _Storage(key, None, size)
    if plain not in _STORAGES:
        raise Damaged(f"numbers in a {kind.name[:200]} are not read")
    return _Storage(key, _STORAGES[plain], size)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *others: Any, dtype: str | None = None) -> _Tensor:
    kind = dtype or (storage.dtype if isinstance(storage, _Storage) else None)
    tuples = all(isinstance(s, tuple) and all(type(n) is int and n >= 0 for n in s) for s in (shape, strides))
    if not isinstance(storage, _Storage) or not tuples or kind is None:
        raise Damaged("its pickle is damaged: a tensor has no shape or type")
    if type(offset) is not int or offset < 0 or len(shape) != len(strides):
        raise Damaged("its pickle is damaged: a tensor's place is wrong")
    return _Tensor(storage, kind, offset, shape, strides)


def _tensor_of_bytes(storage: Any, offset: Any, shape: Any, strides: Any, *others: Any) -> _Tensor:
    """Rebuild a tensor of a type without storage class (since torch 2.3)."""
    dtype = others[2]
    name = dtype.name.removeprefix("torch.") if isinstance(dtype, pickles.Global) else ""
    itemsize(name)
    return _tensor(storage, offset, shape, strides, dtype=name)


def _mapping(pairs: Any = ()) -> dict[Any, Any]:
    if not isinstance(pairs, list | tuple) or not all(isinstance(p, list | tuple) and len(p) == 2 for p in pairs):
        raise Damaged("its pickle is damaged: a dictionary's items are missing")
    return pickles.paired([item for pair in pairs for item in pair])


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _mapping,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor_of_bytes,
    "torch._utils._rebuild_parameter": lambda data, *others: data,
    "torch.Size": lambda sizes: tuple(sizes),
}


def _tensors(found: Any, budget: Budget) -> dict[str, _Tensor]:
    """Tensors by name, which the budget has allowed; those in nested dictionaries and lists get dotted names."""
    if isinstance(found, dict) and isinstance(inner := found.get("state_dict"), dict):
        found = inner
    tensors = dict(_walk(found, "", set(), 0, budget))
    if not tensors:
        raise Damaged("it holds no tensor")
    for name, tensor in tensors.items():
        budget.take(name, tensor.shape, itemsize(tensor.dtype))
    return tensors


def _walk(found: Any, name: str, seen: set[int], depth: int, budget: Budget) -> Iterator[tuple[str, _Tensor]]:
    if isinstance(found, _Tensor):
        budget.visit("its tensors")
        yield name, found
        return
    if not isinstance(found, dict | list) or id(found) in seen or depth > _DEEPEST:
        return
    seen.add(id(found))
    for key, value in found.items() if isinstance(found, dict) else enumerate(found):
        yield from _walk(value, f"{name}.{key}" if name else str(key), seen, depth + 1, budget)
