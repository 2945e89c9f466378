"""minigraph.ops.random.philox against published vectors, a plain-Python Philox and the statistics of its distributions.

TensorFlow 1.15.5's own values are among the recordings in ``goldens/``.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.needed import needed
from support.paths import GOLDENS

import minigraph as tf
from minigraph.ops.random import philox

stats = needed("scipy.stats")

Distribution = Callable[[int, int, int, int, Any], np.ndarray]

U64 = st.integers(0, 2**64 - 1)
OFFSETS = st.integers(0, 2**63)
FLOATS = [np.float32, np.float64]
RECORDED = GOLDENS / "tf1.npz"


def block(counter: list[int], key: list[int]) -> list[int]:
    """Philox 4x32-10 of one counter, as the paper writes it; the oracle."""
    c, k = list(counter), list(key)
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * c[0], 2**32)
        high1, low1 = divmod(0xCD9E8D57 * c[2], 2**32)
        c = [high1 ^ c[1] ^ k[0], low1, high0 ^ c[3] ^ k[1], low0]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
    return c


def words_at(low: int, key: int, stream: int) -> list[int]:
    return block([low % 2**32, low >> 32, stream % 2**32, stream >> 32], [key % 2**32, key >> 32])


def to_float32(word: int) -> float:
    return float(struct.unpack("<f", struct.pack("<I", 127 << 23 | word % 2**23))[0]) - 1.0


def to_float64(first: int, second: int) -> float:
    return float(struct.unpack("<d", struct.pack("<Q", 1023 << 52 | (first % 2**20) << 32 | second))[0]) - 1.0


def normal_pair(u: float, v: float) -> list[float]:
    radius = math.sqrt(-2 * math.log(max(u, 1e-7)))
    return [math.sin(2 * math.pi * v) * radius, math.cos(2 * math.pi * v) * radius]


def normals_at(low: int, key: int, stream: int, dtype: Any) -> list[float]:
    w = words_at(low, key, stream)
    if dtype is np.float32:
        return normal_pair(to_float32(w[0]), to_float32(w[1])) + normal_pair(to_float32(w[2]), to_float32(w[3]))
    return normal_pair(to_float64(w[0], w[1]), to_float64(w[2], w[3]))


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
)
def test_known_answers(counter: list[int], key: list[int], expected: list[int]) -> None:
    """The vectors of kat_vectors in Random123, the paper's reference implementation."""
    assert block(counter, key) == expected
    got = philox.raw(1, key[0] | key[1] << 32, counter[2] | counter[3] << 32, counter[0] | counter[1] << 32)
    assert got.tolist() == [expected]


@given(st.integers(0, 9), U64, U64, OFFSETS)
def test_raw_is_the_plain_loop(blocks: int, key: int, stream: int, offset: int) -> None:
    expected = [words_at(offset + i, key, stream) for i in range(blocks)]
    got = philox.raw(blocks, key, stream, offset)
    assert got.dtype == np.uint32
    assert got.shape == (blocks, 4)
    assert got.tolist() == expected


@given(st.integers(0, 9), U64, U64, OFFSETS)
def test_uniform_is_the_plain_loop(count: int, key: int, stream: int, offset: int) -> None:
    words = [w for i in range(5) for w in words_at(offset + i, key, stream)]
    assert philox.uniform(count, key, stream, offset, np.float32).tolist() == [to_float32(w) for w in words][:count]
    pairs = zip(words[::2], words[1::2], strict=True)
    assert philox.uniform(count, key, stream, offset, np.float64).tolist() == [to_float64(*p) for p in pairs][:count]


