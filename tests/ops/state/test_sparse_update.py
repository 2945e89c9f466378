"""Steps of optimizers on some rows, against the step on all rows of a table that holds only these."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigraph as tf
from minigraph.compile.specialise import specialise
from minigraph.ops.state.sparse_update import SPARSE

STEPS = [(kind, sample) for kind in SPARSE.values() for sample in kind.samples()]


def by_rows(op: Any, inputs: list[Any]) -> list[np.ndarray]:
    """Row after row: its gradients added up, then the step on all rows for this one alone."""
    *given_, indices = inputs
    place = op.step.gradient % len(given_)
    results = [np.array(given_[i]) for i in op.writes]
    for row in sorted(set(indices.tolist())):
        summed = np.sum([g for g, i in zip(given_[place], indices, strict=True) if i == row], axis=0)
        operands = [summed if n == place else a[row] if n in op.writes else a for n, a in enumerate(given_)]
        for result, new in zip(results, op.step.forward(np, *operands), strict=True):
            result[row] = new
    return results


@pytest.mark.parametrize(("kind", "sample"), STEPS, ids=[k.__name__ for k, _ in STEPS])
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_rows_step_alone(kind: Any, sample: Any, data: st.DataObject) -> None:
    rows, count, width = (data.draw(st.integers(1, n)) for n in (6, 9, 5))
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    op, place = sample.op, sample.op.step.gradient % (len(sample.inputs) - 1)
    inputs = [random.uniform(0.5, 0.7, (rows, width)) if i in op.writes else a for i, a in enumerate(sample.inputs)]
    inputs[place] = random.normal(size=(count, width))
    inputs[-1] = random.integers(0, rows, count)
    for got, want in zip(op.reference(*inputs), by_rows(op, inputs), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_backends_change_the_rows_in_place(backend: str, dtype: str) -> None:
    if backend == "llvm":
        pytest.importorskip("llvmlite")
    table = tf.Variable(np.linspace(-1, 1, 40).reshape(8, 5).astype(dtype))
    ids = tf.placeholder(tf.int64, [None])
    optimizer = tf.train.MomentumOptimizer(0.5, 0.5)
    step = optimizer.minimize(tf.reduce_sum(tf.gather(table, ids) ** 2))
    want, momentum = np.linspace(-1, 1, 40).reshape(8, 5).astype(dtype).astype(float), np.zeros((8, 5))
    with tf.Session(backend=backend) as session:
        session.run(tf.global_variables_initializer())
        for batch in ([3, 3, 0], [7, 3, 0], [1]):
            session.run(step, {ids: batch})
            for row in set(batch):
                momentum[row] = 0.5 * momentum[row] + 2.0 * want[row] * batch.count(row)
                want[row] -= 0.5 * momentum[row]
        tolerance = 4e-3 if dtype == "float16" else 1e-6
        np.testing.assert_allclose(session.run(table), want, rtol=tolerance, atol=tolerance)
        slot = optimizer.get_slot(table, "momentum")
        np.testing.assert_allclose(session.run(slot), momentum, rtol=tolerance, atol=tolerance)
        before = session.run(table)
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"indices\[1\] = 8"):
            session.run(step, {ids: [0, 8]})
        np.testing.assert_array_equal(session.run(table), before)


def test_a_large_table_costs_only_its_rows() -> None:
    """No launch of a step is as large as the table."""
    table, ids = tf.Variable(tf.zeros([1000, 16])), tf.placeholder(tf.int32, [4])
    step = tf.train.AdagradOptimizer(0.1).minimize(tf.reduce_sum(tf.gather(table, ids) ** 2))
    program = str(specialise([], [step], [ids], [ids.type]))
    assert "SparseApplyAdagrad" in program
    assert "GatherGrad" not in program
