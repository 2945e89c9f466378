"""`make mutants`: makes faults in the code, one at a time, and counts those that the tests catch.

The faults are a sample with a fixed seed. Results go to a file, so a later call goes on where this one stopped. A fault
that no test catches must be in `survivors.json`, with the reason why it changes nothing that a test could hold.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from support.paths import ROOT

from mutants.faults import Fault, faults, with_fault
from mutants.runner import load, run
from mutants.selection import calls_for

FOLDERS = ("minigraph/ops", "minigraph/passes", "minigraph/compile", "backends/numpy", "backends/llvm")
KNOWN = Path(__file__).with_name("survivors.json")
SEED = 15
CORES = os.cpu_count() or 1
LIMIT = 400.0  # seconds of processor time for a call of pytest


def sample(count: int, folders: Sequence[str] = FOLDERS) -> list[Fault]:
    """The first faults of a fixed order of all of them, in which a change of the code moves none but its own."""
    found: list[Fault] = []
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            found += faults(path, path.relative_to(ROOT).as_posix())
    return sorted(found, key=lambda fault: hashlib.sha256(f"{SEED} {fault.key}".encode()).digest())[:count]


class Results:
    """What became of each fault, and what the tests that noticed one do without it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        old: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {}
        self.outcomes: dict[str, str] = old.get("outcomes", {})
        self.sound: dict[str, bool] = old.get("sound", {})

    def parts(self) -> list[Path]:
        """The files of processes that work beside each other."""
        return [self.file.with_suffix(f".{k}.json") for k in range(CORES)]

    def join(self) -> None:
        """Take over what the processes have found."""
        for file in self.parts():
            part = Results(file)
            self.outcomes |= part.outcomes
            self.sound |= part.sound
        self.save()
        for file in self.parts():
            file.unlink(missing_ok=True)

    def save(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        part = self.file.with_suffix(".part")
        part.write_text(json.dumps({k: v for k, v in vars(self).items() if k != "file"}, indent=1), "utf-8")
        os.replace(part, self.file)

    def passes(self, *call: str) -> bool:
        """Whether a call of pytest passes in a quarter of the limit without a fault; asked once for each call."""
        key = " ".join(call).replace(f"{ROOT}/", "")
        if key not in self.sound:
            self.sound[key] = run(call, LIMIT / 4).passed
            if not self.sound[key]:
                print(f"fails without a fault, and is left out: {key}", flush=True)
        return self.sound[key]

    def examine(self, fault: Fault) -> str:
        """What noticed the fault; "passed" if nothing did."""
        path = ROOT / fault.file
        number = next((f.number for f in faults(path, fault.file) if f.key == fault.key), None)
        if number is None:  # the file has changed since
            return "not run"
        tree = with_fault(path, number)
        for call in calls_for(fault.file):
            outcome, left_out = run(call, LIMIT, fault.file, tree), []
            while outcome.code == 1 and outcome.failed and not self.passes(*outcome.failed[:1]):
                left_out.append(f"--deselect={outcome.failed[0]}")
                outcome = run([*call, *left_out], LIMIT, fault.file, tree)
            if outcome.passed:
                continue
            if outcome.code == 1 and outcome.failed:
                return f"failed: {outcome.failed[0]}"
            if not self.passes(*call, *left_out, *(["--collect-only"] if outcome.code is not None else [])):
                return "not run"
            return f"{'time limit' if outcome.code is None else f'exit {outcome.code}'}: {' '.join(call)}"
        return "passed"


def report(chosen: list[Fault], outcomes: dict[str, str]) -> bool:
    """Print the counts and the survivors; whether each of these has a reason."""
    known: dict[str, str] = json.loads(KNOWN.read_text("utf-8"))
    done = [fault for fault in chosen if outcomes.get(fault.key, "not run") != "not run"]
    alive = [fault for fault in done if outcomes[fault.key] == "passed"]
    same = [fault for fault in alive if fault.key in known]
    for fault in alive:
        print(f"survived: {fault.key}\n    {known.get(fault.key, 'NO REASON IS KNOWN')}")
    caught, counted = len(done) - len(alive), len(done) - len(same)
    shares = [f"{100 * caught / max(n, 1):.1f} %" for n in (len(done), counted)]
    print(f"{len(done)} of {len(chosen)} faults examined, {caught} caught, {len(same)} change nothing")
    print(f"caught: {shares[0]} of all, {shares[1]} of those that change something")
    return len(same) == len(alive)


def examine_all(faults: Sequence[Fault], results: Results, until: float) -> None:
    for fault in faults:
        if time.monotonic() > until:
            break
        outcome = results.outcomes[fault.key] = results.examine(fault)
        results.save()
        print(
            f"{fault.file}:{fault.line}: {fault.before} -> {fault.after}: {outcome.replace(f'{ROOT}/', '')}", flush=True
        )


def in_processes(faults: Sequence[Fault], results: Results, until: float) -> None:
    """Examine faults in as many processes as there are cores, each of which keeps its results in a file of its own."""
    children = []
    for k, file in enumerate(results.parts()):
        child = os.fork()
        if child == 0:
            try:
                part = Results(file)
                part.sound |= results.sound
                examine_all(faults[k::CORES], part, until)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(0)
        children.append(child)
    try:
        for child in children:
            os.waitpid(child, 0)
    finally:
        results.join()


def main() -> None:
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="the size of the sample")
    parser.add_argument("--minutes", type=float, default=600.0)
    parser.add_argument("--results", type=Path, default=ROOT / "runs" / "mutants.json")
    parser.add_argument("--again", action="store_true", help="examine again what no test caught, or what took too long")
    options = parser.parse_args()
    load()
    results, until = Results(options.results), time.monotonic() + 60 * options.minutes
    results.join()
    chosen = sample(options.count)
    old = {f.key: results.outcomes.get(f.key, "") for f in chosen}
    again = ("passed", "not run", "time limit", "exit") if options.again else ()
    in_processes([f for f in chosen if not old[f.key] or old[f.key].startswith(again)], results, until)
    sys.exit(not report(chosen, results.outcomes))


if __name__ == "__main__":
    main()
