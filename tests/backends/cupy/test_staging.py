"""Copies to the device, on the strict stand-in for CUDA."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from gpu.host import COMPILER
from gpu.strict.installed import install
from gpu.strict.machine import Machine

import minigraph as tf
from minigraph.backend.discovery import get_backend
from minigraph.backends.cupy import staging
from minigraph.core.dtypes import float32
from minigraph.core.types import TensorType

pytestmark = pytest.mark.skipif(COMPILER is None, reason="g++ is not installed")


@pytest.fixture(params=[None, 0, 1])
def machine(request: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """Work runs as late as it may, or at random moments."""
    made = Machine(seed=request.param)
    install(monkeypatch, made)
    monkeypatch.setattr(staging, "EARLY", 1 << 10)
    monkeypatch.setattr(staging, "MOST", 1 << 12)
    yield made
    assert made.violations == []


@pytest.mark.parametrize("size", [3, 3000])
def test_feeds_may_change_after_a_run_that_fetches_nothing(machine: Machine, size: int) -> None:
    """The large feeds of later steps are copied while the first ones still run."""
    x = tf.placeholder(tf.float32, [size])
    v = tf.Variable(tf.zeros([size]))
    add = v.assign_add(x * 2.0).op
    with tf.Session(backend="cupy") as session:
        session.run(v.initializer)
        fed = np.zeros(size, np.float64)
        for step in range(6):
            fed[:] = step
            session.run(add, {x: fed})
            fed[:] = np.nan
        np.testing.assert_array_equal(session.run(v), np.full(size, 30))
    assert machine.counts["captured"] == 1


@pytest.mark.parametrize("shape", [(7,), (5, 3000), (3, 2, 1500), (2, 1, 3, 1), ()])
@pytest.mark.parametrize("unpinnable", [False, True])
def test_values_are_cast_and_broadcast(machine: Machine, shape: tuple[int, ...], unpinnable: bool) -> None:
    machine.unpinnable = unpinnable
    backend = get_backend("cupy")
    kind = TensorType(float32, shape)
    array = backend.view(backend.allocate(kind.nbytes), 0, kind)
    whole = np.arange(kind.size, dtype=np.int64).reshape(shape)
    for value in (whole, whole.T.copy().T, whole[..., :1] if shape else whole, 3.5):
        backend.write(array, value)
        np.testing.assert_array_equal(backend.read(array), np.broadcast_to(value, shape).astype(np.float32))


def test_pinned_memory_is_bounded_and_given_back(machine: Machine) -> None:
    backend = get_backend("cupy")
    for size in range(1, 40):
        kind = TensorType(float32, (size * 100,))
        array = backend.view(backend.allocate(kind.nbytes), 0, kind)
        for _ in range(3):
            backend.write(array, np.ones(kind.static))
    assert sum(b.nbytes for b in machine.pinned.values()) <= 4 * staging.MOST
    del array
    backend.release()
    assert machine.pinned == {}
    assert machine.used == [0]


def test_a_value_that_does_not_fit_is_refused(machine: Machine) -> None:
    backend = get_backend("cupy")
    for shape in ((4,), (0,)):
        array = backend.view(backend.allocate(16), 0, TensorType(float32, shape))
        with pytest.raises(ValueError, match="broadcast"):
            backend.write(array, np.ones(3))
