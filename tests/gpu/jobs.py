"""Lists of jobs, run in processes of their own: one that crashes, hangs or leaves the GPU unusable is told of, and the
jobs after it run in a new process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

Job = tuple[str, Callable[[], Any]]
LAST = 3000  # characters of what a process wrote before it ended
STARTS = 12  # of processes for one share
GRACE = 20  # seconds for which a job may go on beyond its limit, and a process get ready
UNUSABLE = 3  # the exit status of a process whose GPU does not answer any more


class Part(NamedTuple):
    """Jobs that are made in the process that runs them. seconds: for all of them; each: for one. processes: among which
    they are dealt out. prepare: gets a process's share before the first is run."""

    name: str
    jobs: Callable[[], list[Job]]
    seconds: float
    each: float
    processes: int = 1
    prepare: Callable[[Sequence[Job]], None] = lambda jobs: None


class Results(NamedTuple):
    """What the jobs gave, by name; those that had no turn; and what went wrong beside them."""

    found: dict[str, Any]
    left: list[str]
    failed: list[str]


def run(part: Part, command: Sequence[str], seconds: float, done: Collection[str] = ()) -> Results:
    """All jobs but those `done` within so many seconds. command: starts a process that calls `serve`; the part's name,
    the share, the first job, and two files are added to it."""
    until = time.monotonic() + min(seconds, part.seconds)
    with ThreadPoolExecutor(part.processes) as pool:
        shares = pool.map(lambda number: _share(part, number, command, until, done), range(part.processes))
    results = Results({}, [], [])
    for share in shares:
        results.found.update(share.found)
        results.left.extend(share.left)
        results.failed.extend(share.failed)
    return results


def _share(part: Part, number: int, command: Sequence[str], until: float, done: Collection[str]) -> Results:
    found: dict[str, Any] = {}
    failed: list[str] = []
    names: list[str] = []
    first = 0
    with tempfile.TemporaryDirectory() as folder:
        lines, output, skip = (Path(folder) / n for n in ("lines", "output", "skip"))
        skip.write_text(json.dumps(sorted(done)))
        for _ in range(STARTS):
            left = until - time.monotonic()
            if left <= 0:
                break
            share = f"{number}/{part.processes}"
            lines.touch()
            called = [*command, part.name, share, str(first), str(lines), str(skip)]
            code = _wait(called, output, left, lines, part.each + GRACE)
            said = [json.loads(line) for line in lines.read_text().splitlines()]
            names = next((each["jobs"] for each in said if "jobs" in each), names)
            begun = [each["begin"] for each in said if "begin" in each]
            found |= {each["end"]: each["result"] for each in said if "end" in each}
            if code == 0:
                break
            tail = f"the process ended with {code}: {output.read_text(errors='replace')[-LAST:]}"
            if not begun or names.index(begun[-1]) < first:  # it came to no job
                failed.append(tail)
                break
            found.setdefault(begun[-1], {"failed": tail})
            first = names.index(begun[-1]) + 1
    return Results(found, [n for n in names if n not in found and n not in done], failed)


def _wait(command: Sequence[str], output: Path, seconds: float, lines: Path, patience: float) -> int | str:
    """The exit status; the process and all that it started are ended when the time is over, or when it has written no
    line for as long as `patience`, as one that waits for a GPU that never answers."""
    until = time.monotonic() + seconds
    with output.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            while time.monotonic() < until:
                with suppress(subprocess.TimeoutExpired):
                    return process.wait(0.2)
                if time.time() - lines.stat().st_mtime > patience:
                    return "no sign of life"
            return "no time left"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def serve(part: Part, share: str, first: str, lines: str, skip: str) -> int:
    """Run a share's jobs from the first on in this process, and write a line before and after each."""
    number, count = map(int, share.split("/"))
    with open(lines, "a") as file:

        def say(**what: Any) -> None:
            print(json.dumps(what), file=file, flush=True)

        jobs = part.jobs()[number::count]
        say(jobs=[name for name, _ in jobs])
        part.prepare(jobs)
        done = set(json.loads(Path(skip).read_text()))
        for name, job in jobs[int(first) :]:
            if name in done:
                continue
            say(begin=name)
            try:
                with limited(part.each):
                    result = job()
            except Exception as error:
                result = {"failed": f"{type(error).__name__}: {error}"[:1000], "trace": traceback.format_exc()[-LAST:]}
            say(end=name, result=result)
            if not usable():
                return UNUSABLE
    return 0


def usable() -> bool:
    """Whether the GPU answers, if this process uses one: after some errors it does not until the process ends."""
    cupy: Any = sys.modules.get("cupy")
    try:
        if cupy is not None and cupy.cuda.is_available():
            cupy.cuda.runtime.deviceSynchronize()
    except Exception:
        return False
    return True


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """TimeoutError after so many seconds."""

    def end(number: int, frame: Any) -> None:
        raise TimeoutError(f"it took more than {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
