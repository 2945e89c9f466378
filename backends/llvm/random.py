"""Random numbers: Philox 4x32-10 on vectors of counters (conventions: ops/random/philox.py)."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from minigraph.backend.base import Types
from minigraph.backend.workspace import BufferRef, ins, outs
from minigraph.backends.llvm.builder import (
    F32,
    I32,
    I64,
    Builder,
    Frame,
    Value,
    at,
    index,
    loop,
    number,
    smaller,
    splat,
    vector,
)
from minigraph.backends.llvm.compiler import host
from minigraph.backends.llvm.native import Call, LoweringContext, Native
from minigraph.core.dtypes import float32
from minigraph.ops.random import philox
from minigraph.ops.random.distributions import RandomUniform

CHUNK = 4096  # counters of a task
_MASK = 0xFFFFFFFF


def uniform(op: RandomUniform, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """Uniform float32 values from the cell's counter on. The counter then advances by the values reserved."""
    count = out_types[0].size
    if out_types[0].dtype is not float32 or not count:
        return None

    def calls(wanted: tuple[bool, ...]) -> list[Call]:
        frame = Frame(2)
        blocks = -(-count // 4)
        if wanted[0]:
            _write(frame, blocks, count)
        with frame.tasks("advance"):
            b = frame.b
            counter = frame.pointers[0]
            b.store(b.add(b.load(counter, typ=I64), index(philox.reserved(count))), counter)
        args: tuple[BufferRef, ...] = (*ins(0), *(outs(0) if wanted[0] else ins(0)))
        drawn = [Call(frame.text, "kernel", -(-blocks // CHUNK), args)] if wanted[0] else []
        return [*drawn, Call(frame.text, "advance", 1, args)]

    return Native(calls)


def _write(frame: Frame, blocks: int, count: int) -> None:
    """Write the kernel with a chunk of counters for each task. Pointers: the cell, the values."""
    lanes = host().lanes
    with frame.tasks("kernel") as task:
        b = frame.b
        offset, key, stream = (b.load(at(b, frame.pointers[0], index(i), I64), typ=I64) for i in range(3))
        low = b.mul(task, index(CHUNK))
        high = smaller(b, b.add(low, index(CHUNK)), index(count // 4))
        whole = b.add(low, b.mul(b.sdiv(b.sub(high, low), index(lanes)), index(lanes)))
        for start, stop, width in ((low, whole, lanes), (whole, high, 1)):
            with loop(b, start, stop, width) as i:
                values = _values(b, b.add(offset, i), key, stream, width)
                b.store(values, at(b, frame.pointers[1], b.mul(i, index(4)), F32), align=4)
        if count % 4:
            with b.if_then(b.icmp_signed("==", b.sdiv(index(blocks - 1), index(CHUNK)), task)):
                values = _values(b, b.add(offset, index(blocks - 1)), key, stream, 1)
                for j in range(count % 4):
                    value = b.extract_element(values, ir.Constant(I32, j))
                    b.store(value, at(b, frame.pointers[1], index(count // 4 * 4 + j), F32), align=4)


def _values(b: Builder, counter: Value, key: Value, stream: Value, width: int) -> Value:
    """The four values in [0, 1) of each of `width` counters, counter by counter."""
    kind = vector(I64, width)

    def constant(value: int) -> Value:
        return number(I64, value, width)

    steps = ir.Constant(kind, list(range(width)) if width > 1 else 0)
    counters = b.add(splat(b, counter, width), steps)
    mask, half = constant(_MASK), constant(32)
    words = [b.and_(counters, mask), b.lshr(counters, half)]
    words += [b.and_(splat(b, stream, width), mask), b.lshr(splat(b, stream, width), half)]
    keys = [splat(b, key, width), b.lshr(splat(b, key, width), half)]
    for turn in range(philox.ROUNDS):
        products = [
            b.mul(words[2 * i], constant(int(multiplier))) for i, multiplier in enumerate(philox.MULTIPLIERS.flat)
        ]
        now = [b.and_(b.add(k, constant(turn * weyl)), mask) for k, weyl in zip(keys, philox.WEYL, strict=True)]
        first, second = (b.lshr(p, half) for p in reversed(products))
        words = [
            b.xor(b.xor(first, words[1]), now[0]),
            b.and_(products[1], mask),
            b.xor(b.xor(second, words[3]), now[1]),
            b.and_(products[0], mask),
        ]
    return _unit_interval(b, [b.trunc(w, vector(I32, width)) for w in words], width)


def _unit_interval(b: Builder, words: list[Value], width: int) -> Value:
    """Values in [0, 1): random mantissas with the exponent of [1, 2), minus 1, counter by counter."""
    total = 4 * width
    if width == 1:
        joined: Any = ir.Constant(ir.VectorType(I32, 4), ir.Undefined)
        for j, word in enumerate(words):
            joined = b.insert_element(joined, word, ir.Constant(I32, j))
    else:
        pairs = [b.shuffle_vector(words[j], words[j + 1], _order(range(2 * width))) for j in (0, 2)]
        joined = b.shuffle_vector(*pairs, _order([j * width + i for i in range(width) for j in range(4)]))
    bits = b.or_(b.and_(joined, number(I32, 0x7FFFFF, total)), number(I32, 127 << 23, total))
    return b.fsub(b.bitcast(bits, vector(F32, total)), number(F32, 1.0, total))


def _order(lanes: Any) -> Value:
    return ir.Constant(ir.VectorType(I32, len(lanes)), list(lanes))
