"""HDF5 weights: of Keras 1 and 2 (weight files and whole models), and other HDF5 files.

h5py reads the files. In Keras's files a weight has the name from its layer, without ":0"; in other files, the path of
its data set. External data and links are not read.
"""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from minigraph.core.errors import InvalidArgumentError, MissingPackageError
from minigraph.formats.arrays import Array, Weights, is_number, native
from minigraph.util.read_budget import Budget, Damaged

HEAD = b"\x89HDF\r\n\x1a\n"
_MOST_PACKED = 1032  # deflate's bound: a match of 258 bytes may take as little as 2 bits
_FLETCHER = 4  # bytes of a checksum behind a chunk
_PIECE = 1 << 20
_ATTRIBUTE = 64_000  # bytes that an attribute may have, about


def is_hdf5(path: Path, head: bytes) -> bool:
    return head.startswith(HEAD)


def read_hdf5(path: Path) -> Weights:
    """The arrays by name. Raises Damaged, MissingPackageError."""
    h5py = h5py_module()
    try:
        with h5py.File(path, "r") as file:
            budget = Budget(path.stat().st_size)
            root = file.get("model_weights", file)
            keras = {"layer_names", "layer_names0"} & set(root.attrs)
            sets: dict[str, Any] = {}
            for name, data in _keras_sets(h5py, root) if keras else _all_sets(h5py, root, "", budget, set()):
                if name in sets:
                    raise Damaged(f"two of its weights have the name '{name}'")
                take_array(h5py, name, data, budget)
                sets[name] = data
            return {name: read_array(name, data, budget) for name, data in sets.items()}
    except (OSError, RuntimeError, KeyError) as error:
        raise Damaged(str(error)) from None


def h5py_module() -> Any:
    """The package h5py. MissingPackageError if it is not installed."""
    try:
        import h5py
    except ImportError as error:
        raise MissingPackageError('HDF5 files need h5py: pip install "minigraph[hdf5]"') from error
    return h5py


def _keras_sets(h5py: Any, root: Any) -> Iterator[tuple[str, Any]]:
    for layer in group_texts(root, "layer_names"):
        group = group_member(h5py, root, layer)
        for weight in group_texts(group, "weight_names"):
            yield weight.removesuffix(":0"), group_member(h5py, group, weight)


def group_texts(group: Any, attribute: str) -> list[str]:
    """The texts in an attribute of a group, which may be split. Damaged if there are none."""
    keys = [attribute] if attribute in group.attrs else _numbered(group, attribute)
    values = [v for key in keys for v in np.asarray(group.attrs[key]).reshape(-1).tolist()]
    return [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values]


def _numbered(group: Any, attribute: str) -> list[str]:
    """An attribute's list. Keras splits a list that is too long for one attribute into name0, name1, …"""
    count = 0
    while f"{attribute}{count}" in group.attrs:
        count += 1
    if not count:
        raise Damaged(f"'{group.name}' has no attribute {attribute}")
    return [f"{attribute}{i}" for i in range(count)]


def group_member(h5py: Any, group: Any, path: str) -> Any:
    """The object at a path, through hard links only."""
    for part in path.strip("/").split("/"):
        if not isinstance(group, h5py.Group) or part in (".", "..") or part not in group:
            raise Damaged(f"there is no '{path}' in '{group.name}'")
        if not isinstance(group.get(part, getlink=True), h5py.HardLink):
            raise Damaged(f"'{path}' is a link, and links are not followed")
        group = group[part]
    return group


