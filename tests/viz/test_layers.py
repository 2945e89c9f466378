"""Layers of networks, found by what their operations do."""

from __future__ import annotations

import pytest

import minigraph as tf
from minigraph.tools.shared.target import load_target
from minigraph.viz.layers import UPDATES
from minigraph.viz.picture import Picture
from minigraph.viz.stages import Traced, trace


@pytest.fixture(scope="module")
def traced() -> Traced:
    target = load_target("mnist-cnn", 256)
    return trace(target.graph, target.fetches, title=target.name, batch_size=256)


def layer_of(picture: Picture, name: str) -> tuple[str, ...]:
    return next(box.layer for box in picture.boxes if box.name == name)


def test_a_layer_holds_its_weights_slots_and_activation(traced: Traced) -> None:
    picture = traced.pictures[0]
    for name in ("conv1/Conv2D", "conv1/BiasAdd", "conv1/Relu"):
        assert layer_of(picture, name) == ("conv1",)
    for name in ("conv1/weights", "conv1/weights/read", "conv1/weights/Adam"):
        assert layer_of(picture, name) == ("conv1", "weights")
    assert layer_of(picture, "conv1/MaxPool") == ("conv1 MaxPool",)
    assert picture.layers.words["conv1",] == "5×5 convolution, SAME, bias, ReLU"  # noqa: RUF001
    assert picture.layers.words["conv1 MaxPool",] == "2×2 max-pooling, stride 2, VALID"  # noqa: RUF001
    assert picture.layers.words["fc1",] == "full connection, bias, ReLU"


def test_dropout_loss_and_accuracy_are_layers(traced: Traced) -> None:
    picture = traced.pictures[0]
    words = picture.layers.words
    assert words["dropout",] == "dropout"
    assert words["loss",].startswith("softmax cross-entropy")
    assert layer_of(picture, "dropout/random_uniform/mul") == ("dropout",)
    assert layer_of(picture, "softmax_cross_entropy_with_logits_sg") == ("loss",)
    assert layer_of(picture, "Equal") == ("accuracy",)


def test_gradients_stand_with_their_layers_and_updates_apart(traced: Traced) -> None:
    boxes = {box.name: box for box in traced.pictures[0].boxes}
    gradient = boxes["gradients/conv2/Conv2D_grad/Conv2DBackpropFilter"]
    assert (gradient.layer, gradient.part) == (("conv2",), "gradient")
    update = boxes["Adam/update_fc1/weights/ApplyAdam"]
    assert (update.layer[0], update.part) == (UPDATES, "update")
    assert boxes["beta1_power"].part == boxes["global_step"].part == "update"
    assert boxes["conv2/weights"].part == boxes["conv2/weights/Adam"].part == "forward"


def test_launches_are_named_by_what_they_contain(traced: Traced) -> None:
    titles = {box.title for box in traced.pictures[-1].boxes}
    assert "conv1 + bias + pool + relu + conv2 + bias + pool + relu" in titles
    assert "fc2 + bias" in titles
    assert any(title.startswith("∇ relu + ∇ bias + ∇ pool") for title in titles)


def test_layers_without_scopes() -> None:
    """A program in the style of tutorials: no scopes, normalisation written out."""
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 8, 8, 3])
        labels = tf.placeholder(tf.float32, [None, 2])
        w = tf.Variable(tf.zeros([3, 3, 3, 4]))
        h = tf.nn.conv2d(x, w, [1, 2, 2, 1], "SAME")
        mean, variance = tf.nn.moments(h, [0, 1, 2])
        h = tf.nn.relu(tf.nn.batch_normalization(h, mean, variance, None, None, 1e-3))
        short = tf.nn.conv2d(h, tf.Variable(tf.zeros([1, 1, 4, 4])), [1, 1, 1, 1], "SAME")
        h = tf.nn.relu(short + h)
        logits = tf.matmul(tf.reshape(h, [-1, 64]), tf.Variable(tf.zeros([64, 2])))
        loss = tf.losses.softmax_cross_entropy(labels, logits)
        train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
    picture = trace(graph, [train, loss], batch_size=2, optimize="O0").pictures[0]
    words = list(picture.layers.words.values())
    assert "3×3 convolution, stride 2, SAME" in words  # noqa: RUF001
    assert "1×1 convolution" in words  # noqa: RUF001
    assert any(w.startswith("batch normalisation") or "ReLU" in w for w in words)
    assert "add, ReLU" in words
    assert "full connection" in words
    assert any("cross-entropy" in w for w in words)
    assert layer_of(picture, "Variable") == ("Conv2D", "Variable")


def test_branches_and_units_of_large_networks() -> None:
    target = load_target("googlenet", 1, inference=True)
    picture = trace(target.graph, target.fetches, batch_size=1, optimize="O0").pictures[0]
    unit = {path[-1]: words for path, words in picture.layers.words.items() if path[:2] == ("googlenet", "inception3a")}
    assert set(unit) == {"1x1", "3x3_reduce", "3x3", "5x5_reduce", "5x5", "pool", "pool_proj", "concat"}
    assert unit["concat"] == "concatenation"
