"""The page of `minigraph viz`, by what it contains and as Chromium shows it."""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.browser import Browser
from support.networks import resnet50, two_sets
from support.page import Page, embedded

from minigraph.models.registry import MODELS
from minigraph.tools.profile import Profiled, profile, write_page
from minigraph.tools.shared.target import Target, load_target
from minigraph.tools.viz import PictureOptions, server_of
from minigraph.viz.page import _code, page
from minigraph.viz.picture import Picture
from minigraph.viz.stages import Traced, trace

QUICK = (("mnist-cnn", True), ("lenet5", False))
OTHER = """
    window.shows = 'another';
    App.prototype.prepare = () => {};
    byId('stages').replaceChildren();
    window.app = new App(decode(arguments[0]), app.engine, new Uint8Array());
    return app.redraw('fit')
"""
STAGE = "app.set({stage: arguments[0]})"
RESET = """
    Object.assign(app.state, beginning(app.data, app.values));
    byId('search').value = '';
    return app.redraw('fit')
"""


@pytest.fixture(scope="module")
def traced() -> Traced:
    target = load_target("mnist-cnn")
    return trace(target.graph, target.fetches, title=target.name, batch_size=16)


# what it contains


def test_it_is_self_contained_and_small(traced: Traced) -> None:
    text = page(traced)
    assert not re.search("__(DATA|ENGINE|NOTES|PIXELS|SCRIPT|STYLE)__", text)
    outside = set(re.findall(r"https?://[^\s\"'<>]+", text)) - {"http://www.w3.org/2000/svg"}
    assert not outside
    assert not re.search(r"<(img|iframe)\b|<script[^>]+src=|@import|url\((?!#)", text)
    assert re.findall(r"<link [^>]*>", text) == ['<link rel="icon" href="data:,">']
    assert len(text.encode()) < 1_200_000


def test_the_stages_are_all_there(traced: Traced) -> None:
    data = embedded(page(traced, start="simplify", diff=True))
    assert [s["name"] for s in data["stages"]] == list(traced.names)
    assert data["stages"][data["start"]]["name"] == "simplify"
    columns = {name: i for i, name in enumerate(data["columns"])}
    arrows: set[int] = set()
    for stage, picture in zip(data["stages"], traced.pictures, strict=True):
        boxes = [data["boxes"][i] for i in stage["boxes"]]
        assert [b[columns["id"]] for b in boxes] == [b.id for b in picture.boxes]
        assert sum(b[columns["parameters"]] for b in boxes) == picture.parameters
        assert sum(b[columns["flops"]] or 0 for b in boxes) == picture.flops
        gone, come = stage["arrows"]
        arrows = (arrows - set(gone)) | set(come)
        assert len(arrows) == len(picture.arrows)


def test_no_name_ends_the_script() -> None:
    picture = Picture("</script><script>alert(1)</script><!--", (), ())
    text = page(Traced(picture.title, ("before",), (picture,)))
    assert text.count("</script>") == 5
    assert embedded(text)["title"] == picture.title


# as a browser shows it


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory, traced: Traced) -> Path:
    path = tmp_path_factory.mktemp("page") / "graph.html"
    path.write_text(page(traced), "utf-8")
    return path


@pytest.fixture
def shown(browser: Browser, training: Path) -> Iterator[Page]:
    """The page of a training step as it opens; the browser keeps it from test to test."""
    if browser.js("return window.shows === 'training'"):
        found = Page(browser)
        found.do(RESET)
    else:
        found = Page(browser, training)
        found.js("window.shows = 'training'")
    yield found
    assert browser.errors() == []


def test_it_opens_with_layers(shown: Page) -> None:
    names = shown.js("return app.shown.boxes.map(b => b.label)")
    assert {"images", "conv1", "conv1/MaxPool", "fc1", "dropout", "loss", "∇ conv1", "updates"} <= set(names)
    facts = shown.js("return app.shown.boxes.find(b => b.label === 'conv1').facts")
    assert facts == ["5×5 convolution, SAME, bias, ReLU", "16×28×28×64", "1.66 k parameters · 41.7 MFLOP"]  # noqa: RUF001
    kinds = shown.js("return Object.fromEntries(app.shown.boxes.map(b => [b.label, b.kind]))")
    assert (kinds["conv1"], kinds["∇ conv1"], kinds["updates"]) == ("forward", "gradient", "update")


