"""The values of a run on the page (`minigraph.viz.values`, `minigraph.viz.orientation`).

Tests `tools/viz_command.py`, `tools/recording.py`, `tools/shared/inputs.py` and `tools/shared/restoring.py`.
"""

from __future__ import annotations

import base64
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from support.browser import Browser
from support.page import Page, embedded

import minigraph as tf
from minigraph.tools.cli import main
from minigraph.tools.recording import Recording, prepare
from minigraph.tools.shared.inputs import InputError, read_inputs
from minigraph.tools.shared.restoring import restore
from minigraph.tools.shared.sizes import Sizes
from minigraph.tools.shared.target import load_target
from minigraph.viz.values import BUDGET

NAN = """
import numpy as np, minigraph as tf
x = tf.placeholder(tf.float32, [None, 4], name="x")
w = tf.Variable(np.full([4, 3], -1.0, np.float32), name="w")
logarithm = tf.log(tf.matmul(x, w, name="product"), name="logarithm")
train = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_mean(tf.square(logarithm)))
"""

FORMATS = """
import minigraph as tf
axis = FORMAT.index("C")
sizes = lambda side: [side if letter in "HW" else 1 for letter in FORMAT]
x = tf.placeholder(tf.float32, [2, 4, 9, 7] if axis == 1 else [2, 9, 7, 4], name="x")
w = tf.Variable(tf.reshape(tf.linspace(-1.0, 1.0, 180), [3, 3, 4, 5]), name="w")
relu = tf.nn.relu(tf.nn.conv2d(x, w, sizes(1), "SAME", data_format=FORMAT, name="conv"), name="relu")
pool = tf.nn.max_pool(relu, sizes(2), sizes(2), "SAME", data_format=FORMAT, name="pool")
total = tf.add(pool, 0.5 * pool, name="sum")
joined = tf.concat([total, pool], axis, name="joined")
mean = tf.reduce_mean(joined, [FORMAT.index(letter) for letter in "HW"], name="mean")
train = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(tf.square(mean)))
"""


