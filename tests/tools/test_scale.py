"""The model behind `minigraph scale`, against limits that have simple formulas and a simulation of a ring."""

from __future__ import annotations

import pickle
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import minigraph as tf
from minigraph.core.errors import InvalidArgumentError, MinigraphError, UnknownNameError
from minigraph.tools import scale
from minigraph.tools.cli import main
from minigraph.tools.scale import (
    ALGORITHMS,
    ExchangeCost,
    Hosts,
    Link,
    MeasuredStep,
    StepPrediction,
    TimedStep,
    buckets,
    exchange_cost,
    hierarchical,
    predict,
    ring,
    sharing,
    tree,
)

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
    link = FAST if workers <= HOSTS.processes else SLOW
    assert ring(1e6, workers, HOSTS) == pytest.approx(simulated_ring(1e6, workers, link))


def test_algorithms_differ_as_they_should() -> None:
    free = HOSTS._replace(between=SLOW._replace(latency=0.0))
    assert tree(1e6, 8, free) == pytest.approx(ring(1e6, 8, free))  # both move the least bytes
    assert tree(8, 1024, HOSTS) < ring(8, 1024, HOSTS) / 50  # the latency of 20 messages, not 2046
    assert hierarchical(1e8, 4, HOSTS) == pytest.approx(ring(1e8, 4, HOSTS._replace(between=FAST)))  # one host
    assert hierarchical(1e6, 1024, HOSTS) < ring(1e6, 1024, HOSTS)


@given(gradients, st.floats(0, 2), st.floats(0, 0.1), st.floats(0, 1), st.sampled_from([1.0, 1.5, 4.0]))
def test_a_step_lies_between_perfect_and_no_overlap(
    made: Any, rest: float, fix: float, share: float, turns: Any
) -> None:
    def cost(size: int) -> ExchangeCost:
        seconds = fix + size * 1e-4
        return ExchangeCost(seconds, share * seconds)

    step = MeasuredStep(1 + rest, 0.5, made)
    found = predict(step, 4, cost, 1500, turns)
    seconds = sum(cost(size).seconds for _, size in buckets(made, 1500))
    assert found.exchange == pytest.approx(seconds * (1 + (turns - 1) * share))
    assert found.alone == pytest.approx(turns * (step.compute + step.update))
    assert turns * share * seconds - 1e-9 <= found.shows <= found.exchange + 1e-9
    assert predict(step, 1, cost, 1500, turns).shows == 0
    assert sum(size for _, size in buckets(made, 1500)) == sum(size for _, size in made)


@given(st.floats(1e-3, 10), st.floats(1e-6, 10), st.floats(0, 1))
def test_the_hidden_share_lies_between_nothing_and_all(alone: float, exchange: float, share: float) -> None:
    """However `step` is rounded, which then differs from `alone` by more than the exchanges, or by less than 0."""
    for step in (alone + exchange * share, alone * (1 - 1e-16), (alone + exchange) * (1 + 1e-15)):
        assert 0 <= StepPrediction(2, step, alone, exchange).hidden <= 1
        assert f"{StepPrediction(2, step, alone, exchange).hidden:.0%}" != "-0%"


def test_exchanges_hide_behind_the_gradients_that_are_made_later() -> None:
    def shows(seconds: float, bucket: int, work: float = 0.0, turns: float = 1.0) -> float:
        return predict(step, 2, lambda size: ExchangeCost(seconds, work), bucket, turns).shows

    step = MeasuredStep(10.0, 1.0, ((2.0, 100), (4.0, 100), (10.0, 100)))
    assert shows(2.0, 100) == 2.0  # only the last one
    assert shows(5.0, 100) == 7.0  # each waits for the one before
    assert shows(5.0, 1000) == 5.0  # one bucket, whole at the end
    assert shows(5.0, 400) == 5.0  # half of the bucket goes ahead
    assert shows(2.0, 100, 2.0) == 6.0  # a core that exchanges computes nothing
    assert shows(2.0, 100, 2.0, 3.0) == 18.0  # three processes on the core do that in turn