def test_a_click_opens_one_level(shown: Page) -> None:
    before = shown.boxes()
    shown.click('[data-id="conv1/forward"] .button')
    opened = shown.js("return app.shown.boxes.filter(b => b.parent.scope === 'conv1').map(b => b.label)")
    assert {"weights", "biases", "Conv2D", "BiasAdd", "Relu", "ReluGrad"} <= set(opened)
    assert "read" not in opened  # that is one level further
    shown.click("[data-close=conv1]")
    assert shown.boxes() == before
    shown.click("#ops")
    assert "conv1/forward" in shown.js("return app.shown.boxes.map(b => b.id)") or shown.boxes() > before
    while shown.js("return app.shown.boxes.some(b => b.canOpen)"):
        shown.click("#more")
    assert shown.boxes() == 119
    shown.click("#fewer")
    assert shown.boxes() < 119


def test_search_selection_and_panel(shown: Page) -> None:
    shown.browser.type("#search", "maxpool")
    assert shown.js("return +app.svg.dataset.found") >= 4
    assert shown.js("return document.querySelectorAll('#graph .hit').length") == 4
    shown.browser.type("#search", "\ue007")  # Enter brings the first one to the middle
    x, _ = shown.browser.centre("#graph .picked")
    assert 0 < x < 1400
    assert "max-pooling" in shown.panel() or "∇" not in shown.panel()
    shown.do("return app.select(app.graph().boxes.find(b => b.name === 'conv1/Conv2D').id)")  # its layer
    assert shown.js("return app.picked.key") == "conv1"
    shown.do("return app.select(app.graph().boxes.find(b => b.name === 'conv1/Conv2D').id)")  # and itself
    told = shown.panel()
    for expected in ("conv1/Conv2D", "16×28×28×64", "40.1 MFLOP", "models/mnist_cnn.py:", "strides=(1, 1)", "fuse"):  # noqa: RUF001
        assert expected in told
    assert "after fuse_blocks: conv1 + bias + pool + relu" in told


def test_stages_and_changes(shown: Page, traced: Traced) -> None:
    for index, picture in enumerate(traced.pictures):
        shown.do(STAGE, index)
        label = shown.js("return document.querySelector('#stages .on').innerText")
        assert label.startswith(traced.names[index].replace("_", " "))
        assert shown.js("return app.graph().boxes.length") == len(picture.boxes)
    assert "layout" in shown.js("return [...document.querySelectorAll('#stages .idle')].map(b => b.innerText)")
    shown.do(STAGE, traced.names.index("multi_tensor"))
    assert "It removed" in shown.js("return document.getElementById('did').textContent")
    shown.click("#changes")
    assert shown.js("return app.graph().boxes.length") == len(traced.diff("multi_tensor").boxes)


def test_keys_and_the_address(shown: Page) -> None:
    shown.key("]")
    assert shown.js("return app.state.stage") == 1
    shown.key("v")
    assert shown.js("return app.state.view") == "ops"
    shown.key("v")
    shown.do("app.pick(app.shown.boxes.find(b => b.key === 'conv1'))")
    shown.key("ArrowDown")
    assert shown.js("return app.picked.label") == "conv1/MaxPool"
    shown.key("ArrowUp")
    shown.key("Enter")
    assert shown.js("return app.opened.has('conv1')")
    address = shown.js("return location.hash")
    shown.do("app.state.stage = 0; app.foldAgain()")
    shown.js("location.hash = arguments[0]", address)
    shown.browser.js("return new Promise(r => setTimeout(r, 50))")
    shown.settle()
    assert shown.js("return [app.state.stage, app.opened.has('conv1')]") == [1, True]


def test_what_the_pointer_approaches_is_laid_out_before_the_click(shown: Page) -> None:
    last = shown.js("return app.data.stages.length - 1")
    shown.do("app.prepare = () => {}; app.redraw()")
    approaches = {
        "app.stages.buttons.at(-1)": f"app.set({{stage: {last}}})",
        "document.querySelector('[data-open=\"conv1\"]')": "app.open('conv1')",
    }
    for target, act in approaches.items():
        shown.do("app.engine.known.clear()")
        shown.js(f"{target}.dispatchEvent(new PointerEvent('pointerover', {{bubbles: true}}))")
        calls = shown.js("return app.engine.last")
        shown.do(act)
        assert shown.js("return app.engine.last") == calls
        assert shown.faults() == []
    shown.key("[")
    described = "JSON.stringify(app.engine.describe(app.shownIn({...app.state, stage: arguments[0]})).graph)"
    assert shown.js(f"return app.engine.known.has({described})", last - 2)
    shown.js("delete app.prepare")


