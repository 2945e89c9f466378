"""Collectives between two ranks against NumPy on the tensors of both, and their gradients.

Tests `ops/collective/`, `distributed/compression.py` and `distributed/processes.py`.
"""

from __future__ import annotations

import pytest
from gpu.strict.environment import for_children
from support.ranks import run_ranks

import minigraph as tf
import minigraph.distributed as hvd
from minigraph.core.errors import DTypeError, FailedPreconditionError, GradientError, InvalidArgumentError
from minigraph.ops.collective.world import WORLD

PROGRAM = """
def mine(r, rows, dtype=np.float32):
    return np.random.RandomState(r).uniform(-9, 9, [rows, 3]).astype(dtype)

def same(found, expected, tolerance=0):
    assert found.dtype == expected.dtype and found.shape == expected.shape, (found, expected)
    np.testing.assert_allclose(found, expected, tolerance, tolerance)

for backend in ("numpy", "llvm"):
    tf.reset_default_graph()
    session = tf.Session(backend=backend)
    checks = []
    for dtype in (np.float32, np.float64, np.float16, np.int32, np.uint8):
        arrays = [mine(r, 4, dtype) for r in range(size)]
        both = np.stack(arrays)
        x = tf.constant(arrays[rank])
        checks += [(hvd.allreduce(x, op=hvd.Max), both.max(0)), (hvd.allreduce(x, op=hvd.Min), both.min(0)),
                   (hvd.broadcast(x, 1), arrays[1])]
        if dtype is not np.uint8:
            checks.append((hvd.allreduce(x, op=hvd.Sum), both.sum(0, dtype=dtype)))
    checks.append((hvd.broadcast(tf.constant([rank == 0, True]), 0), np.array([True, True])))
    arrays = [mine(r, 5) for r in range(size)]
    x = tf.constant(arrays[rank])
    mean = np.mean(arrays, 0)
    checks += [(hvd.allreduce(x), mean), (hvd.allreduce(x, average=False), 2 * mean),
               (hvd.allreduce(x, op=hvd.Sum, prescale_factor=0.5, postscale_factor=4.0), 4 * mean)]
    for (tensor, expected), value in zip(checks, session.run([t for t, _ in checks])):
        same(value, expected)
    fp16, bf16 = session.run([hvd.allreduce(x, compression=c) for c in (hvd.Compression.fp16, hvd.Compression.bf16)])
    same(fp16, mean, 2e-3)
    same(bf16, mean, 4e-2)
    assert (bf16.view(np.uint32) & 0xFFFF == 0).all() and not (bf16 == mean).all()

    # ragged rows
    arrays = [mine(r, 2 + 3 * r) for r in range(size)]
    rows = tf.placeholder(tf.float32, [None, 3])
    gathered = hvd.allgather(rows)
    splits = [[1, 1], [4, 1]]
    sent, counts = hvd.alltoall(rows, splits=splits[rank])
    weight = tf.constant(mine(10 + rank, 7))
    out = session.run([gathered, sent, counts, tf.gradients(tf.reduce_sum(gathered * weight), rows)[0],
                       tf.gradients(tf.reduce_sum(sent * sent), rows)[0]], {rows: arrays[rank]})
    same(out[0], np.concatenate(arrays))
    starts = [0, 0] if rank == 0 else [1, 4]
    same(out[1], np.concatenate([a[s : s + splits[r][rank]] for r, (a, s) in enumerate(zip(arrays, starts))]))
    assert out[2].tolist() == [splits[r][rank] for r in range(size)]
    total = mine(10, 7) + mine(11, 7)
    same(out[3], total[:2] if rank == 0 else total[2:])
    same(out[4], 2 * arrays[rank])

    # gradients over all ranks
    scale = tf.placeholder(tf.float32, [])
    summed = tf.gradients(hvd.allreduce(scale, op=hvd.Sum) * (rank + 1.0), scale)[0]
    mean, sent = tf.gradients(hvd.allreduce(scale) * (rank + 1.0), scale)[0], hvd.broadcast(scale, 1) * (rank + 1.0)
    assert session.run([summed, mean, tf.gradients(sent, scale)[0]], {scale: 1.0}) == [3.0, 1.5, 3.0 * rank]

assert hvd.broadcast_object(["of", rank], 1) == ["of", 1]
assert hvd.allgather_object(rank) == [0, 1]
assert (hvd.local_rank(), hvd.local_size()) == (rank, 2)

# Rank 1 has fewer batches.
batch = tf.placeholder(tf.float32, [2])
total = hvd.allreduce(batch, op=hvd.Sum)
extremes, expected = [], []
for dtype in (np.int32, np.int64, np.uint8, np.float16, np.float64):
    row = np.array([5, 9] if dtype is np.uint8 else [-5, 9], dtype)
    extremes += [hvd.allreduce(tf.constant(row), op=op) for op in (hvd.Min, hvd.Max)]
    expected += [row, row]
for step in range(3 - 2 * rank):
    value, *found = session.run([total, *extremes], {batch: [1.0, 2.0]})
    assert value.tolist() == ([2.0, 4.0] if step == 0 else [1.0, 2.0])
    for mine, theirs in zip(found, expected):
        same(mine, theirs)
print("last", hvd.join())
print(session.run(total, {batch: [1.0, 2.0]}))  # all are back
"""