def end_by_turns(tasks: list[float], cores: int, turn: float = 0.01) -> float:
    """When the last of the tasks, in seconds, ends on cores that they share by turns."""
    left, now = list(tasks), 0.0
    while left:
        left = [*left[cores:], *(task - turn for task in left[:cores] if task > turn)]
        now += turn
    return now


@pytest.mark.parametrize(("processes", "cores"), [(1, 2), (2, 2), (4, 2), (3, 2), (8, 4), (5, 16)])
def test_processes_share_the_cores_of_a_host(processes: int, cores: int) -> None:
    how = sharing(processes, cores)
    assert how.copies * how.threads <= cores
    assert how.copies == min(processes, cores)
    step = MeasuredStep(1.0, 0.5, ())
    found = predict(step, processes, lambda size: ExchangeCost(0.0), 1, how.turns)
    assert found.step == pytest.approx(end_by_turns([1.5] * processes, cores), rel=0.02)


def test_processors_that_carry_exchanges_work_for_each_byte_that_they_move() -> None:
    carrying = HOSTS._replace(carries=True)
    for algorithm in ALGORITHMS:
        assert exchange_cost(algorithm, 1e6, 16, HOSTS).work == 0
        found = exchange_cost(algorithm, 1e6, 16, carrying)
        assert found == (ALGORITHMS[algorithm](1e6, 16, HOSTS), pytest.approx(2 * 15 / 16 * 1e6 / FAST.bandwidth))
    inside = exchange_cost("ring", 1e6, 4, carrying)
    assert inside.seconds - inside.work == pytest.approx(6 * FAST.latency)  # a message itself is work


PROGRAM = """
import os
import signal
import time
from pathlib import Path
import minigraph as tf

def is_first():
    try:
        return bool(Path(__file__).with_suffix(".first").open("x"))
    except FileExistsError:
        return False

def note(kind):
    Path(__file__).with_suffix(f".{os.getpid()}.{kind}").write_text(str(time.monotonic()))

def running(kind):
    return list(Path(__file__).parent.glob(f"*.{kind}"))

x = tf.placeholder(tf.float32, [None, 3])
loss = tf.reduce_mean(tf.square(tf.matmul(x, tf.get_variable("w", [3, 2]))))
"""
LEARNS = "tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)"
WATCHED = """
def profile(*given, repeat, **more):
    note("begin")
    end = time.monotonic() + 10
    while len(running("begin")) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    found = inner(*given, repeat=repeat, **more)
    note("end")
    return found

def run(*given, **more):
    found = plain(*given, **more)
    note("ready")
    return found

inner, plain = tf.Session.profile, tf.Session.run
tf.Session.profile, tf.Session.run = profile, run
time.sleep(0 if is_first() else 0.5)
"""


@pytest.mark.slow
def test_copies_are_timed_at_the_same_time(tmp_path: Path) -> None:
    """Not one after the other, and not before all are compiled."""
    path = tmp_path / "program.py"
    path.write_text(PROGRAM + LEARNS + WATCHED)
    found = TimedStep(str(path), 4, 2, "numpy").step_of_copies(2, 1)
    assert found.images == 4
    assert found.compute > 0
    assert [size for _, size in found.gradients] == [24]
    ready, begun, ended = (
        [float(p.read_text()) for p in tmp_path.glob(f"*.{kind}")] for kind in ("ready", "begin", "end")
    )
    assert len(ready) == len(begun) == len(ended) == 2
    assert max(ready) <= min(begun)
    assert max(begun) < min(ended)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "told"),
    [
        pytest.param("with tf.control_dependencies([tf.assert_less(loss, -1.0)]):\n    ", "assertion failed", id="run"),
        pytest.param("if is_first(): raise ValueError('odd')\n", "program.py failed: ValueError: odd", id="first"),
        pytest.param("if is_first(): os.kill(os.getpid(), signal.SIGKILL)\n", "was killed", id="killed"),
    ],
)
def test_the_command_tells_why_a_copy_failed(fault: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM + fault + LEARNS)
    done = CliRunner().invoke(main, ["scale", str(path), "--workers", "2", "--cores", "2", "--backend", "numpy"])
    assert done.exit_code == 1
    assert done.output.startswith("Error: ")
    assert told in done.output
    assert done.output.count("\n") == 1


