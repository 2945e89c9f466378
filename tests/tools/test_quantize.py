"""The command `quantize`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("onnx", reason="needs the onnx package")

import onnx
from PIL import Image

import minigraph as tf
from minigraph.onnx import save
from minigraph.tools.cli import main


def run(*args: Any) -> Any:
    return CliRunner().invoke(main, ["quantize", *map(str, args)])


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(6):
        pixels = np.random.RandomState(i).randint(0, 256, (20, 24, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return folder


def write_network(path: Path, channels: int, layout: Any) -> None:
    """A small network with random weights."""
    with tf.Graph().as_default():
        tf.set_random_seed(0)
        x = tf.placeholder(tf.float32, [None, 16, 16, channels], name="images")
        y = tf.layers.conv2d(x, 8, 3, activation=tf.nn.relu)
        save(path, {"scores": tf.layers.dense(tf.layers.flatten(y), 5)}, layout=layout)


@pytest.mark.parametrize(("channels", "layout"), [(3, "NCHW"), (3, "NHWC"), (1, "NCHW")])
def test_an_onnx_model(channels: int, layout: str, photos: Path, tmp_path: Path) -> None:
    write_network(tmp_path / "real.onnx", channels, layout)
    result = run(tmp_path / "real.onnx", "--images", photos, "-o", tmp_path / "whole.onnx", "--count", 4)
    assert result.exit_code == 0, result.output
    assert "4 images chose the ranges" in result.output
    assert "of 2 images" in result.output
    real, whole = (onnx.load(tmp_path / f"{name}.onnx") for name in ("real", "whole"))
    assert [i.name for i in whole.graph.input] == [i.name for i in real.graph.input]
    assert [o.name for o in whole.graph.output] == ["scores"]
    kinds = {i.name: i.data_type for i in whole.graph.initializer}
    assert sum(kind == onnx.TensorProto.INT8 for kind in kinds.values()) >= 2
    again = CliRunner().invoke(main, ["run-onnx", str(tmp_path / "whole.onnx"), "--backend", "numpy", "--runs", "1"])
    assert again.exit_code == 0, again.output


def test_a_model_needs_weights(photos: Path, tmp_path: Path) -> None:
    result = run("squeezenet", "--images", photos, "-o", tmp_path / "whole.onnx")
    assert result.exit_code == 2
    assert "squeezenet needs weights" in result.output


def test_the_result_is_an_onnx_file(photos: Path, tmp_path: Path) -> None:
    result = run("squeezenet", "--images", photos, "-o", tmp_path / "whole.pb")
    assert result.exit_code == 2
    assert "ends in .onnx" in result.output


@pytest.mark.slow
@pytest.mark.skipif("MINIGRAPH_DATA" not in os.environ, reason="needs photographs and weights in MINIGRAPH_DATA")
def test_real_photos_keep_their_classes(tmp_path: Path) -> None:
    data = Path(os.environ["MINIGRAPH_DATA"])
    (weights,) = (data / "weights").glob("squeezenet*.h5")
    result = run("squeezenet", "--weights", weights, "--images", data / "photos", "-o", tmp_path / "whole.onnx")
    assert result.exit_code == 0, result.output
    words = result.output.split()
    same, total = int(words[-4]), int(words[-2])
    assert same >= 0.9 * total
