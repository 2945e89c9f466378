"""Compare what estimates choose with what is fastest when all ways are timed, network by network.

    python tests/bench/choices.py BACKEND BATCH[,BATCH...] MODEL... [--train] [--regions] [--cpu] [--all]

Times are the least of a few, in ms, summed over the convolutions of a network: of the ways that the estimates take, and
of the fastest. Choices that cost more than a tenth are shown by themselves, with --all all of them. --regions: those of
blocks, too. --cpu: times are of the process, not of the clock on the wall, for a machine that does other things.
Trials of before are taken from the cache.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.programs import program_of

from minigraph.backend.discovery import get_backend
from minigraph.compile import tune
from minigraph.compile.plan import Plan
from minigraph.passes import choose
from minigraph.rewrite.pipeline import run_pipeline
from minigraph.tools.shared.target import load_target


def survey(model: str, batch: int, given: argparse.Namespace) -> None:
    """Print a line for the network, and one for each choice that is worth it."""
    target = load_target(model, batch, not given.train)
    engine = get_backend(given.backend)
    clock = time.process_time if given.cpu else time.perf_counter
    tuner = tune.Tuner(engine, choose("O3", None, engine.unwanted_passes, engine.pass_settings), clock)
    tensors = [f for f in target.fetches if hasattr(f, "dtype")]
    targets = [f for f in target.fetches if not hasattr(f, "dtype")]
    program, _ = run_pipeline(program_of(tensors, target.feeds, targets), tuner.passes)
    what = f"{model:14} {'training' if given.train else 'inference'} batch {batch:<4} {given.backend:6}"
    show(f"{what} winograd", tuner.decisions, given.all)
    if given.regions:
        count = len(tuner.decisions)
        Plan(program, tuner.backend, tune.TrialStore(engine))
        show(f"{what} regions ", tuner.decisions[count:], given.all)


def show(what: str, found: Sequence[tune.Decision], shows_all: bool) -> None:
    expected = sum(d.times[d.expected] for d in found)
    least = sum(min(d.times.values()) for d in found)
    lost = expected / least - 1 if least else 0.0
    totals = f"estimated {expected * 1e3:8.2f}  fastest {least * 1e3:8.2f}  lost {lost:6.1%}"
    print(f"{what} {len(found):3} choices  {totals}", flush=True)
    for each in {d.what: d for d in found}.values():
        if shows_all or each.times[each.expected] > 1.1 * min(each.times.values()):
            times = ", ".join(f"{way} {seconds * 1e3:.3g}" for way, seconds in each.times.items())
            shapes = " ".join(re.findall(r"shape=(\([0-9, ]*\))", each.what)[:3])
            print(f"    {each.expected:18} {times}   {shapes}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("backend")
    parser.add_argument("batches")
    parser.add_argument("models", nargs="+")
    for option in ("train", "regions", "cpu", "all"):
        parser.add_argument(f"--{option}", action="store_true")
    given = parser.parse_args()
    tune.BUDGET = float("inf")
    for model in given.models:
        for batch in given.batches.split(","):
            survey(model, int(batch), given)


if __name__ == "__main__":
    main()
