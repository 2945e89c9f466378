"""Steps of two ranks on half a batch each, against the steps of one process on the whole batch.

Tests `distributed/variables.py`.
"""

from __future__ import annotations

import numpy as np
import pytest
from gpu.strict.environment import for_children
from support.ranks import run_ranks

import minigraph as tf
import minigraph.distributed as hvd
from minigraph.core.errors import GradientError
from minigraph.ops.collective.world import WORLD

NETWORK = """
numbers = np.random.RandomState(0)
IMAGES, LABELS = numbers.normal(size=[8, 6, 6, 3]).astype(np.float32), numbers.randint(0, 4, 8)

def build(wrap, **initial):
    tf.reset_default_graph()
    images, labels = tf.placeholder(tf.float32, [None, 6, 6, 3]), tf.placeholder(tf.int32, [None])
    values = np.random.RandomState(1)
    shapes = [3, 3, 3, 5], [5], [3, 3, 5, 7], [7], [7 * 36, 4]
    k1, b1, k2, b2, w = (tf.Variable(values.normal(scale=0.3, size=s), dtype=tf.float32) for s in shapes)
    x = tf.nn.relu(tf.nn.conv2d(images, k1, [1, 1, 1, 1], "SAME") + b1)
    x = tf.nn.relu(tf.nn.conv2d(x, k2, [1, 1, 1, 1], "SAME") + b2)
    logits = tf.matmul(tf.reshape(x, [-1, 7 * 36]), w)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    return images, labels, wrap(tf.train.MomentumOptimizer(0.1, 0.9)).minimize(loss)

def train(wrap, part=slice(None), steps=3, **options):
    images, labels, step = build(wrap)
    with tf.Session(**options) as session:
        session.run(tf.global_variables_initializer())
        for _ in range(steps):
            session.run(step, {images: IMAGES[part], labels: LABELS[part]})
        return session.run(tf.trainable_variables())
"""
STEPS = """
mine = slice(4 * rank, 4 * rank + 4)
whole = train(lambda o: o)

def near(found, tolerance):
    for a, b in zip(found, whole, strict=True):
        np.testing.assert_allclose(a, b, tolerance, tolerance)

found = train(hvd.DistributedOptimizer, mine)
near(found, 1e-5)
other = train(hvd.DistributedOptimizer, mine, disable_passes=["bucket_gradients"])
assert all((a == b).all() for a, b in zip(other, found, strict=True))
near(train(lambda o: hvd.DistributedOptimizer(o, gradient_predivide_factor=4.0), mine), 1e-5)
near(train(lambda o: hvd.DistributedOptimizer(o, compression=hvd.Compression.fp16), mine), 1e-2)
near(train(lambda o: hvd.DistributedOptimizer(o, compression=hvd.Compression.bf16), mine), 1e-1)

# Gradients of two runs of a quarter each are averaged before they are exchanged.
images, labels, step = build(
    lambda o: hvd.DistributedOptimizer(o, backward_passes_per_step=2, average_aggregated_gradients=True)
)
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for _ in range(3):
        for start in (4 * rank, 4 * rank + 2):
            part = slice(start, start + 2)
            session.run(step, {images: IMAGES[part], labels: LABELS[part]})
    near(session.run(tf.trainable_variables()), 1e-5)
"""
SYNC = """
# Ranks with 3 and 5 images normalise as one with 8 does, in values, gradients and moving averages.
def normalised(part, sync):
    tf.reset_default_graph()
    x = tf.placeholder(tf.float32, [None, 6, 6, 3])
    y = tf.layers.batch_normalization(x, training=True, sync=sync)
    cubes = tf.reduce_sum(y * y * y)
    grad = tf.gradients(cubes, x)[0]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
        values = session.run([y, grad, *updates], {x: IMAGES[part]})[:2]
        return [*values, *session.run(tf.global_variables()[2:])]

part = slice(0, 3) if rank == 0 else slice(3, 8)
expected = normalised(slice(None), False)
found = normalised(part, True)
for a, b in zip(found, [expected[0][part], expected[1][part], *expected[2:]], strict=True):
    np.testing.assert_allclose(a, b, 1e-4, 1e-4)
"""
HOOK = """
from minigraph import tf1
tf.reset_default_graph()
w = tf.Variable([1.0 + rank, 2.0])
tf.train.get_or_create_global_step()
optimizer = hvd.DistributedOptimizer(tf.train.AdamOptimizer(0.1))
step = optimizer.minimize(tf.reduce_sum(w * w))
assert optimizer.get_slot_names() == ["m", "v"] and optimizer.get_slot(w, "m") is not None
hooks = [hvd.BroadcastGlobalVariablesHook(1)]
with tf1.train.MonitoredTrainingSession(hooks=hooks) as session:
    print(session.run(w))
    session.run(step)
"""


