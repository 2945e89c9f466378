"""`make chaos`: kills commands, and loads sessions, for some minutes, from where the last call stopped.

The counts of what was done are kept in a file; a round is known by its campaign and its seed, which is its number.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import traceback
from pathlib import Path

from chaos import kills, sessions
from minigraph.util.files import atomic_write

CAMPAIGNS = kills.campaigns() | sessions.campaigns()


def search(folder: Path, until: float, names: list[str]) -> int:
    """Rounds of all campaigns in turn; the number of rounds that failed."""
    log = folder / "counts.json"
    counts: dict[str, list[int]] = (
        json.loads(log.read_text("utf-8")) if log.exists() else {}
    )  # rounds, and what in them
    failures = 0
    with tempfile.TemporaryDirectory() as own:
        ready = {}
        for number, name in enumerate(names):
            place = Path(own, f"undisturbed{number}")
            place.mkdir()
            ready[name] = CAMPAIGNS[name](place)
        settled = 0  # bytes of this process after the first rounds
        while time.monotonic() < until:
            for name in names:
                rounds, done = counts.get(name, [0, 0])
                with tempfile.TemporaryDirectory() as place:
                    try:
                        done += ready[name](Path(place), rounds)
                    except Exception:
                        failures += 1
                        print(f"{name}, round {rounds}:\n{traceback.format_exc()}", flush=True)
                counts[name] = [rounds + 1, done]
                with atomic_write(log, "w") as file:
                    file.write(json.dumps(counts, indent=1, sort_keys=True))
            settled = settled or sessions.resident()
    if settled and (grown := sessions.resident() - settled) > sessions.GROWTH:
        failures += 1
        print(f"the process grew by {grown >> 20} MiB after the first rounds", flush=True)
    for name, (rounds, done) in sorted(counts.items()):
        print(f"{name}: {done:,} in {rounds:,} rounds so far")
    return failures


def main() -> None:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--folder", type=Path, default=Path("runs/chaos"))
    parser.add_argument("--only", action="append", choices=sorted(CAMPAIGNS), help="may be repeated")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    sys.exit(search(options.folder, time.monotonic() + 60 * options.minutes, options.only or list(CAMPAIGNS)) > 0)


if __name__ == "__main__":
    main()
