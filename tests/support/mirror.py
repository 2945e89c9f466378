"""Which test files test a source file: the rule in CONTRIBUTING.md."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from support.paths import ROOT, TESTS

MAPPED = ("backends", "models", "tools")  # `minigraph.backends` and so on, whose folders stand beside minigraph/
NAMED = re.compile(r"(?<!`)`((?:\w+/)*\w+\.py|(?:\w+/)+)`(?!`)")  # of a docstring: a file or a folder


def module_of(file: str) -> str:
    """minigraph.ops.nn.pool for minigraph/ops/nn/pool.py, minigraph.backends.llvm for backends/llvm/__init__.py."""
    parts = file.removesuffix(".py").removesuffix("/__init__").split("/")
    return ".".join(["minigraph", *parts] if parts[0] in MAPPED else parts)


@cache
def _texts() -> dict[Path, str]:
    files = [*TESTS.rglob("test_*.py"), *TESTS.glob("goldens/cases_*.py")]
    return {path: path.read_text("utf-8") for path in sorted(files)}


def all_tests() -> list[Path]:
    """All files with tests, and those with the cases of test_goldens.py."""
    return list(_texts())


@cache
def names_in(test: Path) -> set[str]:
    """The source files and folders that a test file's docstring names."""
    doc = ast.get_docstring(ast.parse(_texts()[test])) or ""
    return {name for name in NAMED.findall(doc) if not (TESTS / name).is_file()}


def find_tests(file: str) -> list[Path]:
    """The tests of a source file: those of its name, those near it that import it, and those whose docstrings name it;
    without any, those named after one of its folders, in their file's name or in their docstring."""
    source = Path(file.removeprefix("minigraph/"))
    name, near = source.as_posix(), [TESTS / folder for folder in source.parents if folder.name]
    package = re.escape(module_of(file).rpartition(".")[0])
    imports = re.compile(rf"{package}(\.{source.stem}\b| import .*\b{source.stem}\b)")
    own = TESTS / source.with_name(f"test_{source.name}")
    found = [
        path
        for path, text in _texts().items()
        if path == own or (path.parent in near and imports.search(text)) or name in names_in(path)
    ]
    folders = [folder.with_name(f"test_{folder.name}.py") for folder in near]
    return sorted(found, key=lambda path: path != own) or [
        path
        for path in _texts()
        if path in folders or any(n.endswith("/") and name.startswith(n) for n in names_in(path))
    ]


def source_files() -> list[str]:
    """All source files but those that only make a folder a package."""
    paths = [path for top in ("minigraph", *MAPPED) for path in (ROOT / top).rglob("*.py")]
    return sorted(path.relative_to(ROOT).as_posix() for path in paths if path.name != "__init__.py")
