"""`minigraph summary`: layers, shapes, parameters, FLOPs and memory, against sums made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from minigraph.core.errors import ShapeError
from minigraph.models import get_model
from minigraph.tools.cli import main
from minigraph.tools.summary import summarise
from minigraph.viz.layer_summary import LayerSummary


def run(*args: Any) -> Result:
    return CliRunner().invoke(main, [str(a) for a in args])


def layer(name: str, model: str, **options: Any) -> LayerSummary:
    return next(found for found in summarise(get_model(model), **options).layers if found.name.endswith(name))


def test_a_convolution() -> None:
    found = layer("conv2", "alexnet", batch_size=2)
    outputs = 2 * 27 * 27 * 256
    assert found.output is not None
    assert found.output.shape == (2, 27, 27, 256)
    assert found.operations == ["Conv2D", "BiasAdd", "Relu"]
    assert found.parameters == 5 * 5 * 48 * 256 + 256
    assert found.flops == outputs * (2 * 5 * 5 * 48 + 2)  # products and sums, the bias, ReLU
    assert found.nbytes == 4 * outputs


def test_batch_normalisation_is_a_layer() -> None:
    assert layer("block1/unit_1/conv1", "resnet50").parameters == 64 * 64
    found = layer("block1/unit_1/conv1/norm", "resnet50")
    assert (found.parameters, found.frozen) == (2 * 64, 2 * 64)
    assert found.operations[-1] == "Relu"
    assert summarise(get_model("resnet50")).frozen == 53_120  # two for each of the normalised maps


def test_views_take_no_memory() -> None:
    assert layer("flatten", "vgg16", image_size=32).nbytes == 0


@pytest.mark.parametrize(
    "name", ["mnist-cnn", "lenet5", "alexnet", "vgg19", "googlenet", "resnet18", "inception-v3", "efficientnet-lite0"]
)
def test_all_parameters_and_costs_are_counted(name: str) -> None:
    model = get_model(name)
    found = summarise(model)
    assert sum(each.parameters for each in found.layers) == model.parameters()
    assert all(each.flops is not None for each in found.layers)


def test_floating_point_operations() -> None:
    """VGG16 makes 15.5 thousand million products (He et al. 2015), ResNet-50 4.1 as torchvision has it."""
    for name, products in (("vgg16", 15.5e9), ("resnet50", 4.1e9)):
        flops = sum(each.flops or 0 for each in summarise(get_model(name)).layers)
        assert flops == pytest.approx(2 * products, rel=0.01)


def test_the_command() -> None:
    result = run("summary", "squeezenet", "--batch-size", 3, "--image-size", 63)
    assert result.exit_code == 0
    for expected in ("fire2/squeeze1x1", "(3, 31, 31, 64)", "images (3, 63, 63, 3)", "1,235,496 trainable parameters"):
        assert expected in result.output


def test_totals_without_a_cost() -> None:
    found = summarise(get_model("lenet5"))
    found.layers[0].flops = None
    assert found.totals()[2].startswith("at least ")


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["vgg-16"], "unknown model 'vgg-16' (did you mean vgg16?)"),
        (["vgg16", "--image-size", 16], "vgg16 does not take images of 16 x 16: Negative dimension size"),
        (["vgg16", "--batch-size", 0], "expected a whole number at least 1, got 0"),
    ],
)
def test_bad_input(args: list[Any], expected: str) -> None:
    result = run("summary", *args)
    assert result.exit_code in (1, 2)
    assert expected in result.output


def test_images_that_are_too_small_name_the_line_of_the_network() -> None:
    with pytest.raises(ShapeError, match=r"models/vgg.py:\d+, in vgg"):
        summarise(get_model("vgg16"), image_size=16)


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text("""import minigraph as tf
x = tf.placeholder(tf.float32, [None, 6], name="x")
y = tf.placeholder(tf.float32, [None, 2], name="y")
hidden = tf.layers.dense(x, 5, tf.nn.relu, name="hidden")
cost = tf.reduce_mean(tf.square(tf.layers.dense(hidden, 2, name="out") - y))
step = tf.train.AdamOptimizer().minimize(cost)
""")
    result = run("summary", file, "--batch-size", 3)
    assert result.exit_code == 0, result.output
    for expected in ("hidden", "(3, 5)", f"{6 * 5 + 5 + 5 * 2 + 2} trainable parameters", "x (3, 6), y (3, 2)"):
        assert expected in result.output
    assert "--image-size is for the models" in run("summary", file, "--image-size", 3).output
    assert "no such file" in run("summary", tmp_path / "other.py").output


def test_underscores_and_hyphens() -> None:
    assert run("summary", "lenet5_modern").output == run("summary", "lenet5-modern").output
