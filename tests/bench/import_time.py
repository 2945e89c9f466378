"""Wall time of a process that does `import minigraph`, against one that does `import numpy`, run in turn.

    python tests/bench/import_time.py [--rounds 21]

All start from compiled byte code, kept in a temporary folder. The second ratio leaves out the time of an empty process,
which is the interpreter's own.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

PROGRAMS = ("pass", "import numpy", "import minigraph")


def seconds(program: str, byte_code: str) -> float:
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": byte_code, "PYTHONDONTWRITEBYTECODE": ""}
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=21)
    rounds = parser.parse_args().rounds
    times: dict[str, list[float]] = {program: [] for program in PROGRAMS}
    with tempfile.TemporaryDirectory() as byte_code:
        for turn in range(-1, rounds):  # the first one writes the byte code
            for program in PROGRAMS:
                spent = seconds(program, byte_code)
                if turn >= 0:
                    times[program].append(spent)
    empty, numpy, ours = (statistics.median(times[program]) for program in PROGRAMS)
    print(
        f"empty process {empty * 1e3:.0f} ms, import numpy {numpy * 1e3:.0f} ms, import minigraph {ours * 1e3:.0f} ms"
    )
    print(f"ratio {ours / numpy:.2f}; without the empty process's time {(ours - empty) / (numpy - empty):.2f}")


if __name__ == "__main__":
    main()
