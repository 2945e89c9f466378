"""Pictures of graphs: what they count, how they fold, and what `minigraph viz` writes.

Tests `tools/viz.py`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import click
import pytest
from click.testing import CliRunner, Result
from support.page import embedded

import minigraph as tf
from minigraph.core.errors import MinigraphError
from minigraph.tools.cli import main
from minigraph.tools.shared.target import load_target
from minigraph.tools.viz import PictureOptions, server_of
from minigraph.tools.viz_command import viz as viz_command
from minigraph.viz.amount import amount
from minigraph.viz.dot import dot_source
from minigraph.viz.fold import choose_open, fold
from minigraph.viz.picture import ADDED, REMOVED, picture_of_graph
from minigraph.viz.render import render
from minigraph.viz.stages import Traced, VizError, trace
from minigraph.viz.text import shape_of, wrap

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's program dot is not installed")
PARAMETERS = 6_640_394
SCALED = """
import minigraph as tf
x = tf.placeholder(tf.float32, [None, 3], name="x")
with tf.name_scope("head"):
    y = tf.nn.relu(x * 1.0, name="y")
"""


def run(*arguments: object, **environment: str) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], env=environment)


@pytest.fixture(scope="module")
def traced() -> Traced:
    target = load_target("mnist-cnn")
    return trace(target.graph, target.fetches, title=target.name, batch_size=16)


def chain_with_branches(nodes: int) -> tuple[tf.Graph, tf.Tensor]:
    """A chain in which every tenth node is read again five nodes later, in scopes of 50."""
    with tf.Graph().as_default() as graph:
        x = early = tf.placeholder(tf.float32, [8, 8], name="x")
        while len(graph.nodes) < nodes:
            with tf.name_scope("block"):
                for i in range(min(50, nodes - len(graph.nodes))):
                    x = tf.add(x, early) if i % 10 == 5 else tf.nn.relu(x)
                    early = x if i % 10 == 0 else early
        return graph, x


# costs


def test_every_operation_of_a_training_step_has_a_cost(traced: Traced) -> None:
    for picture in traced.pictures:
        assert [b.op for b in picture.boxes if b.partial] == []


# the model


def test_kinds(traced: Traced) -> None:
    picture = traced.picture("before")
    kinds = {b.name: b.kind for b in picture.boxes}
    parameters = [name for name, kind in kinds.items() if kind == "parameter"]
    assert sorted(parameters) == sorted(
        f"{s}/{v}" for s in ("conv1", "conv2", "fc1", "fc2") for v in ("weights", "biases")
    )
    assert picture.parameters == PARAMETERS
    assert {name for name, kind in kinds.items() if kind == "input"} == {"images", "labels", "keep_prob"}
    assert kinds["conv1/Conv2D"] == kinds["loss"] == kinds["fc1/weights/read"] == "forward"
    assert kinds["gradients/conv1/Conv2D_grad/Conv2DBackpropFilter"] == "gradient"
    assert kinds["conv1/weights/Adam"] == kinds["global_step"] == "state"
    assert kinds["Adam/update_fc1/weights/ApplyAdam"] == kinds["Adam/mul"] == kinds["Adam/update"] == "update"
    assert kinds["Adam/learning_rate"] == "constant"


def test_shapes_and_costs(traced: Traced) -> None:
    picture = traced.picture("before")
    named = {b.name: b for b in picture.boxes}
    arrows = {(a.source, a.target): a for a in picture.arrows}
    convolution, bias = named["conv1/Conv2D"], named["conv1/BiasAdd"]
    assert arrows[convolution.id, bias.id].type == "float32[16,28,28,64]"
    assert convolution.flops == 2 * (16 * 28 * 28 * 64) * 25
    assert convolution.source.startswith("models/mnist_cnn.py:")
    assert named["fc1/weights"].bytes == 4 * 6272 * 1024
    update = named["Adam/update_fc1/weights/ApplyAdam"]
    assert arrows[named["fc1/weights"].id, update.id].kind == "write"
    after = [a for a in picture.arrows if a.kind == "control"]
    assert any(a.source == update.id for a in after)


def test_the_work_is_the_same_after_fusion(traced: Traced) -> None:
    before, after = traced.picture("before"), traced.picture("after")
    assert len(after.boxes) < len(before.boxes)
    assert after.parameters == PARAMETERS
    assert after.flops == pytest.approx(before.flops, rel=0.01)


def test_a_graph_with_unknown_sizes() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, None, 3], name="x")
        tf.nn.relu(x, name="y")
    picture = picture_of_graph(graph)
    x_box, y_box = picture.boxes
    assert (x_box.kind, y_box.kind) == ("input", "forward")
    assert y_box.flops is y_box.bytes is None
    assert picture.arrows[0].type == "float32[?,?,3]"


def test_a_constant_read_all_over_is_not_drawn() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [8], name="x")
        for _ in range(5):
            with tf.name_scope("layer"):
                x = x + 0.5
    picture = trace(graph, [x], optimize="O0").picture("before")
    (constant,) = (b for b in picture.boxes if b.kind == "constant")
    assert [a.kind for a in picture.arrows if a.source == constant.id] == ["shared"] * 5
    assert f'"{constant.id}" ->' not in dot_source(picture)


def test_text() -> None:
    assert [amount(v, "B") for v in (0, 999, 1000, 12_345, 999_600, 1.5e9)] == [
        "0 B", "999 B", "1 kB", "12.3 kB", "1 MB", "1.5 GB"
    ]  # fmt: skip
    assert shape_of("float32[]") == ""
    assert shape_of("int64[2,?]") == "int64 2×?"  # noqa: RUF001
    assert wrap("A+B+C", 4) == ["A+B+", "C"]


# folding


@pytest.mark.parametrize("layers", [True, False])
@pytest.mark.parametrize("limit", [1, 20, 60])
def test_folding_keeps_totals(traced: Traced, limit: int, layers: bool) -> None:
    picture = traced.picture("before")
    picture = picture.by_layers() if layers else picture
    folded = fold(picture, choose_open(picture, limit))
    assert len(folded.boxes) <= max(limit, 45)
    for total in ("count", "parameters", "flops", "bytes"):
        assert sum(getattr(b, total) or 0 for b in folded.boxes) == sum(getattr(b, total) or 0 for b in picture.boxes)
    ids = {b.id for b in folded.boxes}
    assert len(ids) == len(folded.boxes)
    assert all(a.source in ids and a.target in ids and a.source != a.target for a in folded.arrows)
    assert len({(a.source, a.target) for a in folded.arrows}) == len(folded.arrows)


def test_a_folded_variable(traced: Traced) -> None:
    picture = traced.picture("before")
    opened = {(), ("fc1",)}
    folded = fold(picture, opened)
    weights = next(b for b in folded.boxes if b.name == "fc1/weights")
    assert (weights.kind, weights.parameters, weights.count) == ("parameter", 6272 * 1024, 4)
    product = next(b for b in folded.boxes if b.name == "fc1/MatMul")
    (arrow,) = (a for a in folded.arrows if (a.source, a.target) == (weights.id, product.id))
    assert arrow.type == "float32[6272,1024]"
    assert {b.id for b in fold(picture, {()}).boxes} >= {"fc1/", "fc1/gradient"}


def test_fold_0_shows_all(traced: Traced) -> None:
    picture = traced.picture("before")
    assert fold(picture, choose_open(picture, 0)).boxes == picture.boxes


def test_a_thousand_nodes() -> None:
    picture = picture_of_graph(chain_with_branches(1000)[0])
    assert len(picture.boxes) == 1000
    folded = fold(picture, choose_open(picture))
    assert len(folded.boxes) <= 90
    assert sum(b.flops or 0 for b in folded.boxes) == picture.flops == 999 * 64
    assert dot_source(folded).count(" -> ") == len(folded.arrows)


# stages and differences


def scaled() -> Traced:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        y = tf.nn.relu(x * 1.0, name="y")
    return trace(graph, [y], batch_size=4)


def test_diff() -> None:
    traced = scaled()
    diff = traced.diff("simplify")
    status = {b.op: b.status for b in diff.boxes}
    assert status == {"Feed": "kept", "Const": REMOVED, "Mul": REMOVED, "Relu": "kept"}
    named = {b.id: b.op for b in diff.boxes}
    changes = {(named[a.source], named[a.target]): a.status for a in diff.arrows}
    assert changes["Feed", "Relu"] == ADDED
    assert changes["Mul", "Relu"] == REMOVED
    assert [b.op for b in traced.diff("after").boxes if b.status == REMOVED] == ["Const", "Mul"]
    text = dot_source(diff, diff=True)
    assert "removed (2)" in text
    assert "added (0)" in text


def test_boxes_keep_their_ids_through_the_passes(traced: Traced) -> None:
    for picture in traced.pictures:
        assert len({b.id for b in picture.boxes}) == len(picture.boxes)
    first = {b.name: b.id for b in traced.pictures[0].boxes}
    last = {b.name: b.id for b in traced.pictures[-1].boxes}
    for name in ("images", "fc1/weights", "conv1/biases", "loss"):
        assert first[name] == last[name]


def test_unknown_stage() -> None:
    with pytest.raises(VizError, match=r"unknown stage 'fuse'; there are before, .*simplify.*, after"):
        scaled().picture("fuse")
    with pytest.raises(VizError, match="no pass runs before this stage"):
        scaled().diff("before")


# the command


def test_a_page_without_memory_and_code_says_why(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = run("viz", program, "-o", tmp_path / "page.html", "--backend", "nope")
    assert refused.exit_code != 0
    assert "unknown backend 'nope'" in refused.output
    assert not (tmp_path / "page.html").exists()

    def failing(*arguments: object) -> Traced:
        raise MinigraphError("no room")

    monkeypatch.setattr("minigraph.tools.viz.trace_plan", failing)
    done = run("viz", program, "-o", tmp_path / "page.html")
    assert done.exit_code == 0, done.output
    assert "without memory and code: no room" in done.output
    assert embedded((tmp_path / "page.html").read_text("utf-8"))["title"] == program.stem


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("viz", "run", "--live", "--values", "--profile"), "it takes no --profile, --values"),
        (("viz", "mnist-cnn", "-o", "a.html", "--steps", "3"), "--steps needs --profile"),
        (("viz", "mnist-cnn", "--html"), "--html needs --out"),
        (("viz", "mnist-cnn", "-o", "a.dot", "--open"), "--open needs a page"),
        (("explain", "mnist-cnn", "--assembly"), "with --kernel"),
    ],
)
def test_options_that_would_do_nothing_are_refused(arguments: tuple[str, ...], told: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert told in done.output


OPTIONS = [p for p in viz_command.params if isinstance(p, click.Option) and p.name not in ("live", "debug")]


@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_live_takes_no_other_option(option: click.Option) -> None:
    value = {"out": "a.html", "optimize": "O1", "backend": "numpy"}.get(str(option.name), "1")
    done = run("viz", "run", "--live", option.opts[-1], *([] if option.is_flag else [value]))
    assert done.exit_code == 2
    assert f"it takes no {option.opts[-1]}" in done.output


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "scaled.py"
    path.write_text(SCALED)
    return path


@needs_dot
@pytest.mark.parametrize(("suffix", "start"), [(".svg", b"<?xml"), (".png", b"\x89PNG"), (".pdf", b"%PDF")])
def test_drawn_by_graphviz(tmp_path: Path, suffix: str, start: bytes) -> None:
    pytest.importorskip("graphviz")
    out = tmp_path / f"graph{suffix}"
    result = run("viz", "mnist-cnn", "-o", out, "--batch-size", 8, "--inference")
    assert result.exit_code == 0, result.output
    assert out.read_bytes().startswith(start)
    if suffix == ".svg":
        text = out.read_text("utf-8")
        for expected in ("conv1", "5×5 convolution", "8×28×28×64", "6,640,394 parameters"):  # noqa: RUF001
            assert expected in text, expected


def test_dot_needs_no_graphviz(tmp_path: Path, program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    out = tmp_path / "scaled.dot"
    result = run("viz", program, "-o", out, "--diff", "--html", "--fold", 0)
    assert result.exit_code == 0, result.output
    text = out.read_text("utf-8")
    assert text.startswith("digraph {")
    assert "what all passes changed" in text
    assert len(re.findall(r"dashed", text)) >= 2
    assert out.with_suffix(".html").read_text("utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("missing", ["program", "package"])
def test_graphviz_missing(tmp_path: Path, program: Path, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    if missing == "package":
        monkeypatch.setitem(sys.modules, "graphviz", None)
    else:
        pytest.importorskip("graphviz")
        monkeypatch.setenv("PATH", str(tmp_path))
    out = tmp_path / "out" / "scaled.svg"
    out.parent.mkdir()
    result = run("viz", program, "-o", out)
    assert result.exit_code == 1
    for expected in ("apt install graphviz", 'pip install "minigraph[viz]"', "scaled.dot", "scaled.html"):
        assert expected in result.output
    assert sorted(p.name for p in out.parent.iterdir()) == ["scaled.dot", "scaled.html"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonesuch"], "unknown model 'nonesuch'; a target is a Python file (.py), a saved graph, "),
        (["mnist-cnn", "--stage", "nonesuch"], "unknown stage 'nonesuch'; there are before, "),
        (["mnist-cnn", "--diff", "--stage", "before"], "no pass runs before this stage"),
        (["nonesuch.py"], "nonesuch.py: no such file"),
        (["mnist-cnn", "--fold", "-1"], "expected a whole number at least 0"),
    ],
)
def test_bad_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("viz", *arguments, "-o", "out.dot")
    assert result.exit_code in (1, 2)
    assert message in result.output
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1\n", "builds no graph"),
        ("1 / 0\n", "failed: ZeroDivisionError"),
        ("import sys; sys.exit(3)\n", "failed: SystemExit"),
    ],
)
def test_bad_file(tmp_path: Path, source: str, message: str) -> None:
    path = tmp_path / "bad.py"
    path.write_text(source)
    result = run("viz", path, "-o", tmp_path / "out.dot")
    assert result.exit_code == 1
    assert message in result.output
    assert not (tmp_path / "out.dot").exists()


def test_wrong_suffix(tmp_path: Path, program: Path) -> None:
    result = run("viz", program, "-o", tmp_path / "out.gif")
    assert result.exit_code == 2
    assert "must end in one of .svg, .png, .pdf, .dot, .html" in result.output


def test_a_training_program(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text(
        "import minigraph as tf\n"
        "graph = tf.Graph()\n"
        "with graph.as_default():\n"
        "    x = tf.placeholder(tf.float32, [None, 4])\n"
        "    w = tf.Variable(tf.ones([4, 1]), name='w')\n"
        "    loss = tf.reduce_mean(tf.square(tf.matmul(x, w)))\n"
        "    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)\n"
        "    start = tf.global_variables_initializer()\n"
    )
    target = load_target(str(path))
    assert [f.name for f in target.fetches] == ["GradientDescent"]
    picture = trace(target.graph, target.fetches).picture("before")
    assert picture.parameters == 4
    assert {"gradient", "update"} <= {b.kind for b in picture.boxes}
    forward = load_target(str(path), inference=True)
    assert [f.name for f in forward.fetches] == ["Mean:0"]


def test_a_graph_that_cannot_be_compiled(tmp_path: Path) -> None:
    path = tmp_path / "loose.py"
    path.write_text("import minigraph as tf\ny = tf.nn.relu(tf.placeholder(tf.float32, [None, None]))\n")
    out = tmp_path / "loose.dot"
    result = run("viz", path, "-o", out)
    assert result.exit_code == 0, result.output
    assert "only the first dimension" in result.output
    assert "Placeholder" in out.read_text("utf-8")
    assert run("viz", path, "-o", out, "--stage", "after").exit_code == 1


@needs_dot
def test_strange_names_are_quoted() -> None:
    pytest.importorskip("graphviz")
    with tf.Graph().as_default() as graph, tf.name_scope("a\\b>c"):
        tf.nn.relu(tf.placeholder(tf.float32, [2]), name=".d-e")
    svg = render(dot_source(picture_of_graph(graph, 'a "title" <b>&')), "svg").decode("utf-8")
    assert "a &quot;title&quot; &lt;b&gt;&amp;" in svg
    assert "a\\b&gt;c" in svg


def test_the_display_hook_loads_nothing_before_it_is_used() -> None:
    loaded = "{m for m in sys.modules if m.startswith('minigraph.viz.')}"
    code = f"import sys, minigraph; assert not {loaded}"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_out_the_page_is_served(program: Path) -> None:
    server, note = server_of(load_target(str(program)), PictureOptions())
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with urlopen(f"http://127.0.0.1:{server.server_port}/") as answer:
                text = answer.read().decode("utf-8")
            with pytest.raises(HTTPError, match="404"):
                urlopen(f"http://127.0.0.1:{server.server_port}/other")
        finally:
            server.shutdown()
    assert not note
    assert embedded(text)["title"] == program.stem


def test_the_command_prints_the_address(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: ThreadingHTTPServer, poll_interval: float = 0.5) -> None:
        raise KeyboardInterrupt

    opened: list[str] = []
    monkeypatch.setattr(ThreadingHTTPServer, "serve_forever", interrupted)
    monkeypatch.setattr("minigraph.tools.shared.local_server.has_screen", lambda: True)
    monkeypatch.setattr("click.launch", opened.append)
    done = run("viz", program)
    assert done.exit_code == 0, done.output
    assert len(opened) == 1
    assert opened[0] in done.output
