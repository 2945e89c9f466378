"""Bundles, `minigraph predict` and `minigraph convert`.

Tests `tools/pretrained.py`, `models/bundle.py` and `models/labels.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from safetensors import safe_open
from support.real_weights import weight_file

import minigraph as tf
from minigraph.backend.discovery import backend_names
from minigraph.core.errors import DataLossError, GraphError, InvalidArgumentError, NotFoundError
from minigraph.models import MODELS, get_model
from minigraph.models.bundle import Predictor, load_bundle, make_bundle, save_bundle
from minigraph.models.labels import class_names
from minigraph.models.record import Preprocessing
from minigraph.tools.cli import main
from minigraph.tools.prediction import crop
from minigraph.weights import load_weights, save_weights

LABELS = ("circle", "square", "héxagon")
PICTURES = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3)).astype(np.float32)
TO_RGB = Preprocessing("BGR", (10.0, 20.0, 30.0), (1.0, 2.0, 4.0))


def made(path: Path, labels: Any = LABELS) -> np.ndarray:
    """Writes a bundle of a small network; its predictions of PICTURES."""
    images = tf.placeholder(tf.float32, [None, 8, 8, 3], name="images")
    x = tf.layers.batch_normalization(tf.layers.conv2d(images / 100.0, 4, 3, name="conv"), name="bn")
    predictions = tf.nn.softmax(tf.layers.dense(tf.reduce_mean(tf.nn.relu(x), [1, 2]), 3), name="predictions")
    tf.train.MomentumOptimizer(0.1, 0.9).minimize(tf.reduce_sum(predictions))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        save_bundle(path, make_bundle(session, images, predictions, labels, TO_RGB))
        values = (PICTURES[..., ::-1] - np.float32([10, 20, 30])) / np.float32([1, 2, 4])
        return session.run(predictions, {images: values})


def command(*arguments: Any) -> Any:
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_a_bundle_gives_the_same_predictions(backend: str, tmp_path: Path) -> None:
    if backend not in backend_names():
        pytest.skip(f"no backend {backend}")
    wanted = made(tmp_path / "small.mgb")
    bundle = load_bundle(tmp_path / "small.mgb")
    assert (bundle.labels, bundle.preprocessing, bundle.image_size) == (LABELS, TO_RGB, 8)
    assert not [node for node in bundle.graph_def.node if "Momentum" in node.name or node.op == "VariableV2"]
    np.testing.assert_allclose(Predictor(bundle, backend).predict(PICTURES), wanted, rtol=1e-5)


def test_a_bundle_needs_a_fresh_process_and_nothing_else(tmp_path: Path) -> None:
    wanted = made(tmp_path / "small.mgb")
    np.save(tmp_path / "pictures.npy", PICTURES)
    program = (
        "import sys, numpy as np; from minigraph.models.bundle import Predictor, load_bundle\n"
        "print(*Predictor(load_bundle('small.mgb')).predict(np.load('pictures.npy')).reshape(-1))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=tmp_path)
    np.testing.assert_allclose(np.array(done.stdout.split(), float).reshape(2, 3), wanted, rtol=1e-5)


def test_a_bundle_is_readable_without_minigraph(tmp_path: Path) -> None:
    made(tmp_path / "small.mgb")
    with safe_open(tmp_path / "small.mgb", "np") as file:
        assert "conv/kernel" in file.keys()  # noqa: SIM118
        assert json.loads(file.metadata()["user.bundle"])["labels"] == list(LABELS)
    assert load_weights(tmp_path / "small.mgb")["conv/kernel"].shape == (3, 3, 3, 4)


def test_classes_that_differ_from_the_labels(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=r"there are 2 labels, but 'predictions:0' has the shape \(\?, 3\)"):
        made(tmp_path / "small.mgb", ("a", "b"))
    with tf.Graph().as_default():
        made(tmp_path / "small.mgb")
    bundle = load_bundle(tmp_path / "small.mgb")
    bundle.check_labels(list(LABELS), "photos")
    with pytest.raises(InvalidArgumentError, match="only the bundle has 'circle'; only photos has 'oval'"):
        bundle.check_labels(["oval", *LABELS[1:]], "photos")
    with pytest.raises(InvalidArgumentError, match="another order"):
        bundle.check_labels(LABELS[::-1], "photos")


def test_what_cannot_be_a_bundle() -> None:
    images = tf.placeholder(tf.float32, [None, 8, 8, 3], name="images")
    other = tf.placeholder(tf.float32, [None, 3], name="other")
    session = tf.Session()
    with pytest.raises(InvalidArgumentError, match=r"images are \[N, size, size, 3\]"):
        make_bundle(session, other, tf.nn.softmax(other), LABELS, TO_RGB)
    with pytest.raises(GraphError, match="does not depend on 'images:0'"):
        make_bundle(session, images, tf.nn.softmax(other), LABELS, TO_RGB)


def test_damaged_bundles(tmp_path: Path) -> None:
    made(tmp_path / "small.mgb")
    content = (tmp_path / "small.mgb").read_bytes()
    for place in range(0, len(content), 61):
        bad = bytearray(content)
        bad[place] ^= 1
        (tmp_path / "bad.mgb").write_bytes(bad)
        with pytest.raises(DataLossError):
            load_bundle(tmp_path / "bad.mgb")
        (tmp_path / "bad.mgb").write_bytes(content[:place])
        with pytest.raises(DataLossError):
            load_bundle(tmp_path / "bad.mgb")
    with pytest.raises(NotFoundError):
        load_bundle(tmp_path / "absent.mgb")
    path = tf.train.Saver().save(_started(), tmp_path / "checkpoint")
    with pytest.raises(DataLossError, match="is a checkpoint, not a bundle"):
        load_bundle(path)


def _started() -> tf.Session:
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    return session


# the commands


def test_the_square_in_the_middle() -> None:
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:, 15:65] = 200  # an output pixel sees a little of what is beside its own part
    pixels[:, 39] = 100
    found = crop(Image.fromarray(pixels), 10, 1.0)
    assert found.shape == (10, 10, 3)
    np.testing.assert_array_equal(found[:, [0, 1, 2, 3, 6, 7, 8, 9]], 200.0)
    assert (found[:, 4:6] < 200).all()
    np.testing.assert_array_equal(crop(Image.fromarray(pixels[:, 41:65]), 4, 0.5), 200.0)


def test_predict_with_a_bundle(tmp_path: Path) -> None:
    made(tmp_path / "small.mgb")
    Image.fromarray(np.full((20, 30, 3), 128, np.uint8)).save(tmp_path / "grey.png")
    (tmp_path / "text.jpg").write_text("no image")
    arguments = ["predict", tmp_path / "small.mgb", tmp_path / "grey.png"]
    wanted = Predictor(load_bundle(tmp_path / "small.mgb")).predict(np.full((1, 8, 8, 3), 128.0))[0]
    order = np.argsort(-wanted)

    result = command(*arguments)
    assert result.exit_code == 0, result.output
    assert [line.split()[-1] for line in result.stdout.splitlines()[1:]] == [LABELS[i] for i in order]

    result = command(*arguments, tmp_path / "text.jpg", tmp_path / "absent.jpg", "--json", "--top", "2")
    assert result.exit_code == 1
    first, *others = json.loads(result.stdout)
    assert [c["id"] for c in first["classes"]] == order[:2].tolist()
    assert [c["probability"] for c in first["classes"]] == pytest.approx(wanted[order[:2]].tolist(), rel=1e-5)
    assert ["text.jpg: no image" in o["error"] or "absent.jpg: No such file" in o["error"] for o in others] == [
        True
    ] * 2
    assert "2 of 3 photos could not be read" in result.stderr


def test_predict_says_what_is_missing(tmp_path: Path) -> None:
    made(tmp_path / "small.mgb")
    (tmp_path / "labels.txt").write_text("circle\nsquare\ntriangle\n")
    Image.new("RGB", (9, 9)).save(tmp_path / "p.png")
    photo = tmp_path / "p.png"
    cases = [
        (["squeezenet", photo], "squeezenet needs weights"),
        (["squeezenet", photo, "--weights", tmp_path / "none.h5"], "none.h5: no such file"),
        (["squeezenett", photo], "did you mean squeezenet"),
        ([tmp_path / "none.mgb", photo], "no checkpoint at"),
        ([tmp_path / "small.mgb", photo, "--weights", photo], "has weights of its own"),
        ([tmp_path / "small.mgb", photo, "--labels", tmp_path / "labels.txt"], "only the bundle has 'héxagon'"),
        ([tmp_path / "small.mgb", photo, "--labels", photo], "expected a text file"),
    ]
    for arguments, message in cases:
        result = command("predict", *arguments)
        assert result.exit_code == (2 if message in ("squeezenet needs weights", "did you mean squeezenet") else 1)
        assert message in result.output


def test_convert(tmp_path: Path) -> None:
    weights = {"a": np.arange(4.0), "b/c": np.ones((2, 2), np.int8)}
    save_weights(tmp_path / "w.npz", weights)
    result = command("convert", tmp_path / "w.npz", tmp_path / "w.safetensors")
    assert result.output == f"npz to safetensors: 2 arrays, 8 numbers; wrote {tmp_path / 'w.safetensors'}\n"
    found = load_weights(tmp_path / "w.safetensors")
    assert all(np.array_equal(found[name], value) for name, value in weights.items())
    for target, message in (
        ("w.pth", "not written"),
        ("w.mgb", "name the network with --model"),
        ("w", "tells no format"),
    ):
        result = command("convert", tmp_path / "w.npz", tmp_path / target)
        assert result.exit_code == 2
        assert message in result.output


def test_convert_for_a_model(tmp_path: Path) -> None:
    with tf.Graph().as_default():
        get_model("mnist-cnn").build(tf.placeholder(tf.float32, [None, *get_model("mnist-cnn").image_shape]))
        names = {v.op.name: v.type.static for v in tf.global_variables()}
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(size=shape).astype(np.float32) / 50 for name, shape in names.items()}
    save_weights(tmp_path / "w.npz", weights)
    assert command("convert", tmp_path / "w.npz", tmp_path / "w.safetensors", "--model", "mnist-cnn").exit_code == 0
    assert load_weights(tmp_path / "w.safetensors").keys() == weights.keys()
    result = command("convert", tmp_path / "w.npz", tmp_path / "w.mgb", "--model", "mnist-cnn")
    assert result.exit_code == 0, result.output
    Image.new("L", (28, 28), 200).save(tmp_path / "digit.png")
    result = command("predict", tmp_path / "w.mgb", tmp_path / "digit.png", "--top", "10")
    assert sorted(line.split()[-1] for line in result.stdout.splitlines()[1:]) == list("0123456789")


def test_the_names_of_imagenet() -> None:
    names = class_names(get_model("squeezenet"))
    assert len(names) == 1000
    assert names[0] == "tench"
    assert names[999] == "toilet paper"


@pytest.mark.parametrize(
    ("model", "file"),
    [
        ("squeezenet", "squeezenet_weights_tf_dim_ordering_tf_kernels.h5"),
        ("efficientnet-lite0", "efficientnet-lite0-57934424.pth"),
    ],
)
def test_real_photos(model: str, file: str, tmp_path: Path) -> None:
    data = pytest.importorskip("skimage.data")
    pytest.importorskip("h5py")
    weights = weight_file(file)
    if model not in {each.name for each in MODELS}:
        pytest.skip(f"there is no {model} here")
    for name in ("chelsea", "coffee"):
        Image.fromarray(getattr(data, name)()).save(tmp_path / f"{name}.png")
    result = command(
        "predict", model, "--weights", weights, tmp_path / "chelsea.png", tmp_path / "coffee.png", "--json"
    )
    assert result.exit_code == 0, result.output
    cat, coffee = ([c["label"] for c in each["classes"]] for each in json.loads(result.stdout))
    assert len(cat) == 5
    assert {"tabby cat", "Egyptian Mau"} <= set(cat[:3])
    assert "espresso" in coffee[:2]
