"""Philox 4x32-10 and the distributions of `philox.py` in the loop language; every value is the reference's."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from minigraph.core.dtypes import DType, float64, int32, int64, uint32, uint64
from minigraph.core.scalar import Scalar, call, cast, constant
from minigraph.core.types import TensorType
from minigraph.loops.builder import Statement
from minigraph.loops.index import Index, Inside
from minigraph.loops.kernel import Buffer, Kernel
from minigraph.ops.random import philox

CHUNK = 1024  # counters that share a task or a block of threads
TOGETHER = 16  # counters that are worked on together; the last ones, if they are fewer, one by one
PASSES = 8  # counters of a truncated group; that more are needed has a probability below 1e-30
_MASK = 0xFFFFFFFF

Values = Callable[[Sequence[Scalar]], Sequence[Scalar]]


def drawn(name: str, cell: TensorType, out: TensorType, values: Values) -> Kernel | None:
    """The kernel of an op whose result is `values` of the words of consecutive counters."""
    if not out.size:
        return None
    k = Statement(name)
    state, y = k.variable(cell), k.result(out, (out.size,))
    write(k, state, y, values)
    advance(k, state, philox.reserved(out.size))
    return k.done()


def write(k: Statement, state: Buffer, y: Buffer, values: Values) -> None:
    """Write the values of consecutive counters, which begin at that of the state, to an array."""
    group = 16 // y.dtype.size
    whole = y.size // group // TOGETHER * TOGETHER
    pieces = [(0, whole // CHUNK, CHUNK), (whole // CHUNK * CHUNK, 1, whole % CHUNK)]

    def put(start: Sequence[Scalar], number: Index) -> None:
        words = _words(k, start[0] + k.number(number, uint64), *start[1:])
        for n, value in enumerate(values(words)):
            with k.when(Inside(number * group + n, 0, y.size)):
                k.store(y, (number * group + n,), value)

    for first, chunks, size in pieces:
        if chunks * size:
            with k.over(chunks, names="c") as (c,):
                start = [k.let(state[n]) for n in range(3)]
                with k.over(size, names="i") as (i,):
                    put(start, c * size + i + first)
    if whole * group < y.size:
        with k.over(1):
            start = [k.let(state[n]) for n in range(3)]
            with k.steps(-(-y.size // group) - whole) as s:
                put(start, s + whole)


def advance(k: Statement, state: Buffer, counters: int) -> None:
    """Move the state on to the counter of the next run."""
    with k.over(1) as (i,):
        k.store(state, (i,), state[i] + constant(counters, uint64))


def _low(x: Scalar) -> Scalar:
    return call("bitwise_and", x, _MASK)


def _high(x: Scalar) -> Scalar:
    return call("right_shift", x, 32)


def _words(k: Statement, counter: Scalar, key: Scalar, stream: Scalar) -> list[Scalar]:
    """The four words of a counter, as uint64 numbers."""
    a, b, c, d = _low(counter), _high(counter), _low(stream), _high(stream)
    for turn in range(philox.ROUNDS):
        first, second = (_low(part + turn * weyl) for part, weyl in zip((key, _high(key)), philox.WEYL, strict=True))
        p, q = (k.let(x * int(m)) for x, m in zip((a, c), philox.MULTIPLIERS.flat, strict=True))
        a = k.let(call("bitwise_xor", call("bitwise_xor", _high(q), b), first))
        c = k.let(call("bitwise_xor", call("bitwise_xor", _high(p), d), second))
        b, d = _low(q), _low(p)
    return [a, b, c, d]


def uniform(words: Sequence[Scalar], kind: DType) -> list[Scalar]:
    """Random mantissas as values in [0, 1)."""
    if kind is float64:
        pairs = zip(words[::2], words[1::2], strict=True)
        upper = [(call("left_shift", call("bitwise_and", x, 0xFFFFF), 32), y) for x, y in pairs]
        return [cast(cast(call("bitwise_or", x, y), int64), kind) * 2.0**-52 for x, y in upper]
    return [cast(cast(call("bitwise_and", w, 0x7FFFFF), int32), kind) * 2.0**-23 for w in words]


def normal(words: Sequence[Scalar], kind: DType) -> list[Scalar]:
    """Box and Muller's transform; functions in float64, results rounded where TensorFlow rounds them."""
    made, found = [], uniform(words, kind)
    for u, v in zip(found[::2], found[1::2], strict=True):
        log = call("log", cast(call("maximum", u, philox.SMALLEST_UNIFORM), float64))
        radius = call("sqrt", cast(log, kind) * -2.0)
        angle = cast(cast(cast(v, float64) * (2 * math.pi), kind), float64)
        made += [cast(call(f, angle), kind) * radius for f in ("sin", "cos")]
    return made


def integers(words: Sequence[Scalar], kind: DType, low: int, high: int) -> list[Scalar]:
    """Integers in [low, high): a word or two modulo their number."""
    unsigned, bits = uint32, [cast(w, uint32) for w in words]
    if kind.size == 8:
        pairs = zip(words[::2], words[1::2], strict=True)
        unsigned, bits = uint64, [call("bitwise_or", x, call("left_shift", y, 32)) for x, y in pairs]
    base = low % (1 << 8 * kind.size)
    return [cast(call("mod", b, constant(high - low, unsigned)) + constant(base, unsigned), kind) for b in bits]


def truncated(cell: TensorType, out: TensorType) -> Kernel | None:
    """Groups of normal values, each of which takes from its own counters the first values that are small enough."""
    if not out.size:
        return None
    k, kind, group = Statement("truncated_normal"), out.dtype, 16 // out.dtype.size
    state, y, groups = k.variable(cell), k.result(out, (out.size,)), -(-out.size // group)
    filled = k.workspace(int32, (groups,))
    with k.over(groups, names="g") as (g,):
        counter, key, stream = (k.let(state[n]) for n in range(3))
        k.store(filled, (g,), constant(0, int32))
        with k.steps(PASSES) as s, k.when(Inside(k.index(filled[g], group + 1), 0, group)):
            number = k.number(g * (group * philox.RESERVED_PER_VALUE // 4) + s, uint64)
            for value in normal(_words(k, counter + number, key, stream), kind):
                _take(k, y, filled, g, k.let(value))
    advance(k, state, philox.reserved(out.size))
    return k.done()


def _take(k: Statement, y: Buffer, filled: Buffer, g: Index, value: Scalar) -> None:
    """Write a value to the next place of a group; the place is taken if the value is small enough."""
    group = 16 // y.dtype.size
    place = k.index(filled[g], group + 1)
    with k.when(Inside(place, 0, group)):
        with k.when(Inside(g * group + place, 0, y.size)):
            k.store(y, (g * group + place,), value)
        small = call("less", call("absolute", value), 2)
        k.store(filled, (g,), filled[g] + cast(small, int32))
