"""Pretrained weights in the zoo's networks: the logits of PyTorch, and nothing loaded where something does not fit.

Tests `formats/assign.py` and `models/pretrained.py`.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from support import torch_networks
from support.paths import CHECKPOINTS
from support.real_weights import weight_file

import minigraph as tf
from minigraph.core.errors import InvalidArgumentError, NotFoundError
from minigraph.models import MODELS, get_model
from minigraph.models.pretrained import load_pretrained
from minigraph.models.record import Model, Preprocessing, Stored
from minigraph.weights import assign_weights, load_weights, save_weights

REAL = [
    ("squeezenet", "squeezenet_weights_tf_dim_ordering_tf_kernels.h5", torch_networks.squeezenet),
    ("efficientnet-lite0", "efficientnet-lite0-57934424.pth", torch_networks.efficientnet_lite0),
]


def small(images: tf.Tensor, num_classes: int = 3, scope: str = "small", **_: Any) -> Any:
    with tf.variable_scope(scope):
        filters = tf.get_variable("conv/weights", [3, 3, 2, 4])
        x = tf.nn.relu(tf.nn.conv2d(images, filters, [1, 1, 1, 1], "VALID"))
        with tf.variable_scope("norm"):
            x = tf.layers.batch_normalization(x, name="bn")
        units = tf.get_variable("dense/weights", [4, num_classes])
        logits = tf.matmul(tf.reduce_mean(x, [1, 2]), units)
    return logits, {"logits": logits, "predictions": tf.nn.softmax(logits)}


def torch_layout(name: str, shape: tuple[int, ...]) -> Stored:
    names = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
    layer, _, kind = name.rpartition("/")
    layer = layer.replace("norm/bn", "norm")
    return Stored(f"{layer}.{names.get(kind, 'weight')}", {4: (2, 3, 1, 0), 2: (1, 0)}.get(len(shape)))


MODEL = Model(
    "small", "", "small", small, 5, 3, "logits", Preprocessing("RG", (0.0, 0.0), (1.0, 1.0)),
    MappingProxyType({"torch": torch_layout}), MappingProxyType({"torch": Preprocessing("RG", (9.0, 9.0), (1.0, 1.0))}),
)  # fmt: skip


def started(scope: str = "small") -> tf.Session:
    small(tf.placeholder(tf.float32, [None, 5, 5, 2]), scope=scope)
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    return session


def contents(session: tf.Session) -> dict[str, bytes]:
    return {name: value.tobytes() for name, value in session.read_state().items()}


def torch_file() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    norms = {f"norm.{k}": rng.random(4).astype(np.float32) for k in ("weight", "bias", "running_mean", "running_var")}
    arrays = {"conv.weight": rng.random((4, 2, 3, 3)), "dense.weight": rng.random((3, 4)).astype(np.float32)}
    return arrays | norms | {"norm.num_batches_tracked": np.array(3)}


def test_layouts_of_axes(tmp_path: Path) -> None:
    arrays = torch_file()
    save_weights(tmp_path / "w.npz", arrays)
    session = started()
    assert load_pretrained(session, MODEL, tmp_path / "w.npz").mean == (9.0, 9.0)
    found = session.read_state()
    np.testing.assert_array_equal(
        found["small/conv/weights"], arrays["conv.weight"].transpose(2, 3, 1, 0).astype(np.float32)
    )
    np.testing.assert_array_equal(found["small/dense/weights"], arrays["dense.weight"].T)
    np.testing.assert_array_equal(found["small/norm/bn/moving_variance"], arrays["norm.running_var"])


@pytest.mark.parametrize("scope", ["small", "other"])
def test_names_of_minigraph(scope: str, tmp_path: Path) -> None:
    """With the scope, among what a training run saves, and without it, whatever the scope is now."""
    session = started()
    wanted = session.read_state()
    own = {name: value for name, value in wanted.items() if name.startswith("small/")}
    training = {"small/conv/weights/Adam": np.ones((3, 3, 2, 4), np.float32), "beta1_power": np.float32(1)}
    save_weights(tmp_path / "with.npz", own | training)
    save_weights(tmp_path / "without.npz", {name.removeprefix("small/"): value for name, value in own.items()})
    for file in ["with.npz", "without.npz"] if scope == "small" else ["without.npz"]:
        with tf.Graph().as_default():
            again = started(scope)
            assert load_pretrained(again, MODEL, tmp_path / file) == MODEL.preprocessing
            found = again.read_state()
        for name, value in own.items():
            np.testing.assert_array_equal(found[name.replace("small/", f"{scope}/")], value)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"dense.weight": None}, r"small/dense/weights \[4, 3\] +-"),
        ({"extra.weight": np.ones(7)}, r"- +extra\.weight \[7\]"),
        ({"conv.weight": np.ones((3, 3, 2, 4))}, r"small/conv/weights \[3, 3, 2, 4\] +conv\.weight \[3, 3, 2, 4\]"),
        ({"conv.weight": np.ones((4, 18))}, r"small/conv/weights \[3, 3, 2, 4\] +conv\.weight \[4, 18\]"),
        ({"dense.weight": np.ones((3, 4), np.int32)}, r"small/dense/weights \[4, 3\] +small/dense/weights int32"),
        ({"dense.weight": np.ones((10, 4))}, r"small/dense/weights \[4, 3\] +dense\.weight \[10, 4\]"),
    ],
)
def test_what_does_not_fit(change: dict[str, Any], line: str, tmp_path: Path) -> None:
    arrays = {name: value for name, value in (torch_file() | change).items() if value is not None}
    save_weights(tmp_path / "w.npz", arrays)
    session = started()
    before = contents(session)
    with pytest.raises(InvalidArgumentError, match=rf"nothing was loaded:\n  in the graph +in .*w\.npz\n  {line}"):
        load_pretrained(session, MODEL, tmp_path / "w.npz")
    assert contents(session) == before


def test_weights_of_another_network(tmp_path: Path) -> None:
    save_weights(tmp_path / "w.npz", {f"layer{i}.kernel": np.ones((i, 2)) for i in range(40)})
    with pytest.raises(InvalidArgumentError) as caught:
        load_pretrained(started(), MODEL, tmp_path / "w.npz")
    lines = str(caught.value).splitlines()
    assert "small/conv/weights" in lines[2]
    assert "layer0.kernel [0, 2]" in lines[2]
    assert lines[-1] == "  … and 20 more"
    assert len(lines) == 23


def test_assign_by_name() -> None:
    a, b = tf.Variable(tf.zeros([2]), name="a"), tf.Variable(0, name="b")
    session = tf.Session()
    assign_weights(session, {"a": np.array([1.0, 2.0]), "b": np.int32(3)[...]})
    np.testing.assert_array_equal(session.run(a), [1, 2])
    assert session.run(b) == 3
    assign_weights(session, {"x": np.float16([5, 6]), "y": np.ones(1)}, {"x": a, "z": b}, strict=False)
    np.testing.assert_array_equal(session.run(a), [5, 6])
    with pytest.raises(InvalidArgumentError, match=r"a \[2\] +a \[3\]"):
        assign_weights(session, {"a": np.ones(3)}, strict=False)
    np.testing.assert_array_equal(session.run(a), [5, 6])


# TensorFlow's checkpoints in programs


def checkpoint_program() -> tuple[tf.Variable, tf.Variable, Any]:
    with tf.variable_scope("conv"):
        weights = tf.get_variable("weights", [3, 3, 2, 4])
        biases = tf.get_variable("biases", [4])
    loss = tf.reduce_sum(tf.square(weights)) + tf.reduce_sum(biases)
    step = tf.train.get_or_create_global_step()
    return weights, step, tf.train.AdamOptimizer(0.1).minimize(loss, step, [weights, biases])


@pytest.mark.parametrize("path", ["model-3", "sharded", "first.ckpt"])
def test_a_saver_restores_what_tensorflow_saved(path: str) -> None:
    _, step, train = checkpoint_program()
    assert tf.train.checkpoint_exists(CHECKPOINTS / path)
    with tf.Session() as session, np.load(CHECKPOINTS / "values.npz") as values:
        tf.train.Saver().restore(session, CHECKPOINTS / path)
        assert session.run(step) == 3
        for variable in tf.global_variables():
            np.testing.assert_array_equal(session.run(variable), values[variable.op.name])
        session.run(train)
        assert session.run(step) == 4


def test_a_checkpoint_of_minigraph_goes_first(tmp_path: Path) -> None:
    v = tf.Variable(5.0, name="conv/biases")
    for suffix in (".index", ".data-00000-of-00001"):
        (tmp_path / f"m{suffix}").write_bytes((CHECKPOINTS / f"model-3{suffix}").read_bytes())
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, tmp_path / "m")
        session.run(v.assign(1.0))
        tf.train.Saver().restore(session, tmp_path / "m")
        assert session.run(v) == 5.0


def test_the_latest_checkpoint_of_tensorflow(tmp_path: Path) -> None:
    """Its Saver's file of what it kept: tensorflow/python/training/checkpoint_state.proto, as text."""
    for suffix in (".index", ".data-00000-of-00001"):
        (tmp_path / f"model-3{suffix}").write_bytes((CHECKPOINTS / f"model-3{suffix}").read_bytes())
    (tmp_path / "checkpoint").write_text(
        'model_checkpoint_path: "model-3"\nall_model_checkpoint_paths: "model-2"\n'
        'all_model_checkpoint_paths: "model-3"\n'
    )
    path = tf.train.latest_checkpoint(tmp_path)
    assert path == str(tmp_path / "model-3")
    state = tf.train.get_checkpoint_state(tmp_path)
    assert state.all_model_checkpoint_paths == [str(tmp_path / "model-2"), path]
    biases = tf.get_variable("conv/biases", [4])
    with tf.Session() as session, np.load(CHECKPOINTS / "values.npz") as values:
        tf.train.Saver([biases]).restore(session, path)
        np.testing.assert_array_equal(session.run(biases), values["conv/biases"])


