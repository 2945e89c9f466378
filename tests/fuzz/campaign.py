"""A search: random programs, one seed after the other, in a process that may crash or hang.

The state is in a folder: the next seed and the findings, so that a later search goes on. Each finding is shrunk and
printed to a file there, as a program that runs.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import tempfile
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from fuzz.check import Checker, Finding, Way, check
from fuzz.effects import grow
from fuzz.grow import BuildError
from fuzz.program import Built, Program
from fuzz.shrink import shrink
from minigraph.util.files import atomic_write

BATCH = 200  # seeds that one process checks
PATIENCE = 600.0  # seconds for one seed with its shrinking


def examine(seed: int, backends: tuple[str, ...], seconds: float = 120.0) -> Finding | None:
    """What is wrong with the program of a seed, as a small program; None if nothing is."""
    try:
        found = check(grow(seed, Counter()), backends)
    except BuildError as error:
        return Finding(error.program, None, f"raises {error}")
    if found is None or found.how is None:
        return found
    how, sort, latest = found.how, found.sort, found.message

    def fails(program: Program) -> bool:
        nonlocal latest
        message = _message(program, how)
        same = message is not None and Finding(program, how, message).sort == sort
        if same and message:
            latest = message
        return same

    return Finding(shrink(found.program, fails, seconds), how, latest)


def _message(program: Program, how: Way) -> str | None:
    try:
        Built(program)
        return Checker(program).check(how)
    except Exception:  # a candidate that cannot be built
        return None


def text_of(found: Finding) -> str:
    how = found.how
    title = " ".join(f"# {how or 'building'}: {found.message}".split())
    return f"{title}\n" + found.program.source([how.text] if how else [])


def work(pipe: Connection, first: int, last: int, backends: tuple[str, ...], folder: str) -> None:
    """Check the seeds from `first` to before `last`, and tell which is begun and which is done."""
    os.environ["MINIGRAPH_CACHE"] = str(Path(folder) / "cache")
    if "cupy" in backends:
        _install_shim(Path(folder))
    for seed in range(first, last):
        pipe.send(("begin", seed, None))
        found = examine(seed, backends)
        if found is not None:
            kinds = sorted({step.kind for step in found.program.steps})
            pipe.send(("found", seed, (str(found.how), found.message, kinds, text_of(found))))
        pipe.send(("done", seed, None))


def _install_shim(cache: Path) -> None:
    """Let sessions of cupy run on a device made of the CPU."""
    from gpu import host

    from minigraph.backend import discovery
    from minigraph.backends.cupy.backend import CupyBackend

    host.CACHE = cache
    discovery._loaded["cupy"] = CupyBackend(host.HostDevice())  # type: ignore[arg-type]


class Campaign:
    """The state of a search: what has been checked and found."""

    def __init__(self, folder: Path, seed: int | None) -> None:
        self.folder = folder
        self.file = folder / "state.json"
        folder.mkdir(parents=True, exist_ok=True)
        old = json.loads(self.file.read_text("utf-8")) if self.file.exists() else {}
        self.next: int = old.get("next", 0) if seed is None else seed
        self.checked: int = old.get("checked", 0)
        self.seconds: float = old.get("seconds", 0.0)
        self.findings: list[dict[str, Any]] = old.get("findings", [])

    def save(self) -> None:
        text = json.dumps({k: getattr(self, k) for k in ("next", "checked", "seconds", "findings")}, indent=1)
        with atomic_write(self.file, "w") as file:
            file.write(text)

    def add(self, seed: int, how: str, message: str, kinds: list[str], program: str) -> None:
        path = self.folder / f"seed_{seed}.py"
        path.write_text(program, "utf-8")
        self.findings.append({"seed": seed, "how": how, "message": message, "kinds": kinds})
        print(f"seed {seed}: {how}: {message}\n  steps {', '.join(kinds)}; {path}", flush=True)

    def search(self, until: float, last: int | None, backends: tuple[str, ...]) -> None:
        context = multiprocessing.get_context("spawn")
        with tempfile.TemporaryDirectory() as folder:
            while time.monotonic() < until and (last is None or self.next < last):
                stop = self.next + BATCH if last is None else min(last, self.next + BATCH)
                ours, theirs = context.Pipe()
                process = context.Process(target=work, args=(theirs, self.next, stop, backends, folder))
                start = time.monotonic()
                process.start()
                theirs.close()
                self._listen(ours, process, until)
                process.kill()
                process.join()
                self.seconds += time.monotonic() - start
                self.save()
                print(f"{self.checked} programs, next seed {self.next}, {len(self.findings)} findings", flush=True)

    def _listen(self, pipe: Connection, process: Any, until: float) -> None:
        begun = None
        while time.monotonic() < until:
            try:
                what, seed, found = pipe.recv() if pipe.poll(PATIENCE) else ("hang", begun, None)
            except EOFError:
                process.join()
                if process.exitcode == 0:
                    return
                what, seed, found = "crash", begun, None
            if what == "begin":
                begun = seed
            elif what == "found":
                self.add(seed, *found)
            elif what == "done":
                self.next, self.checked = seed + 1, self.checked + 1
                self.save()
            else:
                assert seed is not None, "the process ended before its first program"
                message = f"{what} of the process, exit code {process.exitcode}"
                self.add(seed, what, message, [], grow(seed, Counter()).source())
                self.next = seed + 1
                return