def viz(*arguments: object) -> str:
    done = CliRunner().invoke(main, ["viz", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.output


def rows(path: Path) -> tuple[dict[str, dict[str, Any]], bytes, dict[str, Any]]:
    """The recorded values by name, the bytes of the pictures, and all of the page's data on values."""
    text = path.read_text("utf-8")
    data = embedded(text)["values"]
    found = re.search(r'<script id="pixels" type="application/octet-stream">(.*?)</script>', text)
    assert found
    named = {row[0]: dict(zip(data["columns"], row, strict=True)) for row in data["rows"]}
    return named, zlib.decompress(base64.b64decode(found[1]), -15), data


@pytest.fixture(scope="module")
def digit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of one step of mnist-cnn on a picture."""
    folder = tmp_path_factory.mktemp("digit")
    levels = np.zeros((28, 28), np.uint8)
    levels[4:24, 12:16] = 255
    Image.fromarray(levels).save(folder / "one.png")
    viz("mnist-cnn", "--input", folder / "one.png", "--label", "1", "-o", folder / "page.html")
    return folder / "page.html"


@pytest.mark.slow
def test_a_picture_is_fed_and_every_result_recorded(digit: Path) -> None:
    named, pixels, data = rows(digit)
    kind, tiles, height, width, colours, start, low, high, total = named["images"]["picture"]
    assert (kind, tiles, height, width, colours, total) == ("image", 1, 28, 28, 1, 1)
    drawn = np.frombuffer(pixels, np.uint8, 784, start).reshape(28, 28)
    assert (drawn[4:24, 12:16] == 255).all()
    assert (drawn == 255).sum() == 80
    assert (low, high) == (0, 1)
    assert named["labels"]["high"] == 1
    assert named["labels"]["zeros"] == 9
    assert named["conv1/Relu"]["picture"][0] == "maps"
    assert named["conv1/weights"]["picture"][0] == "filters"
    assert named["conv1/weights"]["std"] == pytest.approx(0.05, rel=0.2)  # its initial values
    assert any(name.startswith("gradients/conv1") and row["picture"] for name, row in named.items())
    assert ["Reshape", "images"] in data["same"]
    assert data["origins"] == []
    assert "one.png; label: 1" in data["fed"]
    assert len(pixels) <= BUDGET


def test_without_a_recording_there_are_no_values(tmp_path: Path) -> None:
    (tmp_path / "nan.py").write_text(NAN)
    viz(tmp_path / "nan.py", "-o", tmp_path / "page.html")
    assert rows(tmp_path / "page.html")[:2] == ({}, b"")


def test_the_first_nan_is_named_in_the_terminal_and_on_the_page(tmp_path: Path) -> None:
    (tmp_path / "nan.py").write_text(NAN)
    np.savez(tmp_path / "x.npz", x=np.ones((2, 4), np.float32))
    told = viz(tmp_path / "nan.py", "--input", tmp_path / "x.npz", "-o", tmp_path / "page.html")
    assert "NaN began in 'logarithm' (Log)" in told
    assert "nan.py:5" in told
    named, _, data = rows(tmp_path / "page.html")
    assert [origin[:2] for origin in data["origins"]] == [["NaN", "logarithm"]]
    assert (named["product"]["low"], named["product"]["nans"]) == (-4, 0)
    assert (named["logarithm"]["nans"], named["logarithm"]["size"], named["logarithm"]["mean"]) == (6, 6, None)


def test_feeds_by_name_and_extreme_numbers_are_recorded(tmp_path: Path) -> None:
    (tmp_path / "named.py").write_text("""
import numpy as np, minigraph as tf
x = tf.placeholder(tf.float64, [None, 2], name="x")
feeds = {"x:0": np.full([3, 2], np.finfo(np.float64).max)}
fetches = tf.negative(x, name="y")
""")
    viz(tmp_path / "named.py", "--values", "-o", tmp_path / "page.html")
    named, _, _ = rows(tmp_path / "page.html")
    assert named["x"]["high"] == -named["y"]["low"] == np.finfo(np.float64).max
    (tmp_path / "plain.py").write_text("""
import minigraph as tf
fetches = tf.placeholder(tf.float32, [None, 2], name="x")
""")
    np.save(tmp_path / "x.npy", np.float32([[1, 5]]))
    viz(tmp_path / "plain.py", "--input", tmp_path / "x.npy", "-o", tmp_path / "page.html")  # without a launch
    assert rows(tmp_path / "page.html")[0]["x"]["high"] == 5


def test_activations_in_the_shape_of_a_weight_are_activations(tmp_path: Path) -> None:
    (tmp_path / "square.py").write_text("""
import minigraph as tf
x = tf.placeholder(tf.float32, [4, 4], name="x")
w = tf.Variable(tf.ones([4, 4]), name="w")
loss = tf.reduce_mean(tf.nn.relu(tf.matmul(x, w, name="product"), name="relu"))
train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
""")
    viz(tmp_path / "square.py", "--values", "-o", tmp_path / "page.html")
    named, _, _ = rows(tmp_path / "page.html")
    kinds = {name: row["picture"] and row["picture"][0] for name, row in named.items()}
    assert (kinds["x"], kinds["product"], kinds["relu"], kinds["w"]) == ("vector", "vector", "vector", "matrix")
    assert kinds["gradients/product_grad/MatMul_1"] == "matrix"


def test_maps_with_channels_first_are_drawn_as_those_with_channels_last(tmp_path: Path) -> None:
    images = np.random.RandomState(0).uniform(size=(2, 9, 7, 4)).astype(np.float32)
    found = {}
    for order, fed in (("NHWC", images), ("NCHW", images.transpose(0, 3, 1, 2))):
        (tmp_path / f"{order}.py").write_text(f"FORMAT = {order!r}\n{FORMATS}")
        np.save(tmp_path / "x.npy", fed)
        viz(tmp_path / f"{order}.py", "--input", tmp_path / "x.npy", "-o", tmp_path / "page.html")
        named, pixels, _ = rows(tmp_path / "page.html")
        found[order] = {
            name: (kind, sizes, pixels[start : start + np.prod(sizes)], total)
            for name in ("x", "conv", "relu", "pool", "sum", "joined", "gradients/relu_grad/ReluGrad", "mean")
            for kind, *sizes, start, _, _, total in [named[name]["picture"]]
        }
    assert found["NHWC"]["sum"][:2] == ("maps", [5, 5, 4, 1])
    assert found["NCHW"] == found["NHWC"]


def test_a_weight_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = load_target("lenet5", inference=True)
    with target.session() as session:
        kept = {name: a + 1 for name, a in session.read_state().items() if ":" not in name}
    np.savez(tmp_path / "weights.npz", **kept)
    Image.fromarray(np.zeros((32, 32), np.uint8)).save(tmp_path / "a.png")
    reads: list[object] = []

    def counted(*arguments: Any) -> Any:
        reads.append(arguments)
        return restore(*arguments)

    monkeypatch.setattr("minigraph.tools.recording.restore", counted)
    recording = Recording(weights=tmp_path / "weights.npz", inputs=[str(tmp_path / "a.png")] * 2)
    prepared = prepare("lenet5", None, True, Sizes({}, {}), recording).target
    with prepared.session() as session:
        found = session.read_state()
    assert prepared.batch_size == 2
    assert len(reads) == 1
    assert all(np.array_equal(found[name], array) for name, array in kept.items())


def test_a_graph_of_several_plans_is_refused_with_its_node(tmp_path: Path) -> None:
    (tmp_path / "host.py").write_text("""
import minigraph as tf
fetches = tf.py_func(abs, [tf.placeholder(tf.float32, [4])], tf.float32, name="mine")
""")
    done = CliRunner().invoke(main, ["viz", str(tmp_path / "host.py"), "--values", "-o", str(tmp_path / "a.html")])
    assert done.exit_code == 1
    assert "--values: " in done.output
    assert "'mine', made at" in done.output
    assert "host.py:3" in done.output


@pytest.mark.parametrize("second", ["small.png", "x.npy", "text.npy"])
def test_inputs_that_do_not_make_one_batch_are_refused(tmp_path: Path, second: str) -> None:
    for name, side in (("large", 64), ("small", 32)):
        Image.fromarray(np.zeros((side, side), np.uint8)).save(tmp_path / f"{name}.png")
    np.save(tmp_path / "x.npy", np.zeros((1, 64, 64, 1), np.float32))
    np.save(tmp_path / "text.npy", np.full((1, 64, 64, 1), "a"))
    inputs = {"x": tf.placeholder(tf.float32, [None, None, None, 1])}
    files = [str(tmp_path / name) for name in ("large.png", second)]
    with pytest.raises(InputError, match=second):
        read_inputs(files, inputs)
    with pytest.raises(InputError, match="is of <U1"):
        read_inputs([str(tmp_path / "text.npy")], inputs)
    assert read_inputs(files[:1] * 2, inputs)[inputs["x"]].shape == (2, 64, 64, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mnist-cnn", "--label", "eleven"), "no class 'eleven'"),
        (("mnist-cnn", "--inference", "--label", "1"), "--label is for the training step of a model"),
        (("mnist-cnn", "--batch-size", "8", "--input", "{picture}"), "are a batch of 1"),
        (("{nan}", "--checkpoint", "run"), "--checkpoint and --weights are for the models"),
        (("mnist-cnn", "--checkpoint", "{nothing}"), "no checkpoint"),
        (("mnist-cnn", "--input", "{nothing}"), "no such file"),
        (("{nan}", "--input", "y={nan}"), "no such file"),
    ],
)
def test_faults_are_explained(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    (tmp_path / "nan.py").write_text(NAN)
    Image.fromarray(np.zeros((28, 28), np.uint8)).save(tmp_path / "picture.png")
    names = {"picture": str(tmp_path / "picture.png"), "nan": str(tmp_path / "nan.py"), "nothing": str(tmp_path)}
    filled = [a.format(**names) for a in arguments]
    done = CliRunner().invoke(main, ["viz", *filled, "-o", str(tmp_path / "page.html")])
    assert done.exit_code != 0
    assert message in done.output


def test_a_picture_file_cannot_show_values(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["viz", "mnist-cnn", "--values", "-o", str(tmp_path / "a.svg")])
    assert done.exit_code == 1
    assert "the page shows values" in done.output


# as a browser shows them


@pytest.mark.slow
def test_boxes_and_the_panel_show_values(browser: Browser, digit: Path) -> None:
    shown = Page(browser, digit)
    images = "return document.querySelectorAll('#graph image').length"
    count = shown.js(images)
    assert count >= 12
    assert shown.faults() == []
    shown.do("app.pick(app.shown.boxes.find(b => b.key === 'conv1'))")
    told = shown.panel()
    for expected in ("VALUES OF THE RUN", "conv1/Relu", "16 of 64 maps", "conv1/weights", "16 of 64 filters", "zeros"):
        assert expected in told
    middle = """
        const picture = app.values.seen.get('images').picture, canvas = app.values.paint(picture, 8, 17);
        const side = canvas.width / 28, drawn = canvas.getContext('2d');
        const pixel = (x, y) => [...drawn.getImageData(x * side, y * side, 1, 1).data];
        return [pixel(14, 14), pixel(3, 3)]
    """
    assert shown.js(middle) == [[255, 255, 255, 255], [0, 0, 0, 255]]
    shown.do("app.set({stage: app.data.stages.length - 1})")  # launches show the values that they compute
    assert shown.js(images) >= 8
    shown.click("#values")
    assert shown.js(images) == 0
    assert "values=off" in shown.js("return location.hash")
    assert 'href="data:image/png' in shown.js(
        "app.state.values = true; return app.redraw().then(() => svgText(app.shown, app.layer))"
    )
    assert browser.errors() == []


@pytest.mark.slow
def test_the_box_where_nan_began_is_marked(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "nan.py").write_text(NAN)
    viz(tmp_path / "nan.py", "--values", "-o", tmp_path / "page.html")
    shown = Page(browser, tmp_path / "page.html")
    assert "NaN began in 'logarithm'" in shown.panel()
    shown.click("#panel .bad a")
    shown.do("app.select(app.graph().boxes.find(b => b.name === 'logarithm').id)")
    marked = shown.js("return app.shown.boxes.filter(b => b.began).map(b => b.single?.name)")
    assert marked == ["logarithm"]
    assert shown.js("return document.querySelectorAll('#graph .began').length") == 1
    assert shown.js("return app.shown.boxes.filter(b => b.mark === 'has NaN').length") >= 1
    assert browser.errors() == []
