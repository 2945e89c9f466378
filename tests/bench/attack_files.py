"""Seconds of processor time and peak memory to refuse each attack file, in a process of its own.

Run as `python tests/bench/attack_files.py`. It needs Linux, and fails if a file is read that must be refused, or a bar
is missed: 2 s and 300 MB, the start of Python and the import of minigraph and of the format's package included.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.attack_files import ATTACKS, HARMLESS

SECONDS, MEGABYTES = 2.0, 300


def read_one(name: str, path: Path) -> None:
    """In the child: read the file and print what came of it."""
    from minigraph.core.errors import MinigraphError

    try:
        (ATTACKS | HARMLESS)[name].read(path)
        outcome = "read"
    except MinigraphError:
        outcome = "refused"
    status = Path("/proc/self/status").read_text()
    peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) >> 10
    print(outcome, f"{time.process_time():.2f}", peak)


def main() -> None:
    missed = 0
    for name, attack in (ATTACKS | HARMLESS).items():
        with tempfile.TemporaryDirectory() as folder:
            path = attack.make(Path(folder))
            size = path.stat().st_size
            found = subprocess.run([sys.executable, __file__, name, str(path)], capture_output=True, text=True)
        outcome, seconds, peak = found.stdout.split() if found.returncode == 0 else ("failed", "inf", "0")
        wanted = "refused" if name in ATTACKS else "read"
        fits = outcome == wanted and float(seconds) <= SECONDS and int(peak) <= MEGABYTES
        missed += not fits
        print(f"{name:50} {size / 1e3:9,.1f} kB {outcome:8} {seconds:>5} s {peak:>4} MB{'' if fits else '  !'}")
    sys.exit(missed)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        read_one(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
