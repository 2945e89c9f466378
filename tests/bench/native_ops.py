"""Times of ops on one thread: the LLVM backend's code against the NumPy backend's calls, in turn.

python tests/bench/native_ops.py [--only TEXT] [--seconds 1]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.kernel_cases import type_of
from support.kernels import Bound

from minigraph.backends.llvm.backend import LlvmBackend, lower
from minigraph.backends.llvm.native import LoweringContext, lowered
from minigraph.backends.numpy.backend import NumpyBackend
from minigraph.core.dtypes import float32, int32, int64
from minigraph.core.op import Op
from minigraph.ops.array.dynamic import SliceAt
from minigraph.ops.array.indexing import GatherNd, ScatterNdLike
from minigraph.ops.array.slicing import MirrorPadGrad
from minigraph.ops.image.edges import Hysteresis, NonMaximumSuppression
from minigraph.ops.image.median import MedianFilter
from minigraph.ops.math.matmul import BatchMatMulV2
from minigraph.ops.random.distributions import RandomStandardNormal, RandomUniform, RandomUniformInt, TruncatedNormal
from minigraph.ops.random.sampling import Multinomial, RandomPermutation
from minigraph.ops.state.scatter import ScatterAdd
from minigraph.util.blas import SINGLE_THREADED

RANDOM = np.random.RandomState(0)
CELL = np.array([0, 7, 3], np.uint64)


def randn(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape).astype(np.float32)


def cases() -> Iterator[tuple[str, Op, list[Any]]]:
    vectors, rows = (RANDOM.randint(0, 64, s).astype(np.int32) for s in ((4096, 2), 4096))
    many = np.tile(vectors, (16, 1))
    yield "gather_nd of slices", GatherNd(), [randn(64, 64, 64), vectors]
    yield "gather_nd of elements", GatherNd(), [randn(64, 64), many]
    yield "scatter_nd of slices", ScatterNdLike(), [randn(4096, 64), vectors, randn(64, 64, 64)]
    yield "scatter_nd of elements", ScatterNdLike(), [randn(65536), many, randn(64, 64)]
    yield "scatter_add", ScatterAdd(), [randn(4096, 64), rows, randn(4096, 64)]
    yield "slice at a place", SliceAt((16, 200, 200, 3)), [randn(16, 256, 256, 3), np.array([0, 9, 8, 0], np.int32)]
    border = ((0, 0), (2, 2), (2, 2), (0, 0))
    yield "mirrored border, gradient", MirrorPadGrad(border, "REFLECT"), [randn(8, 68, 68, 16)]
    image = abs(randn(1, 256, 256, 1))
    for size in (3, 5, 7):
        yield f"median of {size} x {size}", MedianFilter((size, size)), [image]
    yield "non-maximum suppression", NonMaximumSuppression(), [image, randn(*image.shape), randn(*image.shape)]
    yield "hysteresis", Hysteresis(), [image > 0.7, image > 2.5]
    for kind in (RandomUniform, RandomStandardNormal, TruncatedNormal):
        yield kind.__name__, kind(float32, (65536,), 7, 3), [CELL]
    yield "RandomUniformInt", RandomUniformInt(int32, (65536,), 7, 3, 0, 10), [CELL]
    yield "shuffle of 60,000", RandomPermutation(int32, (60000,), 7, 3), [CELL]
    yield "multinomial", Multinomial(int64, None, 7, 3, 4), [randn(256, 1000), CELL]
    for a, b in (((32, 64, 64), (32, 64, 64)), ((8, 256, 64), (8, 64, 256)), ((64, 16, 16), (64, 16, 16))):
        yield f"products {a} {b}", BatchMatMulV2(), [randn(*a), randn(*b)]


def measure(op: Op, inputs: list[Any], seconds: float) -> tuple[float, float]:
    """Least milliseconds of a launch by the NumPy backend and of one by LLVM's code."""
    types = [type_of(np.asarray(a)) for a in inputs]
    native = lower(op, types, op.infer(*types), LoweringContext(1))
    assert native is not None
    old, new = Bound(NumpyBackend(), op, inputs), Bound(LlvmBackend(), op, inputs, lowered=lowered(native, 1))
    for bound in (old, new):
        bound.run()

    def once(launch: Callable[[], None]) -> float:
        begin = time.perf_counter()
        launch()
        return time.perf_counter() - begin

    times = []
    end = time.perf_counter() + seconds
    with SINGLE_THREADED:
        while time.perf_counter() < end or not times:
            times.append((once(old.launch), once(new.launch)))
    before, after = (min(column) * 1e3 for column in zip(*times, strict=True))
    return before, after


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="measure the ops whose name has this text")
    parser.add_argument("--seconds", type=float, default=1.0, help="of timing for each op")
    options = parser.parse_args()
    for name, op, inputs in cases():
        if options.only in name:
            before, after = measure(op, inputs, options.seconds)
            print(f"{name:36}{before:10.3f} {after:10.3f} ms, ratio {after / before:.3f}", flush=True)


if __name__ == "__main__":
    main()
