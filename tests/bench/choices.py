"""Compare what estimates choose with what is fastest when all ways are timed, network by network.

    python tests/bench/choices.py BACKEND BATCH[,BATCH...] MODEL... [--train] [--fresh] [--all]

Times are the least of a few, in ms, summed over a network's choices: of the ways that the estimates take, and of the
fastest. A choice that costs more than a tenth is shown by itself; with --all each is. Trials of before are
taken from the cache, where there are any; --fresh makes them anew.
"""

from __future__ import annotations

import sys
import os
import re
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from programs import program_of

from minigraph.backend import get_backend
from minigraph.compile import tune
from minigraph.compile.plan import Plan
from minigraph.passes import choose
from minigraph.rewrite.pipeline import run_pipeline
from minigraph.tools.target import load_target


def short(what: str) -> str:
    """Shapes of the first operands."""
    return " ".join(re.findall(r"shape=(\([0-9, ]*\))", what)[:3])


def survey(model: str, batch: int, trains: bool, backend: str, shows_all: bool) -> tuple[float, float]:
    """Seconds of the estimates' ways and of the fastest."""
    target = load_target(model, batch, not trains)
    engine = get_backend(backend)
    clock = time.process_time if "--cpu" in sys.argv else time.perf_counter
    tuner = tune.Tuner(engine, choose("O3", None, engine.unwanted_passes), clock)
    tensors = [f for f in target.fetches if hasattr(f, "dtype")]
    targets = [f for f in target.fetches if not hasattr(f, "dtype")]
    program, stages = run_pipeline(program_of(tensors, target.feeds, targets), tuner.passes)
    count = len(tuner.decisions)
    Plan(program, tuner.backend, tune._Store(engine))
    what = "training" if trains else "inference"
    totals = []
    for name, found in (("winograd", tuner.decisions[:count]), ("regions", tuner.decisions[count:])):
        expected = sum(d.times[d.expected] for d in found)
        least = sum(min(d.times.values()) for d in found)
        lost = expected / least - 1 if least else 0.0
        print(f"{model:14} {what} batch {batch:<4} {backend:6} {name:9} {len(found):3} choices"
              f"  estimated {expected * 1e3:8.2f}  fastest {least * 1e3:8.2f}  lost {lost:6.1%}", flush=True)
        for d in dict.fromkeys((d.what, d.expected, tuple(d.times.items())) for d in found):
            times = dict(d[2])
            if shows_all or times[d[1]] > 1.1 * min(times.values()):
                print(f"    {d[1]:18} {', '.join(f'{w} {s * 1e3:.3g}' for w, s in times.items())}   {short(d[0])}")
        totals.append((expected, least))
    return totals[0]


def main() -> None:
    words = [a for a in sys.argv[1:] if not a.startswith("--")]
    backend, batches, models = words[0], words[1].split(","), words[2:]
    tune.BUDGET = 1e9
    if "--fresh" in sys.argv:
        os.environ["MINIGRAPH_CACHE"] = tempfile.mkdtemp()
    for model in models:
        for batch in batches:
            survey(model, int(batch), "--train" in sys.argv, backend, "--all" in sys.argv)


if __name__ == "__main__":
    main()
