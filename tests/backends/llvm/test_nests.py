"""Kernels of the loop language as LLVM code of several widths, against the ops' references.

Tests `backends/llvm/nest_values.py`.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest
from support.kernel_cases import type_of
from support.loop_cases import loop_cases

from minigraph.backends.llvm.compiler import load
from minigraph.backends.llvm.native import LoweringContext
from minigraph.backends.llvm.nest_native import _moves_float16, from_loops
from minigraph.backends.llvm.nest_schedule import launches
from minigraph.backends.llvm.nests import LlvmPrinter
from minigraph.core.dtypes import as_dtype, float16
from minigraph.core.scalar import constant, where
from minigraph.core.types import TensorType
from minigraph.loops.builder import Statement
from minigraph.loops.kernel import Kernel

FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
CASES = loop_cases()
NAMES = sorted({name for name, *_ in CASES})


def run(kernel: Kernel, inputs: list[Any], lanes: int) -> list[np.ndarray]:
    """The results, computed in two halves of the tasks, the second first."""
    arrays = {
        b.name: np.array(inputs[b.position]) if b.role in ("in", "var") else np.zeros(b.size, b.dtype.np_dtype)
        for b in kernel.buffers
    }
    for made in launches(kernel, lanes):
        printer = LlvmPrinter(made.kernel, lanes, made.grain)
        code = load(printer.text)
        address = code.get_function_address("kernel")
        used = [arrays[b.name].ctypes.data for b in made.kernel.buffers]
        block = (ctypes.c_void_p * len(used))(*used)
        half = printer.tasks // 2
        for first, last in ((half, printer.tasks), (0, half)):
            FUNCTION(address)(block, first, last, 0)
    return [arrays[b.name] for role in ("out", "var") for b in kernel.buffers if b.role == role]


@pytest.mark.parametrize("lanes", [4, pytest.param(8, marks=pytest.mark.slow), 16])
@pytest.mark.parametrize("name", NAMES)
def test_kernel_of_any_width_against_the_reference(name: str, lanes: int) -> None:
    """The schedules for eight lanes are those for four and sixteen with other numbers, so they are checked slowly."""
    for _, op, inputs, kernel in (case for case in CASES if case[0] == name):
        with np.errstate(all="ignore"):
            wanted = op.forward(np, *inputs)
        for got, want in zip(run(kernel, inputs, lanes), wanted, strict=True):
            np.testing.assert_allclose(
                got.reshape(np.shape(want)).astype(float), want, rtol=2e-5, atol=2e-6, err_msg=f"{op} {kernel}"
            )


def test_float16_is_native_only_where_it_is_moved() -> None:
    """Bits are moved as integers; a cast of them would be another number."""
    native = set()
    for name, op, inputs, _ in CASES:
        arrays = [np.asarray(a) for a in inputs]
        types = [type_of(a.astype(np.float16) if a.dtype.kind == "f" else a) for a in arrays]
        halves = any(t.dtype.name == "float16" for t in types)
        if halves and from_loops(op, types, op.infer(*types), LoweringContext(1)) is not None:
            native.add(name)
    gathers = {"GatherNd", "GatherV2", "PutAt", "ResizeNearestNeighbor", "SliceAt", "TakeAlongLast"}
    assert native == gathers | {"Assert", "Assign", "AssignSlice", "IdentityN", "Merge", "OneHot", "Select", "Switch"}


@pytest.mark.parametrize(("number", "moves"), [(0.0, True), (1.5, False)])
def test_bits_of_no_number_but_zero_are_those_of_its_integer(number: float, moves: bool) -> None:
    k = Statement("held")
    x, other = k.operand(TensorType(float16, (4,))), k.operand(TensorType(as_dtype("bool"), (4,)))
    y = k.result(TensorType(float16, (4,)))
    with k.over(4) as (i,):
        k.store(y, (i,), where(other[i], x[i], constant(number, float16)))
    assert _moves_float16(k.done()) == moves


def test_every_kernel_of_float32_is_native() -> None:
    for name, op, inputs, _ in CASES:
        types = [type_of(np.asarray(a)) for a in inputs]
        assert from_loops(op, types, op.infer(*types), LoweringContext(1)) is not None, name
