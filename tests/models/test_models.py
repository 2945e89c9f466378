"""The table of networks, what it says of each, and that each can be drawn and trained.

Tests `models/`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import minigraph as tf
from minigraph import models
from minigraph.models import MODELS, Model, get_model
from minigraph.models.layers import conv
from minigraph.models.record import Preprocessing
from minigraph.tools.cli import main
from minigraph.tools.shared.target import TargetError, load_target

# From the papers, textbooks and the documentation of other frameworks.
PARAMETERS = {
    "mnist-cnn": 6_640_394,
    "folder-cnn": 9_024_131,
    "lenet5": 60_000,
    "lenet5-modern": 61_706,
    "vgg-small": 879_914,
    "resnet20": 272_474,
    "mobilenet": 3_217_226,
    "alexnet": 60_965_224,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "googlenet": 6_998_552,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "inception-v3": 23_834_568,
    "squeezenet": 1_235_496,
    "efficientnet-lite0": 4_652_008,
}

every = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)


@every
def test_parameters(model: Model) -> None:
    assert model.parameters() == model.trainable == PARAMETERS[model.name]


@pytest.mark.parametrize(
    ("build", "options", "count"),
    [
        (models.lenet5, {"full_c3": True}, 60_900),
        (models.googlenet, {"aux_heads": True}, 13_378_280),
        (models.mobilenet, {"num_classes": 1000, "stem_stride": 2}, 4_231_976),
        (models.inception_v3, {"scale": False}, 23_817_352),
        (models.inception_v3, {"aux_head": True}, 27_161_264),
    ],
)
def test_parameters_of_variants(build: Any, options: dict[str, Any], count: int) -> None:
    size, channels = {
        models.lenet5: (32, 1),
        models.mobilenet: (224, 3),
        models.googlenet: (224, 3),
        models.inception_v3: (299, 3),
    }[build]
    with tf.Graph().as_default():
        build(tf.placeholder(tf.float32, [None, size, size, channels]), **options)
        assert sum(v.value().type.size for v in tf.trainable_variables()) == count


@every
def test_end_points(model: Model) -> None:
    with tf.Graph().as_default():
        images = tf.placeholder(tf.float32, [None, *model.image_shape])
        logits, ends = model.build(images)
        assert list(ends)[-2:] == ["logits", "predictions"]
        assert ends["logits"] is logits
        assert ends["predictions"].shape.as_list() == [None, model.classes]
        rank = len(ends[model.bottleneck].shape.as_list())
        assert rank == 2, "a classifier can be put on it"


def test_the_command_lists_them() -> None:
    result = CliRunner().invoke(main, ["models"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    for name, count in PARAMETERS.items():
        assert name in result.output
        assert f"{count:,}" in result.output


def test_there_is_no_recipe_for_squeezenet() -> None:
    result = CliRunner().invoke(main, ["train", "squeezenet"])
    assert result.exit_code == 2
    assert "squeezenet has no recipe for training from scratch; models with one: mnist-cnn" in result.output


def test_preprocessing() -> None:
    red = np.array([[[255, 0, 0]]], np.uint8)
    assert Preprocessing("BGR", (1, 2, 3), (1, 1, 2)).apply(red).tolist() == [[[-1, -2, 126]]]
    with pytest.raises(ValueError, match="expected 1 channels"):
        Preprocessing("L", (0,), (255,)).apply(red)


def test_one_scope_with_two_networks_that_share_variables() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        images = tf.placeholder(tf.float32, [None, 35, 35, 3])
        models.squeezenet(images, num_classes=3, width=0.1, is_training=True)
        before = len(tf.global_variables())
        again, _ = models.squeezenet(images, num_classes=3, width=0.1, reuse=True)
        assert len(tf.global_variables()) == before
        session.run(tf.global_variables_initializer())
        assert session.run(again, {images: np.ones((2, 35, 35, 3))}).shape == (2, 3)


def test_stored_values() -> None:
    """A torch matrix after a flattened [2, 3, 4] map of channels first becomes one for channels last."""
    theirs = np.random.RandomState(0).randn(5, 4 * 2 * 3)  # [out, C·H·W]
    maps = np.random.RandomState(1).randn(2, 3, 4)
    stored = models.Stored("w", (2, 3, 1, 0), (5, 4, 2, 3))
    ours = stored.to_variable(theirs, (24, 5))
    np.testing.assert_allclose(maps.ravel() @ ours, theirs @ maps.transpose(2, 0, 1).ravel())


def test_layouts_name_every_variable_once() -> None:
    for model in MODELS:
        with tf.Graph().as_default():
            model.build(tf.placeholder(tf.float32, [None, *model.image_shape]))
            variables = tf.global_variables()
        for layout in model.layouts.values():
            found = [layout(v.op.name.partition("/")[2], v.type.static).name for v in variables]
            assert len(set(found)) == len(variables)


def test_bad_names() -> None:
    with pytest.raises(models.UnknownModelError, match="did you mean squeezenet"):
        get_model("squeeze-net")


# Image sizes at which nothing vanishes, and widths at which a step is quick.
REDUCED = {
    "mnist-cnn": (28, 0.05),
    "folder-cnn": (16, 0.1),
    "lenet5": (32, 1.0),
    "lenet5-modern": (32, 1.0),
    "vgg-small": (32, 0.1),
    "resnet20": (32, 0.25),
    "mobilenet": (32, 0.1),
    "alexnet": (67, 0.05),
    "vgg16": (32, 0.05),
    "vgg19": (32, 0.05),
    "googlenet": (80, 0.1),
    "resnet18": (33, 0.05),
    "resnet34": (33, 0.05),
    "resnet50": (33, 0.05),
    "resnet101": (33, 0.05),
    "resnet152": (33, 0.05),
    "inception-v3": (299, 0.07),
    "squeezenet": (31, 0.1),
    "efficientnet-lite0": (33, 0.1),
}


DEEP = ("resnet101", "resnet152", "inception-v3")  # compiling their training takes seconds: no passes in the quick test


def train_a_step(model: Model, images: int, size: int, width: float, optimize: str = "O3") -> None:
    """Inference gives probabilities, and one training step changes every variable, and the loss."""
    classes = min(model.classes, 10) if width < 1 else model.classes
    random = np.random.RandomState(0)
    batch = random.standard_normal((images, size, size, model.channels)).astype(np.float32)
    inference = models.classifier(model, False, width, size, classes)
    with tf.Session(graph=inference.graph) as session:
        session.run([v.initializer for v in inference.graph.get_collection("variables")])
        found = session.run(inference.end_points["predictions"], {inference.images: batch})
    assert found.shape == (images, classes)
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-4)

    network = models.classifier(model, True, width, size, classes, learning_rate=1.0)  # a small gradient shows, too
    trained = network.graph.get_collection("trainable_variables")
    with tf.Session(graph=network.graph, optimize=optimize) as session:
        session.run([v.initializer for v in network.graph.get_collection("variables")])
        before, logits = session.run([trained, network.logits], {network.images: batch})
        unlikely = np.eye(classes, dtype=np.float32)[logits.argmin(1)]  # so that there is something to learn
        feeds = {network.images: batch, network.labels: unlikely}
        loss, _ = session.run([network.loss, network.train], feeds)
        assert np.isfinite(loss)
        after = session.run(trained)
        still = [v.name for v, a, b in zip(trained, before, after, strict=True) if np.array_equal(a, b)]
    assert not still


# The residual networks of 34, 101 and 152 layers are those of 18 and 50 with other numbers, so they are trained slowly.
REPEATED = ("resnet34", "resnet101", "resnet152")


@pytest.mark.parametrize(
    "model",
    [pytest.param(m, marks=pytest.mark.slow if m.name in REPEATED else [], id=m.name) for m in MODELS],
)
def test_a_step_at_reduced_size(model: Model) -> None:
    train_a_step(model, 2, *REDUCED[model.name], optimize="O0" if model.name in DEEP else "O3")


@pytest.mark.slow
@every
def test_a_step_at_full_size(model: Model) -> None:
    images = 1 if model.name != "inception-v3" else 2  # its head normalises single pixels, of which one alone is 0
    train_a_step(model, images, model.image_size, 1.0)


# what the chapter says of the parts


def test_a_1x1_convolution_makes_20_maps_of_160_with_3200_weights() -> None:
    with tf.Graph().as_default():
        assert conv(tf.placeholder(tf.float32, [None, 7, 7, 160]), 20, 1).shape.as_list() == [None, 7, 7, 20]
        (weights,) = (v for v in tf.trainable_variables() if v.op.name == "conv/weights")
        assert weights.value().type.size == 3200


@pytest.mark.parametrize(("layers", "size"), [([3, 3], 5), ([5], 5), ([3, 3, 3], 7)])
def test_two_3x3_convolutions_see_what_one_5x5_sees(layers: list[int], size: int) -> None:
    """The pixels that one output depends on, with weights that are all 1."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = y = tf.ones([1, 11, 11, 1])
        for side in layers:
            y = tf.nn.conv2d(y, tf.ones([side, side, 1, 1]), [1, 1, 1, 1], "SAME")
        (seen,) = tf.gradients(y[0, 5, 5, 0], x)
        rows, columns = np.nonzero(session.run(seen)[0, :, :, 0])
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (size, size)


@pytest.mark.parametrize("model", [m for m in MODELS if m.name not in DEEP], ids=lambda model: model.name)
def test_the_tools_take_every_network(model: Model) -> None:
    target = load_target(model.name, 1, inference=True)
    (image,) = (value for value in target.feeds.values() if np.ndim(value))
    assert image.size == np.prod(model.image_shape)
    assert len(target.fetches) == 1


def test_the_tools_take_a_training_step() -> None:
    target = load_target("lenet5", 2)
    with target.session() as session:
        _, loss, _ = session.run(target.fetches, target.feeds)
    assert np.isfinite(loss)
    result = CliRunner().invoke(main, ["bisect", "lenet5-modern", "--batch-size", "1"])
    assert result.output == "no pass changes the results\n"


def test_bad_target() -> None:
    with pytest.raises(TargetError, match="unknown model 'resnet51'"):
        load_target("resnet51")
