"""Seconds from building a graph to its second run on LLVM, in new processes with an empty and a filled cache.

    python tests/bench/cold_start.py MODEL BATCH [inference|training]

Prints, for each of two processes that share one new cache: import and building, initial values, the first run (which
compiles), and the second run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time


def measure(model: str, batch: int, mode: str) -> None:
    """Print the seconds of this process."""
    start = time.perf_counter()
    from minigraph.tools.shared.target import load_target

    target = load_target(model, batch, mode == "inference")
    built = time.perf_counter()
    session = target.session(backend="llvm")
    ready = time.perf_counter()
    session.run(target.fetches, target.feeds)
    first = time.perf_counter()
    session.run(target.fetches, target.feeds)
    second = time.perf_counter()
    spans = ("import and building", built - start), ("initial values", ready - built), ("first run", first - ready)
    print(", ".join(f"{what} {s:.2f}" for what, s in (*spans, ("second run", second - first))), flush=True)


def main() -> None:
    model, batch, mode = sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "inference"
    with tempfile.TemporaryDirectory() as cache:
        for what in ("empty cache", "filled cache"):
            print(f"{model}, {mode}, batch {batch}, {what}: ", end="", flush=True)
            call = [sys.executable, __file__, model, batch, mode, "--here"]
            subprocess.run(call, check=True, env={**os.environ, "MINIGRAPH_CACHE": cache})


if __name__ == "__main__":
    if sys.argv[-1] == "--here":
        measure(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    else:
        main()
