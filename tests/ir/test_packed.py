"""Filters packed for the LLVM backend's kernels: once, until a variable changes, with the same results."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import minigraph as tf
from minigraph.ir.packed import OnPacked, Packed
from minigraph.ir.regions import Region
from minigraph.ops.nn.winograd import WinogradConv2D
from minigraph.passes.fuse_blocks import FuseBlocks
from minigraph.passes.winograd import TILES, WinogradPass

pytest.importorskip("llvmlite", reason="needs llvmlite")

from minigraph.backends.llvm import panels, winograd
from minigraph.backends.llvm.compiler import host
from minigraph.compile import blocks


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINIGRAPH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


FILTERS = (  # height, width, channels, outputs; stride
    ((7, 7, 3, 20), 2),
    ((3, 3, 20, 33), 1),
    ((1, 1, 33, 40), 2),
    ((3, 2, 40, 17), 2),
    ((1, 1, 17, 17), 1),
    ((1, 1, 17, 7), 1),
)


def variables() -> list[Any]:
    random = np.random.RandomState(0)
    shapes = [s for s, _ in FILTERS] + [(7 * 4 * 3, 31)]
    return [tf.Variable((random.randn(*s) / np.sqrt(np.prod(s[:-1]))).astype("f")) for s in shapes]


def images(batch: int) -> np.ndarray:
    return np.random.RandomState(1).randn(batch, 26, 23, 3).astype(np.float32)


def network(x: Any, weights: list[Any]) -> Any:
    """Convolutions of all kinds with biases, activations and a residual, then a matrix product."""
    for w, (shape, stride) in zip(weights[:-1], FILTERS, strict=True):
        before = x
        bias = tf.constant(np.linspace(-1, 1, shape[3]).astype(np.float32))
        x = tf.nn.bias_add(tf.nn.conv2d(x, w, [1, stride, stride, 1], "SAME"), bias)
        x = tf.nn.relu(x + before if x.get_shape() == before.get_shape() else x)
    return tf.matmul(tf.reshape(x, [-1, 7 * 4 * 3]), weights[-1]) * 2.0


def expected(x: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    """By the definitions, in float64."""
    y = x.astype(np.float64)
    for w, ((height, width, _, fan), stride) in zip(weights[:-1], FILTERS, strict=True):
        n, rows, columns, _ = y.shape
        down, across = -(-rows // stride), -(-columns // stride)
        pads = [max((o - 1) * stride + k - size, 0) for o, k, size in ((down, height, rows), (across, width, columns))]
        padded = np.pad(y, ((0, 0), *((p // 2, p - p // 2) for p in pads), (0, 0)))
        made = np.zeros((n, down, across, fan))
        for i in range(down):
            for j in range(across):
                seen = padded[:, i * stride : i * stride + height, j * stride : j * stride + width]
                made[:, i, j] = np.tensordot(seen, w.astype(np.float64), 3)
        made += np.linspace(-1, 1, fan).astype(np.float32)
        y = np.maximum(made + y if made.shape == y.shape else made, 0)
    return y.reshape(len(y), -1) @ weights[-1].astype(np.float64) * 2


def ops(plan: Any) -> list[Any]:
    """All ops of a plan, those in regions too."""

    def inside(op: Any) -> list[Any]:
        return [op, *(o for i in op.members for o in inside(i.op))] if isinstance(op, Region) else [op]

    return [o for step in plan.steps for o in inside(step.instr.op)]


@pytest.mark.parametrize("batch", [1, 2, 11])
@pytest.mark.parametrize("by_blocks", [False, True])
def test_results_by_the_definition(batch: int, by_blocks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panels, "NEAR", 1 << 12)  # several blocks of rows, the last one smaller
    monkeypatch.setattr(blocks, "TARGET", 1 << 16)
    weights = variables()
    x = tf.placeholder(tf.float32, [batch, 26, 23, 3])
    y = network(x, weights)
    passes = ["fuse_pointwise", "fuse_epilogue", *([FuseBlocks(min_edge=1, min_saved=1)] if by_blocks else [])]
    with tf.Session(backend="llvm", passes=passes) as session:
        session.run(tf.global_variables_initializer())
        feed = {x: images(batch)}
        want = expected(images(batch), session.run(weights))
        for _ in range(2):
            got = session.run(y, feed)
            assert np.linalg.norm(got - want) <= 1e-6 * np.linalg.norm(want)
        plan, _ = session.plan_for(y, feed)
        packed = [o.op for o in ops(plan) if isinstance(o, OnPacked)]
        assert len(packed) == len(FILTERS) + (batch > 8)  # a product of few rows streams its matrix
        assert not any(isinstance(o, Packed) for o in ops(plan))
        weights[1].load(np.ones((3, 3, 20, 33), np.float32), session)
        want = expected(images(batch), session.run(weights))
        assert np.linalg.norm(session.run(y, feed) - want) <= 1e-6 * np.linalg.norm(want)


@pytest.mark.parametrize("batch", [1, 6])
@pytest.mark.parametrize("tile", [2, 4, 6])
def test_winograd_filters_are_packed(batch: int, tile: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole and in blocks of images; the result against the convolution's definition in float64."""
    monkeypatch.setattr(winograd, "MOST", 1 << 16)
    monkeypatch.setitem(TILES, 3, (tile,))
    random = np.random.RandomState(0)
    lanes = max(host().lanes, 8)  # channels and outputs fill vectors
    w = tf.Variable(random.randn(3, 3, 2 * lanes, 3 * lanes).astype(np.float32))
    image = random.randn(batch, 15, 13, 2 * lanes).astype(np.float32)
    x = tf.placeholder(tf.float32, image.shape)
    y = tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME")
    with tf.Session(backend="llvm", passes=[WinogradPass(margin=100.0), "hoist"]) as session:
        session.run(tf.global_variables_initializer())
        found = session.run(y, {x: image})
        packed = [o.op for o in ops(session.plan_for(y, {x: image})[0]) if isinstance(o, OnPacked)]
        assert [(type(o), o.tile) for o in packed] == [(WinogradConv2D, tile)]
        padded = np.pad(image.astype(np.float64), ((0, 0), (1, 1), (1, 1), (0, 0)))
        seen = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))
        want = np.einsum("nyxcrs,rsco->nyxo", seen, session.run(w).astype(np.float64))
    assert np.linalg.norm(found - want) <= 5e-5 * np.linalg.norm(want)


