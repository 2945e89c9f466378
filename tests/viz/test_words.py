"""What a layer computes, in words."""

from __future__ import annotations

import pytest

import minigraph as tf
from minigraph.viz.picture import picture_of_graph
from minigraph.viz.words import short


def words(**options: object) -> str:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [2, 9, 9, 4])
        tf.nn.conv2d(x, tf.zeros([3, 5, 4, 8]), **options, name="conv")
    return picture_of_graph(graph).layers.words["conv",]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"strides": [1, 1, 1, 1], "padding": "SAME"}, "3×5 convolution, SAME"),  # noqa: RUF001
        ({"strides": [1, 2, 2, 1], "padding": "VALID"}, "3×5 convolution, stride 2, VALID"),  # noqa: RUF001
        (
            {"strides": [1, 1, 1, 1], "padding": [[0, 0], [2, 2], [2, 2], [0, 0]]},
            "3×5 convolution, padding 2",  # noqa: RUF001
        ),
    ],
)
def test_a_convolution(options: dict[str, object], expected: str) -> None:
    assert words(**options) == expected


def test_short_words_for_parts_of_a_launch() -> None:
    assert [short(op) for op in ("Conv2D", "BiasAdd", "Relu", "MaxPool")] == ["conv", "bias", "relu", "pool"]
    assert [short(op) for op in ("ReluGrad", "MaxPoolInputGrad", "WinogradGrads")] == ["∇ relu", "∇ pool", "∇ winograd"]
