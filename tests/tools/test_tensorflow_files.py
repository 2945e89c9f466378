"""The commands take TensorFlow's graphs, SavedModels and checkpoints, and write its frozen graphs.

Tests `models/tensorflow_graph.py` and `tools/shared/tensorflow_files.py`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import minigraph as tf
import minigraph.tf1 as tf1
from minigraph.formats.tensorflow.graph_def import read_graph
from minigraph.models.bundle import Bundle, Predictor, make_bundle
from minigraph.models.record import Preprocessing
from minigraph.models.tensorflow_graph import bundle_message
from minigraph.tools.cli import main
from minigraph.tools.shared.tensorflow_files import write_graph_message
from minigraph.weights import load_weights

PIXELS = np.random.RandomState(0).randint(0, 256, (2, 8, 8, 3)).astype(np.float32)
SCALING = Preprocessing("BGR", (103.9, 116.8, 123.7), (57.0, 58.0, 59.0))


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Bundle]:
    """A folder with one small network as a SavedModel, a checkpoint and a frozen graph; and its bundle."""
    with tf.Graph().as_default(), tf.Session(backend="numpy") as session:
        x = tf.placeholder(tf.float32, [None, 8, 8, 3], name="images")
        h = tf.layers.conv2d(x, 3, 3, activation=tf.nn.relu, name="c")
        y = tf.nn.softmax(tf.layers.dense(tf.layers.flatten(h), 2, name="d"), name="final_result")
        session.run(tf.global_variables_initializer())
        bundle = make_bundle(session, x, y, ["cat", "dog"], SCALING, crop=None)
        tf.saved_model.simple_save(session, tmp_path / "saved", {"x": x}, {"p": y})
        tf1.train.Saver().save(session, tmp_path / "model")
    write_graph_message(tmp_path / "g.pb", bundle_message(bundle, "final_result"))
    Image.fromarray(PIXELS[0].astype(np.uint8)).save(tmp_path / "p.png")
    (tmp_path / "labels.txt").write_text("cat\ndog\n")
    return tmp_path, bundle


def run(*arguments: object) -> str:
    done = CliRunner().invoke(main, list(map(str, arguments)))
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_bundle_as_a_graph_takes_pixels_from_0_to_1(files: tuple[Path, Bundle]) -> None:
    """As TensorFlow's label_image feeds them: imported under "import", input "input"."""
    folder, bundle = files
    with tf.Graph().as_default() as graph, tf.Session(backend="numpy") as session:
        tf.import_graph_def(read_graph(folder / "g.pb"))
        feed, fetch = (graph.get_operation_by_name(f"import/{n}").outputs[0] for n in ("input", "final_result"))
        found = session.run(fetch, {feed: PIXELS / 255.0})
    np.testing.assert_allclose(found, Predictor(bundle, "numpy").predict(PIXELS), atol=1e-6)


@pytest.mark.parametrize("name", ["g.pb", "saved", "saved/saved_model.pb", "model", "model.meta"])
def test_predict(files: tuple[Path, Bundle], name: str) -> None:
    folder, bundle = files
    options = ("--labels", folder / "labels.txt", "--json", "--backend", "numpy")
    said = json.loads(run("predict", folder / name, folder / "p.png", *options))
    found = {each["label"]: each["probability"] for each in said[0]["classes"]}
    if name == "g.pb":  # the only one that holds the scaling of the pixels
        wanted = Predictor(bundle, "numpy").predict(PIXELS[:1])[0]
        np.testing.assert_allclose([found["cat"], found["dog"]], wanted, atol=1e-5)
    assert sum(found.values()) == pytest.approx(1.0, abs=1e-5)


def test_a_signature_of_another_graph_is_refused(files: tuple[Path, Bundle]) -> None:
    file = files[0] / "saved" / "saved_model.pb"
    file.write_bytes(file.read_bytes().replace(b"final_result:0", b"final_resulx:0"))
    done = CliRunner().invoke(main, ["explain", str(file.parent)])
    assert done.exit_code == 1
    assert "a signature names a tensor that the graph lacks: The name 'final_resulx:0'" in done.output


def test_predict_asks_for_labels(files: tuple[Path, Bundle]) -> None:
    done = CliRunner().invoke(main, ["predict", str(files[0] / "g.pb"), str(files[0] / "p.png")])
    assert done.exit_code != 0
    assert "--labels" in done.output + done.stderr


def test_convert(files: tuple[Path, Bundle]) -> None:
    folder, _ = files
    run("convert", folder / "saved", folder / "w.npz")
    weights = load_weights(folder / "w.npz")
    assert sorted(weights) == ["c/bias", "c/kernel", "d/bias", "d/kernel"]
    run("convert", folder / "g.pb", folder / "g.pbtxt")
    assert read_graph(folder / "g.pbtxt") == read_graph(folder / "g.pb")
    run("convert", folder / "g.pb", folder / "c.safetensors")
    np.testing.assert_array_equal(load_weights(folder / "c.safetensors")["c/kernel"], weights["c/kernel"])


@pytest.mark.parametrize("name", ["g.pb", "saved", "model.meta"])
def test_viz_and_export(files: tuple[Path, Bundle], name: str) -> None:
    folder, _ = files
    run("viz", folder / name, "-o", folder / "g.dot")
    assert "final_result" in (folder / "g.dot").read_text()
    said = run("export", folder / name, folder / "out.pb", "--output", "final_result")
    assert "final_result" in said
    message = read_graph(folder / "out.pb")
    assert not [n for n in message.node if n.op == "VariableV2"]
    weights = load_weights(str(folder / "model"))
    (kernel,) = (n for n in message.node if n.name == "c/kernel")
    found = np.frombuffer(kernel.attr["value"].tensor.tensor_content, np.float32)
    assert found.tobytes() == weights["c/kernel"].tobytes()


def test_damaged_graphs(files: tuple[Path, Bundle]) -> None:
    file = files[0] / "g.pb"
    file.write_bytes(file.read_bytes()[:-20])
    done = CliRunner().invoke(main, ["viz", str(file), "-o", str(files[0] / "g.dot")])
    assert done.exit_code != 0
    assert "g.pb" in done.output + done.stderr
