"""float16 sums: every op that adds up many numbers does so in float32 and rounds once, on every backend and level.

Sums of 10⁵ numbers pass through partial sums far above 65,504, the largest float16, while the result is below it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gpu.some_device import has_device, some_device
from gpu.trials import trials
from support.evaluate import import_ops
from support.kernel_cases import type_of
from support.kernels import Bound

import minigraph as tf
from minigraph.backend import discovery
from minigraph.backend.discovery import get_backend
from minigraph.core.op import REGISTRY, Op
from minigraph.core.types import TensorType
from minigraph.ops import broadcast as B
from minigraph.ops.array.gathering import GatherGrad
from minigraph.ops.array.indexing import ScatterNdLike
from minigraph.ops.array.reshape import TileGrad
from minigraph.ops.array.slicing import MirrorPadGrad
from minigraph.ops.host.host_ops import SegmentSum
from minigraph.ops.image.resize import ResizeGrad
from minigraph.ops.math.cumulative import Cumprod, Cumsum, Recurrence
from minigraph.ops.math.matmul import BatchMatMulV2, MatMul
from minigraph.ops.math.ranking import PutAlongLast
from minigraph.ops.math.reduce import Mean, Sum
from minigraph.ops.math.reduce_product import Prod, ProdOfOthers
from minigraph.ops.math.segment_reductions import UnsortedSegmentProd
from minigraph.ops.nn import conv2d as C
from minigraph.ops.nn.avg_pool import AvgPool, AvgPoolGrad, AvgPoolInputGrad
from minigraph.ops.nn.bias import BiasAddGrad
from minigraph.ops.nn.cross_entropy import SoftmaxCrossEntropyWithLogits, SparseSoftmaxCrossEntropyWithLogits
from minigraph.ops.nn.loss import L2Loss
from minigraph.ops.nn.lrn import LRN, WindowSum
from minigraph.ops.nn.max_pool import MaxPoolGrad, MaxPoolInputGrad
from minigraph.ops.nn.softmax import LogSoftmax, Softmax
from minigraph.ops.state.scatter import (
    ScatterAdd,
    ScatterDiv,
    ScatterMax,
    ScatterMin,
    ScatterMul,
    ScatterNdAdd,
    ScatterNdSub,
    ScatterNdUpdate,
    ScatterSub,
    ScatterUpdate,
)
from minigraph.ops.state.sparse_update import SPARSE, SparseApply

import_ops()

N = 100_000
HALF_ULP = 2.0**-11


def waves(*shape: int) -> np.ndarray:
    """Numbers near ±100 whose sum is small and whose partial sums reach 100,000."""
    size = int(np.prod(shape))
    signs = np.where(np.arange(size) // 1000 % 2, -1, 1)
    return (100 * signs + np.random.RandomState(0).standard_normal(size)).astype(np.float16).reshape(shape)


def small(*shape: int) -> np.ndarray:
    return np.random.RandomState(1).standard_normal(shape).astype(np.float16)


def factors(count: int) -> np.ndarray:
    """Fours and quarters, shuffled: their product is 1, and partial products are large in any order."""
    return np.random.RandomState(2).permutation(np.repeat(np.float16([4, 0.25]), count // 2))


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float16)


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float16)


PLACES = np.zeros((N, 1), np.int64)
WINDOW = ((40, 50), (30, 50), "VALID")
IMAGE = (1, 250, 400, 1)
FULL = ((1, 1), "VALID", (1, 1))
LINE = (1, 1, 2000, 1)
ALL_AT_1000 = np.arange(2000, dtype=np.int32)[::-1].reshape(LINE)  # in windows of 2000, 999 of them before the middle
PLAIN = ((1, 1), ((0, 0), (0, 0)), (1, 1))


def _row_of(kind: type[SparseApply]) -> tuple[SparseApply, list[np.ndarray]]:
    """Many gradients of one row, whose sum is small."""
    op, inputs, *_ = next(iter(kind.samples()))
    given = [np.asarray(a, np.float16) for a in inputs[:-1]]
    given[op.step.gradient % len(given)] = waves(N, 1)  # type: ignore[attr-defined]
    return op, [*(a[:1, :1] if i in op.writes else a for i, a in enumerate(given)), np.zeros(N, np.int32)]  # type: ignore[return-value]


CASES: dict[str, list[tuple[Op, list[np.ndarray]]]] = {
    "Sum": [(Sum(), [waves(N)]), (Sum((0,)), [waves(3, N).T.copy()]), (Sum((1,)), [waves(3, N)])],
    "Mean": [(Mean(), [100 * ones(N)]), (Mean((0,)), [100 * ones(N, 2)]), (Mean((1,)), [waves(3, N)])],
    "Prod": [(Prod(), [factors(1000)])],
    "ProdOfOthers": [(ProdOfOthers(0), [np.resize(np.repeat(np.float16([16, 1 / 16]), 5), 1000)])],
    "SumTo": [(B.SumTo((1, 3)), [waves(3, N).T.copy()])],
    "SumLike": [(B.SumLike(), [waves(2, N), zeros(2, 1)])],
    "ReduceLike": [(B.ReduceLike((0,)), [waves(N), zeros()]), (B.ReduceLike((0,), True), [100 * ones(N), zeros()])],
    "BroadcastTo": [(B.BroadcastTo((N,), (0,), True), [30_000 * ones()])],
    "BroadcastLike": [(B.BroadcastLike((0,), True), [30_000 * ones(), zeros(N)])],
    "Cumsum": [(Cumsum(0), [0.5 * ones(N)]), (Cumsum(0, True, True), [0.5 * ones(N)])],
    "Cumprod": [(Cumprod(0), [np.full(2000, 1.004, np.float16)])],
    "Recurrence": [(Recurrence(), [0.5 * ones(2000), np.full(2000, 0.999, np.float16)])],
    "MatMul": [(MatMul(), [waves(2, N), ones(N, 3)])],
    "BatchMatMulV2": [(BatchMatMulV2(), [waves(2, 1, N), ones(2, N, 3)])],
    "Conv2D": [(C.Conv2D(*PLAIN), [waves(1, 1, 2, N), ones(1, 1, N, 3)])],
    "Conv2DBackpropInput": [(C.Conv2DBackpropInput(*FULL), [zeros(1, 1, 1, 2), ones(1, 1, 2, N), waves(1, 1, 1, N)])],
    "Conv2DInputGrad": [(C.Conv2DInputGrad(*PLAIN, shape=(1, 1, 1, 2)), [ones(1, 1, 2, N), waves(1, 1, 1, N)])],
    "Conv2DBackpropFilter": [(C.Conv2DBackpropFilter(*FULL), [waves(*IMAGE), zeros(1, 1, 1, 2), ones(1, 250, 400, 2)])],
    "Conv2DFilterGrad": [(C.Conv2DFilterGrad(*PLAIN, shape=(1, 1, 1, 2)), [waves(*IMAGE), ones(1, 250, 400, 2)])],
    "AvgPool": [(AvgPool((40, 50), (1, 1)), [100 * ones(1, 40, 50, 1)]), (AvgPool(*WINDOW), [waves(*IMAGE)])],
    "AvgPoolGrad": [(AvgPoolGrad((40, 50), (1, 1)), [zeros(1, 40, 50, 1), 60_000 * ones(1, 1, 1, 1)])],
    "AvgPoolInputGrad": [(AvgPoolInputGrad((30, 30), (1, 1), "VALID", (1, 100, 100, 1)), [small(1, 71, 71, 1)])],
    "MaxPoolGrad": [(MaxPoolGrad((1, 2000), (1, 1), "SAME"), [zeros(*LINE), ALL_AT_1000, waves(*LINE)])],
    "MaxPoolInputGrad": [
        (MaxPoolInputGrad((1, 2000), (1, 1), ((0, 0), (999, 1000)), LINE), [ALL_AT_1000, waves(*LINE)])
    ],
    "BiasAddGrad": [(BiasAddGrad(), [waves(3, N).T.copy()])],
    "L2Loss": [(L2Loss(), [ones(N)])],
    "LRN": [(LRN(5, 1.0, 1.0, 0.5), [300 * ones(1, 10, 10, 100)])],
    "WindowSum": [(WindowSum(1500), [20 * ones(2, 10_000)])],
    "Softmax": [(Softmax(), [zeros(2, N)])],
    "LogSoftmax": [(LogSoftmax(), [zeros(2, N)])],
    "SoftmaxCrossEntropyWithLogits": [
        (SoftmaxCrossEntropyWithLogits(), [zeros(2, N), np.full((2, N), 1e-5, np.float16)])
    ],
    "SparseSoftmaxCrossEntropyWithLogits": [
        (SparseSoftmaxCrossEntropyWithLogits(), [zeros(2, N), np.array([3, 70_000])])
    ],
    "TileGrad": [(TileGrad((N,)), [waves(N)])],
    "GatherGrad": [(GatherGrad(), [waves(N), PLACES[:, 0], zeros(2)])],
    "ScatterNdLike": [(ScatterNdLike(), [waves(N), PLACES, zeros(2)])],
    "UnsortedSegmentProd": [(UnsortedSegmentProd(), [factors(200), np.zeros(200, np.int32), zeros(1)])],
    "ScatterAdd": [(ScatterAdd(), [zeros(2), PLACES[:, 0], waves(N)])],
    "ScatterSub": [(ScatterSub(), [zeros(2), PLACES[:, 0], waves(N)])],
    "ScatterUpdate": [(ScatterUpdate(), [zeros(2), PLACES[:, 0], waves(N)])],
    "ScatterMul": [(ScatterMul(), [ones(1), np.zeros(200, np.int32), factors(200)])],
    "ScatterDiv": [(ScatterDiv(), [ones(1), np.zeros(200, np.int32), factors(200)])],
    "ScatterMax": [(ScatterMax(), [zeros(2), PLACES[:, 0], waves(N)])],
    "ScatterMin": [(ScatterMin(), [zeros(2), PLACES[:, 0], waves(N)])],
    "ScatterNdAdd": [(ScatterNdAdd(), [zeros(2), PLACES, waves(N)])],
    "ScatterNdSub": [(ScatterNdSub(), [zeros(2), PLACES, waves(N)])],
    "ScatterNdUpdate": [(ScatterNdUpdate(), [zeros(2), PLACES, waves(N)])],
    **{kind.__name__: [_row_of(kind)] for kind in SPARSE.values()},
    "MirrorPadGrad": [(MirrorPadGrad(((3, 3),), "SYMMETRIC"), [60_000 * np.float16([1, 1, 1, 1, 1, 1, -1, -1, -1])])],
    "SegmentSum": [(SegmentSum(), [waves(N), PLACES[:, 0]])],
    "PutAlongLast": [(PutAlongLast(), [waves(2, N), np.zeros((2, N), np.int64), zeros(2, 3)])],
    "ResizeGrad": [(ResizeGrad("ResizeNearestNeighbor", False, False), [waves(*IMAGE), zeros(1, 1, 1, 1)])],
}  # fmt: skip


def accumulating() -> list[str]:
    return [name for name, kind in sorted(REGISTRY.items()) if kind.accumulates]


def expected(op: Op, arrays: list[np.ndarray]) -> list[np.ndarray]:
    wide = [a.astype(np.float64) if a.dtype == np.float16 else a for a in arrays]
    return [np.asarray(r) for r in op.forward(np, *wide)]


def near(got: np.ndarray, want: np.ndarray, terms: float = 0.1) -> None:
    """Rounded once from float32. terms: by which sums in float32 may be off."""
    if got.dtype == np.float16:
        assert np.isfinite(got).all()
        np.testing.assert_allclose(got.astype(np.float64), want, rtol=1.1 * HALF_ULP + 3e-5, atol=terms)
    else:
        np.testing.assert_array_equal(got, want)


def test_each_op_that_accumulates_has_a_case() -> None:
    assert sorted(CASES) == accumulating()


@pytest.mark.parametrize("name", sorted(CASES))
def test_references(name: str) -> None:
    for op, arrays in CASES[name]:
        for got, want in zip(op.forward(np, *arrays), expected(op, arrays), strict=True):
            near(np.asarray(got), want)


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("name", sorted(CASES))
def test_kernels(name: str, backend: str) -> None:
    for op, arrays in lowerable(name):
        for got, want in zip(Bound(get_backend(backend), op, arrays).run(), expected(op, arrays), strict=True):
            near(got, want)


def lowerable(name: str) -> list[tuple[Op, list[np.ndarray]]]:
    """The cases that a backend lowers: none whose result's shape depends on values, or that specialisation replaces."""
    return [
        (op, arrays) for op, arrays in CASES[name] if not op.staged and op.specialise(types(arrays), arrays)[0] == op
    ]


