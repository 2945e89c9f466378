"""Sorted string tables: LevelDB's files of keys and values (its doc/table_format.md), which TensorFlow uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from minigraph.formats.tensorflow.crc32c import crc32c, mask, unmask
from minigraph.formats.tensorflow.wire import as_varint, varint
from minigraph.util.read_budget import Budget, Damaged

MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
_FOOTER, _TRAILER = 48, 5
_LONGEST_KEY = 4096
_BLOCK, _RESTART = 4096, 16


def entries(data: memoryview, budget: Budget) -> Iterator[tuple[bytes, memoryview]]:
    """Keys, ascending, and values. Raises Damaged for a truncated, corrupt or compressed table."""
    if len(data) < _FOOTER or bytes(data[-8:]) != MAGIC:
        raise Damaged("the end of the table is missing")
    footer = data[-_FOOTER:]
    _, _, at = _handle(footer, 0)  # of the metaindex, which is empty
    start, size, _ = _handle(footer, at)
    last, free = b"", 0
    for i, (_, value) in enumerate(_block(data, start, size)):
        place, length, _ = _handle(value, 0)
        if place < free:
            raise Damaged("the blocks of the table overlap")
        free = place + length
        for j, (key, content) in enumerate(_block(data, place, length)):
            if (i or j) and key <= last:
                raise Damaged("the keys of the table are not in order")
            last = key
            budget.visit("its table")
            budget.take("a key", (len(key),), 1)
            yield key, content


def build(records: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The file of records whose keys are in ascending order."""
    out, index, block = bytearray(), [], []  # type: bytearray, list[tuple[bytes, bytes]], list[tuple[bytes, bytes]]
    size = 0
    for key, value in records:
        block.append((key, value))
        size += len(key) + len(value)
        if size >= _BLOCK:
            index.append((key, _add_block(out, block)))
            block, size = [], 0
    if block:
        index.append((block[-1][0], _add_block(out, block)))
    handles = _add_block(out, []) + _add_block(out, index)
    return bytes(out) + handles.ljust(_FOOTER - len(MAGIC), b"\0") + MAGIC


def _add_block(out: bytearray, records: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Append a block; its handle. Every 16th key is whole, the others leave out what they share with the one before."""
    body, restarts, last = bytearray(), [], b""  # type: bytearray, list[int], bytes
    for i, (key, value) in enumerate(records):
        shared = 0
        if i % _RESTART:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        else:
            restarts.append(len(body))
        body += as_varint(shared) + as_varint(len(key) - shared) + as_varint(len(value)) + key[shared:] + value
        last = key
    for place in restarts or [0]:
        body += place.to_bytes(4, "little")
    body += len(restarts or [0]).to_bytes(4, "little")
    handle = as_varint(len(out)) + as_varint(len(body))
    kind = b"\0"  # not compressed
    out += body + kind + mask(crc32c(bytes(body) + kind)).to_bytes(4, "little")
    return handle


def _handle(data: memoryview, at: int) -> tuple[int, int, int]:
    start, at = varint(data, at)
    size, at = varint(data, at)
    return start, size, at


def _block(data: memoryview, start: int, size: int) -> Iterator[tuple[bytes, memoryview]]:
    end = start + size
    if end + _TRAILER > len(data) - _FOOTER:
        raise Damaged("a block of the table lies outside of the file")
    stored = int.from_bytes(data[end + 1 : end + _TRAILER], "little")
    if crc32c(data[start : end + 1]) != unmask(stored):
        raise Damaged("a block of the table does not match its checksum")
    if data[end] != 0:
        raise Damaged("a block of the table is compressed, which is not read")
    block = data[start:end]
    restarts = int.from_bytes(block[-4:], "little") if size >= 4 else 0
    stop = size - 4 * (restarts + 1)
    if stop < 0 or size < 4:
        raise Damaged("a block of the table is cut off")
    return _records(block[:stop])


def _records(block: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    key, at = b"", 0
    while at < len(block):
        shared, at = varint(block, at)
        own, at = varint(block, at)
        size, at = varint(block, at)
        if shared > len(key) or own + size > len(block) - at or shared + own > _LONGEST_KEY:
            raise Damaged("a record of the table is cut off")
        key = key[:shared] + bytes(block[at : at + own])
        at += own
        yield key, block[at : at + size]
        at += size
