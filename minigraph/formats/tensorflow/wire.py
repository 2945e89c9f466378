"""Protocol buffers' wire format, as far as checkpoints need it (protobuf.dev, "Encoding")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minigraph.util.read_budget import Damaged

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_LONGEST = 10  # bytes of a number
_MOST_FIELDS = 1 << 17  # numbers of a tensor are packed into one field
Field = tuple[int, Any]


def varint(data: memoryview, at: int) -> tuple[int, int]:
    """The number below 2⁶⁴ that starts at `at`, and the position after it. Raises Damaged."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
    raise Damaged("a number is cut off")


def packed(data: bytes) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """The numbers below 2⁶⁴ that follow each other. Raises Damaged."""
    raw = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(raw < 0x80)
    if raw.size and (not ends.size or ends[-1] != raw.size - 1):
        raise Damaged("a number is cut off")
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1])[: ends.size]
    longest = int((ends - starts).max(initial=-1)) + 1
    if longest > _LONGEST:
        raise Damaged("a number is too long")
    found = np.zeros(ends.size, np.uint64)
    for place in range(longest):
        there = np.flatnonzero(starts + place <= ends)
        found[there] |= (raw[starts[there] + place] & np.uint8(0x7F)).astype(np.uint64) << np.uint64(7 * place)
    return found


def signed(value: int) -> int:
    """A varint as an int64."""
    return value - (1 << 64) if value >> 63 else value


def fields(data: memoryview) -> Iterator[Field]:
    """The fields of a message: number and value (an int or bytes). Raises Damaged."""
    at = count = 0
    while at < len(data):
        count += 1
        if count > _MOST_FIELDS:
            raise Damaged(f"a message has more than {_MOST_FIELDS:,} fields")
        key, at = varint(data, at)
        kind = key & 7
        if kind == VARINT:
            value, at = varint(data, at)
            yield key >> 3, value
            continue
        if kind == BYTES:
            size, at = varint(data, at)
        elif kind in (FIXED32, FIXED64):
            size = 4 if kind == FIXED32 else 8
        else:
            raise Damaged(f"there is no wire type {kind}")
        if size > len(data) - at:
            raise Damaged("a field is cut off")
        piece = data[at : at + size]
        yield key >> 3, piece if kind == BYTES else int.from_bytes(piece, "little")
        at += size


def message(data: memoryview) -> dict[int, list[Any]]:
    """The values of a message by field number."""
    found: dict[int, list[Any]] = {}
    for number, value in fields(data):
        found.setdefault(number, []).append(value)
    return found


def number(found: dict[int, list[Any]], field: int, default: int = 0) -> int:
    """The last int of a field. Raises Damaged if it is not an int."""
    value = found.get(field, [default])[-1]
    if not isinstance(value, int):
        raise Damaged(f"field {field} is not a number")
    return value


def parts(found: dict[int, list[Any]], field: int) -> list[memoryview]:
    """The values of a field of bytes, text or messages. Raises Damaged if one is a number."""
    values = found.get(field, [])
    if any(isinstance(v, int) for v in values):
        raise Damaged(f"field {field} is a number")
    return values


def as_varint(value: int) -> bytes:
    """The bytes of a number of at least 0."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number: int, value: int | bytes, kind: int | None = None) -> bytes:
    """A field of a message: a number, of 32 bits if `kind` is FIXED32, or bytes. Numbers that are 0 are left out."""
    if isinstance(value, bytes):
        return as_varint(number << 3 | BYTES) + as_varint(len(value)) + value
    if not value:
        return b""
    if kind == FIXED32:
        return as_varint(number << 3 | FIXED32) + value.to_bytes(4, "little")
    return as_varint(number << 3 | VARINT) + as_varint(value)


def text(data: Any) -> str:
    """Decode UTF-8. Raises Damaged."""
    try:
        return bytes(data).decode("utf-8")
    except UnicodeDecodeError:
        raise Damaged("a name is not UTF-8") from None
