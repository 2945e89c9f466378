"""Timing: all candidates of a workload take their steps in turn."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from minigraph.tools.bench.candidates import OURS, Candidate, compares
from minigraph.tools.bench.ours import Work, work_of
from minigraph.tools.bench.workloads import Workload

WARM_UP = 3
REST = 0.1  # seconds between two steps, in which threads that spin come to rest; those of ONNX Runtime take 50 ms


@dataclass
class Timing:
    """A candidate's steps in seconds, its peak memory in bytes, and the seconds from the start of its process to the
    end of the first step; or the reason why there are none."""

    candidate: str
    framework: str
    seconds: list[float] = field(default_factory=list)
    peak: int = 0
    first: float = 0.0
    parameters: int = 0
    error: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


@dataclass
class BenchResult:
    """A workload, what a step of it takes at least, and its timings."""

    workload: Workload
    work: Work
    timings: list[Timing]

    @property
    def done(self) -> list[Timing]:
        return [t for t in self.timings if t.seconds]

    @property
    def best_peer(self) -> Timing | None:
        """The fastest of the other frameworks."""
        return min((t for t in self.done if t.framework != OURS), key=lambda t: t.median, default=None)

    def to_json(self) -> dict[str, Any]:
        work, timings = self.work._asdict(), [asdict(t) for t in self.timings]
        return {"workload": self.workload._asdict(), **work, "timings": timings}


class _Worker:
    def __init__(self, candidate: Candidate, work: Workload) -> None:
        self.timing = Timing(candidate.name, candidate.framework)
        command = [sys.executable, "-m", "minigraph.tools.bench.worker", *candidate, work.name, str(time.time())]
        self.said = tempfile.TemporaryFile("w+")  # noqa: SIM115  (closed by `finish`)
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.said, text=True
        )
        ready = self._answer()
        if not self.timing.error:
            self.timing.parameters, self.timing.first = ready["parameters"], ready["first"]

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        found: dict[str, Any] = json.loads(line) if line else {"error": f"the process ended; {self._last_words()}"}
        self.timing.error = found.get("error", "")
        return found

    def _last_words(self) -> str:
        self.said.seek(0)
        lines = self.said.read().strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def _ask(self, what: str) -> dict[str, Any]:
        assert self.process.stdin
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        return self._answer()

    def step(self, counts: bool) -> None:
        if self.timing.error:
            return
        seconds = self._ask("step").get("seconds")
        if counts and seconds is not None:
            self.timing.seconds.append(seconds)
        time.sleep(REST)

    def finish(self) -> Timing:
        if not self.timing.error:
            self.timing.peak = self._ask("end").get("peak", 0)
        self.process.kill()
        self.process.communicate()
        self.said.close()
        return self.timing


def measure(
    work: Workload, candidates: Sequence[Candidate], rounds: int, tell: Callable[[str, float], None]
) -> BenchResult:
    """Time all candidates in turn, `rounds` times. tell: called with a description and the finished fraction."""
    able = [c for c in candidates if compares(c, work)]
    workers: list[_Worker] = []
    turns = WARM_UP + rounds
    total = len(able) + turns
    try:
        for i, candidate in enumerate(able):
            tell(f"{work.name}: starting {candidate.name}", i / total)
            workers.append(_Worker(candidate, work))
        for turn in range(turns):
            tell(f"{work.name}: round {turn + 1} of {turns}", (len(able) + turn) / total)
            for worker in workers:
                worker.step(turn >= WARM_UP)
    finally:
        timings = [w.finish() for w in workers]
    return BenchResult(work, work_of(work), timings)
