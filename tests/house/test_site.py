"""The handbook that `make docs` builds: every public name has an entry, links lead somewhere, the whole of it builds.

Tests `docs/site/build.py`.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote

import pytest
from support.needed import needed
from support.paths import ROOT
from support.public import find_public


def load_build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("site_build", ROOT / "docs" / "site" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "source"
    load_build().write_source(folder)
    return folder


def test_every_public_name_has_one_entry(pages: Path) -> None:
    texts = [page.read_text("utf-8") for page in (pages / "reference").glob("*.md")]
    entries = [entry for text in texts for entry in re.findall(r"^::: (\S+)$", text, re.MULTILINE)]
    assert len(entries) == len(set(entries))
    assert set(entries) == {f"{value.__module__}.{value.__qualname__}" for value in find_public().values()}
    assert len(entries) > 500


def test_every_page_is_in_the_menu(pages: Path) -> None:
    written = {path.relative_to(pages).as_posix() for path in pages.rglob("*.md")}

    def flat(menu: object) -> list[str]:
        if isinstance(menu, dict):
            menu = list(menu.values())
        return [menu] if isinstance(menu, str) else [page for part in menu for page in flat(part)]  # type: ignore[attr-defined]

    listed = flat(load_build().navigation(sorted(written)))
    assert len(listed) == len(set(listed))
    assert set(listed) == written


def test_links(pages: Path) -> None:
    for page in pages.rglob("*.md"):
        prose = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text("utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)#\s]+)", prose):
            if "://" not in target:
                assert (page.parent / unquote(target)).exists(), f"{page.relative_to(pages)}: {target}"


def test_each_floor_has_a_page(pages: Path) -> None:
    loops = next((pages / "floors").glob("*-loops.md")).read_text("utf-8")
    assert "- `schedule`: Schedules: functions from a kernel" in loops


@pytest.mark.slow
def test_the_handbook_builds_without_warnings() -> None:
    needed("mkdocstrings")
    done = subprocess.run([sys.executable, "docs/site/build.py"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout
    page = (ROOT / "build" / "site" / "reference" / "tf.nn.html").read_text("utf-8")
    for part in ("tf.nn.conv2d", "Parameters:", "Returns:", "Examples:"):
        assert part in page
    layers = (ROOT / "build" / "site" / "reference" / "tf.keras.layers.html").read_text("utf-8")
    assert "glorot_uniform" in layers  # a default of arguments that are made at run time
    assert (ROOT / "build" / "site" / "search" / "search_index.js").exists()
