"""The house as its imports show it: the floors, and who imports whom."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from support.mirror import MAPPED, module_of
from support.paths import ROOT

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
initializers control nn math image linalg filters losses metrics layers data quantized
quantization
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
    paths = [path for folder in ("minigraph", *MAPPED) for path in sorted((ROOT / folder).rglob("*.py"))]
    return {module_of(path.relative_to(ROOT).as_posix()): path for path in paths}


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


@cache
def all_imports() -> dict[str, list[tuple[int, str]]]:
    """The imports of each module, with their lines."""
    return {
        name: list(imports(name, path.read_text("utf-8"), path.name == "__init__.py")) for name, path in MODULES.items()
    }


def import_graph() -> dict[str, set[str]]:
    return {name: {m for _, m in found if m in MODULES} - {name} for name, found in all_imports().items()}
