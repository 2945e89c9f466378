"""Imports point only downwards, wherever in a file they stand."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAPPED = {"backends", "models", "tools"}
FLOORS = {
    "minigraph.core": 1,
    "minigraph.ops": 2,
    "minigraph.autodiff": 3,
    "minigraph.rewrite": 3,
    "minigraph.passes": 4,
    "minigraph.compile": 4,
    "minigraph.backend": 4,
    "minigraph.viz": 5,
    "minigraph": 5,
    "minigraph.backends": 6,
    "minigraph.models": 7,
    "minigraph.tf1": 8,
    "minigraph.tools": 9,
}
INTERFACE, BACKENDS = 5, 6


def find_modules() -> dict[str, Path]:
    modules = {}
    for folder in ("minigraph", *sorted(MAPPED)):
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = list(path.relative_to(ROOT).with_suffix("").parts)
            if folder in MAPPED:
                parts.insert(0, "minigraph")
            if parts[-1] == "__init__":
                parts.pop()
            modules[".".join(parts)] = path
    return modules


MODULES = find_modules()


def floor(module: str) -> int:
    while module not in FLOORS:
        module = module.rpartition(".")[0]
    return FLOORS[module]


def imports(name: str, source: str, package: bool) -> Iterator[tuple[int, str]]:
    """The line and full name of each of minigraph's modules that `source`, the text of module `name`, imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = name.split(".")
                parts = parts[: len(parts) - node.level + package]
                base = ".".join([*parts, base] if base else parts)
            members = [f"{base}.{alias.name}" for alias in node.names]
            found = [member if member in MODULES else base for member in members]
        else:
            continue
        for module in found:
            if module.split(".")[0] == "minigraph":
                yield node.lineno, module


def complaint(importer: str, imported: str) -> str | None:
    """Why `importer` must not import `imported`; None if it may."""
    upper, lower = floor(importer), floor(imported)
    if lower > upper:
        return f"floor {upper} imports {imported} of floor {lower}"
    if upper == BACKENDS and lower == INTERFACE:
        return f"a backend imports {imported} of the interface"
    if importer.startswith("minigraph.data") and lower != 1 and not imported.startswith("minigraph.data"):
        return f"data may import core only, not {imported}"
    return None


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_downwards(name: str) -> None:
    path = MODULES[name]
    found = [
        f"{path.relative_to(ROOT)}:{line}: {reason}"
        for line, imported in imports(name, path.read_text("utf-8"), path.name == "__init__.py")
        if (reason := complaint(name, imported))
    ]
    assert not found, "\n".join(found)


def test_core_knows_no_backend() -> None:
    for name, path in MODULES.items():
        if name.startswith("minigraph.core"):
            text = path.read_text("utf-8")
            assert "minigraph.backend" not in text, path


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import minigraph as tf", ["minigraph"]),
        ("import numpy, minigraph.core.types", ["minigraph.core.types"]),
        ("from minigraph.core import files, Absent", ["minigraph.core.files", "minigraph.core"]),
        ("def f():\n    from minigraph.tools import cli", ["minigraph.tools.cli"]),
        ("from . import idx", ["minigraph.data.idx"]),
        ("from ..core.files import cache_dir", ["minigraph.core.files"]),
        ("from minigraph import data", ["minigraph.data"]),
    ],
)
def test_the_reader_of_imports(source: str, expected: list[str]) -> None:
    assert [module for _, module in imports("minigraph.data.mnist", source, package=False)] == expected
    assert [module for _, module in imports("minigraph.data", source, package=True)] == expected


def test_the_floors() -> None:
    assert complaint("minigraph.core.graph", "minigraph.ops.math")
    assert complaint("minigraph.ops.math", "minigraph")
    assert complaint("minigraph.backends.numpy.conv", "minigraph.nn")
    assert complaint("minigraph.data.mnist", "minigraph.ops.math")
    assert complaint("minigraph.session", "minigraph.tools.train")
    assert complaint("minigraph.session", "minigraph.backend") is None
    assert complaint("minigraph.backends.numpy", "minigraph.backend") is None
    assert complaint("minigraph.tools.train", "minigraph") is None