def test_stages_are_laid_out_while_the_reader_looks(shown: Page) -> None:
    """Those before the one that is shown, too, and also when another layout is not over in time."""
    shown.do("app.engine.known.clear(); app.set({stage: app.data.stages.length - 1})")
    shown.js("""
        const late = new Promise(done => setTimeout(done, 2 * IDLE)), { engine } = app;
        engine.call = message => late.then(() => Engine.prototype.call.call(engine, message));
        engine.foresee(app.shownIn({ ...app.state, view: 'ops' }));
        delete engine.call;
    """)
    described = "JSON.stringify(app.engine.describe(app.shownIn({...app.state, stage: i})).graph)"
    ready = f"return app.data.stages.every((_, i) => app.engine.known.has({described}))"
    end = time.monotonic() + 60
    while not shown.js(ready):
        assert time.monotonic() < end
        time.sleep(0.2)
    calls = shown.js("return app.engine.last")
    for stage in range(shown.js("return app.data.stages.length")):
        shown.do(STAGE, stage)
    assert shown.js("return app.engine.last") == calls


def test_dark_pages_print_light_and_are_saved_dark(shown: Page) -> None:
    screen = shown.browser.themes()
    with shown.browser.paper():
        paper = shown.browser.themes()
    assert paper[1] == paper[0]
    assert screen[1] != screen[0]
    saved = "return svgText(app.shown, app.layer).includes('color-scheme: dark')"
    assert shown.js(saved)
    shown.js("document.documentElement.classList.remove('dark')")
    assert not shown.js(saved)


def test_the_saved_picture_is_complete(shown: Page) -> None:
    text = shown.js("return svgText(app.shown, app.layer)")
    assert text.startswith("<svg")
    assert text.count('class="box"') == shown.boxes()
    assert "--forward:" in text


# arrows and labels


@pytest.mark.parametrize(
    ("name", "inference"),
    [
        pytest.param(m.name, inference, marks=[] if (m.name, inference) in QUICK else pytest.mark.slow)
        for m in MODELS
        for inference in (False, True)
    ],
)
def test_no_arrow_crosses_a_box_of_others_and_no_labels_overlap(shown: Page, name: str, inference: bool) -> None:
    target = load_target(name, inference=inference)
    traced = trace(target.graph, target.fetches, title=name, batch_size=target.batch_size)
    shown.do(OTHER, embedded(page(traced)))
    for stage in (0, len(traced.names) - 1):
        for view in ("layers", "ops"):
            shown.do("app.state.view = arguments[1]; app.state.stage = arguments[0]; app.foldAgain()", stage, view)
            assert shown.faults() == []
            shown.browser.js("app.openMore()")
            shown.settle(300)
            assert shown.faults() == []


# pages of other graphs


def test_a_page_of_thousands_of_nodes_works(shown: Page) -> None:
    network = resnet50(width=4, size=32, classes=10, units=(2, 2, 2, 2))
    traced = trace(network.graph, [network.train, network.loss], optimize="O1", batch_size=2)
    assert len(traced.picture("before").boxes) > 1500
    shown.do(OTHER, embedded(page(traced)))
    assert 30 <= shown.boxes() <= 90
    unit = "resnet_v1_50/block2/unit_1"
    if not shown.js("return app.opened.has(arguments[0])", unit):
        shown.do("app.open(arguments[0])", unit)
    assert shown.js("return app.shown.boxes.filter(b => b.parent.scope === arguments[0]).length", unit) > 8
    assert shown.faults() == []


def test_arrows_that_hide_are_listed_in_the_panel(shown: Page) -> None:
    graph, last = two_sets()
    shown.do(OTHER, embedded(page(trace(graph, [last], optimize="O0"))))
    shown.do("app.set({view: 'ops'})")
    assert shown.boxes() == 22
    assert shown.js("return document.querySelectorAll('#graph .arrow').length") == 25  # operands, and five to the end
    shown.do("app.pick(app.shown.boxes.find(b => b.label.startsWith('first3')))")
    assert shown.panel().count("order only") == 5


@pytest.fixture(scope="module")
def profiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Target, Profiled, Path]:
    target = load_target("lenet5", 2, inference=True)
    found = profile(target, 1, "O3", None)
    path = tmp_path_factory.mktemp("profile") / "page.html"
    write_page(path, target, found)
    return target, found, path


