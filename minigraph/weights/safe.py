"""safetensors files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from minigraph.weights.arrays import Array, Damaged, Weights, from_raw, mapped

_DTYPES = {
    "F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64", "I8": "int8", "I16": "int16",
    "I32": "int32", "I64": "int64", "U8": "uint8", "U16": "uint16", "U32": "uint32", "U64": "uint64", "BOOL": "bool",
}  # fmt: skip


def is_safetensors(path: Path, head: bytes) -> bool:
    """Whether the file starts with the length of a header that fits into it, and a JSON object."""
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= path.stat().st_size - 8


def read_safetensors(path: Path) -> Weights:
    """The arrays by name. Damaged."""
    from safetensors import SafetensorError, deserialize

    try:
        found = deserialize(bytes(mapped(path)))  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise Damaged(str(error)) from None
    arrays = {}
    for name, tensor in found:
        if tensor["dtype"] not in _DTYPES:
            raise Damaged(f"'{name}' holds numbers of type {tensor['dtype']}, which are not read")
        arrays[name] = from_raw(name, tensor["data"], _DTYPES[tensor["dtype"]], tensor["shape"])
    return arrays


def write_safetensors(file: BinaryIO, arrays: Mapping[str, Array]) -> None:
    """Write the file."""
    from safetensors.numpy import save

    file.write(save({name: np.ascontiguousarray(a).reshape(a.shape) for name, a in arrays.items()}))
