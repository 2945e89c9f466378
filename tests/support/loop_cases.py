"""Small cases of every op that states a kernel in the loop language: its samples, and odd shapes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from minigraph.core.dtypes import float32, float64, int32, int64
from minigraph.core.op import REGISTRY, Op
from minigraph.loops.kernel import Kernel
from minigraph.ops.array.dynamic import PutAt, SliceAt
from minigraph.ops.array.gathering import GatherGrad, GatherV2
from minigraph.ops.array.indexing import GatherNd, ScatterNdLike
from minigraph.ops.array.one_hot import OneHot
from minigraph.ops.array.slicing import MirrorPadGrad
from minigraph.ops.image.edges import Hysteresis, NonMaximumSuppression
from minigraph.ops.image.median import MedianFilter
from minigraph.ops.image.resize import ResizeBicubic, ResizeBilinear
from minigraph.ops.math.argmax import ArgMax, ArgMin
from minigraph.ops.math.cumulative import Cumprod, Cumsum
from minigraph.ops.math.ranking import TopKV2
from minigraph.ops.math.reduce_extremes import Max, Min
from minigraph.ops.math.reduce_product import Prod, ProdOfOthers
from minigraph.ops.math.segment_reductions import UnsortedSegmentMax, UnsortedSegmentMin, UnsortedSegmentProd
from minigraph.ops.nn.avg_pool import AvgPool, AvgPoolInputGrad
from minigraph.ops.nn.conv2d import Conv2D
from minigraph.ops.nn.cross_entropy import SoftmaxCrossEntropyWithLogits, SparseSoftmaxCrossEntropyWithLogits
from minigraph.ops.nn.lrn import LRN, WindowSum
from minigraph.ops.nn.max_pool import MaxPool, MaxPoolGather, MaxPoolInputGrad
from minigraph.ops.nn.softmax import LogSoftmax, Softmax
from minigraph.ops.random.distributions import RandomStandardNormal, RandomUniform, RandomUniformInt, TruncatedNormal
from minigraph.ops.random.sampling import Multinomial, RandomPermutation
from minigraph.ops.state.scatter import ScatterAdd, ScatterSub, ScatterUpdate
from support.kernel_cases import samples_of, type_of

WINDOWS = [  # attributes of a pool, and an image
    (((3, 3), (2, 2), "SAME"), (2, 7, 8, 19)),
    (((3, 3), (1, 1), "SAME"), (1, 6, 5, 8)),
    (((3, 3), (1, 1), "SAME"), (1, 2, 1, 8)),
    (((2, 3), (3, 1), ((1, 1), (2, 0))), (1, 7, 4, 5)),
    (((5, 5), (3, 2), "SAME"), (1, 11, 9, 4)),
    (((1, 1), (2, 2), "VALID"), (1, 5, 5, 16)),
    (((4, 4), (1, 1), ((3, 3), (3, 3))), (1, 3, 3, 4)),
    (((8, 8), (1, 1), "SAME"), (1, 9, 8, 5)),
    (((7, 7), (7, 7), "VALID"), (2, 7, 7, 17)),
    (((3, 3), (1, 1), "SAME"), (1, 4, 21, 1)),
]


def randn(*shape: int) -> np.ndarray:
    return np.random.RandomState(sum(shape)).randn(*shape).astype(np.float32)


def awkward(*shape: int) -> np.ndarray:
    """Many ties, some NaNs, many −∞."""
    random = np.random.RandomState(sum(shape))
    x = np.round(random.randn(*shape) * 2).astype(np.float32)
    x.reshape(-1)[random.randint(x.size, size=x.size // 3)] = -np.inf
    x.reshape(-1)[random.randint(x.size, size=max(x.size // 20, 1))] = np.nan
    return x


def _odd() -> Iterator[tuple[Op, list[Any]]]:
    for attributes, shape in WINDOWS:
        x = awkward(*shape)
        pool = MaxPool(*attributes)
        y, where = pool.forward(np, x)
        explicit = pool.with_numbers(type_of(x))
        yield pool, [x]
        yield MaxPoolInputGrad(*explicit, shape), [where, randn(*y.shape)]
        yield MaxPoolGather(*explicit), [randn(*shape), where]
        yield AvgPool(*attributes), [randn(*shape)]
        if min(np.ravel(AvgPool(*attributes).counts(shape))) > 0:
            yield AvgPoolInputGrad(*explicit, shape), [randn(*y.shape)]
    for shape in ((3, 37), (70, 3), (2, 3, 33)):
        for axis in range(len(shape)):
            yield ArgMax(axis), [np.nan_to_num(awkward(*shape), neginf=-9)]
            yield ArgMin(axis), [awkward(*shape)]
            yield Max((axis,)), [awkward(*shape)]
            yield Min((axis,), True), [awkward(*shape)]
            yield Prod((axis,)), [1 + randn(*shape) / 9]
            yield Cumsum(axis), [randn(*shape)]
            yield Cumsum(axis, True), [randn(*shape)]
            yield ProdOfOthers(axis), [1 + randn(*shape) / 9]
            yield Cumprod(axis, False, axis == 1), [1 + randn(*shape) / 9]
    yield Max(None), [randn(5, 1000)]
    yield Max((0,)), [randn(3, 1300)]
    for shape in ((3, 37), (2, 5), (2, 256), (1, 1), (4, 10)):
        yield Softmax(), [randn(*shape)]
        yield LogSoftmax(), [randn(*shape)]
        yield SoftmaxCrossEntropyWithLogits(), [randn(*shape), abs(randn(*shape))]
        labels = np.arange(shape[0], dtype=np.int32) % shape[1]
        yield SparseSoftmaxCrossEntropyWithLogits(), [randn(*shape), labels]
        for largest in (True, False) if shape[1] < 40 else ():
            yield TopKV2(min(3, shape[1]), True, largest), [awkward(*shape)]
    for shape in ((2, 1, 2, 5), (1, 2, 2, 21), (1, 1, 2, 64)):
        yield LRN(2, 1.0, 1e-2, 0.75), [randn(*shape)]
        yield WindowSum(3), [randn(*shape)]
    yield OneHot(5, 1), [np.array([[1, 3, -1], [0, 2, 9]], np.int64), np.array(2.0, "f"), np.array(-1.0, "f")]
    for shape, axis in (((6, 11), 0), ((3, 5, 4), 1), ((2, 3, 7), -1)):
        places = np.arange(8, dtype=np.int32) % shape[axis]
        yield GatherV2(axis), [randn(*shape), places]
        taken = np.take(randn(*shape), places, axis=axis)
        yield GatherGrad(axis), [taken, places, randn(*shape)]
    yield MedianFilter((1, 51), "shrink"), [randn(1, 1, 2, 1)]
    vectors = np.random.RandomState(1).randint(0, 3, (21, 2)).astype(np.int32)
    for tail in ((), (19,)):
        yield GatherNd(), [randn(3, 3, *tail), vectors]
        yield ScatterNdLike(), [randn(21, *tail), vectors, randn(3, 3, *tail)]
        for reduction in (UnsortedSegmentMax, UnsortedSegmentMin, UnsortedSegmentProd):
            yield reduction(), [randn(21, *tail), vectors[:, 0], randn(5, *tail)]
        for scatter in (ScatterAdd, ScatterSub, ScatterUpdate):
            yield scatter(), [randn(3, *tail), vectors[:, 0], randn(21, *tail)]
    yield ScatterAdd(), [randn(3, 19), vectors[:, 0], np.float32(0.5)]
    yield SliceAt((1, 2, 18)), [randn(2, 5, 37), np.array([1, 3, 7], np.int64)]
    yield PutAt(), [randn(1, 2, 18), np.array([1, 3, 7], np.int64), randn(2, 5, 37)]
    for mode in ("REFLECT", "SYMMETRIC"):
        for shape, paddings in (((6, 2, 15), ((2, 1), (0, 0), (4, 5))), ((9,), ((3, 4),)), ((4, 21), ((0, 1), (2, 0)))):
            yield MirrorPadGrad(paddings, mode), [randn(*shape)]
    for shape in ((1, 4, 19, 1), (1, 4, 3, 3), (1, 3, 5, 17)):
        x = np.round(randn(*shape), 1)
        x[0, 1:3, :2] = np.nan
        for border in ("replicate", "shrink"):
            for size in ((3, 3), (1, 5)):
                yield MedianFilter(size, border), [x]
        yield NonMaximumSuppression(), [abs(randn(*shape)), randn(*shape) * 0.7, randn(*shape)]
        yield Hysteresis(), [randn(*shape) > -0.2, randn(*shape) > 1.2]
    cell = np.array([2**32 - 3, 7 + (5 << 32), 3 + (9 << 32)], np.uint64)
    for size, kind in ((70, float32), (2 * 4096 + 67, float32), (33, float64)):
        for draw in (RandomUniform, RandomStandardNormal, TruncatedNormal):
            yield draw(kind, (size,), 7, 3), [cell]
    for number in (int32, int64):
        yield RandomUniformInt(number, (70,), 7, 3, -(2**31), 2**31 - 1), [cell]
    yield RandomPermutation(int32, (70,), 7, 3), [cell]
    yield Multinomial(int64, None, 7, 3, 9), [awkward(3, 7), cell]
    yield ResizeBilinear((7, 9)), [randn(2, 5, 4, 3)]
    yield ResizeBicubic((3, 11), False, True), [randn(1, 6, 5, 17)]
    yield Conv2D((2, 1), ((1, 0), (1, 1)), (1, 2), 3), [randn(2, 7, 6, 6), randn(3, 2, 2, 9)]
    yield Conv2D((1, 1), ((1, 1), (1, 1)), (1, 1), 19), [randn(1, 6, 5, 19), randn(3, 3, 1, 19)]


@cache
def loop_cases() -> list[tuple[str, Op, list[Any], Kernel]]:
    """Name, op, operands and kernel of each case."""
    made = []
    for name, kind in sorted(REGISTRY.items()):
        for op, inputs in [*samples_of(kind, np.float32), *(case for case in ODD if type(case[0]).__name__ == name)]:
            types = [type_of(np.asarray(a)) for a in inputs]
            outs = op.infer(*types)
            kernel = op.loops(types, outs) if all(t.is_static for t in (*types, *outs)) else None
            if kernel is not None:
                made.append((name, op, inputs, kernel))
    return made


def _specialised(op: Op, inputs: list[Any]) -> tuple[Op, list[Any]]:
    if op.draws:
        return op, inputs
    made, kept = op.specialise([type_of(a) for a in inputs], [None] * len(inputs))
    return made, [inputs[i] for i in kept]


ODD = [_specialised(*case) for case in _odd()]