def test_the_panel_shows_code_in_a_file_and_from_the_server(
    browser: Browser, profiled: tuple[Target, Profiled, Path]
) -> None:
    target, _, path = profiled
    file = Page(browser, path)
    opened = "document.querySelectorAll('#panel details').forEach(d => { d.open = true; })"
    text = "return [...document.querySelectorAll('#panel pre.code')].map(p => p.textContent).join()"

    def code(page: Page) -> str:
        page.do("app.set({stage: 0})")
        page.do("app.pick(app.shown.boxes.find(b => b.words.includes('convolution')))")
        end = time.monotonic() + 30
        while not (found := page.js(f"{opened}; {text}")):
            assert time.monotonic() < end
            time.sleep(0.05)
        return str(found)

    expected = code(file)
    assert "define void" in expected or "def " in expected
    server, _ = server_of(target, PictureOptions())
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        browser.call("POST", "/url", {"url": f"http://127.0.0.1:{server.server_port}/"})
        file.settle()
        assert file.js("return app.data.coded.length") == 0
        assert code(file) == expected
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert browser.errors() == []


def test_the_page_stands_well_on_every_screen(browser: Browser, profiled: tuple[Target, Profiled, Path]) -> None:
    """Nothing overlaps or leaves the screen, every text can be read, and both themes draw the same picture."""
    sizes = ((1400, 900), (800, 600))
    lights: dict[tuple[int, int], list[np.ndarray]] = {}
    with browser.screen(*sizes[0], dark=True):
        seen = Page(browser, profiled[2])
        assert seen.js("return document.documentElement.classList.contains('dark')")
    for night in (True, False):
        seen.js("document.documentElement.classList.toggle('dark', arguments[0])", night)
        for width, height in sizes:
            with browser.screen(width, height, night):
                seen.do("app.set({stage: app.data.stages.length - 1})")
                assert seen.sights() == []  # with times
                seen.do("app.set({stage: 0}, 'fit')")
                seen.do("app.pick(app.shown.boxes.find(b => b.key === 'conv1'))")
                assert seen.sights() == []  # with kinds, and the panel of a box
                with Image.open(io.BytesIO(browser.screenshot())) as picture:
                    assert picture.size == (width, height)
                    small = picture.convert("L").resize((width // 10, height // 10), Image.Resampling.BOX)
                    lights.setdefault((width, height), []).append(np.asarray(small, float))
    for dark, light in lights.values():
        assert np.median(dark) < 60
        assert np.median(light) > 220
        ink, inverse = (np.abs(each - np.median(each)) > 12 for each in (light, dark))
        assert (ink & inverse).sum() > 0.8 * ink.sum()


def test_times_of_launches(browser: Browser, profiled: tuple[Target, Profiled, Path]) -> None:
    _, found, path = profiled
    timed = Page(browser, path)
    launches = found.profile.by_time()
    rows = timed.js("return [...document.querySelectorAll('#launches tr')].map(r => r.innerText)")
    assert len(rows) == len(launches)
    assert all(launch.node in row for launch, row in zip(launches, rows, strict=True))
    timed.do("document.querySelectorAll('#launches tr')[0].click()")  # selects its box, whatever is folded
    assert timed.js("return app.picked.single.name") == launches[0].node
    told = timed.panel()
    for expected in ("MEASURED", "share", "FLOP/s", "arena in use"):
        assert expected in told
    bars = "return [...document.querySelectorAll('#chart rect')].map(r => r.dataset.box)"
    timed.click("#memorytab")
    assert len(timed.js(bars)) == len(timed.js("return app.data.memory.places"))
    timed.click("#runtab")
    assert timed.js(bars) == timed.js("return app.data.launches.map(l => l.box)")
    fill = "return document.querySelector('#graph .picked .sheet').style.fill"
    hot = timed.js(fill)
    timed.do("app.set({stage: 0})")
    timed.do("app.pick(app.shown.boxes[0])")
    assert timed.js(fill) != hot
    assert browser.errors() == []


def test_code_keeps_to_its_room() -> None:
    class Code:
        boxes = ("a", "b", "c", "d")

        def of(self, box: str) -> dict[str, str]:
            return {"long": "x" * 100} if box in "bc" else {"short": box * 10}

    found, left = _code(Code(), 60)  # type: ignore[arg-type]
    assert (sorted(found["kernels"]), left) == (["a", "d"], ["b", "c"])
    assert sorted(_code(Code(), 120)[0]["kernels"]) == ["a", "b", "c", "d"]  # type: ignore[arg-type]  # equal texts once
