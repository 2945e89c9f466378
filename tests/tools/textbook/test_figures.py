"""`minigraph figures`: the pictures, their page, and the numbers in them."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

pytest.importorskip("matplotlib")

from minigraph.tools.cli import main
from minigraph.tools.textbook.figures import compute, convolution, networks, pooling
from minigraph.tools.textbook.figures.catalogue import FIGURES


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["figures", *map(str, arguments)])


def texts(sheet: Any) -> list[str]:
    return [t.get_text() for axes in sheet.axes for t in axes.texts]


class Page(HTMLParser):
    """The targets of a page's links, the names it defines, and its pictures."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.names: list[str] = []
        self.pictures: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.links += [given["href"] or ""] if tag == "a" else []
        self.names += [given["id"] or ""] if "id" in given else []
        self.pictures += [given["src"] or ""] if tag == "img" else []


def test_all_figures_and_their_page(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "figures"
    result = run("-o", out)
    assert result.exit_code == 0, result.output
    names = [d.name for d in FIGURES]
    assert sorted(p.name for p in out.iterdir()) == sorted(["index.html", *(f"{n}.png" for n in names)])
    page = Page((out / "index.html").read_text("utf-8"))
    assert page.names == names
    assert page.links == [f"#{n}" for n in names]
    assert page.pictures == [f"{n}.png" for n in names]
    for picture in page.pictures:
        with Image.open(out / picture) as image:
            pixels = np.asarray(image.convert("L"))
        assert pixels.min() < 150
        assert min(pixels[:2].min(), pixels[-2:].min()) > 250, f"{picture} is cut off"


def test_one_figure(tmp_path: Path) -> None:
    result = run("-o", tmp_path, "sigmoid")
    assert result.output.endswith(f"wrote 1 figures and {tmp_path / 'index.html'}\n")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["index.html", "sigmoid.png"]


def test_the_same_bytes_each_time(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        run("-o", tmp_path / folder, "pooling-gradients")
    first, second = ((tmp_path / f / "pooling-gradients.png").read_bytes() for f in ("a", "b"))
    assert first == second


def test_without_matplotlib(tmp_path: Path) -> None:
    program = "import sys; sys.modules['matplotlib'] = None; from minigraph.tools.cli import main; main(['figures'])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert not list(tmp_path.iterdir())
    assert done.stderr == 'Error: figures need matplotlib: pip install "minigraph[plot]"\n'


def test_list_and_mistakes(tmp_path: Path) -> None:
    lines = run("--list").output.splitlines()
    assert len(lines) == len(FIGURES)
    assert lines[1].startswith("convolution-1d ")
    result = run("-o", tmp_path, "canny")
    assert result.exit_code == 1
    assert "unknown figure 'canny'; there are impulses, convolution-1d" in result.output


def test_numbers_in_the_steps() -> None:
    shown = texts(convolution.steps_1d())
    for line in ("y(0) = 1·3", "y(1) = 1·2 + 2·3", "y(2) = 1·1 + 2·2 + 2·3", "y(3) = 2·1 + 2·2", "y(4) = 2·1"):
        assert line in shown
    assert {"4·4", "5·3", "2·2", "3·1"} <= set(texts(convolution.steps_2d()))


def test_the_pooling_example_routes_to_the_first_maximum() -> None:
    expected = [[0, 0, 8, 0], [4, 0, 0, 0], [0, 0, 0, 0], [-4, 0, 0, 12]]
    np.testing.assert_array_equal(compute.pool_gradient(pooling.MAP, pooling.DELTA, "max_pool"), expected)
    assert "the same: invariant" in texts(pooling.invariance())
    assert "changed: not invariant" in texts(pooling.invariance())


def test_translation_differs_at_borders_only() -> None:
    x = networks._digit()
    after = compute.convolve(networks.translate(x), networks.EDGES, "SAME")
    before = networks.translate(compute.convolve(x, networks.EDGES, "SAME"))
    rows, columns = networks.SHIFT
    np.testing.assert_allclose(after[rows + 1 : -1, columns + 1 : -1], before[rows + 1 : -1, columns + 1 : -1])
    assert np.any(after[:, -1] != before[:, -1])


def test_thinned_networks_have_all_probabilities() -> None:
    shown = texts(networks.thinned())
    assert [shown.count(t) for t in ("p³", "p² · (1−p)", "p · (1−p)²", "(1−p)³")] == [1, 3, 3, 1]
