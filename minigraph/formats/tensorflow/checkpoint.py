"""TensorFlow 1's checkpoints without TensorFlow: V1 and V2 are read, V2 is written.

A V2 checkpoint (`tf.train.Saver`'s since 0.12) consists of PREFIX.index, a table of entries by variable name, and the
files PREFIX.data-00000-of-00001, … with the numbers. A V1 checkpoint is one file, a table of tensors, as published with
the first TF-Slim networks. Formats: tensorflow/core/protobuf/tensor_bundle.proto and
tensorflow/core/util/saved_tensor_slice.proto. Partitioned variables are joined. String variables, which no
network computes with, are skipped.
"""

from __future__ import annotations

import glob
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minigraph.formats.arrays import Array, Weights, from_raw, itemsize, mapped
from minigraph.formats.tensorflow import table, wire
from minigraph.formats.tensorflow.crc32c import crc32c, mask, unmask
from minigraph.formats.tensorflow.numbers import NUMBERS
from minigraph.util.read_budget import Budget, Damaged

_CHECKED = 32  # bytes checked in about a microsecond
_STRING = NUMBERS["string"]
_DTYPES = {number: name for name, number in NUMBERS.items() if name not in ("resource", "string")}
_SUFFIXES = (".index", ".meta", ".data-")


class SliceSpec(NamedTuple):
    """A part of a variable: start and length (None: the whole axis) for each axis."""

    extents: tuple[tuple[int, int | None], ...]

    def within(self, shape: tuple[int, ...]) -> tuple[slice, ...]:
        """The part as an index. Raises Damaged if it is out of bounds."""
        if len(self.extents) != len(shape):
            raise Damaged("a part of a variable has another rank than the variable")
        ends = [(s, s + (n - s if size is None else size)) for (s, size), n in zip(self.extents, shape, strict=True)]
        if any(not 0 <= start <= end <= n for (start, end), n in zip(ends, shape, strict=True)):
            raise Damaged("a part of a variable lies outside of it")
        return tuple(slice(*pair) for pair in ends)


class _Entry(NamedTuple):
    """An entry of the index. dtype: a name, or None for strings."""

    dtype: str | None
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int
    parts: list[SliceSpec]


def find_index(path: Path) -> Path:
    """The table file of a checkpoint, given its prefix or one of its files."""
    name = path.name
    for suffix in _SUFFIXES:
        stem, found, _ = name.rpartition(suffix)
        if found and (index := path.with_name(stem + ".index")).is_file():
            return index
    index = path.with_name(name + ".index")
    return index if not path.is_file() and index.is_file() else path


def is_checkpoint(path: Path, head: bytes) -> bool:
    """Whether the file is a sorted string table."""
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        file.seek(max(size - len(table.MAGIC), 0))
        return file.read() == table.MAGIC


def read_checkpoint(path: Path) -> Weights:
    """The variables of a V1 or V2 checkpoint, by name. Raises Damaged."""
    data = mapped(path)
    budget = Budget(len(data) + sum(file.stat().st_size for file in _data_files(path)))
    records = table.entries(data, budget)
    key, head = next(records, (None, data))
    if key != b"":
        raise Damaged("the table has no header, so it is not a checkpoint")
    header = wire.message(head)
    if any(isinstance(v, memoryview) for v in header.get(1, [])):
        return _read_first_kind(header, records, budget)
    return _read_bundle(path, header, records, budget)


def _data_files(path: Path) -> list[Path]:
    """The files beside an index; none for a V1 checkpoint."""
    prefix = path.name.removesuffix(".index")
    return [] if prefix == path.name else list(path.parent.glob(f"{glob.escape(prefix)}.data-*"))


# the second kind


def write_checkpoint(prefix: str, arrays: Mapping[str, Array]) -> None:
    """Write PREFIX.index and PREFIX.data-00000-of-00001. The index, which makes a checkpoint, comes last."""
    from minigraph.util.files import atomic_write

    header = wire.field(1, 1) + wire.field(3, wire.field(1, 1))  # one data file; the format's version 1
    entries, place = [(b"", header)], 0
    with atomic_write(f"{prefix}.data-00000-of-00001") as file:
        for name in sorted(arrays, key=str.encode):
            array = arrays[name]
            raw = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
            file.write(raw)
            entries.append((name.encode(), _entry_message(array, place, raw)))
            place += len(raw)
    with atomic_write(f"{prefix}.index") as file:
        file.write(table.build(entries))


