"""Sorted string tables: LevelDB's files of keys and values (its doc/table_format.md), which TensorFlow uses."""

from __future__ import annotations

from collections.abc import Iterator

from minigraph.formats.arrays import Damaged
from minigraph.formats.tensorflow.crc32c import crc32c, unmask
from minigraph.formats.tensorflow.wire import varint

MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
_FOOTER, _TRAILER = 48, 5
_LONGEST_KEY = 4096


def entries(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Keys, ascending, and values. Raises Damaged for a truncated, corrupt or compressed table."""
    if len(data) < _FOOTER or bytes(data[-8:]) != MAGIC:
        raise Damaged("the end of the table is missing")
    footer = data[-_FOOTER:]
    _, _, at = _handle(footer, 0)  # of the metaindex, which is empty
    start, size, _ = _handle(footer, at)
    last, budget = b"", len(data) + (64 << 20)
    for i, (_, value) in enumerate(_block(data, start, size)):
        for j, (key, content) in enumerate(_block(data, *_handle(value, 0)[:2])):
            if (i or j) and key <= last:
                raise Damaged("the keys of the table are not in order")
            last = key
            budget -= len(key)
            if budget < 0:
                raise Damaged("the keys of the table are too long")
            yield key, content


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