def test_only_what_is_packed_is_kept(graph: tf.Graph) -> None:
    x = tf.placeholder(tf.float32, [1, 9, 9, 16])
    outputs = 2 * max(host().lanes, 8)  # whole panels
    w = tf.Variable(np.ones((3, 3, 16, outputs), np.float32))
    y = tf.nn.conv2d(x, w * 2.0, [1, 2, 2, 1], "VALID")
    with tf.Session(backend="llvm") as session:
        session.run(tf.global_variables_initializer())
        plan, _ = session.plan_for(y, {x: np.ones((1, 9, 9, 16))})
        assert [a.nbytes for a in plan.kept.values()] == [4 * 9 * 16 * outputs]
        assert plan.fixed is not None
        assert [type(s.instr.op).__name__ for s in plan.fixed.steps] == ["Mul", "Packed"]
        assert (session.run(y, {x: np.ones((1, 9, 9, 16))}) == 288).all()


def test_a_step_that_changes_variables_prepares_nothing() -> None:
    weights = variables()
    x = tf.placeholder(tf.float32, [2, 26, 23, 3])
    step = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_mean(network(x, weights)))
    with tf.Session(backend="llvm") as session:
        session.run(tf.global_variables_initializer())
        plan, _ = session.plan_for(step, {x: images(2)})
        assert not any(isinstance(o, OnPacked) for o in ops(plan))


PROGRAM = """
import hashlib, minigraph as tf, test_packed as T
weights = T.variables()
x = tf.placeholder(tf.float32, [11, 26, 23, 3])
y = T.network(x, weights)
with tf.Session(backend="llvm") as session:
    session.run(tf.global_variables_initializer())
    print(hashlib.sha256(session.run(y, {x: T.images(11)}).tobytes()).hexdigest())
"""


def test_the_number_of_threads_changes_no_bit() -> None:
    found = set()
    for threads in ("1", "2"):
        path = {"PYTHONPATH": os.path.dirname(__file__)}
        environment = os.environ | path | {"OMP_NUM_THREADS": threads}
        made = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True)
        assert not made.returncode, made.stderr
        found.add(made.stdout.strip())
    assert len(found) == 1
    assert len(found.pop()) == hashlib.sha256().digest_size * 2
