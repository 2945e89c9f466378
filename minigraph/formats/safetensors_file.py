"""Reader and writer of safetensors files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from minigraph.formats.arrays import Array, Weights, from_raw, mapped
from minigraph.util.read_budget import Damaged

_DTYPES = {
    "F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64", "I8": "int8", "I16": "int16",
    "I32": "int32", "I64": "int64", "U8": "uint8", "U16": "uint16", "U32": "uint32", "U64": "uint64", "BOOL": "bool",
}  # fmt: skip


def is_safetensors(path: Path, head: bytes) -> bool:
    """Whether the file starts with a valid header length and a JSON object."""
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= path.stat().st_size - 8


def read_safetensors(path: Path) -> Weights:
    """The arrays by name. Raises Damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            dtypes = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
            unread = [f"'{name}' holds numbers of type {kind}" for name, kind in dtypes.items() if kind not in _DTYPES]
            if unread:
                raise Damaged(f"{unread[0]}, which are not read")
            if "BF16" in dtypes.values():
                return _read_raw(path)
            return {name: file.get_tensor(name) for name in dtypes}
    except SafetensorError as error:
        raise Damaged(str(error)) from None


def _read_raw(path: Path) -> Weights:
    """The arrays of a file with dtypes that NumPy lacks."""
    from safetensors import deserialize

    found = deserialize(bytes(mapped(path)))  # type: ignore[no-untyped-call]
    return {name: from_raw(name, t["data"], _DTYPES[t["dtype"]], t["shape"]) for name, t in found}


def write_safetensors(file: BinaryIO, arrays: Mapping[str, Array]) -> None:
    """Write the file."""
    from safetensors.numpy import save

    file.write(save({name: np.ascontiguousarray(a).reshape(a.shape) for name, a in arrays.items()}))