def _entry_message(array: Array, place: int, raw: bytes) -> bytes:
    shape = b"".join(wire.field(2, wire.field(1, n)) for n in array.shape)
    checksum = wire.field(6, mask(crc32c(raw)), wire.FIXED32)
    head = wire.field(1, NUMBERS[array.dtype.name]) + wire.field(2, shape)
    return head + wire.field(4, place) + wire.field(5, len(raw)) + checksum


def _read_bundle(
    path: Path, header: dict[int, list[Any]], records: Iterator[tuple[bytes, memoryview]], budget: Budget
) -> Weights:
    if wire.number(header, 2) != 0:
        raise Damaged("its numbers are big-endian, which is not read")
    whole: dict[str, _Entry] = {}
    parts: dict[str, list[_Entry]] = {}
    for key, value in records:
        entry = _entry(wire.message(value))
        if key.startswith(b"\0"):
            parts.setdefault(_part_name(key), []).append(entry)
        else:
            whole[wire.text(key)] = entry
    used = {entry.shard for entry in (*whole.values(), *(e for each in parts.values() for e in each))}
    for name, entry in whole.items():
        if entry.dtype is not None:
            budget.take(name, entry.shape, itemsize(entry.dtype))
    shards = _Shards(path, wire.number(header, 1), used, budget)
    found = {}
    for name, entry in whole.items():
        if entry.dtype is None:
            continue
        if entry.parts:
            found[name] = _joined(name, entry, parts.get(name, []), shards)
        else:
            found[name] = shards.read(name, entry)
    return found