def _all_sets(h5py: Any, group: Any, prefix: str, budget: Budget, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """seen: the addresses of the groups visited; hard links can make a group a member of many."""
    address = h5py.h5o.get_info(group.id).addr
    if address in seen:
        raise Damaged(f"the group '{prefix}' has another name, too")
    seen.add(address)
    with budget.nested("its groups"):
        for key in group:
            budget.visit("its groups")
            item = group_member(h5py, group, key)
            if isinstance(item, h5py.Group):
                yield from _all_sets(h5py, item, f"{prefix}{key}/", budget, seen)
            else:
                yield prefix + key, item


def take_array(h5py: Any, name: str, data: Any, budget: Budget) -> None:
    """Ask the budget for a data set. Damaged if it holds no numbers, or lies in another file."""
    if not isinstance(data, h5py.Dataset) or data.shape is None:
        raise Damaged(f"'{name}' is not an array")
    if data.external or data.is_virtual:
        raise Damaged(f"'{name}' lies in another file, which is not read")
    if not is_number(np.empty(0, data.dtype)):
        raise Damaged(f"'{name}' holds {data.dtype}, which is not read")
    budget.visit("its data sets")
    budget.take(name, data.shape, data.dtype.itemsize)


def read_array(name: str, data: Any, budget: Budget) -> Array:
    """The array of a data set that the budget has allowed. HDF5 unpacks whole chunks, so they are looked at first."""
    if data.chunks and 0 not in data.shape:
        size = math.prod(data.chunks) * data.dtype.itemsize
        budget.check(f"a chunk of {name}", size)
        if data.compression is not None:
            _check_chunks(name, data, size, budget)
    return native(np.asarray(data[()]))


def _check_chunks(name: str, data: Any, size: int, budget: Budget) -> None:
    """Raise Damaged for a chunk that may unpack to more than the budget and, where gzip packed it, its size."""
    for index in range(data.id.get_num_chunks()):
        budget.visit("its chunks")
        chunk = data.id.get_chunk_info(index)
        if chunk.size * _MOST_PACKED <= max(size, budget.limit):
            continue
        if data.compression != "gzip":
            raise Damaged(f"a chunk of '{name}', packed by {data.compression}, may unpack to too much")
        _, packed = data.id.read_direct_chunk(chunk.chunk_offset)
        left, stream = size + _FLETCHER, zlib.decompressobj()
        while left >= 0 and packed and not stream.eof:
            left -= len(stream.decompress(packed, _PIECE))
            packed = stream.unconsumed_tail
        if left < 0:
            raise Damaged(f"a chunk of '{name}' unpacks to more than its {size:,} bytes")


def write_hdf5(file: BinaryIO, arrays: Mapping[str, Array]) -> None:
    """Write the file in Keras 2's layout. A layer's name is the part of a name before its last slash.

    Raises InvalidArgumentError for a name that HDF5 or Keras would change.
    """
    h5py = h5py_module()
    layers: dict[str, list[str]] = {}
    for name in arrays:
        if name.endswith(":0") or {"", ".", ".."} & set(name.split("/")):
            raise InvalidArgumentError(f"'{name}' cannot be the name of a weight in a Keras file")
        layers.setdefault(name.rpartition("/")[0] or name, []).append(name)
    content = io.BytesIO()
    with h5py.File(content, "w", track_order=True) as target:
        target.attrs["backend"] = b"tensorflow"
        set_group_texts(target, "layer_names", list(layers))
        for layer, names in layers.items():
            group = target.require_group(layer)
            set_group_texts(group, "weight_names", [f"{name}:0" for name in names])
            for name in names:
                group.create_dataset(f"{name}:0", data=arrays[name])
    file.write(content.getbuffer())


def set_group_texts(group: Any, attribute: str, texts: Sequence[str]) -> None:
    """Write an attribute of texts, split as Keras does if it is too long for one."""
    encoded = [text.encode("utf-8") for text in texts]
    width = max([1, *map(len, encoded)])
    most = max(_ATTRIBUTE // width, 1)
    if len(encoded) <= most:
        group.attrs[attribute] = np.array(encoded, f"S{width}")
        return
    for i in range(0, len(encoded), most):
        group.attrs[f"{attribute}{i // most}"] = np.array(encoded[i : i + most], f"S{width}")
