"""ONNX's backend interface; its own runner has its test in test_nodes.py, beside the cases that it loads."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the onnx package")

import minigraph as tf  # noqa: E402
from minigraph.onnx import Backend, UnsupportedError, to_model  # noqa: E402


def test_models_and_devices() -> None:
    with tf.Graph().as_default():
        x, y = tf.placeholder(tf.float32, [2], "x"), tf.placeholder(tf.float32, [2], "y")
        model = to_model({"sum": x + y, "product": x * y})
    a, b = np.array([1, 2], np.float32), np.array([3, 5], np.float32)
    prepared = Backend.prepare(model)
    for given in ([a, b], {"y": b, "x": a}):
        total, product = prepared.run(given)
        np.testing.assert_array_equal(total, a + b)
        np.testing.assert_array_equal(product, a * b)
    assert Backend.is_compatible(model)
    assert Backend.supports_device("CPU")
    assert not Backend.supports_device("TPU")
    with pytest.raises(UnsupportedError, match="inputs \\['x', 'y'\\], but 1 arrays"):
        prepared.run([a])
    with pytest.raises(UnsupportedError, match="no device TPU"):
        Backend.prepare(model, "TPU")


def test_a_node() -> None:
    node = onnx.helper.make_node("Sub", ["a", "b"], ["c"])
    (c,) = Backend.run_node(node, [np.array([5.0], np.float32), np.array([2.0], np.float32)])
    assert c.tolist() == [3.0]
