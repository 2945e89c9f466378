"""Time `Session.run` of one scalar addition with one feed, after warm-up.

python tests/bench/session_overhead.py
"""

from __future__ import annotations

import statistics
import timeit

import minigraph as tf

CALLS = 2_000
ROUNDS = 25


def main() -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [])
        y = x + 1.0
        session = tf.Session()
    feeds = {x: 2.0}
    assert session.run(y, feeds) == 3.0
    rounds = [t / CALLS * 1e6 for t in timeit.repeat(lambda: session.run(y, feeds), number=CALLS, repeat=ROUNDS)]
    print(f"Session.run of one scalar add: median {statistics.median(rounds):.1f} us, fastest {min(rounds):.1f} us")


if __name__ == "__main__":
    main()
