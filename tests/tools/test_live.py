"""`minigraph viz --live` (`tools/live.py`, `tools/shared/watched.py`, `tools/shared/local_server.py`)."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.browser import Browser

import minigraph as tf
from minigraph.core.protos import proto
from minigraph.tools.live import Followed, _bins, answers
from minigraph.tools.shared.events import EventFiles
from minigraph.tools.shared.local_server import local_server
from minigraph.tools.shared.watched import activations, look

pytest.importorskip("tensorboard")


def fetched(address: str | urllib.request.Request) -> Any:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=20) as answer:
        return answer.read()


def test_a_run_is_followed_from_before_it_begins(tmp_path: Path) -> None:
    followed = Followed(tmp_path / "run")
    assert followed.poll() == 0
    assert followed.state()["scalars"] == {}
    weights = np.float64([-1.0, -1.0, 0.0, 2.0])
    with EventFiles(tmp_path / "run" / "events", None) as files:
        files.add("train", 10, {"loss": 2.0})
        files.add_histograms("train", 10, {"weights/w": weights, "weights/bad": np.float64([np.nan])})
    followed.poll()
    with EventFiles(tmp_path / "run" / "events", None, {"train": 11}) as files:  # resumed
        files.add("train", 20, {"loss": 1.0, "accuracy": float("nan")})
        files.add("validation", 20, {"loss": 1.5})
    assert followed.poll() > 2
    state = followed.state()
    assert state["scalars"]["loss"] == {"train": [(10, 2.0), (20, 1.0)], "validation": [(20, 1.5)]}
    ((step, low, high, counts),) = state["histograms"]["weights/w"]
    assert (step, low, high) == (10, -1.0, 2.0)
    assert sum(counts) == pytest.approx(4, abs=0.2)
    assert counts[0] == pytest.approx(2, abs=0.2)
    assert counts[-1] == pytest.approx(1, abs=0.5)
    assert "weights/bad" not in state["histograms"]


def test_what_a_new_run_does_again_is_forgotten(tmp_path: Path) -> None:
    followed = Followed(tmp_path)
    for losses in ([3.0, 2.0, 1.0], [30.0]):
        with EventFiles(tmp_path / "events", None) as files:
            for step, loss in enumerate(losses, 1):
                files.add("train", step, {"loss": loss})
        followed.poll()
    assert followed.state()["scalars"]["loss"]["train"] == [(1, 30.0)]


def test_runs_side_by_side_stay_apart_and_a_damaged_histogram_is_skipped(tmp_path: Path) -> None:
    followed = Followed(tmp_path)
    for run, loss in (("a", 1.0), ("b", 2.0)):
        with EventFiles(tmp_path / run / "events", None) as files:
            files.add("train", 1, {"loss": loss})
            files.add_histograms("train", 1, {"w": np.float64([-loss, loss])})
    followed.poll()
    state = followed.state()
    assert state["scalars"]["loss"] == {"a/events/train": [(1, 1.0)], "b/events/train": [(1, 2.0)]}
    found = {tag: rows[0][1:3] for tag, rows in state["histograms"].items()}
    assert found == {"w (a/events/train)": (-1, 1), "w (b/events/train)": (-2, 2)}
    whole = {"min": -1.0, "max": 1.0, "bucket_limit": [0.0, 1e308], "bucket": [1.0, 2.0]}
    damaged: list[dict[str, Any]] = [
        {"bucket": [1.0]}, {"max": np.nan}, {"min": -np.inf}, {"bucket": [np.nan, 1.0]},
        {"bucket_limit": [np.nan, 1.0]}, {"min": -1.7e308, "max": 1.7e308},
    ]  # fmt: skip
    histogram = proto("summary", "HistogramProto")
    assert _bins(histogram(**whole)) is not None
    assert [_bins(histogram(**(whole | each))) for each in damaged] == [None] * len(damaged)


def test_looking_at_activations_draws_no_random_numbers() -> None:
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        x = tf.placeholder(tf.float32, [None, 4], name="x")
        first = tf.layers.dense(x, 5, tf.nn.relu, name="first")
        second = tf.layers.dense(tf.nn.dropout(first, 0.5), 3, tf.nn.relu, name="second")
        session.run(tf.global_variables_initializer())
        assert [t.op.name for t in activations(second, [x])] == ["first/Relu"]
        before = session.read_state()
        seen = look(session, second, {x: np.ones((2, 4), np.float32)})
        after = session.read_state()
    assert {"weights/first/kernel", "weights/second/bias", "activations/first/Relu"} <= seen.keys()
    kernel, bias = seen["weights/first/kernel"], seen["weights/first/bias"]
    assert np.allclose(seen["activations/first/Relu"], np.maximum(np.ones((2, 4)) @ kernel + bias, 0))
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in before)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    server = local_server(answers(Followed(tmp_path / "run")))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", tmp_path / "run"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_server_answers_for_these_paths_only(served: tuple[str, Path]) -> None:
    address, _ = served
    assert b"__" not in fetched(address).replace(b"__proto__", b"")
    assert json.loads(fetched(f"{address}state"))["version"] == 0
    assert json.loads(fetched(f"{address}state?0")) == "unchanged"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fetched(f"{address}../etc/passwd")


def test_the_server_knows_its_own_name_only_and_tells_errors() -> None:
    def failing(path: str) -> tuple[str, bytes] | None:
        raise ValueError("an odd event")

    with local_server(failing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        with pytest.raises(urllib.error.HTTPError, match="500") as caught:
            fetched(address)
        assert caught.value.read() == b"ValueError: an odd event"
        with pytest.raises(urllib.error.HTTPError, match="403"):
            fetched(urllib.request.Request(address, headers={"Host": f"evil.example:{server.server_port}"}))
        server.shutdown()


@pytest.mark.slow
def test_the_page_fills_while_the_run_writes(served: tuple[str, Path], browser: Browser) -> None:
    address, run = served

    def wait(code: str) -> Any:
        end = time.monotonic() + 20
        while not (found := browser.js(code)):
            assert time.monotonic() < end, browser.errors()
            time.sleep(0.05)
        return found

    browser.call("POST", "/url", {"url": address})
    assert wait("return document.getElementById('facts').textContent") == "waiting for the run to begin"
    with EventFiles(run / "events", None) as files:
        files.add("train", 10, {"loss": 2.0})
        files.add_histograms("train", 10, {"weights/w": np.arange(9.0)})
    wait("return document.querySelectorAll('figure[data-tag=loss] circle').length === 1")
    wait("return document.querySelectorAll('figure[data-tag=\"weights/w\"] .ridge').length === 1")
    with EventFiles(run / "events", None, {"train": 11}) as files:
        files.add("train", 20, {"loss": 1.0})
    wait("return document.querySelectorAll('figure[data-tag=loss] circle').length === 2")
    assert browser.js("return document.getElementById('facts').textContent") == "step 20"
    near = "return [[1, 1 + 2 ** -52], [-1e300, 1e300], [5e-324, 1e-323]].map(([a, b]) => ticks(a, b).length)"
    assert all(0 <= count <= 6 for count in browser.js(near))
    assert browser.js("return ticks(0, 10)") == [0, 2, 4, 6, 8, 10]
    with browser.paper():
        light, dark = browser.themes()
    assert dark == light
    assert browser.errors() == []
    browser.call("POST", "/url", {"url": "about:blank"})  # asks the server no more, which ends


@pytest.mark.slow
def test_ctrl_c_ends_it_cleanly(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "from minigraph.tools.cli import main; main()",
        "viz",
        str(tmp_path / "later"),
        "--live",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout
        assert running.stderr
        line = running.stdout.readline()
        assert "is shown at http://127.0.0.1:" in line
        assert fetched(line.split(" at ")[1].split()[0])
        running.send_signal(signal.SIGINT)
        assert running.wait(20) == 0
        assert "does not exist yet" in running.stderr.read()
