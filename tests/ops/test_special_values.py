"""Pointwise ops at kinks, limits and ties, ±0, ±∞, NaN and denormals, on every backend, against their references.

Arrays are long enough for whole vectors and a rest, so both kinds of code run on each value.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from gpu.some_device import has_device, some_device
from support.evaluate import import_ops

from minigraph.backend.base import Backend
from minigraph.backend.discovery import get_backend
from minigraph.core.dtypes import as_dtype
from minigraph.core.errors import DTypeError, InvalidArgumentError
from minigraph.core.op import REGISTRY, Op
from minigraph.core.types import TensorType
from minigraph.ops.math.casting import Cast

import_ops()

FLOATS = ("float32", "float64", "float16")
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
ULPS = 2  # by which functions other than arithmetic may differ
REST = 5  # elements after the last whole vector


def special_values(name: str) -> np.ndarray:
    dtype = np.dtype(name)
    if dtype.kind == "b":
        return np.array([True, False])
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        signed = [-1, -2, -7, limits.min + 1] if dtype.kind == "i" else []
        return np.array([0, 1, 2, 3, 7, limits.max, limits.min, limits.max - 1, *signed]).astype(dtype)
    limits = np.finfo(dtype)
    sizes = [
        0.0,
        1.0,
        0.5,
        1.5,
        2.5,
        3.0,
        6.0,
        0.1,
        1e-5,
        3.9,
        20.0,
        88.0,
        89.7,
        104.0,
        127.5,
        128.0,
        255.0,
        255.5,
        256.0,
    ]
    sizes += [3e4, 7e4, 3e9, 2.0**31, 2.0**32, 1e10, 2.0**63, 1e19, 1e20]
    sizes += [float(limits.eps), float(limits.tiny), float(limits.smallest_subnormal), float(limits.max), np.inf]
    with np.errstate(over="ignore"):
        return np.array([*sizes, *(-s for s in sizes), np.nan]).astype(dtype)


class Bound:
    """An op bound to buffers of a backend's."""

    def __init__(self, backend: Backend, op: Op, arrays: list[np.ndarray]) -> None:
        types = [TensorType(as_dtype(a.dtype), a.shape) for a in arrays]
        out_types = op.infer(*types)
        lowered = backend.lower(op, types, out_types)
        buffers = [backend.view(backend.allocate(max(t.nbytes, 64)), 0, t) for t in (*types, *out_types)]
        inputs, self.outputs = buffers[: len(types)], buffers[len(types) :]
        workspace = backend.allocate(max(lowered.workspace, 64))
        self.alive = (inputs, workspace)  # a launch may know them by their addresses only
        for buffer, array in zip(inputs, arrays, strict=True):
            backend.write(buffer, array)
        self.backend = backend
        self.launch = lowered.bind(inputs, self.outputs, workspace)

    def run(self) -> list[np.ndarray]:
        with np.errstate(all="ignore"):
            self.launch()
        return [np.array(self.backend.read(out)) for out in self.outputs]


