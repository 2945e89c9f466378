"""Compiles modules on all cores: in child processes, as llvmlite lets one thread at a time into LLVM.

Modules are submitted as soon as they are known. Each child takes the next one that waits; a thread that needs a module
takes it if it still waits, and otherwise compiles others until it is done.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minigraph.backends.llvm import codegen
from minigraph.util.cores import core_count
from minigraph.util.locks import Lock, Renewed
from minigraph.util.progress import Progress

WORTHWHILE = 300_000  # least characters of waiting IR for a child process: about as much work as starting one
IDLE = 5.0  # seconds without work after which a child ends
MOST = 8  # most processes, this one among them

Job = tuple[str, str, str]  # the arguments of `codegen.object_code`


def processes() -> int:
    """Number of processes that compile: MINIGRAPH_COMPILE_PROCESSES, else one for each core."""
    if (wanted := os.environ.get("MINIGRAPH_COMPILE_PROCESSES", "")).isdigit():
        return max(1, int(wanted))
    return min(MOST, core_count())


class CompilePool(Renewed):
    """The modules that wait, are compiled, or are done and not yet taken.

    keep: called with the key and the object file of each module that is done, by any thread.
    """

    def __init__(self, keep: Callable[[str, bytes], None]) -> None:
        self.keep = keep
        self._compiling = Lock()  # a fork waits until no thread is in LLVM
        super().__init__()

    def renew(self) -> None:
        """Start without modules and child processes."""
        super().renew()
        self._waiting: OrderedDict[str, Job] = OrderedDict()
        self._running: set[str] = set()
        self._done: dict[str, bytes | None] = {}  # None: it has to be compiled here, to see the error
        self._children = 0
        self._progress = Progress("compiling kernels for this CPU")

    def knows(self, key: str) -> bool:
        """Whether a module has been submitted and not been taken."""
        with self.changed:
            return key in self._waiting or key in self._running or key in self._done

    def submit(self, key: str, job: Job) -> None:
        """Have a module compiled."""
        with self.changed:
            if self.knows(key):
                return
            self._waiting[key] = job
            self._progress.more()
            waiting = sum(len(job[0]) for job in self._waiting.values())
            if self._children + 1 < processes() and waiting > WORTHWHILE * (self._children + 1):
                self._children += 1
                threading.Thread(target=self._serve, name="minigraph compile", daemon=True).start()
            self.changed.notify()

    def take(self, key: str, job: Callable[[], Job]) -> bytes:
        """The object file of a module, submitted or not. Raises RuntimeError if its text is no valid IR."""
        while True:
            with self.changed:
                if key in self._done:
                    content = self._done.pop(key)
                    return content if content is not None else self._compile(key, job())
                mine = self._waiting.pop(key, None)
                is_mine = mine is not None or key not in self._running
                other = None
                if is_mine and mine is None:
                    self._progress.more()
                elif not is_mine and self._waiting:
                    other = self._waiting.popitem()
                    self._running.add(other[0])
                elif not is_mine:
                    self.changed.wait(1.0)
            if is_mine:
                return self._compile(key, mine or job())
            if other is not None:
                self._finish(other[0], self._tried(other[1]))

    def _compile(self, key: str, job: Job) -> bytes:
        with self._compiling:
            content = codegen.object_code(*job)
        with self.changed:
            self._progress.step()
        self.keep(key, content)
        return content

    def _tried(self, job: Job) -> bytes | None:
        try:
            with self._compiling:
                return codegen.object_code(*job)
        except RuntimeError:
            return None

    def _finish(self, key: str, content: bytes | None) -> None:
        if content is not None:
            self.keep(key, content)
        with self.changed:
            self._running.discard(key)
            self._done[key] = content
            self._progress.step()
            self.changed.notify_all()

    def _serve(self) -> None:
        """Give a child process what waits, until nothing has for a while."""
        changed = self.changed  # of this process, not of one that forks
        try:
            child = subprocess.Popen(
                [sys.executable, "-I", str(Path(codegen.__file__))], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        except OSError:
            child = None
        while child is not None and (next_ := self._next(changed)) is not None:
            key, job = next_
            content = None
            try:
                assert child.stdin is not None
                assert child.stdout is not None
                pickle.dump(job, child.stdin)
                child.stdin.flush()
                content = pickle.load(child.stdout)
            except (OSError, EOFError, pickle.UnpicklingError):  # it was killed
                child.kill()
                child.wait()
                child = None
            self._finish(key, content)
        with changed:
            self._children -= 1
        if child is not None:
            child.communicate()

    def _next(self, changed: Any) -> tuple[str, Job] | None:
        end = time.monotonic() + IDLE
        with changed:
            while not self._waiting:
                rest = end - time.monotonic()
                if rest <= 0:
                    return None
                changed.wait(rest)
            found = self._waiting.popitem(last=False)
            self._running.add(found[0])
            return found
