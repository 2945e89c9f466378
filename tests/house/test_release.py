"""The changelog, the release recipe and the targets of the Makefile."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from house import release
from support.paths import ROOT

CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_changelog_has_the_form() -> None:
    titles = re.findall(r"^## (.*)$", CHANGELOG, re.MULTILINE)
    assert titles[0] == "Unreleased"
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d", title) for title in titles[1:])
    versions = [tuple(map(int, title.split(" ")[0].split("."))) for title in titles[1:]]
    assert versions == sorted(versions, reverse=True)
    assert set(re.findall(r"^### (.*)$", CHANGELOG, re.MULTILINE)) <= KINDS


def test_this_version_has_notes() -> None:
    assert "TensorFlow 1 programming model" in release.notes_for(release.find_version(), CHANGELOG)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("## Unreleased\n\n- a\n", "has no part '## 2.0.0"),
        ("## 2.0.0\n\n- a\n", "the heading of 2.0.0 must be"),
        ("## 2.0.0 - 2026-01-01\n\n## 1.0.0 - 2025-01-01\n\n- a\n", "says nothing about 2.0.0"),
    ],
)
def test_a_release_without_notes_is_refused(text: str, told: str) -> None:
    with pytest.raises(release.ReleaseError, match=re.escape(told)):
        release.notes_for("2.0.0", text)


@pytest.mark.slow
def test_release(tmp_path: Path) -> None:
    pytest.importorskip("build")
    command = [sys.executable, str(ROOT / "tests" / "house" / "release.py"), str(tmp_path / "dist")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    made = {path.name for path in (tmp_path / "dist").iterdir()}
    version = release.find_version()
    assert made == {"NOTES.md", f"minigraph-{version}.tar.gz", f"minigraph-{version}-py3-none-any.whl"}
    with tarfile.open(tmp_path / "dist" / f"minigraph-{version}.tar.gz") as archive:
        tops = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    assert {"minigraph", "backends", "models", "tools", "pyproject.toml", "setup.py"} <= tops
    assert not {"build", ".venv"} & tops


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_help_lists_every_target() -> None:
    text = (ROOT / "Makefile").read_text("utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    shown = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True).stdout
    assert re.findall(r"^  make (\S+)", shown, re.MULTILINE) == phony.split()
    assert set(phony.split()) == set(re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE))


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_debug_pass_needs_the_name_of_a_pass() -> None:
    for argument, told in (("PASS=", "make debug-pass PASS="), ("PASS=nonsense", "no tests/passes/test_nonsense.py")):
        command = ["make", "-s", "-o", ".venv/.ready", "debug-pass", argument]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode
        assert told in done.stderr
