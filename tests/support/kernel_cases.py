"""Cases for kernels of every backend: the ops' samples with numbers for shapes, and large and odd shapes."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import numpy as np

import minigraph.ops
from minigraph.core.dtypes import as_dtype, int32
from minigraph.core.errors import DTypeError
from minigraph.core.graph import Graph, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import TensorType

for _info in pkgutil.walk_packages(minigraph.ops.__path__, "minigraph.ops."):
    importlib.import_module(_info.name)

from minigraph.ops import broadcast as K  # noqa: E402
from minigraph.ops.array import gathering as G  # noqa: E402
from minigraph.ops.array import slicing as X  # noqa: E402
from minigraph.ops.array.one_hot import OneHot  # noqa: E402
from minigraph.ops.array.reshape import Transpose  # noqa: E402
from minigraph.ops.builder import apply  # noqa: E402
from minigraph.ops.constant import Const  # noqa: E402
from minigraph.ops.math.add_n import AddN  # noqa: E402
from minigraph.ops.math.argmax import ArgMax  # noqa: E402
from minigraph.ops.math.arithmetic import Add, Mul, SquaredDifference, Sub  # noqa: E402
from minigraph.ops.math.matmul import MatMul  # noqa: E402
from minigraph.ops.math.reduce import Mean, Sum  # noqa: E402
from minigraph.ops.math.selection import Select  # noqa: E402
from minigraph.ops.nn.activation import Elu, Relu, ReluGrad, Sigmoid  # noqa: E402
from minigraph.ops.nn.bias import BiasAdd, BiasAddGrad  # noqa: E402
from minigraph.ops.nn.cross_entropy import SoftmaxCrossEntropyWithLogits, SparseSoftmaxCrossEntropyWithLogits  # noqa: E402
from minigraph.ops.nn.loss import L2Loss  # noqa: E402
from minigraph.ops.nn.softmax import LogSoftmax, Softmax  # noqa: E402
from minigraph.ops.state import update as U  # noqa: E402
from minigraph.ops.state.variable import AssignAdd  # noqa: E402


def type_of(array: np.ndarray) -> TensorType:
    return TensorType(as_dtype(array.dtype), array.shape)


def close(got: Any, want: Any, tolerance: float) -> None:
    want = np.asarray(want)
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    if want.dtype.kind == "f":
        size = np.max(np.abs(want), initial=0, where=np.isfinite(want))
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance * max(size, 1e-30))
    else:
        np.testing.assert_array_equal(got, want)


def samples_of(kind: type[Op], dtype: Any) -> list[tuple[Op, list[np.ndarray]]]:
    """The op's samples with their floats in `dtype`, once their shapes are numbers, if it takes such floats.

    For an op that expands those of the ops that spell it out.
    """
    return [case for sample in kind.samples() for case in _lowered(sample, dtype) if _takes(*case)]


def _takes(op: Op, arrays: list[np.ndarray]) -> bool:
    try:
        op.infer(*map(type_of, arrays))
    except DTypeError:
        return False
    return True


def _specialised(sample: Sample, dtype: Any) -> tuple[Op, list[np.ndarray]]:
    arrays = [np.asarray(a) for a in sample.inputs]
    arrays = [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]
    consts = [a if a.dtype.kind in "iu" else None for a in arrays]
    if sample.op.draws:
        op, kept = sample.op.specialise([type_of(a) for a in arrays[:-1]], consts[:-1])
        return op, [*(arrays[i] for i in kept), arrays[-1]]
    op, kept = sample.op.specialise([type_of(a) for a in arrays], consts)
    return op, [arrays[i] for i in kept]


def _lowered(sample: Sample, dtype: Any) -> Iterator[tuple[Op, list[np.ndarray]]]:
    op, arrays = _specialised(sample, dtype)
    if not op.expands:
        yield op, arrays
        return
    with Graph().as_default() as graph:
        op.expand([apply(Const(a)) for a in arrays], arrays)
    values: dict[Tensor, Any] = {}
    for node in graph.nodes:
        inputs = tuple(values[t] for t in node.inputs)
        values |= zip(node.outputs, node.op.reference(*inputs), strict=True)
        if inputs:
            yield from _lowered(Sample(node.op, inputs), dtype)


def randn(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    return np.random.RandomState(sum(shape)).standard_normal(shape).astype(dtype)


N = 40_000  # more than a block

SCALARS = [np.float32(v) for v in (0.9, 0.99, 0.01, 0.9, 0.99, 1e-8)]

LARGE: list[tuple[Op, list[Any]]] = [
    (Add(), [randn(N), randn(N)]),
    (Add(), [randn(500, 3, 64), randn(64)]),
    (Sub(), [randn(1, 1, 3), randn(100, 300, 3)]),
    (Mul(), [randn(200, 1, 100), randn(100)]),
    (Relu(), [randn(N)]),
    (ReluGrad(), [randn(N), randn(N)]),
    (Sigmoid(), [30 * randn(N)]),
    (Elu(), [randn(N)]),
    (SquaredDifference(), [randn(N), randn(N)]),
    (SquaredDifference(), [randn(100, 3), randn(3)]),
    (Select(), [randn(N) > 0, randn(N), randn(N) + 1]),
    (Select(), [randn(N) > 0, np.arange(N), -np.arange(N)]),
    (Select(), [np.array(False), randn(N), randn(N) + 1]),
    (AddN(), [randn(N), randn(N), randn(N)]),
    (BiasAdd(), [randn(50, 28, 28, 1), randn(1)]),
    (BiasAdd(), [randn(50, 7, 7, 20), randn(20)]),
    (BiasAddGrad(), [randn(50, 28, 28, 3)]),
    (BiasAddGrad(), [randn(4099, 5)]),
    (Sum((0, 1)), [randn(64, 100, 7)]),
    (Mean((1,)), [randn(30, 100, 7)]),
    (Mean((0, 1, 2), True), [randn(30, 10, 10, 7)]),
    (Sum((-1,)), [np.arange(12, dtype=np.int32).reshape(3, 4)]),
    (ArgMax(1, int32), [randn(50, 10)]),
    (Mean(), [np.zeros((0, 3), np.float32)]),
    (Sum((0,)), [np.zeros((0, 3), np.float32)]),
    (K.SumTo((1, 7)), [randn(30, 7)]),
    (K.ReduceLike((0,), True), [randn(30, 7), randn(7)]),
    (K.ReduceLike((0,), True), [randn(0, 7), randn(7)]),
    (Softmax(), [randn(5000, 10)]),
    (LogSoftmax(), [randn(9, 50_000)]),
    (SoftmaxCrossEntropyWithLogits(), [40 * randn(5000, 10), np.abs(randn(5000, 10))]),
    (SparseSoftmaxCrossEntropyWithLogits(), [randn(5000, 10), np.arange(5000) % 10]),
    (L2Loss(), [randn(N)]),
    (MatMul(True, True), [randn(30, 20), randn(40, 30)]),
    (MatMul(), [randn(0, 20), randn(20, 3)]),
    (MatMul(), [randn(3, 0), randn(0, 3)]),
    (Transpose((3, 1, 0, 2)), [randn(4, 5, 6, 7)]),
    (X.StridedSlice((("index", 1), ("index", -1))), [randn(4, 5)]),
    (X.PutSlice((("index", 1), ("index", -1)), (4, 5)), [np.array(3.0)]),
    (X.Pad(((1, 2), (0, 3)), 7.0), [np.arange(6).reshape(2, 3)]),
    (G.GatherV2(1), [randn(3, 5, 2), np.array([[4, 0], [1, 1]])]),
    (OneHot(300), [np.array([0, 255, 7], np.uint8), np.array(2.0), np.array(np.inf)]),
    (U.ApplyAdam(), [randn(N), randn(N), randn(N) ** 2, *SCALARS, randn(N)]),
    (U.ApplyMomentum(True), [randn(N), randn(N), np.float32(0.1), randn(N), np.float32(0.9)]),
    (AssignAdd(), [randn(N), randn(N)]),
]  # fmt: skip
