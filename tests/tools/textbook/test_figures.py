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
from minigraph.tools.textbook.figures import (
    architectures,
    blocks,
    board,
    compute,
    convolution,
    networks,
    pooling,
    receptive,
    signals,
    translation,
)
from minigraph.tools.textbook.figures.catalogue import FIGURES
from minigraph.tools.textbook.figures.layers import DrawnLayer, block, lanes, ranks


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


def test_all_figures_and_their_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "DPI", 60)
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
    assert lines[2].startswith("convolution-1d ")
    result = run("-o", tmp_path, "canny")
    assert result.exit_code == 2
    assert "unknown figure 'canny'; there are sampling, impulses, convolution-1d" in result.output


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


def titles(sheet: Any) -> list[str]:
    return [axes.get_title() for axes in sheet.axes]


def test_translation_and_convolution_commute_while_the_ink_stays_inside() -> None:
    x = translation.digit()
    assert x[0].max() == x[:, -1].max() == 0  # ink is 1 on paper of 0
    assert x.max() > 0.9
    after, before = translation.both_orders(x, translation.EDGES, translation.INSIDE)
    np.testing.assert_array_equal(after, before)
    assert translation.translate(x, translation.INSIDE).sum() == pytest.approx(x.sum())
    after, before = translation.both_orders(x, translation.EDGES, translation.OUTSIDE)
    assert {int(c) for c in np.nonzero(after != before)[1]} == {x.shape[1] - 1}
    shown = titles(translation.equivariance())
    assert shown[4] == "the difference: none"
    assert shown[9].startswith("the difference: at most ")


def test_the_sum_of_the_block_and_of_the_border() -> None:
    x = translation.numbers()
    assert x[:3, :3].tolist() == [[44, 47, 64], [9, 83, 21], [70, 88, 88]]
    shown = texts(translation.block_sums())
    assert "A: 44 + 47 + 64 + 9 + 83 + 21 + 70 + 88 + 88\n    = 514" in shown
    assert any(t.endswith("44 + 47 + 9 + 83 = 183") for t in shown)
    assert [shown.count(n) for n in ("514", "183")] == [3, 3]  # they move along


def test_samples_and_levels() -> None:
    x = np.array([0, 0.1, 0.24, 0.26, 0.5, 1])
    found = compute.evaluate(lambda t: signals.quantise(t, 3), x)
    np.testing.assert_allclose(found, [0, 0, 0, 0.5, 0.5, 1])
    assert "16×16 samples" in titles(signals.sampling())


def test_sums_of_the_kernels() -> None:
    ends = [title.rpartition("sum ")[2] for title in titles(signals.kernels())]
    assert ends == ["1", "1", "1", "0", "0", "0", "0", "0"]


def test_which_elements_meet_in_the_convolution() -> None:
    """s_ij = Σ w_mn·a_kl with m = 2 − (k − i), for indices from 1."""
    found = convolution.connections()
    for (i, j, m, n), element in np.ndenumerate(found):
        assert divmod(int(element), 3) == (i + 1 - m, j + 1 - n)
    shown = texts(convolution.forward_and_back())
    assert "a23\n·w21" in shown  # of s22; the chapter prints w23·a22
    assert {"∂L/∂w11", "∂L/∂w22"} <= set(shown)


def test_receptive_fields_by_the_usual_formula() -> None:
    windows = receptive.slides(architectures.network_layers("vgg16"))
    assert len(windows) == 18
    expected, size, apart = [], 1, 1
    for window in windows:
        size, apart = size + (window.size - 1) * apart, apart * window.stride
        expected.append(size)
    assert [receptive.field(windows[: n + 1], 448) for n in range(len(windows))] == expected
    shown = texts(receptive.growth())
    assert shown.count("field 5×5") == 2
    np.testing.assert_array_equal(receptive.paths([receptive.Slide("", 3, 1)] * 2, 7), [0, 1, 2, 3, 2, 1, 0])


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("mnist-cnn", "1@28×28 64@28×28 64@14×14 128@14×14 128@7×7 1,024 10 10"),
        ("lenet5", "1@32×32 6@28×28 6@14×14 16@10×10 16@5×5 120@1×1 84 10 10"),
        ("resnet50", "3@224×224 64@112×112 64@56×56 256@56×56 512@28×28 1,024@14×14 2,048@7×7 2,048 1,000 1,000"),
    ],
)
def test_sizes_of_the_maps_as_in_the_papers(name: str, sizes: str) -> None:
    layers = architectures.network_layers(name)
    stages = architectures.stages(layers, architectures.GROUPS.get(name, ()))
    assert [stage.size for stage in stages] == sizes.split()
    drawn = sum(stage.parameters for stage in stages)
    assert drawn == sum(layer.parameters for layer in layers) > 50_000
    if name == "resnet50":
        counts = [stage.title.partition(" × residual")[0] for stage in stages if "residual" in stage.title]
        assert counts == ["3", "4", "6", "3"]


def test_the_whole_of_alexnet_is_drawn() -> None:
    shown = texts(architectures.architecture("alexnet"))
    weights = [int(t.removesuffix(" parameters").replace(",", "")) for t in shown if t.endswith(" parameters")]
    assert sum(weights) == 60_965_224
    assert shown.count("Softmax") == 1


def test_branches_of_the_blocks() -> None:
    layers = architectures.network_layers("inception-v3")
    module = block(layers, "inception_v3/Mixed_5b")
    assert module[-1].words == "concatenation"
    assert module[-1].shape[2] == sum(layer.shape[2] for layer in module if layer.name in module[-1].inputs) == 256
    rows, columns = ranks(module), lanes(module)
    places = {(rows[name], columns[name]) for name in rows}
    assert len(places) == len(module)  # no two boxes at one place
    assert rows[module[-1].name] == 4
    assert "64@56×56, 36,992 parameters" in texts(blocks.residual())  # 3·3·64·64 + 2·64


def test_ranks_and_lanes() -> None:
    names = {"a": (), "b": ("a",), "c": ("a",), "d": ("c",), "e": ("b", "d")}
    layers = [DrawnLayer(name, "", (1,), 0, inputs) for name, inputs in names.items()]
    assert ranks(layers) == {"a": 0, "b": 1, "c": 1, "d": 2, "e": 3}
    assert lanes(layers) == {"a": 0, "b": 0, "c": 1, "d": 1, "e": 0}


def test_thinned_networks_have_all_probabilities() -> None:
    shown = texts(networks.thinned())
    assert [shown.count(t) for t in ("p³", "p² · (1−p)", "p · (1−p)²", "(1−p)³")] == [1, 3, 3, 1]
