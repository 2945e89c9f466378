"""Runs tests on code with a fault: each time in a fork of one process that has loaded the other packages already."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec, SourceFileLoader
from typing import Any

from support.paths import ROOT

from mutants.selection import module_of

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
OPTIONS = ("-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--no-header")
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


def run(call: Sequence[str], limit: float, file: str = "", tree: ast.Module | None = None) -> int | None:
    """pytest's exit code, where `tree` is the code of `file`; -N for signal N; None after more than `limit` seconds."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.setsid()
            code = _child(call, file, tree)
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


def _child(call: Sequence[str], file: str, tree: ast.Module | None) -> int:
    import pytest

    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    if tree is not None:
        sys.meta_path.insert(0, _Finder(file, tree))  # type: ignore[arg-type]
    os.chdir(ROOT)
    return int(pytest.main([*OPTIONS, *call]))
