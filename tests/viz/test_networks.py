"""Pictures of large networks and of profiles, and how tensors show themselves."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.networks import NETWORKS, Network, resnet50, two_sets, vgg16
from support.page import embedded

from minigraph.tools.cli import main
from minigraph.tools.profile import Profiled, pictures, profile
from minigraph.tools.shared.target import Target, load_target
from minigraph.viz.dot import describe, dot_source, heat
from minigraph.viz.fold import READABLE, choose_open, clear_arrows, fold
from minigraph.viz.notebook import display
from minigraph.viz.picture import Picture
from minigraph.viz.render import render
from minigraph.viz.stages import Traced, trace

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's program dot is not installed")
CLEAN = re.compile(r"\d+[a-z]?")


def picture(network: Network) -> Picture:
    return trace(network.graph, [network.train, network.loss], optimize="O0", batch_size=2).picture("before")


@pytest.fixture(scope="module", params=NETWORKS)
def large(request: pytest.FixtureRequest) -> Picture:
    return picture(NETWORKS[request.param]())


@pytest.fixture(scope="module")
def residual() -> Network:
    return resnet50(width=4, size=32, classes=10, units=(1, 2, 1, 1))


# folding


def test_networks_are_folded_to_a_page(large: Picture) -> None:
    layers = large.by_layers()
    folded = fold(layers, choose_open(layers))
    assert 25 <= len(folded.boxes) <= READABLE
    assert len(clear_arrows(folded)) <= 3 * len(folded.boxes)
    kinds = Counter(box.kind for box in folded.boxes)
    assert kinds["forward"] >= 10
    assert kinds["gradient"] >= 10
    assert kinds["update"] == 1


def test_scopes_that_differ_in_numbers_open_together(large: Picture) -> None:
    opened = choose_open(large.by_layers())
    scopes = {box.layer[:d] for box in large.boxes for d in range(1, len(box.layer) + 1)} - set(large.layers.words)
    alike: dict[tuple[str, ...], list[bool]] = {}
    for scope in sorted(scopes):
        if scope[:-1] in opened:
            alike.setdefault(tuple(CLEAN.sub("", part) for part in scope), []).append(scope in opened)
    assert alike
    assert all(found.count(True) in (0, 1, len(found)) for found in alike.values())  # none, an example, or all


@needs_dot
def test_the_picture_is_not_wider_than_high(large: Picture) -> None:
    pytest.importorskip("graphviz")
    layers = large.by_layers()
    svg = render(dot_source(fold(layers, choose_open(layers))), "svg").decode("utf-8")
    found = re.search(r'<svg width="(\d+)pt" height="(\d+)pt"', svg)
    assert found
    width, height = map(int, found.groups())
    assert width < 1400
    assert width < height


def test_sums_of_gradients_stand_with_what_they_add_up(residual: Network) -> None:
    drawn = picture(residual)
    sums = [box for box in drawn.boxes if box.op == "AddN"]
    assert sums
    inputs = {s.id: [a.source for a in drawn.arrows if a.target == s.id and a.kind == "data"] for s in sums}
    boxes = {box.id: box for box in drawn.boxes}
    for each in sums:
        assert each.scope
        assert all(boxes[i].scope[: len(each.scope)] == each.scope for i in inputs[each.id])
        assert each.name.startswith("gradients/AddN")


def test_orders_between_all_of_two_sets_are_not_drawn() -> None:
    graph, end = two_sets()
    dot = dot_source(trace(graph, [end], optimize="O0").picture("before"))
    assert dot.count('style="dotted"') == 5  # those to the end alone


# profiles


@pytest.fixture(scope="module")
def profiled() -> tuple[Target, Profiled, Traced]:
    target = load_target("mnist-cnn", 4)
    found = profile(target, 1, "O3", None)
    return target, found, pictures(target, found)


def test_launches_have_boxes(profiled: tuple[Target, Profiled, Traced]) -> None:
    _, (measured, plan), traced = profiled
    last = {box.id: box for box in traced.pictures[-1].boxes}
    assert [each.launch for each in traced.launches] == list(measured.launches)
    for each in traced.launches:
        assert each.launch.node in {i.name for i in plan.program.instrs if i.name == last[each.box].name}
    assert traced.pictures[-1].seconds == pytest.approx(measured.launch_seconds)
    assert all(box.seconds is None for p in traced.pictures[:-1] for box in p.boxes)
    folded = fold(traced.pictures[-1], choose_open(traced.pictures[-1], 10))
    assert folded.seconds == pytest.approx(measured.launch_seconds)


def test_fused_launches_tell_what_is_in_them(profiled: tuple[Target, Profiled, Traced]) -> None:
    _, _, traced = profiled
    boxes = traced.pictures[-1].boxes
    assert 2 * (4 * 28 * 28 * 64) * (5 * 5) == 10_035_200
    (fused,) = (describe(box) for box in boxes if "Conv2D  conv1/Conv2D  10 MFLOP" in box.inner)
    assert any(line.startswith("BiasAdd  conv1/BiasAdd  ") for line in fused.splitlines())
    together = [box for box in boxes if box.op.startswith("7 ")]
    assert len(together) == 1
    assert sum(line.startswith("ApplyAdam  Adam/update_") for line in together[0].inner) == 7


def test_colours_by_time(profiled: tuple[Target, Profiled, Traced]) -> None:
    _, _, traced = profiled
    timed = dot_source(traced.pictures[-1])
    assert f'fillcolor="{heat(1.0)}"' in timed
    assert " ms in launches" in timed
    assert heat(1.0) not in dot_source(traced.pictures[0])
    assert len({heat(i / 10) for i in range(11)}) == 11


def test_without_passes_the_only_stage_has_the_times() -> None:
    target = load_target("mnist-cnn", 2)
    traced = pictures(target, profile(target, 1, "O0", None))
    assert traced.names == ("before",)
    assert traced.launches
    assert traced.pictures[0].seconds is not None


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_in_inference_the_last_stage_has_the_launches_of_a_run(backend: str) -> None:
    """What is computed once, such as packed filters, is no part of it."""
    target = load_target("mnist-cnn", 2, inference=True)
    traced = pictures(target, profile(target, 1, "O3", backend))
    boxes = {box.id for box in traced.pictures[-1].boxes}
    assert traced.launches
    assert {launch.box for launch in traced.launches} <= boxes


@pytest.mark.parametrize(
    "arguments", [["profile", "--html", "p.html", "--top", "1"], ["viz", "--profile", "-o", "p.html"]]
)
def test_the_commands_write_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    command, *rest = arguments
    done = CliRunner().invoke(main, [command, "mnist-cnn", "--batch-size", "2", "--steps", "1", *rest])
    assert done.exit_code == 0, done.output
    assert "wrote p.html" in done.output
    text = Path("p.html").read_text("utf-8")
    assert embedded(text)["launches"]


def test_a_page_that_cannot_be_written() -> None:
    done = CliRunner().invoke(main, ["viz", "mnist-cnn", "-o", "/dev/null/p.html"])
    assert done.exit_code == 1
    assert "/dev/null" in done.stderr
    assert ".tmp" not in done.stderr


# notebooks


def test_a_tensor_shows_what_computes_it(residual: Network, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tensor = residual.graph.get_tensor_by_name("resnet_v1_50/block2/unit_1/conv2/Relu:0")
    shown: dict[str, Any] = tensor._repr_mimebundle_()
    assert shown["text/plain"] == repr(tensor)
    if shutil.which("dot"):
        pytest.importorskip("graphviz")
        svg = shown["image/svg+xml"]
        assert svg.count('stroke-width="3"') == 1  # the tensor's node
        assert "block2" in svg
        assert "block3" not in svg
        assert "labels" not in svg
        assert "gradient" not in svg
    monkeypatch.setenv("PATH", str(tmp_path))
    assert set(display(tensor)) == {"text/plain", "text/html"}


def test_a_marked_tensor_is_never_folded_away() -> None:
    drawn = picture(vgg16(width=4, size=32, classes=10))
    box = next(b for b in drawn.boxes if b.name == "vgg_16/conv3/conv3_2/Conv2D")
    folded = fold(drawn, choose_open(drawn, 20, keep=box.scope))
    assert box in folded.boxes
