"""The page of `minigraph viz --html`, by what it contains and as Chromium shows it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.browser import CHROMIUM, DRIVER, Browser, started
from support.networks import resnet50, two_sets

from minigraph.tools.profile import profile, write_page
from minigraph.tools.shared.target import load_target
from minigraph.viz.page import page
from minigraph.viz.picture import Picture
from minigraph.viz.stages import Traced, trace

needs_browser = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium and its driver are not installed")


def embedded(text: str) -> dict[str, Any]:
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


@pytest.fixture(scope="module")
def traced() -> Traced:
    target = load_target("mnist-cnn")
    return trace(target.graph, target.fetches, title=target.name, batch_size=16)


# what it contains


def test_it_is_self_contained(traced: Traced) -> None:
    text = page(traced)
    assert "__DATA__" not in text
    outside = set(re.findall(r"https?://[^\s\"'<>]+", text)) - {"http://www.w3.org/2000/svg"}
    assert not outside
    assert not re.search(r"<(link|img|iframe)\b|<script[^>]+src=|@import|url\((?!#)", text)


def test_the_stages_are_all_there(traced: Traced) -> None:
    data = embedded(page(traced, start="simplify", diff=True))
    assert [s["name"] for s in data["stages"]] == list(traced.names)
    assert data["stages"][data["start"]]["name"] == "simplify"
    for stage, picture in zip(data["stages"], traced.pictures, strict=True):
        boxes = [data["boxes"][i] for i in stage["boxes"]]
        assert [b["id"] for b in boxes] == [b.id for b in picture.boxes]
        assert sum(b["parameters"] for b in boxes) == picture.parameters
        assert sum(b["flops"] or 0 for b in boxes) == picture.flops
        assert len(stage["arrows"]) == len(picture.arrows)


def test_no_name_ends_the_script() -> None:
    picture = Picture("</script><script>alert(1)</script><!--", (), ())
    text = page(Traced(picture.title, ("before",), (picture,)))
    assert text.count("</script>") == 2
    assert embedded(text)["title"] == picture.title


# as a browser shows it


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with started(tmp_path_factory.mktemp("home")) as session:
        yield session


@pytest.fixture
def shown(browser: Browser, tmp_path: Path, traced: Traced) -> Browser:
    path = tmp_path / "graph.html"
    path.write_text(page(traced), "utf-8")
    browser.open(path)
    assert browser.errors() == []
    return browser


@needs_browser
def test_folding_and_unfolding(shown: Browser) -> None:
    before = shown.boxes()
    assert 30 <= before <= 60
    assert shown.js("return document.querySelectorAll('#graph .box').length") == before
    place = shown.centre('[data-id="conv1/weights/"]')
    shown.click('[data-id="conv1/weights/"]')
    assert shown.boxes() == before + 3
    again = shown.centre('[data-scope="conv1/weights"]')
    assert abs(again[0] - place[0]) < 200
    assert abs(again[1] - place[1]) < 200
    shown.js("document.querySelector('[data-scope=\"conv1/weights\"]').dispatchEvent(new MouseEvent('click'))")
    assert shown.boxes() == before
    shown.click("#unfoldall")
    assert shown.boxes() == 119
    shown.click("#foldall")
    assert shown.boxes() < before
    shown.click("#readable")
    assert shown.boxes() == before
    assert shown.errors() == []


@needs_browser
def test_boxes_do_not_overlap(shown: Browser) -> None:
    for button in ("#readable", "#unfoldall"):
        shown.click(button)
        overlaps = shown.js(
            "const r = scene.boxes; let n = 0;"
            "const apart = (a, b) => a.left >= b.left + b.w || b.left >= a.left + a.w;"
            "const above = (a, b) => a.top >= b.top + b.h || b.top >= a.top + a.h;"
            "for (const a of r) for (const b of r) if (a !== b && !apart(a, b) && !above(a, b)) n++; return n"
        )
        assert overlaps == 0


@needs_browser
def test_search_and_hover(shown: Browser) -> None:
    shown.type("#search", "maxpool")
    found = shown.js("return +document.getElementById('graph').dataset.found")
    assert found >= 4
    assert 2 <= shown.js("return document.querySelectorAll('#graph .hit').length") <= found
    shown.type("#search", "\ue007")  # Enter brings the first one to the middle
    x, _ = shown.centre("#graph .hit")
    assert 0 < x < 1400
    shown.js(
        "const box = scene.boxes.find(b => b.name === 'conv1/Conv2D');"
        "box.group.dispatchEvent(new MouseEvent('mouseenter'))"
    )
    tip = shown.js("return document.getElementById('tip').textContent")
    for expected in ("conv1/Conv2D", "float32[16,28,28,64]", "40.1 MFLOP", "models/mnist_cnn.py:"):
        assert expected in tip


@needs_browser
def test_the_slider(shown: Browser, traced: Traced) -> None:
    shown.click("#unfoldall")
    move = "const s = document.getElementById('stage'); s.value = arguments[0]; s.dispatchEvent(new Event('input'))"
    for index, picture in enumerate(traced.pictures):
        shown.js(move, index)
        assert shown.boxes() == len(picture.boxes)
        text = shown.js("return document.getElementById('stagename').textContent")
        assert traced.names[index] in text
    last = len(traced.names) - 1
    shown.click("#changes")
    assert shown.boxes() == len(traced.diff(traced.names[last]).boxes)
    assert shown.errors() == []


@needs_browser
def test_a_page_of_thousands_of_nodes_works(browser: Browser, tmp_path: Path) -> None:
    network = resnet50(width=4, size=32, classes=10, units=(2, 2, 2, 2))
    traced = trace(network.graph, [network.train, network.loss], optimize="O1", batch_size=2)
    picture = traced.picture("before")
    assert len(picture.boxes) > 1500
    path = tmp_path / "big.html"
    path.write_text(page(traced), "utf-8")
    browser.open(path)
    assert 30 <= browser.boxes() <= 60
    browser.click("#unfoldall")
    assert browser.boxes() == len(picture.boxes)
    unit = "resnet_v1_50/block2/unit_1"
    within = sum("/".join(b.scope).startswith(unit) for b in picture.boxes)
    browser.js(f"document.querySelector('[data-scope=\"{unit}\"]').dispatchEvent(new MouseEvent('click'))")
    assert browser.boxes() == len(picture.boxes) - within + 1
    browser.js(f"document.querySelector('[data-id=\"{unit}/\"]').dispatchEvent(new MouseEvent('click'))")
    assert browser.boxes() == len(picture.boxes)
    browser.click("#foldall")
    assert browser.boxes() < 20
    assert browser.errors() == []


@needs_browser
def test_arrows_that_hide_are_seen_at_the_pointer(browser: Browser, tmp_path: Path) -> None:
    graph, last = two_sets()
    path = tmp_path / "dense.html"
    path.write_text(page(trace(graph, [last], optimize="O0")), "utf-8")
    browser.open(path)
    move = "scene.boxes.find(b => b.name === 'first3').group.dispatchEvent(new MouseEvent(arguments[0]))"
    count = "return document.querySelectorAll('#graph .arrow').length"
    seen = browser.js(count)
    assert browser.boxes() == 22
    assert seen == 25  # two operands of ten operations, and five of these to the end
    browser.js(move, "mouseenter")
    assert browser.js(count) == seen + 5
    browser.js(move, "mouseleave")
    assert browser.js(count) == seen
    assert browser.errors() == []


@needs_browser
def test_times_of_launches(browser: Browser, tmp_path: Path) -> None:
    target = load_target("mnist-cnn", 4)
    found = profile(target, 1, "O3", None)
    write_page(tmp_path / "p.html", target, found)
    browser.open(tmp_path / "p.html")
    launches = found.profile.by_time()
    rows = browser.js("return [...document.querySelectorAll('#launches tbody tr')].map(r => r.innerText)")
    assert len(rows) == len(launches)
    assert all(launch.node in row for launch, row in zip(launches, rows, strict=True))
    for index in (0, 3):  # a row selects its box, whatever is folded
        browser.click("#foldall")
        browser.js(f"document.querySelectorAll('#launches tbody tr')[{index}].click()")
        picked = browser.js("return scene.boxes.filter(b => b.group.classList.contains('picked')).map(b => b.name)")
        assert picked == [launches[index].node]
        x, y = browser.centre("#graph .picked")
        assert 0 < x < 1400
        assert 0 < y < 1000
    browser.js("scene.boxes.find(b => b.id === state.picked).group.dispatchEvent(new MouseEvent('mouseenter'))")
    told = browser.js("return document.getElementById('tip').textContent")
    for expected in (" ms, ", "% of all launches", "GFLOP/s", "reads ", "writes ", "of the arena in use"):
        assert expected in told
    fill = "return document.querySelector('#graph .picked rect').getAttribute('fill')"
    hot = browser.js(fill)
    browser.click("#times")
    assert browser.js(fill) != hot
    assert not browser.js("return document.getElementById('launches').offsetWidth")
    browser.click("#times")
    browser.js("const s = document.getElementById('stage'); s.value = 0; s.dispatchEvent(new Event('input'))")
    assert not browser.js("return document.getElementById('launches').offsetWidth")
    assert browser.errors() == []


@needs_browser
def test_without_a_profile_there_is_no_table(shown: Browser) -> None:
    assert not shown.js("return document.getElementById('launches').offsetWidth")
    assert not shown.js("return document.getElementById('times').offsetWidth")
