"""Counter-based random numbers: Philox 4x32-10 with TensorFlow 1's CPU conventions.

Philox is from J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). A 128-bit counter and a
64-bit key give four independent 32-bit words, so any part of the sequence can be computed on its own. Here
the key is the graph seed, the upper half of the counter (``stream``) the op seed, and the lower half counts up from
``offset``, modulo 2**64. The distributions follow TensorFlow 1.15's ``random_distributions.h``: uniform and integer
values are equal bit for bit, normal values up to the last bits of the mathematics library.

Every function takes ``count`` (values wanted), ``key``, ``stream`` and ``offset``, and returns a flat array. A prefix
does not depend on ``count``. One counter makes four float32 or int32 values, or two float64 or int64 values, except
for `truncated_normal`, which rejects and therefore spaces its counters out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Words = npt.NDArray[np.uint32]
    Counters = npt.NDArray[np.uint64]

RESERVED_PER_VALUE = 256
"""Counters that one value of an op reserves, used or not (TensorFlow's ``ReserveRandomOutputs(count, 256)``)."""

_CHUNK = 8192  # counters at a time: the three [2, _CHUNK] temporaries stay in the L2 cache
_MASK32 = 0xFFFFFFFF
_MASK64 = 0xFFFFFFFFFFFFFFFF
MULTIPLIERS = np.array([[0xD2511F53], [0xCD9E8D57]], np.uint64)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
SMALLEST_UNIFORM = 1e-7  # the logarithm in Box-Muller sees nothing smaller


def reserved(count: int) -> int:
    """Number of counters one run of an op with ``count`` values moves on, so that the next run starts after them."""
    return RESERVED_PER_VALUE * count


def raw(blocks: int, key: int, stream: int, offset: int) -> Words:
    """The words of ``blocks`` consecutive counters: uint32 [blocks, 4]."""
    out = np.empty((blocks, 4), np.uint32)
    for start, words in _chunks(blocks, key, stream, offset):
        out[start : start + len(words)] = words
    return out


def uniform(count: int, key: int, stream: int, offset: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Uniform values in [0, 1) of ``dtype`` float16 (10 random bits), float32 (23) or float64 (52): [count]."""
    kind = _float_type(dtype)
    out = np.empty(count, kind)
    per_block = _per_block(kind)
    for start, words in _chunks(-(-count // per_block), key, stream, offset):
        values = _unit_interval(words, kind).reshape(-1)
        part = out[start * per_block : start * per_block + values.size]
        part[...] = values[: part.size]
    return out


def normal(count: int, key: int, stream: int, offset: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Standard normal values of ``dtype``: [count]. Those of float16 are rounded from float32."""
    kind = _float_type(dtype)
    if kind == np.float16:
        return normal(count, key, stream, offset, np.float32).astype(kind)
    out = np.empty(count, kind)
    per_block = _per_block(kind)
    for start, words in _chunks(-(-count // per_block), key, stream, offset):
        values = _box_muller(_unit_interval(words, kind)).reshape(-1)
        part = out[start * per_block : start * per_block + values.size]
        part[...] = values[: part.size]
    return out


def truncated_normal(count: int, key: int, stream: int, offset: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Standard normal values x with abs(x) < 2 of ``dtype``: [count]. Those of float16 are rounded from float32.

    Values come in groups of four (float32) or two (float64). Group g starts at counter ``offset + 64 * 4 * g``
    (float64: ``64 * 2 * g``) and takes the first values that pass from the normal sequence that starts there.
    """
    kind = _float_type(dtype)
    if kind == np.float16:
        return truncated_normal(count, key, stream, offset, np.float32).astype(kind)
    group = _per_block(kind)
    groups = -(-count // group)
    out = np.empty((groups, group), kind)
    stride = group * RESERVED_PER_VALUE // 4
    for start in range(0, groups, _CHUNK):
        part = out[start : start + _CHUNK]
        first = np.arange(start, start + len(part), dtype=np.uint64) * np.uint64(stride)
        _fill_truncated(part, first + np.uint64(offset & _MASK64), key, stream)
    return out.reshape(-1)[:count]


def uniform_int(
    count: int, key: int, stream: int, offset: int, low: int, high: int, dtype: npt.DTypeLike
) -> npt.NDArray[Any]:
    """Integers in [low, high) of ``dtype`` int32 or int64: [count].

    A word (int64: two words, the lower first) modulo ``high - low``, so slightly biased unless that is a power of two.

    Raises:
        ValueError: ``low >= high``, or one of them is not a value of ``dtype``.
        TypeError: another dtype.
    """
    kind = np.dtype(dtype)
    if kind not in (np.dtype(np.int32), np.dtype(np.int64)):
        raise TypeError(f"uniform_int makes int32 or int64, not {kind}")
    limit = 2 ** (8 * kind.itemsize - 1)
    if not -limit <= low < high < limit:
        raise ValueError(f"need {-limit} <= low < high < {limit}, got low={low}, high={high}")
    unsigned = np.dtype(np.uint32 if kind.itemsize == 4 else np.uint64)
    span = unsigned.type(high - low)
    base = unsigned.type(low % (2 * limit))
    out = np.empty(count, unsigned)
    per_block = _per_block(kind)
    for start, words in _chunks(-(-count // per_block), key, stream, offset):
        bits = words if kind.itemsize == 4 else words[:, ::2] | words[:, 1::2].astype(np.uint64) << np.uint64(32)
        values = (bits % span + base).reshape(-1)  # wraps around for a negative low, as it must
        part = out[start * per_block : start * per_block + values.size]
        part[...] = values[: part.size]
    return out.view(kind)


def _float_type(dtype: npt.DTypeLike) -> np.dtype[Any]:
    kind = np.dtype(dtype)
    if kind not in (np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64)):
        raise TypeError(f"random values are float16, float32 or float64, not {kind}")
    return kind


def _per_block(kind: np.dtype[Any]) -> int:
    """Values that the four words of one counter make."""
    return 16 // max(kind.itemsize, 4)


def _chunks(blocks: int, key: int, stream: int, offset: int) -> Iterator[tuple[int, Words]]:
    """Yield (first block, words [n, 4]) for consecutive counters; the words are overwritten by the next step."""
    size = min(blocks, _CHUNK)
    block_function = _BlockFunction(size, key, stream)
    steps = np.arange(size, dtype=np.uint64)
    for start in range(0, blocks, _CHUNK):
        n = min(size, blocks - start)
        yield start, block_function(steps[:n] + np.uint64((offset + start) & _MASK64))


class _BlockFunction:
    """Philox 4x32-10 for one key and stream, on up to ``size`` counters a call, in buffers allocated once.

    The words (w0, w1, w2, w3) of all counters are held as even = [w0, w2] and odd = [w1, w3], uint64 [2, size], so
    that a round is five array operations: with p = even * multipliers, the new even is
    ``high(reversed p) ^ odd ^ round key`` and the new odd is ``low(reversed p)``.
    """

    def __init__(self, size: int, key: int, stream: int) -> None:
        self._stream = stream & _MASK64
        self._keys = [
            np.array([[(key + r * WEYL[0]) & _MASK32], [((key >> 32) + r * WEYL[1]) & _MASK32]], np.uint64)
            for r in range(ROUNDS)
        ]
        self._even, self._odd, self._product = (np.empty((2, size), np.uint64) for _ in range(3))
        self._words = np.empty((size, 4), np.uint32)

    def __call__(self, counters: Counters) -> Words:
        """The words of each counter's lower half, uint64 [n]: uint32 [n, 4], valid until the next call."""
        n = len(counters)
        even, odd, product = self._even[:, :n], self._odd[:, :n], self._product[:, :n]
        mask, shift = np.uint64(_MASK32), np.uint64(32)
        np.bitwise_and(counters, mask, out=even[0])
        np.right_shift(counters, shift, out=odd[0])
        even[1] = self._stream & _MASK32
        odd[1] = self._stream >> 32
        for round_key in self._keys:
            np.multiply(even, MULTIPLIERS, out=product)
            np.right_shift(product[::-1], shift, out=even)
            np.bitwise_xor(even, odd, out=even)
            np.bitwise_xor(even, round_key, out=even)
            np.bitwise_and(product[::-1], mask, out=odd)
        words = self._words[:n]
        words[:, 0::2] = even.T
        words[:, 1::2] = odd.T
        return words


def _unit_interval(words: Words, kind: np.dtype[Any]) -> npt.NDArray[Any]:
    """Random mantissas under the exponent of [1, 2), minus 1: words [n, 4] to [n, 4] float16 or float32, or [n, 2]
    float64.

    A float64 has the lower 20 bits of its first word above its second word. The result may share memory with
    ``words``.
    """
    if kind.itemsize == 2:
        return ((words & np.uint32(0x3FF)) * np.float32(2.0**-10)).astype(kind)
    if kind.itemsize == 4:
        np.bitwise_and(words, np.uint32(0x7FFFFF), out=words)
        np.bitwise_or(words, np.uint32(127 << 23), out=words)
        floats = words.view(np.float32)
        return np.subtract(floats, np.float32(1), out=floats)
    upper = words[:, 0::2].astype(np.uint64) & np.uint64(0xFFFFF) | np.uint64(1023 << 20)
    bits = upper << np.uint64(32) | words[:, 1::2]
    return bits.view(np.float64) - 1.0


def _box_muller(pairs: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Uniform values [n, 2 m], taken as pairs (u, v), to normal values [n, 2 m] of the same dtype.

    (sin 2 pi v, cos 2 pi v) * sqrt(-2 log u), with u at least 1e-7. Intermediate results are rounded to the dtype
    where TensorFlow rounds them, but log, sin and cos are computed in float64: NumPy's float32 versions differ
    between CPUs.
    """
    kind = pairs.dtype
    u = np.maximum(pairs[:, 0::2], kind.type(SMALLEST_UNIFORM))
    radius = np.log(u, dtype=np.float64).astype(kind)
    np.multiply(radius, kind.type(-2), out=radius)
    np.sqrt(radius, out=radius)
    angle = np.multiply(pairs[:, 1::2], 2 * np.pi, dtype=np.float64).astype(kind)
    out = np.empty_like(pairs)
    np.multiply(np.sin(angle, dtype=np.float64).astype(kind), radius, out=out[:, 0::2])
    np.multiply(np.cos(angle, dtype=np.float64).astype(kind), radius, out=out[:, 1::2])
    return out


def _fill_truncated(out: npt.NDArray[Any], counters: Counters, key: int, stream: int) -> None:
    """Fill row g of ``out`` [groups, size] with the normal values from counter ``counters[g]`` on that pass."""
    groups, size = out.shape
    block_function = _BlockFunction(groups, key, stream)
    filled = np.zeros(groups, np.intp)
    active = np.arange(groups)
    while len(active):
        values = _box_muller(_unit_interval(block_function(counters[active]), out.dtype))
        passes = np.abs(values) < 2
        position = filled[active, None] + np.cumsum(passes, axis=1) - 1
        row, column = np.nonzero(passes & (position < size))
        out[active[row], position[row, column]] = values[row, column]
        filled[active] += passes.sum(axis=1)
        counters = counters + np.uint64(1)
        active = active[filled[active] < size]