class _Shards:
    """The data files."""

    def __init__(self, path: Path, count: int, used: set[int], budget: Budget) -> None:
        prefix = path.name.removesuffix(".index")
        self._data: dict[int, memoryview] = {}
        for i in sorted(used):
            if i >= count:
                raise Damaged(f"a variable refers to data file {i} of {count}")
            file = path.with_name(f"{prefix}.data-{i:05d}-of-{count:05d}")
            if not file.is_file():
                raise Damaged(f"its data file {file.name} is missing")
            self._data[i] = mapped(file)
        self._budget = budget

    def read(self, name: str, entry: _Entry) -> Array:
        if entry.dtype is None:
            raise Damaged(f"'{name}' holds text")
        data = self._data[entry.shard]
        end = entry.offset + entry.size
        size = math.prod(entry.shape) * itemsize(entry.dtype)
        if end > len(data) or size != entry.size:
            raise Damaged(
                f"'{name}' of type {entry.dtype}{list(entry.shape)} is said to be bytes {entry.offset} to {end} "
                f"of a data file of {len(data)}"
            )
        raw = data[entry.offset : end]
        self._budget.work(name, size // _CHECKED)
        if crc32c(raw) != unmask(entry.checksum):
            raise Damaged(f"'{name}' does not match its checksum")
        return from_raw(name, raw, entry.dtype, entry.shape)


def _entry(found: dict[int, list[Any]]) -> _Entry:
    code = wire.number(found, 1)
    dtype = None if code == _STRING else _dtype(code)
    shape = _shape(wire.parts(found, 2))
    shard, offset, size, checksum = (wire.number(found, field) for field in (3, 4, 5, 6))
    return _Entry(dtype, shape, shard, offset, size, checksum, [_slice(part) for part in wire.parts(found, 7)])


def _part_name(key: bytes) -> str:
    """The variable's name in the key of a part: a zero, the name, with zeros and 255s escaped, and a mark."""
    name, mark, _ = key[1:].replace(b"\0\xff", b"\0").replace(b"\xff\0", b"\xff").partition(b"\0\1")
    if not mark:
        raise Damaged("the key of a part of a variable is cut off")
    return wire.text(name)


def _joined(name: str, entry: _Entry, parts: list[_Entry], shards: _Shards) -> Array:
    """Sort key of the parts: by their starts."""
    slices = sorted(entry.parts, key=lambda part: [start for start, _ in part.extents])
    if len(parts) != len(slices) or any(p.dtype != entry.dtype for p in parts):
        raise Damaged(f"'{name}' is in {len(slices)} parts, but {len(parts)} were found")
    found = [(each, shards.read(name, part)) for each, part in zip(slices, parts, strict=True)]
    return _assembled(name, entry.shape, found)


# the first kind


def _read_first_kind(
    header: dict[int, list[Any]], records: Iterator[tuple[bytes, memoryview]], budget: Budget
) -> Weights:
    shapes: dict[str, tuple[int, ...]] = {}
    dtypes: dict[str, str | None] = {}
    for described in (wire.message(m) for meta in wire.parts(header, 1) for m in wire.parts(wire.message(meta), 1)):
        name = _name(described)
        code = wire.number(described, 3)
        dtypes[name] = None if code == _STRING else _dtype(code)
        shapes[name] = _shape(wire.parts(described, 2))
    found: dict[str, list[tuple[SliceSpec, Array]]] = {name: [] for name, dtype in dtypes.items() if dtype is not None}
    for _, value in records:
        for saved in map(wire.message, wire.parts(wire.message(value), 2)):
            name = _name(saved)
            if name in found:
                part = _slice((wire.parts(saved, 2) or [memoryview(b"")])[-1])
                numbers = _numbers(name, (wire.parts(saved, 3) or [memoryview(b"")])[-1], dtypes[name] or "", budget)
                found[name].append((part, numbers))
    return {name: _assembled(name, shapes[name], parts) for name, parts in found.items()}


def _name(found: dict[int, list[Any]]) -> str:
    names = wire.parts(found, 1)
    if not names:
        raise Damaged("a variable has no name")
    return wire.text(names[-1])


_CONTENT, _HALVES = 4, 13
_FIELDS = {
    "float32": 5, "float64": 6, "complex64": 9, "int64": 10, "bool": 11, "complex128": 12, "uint32": 16, "uint64": 17,
}  # fmt: skip
_FIXED = {"float32": 4, "float64": 8, "complex64": 4, "complex128": 8}  # bytes of each value in the field
_SMALL_INTEGERS = 7


def _numbers(name: str, data: memoryview, dtype: str, budget: Budget) -> Array:
    """The elements of a TensorProto (tensorflow/core/framework/tensor.proto), flat."""
    found = wire.message(data)
    if content := wire.parts(found, _CONTENT):
        return _flat(name, content[-1], dtype)
    field = _HALVES if dtype in ("float16", "bfloat16") else _FIELDS.get(dtype, _SMALL_INTEGERS)
    values = found.get(field, [])
    if size := _FIXED.get(dtype):
        raw = b"".join(v if isinstance(v, memoryview) else v.to_bytes(8, "little")[:size] for v in values)
        budget.take(name, (len(raw),), 1)
        return _flat(name, raw, dtype)
    raw = b"".join(v if isinstance(v, memoryview) else wire.as_varint(v) for v in values)
    budget.take(name, (len(raw),), 8)
    bits = wire.packed(raw)
    if field == _HALVES:
        return from_raw(name, bits.astype("<u2").tobytes(), dtype, bits.shape)
    return bits.astype(np.bool_ if dtype == "bool" else dtype)


def _flat(name: str, raw: Any, dtype: str) -> Array:
    return from_raw(name, raw, dtype, (len(raw) // itemsize(dtype),))


# both


def _dtype(code: int) -> str:
    if code not in _DTYPES:
        raise Damaged(f"numbers of TensorFlow's type {code} are not read")
    return _DTYPES[code]


def _shape(described: list[memoryview]) -> tuple[int, ...]:
    dims = [d for each in described for d in wire.parts(wire.message(each), 2)]
    return tuple(wire.signed(wire.number(wire.message(d), 1)) for d in dims)


def _slice(data: memoryview) -> SliceSpec:
    extents = []
    for extent in map(wire.message, wire.parts(wire.message(data), 1)):
        size = wire.signed(wire.number(extent, 2)) if 2 in extent else None
        extents.append((wire.signed(wire.number(extent, 1)), size))
    return SliceSpec(tuple(extents))


def _assembled(name: str, shape: tuple[int, ...], parts: list[tuple[SliceSpec, Array]]) -> Array:
    """Join the parts, of flat or full shape, into the variable. Raises Damaged if they do not fill it."""
    if not parts or sum(a.size for _, a in parts) != math.prod(shape):
        raise Damaged(f"'{name}' of shape {list(shape)} is incomplete")
    whole = np.empty(shape, parts[0][1].dtype)
    filled = np.zeros(shape, np.bool_)
    for part, array in parts:
        target = part.within(shape)
        size = tuple(s.stop - s.start for s in target)
        if math.prod(size) != array.size:
            raise Damaged(f"a part of '{name}' has {array.size} elements, not {math.prod(size)}")
        whole[target] = array.reshape(size)
        filled[target] = True
    if not filled.all():
        raise Damaged(f"the parts of '{name}' overlap")
    return whole
