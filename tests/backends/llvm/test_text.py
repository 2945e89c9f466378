"""LLVM IR as text: constants keep every bit, and what is written is what LLVM runs."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="needs llvmlite")

from minigraph.backends.llvm.builder import at, index, loop, reduce_loop
from minigraph.backends.llvm.compiler import load
from minigraph.backends.llvm.text import (
    F32,
    F64,
    I8,
    I64,
    POINTER,
    VOID,
    IRBuilder,
    IRFunction,
    IRModule,
    IRType,
    integer,
    vector,
)

FLOATS = [0.0, -0.0, 1.5, -1e-45, 1e-40, 3.4e38, np.inf, -np.inf, np.nan, 0.1]


def written(kind: IRType, values: list[float], width: int, dtype: type[np.generic]) -> np.ndarray:
    """Memory after a function has stored each constant in `width` lanes."""
    module = IRModule()
    made = IRFunction(module, "store", VOID, [POINTER])
    b = IRBuilder(made)
    for n, value in enumerate(values):
        b.store(vector(kind, width)(value), at(b, made.args[0], index(n * width), kind), align=1)
    b.ret_void()
    out = np.zeros((len(values), width), dtype)
    code = load(str(module))
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(code.get_function_address("store"))(out.ctypes.data)
    return out


@pytest.mark.parametrize("width", [1, 4])
def test_constants_keep_every_bit(width: int) -> None:
    for kind, dtype in ((F32, np.float32), (F64, np.float64)):
        got = written(kind, FLOATS, width, dtype)
        expected = np.repeat(np.array(FLOATS, dtype)[:, None], width, 1)
        np.testing.assert_array_equal(got.view(np.uint8), expected.view(np.uint8))
    for bits in (8, 16, 32, 64):
        limits = [-(2 ** (bits - 1)), -1, 0, 1, 2 ** (bits - 1) - 1, 2**bits - 1]
        dtype = np.dtype(f"u{bits // 8}").type
        got = written(integer(bits), limits, width, dtype)
        assert [int(v) for v in got[:, 0]] == [v % 2**bits for v in limits]


def test_equal_types_are_one_object() -> None:
    assert vector(F32, 4) is vector(F32, 4)
    assert vector(F32, 1) is F32
    assert integer(8) is I8


def test_branches_loops_tables_and_lanes() -> None:
    """Σ over a table of its odd numbers, plus lane 2 of a vector."""
    module = IRModule()
    made = IRFunction(module, "sum", VOID, [POINTER])
    b = IRBuilder(made)
    table = module.table("numbers", I64, range(10))
    total = b.alloca(I64)
    b.store(index(0), total)
    with loop(b, index(0), index(10)) as i:
        value = b.load(at(b, table, i, I64), I64)
        with b.if_then(b.icmp_signed("==", b.and_(value, index(1)), index(1))):
            b.store(b.add(b.load(total, I64), value), total)
    (count,) = reduce_loop(b, index(0), index(7), 1, [index(0)], lambda i, n: [b.add(n, index(100))])
    lanes = b.insert_element(vector(I64, 4)(0), index(5000), integer(32)(2))
    lane = b.shuffle_vector(lanes, lanes, (2,))
    b.store(b.add(b.add(b.load(total, I64), count), lane), made.args[0])
    b.ret_void()
    out = np.zeros(1, np.int64)
    code = load(str(module))
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(code.get_function_address("sum"))(out.ctypes.data)
    assert out[0] == 25 + 700 + 5000


def test_additions_of_nothing_are_not_written() -> None:
    made = IRFunction(IRModule(), "nothing", VOID, [I64])
    b, (x,) = IRBuilder(made), made.args
    zero, one = index(0), index(1)
    assert all(v is x for v in (b.add(x, zero), b.add(zero, x), b.mul(x, one), b.mul(one, x), b.sub(x, zero)))
    assert b.mul(x, zero) is zero
    assert not b.block.lines
