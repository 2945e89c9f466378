"""TFRecord files: what is written is read; damage is found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigraph as tf
from minigraph.formats.tensorflow import crc32c
from minigraph.formats.tensorflow.records import RecordWriter, read_records

TENSORFLOWS = "0300000000000000b099490e6162636e57f121000000000000000029039807d8ea82a2"


@pytest.mark.parametrize("compression", ["", "GZIP", "ZLIB"])
def test_records_come_back(tmp_path: Path, compression: str) -> None:
    records = [b"", b"a", bytes(range(256)) * 300]
    with RecordWriter(tmp_path / "r", compression) as writer:
        for record in records:
            writer.write(record)
    assert list(read_records(tmp_path / "r", compression)) == records


def test_a_file_of_tensorflow_is_read(tmp_path: Path) -> None:
    """Written by TensorFlow 1.15.5: the records b"abc" and b""."""
    (tmp_path / "r").write_bytes(bytes.fromhex(TENSORFLOWS))
    assert list(read_records(tmp_path / "r")) == [b"abc", b""]
    with RecordWriter(tmp_path / "own") as writer:
        writer.write(b"abc")
        writer.write(b"")
    assert (tmp_path / "own").read_bytes().hex() == TENSORFLOWS


def test_every_damaged_byte_is_found(tmp_path: Path) -> None:
    with RecordWriter(tmp_path / "r") as writer:
        writer.write(b"some data")
    whole = (tmp_path / "r").read_bytes()
    for place in range(len(whole)):
        (tmp_path / "r").write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with pytest.raises(tf.errors.DataLossError, match="record at 0"):
            list(read_records(tmp_path / "r"))
    for length in range(1, len(whole)):
        (tmp_path / "r").write_bytes(whole[:length])
        with pytest.raises(tf.errors.DataLossError, match="truncated record at 0"):
            list(read_records(tmp_path / "r"))
    with pytest.raises(FileNotFoundError):
        read_records(tmp_path / "none")
    with pytest.raises(tf.errors.InvalidArgumentError, match="unknown compression"):
        read_records(tmp_path / "r", "ZIP")


@given(st.binary(max_size=10_000))
def test_checksums_do_not_depend_on_the_library(data: bytes) -> None:
    given_up, crc32c._native = crc32c._native, None
    try:
        own = crc32c.crc32c(data)
    finally:
        crc32c._native = given_up
    assert crc32c.crc32c(data) == own
    assert crc32c.unmask(crc32c.mask(own)) == own


def test_the_checksum() -> None:
    """Values of RFC 3720, B.4, and a loop over bits."""
    assert crc32c.crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c.crc32c(bytes(range(32))) == 0x46DD794E
    data = np.random.default_rng(0).integers(0, 256, 10_007, np.uint8).tobytes()
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0x82F63B78 if register & 1 else 0)
    assert crc32c.crc32c(data) == register ^ 0xFFFFFFFF