def types(arrays: list[np.ndarray]) -> list[TensorType]:
    return [type_of(a) for a in arrays]


@pytest.mark.slow
@pytest.mark.skipif(not has_device(), reason="neither g++ nor a GPU is there")
def test_kernels_in_cuda() -> None:
    from minigraph.backends.cupy.backend import CupyBackend

    backend = CupyBackend(some_device())  # which compiles all kernels as one module
    cases = [case for name in CASES for case in lowerable(name) if not case[0].on_host]
    for trial in [t for op, arrays in cases for t in trials(backend, op, arrays, 1.1 * HALF_ULP)]:
        trial.run()


def big(value: float, *shape: int) -> np.ndarray:
    return np.full(shape, value, np.float16)


FORMULAS: dict[str, tuple[Callable[[Any], Any], np.ndarray]] = {
    "mean": (tf.reduce_mean, big(100, 1000)),
    "mean of a product": (lambda x: tf.reduce_mean(x * 2.0), big(100, N)),
    "sum of a product": (lambda x: tf.reduce_sum(x * 2.0), waves(N)),
    "moments": (lambda x: tf.stack(tf.nn.moments(x, [0])), waves(N)),
    "moments of images": (
        lambda x: tf.stack(tf.nn.moments(x, [0, 1, 2])),
        (np.random.RandomState(0).standard_normal((4, 32, 32, 3)) + 20).astype(np.float16),
    ),
    "weighted moments": (lambda x: tf.stack(tf.nn.weighted_moments(x, [0], tf.ones_like(x))), waves(N)),
    "variance": (tf.math.reduce_variance, waves(N)),
    "standard deviation": (tf.math.reduce_std, waves(N)),
    "logsumexp": (tf.reduce_logsumexp, big(0, 70_000)),
    "norm": (tf.norm, big(10, N)),
    "norm of order 3": (lambda x: tf.norm(x, 3), big(100, 1000)),
    "l2_normalize": (tf.nn.l2_normalize, big(100, 1000)),
    "clip_by_norm": (lambda x: tf.clip_by_norm(x, 10.0), big(100, 1000)),
    "clip_by_average_norm": (lambda x: tf.clip_by_average_norm(x, 0.01), big(100, 1000)),
    "clip_by_global_norm": (lambda x: tf.clip_by_global_norm([x, x], 1000.0)[0][1], big(300, N)),
    "global_norm": (lambda x: tf.global_norm([x, x]), big(100, 1000)),
    "loss": (lambda x: tf.cast(tf.losses.mean_squared_error(tf.zeros_like(x), x), x.dtype), big(100, N)),
    "batch_normalization": (
        lambda x: tf.nn.fused_batch_norm(x, tf.ones([3], x.dtype), tf.zeros([3], x.dtype))[0],
        (np.random.RandomState(0).standard_normal((4, 100, 90, 3)) + 20).astype(np.float16),
    ),
    "unbiased variance": (
        lambda x: tf.nn.fused_batch_norm(x, tf.ones([1], x.dtype), tf.zeros([1], x.dtype))[2],
        waves(1, 100, 1000, 1),
    ),
    "avg_pool": (lambda x: tf.nn.avg_pool(x, [1, 40, 40, 1], [1, 1, 1, 1], "VALID"), big(100, 1, 40, 40, 1)),
    "softmax": (lambda x: tf.nn.softmax(x) * 1000.0, big(0, 70_000)),
    "gradient of a maximum with many ties": (lambda x: tf.gradients(30_000.0 * tf.reduce_max(x), x)[0], big(0, N)),
    "gradient of a mean": (lambda x: tf.gradients(30_000.0 * tf.reduce_mean(x), x)[0], big(1, N)),
    "gradient of lrn": (lambda x: tf.gradients(tf.nn.lrn(x, alpha=1.0), x)[0] * 1000.0, big(100, 1, 1, 1, 20)),
    "standardised image": (tf.image.per_image_standardization, waves(100, 1000, 1)),
    "segments": (lambda x: tf.unsorted_segment_sum(x, tf.zeros([N], tf.int32), 2), waves(N)),
    "bias": (
        lambda x: tf.gradients(tf.nn.bias_add(tf.zeros_like(x), b := tf.zeros([2], x.dtype)), b, x)[0],
        waves(N // 2, 2),
    ),
    "broadcast": (lambda x: tf.gradients(tf.zeros_like(x) + (b := tf.zeros([1], x.dtype)), b, x)[0], waves(N)),
}


def value(name: str, dtype: Any, **how: Any) -> np.ndarray:
    formula, array = FORMULAS[name]
    with tf.Graph().as_default(), tf.Session(**how) as session:
        x = tf.placeholder(dtype, array.shape)
        return np.asarray(session.run(formula(x), {x: array.astype(dtype)}))


@pytest.mark.parametrize("how", [("numpy", "O0"), ("numpy", "O3"), ("llvm", "O3")], ids="-".join)
@pytest.mark.parametrize("name", FORMULAS)
def test_formulas(name: str, how: tuple[str, str]) -> None:
    near_formula(name, value(name, np.float16, backend=how[0], optimize=how[1]))


def near_formula(name: str, got: np.ndarray) -> None:
    """Within a few roundings of the float64 result."""
    want = value(name, np.float64, backend="numpy", optimize="O0")
    assert got.dtype == np.float16
    assert np.isfinite(got).all()
    np.testing.assert_allclose(
        got.astype(np.float64), want, rtol=8 * HALF_ULP, atol=0.02 * max(1.0, np.abs(want).max() / 10)
    )


@pytest.mark.slow
@pytest.mark.skipif(not has_device(), reason="neither g++ nor a GPU is there")
@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_in_cuda(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from minigraph.backends.cupy.backend import CupyBackend

    monkeypatch.setitem(discovery._loaded, "cupy", CupyBackend(some_device()))
    near_formula(name, value(name, np.float16, backend="cupy"))


@pytest.mark.parametrize("disabled", [(), ("widen_float16",)])
@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_sums_of_blocks_may_leave_the_range(backend: str, disabled: tuple[str, ...]) -> None:
    """Sums over the batch, which fused regions compute in parts: each part of the first half is beyond 65,504."""
    x = tf.placeholder(tf.float16, [8192, 64])
    y = tf.reduce_sum(tf.nn.relu(x) - tf.nn.relu(-x), 0)
    given = np.repeat(np.float16([[100.0], [-100.0]]), 4096, 0) * np.ones(64, np.float16)
    with tf.Session(backend=backend, disable_passes=disabled) as session:
        np.testing.assert_array_equal(session.run(y, {x: given}), np.zeros(64))
