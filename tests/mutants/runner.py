"""Runs tests on code with a fault: each time in a fork of one process that has loaded the other packages already."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from typing import Any

from support.mirror import module_of
from support.paths import ROOT

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
OPTIONS = ("-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--no-header")
NO_TESTS = 5  # pytest's exit code


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, tree: ast.Module) -> None:
        super().__init__(name, path)
        self.tree = tree

    def get_code(self, fullname: str) -> Any:
        return compile(self.tree, self.path, "exec", dont_inherit=True)


class _Finder:
    """Finds one module, with a fault in it."""

    def __init__(self, file: str, tree: ast.Module) -> None:
        self.name, self.path, self.tree = module_of(file), str(ROOT / file), tree

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=_Loader(name, self.path, self.tree))


def load() -> None:
    """Import what every fork needs. minigraph is not among it."""
    for name in LOADED:
        with suppress(ImportError):
            importlib.import_module(name)
    assert not any(name.split(".")[0] == "minigraph" for name in sys.modules)


class _Failures:
    """A plugin of pytest that writes which tests fail to a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"{report.nodeid}\n")


def failing(call: Sequence[str], limit: float) -> list[str] | None:
    """The tests that fail without a fault; None if pytest cannot run them in time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "failures"
        code = run(call, limit, plugins=[_Failures(path)])
        if code in (0, NO_TESTS):
            return []
        return list(dict.fromkeys(path.read_text("utf-8").split("\n")))[:-1] if code == 1 and path.exists() else None


def run(
    call: Sequence[str], limit: float, file: str = "", tree: ast.Module | None = None, plugins: Sequence[Any] = ()
) -> int | None:
    """pytest's exit code, where `tree` is the code of `file`; -N for signal N; None after more than `limit` seconds."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.setsid()
            code = _child(call, file, tree, plugins)
        finally:
            os._exit(code)
    until = time.monotonic() + limit
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _child(call: Sequence[str], file: str, tree: ast.Module | None, plugins: Sequence[Any]) -> int:
    import pytest

    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    if tree is not None:
        sys.meta_path.insert(0, _Finder(file, tree))  # type: ignore[arg-type]
    os.chdir(ROOT)
    return int(pytest.main([*OPTIONS, *([] if tree is None else ["-x"]), *call], plugins=plugins))
