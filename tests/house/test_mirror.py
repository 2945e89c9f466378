"""Tests stand where the package's files stand, by the rule in CONTRIBUTING.md."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.mirror import MAPPED, all_tests, find_tests, names_in, source_files
from support.paths import ROOT, TESTS

OTHERS = {"chaos", "fuzz", "house", "interface", "mutants"}  # test folders without a folder in the package


def source_folder(tests: Path) -> Path:
    inside = tests.relative_to(TESTS)
    return ROOT / inside if inside.parts[0] in MAPPED else ROOT / "minigraph" / inside


@pytest.mark.parametrize("folder", sorted({p.parent for p in TESTS.rglob("test_*.py")}), ids=lambda p: p.name)
def test_a_folder_of_tests_has_the_name_of_a_folder_of_the_package(folder: Path) -> None:
    assert folder.name in OTHERS or source_folder(folder).is_dir()


def test_each_file_has_its_tests() -> None:
    assert not [file for file in source_files() if not find_tests(file)]


def test_docstrings_of_tests_name_files_that_exist() -> None:
    missing = {
        f"{test.relative_to(TESTS)}: {name}"
        for test in all_tests()
        for name in names_in(test)
        if not ((ROOT / name).exists() or (ROOT / "minigraph" / name).exists())
    }
    assert not missing


@pytest.mark.parametrize(
    ("file", "tests"),
    [
        ("minigraph/passes/layout.py", ["passes/test_layout.py"]),  # by its name
        ("backends/llvm/builder.py", ["backends/llvm/test_text.py"]),  # by its import
        ("minigraph/run/staged.py", ["run/test_stages.py"]),  # by the docstring
        ("tools/bench/report.py", ["tools/test_bench.py"]),  # by the folder's name
        ("minigraph/summary/writer.py", ["goldens/cases_graphs.py"]),  # by the folder in the docstring
    ],
)
def test_the_rule(file: str, tests: list[str]) -> None:
    assert find_tests(file) == [TESTS / name for name in tests]