def test_a_saver_says_what_the_checkpoint_lacks() -> None:
    v = tf.Variable(tf.zeros([2]), name="conv/biases")
    w = tf.Variable(tf.zeros([2]), name="absent")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        with pytest.raises(NotFoundError, match="Key absent not found"):
            tf.train.Saver([w]).restore(session, CHECKPOINTS / "model-3")
        with pytest.raises(InvalidArgumentError, match=r"'conv/biases' is float32\[4\] in the checkpoint"):
            tf.train.Saver([v]).restore(session, CHECKPOINTS / "model-3")


# real weights


def network(name: str) -> tuple[Model, tf.Tensor, tf.Tensor, tf.Session]:
    if name not in {model.name for model in MODELS}:
        pytest.skip(f"there is no {name} here")
    model = get_model(name)
    images = tf.placeholder(tf.float32, [None, *model.image_shape])
    logits, _ = model.build(images, num_classes=model.classes)
    return model, images, logits, tf.Session()


@pytest.mark.parametrize(("name", "file", "oracle"), REAL, ids=[name for name, _, _ in REAL])
def test_logits_of_torch(name: str, file: str, oracle: Any) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("h5py")
    path = weight_file(file)
    model, images, logits, session = network(name)
    load_pretrained(session, model, path)
    pictures = np.random.default_rng(0).uniform(0, 255, (2, *model.image_shape)).astype(np.float32)
    pictures[1] = np.linspace(0, 255, model.image_size)[:, None, None]
    values = model.preprocessing.apply(pictures)
    wanted = oracle(path, values)
    error = np.abs(session.run(logits, {images: values}) - wanted).max() / np.abs(wanted).max()
    assert error < 1e-4


def test_a_file_of_tensorflow_loads_by_variable_names(tmp_path: Path) -> None:
    weights, _, _ = checkpoint_program()
    loaded = load_weights(CHECKPOINTS / "first.ckpt")
    with tf.Session() as session:
        assign_weights(session, loaded, {"conv/weights": weights}, strict=False)
        np.testing.assert_array_equal(session.run(weights), loaded["conv/weights"])
