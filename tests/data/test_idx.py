"""IDX files: round trips, hand-made bytes, and every kind of damage."""

from __future__ import annotations

import gzip
import os
import re
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from minigraph.core.errors import DataLossError, NotFoundError
from minigraph.data.idx import read_idx, write_idx

DTYPES = ["u1", "i1", "i2", "i4", "f4", "f8"]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@settings(max_examples=60)
@given(
    array=st.sampled_from([order + dtype for dtype in DTYPES for order in "<>"]).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
    ),
    zipped=st.booleans(),
    flipped=st.booleans(),
)
def test_round_trip(folder: Path, array: NDArray[Any], zipped: bool, flipped: bool) -> None:
    given_array = array.T if flipped else array  # not C-contiguous
    path = folder / ("a.gz" if zipped else "a")
    write_idx(path, given_array)
    back = read_idx(path)
    assert back.dtype == given_array.dtype.newbyteorder("=")
    assert back.dtype.isnative
    assert back.shape == given_array.shape
    assert back.flags.writeable
    assert back.tobytes() == given_array.astype(back.dtype).tobytes()  # NaNs too
    assert (path.read_bytes()[:2] == b"\x1f\x8b") is zipped


@pytest.mark.parametrize(
    ("code", "pack", "dtype"),
    [(8, "B", "u1"), (9, "b", "i1"), (0xB, "h", "i2"), (0xC, "i", "i4"), (0xD, "f", "f4"), (0xE, "d", "f8")],
)
def test_bytes_by_hand(tmp_path: Path, code: int, pack: str, dtype: str) -> None:
    data = struct.pack(f">4B2I6{pack}", 0, 0, code, 2, 2, 3, *range(6))
    path = tmp_path / "a"
    expected = np.arange(6, dtype=dtype).reshape(2, 3)
    write_idx(path, expected)
    assert path.read_bytes() == data
    np.testing.assert_array_equal(read_idx(path), expected, strict=True)


def test_gzip_is_told_by_content_and_has_no_time(tmp_path: Path) -> None:
    write_idx(tmp_path / "a.gz", np.arange(5, dtype=np.uint8))
    first = (tmp_path / "a.gz").read_bytes()
    assert first[4:8] == b"\0\0\0\0"
    assert not first[3]
    os.rename(tmp_path / "a.gz", tmp_path / "a")
    assert read_idx(tmp_path / "a").tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("zipped", [False, True])
def test_truncation_at_every_byte(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / ("a.gz" if zipped else "a")
    write_idx(path, np.arange(60, dtype=np.int16).reshape(3, 4, 5))
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(DataLossError, match=str(path)) as caught:
            read_idx(path)
        assert "expected" in str(caught.value)
        assert "got" in str(caught.value)


@settings(max_examples=100)
@given(data=st.data())
def test_a_changed_gzip_never_gives_another_array(folder: Path, data: st.DataObject) -> None:
    path = folder / "changed.gz"
    array = np.arange(100, dtype=np.float32).reshape(10, 10)
    write_idx(path, array)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        back = read_idx(path)
    except DataLossError:
        return
    np.testing.assert_array_equal(back, array, strict=True)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"expected a 4-byte magic number \(4 bytes\), got 0 bytes"),
        (b"<!DOCTYPE html>", "got 3c 21 44 4f"),
        (b"\0\0\x0a\x01\0\0\0\1x", "got 00 00 0a 01"),
        (b"\0\1\x08\x01\0\0\0\1x", "got 00 01 08 01"),
        (b"\0\0\x08\xff" + b"\0\0\0\1" * 255 + b"x", "expected at most 32 dimensions, got 255"),
        (b"\0\0\x08\x01\0\0\0\3xx", r"expected 3 bytes of data for uint8 \[3\], got 2"),
        (b"\0\0\x08\x01\0\0\0\3xxxxx", "expected the file to end after 3 bytes of data .* got 2 more"),
        (b"\0\0\x0e\x20" + b"\xff" * 128 + b"x", "got a file of 133 bytes"),
        (b"\0\0\x08\x01\xff\xff\xff\xff", r"expected 4294967295 bytes .* got a file of 8 bytes"),
        (b"\0\0\x0e\x05\0\0\0\0" + b"\xff" * 16, "which is impossible"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_damage(tmp_path: Path, data: bytes, message: str, zipped: bool) -> None:
    path = tmp_path / "a"
    path.write_bytes(gzip.compress(data) if zipped else data)
    with pytest.raises(DataLossError, match=str(path)) as caught:
        read_idx(path)
    assert zipped or re.search(message, str(caught.value))


def test_trailing_bytes_after_gzip(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    write_idx(path, np.arange(5, dtype=np.uint8))
    path.write_bytes(path.read_bytes() + b"junk")
    with pytest.raises(DataLossError, match="expected a whole gzip stream"):
        read_idx(path)


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"none\.gz: no such file"):
        read_idx(tmp_path / "none.gz")


@pytest.mark.parametrize("dtype", ["bool", "u2", "i8", "f2", "c8", "U3", "O"])
def test_dtypes_that_idx_lacks(tmp_path: Path, dtype: str) -> None:
    with pytest.raises(ValueError, match=r"expected a dtype among uint8, .* got"):
        write_idx(tmp_path / "a", np.zeros(3, dtype))
    assert not os.listdir(tmp_path)
