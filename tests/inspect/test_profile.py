"""Profiles and explanations, in programs and from the command line; bisection from the command line.

Tests `tools/explain.py` and `tools/profile.py`.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import minigraph as tf
import minigraph.distributed as hvd
from minigraph.core import errors
from minigraph.inspect.profile import LONGEST
from minigraph.ops.collective.world import WORLD
from minigraph.ops.math.trigonometric import Tanh
from minigraph.tools.cli import main
from minigraph.tools.shared.target import load_target


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def small_network() -> tuple[Any, Any, dict[Any, np.ndarray]]:
    x = tf.placeholder(tf.float32, [None, 6, 6, 1], name="x")
    w = tf.Variable(tf.random_normal([3, 3, 1, 4], seed=1), name="w")
    v = tf.Variable(tf.random_normal([144, 2], seed=2), name="v")
    h = tf.nn.relu(tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME"))
    loss = tf.reduce_mean(tf.tanh(tf.matmul(tf.reshape(h, [-1, 144]), v)) * tf.random_uniform([2], seed=3))
    step = tf.train.AdamOptimizer(0.1).minimize(loss)
    return step, loss, {x: np.random.RandomState(0).randn(3, 6, 6, 1).astype(np.float32)}


# profiles


def test_a_profile_has_each_launch_with_its_work() -> None:
    step, loss, feed = small_network()
    with tf.Session(optimize="O0") as session:
        session.run(tf.global_variables_initializer())
        before = session.read_state()
        found = session.profile([step, loss], feed, repeat=2)
        for name, value in session.read_state().items():
            np.testing.assert_array_equal(value, before[name])
        plan, _ = session.plan_for([step, loss], feed)
        assert [p.node for p in found.launches] == [s.instr.name for s in plan.steps]
        assert np.isfinite(session.run([step, loss], feed)[1])
    by_op = {p.op: p for p in found.launches}
    convolution = by_op["Conv2D"]
    assert convolution.flops == 2 * 3 * 6 * 6 * 4 * 9
    assert convolution.bytes_read == 4 * (3 * 36 + 36)
    assert convolution.bytes_written == 4 * 3 * 36 * 4
    assert convolution.inputs == ("float32[3,6,6,1]", "float32[3,3,1,4]")
    assert "test_profile.py" in convolution.source
    assert by_op["MatMul"].flops
    assert by_op["ApplyAdam"].in_place
    assert not by_op["RandomUniform"].in_place
    assert not convolution.fallback
    assert min(p.seconds for p in found.launches) > 0
    assert found.seconds >= max(p.seconds for p in found.launches)
    assert found.planned_peak == plan.peak >= found.peak_bound >= max(p.live for p in found.launches) > 0
    assert found.variable_bytes == 3 * 4 * (36 + 288) + 2 * 4  # Adam's slots and its two powers
    assert found.measured_peak is None or found.measured_peak >= 0


@pytest.mark.parametrize(("fused", "marked"), [(False, [True, False]), (True, [True])])
def test_launches_by_the_reference_are_marked(monkeypatch: pytest.MonkeyPatch, fused: bool, marked: list[bool]) -> None:
    x = tf.placeholder(tf.float32, [3])
    with tf.Session(backend="numpy", passes=["fuse_pointwise"] if fused else []) as session:
        name = "_lower_part" if fused else "lower"
        lower = getattr(session.backend, name)

        def without_kernel(op: Any, *types: Any) -> Any:
            lowered = lower(op, *types)
            return lowered._replace(fallback=lowered.fallback or isinstance(op, Tanh))

        monkeypatch.setattr(session.backend, name, without_kernel)
        found = session.profile(tf.exp(tf.tanh(x)), {x: np.ones(3)}, repeat=1)
    assert [p.fallback for p in found.launches] == marked
    assert found.launches[0].notes.endswith("fallback")


MEASURED_PEAK = """
import numpy as np
import minigraph as tf

x = tf.placeholder(tf.float32, [2_000_000])
y = tf.reduce_sum(tf.sqrt(tf.nn.softplus(x)) * tf.tanh(x))
with tf.Session(optimize="O0") as session:
    data = np.ones(2_000_000, np.float32)
    for _ in range(2):  # the second time the arena was there already
        found = session.profile(y, {x: data}, repeat=1)
        if found.measured_peak is not None:
            assert 0.8 * found.planned_peak < found.measured_peak < 3 * found.planned_peak
