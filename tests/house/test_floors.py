"""The house: every folder has a floor of its own, imports point down only, and no two files import each other."""

from __future__ import annotations

import ast
import re

import pytest
from house.floors import FLOOR_OF, MODULES, all_imports, complaint, find_cycle, import_graph, imports
from support.paths import ROOT


@pytest.mark.parametrize("folder", sorted({str(p.parent.relative_to(ROOT)) for p in MODULES.values()}))
def test_imports_point_downwards(folder: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {reason}"
        for name, path in MODULES.items()
        if path.parent == ROOT / folder
        for line, imported in all_imports()[name]
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
