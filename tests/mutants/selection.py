"""Which tests a file's faults must be caught by: those that mirror it, and a few of everything."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from support.mirror import all_tests, find_tests, names_in
from support.paths import ROOT, TESTS

OPS = (
    "tf1/test_goldens.py", "ops/test_nan_and_ties.py", "ops/test_special_values.py", "ops/test_float16_sums.py",
    "filters/test_filters.py", "house/test_examples.py",
)  # fmt: skip
GOLDENS = TESTS / "tf1" / "test_goldens.py"
RUNS = ("run/test_session.py", "run/test_variables.py", "inspect/test_numerics.py")
CROSSING = ("fuzz/test_fuzz.py::test_a_slice_of_the_seeds[0]",)


def users(file: str) -> list[Path]:
    """The test files beside a file that use a public function or class of it, as in `tf.nn.conv3d`."""
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    names = [node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    public = "|".join(name for name in names if not name.startswith("_"))
    used = re.compile(rf"\btf\.(\w+\.)*({public})\b")
    folder = (TESTS / file.removeprefix("minigraph/")).parent
    return [t for t in all_tests() if public and t.parent == folder and used.search(t.read_text("utf-8"))]


def mirror(file: str) -> list[Path]:
    """The test files of a file and of its folder, and those beside it that use it; for one of a backend and for a
    package, all in the same folder."""
    name = file.removeprefix("minigraph/")
    near = {f"{folder.as_posix()}/" for folder in Path(name).parents[:-2]}
    folders = [test for test in all_tests() if near & names_in(test)]
    found = [GOLDENS if path.parent.name == "goldens" else path for path in (*find_tests(file), *users(file), *folders)]
    if file.startswith("backends/") or file.endswith("__init__.py"):
        folder = sorted((TESTS / file.removeprefix("minigraph/")).parent.glob("test_*.py"))
        found += sorted(folder, key=lambda path: path.stem not in ("test_kernels", "test_ops"))
    return list(dict.fromkeys(found))


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
        narrow = ("backends/llvm/test_kernels.py", "tf1/test_goldens.py", "house/test_examples.py")
        every = ["ops/test_every_op.py", *(() if shared else narrow)]
        calls.append([*(str(TESTS / name) for name in every), *([] if shared else ["-k", own])])
        rest = [*(str(TESTS / name) for name in OPS), *rest]
    if file.startswith("minigraph/passes/"):
        rest = [*(str(TESTS / name) for name in ("passes/test_all_passes.py", "compile/test_resize.py")), *rest]
    if file.startswith("minigraph/compile/"):
        rest = [*(str(TESTS / name) for name in RUNS), *rest]
    found = [str(path) for path in mirror(file)]
    return [*calls, *([found] if found else []), rest]
