"""Forks while another thread runs a session without a pause: `python fork_program.py BACKEND`.

Each child runs a session of its own, the parent's, and compiles. A child that hangs ends itself, with its stack on
stderr.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import sys
import threading
from typing import Any

import numpy as np

import minigraph as tf

FORKS = 10
PATIENCE = 60  # seconds; a child takes less than one


def network(x: Any) -> Any:
    x = tf.layers.conv2d(x, 16, 3, padding="same", activation=tf.nn.relu)
    return tf.layers.dense(tf.layers.flatten(x), 10)


def in_child(backend: str, session: tf.Session, fetch: Any, feed: dict[Any, Any], expected: bytes) -> None:
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    assert session.run(fetch, feed).tobytes() == expected
    with tf.Graph().as_default(), tf.Session(backend=backend) as own:
        images = tf.placeholder(tf.float32, [None, 12, 12, 3])
        y = network(images)
        own.run(tf.global_variables_initializer())
        assert own.run(y, {images: np.ones([8, 12, 12, 3])}).shape == (8, 10)
    assert session.run(tf.square(fetch), feed).shape == (64, 10)  # a new plan
    faulthandler.cancel_dump_traceback_later()


def main(backend: str) -> None:
    fork = multiprocessing.get_context("fork")
    images = tf.placeholder(tf.float32, [None, 24, 24, 3])
    y = network(images)
    feed = {images: np.random.RandomState(0).randn(64, 24, 24, 3)}
    session = tf.Session(backend=backend)
    session.run(tf.global_variables_initializer())
    expected = session.run(y, feed).tobytes()
    stop = threading.Event()
    runs = [0]

    def run() -> None:
        while not stop.is_set():
            assert session.run(y, feed).tobytes() == expected
            runs[0] += 1

    thread = threading.Thread(target=run)
    thread.start()
    try:
        for _ in range(FORKS):
            child = fork.Process(target=in_child, args=(backend, session, y, feed, expected))
            child.start()
            child.join(2 * PATIENCE)
            assert child.exitcode == 0, f"the child's exit code is {child.exitcode}"
    finally:
        stop.set()
        thread.join()
    print("done after", runs[0] > FORKS)


if __name__ == "__main__":
    main(*sys.argv[1:])