def run(backend: Backend, op: Op, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """The op's results by the backend's own kernel."""
    return Bound(backend, op, arrays).run()


def differences(want: np.ndarray, got: np.ndarray, ulps: float) -> np.ndarray:
    """Where two arrays differ: in a bit, NaNs aside, or by more than `ulps`; zeros in their sign."""
    if want.dtype.kind != "f":
        return want != got
    bits = f"u{want.itemsize}"
    same = (want.view(bits) == got.view(bits)) | (np.isnan(want) & np.isnan(got))
    with np.errstate(all="ignore"):
        distance = np.abs(want.astype(np.float64) - got.astype(np.float64)) / np.spacing(np.abs(want)).astype(
            np.float64
        )
    near = (distance <= ulps) & ((want != 0) | (np.signbit(want) == np.signbit(got)))
    return ~(same | near)


def operands(op: Op, kinds: list[str], name: str) -> list[np.ndarray]:
    """All combinations of special values of the operands; booleans where the op wants them."""
    values = [special_values("bool" if kind == "b" else name) for kind in kinds]
    rows = list(itertools.islice(itertools.product(*values), 5000))
    columns = [np.array([row[i] for row in rows], dtype=v.dtype) for i, v in enumerate(values)]
    length = len(rows) + -len(rows) % 32 + REST
    return [np.resize(c, length) for c in columns]


def pointwise_ops() -> dict[str, tuple[Op, list[str]]]:
    found = {}
    for name, kind in sorted(REGISTRY.items()):
        if name == "BiasAdd":
            continue  # an addition that takes no vectors
        for number, sample in enumerate(kind.samples()):
            arrays = [np.asarray(a) for a in sample.inputs]
            types = [TensorType(as_dtype(a.dtype), a.shape) for a in arrays if a.dtype.kind in "fiub"]
            if len(types) == len(arrays) and arrays and sample.op.is_pointwise(types):
                found[f"{name}-{number}"] = (sample.op, [a.dtype.kind for a in arrays])
    return found


OPS = pointwise_ops()
EXACT = {
    *("Add", "AddV2", "Sub", "Mul", "RealDiv", "Reciprocal", "Maximum", "Minimum", "Neg", "Abs", "Sign", "Square"),
    *("Floor", "Ceil", "Rint", "Round", "Sqrt", "Relu", "ReluGrad", "Relu6", "Relu6Grad", "Select", "Cast"),
}


NAMES = (*FLOATS, *INTEGERS, "bool")
on_hosts = pytest.mark.parametrize("backend", ["numpy", "llvm"])


def cases_of(op: Op, kinds: list[str]) -> Iterator[tuple[list[np.ndarray], list[np.ndarray]]]:
    """Operands of each dtype that the op takes, and the reference's results."""
    for name in NAMES:
        arrays = operands(op, kinds, name)
        with contextlib.suppress(DTypeError, InvalidArgumentError):
            op.infer(*(TensorType(as_dtype(a.dtype), a.shape) for a in arrays))
            if type(op).__name__ == "Pow" and name in INTEGERS:
                arrays[1] = np.abs(arrays[1] % 8)  # integers have no negative powers
            with np.errstate(all="ignore"):
                yield arrays, [np.asarray(want) for want in op.forward(np, *arrays)]


def mistakes(op: Op, arrays: list[np.ndarray], wants: list[np.ndarray], gots: list[np.ndarray]) -> list[str]:
    ulps = 0 if type(op).__name__ in EXACT else ULPS
    wrong = []
    for want, got in zip(wants, gots, strict=True):
        full = np.broadcast_to(want, got.shape).astype(got.dtype)
        places = np.flatnonzero(differences(full, got, ulps))
        wrong += [f"{op} of {[a[i] for a in arrays]} gives {got[i]}, not {full[i]}" for i in places[:3]]
    return wrong


@on_hosts
@pytest.mark.parametrize("case", OPS)
def test_special_values(case: str, backend: str) -> None:
    op, kinds = OPS[case]
    engine = get_backend(backend)
    wrong = [m for arrays, wants in cases_of(op, kinds) for m in mistakes(op, arrays, wants, run(engine, op, arrays))]
    assert not wrong, "\n".join(wrong)


def conversions(source: str) -> Iterator[tuple[Op, list[np.ndarray], list[np.ndarray]]]:
    """Conversions of an array, and of its elements one by one."""
    for target in NAMES:
        op = Cast(as_dtype(target))
        (values,) = arrays = operands(op, ["f"], source)
        with np.errstate(all="ignore"):
            alone = np.concatenate([op.forward(np, values[i : i + 1])[0] for i in range(len(values))])
        yield op, arrays, [alone]


@on_hosts
@pytest.mark.parametrize("source", NAMES)
def test_conversions(source: str, backend: str) -> None:
    """A value's conversion depends on the value alone: not on the backend, the array's length or its place there."""
    engine = get_backend(backend)
    wrong = [
        m for op, arrays, wants in conversions(source) for m in mistakes(op, arrays, wants, run(engine, op, arrays))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.skipif(not has_device(), reason="neither g++ nor a GPU is there")
def test_special_values_and_conversions_in_cuda() -> None:
    from minigraph.backends.cupy.backend import CupyBackend

    engine = CupyBackend(some_device())  # which compiles all kernels as one module
    cases = [(op, *case) for op, kinds in OPS.values() for case in cases_of(op, kinds)]
    cases += [case for source in NAMES for case in conversions(source)]
    bound = [Bound(engine, op, arrays) for op, arrays, _ in cases]
    wrong = [
        m for (op, arrays, wants), b in zip(cases, bound, strict=True) for m in mistakes(op, arrays, wants, b.run())
    ]
    assert not wrong, "\n".join(wrong)


def test_a_cast_image_has_one_value_for_one_input() -> None:
    """1.02 · 255 as uint8 is 4 in NumPy and TensorFlow, whatever the length."""
    values = np.full(37, 1.02, np.float32) * np.float32(255)
    for name in ("numpy", "llvm"):
        assert run(get_backend(name), Cast(as_dtype("uint8")), [values])[0].tolist() == [4] * 37
