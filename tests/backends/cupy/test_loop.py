"""Sums that end a loop: those over the same axes of one space are one kernel, which reads the operands once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gpu.host import MOST_SHARED, shared_bytes
from gpu.some_device import has_device, some_device
from gpu.trials import trials

import minigraph as tf
from minigraph.backend import discovery as backends
from minigraph.backends.cupy.backend import CupyBackend
from minigraph.backends.cupy.kernel import Launch
from minigraph.core.types import TensorType
from minigraph.ir.regions import Loop

pytestmark = pytest.mark.skipif(not has_device(), reason="neither g++ nor a GPU is there")


def loop_of(monkeypatch: pytest.MonkeyPatch, backend: Any, axes: list[list[int]], arrays: list[np.ndarray]) -> Any:
    """The region that the passes make of sums of x·y, of x, of y, … in turn, over the given axes, and of |x·y|."""
    monkeypatch.setitem(backends._loaded, "cupy", backend)
    with tf.Graph().as_default(), tf.Session(backend="cupy") as session:
        x, y = (tf.placeholder(tf.float32, a.shape) for a in arrays)
        product = x * y
        terms = [product, product - x, product + y]
        sums = [tf.reduce_sum(t, a) for t, a in zip(terms, axes, strict=True)]
        plan: Any = session.plan_for([*sums, tf.abs(product)], dict(zip((x, y), arrays, strict=True)))[0]
    (found,) = [s.instr.op for s in plan.steps if isinstance(s.instr.op, Loop) and len(s.instr.op.program.results) > 1]
    return found


@pytest.mark.parametrize("shape", [(3, 4, 6), (40, 9, 70), (130, 5, 33), (2, 3, 3000)])
@pytest.mark.parametrize("axes", [[0, 1], [2], [0, 1, 2]])
def test_sums_over_the_same_axes_are_one_kernel(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], axes: list[int]
) -> None:
    """Few and many terms, by rows and by columns, in one piece and in several; also if some results are not read."""
    random, backend = np.random.RandomState(0), CupyBackend(some_device())
    arrays = [random.randn(*shape).astype(np.float32) for _ in range(2)]
    op = loop_of(monkeypatch, backend, [axes] * 3, arrays)
    types = [TensorType(tf.float32, a.shape) for a in arrays]
    steps = backend.lower(op, types, op.infer(*types)).bind.steps  # type: ignore[attr-defined]
    names = [s.kernel.name.rsplit("_", 1)[0] for s in steps if isinstance(s, Launch)]
    assert len([n for n in names if n.startswith("sum")]) == 1
    assert len(names) == 1
    product = arrays[0].astype(np.float64) * arrays[1]
    wanted = [product, product - arrays[0], product + arrays[1]]
    for got, want in zip(op.reference(*arrays)[:3], wanted, strict=True):
        np.testing.assert_allclose(np.ravel(got), np.ravel(want.sum(tuple(axes))), rtol=1e-3, atol=1e-2)
    for trial in trials(backend, op, arrays, 1e-5):
        trial.run()


def test_sums_over_other_axes_are_kernels_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    random, backend = np.random.RandomState(0), CupyBackend(some_device())
    arrays = [random.randn(20, 6, 10).astype(np.float32) for _ in range(2)]
    op = loop_of(monkeypatch, backend, [[0, 1], [2], [0, 1]], arrays)
    for trial in trials(backend, op, arrays, 1e-5):
        trial.run()


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
@pytest.mark.parametrize(("axis", "threads"), [(0, 256), (1, 128)])
def test_more_sums_than_the_shared_memory_of_one_kernel_takes(
    monkeypatch: pytest.MonkeyPatch, dtype: tf.DType, axis: int, threads: int
) -> None:
    """By columns and by rows, the sums are in as few kernels as can be, each within the limit."""
    count, backend = 60, CupyBackend(some_device())
    monkeypatch.setitem(backends._loaded, "cupy", backend)
    array = np.random.RandomState(0).randn(40, 34).astype(dtype.np_dtype)
    with tf.Graph().as_default(), tf.Session(backend="cupy") as session:
        x = tf.placeholder(dtype, array.shape)
        sums = [tf.reduce_sum(tf.abs(x + float(k)), axis) for k in range(count)]
        plan: Any = session.plan_for(sums, {x: array})[0]
        found = session.run(sums, {x: array})
    for k, got in enumerate(found):
        wanted = np.abs(array.astype(np.float64) + k).sum(axis)
        np.testing.assert_allclose(got, wanted, rtol=1e-5 if dtype == tf.float32 else 1e-12)
    (op,) = [s.instr.op for s in plan.steps if isinstance(s.instr.op, Loop)]
    kinds = op.program.feeds
    steps = backend.lower(op, kinds, op.infer(*kinds)).bind.steps  # type: ignore[attr-defined]
    sizes = [shared_bytes(s.kernel.source) for s in steps if isinstance(s, Launch)]
    assert max(sizes) <= MOST_SHARED
    assert sum(sizes) == count * threads * array.itemsize
    assert len(sizes) == -(-sum(sizes) // MOST_SHARED)
