"""Time per launch of a plan of scalar operations, each one's own ufunc call included.

python tests/bench/launch_overhead.py
"""

from __future__ import annotations

import statistics
import timeit
from functools import partial

import numpy as np

import minigraph as tf

LAUNCHES = 200
CALLS = 200
ROUNDS = 25


def main() -> None:
    with tf.Graph().as_default():
        x = y = tf.placeholder(tf.float32, [])
        factor = tf.placeholder(tf.float32, [])
        for i in range(LAUNCHES):
            y = y * factor if i % 2 else y + factor
        session = tf.Session(optimize="O0")
        plan, arrays = session.plan_for(y, {x: 1.0, factor: 0.5})
    assert len(plan.steps) == LAUNCHES
    a, b, out = (np.zeros((), np.float32) for _ in range(3))
    ufuncs = [partial(np.add, a, b, out) for _ in range(LAUNCHES)]

    def bare() -> None:
        for ufunc in ufuncs:
            ufunc()

    times: dict[str, list[float]] = {"a launch of a plan": [], "the same ufunc calls alone": []}
    for _ in range(ROUNDS):
        for name, call in zip(times, (lambda: plan.run(arrays), bare), strict=True):
            with np.errstate(all="ignore"):
                times[name].append(timeit.timeit(call, number=CALLS) / CALLS / LAUNCHES * 1e6)
    for name, found in times.items():
        print(f"{name}: median {statistics.median(found):.2f} us, fastest {min(found):.2f} us")


if __name__ == "__main__":
    main()
