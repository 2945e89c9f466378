"""The model behind `minigraph scale`, against limits that have simple formulas and a simulation of a ring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from minigraph.tools.cli import main
from minigraph.tools.scale import ALGORITHMS, Hosts, Link, MeasuredStep, buckets, hierarchical, predict, ring, tree

FAST, SLOW = Link(1e10, 1e-6), Link(1e9, 1e-5)
HOSTS = Hosts(SLOW, FAST, 4)
gradients = st.lists(st.tuples(st.floats(0, 1), st.integers(1, 1000)), max_size=20).map(lambda g: tuple(sorted(g)))


def simulated_ring(size: float, workers: int, network: Link) -> float:
    """Clocks of ranks that pass parts to their neighbour, each when it has the part and has sent the one before."""
    clocks = [0.0] * workers
    for _ in range(2 * (workers - 1)):
        sent = [clock + network.message(size / workers) for clock in clocks]
        clocks = [max(sent[rank], sent[rank - 1]) for rank in range(workers)]
    return max(clocks)


@pytest.mark.parametrize("workers", [2, 3, 8])
def test_a_ring_takes_the_time_of_its_messages(workers: int) -> None:
    assert ring(1e6, workers, HOSTS) == pytest.approx(simulated_ring(1e6, workers, SLOW))


def test_algorithms_differ_as_they_should() -> None:
    free = HOSTS._replace(between=SLOW._replace(latency=0.0))
    assert tree(1e6, 8, free) == pytest.approx(ring(1e6, 8, free))  # both move the least bytes
    assert tree(8, 1024, HOSTS) < ring(8, 1024, HOSTS) / 50  # the latency of 20 messages, not 2046
    assert hierarchical(1e8, 4, HOSTS) == pytest.approx(ring(1e8, 4, HOSTS._replace(between=FAST)))  # one host
    assert hierarchical(1e6, 1024, HOSTS) < ring(1e6, 1024, HOSTS)


@given(gradients, st.floats(0, 2), st.floats(0, 0.1))
def test_a_step_lies_between_perfect_and_no_overlap(made: Any, rest: float, fix: float) -> None:
    step = MeasuredStep(1 + rest, 0.5, made)
    found = predict(step, 4, lambda size: fix + size * 1e-4, 1500)
    assert found.exchange == pytest.approx(sum(fix + size * 1e-4 for _, size in buckets(made, 1500)))
    assert step.compute + step.update <= found.step <= step.compute + step.update + found.exchange + 1e-9
    assert predict(step, 1, lambda size: 1e9, 1500).step == step.compute + step.update
    assert sum(size for _, size in buckets(made, 1500)) == sum(size for _, size in made)


def test_exchanges_hide_behind_the_gradients_that_are_made_later() -> None:
    step = MeasuredStep(10.0, 1.0, ((2.0, 100), (4.0, 100), (10.0, 100)))
    assert predict(step, 2, lambda size: 2.0, 100).waiting == 2.0  # only the last one
    assert predict(step, 2, lambda size: 5.0, 100).waiting == 7.0  # each waits for the one before
    assert predict(step, 2, lambda size: 5.0, 1000).waiting == 5.0  # one bucket, whole at the end
    assert predict(step, 2, lambda size: 5.0, 400).waiting == 5.0  # half of the bucket goes ahead


def test_the_command_predicts_a_model(tmp_path: Path) -> None:
    picture = tmp_path / "scale.png"
    fixed = ["scale", "lenet5", "--workers", "1,8", "--steps", "1", "--backend", "numpy", "--out", str(picture)]
    done = CliRunner().invoke(main, fixed)
    assert done.exit_code == 0, done.output
    assert "gradients" in done.output
    assert "100.0%" in done.output
    assert picture.stat().st_size > 1000
    for option, wrong in (("--bandwidth", "fast"), ("--latency", "5"), ("--workers", "0"), ("--workers", "4,x")):
        assert CliRunner().invoke(main, [*fixed, option, wrong]).exit_code == 2
    done = CliRunner().invoke(main, ["scale", "lenet5", "--algorithm", "star"])
    assert all(name in done.output for name in ALGORITHMS)