@pytest.mark.parametrize("dtype", FLOATS)
@given(count=st.integers(0, 9), key=U64, stream=U64, offset=OFFSETS)
def test_normal_is_the_plain_loop(dtype: Any, count: int, key: int, stream: int, offset: int) -> None:
    expected = [x for i in range(5) for x in normals_at(offset + i, key, stream, dtype)][:count]
    got = philox.normal(count, key, stream, offset, dtype)
    assert got.dtype == dtype
    assert got.shape == (count,)
    np.testing.assert_allclose(got, expected, rtol=0, atol=32 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", FLOATS)
@given(count=st.integers(0, 9), key=U64, stream=U64, offset=OFFSETS)
def test_truncated_normal_is_the_plain_loop(dtype: Any, count: int, key: int, stream: int, offset: int) -> None:
    size = 4 if dtype is np.float32 else 2
    expected: list[float] = []
    while len(expected) < count:
        low = offset + len(expected) * 64
        accepted: list[float] = []
        while len(accepted) < size:
            accepted += [x for x in normals_at(low, key, stream, dtype) if abs(x) < 2]
            low += 1
        expected += accepted[:size]
    got = philox.truncated_normal(count, key, stream, offset, dtype)
    assert got.dtype == dtype
    assert got.shape == (count,)
    np.testing.assert_allclose(got, expected[:count], rtol=0, atol=32 * np.finfo(dtype).eps)


@given(st.data(), st.integers(0, 9), U64, U64, OFFSETS, st.sampled_from([np.int32, np.int64]))
def test_uniform_int_is_the_plain_loop(
    data: st.DataObject, count: int, key: int, stream: int, offset: int, dtype: Any
) -> None:
    bounds = np.iinfo(dtype)
    low = data.draw(st.integers(int(bounds.min), int(bounds.max) - 1))
    high = data.draw(st.integers(low + 1, int(bounds.max)))
    words = [w for i in range(5) for w in words_at(offset + i, key, stream)]
    bits = words if dtype is np.int32 else [a | b << 32 for a, b in zip(words[::2], words[1::2], strict=True)]
    got = philox.uniform_int(count, key, stream, offset, low, high, dtype)
    assert got.dtype == dtype
    assert got.tolist() == [low + b % (high - low) for b in bits][:count]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("distribution", [philox.uniform, philox.normal, philox.truncated_normal])
@settings(max_examples=20)
@given(count=st.integers(0, 40_000), more=st.integers(0, 20_000))
def test_prefix_does_not_depend_on_count(distribution: Distribution, dtype: Any, count: int, more: int) -> None:
    whole = distribution(count + more, 7, 3, 5, dtype)
    np.testing.assert_array_equal(distribution(count, 7, 3, 5, dtype), whole[:count])


@settings(max_examples=20)
@given(blocks=st.integers(0, 12_000), skip=st.integers(0, 12_000))
def test_offset_skips_whole_blocks(blocks: int, skip: int) -> None:
    np.testing.assert_array_equal(philox.raw(blocks, 7, 3, 100 + skip), philox.raw(skip + blocks, 7, 3, 100)[skip:])


def test_runs_continue_after_the_reserved_counters() -> None:
    assert [philox.reserved(count) for count in (0, 1, 6)] == [0, 256, 6 * 256]


def test_results_do_not_share_memory() -> None:
    first = philox.uniform(8, 7, 3, 0, np.float32)
    copy = first.copy()
    philox.uniform(8, 8, 3, 0, np.float32)
    np.testing.assert_array_equal(first, copy)


@pytest.mark.parametrize(
    ("case", "distribution", "key", "stream", "count", "dtype"),
    [
        ("normal_graph_seed", philox.normal, 7, 3, 5, np.float32),
        ("normal_op_seed", philox.normal, 87654321, 42, 6, np.float32),
        ("normal_both_seeds", philox.normal, 7, 42, 5, np.float32),
        ("normal_float64", philox.normal, 7, 3, 5, np.float64),
        ("normal_zero_seeds", philox.normal, 0, 2**31 - 1, 3, np.float32),
        ("normal_many", philox.normal, 7, 3, 70001, np.float32),
        ("uniform_graph_seed", philox.uniform, 7, 3, 5, np.float32),
        ("uniform_both_seeds", philox.uniform, 7, 42, 9, np.float32),
        ("uniform_float64", philox.uniform, 7, 3, 5, np.float64),
        ("uniform_many", philox.uniform, 7, 3, 70001, np.float32),
        ("truncated_graph_seed", philox.truncated_normal, 7, 3, 5, np.float32),
        ("truncated_float64", philox.truncated_normal, 7, 3, 5, np.float64),
        ("truncated_many", philox.truncated_normal, 7, 3, 20001, np.float32),
    ],
)
def test_tensorflow_values(
    case: str, distribution: Distribution, key: int, stream: int, count: int, dtype: Any
) -> None:
    """Three runs in one session: each starts where the counters reserved by the one before end."""
    with np.load(RECORDED) as file:
        runs = file[f"random_{case}|runs"]
    for i, want in enumerate(runs.reshape(len(runs), -1)):
        got = distribution(count, key, stream, i * philox.reserved(count), dtype)[-len(want) :]
        if distribution is philox.uniform:
            np.testing.assert_array_equal(got, want)
        else:
            np.testing.assert_array_max_ulp(got, want, maxulp=4)


def test_tensorflow_integers() -> None:
    with np.load(RECORDED) as file:
        runs32, runs64 = file["random_int32|runs"], file["random_int64|runs"]
    for i in range(3):
        offset = i * philox.reserved(7)
        np.testing.assert_array_equal(philox.uniform_int(7, 7, 3, offset, 0, 10, np.int32), runs32[i])
        np.testing.assert_array_equal(philox.uniform_int(7, 7, 3, offset, -100, 100, np.int64), runs64[i])


@pytest.mark.parametrize("dtype", FLOATS)
def test_distributions(dtype: Any) -> None:
    """Kolmogorov-Smirnov; the values are fixed, so this cannot fail by chance."""
    count = 50_000
    uniform = philox.uniform(count, 1, 2, 0, dtype)
    assert 0 <= uniform.min() <= uniform.max() < 1
    assert stats.kstest(uniform, "uniform").pvalue > 0.01
    assert stats.kstest(philox.normal(count, 1, 2, 0, dtype), "norm").pvalue > 0.01
    truncated = philox.truncated_normal(count, 1, 2, 0, dtype)
    assert np.abs(truncated).max() < 2
    assert stats.kstest(truncated, stats.truncnorm(-2, 2).cdf).pvalue > 0.01
    assert abs(float(truncated.std()) - 0.8796) < 0.01


def test_smallest_uniform_gives_a_finite_normal() -> None:
    """u = 0 occurs once in 2**23 float32 values; its logarithm is taken at 1e-7."""
    assert np.isfinite(philox._box_muller(np.zeros((1, 4), np.float32))).all()


@pytest.mark.parametrize(("low", "high"), [(3, 3), (4, 3), (-(2**31) - 1, 0), (0, 2**31)])
def test_uniform_int_refuses_bad_bounds(low: int, high: int) -> None:
    with pytest.raises(ValueError, match="low < high"):
        philox.uniform_int(4, 7, 3, 0, low, high, np.int32)


def test_other_dtypes_are_refused() -> None:
    with pytest.raises(TypeError, match="float32 or float64"):
        philox.uniform(4, 7, 3, 0, np.int32)
    with pytest.raises(TypeError, match="int32 or int64"):
        philox.uniform_int(4, 7, 3, 0, 0, 5, np.float32)


def test_float16_draws_tensorflows_numbers() -> None:
    """The bits were recorded from TensorFlow 1.15.5, with graph seed 7."""
    wanted = {
        tf.random_uniform: [14770, 11296, 14800, 14368, 14748, 15280, 14280],
        tf.random_normal: [15247, 48060, 14961, 15671, 13024, 47585, 15120],
        tf.truncated_normal: [15247, 48060, 14961, 15671, 45824, 47728, 45356],
    }
    for function, bits in wanted.items():
        with tf.Graph().as_default(), tf.Session() as session:
            tf.set_random_seed(7)
            assert session.run(function([7], dtype=tf.float16)).view(np.uint16).tolist() == bits
