"""The house: every folder has a floor of its own, imports point down only, and no two files import each other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAPPED = {"backends", "models", "tools"}
# From the ground up. The op families share one floor: what a family may use of another is kept sound by the ban on
# circles. A name without a folder is a module of the interface in the package's root.
FLOORS = """
util
core
loops
ops
graphs
autodiff
ir
rewrite
passes
backend
compile
inspect
run
backends.numpy
backends
initializers control nn math image linalg filters losses metrics layers data quantization
formats
graph_util
train
saved_model
summary keras
distributed
viz
-
weights formats.onnx
onnx
models
tf1
tools.shared
tools.textbook
tools.bench
tools.retrain
tools
"""


def find_floors() -> dict[str, int]:
    floors = {}
    for number, line in enumerate(FLOORS.split("\n")):
        for name in line.split():
            floors["minigraph" if name == "-" else f"minigraph.{name}"] = number
    return floors


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


FLOOR_OF = find_floors()
MODULES = find_modules()


def floor(module: str) -> int:
    while module not in FLOOR_OF:
        module = module.rpartition(".")[0]
    return FLOOR_OF[module]


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
        return f"{importer} imports {imported}, which stands {lower - upper} floors above it"
    if importer.startswith("minigraph.backends.") and imported.startswith("minigraph.passes"):
        return f"{importer} imports the pass {imported}"
    if (
        importer.startswith("minigraph.data")
        and lower > FLOOR_OF["minigraph.core"]
        and not imported.startswith("minigraph.data")
    ):
        return f"data may import core and util only, not {imported}"
    return None


def find_cycle(graph: Mapping[str, set[str]]) -> list[str]:
    """The files of one circle, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def import_graph() -> dict[str, set[str]]:
    return {
        name: {m for _, m in imports(name, path.read_text("utf-8"), path.name == "__init__.py") if m in MODULES}
        - {name}
        for name, path in MODULES.items()
    }


@pytest.mark.parametrize("folder", sorted({str(p.parent.relative_to(ROOT)) for p in MODULES.values()}))
def test_imports_point_downwards(folder: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {reason}"
        for name, path in MODULES.items()
        if path.parent == ROOT / folder
        for line, imported in imports(name, path.read_text("utf-8"), path.name == "__init__.py")
        if (reason := complaint(name, imported))
    ]
    assert not found, "\n".join(found)


def test_no_circles_between_files() -> None:
    assert not find_cycle(import_graph())


def test_a_circle_is_found() -> None:
    assert set(find_cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}})) == {"b", "c"}


def test_the_root_holds_the_interface_only() -> None:
    """A new file or folder in the package's root needs a floor, so that it is not taken for part of the root."""
    assert {name for name in MODULES if name.count(".") == 1} <= set(FLOOR_OF)


@pytest.mark.parametrize("name", [n for n, path in MODULES.items() if path.name == "__init__.py"])
def test_each_folder_says_what_it_holds_and_what_it_must_not(name: str) -> None:
    doc = ast.get_docstring(ast.parse(MODULES[name].read_text("utf-8"))) or ""
    holds, _, borders = doc.partition("\n\n")
    assert holds
    assert re.search(r"\b(import|imports|knows?|belongs?|never|no|not|nothing|only)\b", borders, re.IGNORECASE), doc


def test_core_knows_no_backend() -> None:
    for name, path in MODULES.items():
        if name.startswith(("minigraph.core", "minigraph.util")):
            text = path.read_text("utf-8")
            assert "minigraph.backend" not in text, path


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import minigraph as tf", ["minigraph"]),
        ("import numpy, minigraph.core.types", ["minigraph.core.types"]),
        ("from minigraph.util import files, Absent", ["minigraph.util.files", "minigraph.util"]),
        ("def f():\n    from minigraph.tools import cli", ["minigraph.tools.cli"]),
        ("from . import idx", ["minigraph.data.idx"]),
        ("from ..util.files import cache_dir", ["minigraph.util.files"]),
        ("from minigraph import data", ["minigraph.data"]),
    ],
)
def test_the_reader_of_imports(source: str, expected: list[str]) -> None:
    assert [module for _, module in imports("minigraph.data.mnist", source, package=False)] == expected
    assert [module for _, module in imports("minigraph.data", source, package=True)] == expected


def test_the_floors() -> None:
    assert complaint("minigraph.core.graph", "minigraph.ops.math.reduce")
    assert complaint("minigraph.ops.math.reduce", "minigraph")
    assert complaint("minigraph.backends.numpy.conv", "minigraph.nn")
    assert complaint("minigraph.backends.llvm.backend", "minigraph.passes.winograd")
    assert complaint("minigraph.data.mnist", "minigraph.ops.math.reduce")
    assert complaint("minigraph.run.session", "minigraph.tools.shared.train")
    assert complaint("minigraph.run.session", "minigraph.backend.base") is None
    assert complaint("minigraph.backends.numpy", "minigraph.backend.base") is None
    assert complaint("minigraph.tools.shared.train", "minigraph") is None