def test_collectives_of_two_ranks() -> None:
    assert run_ranks(PROGRAM) == ["[2. 4.]"] * 2 + ["last 0"] * 2


COMPRESSED = """
TOLERANCES = {hvd.Compression.none: 1e-6, hvd.Compression.fp16: 4e-3, hvd.Compression.bf16: 4e-2}
arrays = [np.random.RandomState(r).uniform(-9, 9, [5, 3]).astype(np.float32) for r in range(size)]
checks, expected = [], []
for dtype in (np.float32, np.float64, np.float16):
    for op, total in ((hvd.Average, np.mean(arrays, 0)), (hvd.Sum, np.sum(arrays, 0))):
        for compression, tolerance in TOLERANCES.items():
            checks.append(hvd.allreduce(tf.constant(arrays[rank].astype(dtype)), op=op, compression=compression))
            expected.append((dtype, total, max(tolerance, 1e-2 if dtype is np.float16 else 0)))
nothing = [hvd.allreduce(tf.zeros([0, 3]), compression=compression) for compression in TOLERANCES]
with tf.Session() as session:
    found, empty = session.run([checks, nothing])
for value, (dtype, total, tolerance) in zip(found, expected, strict=True):
    assert value.dtype == dtype
    np.testing.assert_allclose(value, total, tolerance, tolerance)
assert (found[5].view(np.uint32) & 0xFFFF == 0).all()  # a sum of bfloat16 is a bfloat16
assert [value.shape for value in empty] == [(0, 3)] * 3
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["numpy", "llvm", "cupy"])
def test_each_compression_of_each_dtype_is_near_the_sum(backend: str) -> None:
    """On cupy with the strict stand-in. Tensors without elements, too."""
    env = for_children() if backend == "cupy" else {"MINIGRAPH_BACKEND": backend}
    run_ranks(COMPRESSED, limit=120, **env)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A world of one rank."""
    monkeypatch.setattr(WORLD, "started", True)


def test_nothing_works_before_init(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WORLD, "started", False)
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    for call in (
        hvd.rank, hvd.size, hvd.local_rank, hvd.local_size, hvd.join,
        lambda: hvd.allreduce(1.0), lambda: hvd.allgather([1.0]), lambda: hvd.broadcast(1.0, 0),
        lambda: hvd.alltoall([1.0]), lambda: hvd.broadcast_global_variables(0), lambda: hvd.broadcast_object(1),
        lambda: hvd.DistributedOptimizer(optimizer),
    ):  # fmt: skip
        with pytest.raises(FailedPreconditionError, match="call its init"):
            call()


@pytest.mark.usefixtures("alone")
def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="not both"):
        hvd.allreduce(1.0, average=True, op=hvd.Sum)
    with pytest.raises(ValueError, match="got 'adasum'"):
        hvd.allreduce(1.0, op="adasum")
    with pytest.raises(DTypeError, match="average of the ranks' tensors is not defined for int32"):
        hvd.allreduce([1])
    with pytest.raises(DTypeError, match="sum of the ranks' tensors is not defined for uint8"):
        hvd.allreduce(tf.constant([1], tf.uint8), op=hvd.Sum)
    with pytest.raises(DTypeError, match="not defined for bool"):
        hvd.allreduce([True], op=hvd.Max)
    with pytest.raises(InvalidArgumentError, match="root_rank from 0 to 0, got 1"):
        hvd.broadcast(1.0, 1)
    with pytest.raises(InvalidArgumentError, match="without splits"):
        hvd.alltoall(tf.placeholder(tf.float32, [None, 2]))
    with pytest.raises(ValueError, match="scalars"):
        hvd.allgather(1.0)
    with pytest.raises(ValueError, match="scalars"):
        hvd.alltoall(1.0)
    for root in (-1, 1, "0"):
        for send in (hvd.broadcast, hvd.broadcast_object):
            with pytest.raises(InvalidArgumentError, match="root_rank"):
                send(1.0, root)
    for call in (lambda x: hvd.broadcast(x, 0), hvd.allgather, hvd.alltoall):
        with pytest.raises(DTypeError, match="strings"):
            call(["a"])
    for op in (hvd.Sum, hvd.Max):
        with pytest.raises(ValueError, match="got 'int8'"):
            hvd.allreduce([1.0], op=op, compression="int8")
    with pytest.raises(TypeError, match="expected variables"):
        hvd.broadcast_variables([tf.constant(1.0)], 0)  # type: ignore[list-item]
    with pytest.raises(ValueError, match="positive timeout"):
        hvd.init(timeout=-1.0)
    x = tf.placeholder(tf.float32, [])
    with pytest.raises(GradientError, match="max of the ranks"):
        tf.gradients(hvd.allreduce(x, op=hvd.Max), x)
    rows = hvd.alltoall([1.0, 2.0], splits=[1])
    with tf.Session() as session, pytest.raises(InvalidArgumentError, match=r"the sum 2, got \[1\]"):
        session.run(rows)
