"""The display of minigraph's objects in a notebook."""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.browser import Browser
from support.page import embedded

import minigraph as tf
from minigraph.viz.notebook import WIDTH, display, frame


@pytest.fixture
def step() -> tuple[tf.Operation, dict[Any, Any]]:
    """A training step and its feeds."""
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 4], name="x")
        y = tf.layers.dense(x, 3, activation=tf.nn.relu, name="dense")
        train = tf.train.AdamOptimizer(0.001).minimize(tf.reduce_sum(y))
    return train, {x: np.ones([2, 4])}


def content(shown: dict[str, str]) -> str:
    """The page in a frame."""
    found = re.fullmatch(
        r'<iframe srcdoc="([^"]*)" sandbox="allow-scripts allow-downloads" [^<>]*></iframe>', shown["text/html"]
    )
    assert found
    return html.unescape(found[1])


def test_a_graph_shows_the_page(step: Any) -> None:
    graph = step[0].graph
    shown = graph._repr_mimebundle_()
    assert shown["text/plain"] == str(graph)
    data = embedded(content(shown))
    assert len(data["boxes"]) == len(graph)
    assert len(data["stages"]) == 1
    assert display(tf.Graph()) == {"text/plain": "an empty graph"}


def test_a_plan_shows_its_stages_and_memory(step: Any) -> None:
    train, feeds = step
    with tf.Session(graph=train.graph) as session:
        session.run([v.initializer for v in train.graph.get_collection("variables")])
        session.run(train, feeds)
        plan, _ = session.plan_for(train, feeds)
        data = embedded(content(plan._repr_mimebundle_()))
        names = [stage["name"] for stage in data["stages"]]
        assert names[: 1 + len(plan.stages)][0] == "before"
        assert len(names) >= 1 + len(plan.stages)
        assert data["start"] == len(names) - 1
        assert data["memory"]["peak"] == plan.peak
        assert repr(plan) == f"<Plan of {len(plan.steps)} launches on {session.backend.name}, {plan.peak:,} bytes>"


def test_a_session_shows_its_plans(step: Any) -> None:
    train, feeds = step
    session = tf.Session(graph=train.graph, backend="numpy")
    assert "<table" in session._repr_html_()
    with train.graph.as_default():
        session.run(tf.global_variables_initializer())
    session.run(train, feeds)
    shown = session._repr_html_()
    values = sum(v.type.nbytes for v in train.graph.get_collection("variables"))
    for text in ("numpy", "O3", f"8 with values, {values / 1e6:.3g} MB", "init", "Adam", "x:0 (2, 4)"):
        assert text in shown
    assert repr(session) == f"<tf.Session on numpy, {len(train.graph)} operations, 2 plans>"
    session.close()
    assert "closed" in session._repr_html_()
    assert "closed" in repr(session)


def test_parts_of_a_graph_show_facts(step: Any) -> None:
    graph = step[0].graph
    kernel = graph.get_collection("variables")[0]
    shown = kernel._repr_html_()
    for text in ("dense/kernel:0", "(4, 3)", "float32", "12, 48 bytes", "test_notebook.py:", "tf.layers.dense(x, 3,"):
        assert text in shown
    shown = graph.get_operation_by_name("dense/MatMul")._repr_html_()
    for text in ("MatMul", "transpose_a = False", "x:0  float32[?,4]", "dense/MatMul:0  float32[?,3]"):
        assert text in shown


