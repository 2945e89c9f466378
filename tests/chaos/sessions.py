"""Sessions under load: many threads, shapes without end, and sessions that come and go."""

from __future__ import annotations

import gc
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import minigraph as tf

THREADS = 16
GROWTH = 48 << 20  # bytes by which a process may grow after it has warmed up
SHAPES = 40  # batch sizes of the threads


def resident() -> int:
    """Bytes of memory of this process."""
    fields = Path("/proc/self/statm").read_text("ascii").split()
    return int(fields[1]) * 4096


@contextmanager
def flat(what: str) -> Iterator[None]:
    """Raise AssertionError if the process is larger after the `with` block."""
    gc.collect()
    before = resident()
    yield
    gc.collect()
    grown = resident() - before
    assert grown <= GROWTH, f"{what}: the process grew by {grown >> 20} MiB"


class Shared:
    """A session in which threads read, and add to a variable, at batch sizes of their own."""

    def __init__(self, backend: str) -> None:
        self.graph = tf.Graph()
        with self.graph.as_default():
            self.x = tf.placeholder(tf.float32, [None, 6])
            self.total = tf.get_variable("total", [], tf.int64, tf.zeros_initializer())
            weights = np.arange(30, dtype=np.float32).reshape(6, 5) / 30
            self.y = tf.reduce_sum(tf.nn.relu(tf.matmul(self.x, tf.constant(weights)) - 1.0), 1)
            self.add = tf.assign_add(self.total, tf.shape(self.x, out_type=tf.int64)[0])
            self.session = tf.Session(backend=backend)
            self.session.run(tf.global_variables_initializer())
        self.weights = weights

    def runs(self, count: int, seed: int) -> int:
        """`count` runs from THREADS threads; the number of runs."""
        failures: list[BaseException] = []
        before = int(self.session.run(self.total))
        added = [0] * THREADS

        def work(thread: int) -> None:
            rng = random.Random(seed * THREADS + thread)
            try:
                for _ in range(count // THREADS):
                    rows = rng.randint(1, SHAPES)
                    x = np.full((rows, 6), rng.uniform(0, 2), np.float32)
                    if rng.random() < 0.3:
                        self.session.run(self.add, {self.x: x})
                        added[thread] += rows
                    else:
                        expected = np.maximum(x @ self.weights - 1, 0).sum(1)
                        np.testing.assert_allclose(
                            self.session.run(self.y, {self.x: x}), expected, rtol=1e-4, atol=1e-4
                        )
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        found = int(self.session.run(self.total)) - before
        assert found == sum(added), f"seed {seed}: {found} rows were added up instead of {sum(added)}"
        return count // THREADS * THREADS


def threads(backend: str) -> Callable[[Path], Callable[[Path, int], int]]:
    """Runs of one session from many threads. A round is 16,000 runs."""

    def prepared(folder: Path) -> Callable[[Path, int], int]:
        shared = Shared(backend)
        shared.runs(3200, -1)  # makes the plans of all sizes

        def round(place: Path, seed: int) -> int:
            with flat("runs from threads"):
                return shared.runs(16_000, seed)

        return round

    return prepared


def _network() -> tuple[tf.Graph, tf.Tensor, tf.Tensor]:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, None, None, 3])
        return graph, x, tf.reduce_mean(tf.nn.relu(tf.layers.conv2d(x, 8, 3, padding="same")), [1, 2])


def plans(backend: str) -> Callable[[Path], Callable[[Path, int], int]]:
    """One session whose feeds have another shape in each run, beyond what it keeps plans of. A round is 250 shapes."""

    def prepared(folder: Path) -> Callable[[Path, int], int]:
        graph, x, y = _network()
        with graph.as_default():
            session = tf.Session(backend=backend)
            session.run(tf.global_variables_initializer())

        def runs(seed: int, count: int) -> int:
            rng = random.Random(seed)
            for _ in range(count):
                shape = rng.randint(1, 4), rng.randint(3, 40), rng.randint(3, 40), 3
                found = session.run(y, {x: np.ones(shape, np.float32)})
                assert found.shape == (shape[0], 8)
                assert np.array_equal(found, np.broadcast_to(found[:1], found.shape))
            return count

        runs(-1, 250)

        def round(place: Path, seed: int) -> int:
            with flat("plans of changing shapes"):
                return runs(seed, 250)

        return round

    return prepared


def sessions(backend: str) -> Callable[[Path], Callable[[Path, int], int]]:
    """Sessions that are opened, used and closed. A round is 20."""

    def prepared(folder: Path) -> Callable[[Path, int], int]:
        def some(count: int) -> int:
            for _ in range(count):
                graph, x, y = _network()
                with graph.as_default(), tf.Session(backend=backend) as session:
                    session.run(tf.global_variables_initializer())
                    session.run(y, {x: np.ones((2, 9, 9, 3), np.float32)})
            return count

        some(20)

        def round(place: Path, seed: int) -> int:
            with flat("sessions"):
                return some(20)

        return round

    return prepared


def campaigns() -> dict[str, Callable[[Path], Callable[[Path, int], int]]]:
    """All campaigns in this process, by name."""
    kinds = {"threads": threads, "plans": plans, "sessions": sessions}
    return {f"{name} on {backend}": make(backend) for name, make in kinds.items() for backend in ("numpy", "llvm")}
