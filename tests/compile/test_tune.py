"""Timed trials: what is chosen from which times, what is remembered, and that results stay what they were.

Tests `backends/llvm/alternatives.py` and `rewrite/choice.py`.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner

import minigraph as tf
from minigraph.backends.numpy import NumpyBackend
from minigraph.compile import tune
from minigraph.compile.tune import describe, measure
from minigraph.passes.winograd import TILES
from minigraph.tools.cli import main
from minigraph.tools.shared.options import autotune_option
from minigraph.util.object_cache import objects

HAS_LLVM = importlib.util.find_spec("llvmlite") is not None
needs_llvm = pytest.mark.skipif(not HAS_LLVM, reason="needs llvmlite")
CASES = [*(("numpy", n) for n in range(1 + len(TILES[3]))), pytest.param("llvm", 2, marks=needs_llvm)]
PROGRAM = """
import minigraph as tf

x = tf.placeholder(tf.float32, [None, 28, 28, 16])
y = tf.nn.relu(tf.nn.conv2d(x, tf.Variable(tf.ones([3, 3, 16, 32])), 1, "SAME"))
"""
Measure = Callable[[Mapping[str, Any]], dict[str, float]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled code is kept from test to test."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGRAPH_CACHE", str(folder))
    monkeypatch.delenv("MINIGRAPH_AUTOTUNE", raising=False)
    objects("tuning").clear()


class Network:
    """A convolution and its gradients, and what comes of them in a session."""

    def __init__(self, batch: int = 5, gradients: bool = True) -> None:
        with tf.Graph().as_default() as self.graph:
            self.x = tf.placeholder(tf.float32, [None, 9, 8, 16])
            random = np.random.RandomState(0)
            w = tf.Variable(random.randn(3, 3, 16, 32).astype(np.float32))
            y = tf.nn.relu(tf.nn.conv2d(self.x, w, 1, "SAME"))
            self.results = [y, *(tf.gradients(tf.reduce_sum(y * y), [self.x, w]) if gradients else ())]
            self.start = tf.global_variables_initializer()
        self.feeds = {self.x: random.randn(batch, 9, 8, 16).astype(np.float32)}

    def session(self, **options: Any) -> tf.Session:
        session = tf.Session(graph=self.graph, **options)
        session.run(self.start)
        return session

    def run(self, **options: Any) -> tuple[list[np.ndarray], int]:
        """The results, and how many trials there were."""
        session = self.session(**options)
        results = session.run(self.results, self.feeds)
        return results, session._runner.compiler.tuner.trials if session._runner.compiler.tuner else 0

    def tiles(self, **options: Any) -> list[str]:
        """What the plan says of its convolutions."""
        plan, _ = self.session(**options).plan_for(self.results, self.feeds)
        (stage,) = [s for s in plan.stages if s.name == "winograd"]
        return [a.result for a in stage.applied] + [d.reason for d in stage.missed]


def favour(number: int) -> Measure:
    """A clock by which the way with that number, modulo how many there are, is the fastest."""

    def fake(timers: Mapping[str, Any]) -> dict[str, float]:
        labels = list(timers)
        return {label: 1.0 if i == number % len(labels) else 2.0 for i, label in enumerate(labels)}

    return fake


@pytest.mark.parametrize(("backend", "number"), CASES)
def test_whatever_is_fastest_is_taken_and_gives_the_same(
    backend: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tune, "measure", favour(number))
    network = Network()
    label = ["timed", *(f"F({m}x{m}, 3x3)" for m in TILES[3])][number]
    assert all(t.startswith(label) for t in network.tiles(backend=backend, autotune=True))
    plain, none = network.run(backend=backend)
    tuned, trials = network.run(backend=backend, autotune=True)
    assert none == trials == 0
    for a, b in zip(tuned, plain, strict=True):
        assert np.linalg.norm(a - b) <= 5e-5 * np.linalg.norm(b)


@pytest.mark.parametrize("backend", ["numpy", pytest.param("llvm", marks=needs_llvm)])
def test_real_trials(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tune, "SHORT", 0.0)
    network = Network(gradients=backend == "numpy")
    plain, _ = network.run(backend=backend)
    tuned, trials = network.run(backend=backend, autotune=True)
    assert trials == 2  # forward and gradients; forward, and its region
    for a, b in zip(tuned, plain, strict=True):
        assert np.linalg.norm(a - b) <= 5e-5 * np.linalg.norm(b)
    again, trials = network.run(backend=backend, autotune=True)
    assert trials == 0
    assert all(np.array_equal(a, b) for a, b in zip(again, tuned, strict=True))


def test_a_result_is_used_only_by_trials_of_the_same_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    untuned = Network().tiles()
    monkeypatch.setattr(tune, "measure", favour(2))
    first, trials = Network().run(autotune=True)
    assert trials == 2  # forward, and both gradients
    assert Network().tiles() == untuned
    monkeypatch.setattr(tune, "measure", favour(1))
    same, trials = Network().run(autotune=True)
    assert trials == 0
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    with monkeypatch.context() as patch:
        patch.setattr(tune, "processor", lambda: "another")
        assert Network().run(autotune=True)[1] == 2
    assert Network(batch=6).run(autotune=True)[1] == 2


def test_a_damaged_entry_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tune, "measure", favour(1))
    first, trials = Network().run(autotune=True)
    for entry in objects("tuning").entries():
        entry.path.write_bytes(entry.path.read_bytes()[:-1])
    again, trials_again = Network().run(autotune=True)
    assert trials == trials_again == 2
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


@pytest.mark.parametrize(
    "content",
    [None, b"", b"\xff", b"[1]", b"{}", b'{"a": 1.0}', b'{"a": 1.0, "b": NaN}', b'{"a": 1.0, "b": "2"}'],
)
def test_content_that_is_no_result(content: bytes | None) -> None:
    assert tune.parse(content, ("a", "b")) is None


def test_content_that_is_a_result() -> None:
    assert tune.parse(b'{"b": 1.0, "a": 2.5}', ("a", "b")) == {"a": 2.5, "b": 1.0}


def test_the_clock_decides_and_the_first_round_does_not_count() -> None:
    """Each way takes the seconds of its list, one after the other, the last one again and again."""
    seconds = {"steady": [0.0, 0.03], "best once": [0.09, 0.04, 0.02, 0.04], "hopeless": [0.0, 0.5]}
    runs = dict.fromkeys(seconds, 0)

    def timer(label: str) -> Callable[[], float]:
        def run() -> float:
            runs[label] += 1
            return seconds[label][min(runs[label], len(seconds[label])) - 1]

        return run

    assert measure({label: timer(label) for label in seconds}) == {"steady": 0.03, "best once": 0.02, "hopeless": 0.5}
    assert runs["hopeless"] == 2


def test_a_gain_that_may_be_noise_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    untuned = Network().tiles()
    direct = [t.startswith("F(") for t in untuned].count(False)
    monkeypatch.setattr(tune, "measure", lambda timers: {label: 1.0 - 0.01 * i for i, label in enumerate(timers)})
    tuned = Network().tiles(autotune=True)
    assert [t.startswith("F(") for t in tuned].count(False) == direct


def test_after_the_budget_estimates_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tune, "BUDGET", -1.0)
    monkeypatch.setattr(tune, "measure", favour(1))
    results, trials = Network().run(autotune=True)
    assert trials == 0
    assert all(np.array_equal(a, b) for a, b in zip(results, Network().run()[0], strict=True))
    assert not list(objects("tuning").entries())


def test_long_trials_are_announced(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(tune, "measure", favour(0))
    Network().run(autotune=True)
    assert not capsys.readouterr().err
    monkeypatch.setattr(tune, "QUIET", 0.0)
    Network(batch=7).run(autotune=True)
    assert capsys.readouterr().err.startswith("autotune: 1 choices timed so far")


def test_the_environment_asks_for_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tune, "measure", favour(0))
    monkeypatch.setenv("MINIGRAPH_AUTOTUNE", "1")
    assert Network().run()[1] == 2
    assert Network().run(autotune=False)[1] == 0
    monkeypatch.delattr(NumpyBackend, "speed")  # so that it is as a backend without trials
    assert Network().run()[1] == 0
    with pytest.raises(ValueError, match="not for numpy"):
        Network().run(autotune=True)


def test_the_option_asks_for_trials_while_the_command_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    @click.command()
    @autotune_option
    def command() -> None:
        seen.append(tf.Session(graph=tf.Graph())._runner.compiler.tuner is not None)

    for arguments in (["--autotune"], []):
        CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert seen == [True, False]


@pytest.mark.parametrize("backend", ["numpy", pytest.param("llvm", marks=needs_llvm)])
def test_explain_tells_what_was_chosen_and_by_what(
    backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tune, "measure", favour(2))
    path = tmp_path / "network.py"
    path.write_text(PROGRAM)
    for option, expected in (((), "estimated"), (("--autotune",), "timed, ms: ")):
        data = tmp_path / "explained.json"
        arguments = ["explain", str(path), "--backend", backend, "--batch-size", "16", "--json", str(data), *option]
        result = CliRunner().invoke(main, arguments, catch_exceptions=False)
        ways = {row["node"]: row["way"] for row in json.loads(data.read_text())["ways"]}
        assert "choices between ways to compute something" in result.output
        assert expected in ways["Conv2D"]
        assert any(w.startswith(("blocks of", "whole batch")) and expected in w for w in ways.values()) == (
            backend == "llvm"
        )


def test_a_description_has_all_that_matters_and_no_names() -> None:
    def program(scale: float, name: str) -> str:
        with tf.Graph().as_default() as graph:
            x = tf.placeholder(tf.float32, [2, 3], name=name)
            y = tf.add(x * np.float32([[scale, 1, 1]]), 1.0, name=name)
            plan, _ = tf.Session(graph=graph, optimize="O0").plan_for(y, {x: np.zeros((2, 3))})
        return describe(plan.program)

    assert program(2, "a") == program(2, "b")
    assert program(2, "a") != program(3, "a")
    assert " at 0x" not in program(2, "a")


def test_the_cache_command(folder: Path) -> None:
    objects("tuning").put("a", b"{}")
    shown = CliRunner().invoke(main, ["cache"]).output
    assert f"1 timed choices, 0.0 MB of at most 1, in {folder / 'tuning'}" in shown
    assert "1 timed choices removed" in CliRunner().invoke(main, ["cache", "--clear"]).output
    assert not list(objects("tuning").entries())