"""


def test_the_measured_peak_sees_the_arena() -> None:
    """In a fresh process, which has no freed memory to use again."""
    subprocess.run([sys.executable, "-c", MEASURED_PEAK], check=True)


def test_the_trace_is_in_order_and_does_not_overlap() -> None:
    step, loss, feed = small_network()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        found = session.profile([step, loss], feed, repeat=1)
    trace = json.loads(json.dumps(found.to_trace(), allow_nan=False))
    spans = [e for e in trace["traceEvents"] if e["ph"] == "X"]
    assert len(spans) == len(found.launches) + 2
    for before, after in itertools.pairwise(spans):
        assert before["ts"] <= after["ts"]
        assert before["ts"] + before["dur"] <= after["ts"] + 1e-6
    launches = spans[1:-1]
    assert [e["args"]["node"] for e in launches] == [p.node for p in found.launches]
    assert all({"line", "inputs", "outputs"} <= e["args"].keys() for e in launches)
    total = sum(e["dur"] for e in launches) / 1e6
    assert total == pytest.approx(found.launch_seconds, rel=1e-3)
    counters = [e["args"]["live bytes"] for e in trace["traceEvents"] if e["ph"] == "C"]
    assert counters == [*(p.live for p in found.launches), 0]


def test_exchanges_are_shown_beside_the_launches(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a world that only says that there are two ranks."""
    for name in ("propose", "confirm", "start_reduce", "finish_reduce", "progress"):
        monkeypatch.setattr(WORLD, name, lambda *_: None)
    monkeypatch.setattr(WORLD, "started", True)
    x = tf.placeholder(tf.float32, [8, 8])
    y = tf.matmul(x, x)
    fetches = [hvd.allreduce(y, op=hvd.Sum, name="first"), hvd.allreduce(y + 1.0, op=hvd.Max, name="last"), y @ y]
    found = []
    for size in (1, 2):
        monkeypatch.setattr(WORLD, "size", size)
        with tf.Session(backend="numpy") as session:
            found.append(session.profile(fetches, {x: np.eye(8)}, repeat=1))
    alone, profile = found
    assert "exchanges" not in alone.summary()
    assert profile.summary().splitlines()[-1].startswith("exchanges: 2 of 0.00 MB, ")
    events = profile.to_trace()["traceEvents"]
    launches = [e for e in events if e["ph"] == "X" and e["tid"] == 1][1:-1]
    spans = [e for e in events if e.get("cat") == "exchange"]
    assert [e["args"]["bytes"] for e in spans] == [256, 256]
    for span in spans:
        ops = [n for n, e in enumerate(launches) if e["args"]["node"] == span["name"]]
        begin, wait = launches[ops[0]], launches[ops[-1]]
        assert [begin["name"], wait["name"]] == ["AllReduceStart", "AllReduceWait"]
        assert span["ts"] == pytest.approx(begin["ts"] + begin["dur"], abs=0.01)
        assert span["ts"] + span["dur"] == pytest.approx(wait["ts"] + wait["dur"], abs=0.01)
        assert profile.launches[ops[-1]].begun == ops[0]


def test_targets_of_several_ranks_are_fed_their_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WORLD, "started", True)
    monkeypatch.setattr(WORLD, "size", 2)
    target = load_target("lenet5", 4)
    assert {t.name: t.type.shape for t in target.feeds}["share:0"] == ()
    assert target.feeds[target.graph.get_tensor_by_name("share:0")] == 0.5


def test_tables_show_names_as_they_are() -> None:
    x = tf.placeholder(tf.float32, [3])
    y = tf.exp(x, name="a/b")
    with tf.Session() as session:
        found = session.profile(y, {x: np.ones(3)}, repeat=1)
    odd = found.launches[0]._replace(node="[red]<b>")
    odd_one = type(found)(**{**vars(found), "launches": (odd,)})
    page = odd_one._repr_html_()
    assert "[red]&lt;b&gt;" in page
    assert page.count("<tr>") == 2
    assert page.count("<svg") == 2
    assert "lower bound" in page
    assert repr(odd_one).startswith("<Profile of 1 launches, ")
    many = type(found)(**{**vars(found), "launches": (odd,) * (LONGEST + 5)})
    assert many._repr_html_().count("<tr>") == 1 + LONGEST
    assert "5 shorter launches" in many._repr_html_()
    assert odd_one.table().row_count == 1


