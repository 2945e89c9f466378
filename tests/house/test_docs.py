"""The programs in README.md and docs/ run as they stand, and their links lead somewhere."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from support.examples import forget_imports
from support.paths import ROOT, TESTS

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROGRAMS = [
    pytest.param(program, id=f"{page.stem}-{i}")
    for page in PAGES
    for i, program in enumerate(re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL))
    if "import minigraph" in program and not program.startswith(("# check", "# file"))  # those run in test_recipes
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_program(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    forget_imports(monkeypatch)
    Path("program.py").write_text(program, "utf-8")
    runpy.run_path("program.py", run_name="__main__")
    if "accuracy" in program:
        assert float(capsys.readouterr().out) > 0.9


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)\)", prose):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_files_of_tests_are_there(page: Path) -> None:
    """All that a page names as `tests/….py` or `test_….py`."""
    prose = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for name in re.findall(r"(?:tests/[\w/]+|\btest_\w+)\.py", prose):
        assert (ROOT / name).is_file() or any(TESTS.rglob(name)), name


def test_the_chapters_tests_are_there() -> None:
    """Each `file.py::test_…*` in the table of the chapter's rows names tests."""
    page = (ROOT / "docs" / "chapter.md").read_text("utf-8")
    named = re.findall(r"`([\w/]*test_\w+\.py)::(test_\w+)\*`", page)
    assert len(named) > 10
    for file, start in named:
        assert any(f"def {start}" in path.read_text("utf-8") for path in TESTS.rglob(file)), f"{file}::{start}*"


def test_each_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(re.findall(r"\]\((\w+\.md)\)", (folder / "index.md").read_text("utf-8")))
    assert listed == {page.name for page in folder.glob("*.md")} - {"index.md"}


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "decisions").glob("[!i]*.md")), ids=lambda page: page.stem)
def test_a_decision_says_what_was_measured(page: Path) -> None:
    parts = ("Decision", "What else was possible", "Measured", "What it costs", "Think again")
    text = page.read_text("utf-8")
    places = [text.find(f"**{part}") for part in parts]
    assert -1 not in places
    assert places == sorted(places)
