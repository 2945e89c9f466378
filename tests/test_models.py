"""The table of networks, what it says of each, and that each can be drawn and trained."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner

import minigraph as tf
from minigraph import models
from minigraph.models import MODELS, Model, get_model
from minigraph.models.record import Preprocessing
from minigraph.tools.cli import main

PARAMETERS = {"mnist-cnn": 6_640_394, "squeezenet": 1_235_496}

every = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)


@every
def test_parameters(model: Model) -> None:
    assert model.parameters() == PARAMETERS[model.name]


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
    assert result.exit_code == 1
    assert "no recipe to train squeezenet from scratch; there is for: mnist-cnn" in result.output


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