@pytest.mark.parametrize("backend", ["numpy", *(pytest.param(b, marks=pytest.mark.slow) for b in ("llvm", "cupy"))])
def test_two_ranks_make_the_steps_of_one(backend: str) -> None:
    """On cupy with the strict stand-in."""
    env = for_children() if backend == "cupy" else {"MINIGRAPH_BACKEND": backend}
    assert run_ranks(NETWORK + STEPS + SYNC + HOOK, limit=180, **env) == ["[2. 2.]"] * 2


BUCKETS = """
mine = slice(2 * rank, 2 * rank + 2)
found, other = (train(hvd.DistributedOptimizer, mine, disable_passes=p) for p in ([], ["bucket_gradients"]))
assert all((a == b).all() for a, b in zip(other, found, strict=True))
"""


@pytest.mark.slow
def test_buckets_do_not_change_the_sums_of_four_ranks() -> None:
    run_ranks(NETWORK + BUCKETS, 4)


LOSSES = """
numbers = np.random.RandomState(0)
from minigraph.models.mnist_cnn import mnist_cnn
images, labels = numbers.uniform(size=[60, 784]).astype(np.float32), numbers.randint(0, 10, 60)
x, y, share = tf.placeholder(tf.float32, [None, 784]), tf.placeholder(tf.int32, [None]), tf.placeholder(tf.float32, [])
tf.set_random_seed(1)
logits, _ = mnist_cnn(x, 10, True, 0.25, 1.0, 0.05)
part = share * tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
step = hvd.DistributedOptimizer(tf.train.GradientDescentOptimizer(0.005), op=hvd.Sum).minimize(part)
loss = hvd.allreduce(part, op=hvd.Sum)
found = []
with tf.Session(backend="llvm") as session:
    session.run(tf.global_variables_initializer())
    for number in range(50):
        rows = np.arange(number * 10, number * 10 + 10)[10 * rank // size : 10 * (rank + 1) // size] % 60
        found.append(session.run([step, loss], {x: images[rows], y: labels[rows], share: len(rows) / 10})[1])
if rank == 0:
    print(*map(float, found))
"""


@pytest.mark.slow
def test_fifty_losses_do_not_depend_on_the_number_of_ranks() -> None:
    """Gradient descent on a network for digits; four ranks have parts of two and three images."""
    found = {n: np.array(run_ranks(LOSSES, n, 300)[0].split(), float) for n in (1, 2, 4)}
    assert len(found[1]) == 50
    for count in (2, 4):
        np.testing.assert_allclose(found[count], found[1], 1e-5)
    again = run_ranks(LOSSES, 2, 300)[0]
    assert (np.array(again.split(), float) == found[2]).all()


def test_wrong_arguments_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WORLD, "started", True)
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    for options in (
        {"op": hvd.Max},
        {"backward_passes_per_step": 0},
        {"backward_passes_per_step": 1.5},
        {"gradient_predivide_factor": 0.0},
        {"gradient_predivide_factor": 2.0, "op": hvd.Sum},
    ):
        with pytest.raises(ValueError, match="DistributedOptimizer"):
            hvd.DistributedOptimizer(optimizer, **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="got 'int8'"):
        hvd.DistributedOptimizer(optimizer, compression="int8")
    with pytest.raises(TypeError, match="expected an optimizer"):
        hvd.DistributedOptimizer("sgd")  # type: ignore[arg-type]


@pytest.mark.parametrize("passes", [1, 2])
def test_gradients_are_needed(monkeypatch: pytest.MonkeyPatch, passes: int) -> None:
    monkeypatch.setattr(WORLD, "started", True)
    optimizer = hvd.DistributedOptimizer(tf.train.GradientDescentOptimizer(0.1), backward_passes_per_step=passes)
    with pytest.raises(ValueError, match="No variables provided"):
        optimizer.apply_gradients([])
    with pytest.raises(GradientError, match="No gradients provided"):
        optimizer.apply_gradients([(None, tf.Variable(1.0))])
