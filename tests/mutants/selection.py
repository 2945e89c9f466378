"""Which tests a file's faults must be caught by: those that mirror it, and a few of everything."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from support.paths import ROOT, TESTS

MAPPED = ("backends", "models", "tools")
OPS = (
    "tf1/test_goldens.py", "ops/test_nan_and_ties.py", "ops/test_special_values.py", "ops/test_float16_sums.py",
    "interface/test_filters.py", "house/test_examples.py",
)  # fmt: skip
RUNS = ("run/test_session.py", "run/test_variables.py")
CROSSING = ("fuzz/test_fuzz.py::test_a_slice_of_the_seeds[0]",)


def module_of(file: str) -> str:
    """minigraph.ops.nn.pool for minigraph/ops/nn/pool.py, minigraph.backends.llvm for backends/llvm/__init__.py."""
    parts = file.removesuffix(".py").removesuffix("/__init__").split("/")
    return ".".join(["minigraph", *parts] if parts[0] in MAPPED else parts)


@cache
def _texts() -> dict[Path, str]:
    return {path: path.read_text("utf-8") for path in sorted(TESTS.rglob("test_*.py"))}


def _importers(file: str) -> list[str]:
    """The files beside this one that import it."""
    stem = Path(file).stem
    near = sorted((ROOT / file).parent.glob("*.py"))
    name = re.compile(rf"^from {re.escape(module_of(file))} import|import .*\b{stem}\b", re.MULTILINE)
    return [
        path.relative_to(ROOT).as_posix()
        for path in near
        if path.stem not in (stem, "__init__") and name.search(path.read_text("utf-8"))
    ]


def _own(file: str) -> tuple[Path, list[Path]]:
    """Where the tests of a file's name would be, and those of its folder that import it."""
    inside = Path(file) if file.split("/")[0] in MAPPED else Path(*Path(file).parts[1:])
    own = TESTS / inside.with_name(f"test_{inside.name}")
    package, _, stem = module_of(file).rpartition(".")
    name = re.compile(rf"{re.escape(package)}(\.{stem}\b| import .*\b{stem}\b)")
    near = [path for path in _texts() if own.parent in (*path.parents, path.parent / own.parent.name)]
    return own, [path for path in near if name.search(_texts()[path])]


def mirror(file: str) -> list[Path]:
    """The test files of a file: the one of its name and those of its folder that import it; without any, those of the
    files that import it; without any, all of its folder."""
    own, near = _own(file)
    found = [own, *near] if own.exists() else near
    if not found:
        for other in _importers(file):
            named, close = _own(other)
            found += [named] if named.exists() else close
    folder = [path for path in _texts() if path.parent == own.parent]
    if file.startswith("backends/"):
        found += sorted(folder, key=lambda path: path.stem not in ("test_kernels", "test_ops"))
    return list(dict.fromkeys(found or folder))


def classes(file: str) -> list[str]:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    return [node.name for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]


def calls_for(file: str) -> list[list[str]]:
    """Arguments of pytest, one call after the other, until one catches the fault."""
    calls = []
    rest = [str(TESTS / name) for name in CROSSING]
    if file.startswith("minigraph/ops/"):
        own = " or ".join([*(f"{name}-" for name in classes(file)), Path(file).stem])
        shared = Path(file).parent.name == "ops"  # rules of many ops
        every = ["ops/test_every_op.py", *([] if shared else ["tf1/test_goldens.py", "house/test_examples.py"])]
        calls.append([*(str(TESTS / name) for name in every), *([] if shared else ["-k", own])])
        rest = [*(str(TESTS / name) for name in OPS), *rest]
    if file.startswith("minigraph/passes/"):
        rest.insert(0, str(TESTS / "passes" / "test_all_passes.py"))
    if file.startswith("minigraph/compile/"):
        rest = [*(str(TESTS / name) for name in RUNS), *rest]
    found = [str(path) for path in mirror(file)]
    if found:
        calls.append(found)
    calls.append(rest)
    return calls
