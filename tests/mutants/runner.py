"""Runs tests on code with a fault: each time in a fork of one process that has loaded the other packages already."""

from __future__ import annotations

import ast
import faulthandler
import importlib
import math
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.mirror import module_of
from support.paths import ROOT, TESTS

LOADED = (
    "numpy",
    "pytest",
    "hypothesis",
    "hypothesis.extra.numpy",
    "xdist",
    "networkx",
    "scipy.special",
    "scipy.signal",
)
OPTIONS = ("-q", "-x", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--no-header")
NO_TESTS = 5  # pytest's exit code
SECONDS_OF_A_TEST = 120.0


def load() -> None:
    """Import what every fork needs. minigraph is not among it."""
    for name in LOADED:
        with suppress(ImportError):
            importlib.import_module(name)
    assert not any(name.split(".")[0] == "minigraph" for name in sys.modules)


class _Failures:
    """A plugin of pytest that writes which tests fail to a file, and bounds how long one may take."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self._note(report)

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self._note(report)

    def pytest_runtest_logstart(self) -> None:
        """End the process if a test does not end, be it that it only waits."""
        faulthandler.dump_traceback_later(SECONDS_OF_A_TEST, exit=True, file=sys.__stderr__)

    def _note(self, report: Any) -> None:
        if report.nodeid:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"{report.nodeid}\n")


@dataclass(frozen=True)
class Outcome:
    """How a call of pytest ended: its exit code, -N after signal N, None at the limit; the tests that failed."""

    code: int | None
    failed: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return self.code in (0, NO_TESTS)


def run(call: Sequence[str], limit: float, file: str = "", tree: ast.Module | None = None) -> Outcome:
    """Call pytest, where `tree` is the code of `file`, up to the first failure. It may take `limit` seconds of
    processor time, which other work on the machine does not change, and three times as many on the clock."""
    with tempfile.TemporaryDirectory() as folder:
        failures = _Failures(Path(folder) / "failures")
        failures.path.touch()
        if tree is not None:
            (Path(folder) / "sitecustomize.py").write_text(_customization(file, tree), "utf-8")
        code = _code_of_fork(lambda: _child(call, Path(folder), failures), limit)
        return Outcome(code, tuple(failures.path.read_text("utf-8").splitlines()))


def _code_of_fork(work: Callable[[], int], limit: float) -> int | None:
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(limit), math.ceil(limit) + 1))
            code = work()
        finally:
            os._exit(code)
    until = time.monotonic() + 3 * limit
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            code = os.waitstatus_to_exitcode(status)
            return None if code in (-signal.SIGXCPU, -signal.SIGKILL) else code
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _customization(file: str, tree: ast.Module) -> str:
    """What makes a Python process load `tree` for `file`."""
    arguments = (module_of(file), str(ROOT / file), ast.unparse(tree))
    lines = (
        "import sys", f"sys.path.insert(0, {str(TESTS)!r})", "from mutants.faulty import install", "sys.path.pop(0)",
        f"install{arguments!r}",
    )  # fmt: skip
    return "\n".join(lines)


def _child(call: Sequence[str], folder: Path, failures: _Failures) -> int:
    """pytest's exit code, where this process and those that it starts run the customization in `folder`."""
    import pytest

    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    customization = folder / "sitecustomize.py"
    if customization.exists():
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
        exec(customization.read_text("utf-8"))
    os.chdir(ROOT)
    return int(pytest.main([*OPTIONS, *call], plugins=[failures]))