class InTurn:
    """A pool that calls in this process, one after the other."""

    def __init__(self, *given: object) -> None:
        self.map = map

    def __enter__(self) -> InTurn:
        return self

    def __exit__(self, *given: object) -> None:
        pass


class Answering(TimedStep):
    """Copies that raise these errors, or wait where there is none. broken: whether the barrier was, for each."""

    errors: list[Exception | None]
    broken: list[bool]

    def step(self, wait: Any = None) -> MeasuredStep:
        self.broken.append(scale._barrier.broken)
        if error := self.errors[len(self.broken) - 1]:
            raise error
        wait()
        return MeasuredStep(1.0, 0.5, ())


def told_by_copies(
    errors: list[Exception | None], monkeypatch: pytest.MonkeyPatch
) -> tuple[MinigraphError, list[bool]]:
    """What `step_of_copies` raises, and the state of the barrier at the beginning of each copy."""
    monkeypatch.setattr(scale, "_barrier", threading.Barrier(len(errors), timeout=0.01), raising=False)
    monkeypatch.setattr(scale, "ProcessPoolExecutor", InTurn)
    timed = Answering("model", 1, 1, None)
    timed.errors, timed.broken = errors, []
    with pytest.raises(MinigraphError) as caught:
        timed.step_of_copies(len(errors), 1)
    return caught.value, timed.broken


def test_the_error_of_a_copy_is_told_and_lets_no_other_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    node = tf.placeholder(tf.float32).op
    error, broken = told_by_copies([InvalidArgumentError("odd", node), None], monkeypatch)
    assert broken == [False, True]
    assert str(error) == "odd"
    pickle.dumps(error)
    assert "InvalidArgumentError" in error.__notes__[0]
    error, _ = told_by_copies([None, UnknownNameError("no model"), KeyError("a")], monkeypatch)  # the first gives up
    assert (type(error), str(error)) == (UnknownNameError, "no model")
    assert str(told_by_copies([KeyError("a"), None], monkeypatch)[0]) == "KeyError: 'a'"
    assert "waited 600 s" in str(told_by_copies([None, None], monkeypatch)[0])


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
    done = CliRunner().invoke(main, ["scale", "lenet5", "--cores", "100000"])
    assert done.exit_code == 2
    assert "this machine has" in done.output


@pytest.mark.parametrize(
    ("options", "times"),
    [
        ("--carrier network", ("110.00", "100%")),
        ("--carrier processors", ("120.00", "0%")),
        ("", ("120.00", "0%")),
        ("--carrier network --cores 1", ("220.00", "100%")),
    ],
)
def test_the_command_takes_carriers_and_cores(
    options: str, times: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step of 110 ms whose exchange of 10 ms begins at once. On one core, two processes take turns."""
    step = MeasuredStep(0.1, 0.01, ((0.0, 1_000_000),))
    monkeypatch.setattr(TimedStep, "step", lambda timed: step)
    monkeypatch.setattr(TimedStep, "step_of_copies", lambda timed, *how: {(1, 1): step}[how])
    command = f"scale lenet5 --workers 2 --host-bandwidth 100MB --host-latency 1us --backend numpy {options}"
    done = CliRunner().invoke(main, command.split())
    assert done.exit_code == 0, done.output
    _, found, _, _, exchange, hidden = (cell.strip() for cell in re.findall("│ 2 .*│", done.output)[0].split("│")[1:-1])
    assert (found, exchange, hidden) == (times[0], "10.00", times[1])