def test_a_tensor_without_graphviz(step: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    tensor = step[0].graph.get_tensor_by_name("dense/Relu:0")
    shown = tensor._repr_mimebundle_()
    assert shown["text/plain"] == repr(tensor)
    for text in ("dense/Relu:0", "(?, 3)", "dense/Relu (Relu)"):
        assert text in shown["text/html"]


def test_a_picture_shrinks_with_the_notebook(step: Any) -> None:
    if not shutil.which("dot"):
        pytest.skip("Graphviz's program dot is not installed")
    pytest.importorskip("graphviz")
    tensor = step[0].graph.get_tensor_by_name("dense/Relu:0")
    assert '<svg style="max-width:100%;height:auto"' in display(tensor)["image/svg+xml"]
    with tf.Graph().as_default():
        many = tf.add_n([tf.placeholder(tf.float32, [1], name=f"a_long_name_of_an_input_{i}") for i in range(12)])
    found = re.search(
        r'width="(\d+)pt" height="(\d+)pt"\s+viewBox="0.00 0.00 ([\d.]+) ([\d.]+)"', display(many)["image/svg+xml"]
    )
    assert found
    wide, tall, whole_wide, whole_tall = map(float, found.groups())
    assert wide == WIDTH < whole_wide
    assert abs(wide / tall - whole_wide / whole_tall) < 0.02 * wide / tall


def test_optimizers_show_their_hyperparameters() -> None:
    rate = tf.placeholder_with_default(0.1, [], name="rate")
    optimizer = tf.train.MomentumOptimizer(rate, 0.9)
    assert repr(optimizer) == "<MomentumOptimizer learning_rate=rate:0 momentum=0.9>"
    optimizer.minimize(tf.square(tf.Variable(1.0)))
    shown = optimizer._repr_html_()
    for text in ("MomentumOptimizer", "rate:0", "0.9", "momentum: 1 variable<"):
        assert text in shown


def test_a_history_shows_curves() -> None:
    history = tf.keras.callbacks.History()
    assert "no epochs" in history._repr_html_()
    history.on_train_begin()
    for epoch, (loss, check) in enumerate([(2.0, 3.0), (1.0, 2.5), (0.5, float("nan"))]):
        history.on_epoch_end(epoch, {"loss": loss, "val_loss": check})
    shown = history._repr_html_()
    assert shown.count("<svg") == 1
    assert shown.count("<polyline") == 2
    assert "0.5 in epoch 2" in shown
    assert repr(history) == "<History of 3 epochs>"


def test_a_history_shows_the_epoch_of_each_number() -> None:
    """Validation every other epoch, and a metric that comes late: the epochs are those in which the numbers came."""
    history = tf.keras.callbacks.History()
    history.on_train_begin()
    checks = {1: float("nan"), 3: 4.0, 5: 2.0}
    for epoch in range(6):
        late = {"late": float(epoch)} if epoch > 3 else {}
        held = {"val_loss": checks[epoch]} if epoch in checks else {}
        history.on_epoch_end(epoch, {"loss": 9.0 - epoch, **held, **late})
    shown = history._repr_html_()
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", shown)
    assert cells == ["loss", "4", "4 in epoch 5", "9 in epoch 0", "val_loss", "2", "2 in epoch 5", "4 in epoch 3",
                     "late", "5", "4 in epoch 4", "5 in epoch 5"]  # fmt: skip
    lines = re.findall(r'polyline points="([^"]*)"', shown)
    loss, held = ([point.split(",")[0] for point in line.split()] for line in lines[:2])
    assert held == [loss[3], loss[5]]


def test_the_frame_works_in_a_browser(step: Any, browser: Browser, tmp_path: Path) -> None:
    """Scripts run, the engine's worker starts, and the frame is as wide as the notebook but cannot reach it."""
    path = tmp_path / "notebook.html"
    path.write_text(f'<!DOCTYPE html><div style="width:800px">{display(step[0].graph)["text/html"]}</div>', "utf-8")
    browser.open(path)
    element = browser.call("POST", "/element", {"using": "css selector", "value": "iframe"})
    assert browser.js("return document.querySelector('iframe').getBoundingClientRect().width") == 800
    assert browser.js("return document.querySelector('iframe').contentDocument") is None
    browser.call("POST", "/frame", {"id": element})
    wait = (
        "const [done] = arguments;"
        "const look = () => window.app?.shown ? done(app.shown.boxes.length) : setTimeout(look, 50);"
        "look()"
    )
    assert browser.call("POST", "/execute/async", {"script": wait, "args": []}) > 3
    assert browser.js("return document.getElementById('panel').hidden")
    browser.js("app.pick(app.shown.boxes[0])")
    assert not browser.js("return document.getElementById('panel').hidden")
    assert browser.errors() == []


def test_a_frame_holds_any_page() -> None:
    page = "<p title='\"&amp;\">&lt;</p><script>'</iframe>'</script>"
    assert content({"text/html": frame(page)}) == page
