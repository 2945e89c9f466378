"""CONTRIBUTING.md: the recipes work in a copy of the source, and the picture is current."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from house import draw_house
from support.paths import ROOT

MAPPED = ("backends", "models", "tools")
PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
BLOCK = re.compile(r"```(python|diff)\n(.*?)```", re.DOTALL)
RECIPES = {
    section.split("\n")[0]: blocks
    for section in PAGE.split("\n## ")
    if section.startswith("How to add") and (blocks := BLOCK.findall(section))
}


def copy_source(folder: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("minigraph", *MAPPED):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored, symlinks=True)
    for name in MAPPED:
        link = folder / "minigraph" / name
        link.unlink(missing_ok=True)
        link.symlink_to(f"../{name}")


def apply_difference(folder: Path, text: str) -> None:
    """Insert the lines with "+" behind the line before them."""
    head, *lines = text.rstrip("\n").split("\n")
    path = folder / head.removeprefix("+++ ")
    content, place = path.read_text("utf-8").split("\n"), 0
    for line in lines:
        if line.startswith("+"):
            content.insert(place, line[1:])
            place += 1
        else:
            assert content.count(line[1:]) == 1, f"{path.name} has not one line {line[1:]!r}"
            place = content.index(line[1:]) + 1
    path.write_text("\n".join(content), "utf-8")


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipe(recipe: str, tmp_path: Path) -> None:
    copy_source(tmp_path / "source")
    touched, checked = 0, 0
    for kind, text in RECIPES[recipe]:
        first = text.split("\n")[0]
        if kind == "diff":
            apply_difference(tmp_path / "source", text)
            touched += 1
        elif first.startswith("# file: "):
            path = tmp_path / "source" / first.removeprefix("# file: ")
            assert not path.exists()
            path.write_text(text.partition("\n")[2], "utf-8")
            touched += 1
        else:
            assert first == "# check"
            setting = {**os.environ, "PYTHONPATH": str(tmp_path / "source")}
            command = [sys.executable, "-c", text]
            done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=setting)
            assert done.returncode == 0, done.stderr
            checked += 1
    assert (touched, checked) == (2, 1)


def test_there_are_recipes() -> None:
    assert len(RECIPES) == 6


def test_the_picture_is_current() -> None:
    assert draw_house.page_with(draw_house.draw()) == PAGE, "run make house"


def test_an_arrow_that_follows_from_others_is_left_out() -> None:
    arrows = draw_house.find_arrows()
    for number, below in arrows.items():
        for lower in below:
            assert not arrows.get(lower, set()) & below, (number, lower)