def test_what_cannot_be_profiled() -> None:
    x, w = tf.placeholder(tf.float32, [3], name="x"), tf.Variable(tf.zeros([3]), name="w")
    with tf.Session() as session:
        with pytest.raises(errors.FailedPreconditionError, match="uninitialized value w"):
            session.profile(w * x, {x: np.ones(3)})
        with pytest.raises(ValueError, match="repeat must be at least 1"):
            session.profile(-x, {x: np.ones(3)}, repeat=0)
        with pytest.raises(ValueError, match="Cannot feed"):
            session.profile(-x, {x: "no number"})
        session.profile(w.initializer, repeat=1)  # its effect is undone
        with pytest.raises(errors.FailedPreconditionError):
            session.run(w)
        assert session.profile(x, {x: np.ones(3)}).launches == ()


# the command line

FILE = """
import minigraph as tf

x = tf.placeholder(tf.float32, [None, 3], name="x")
w = tf.Variable(tf.ones([3]), name="w")
y = tf.log(tf.nn.softmax(x * w)) * 1.0
read = w.read_value()
with tf.control_dependencies([y]):
    step = w.assign_add(tf.reduce_sum(y, 0))
with tf.control_dependencies([step]):
    late = read * 2.0
"""
WRONG_FILE = """
from minigraph.ops.math.arithmetic import Neg
from minigraph.ops.math.exponential import Log
from minigraph.rewrite.driver import Rule
from minigraph.rewrite.pattern import Pattern
from minigraph.rewrite.pipeline import RulePass

rule = Rule("log_is_minus", Pattern(Log), lambda found, new: [new.add(Neg(), found.root.inputs[0])])
wrong = RulePass("wrong", (rule,))
passes = ["simplify", wrong]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "network.py"
    path.write_text(FILE)
    return path


def test_profile_of_a_model(tmp_path: Path) -> None:
    trace = tmp_path / "trace.json"
    result = run("profile", "mnist-cnn", "--batch-size", 2, "--steps", 1, "--top", 5, "--trace", trace)
    assert result.exit_code == 0, result.output
    assert "ApplyAdam" in result.output
    assert "planned" in result.output
    assert "more launches" in result.output
    assert json.loads(trace.read_text())["traceEvents"]
    assert list(tmp_path.iterdir()) == [trace]


def test_profile_of_inference_and_of_a_file(file: Path) -> None:
    result = run("profile", "mnist-cnn", "--batch-size", 2, "--steps", 1, "--inference", "--optimize", "O0")
    assert result.exit_code == 0, result.output
    assert "ArgMax" in result.output
    assert "Adam" not in result.output
    result = run("profile", file, "--batch-size", 2)
    assert result.exit_code == 0, result.output
    assert "network.py:6" in result.output


def test_explain_a_file(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "explained.json"
    result = run("explain", file, "--batch-size", 2, "--passes", "--json", out)
    assert result.exit_code == 0, result.output
    for expected in ("log_softmax", "Mul_neutral_1", "network.py:6", "missed", "1 variable values that had to be"):
        assert expected in result.output, expected
    found = json.loads(out.read_text())
    stages = {stage["pass"]: stage for stage in found["passes"]}
    assert [a["rule"] for a in stages["stabilise"]["applied"]] == ["log_softmax"]
    assert [c["variable"] for c in found["copies"]] == ["w"]
    assert found["launches"] > 0
    assert found["fallbacks"] == []


def test_explain_tells_what_hides_an_exchange(tmp_path: Path) -> None:
    """The last product is one launch with the addition, which needs the sum. One rank alone has buckets, too."""
    file = tmp_path / "net.py"
    file.write_text(
        "import minigraph as tf\nimport minigraph.distributed as hvd\nhvd.init()\n"
        "x = tf.placeholder(tf.float32, [4, 4])\ny = tf.matmul(x, x)\n"
        "z = hvd.allreduce(y, name='sum') + tf.matmul(tf.matmul(x, y), x)\n"
    )
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    out = tmp_path / "explained.json"
    result = run("explain", file, "--json", out)
    assert "1 exchange with other ranks" in result.output
    (row,) = json.loads(out.read_text())["exchanges"]
    assert row == {"bucket": "sum/AllReduce", "MB": "0.00", "hidden by": "1 launch: MatMul"}


def test_explain_fusion() -> None:
    result = run("explain", "mnist-cnn", "--batch-size", 2, "--fusion", "--inference")
    assert result.exit_code == 0, result.output
    assert "fuse" in result.output
    result = run("explain", "mnist-cnn", "--batch-size", 2, "--fusion", "--inference", "--optimize", "O0")
    assert result.exit_code == 0, result.output
    assert "No fusion pass ran" in result.output


def test_bisect_a_file(file: Path) -> None:
    result = run("bisect", file)
    assert (result.exit_code, result.output) == (0, "no pass changes the results\n")
    file.write_text(FILE + WRONG_FILE)
    for more in ([], ["--compiled"]):
        result = run("bisect", file, *more)
        assert result.exit_code == 1
        assert "the pass 'wrong' is guilty" in result.output
        assert "log_is_minus at 'Log'" in result.output
        assert "network.py:6" in result.output


def test_mistakes_on_the_command_line(tmp_path: Path) -> None:
    empty = tmp_path / "empty.py"
    empty.write_text("")
    for arguments, said in [
        (["profile", "mnist_cnm"], "(did you mean mnist-cnn?); a target is a Python file (.py), a saved graph, "),
        (["explain", tmp_path / "none.py"], "no such file"),
        (["bisect", empty], "builds no graph"),
        (["explain", "mnist-cnn", "--optimize", "O9"], "O9"),
        (["profile", "mnist-cnn", "--steps", "0"], "at least 1"),
    ]:
        result = run(*arguments)
        assert result.exit_code in (1, 2)
        assert said in result.output
        assert len(result.output.splitlines()) == 1, result.output


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("passes = ['simplify', 'nonsense']", "unknown pass 'nonsense'; there are bucket_gradients"),
        ("passes = [3]", "passes must be a list of names or passes"),
        ("feeds = [x]", "feeds must map tensors to values"),
        ("fetches = [y, 'none']", "'none' refers to a node that does not exist"),
        ("fetches = []", "nothing to fetch"),
        ("y.nonsense", "failed: AttributeError"),
    ],
)
@pytest.mark.parametrize("command", ["profile", "explain", "bisect"])
def test_mistakes_in_a_file(file: Path, command: str, more: str, message: str) -> None:
    file.write_text(FILE + more)
    result = run(command, file)
    assert result.exit_code == 1
    assert message in result.output
    assert len(result.output.splitlines()) == 1, result.output


def fetched(path: Path, source: str, inference: bool = False) -> list[str]:
    path.write_text("import minigraph as tf\ntf.reset_default_graph()\n" + source)
    return [f.name for f in load_target(str(path), 2, inference).fetches]


def test_what_is_fetched_of_a_file(tmp_path: Path) -> None:
    path, outer = tmp_path / "file.py", tf.get_default_graph()
    source = (
        "x = tf.placeholder(tf.float32, [None, 4], name='x')\n"
        "w = tf.Variable(tf.random_normal([4, 1]), name='w')\n"
        "unread = tf.Variable(tf.random_normal([4, 1]), name='unread')\n"
        "loss = tf.reduce_mean(tf.matmul(x, w), name='loss')\n"
    )
    train = "step = tf.train.AdamOptimizer(0.1).minimize(loss)\nstart = tf.global_variables_initializer()\n"
    assert fetched(path, source) == ["loss:0"]
    assert fetched(path, source + train) == ["Adam"]
    assert fetched(path, source + train, inference=True) == ["loss:0"]
    assert fetched(path, source + train + "fetches = {'a': [loss, w], 'b': 'x:0'}") == ["loss:0", "w:0", "x:0"]
    target = load_target(str(path), 2)
    assert {t.name: v.shape for t, v in target.feeds.items()} == {"x:0": (2, 4)}
    assert tf.get_default_graph() is outer
