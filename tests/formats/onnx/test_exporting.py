"""Exporters against ONNX Runtime: each op on its sample cases, in both layouts, and networks.

Tests `formats/onnx/elementwise_export.py`, `formats/onnx/shape_export.py` and `formats/onnx/emit.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the onnx package")

from support import onnx_runtime  # noqa: E402

import minigraph as tf  # noqa: E402
from minigraph.core.op import Op, Sample  # noqa: E402
from minigraph.formats.onnx.table import EXPORTERS  # noqa: E402
from minigraph.onnx import load, to_model  # noqa: E402
from minigraph.ops.array.gathering import GatherGrad  # noqa: E402
from minigraph.ops.nn.conv2d import grouped_conv2d  # noqa: E402
from minigraph.ops.registry import find_op  # noqa: E402

RANDOM = np.random.RandomState(3)
NARROW = {np.dtype(np.float64): np.float32}  # which is what ONNX Runtime has all operators for
APART = ("MaxPoolGrad",)  # reads an output of max_pool that ONNX does not have


def in_runtime(model: Any, feeds: dict[str, np.ndarray]) -> list[Any]:
    onnx.checker.check_model(model, full_check=True)
    return onnx_runtime.evaluate(model, feeds)


def samples() -> Iterator[Any]:
    for name in sorted(EXPORTERS.keys() - APART):
        kind = find_op(name)
        assert kind is not None, name
        for i, sample in enumerate(kind.samples()):
            if sample.inputs:
                yield pytest.param(sample, id=f"{name}-{i}")


@pytest.mark.parametrize("sample", list(samples()))
def test_sample(sample: Sample) -> None:
    arrays = [np.asarray(a) for a in sample.inputs]
    arrays = [a.astype(NARROW.get(a.dtype, a.dtype)) for a in arrays]
    check_op(sample.op, arrays)


def check_op(op: Op, arrays: list[np.ndarray]) -> None:
    with tf.Graph().as_default() as graph:
        inputs = [tf.placeholder(a.dtype, a.shape, f"x{i}") for i, a in enumerate(arrays)]
        node = graph.add(op, inputs)
        outputs = node.outputs[:1] if node.type == "MaxPool" else node.outputs
        model = to_model(outputs, inputs)
    got = in_runtime(model, {f"x{i}": a for i, a in enumerate(arrays)})
    wanted = op.forward(np, *arrays)
    for mine, theirs in zip(got, wanted, strict=False):
        assert mine.dtype == theirs.dtype
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)


def image_functions() -> Iterator[Any]:
    """Of an image [N,5,6,4] that a convolution gives, so that it has its channels first on the other side."""
    vector = RANDOM.randn(4).astype(np.float32)
    functions = {
        "bias": lambda x: tf.nn.bias_add(x, vector),
        "add vector": lambda x: tf.nn.relu(x) + vector,
        "add two": lambda x: x + tf.nn.relu(x),
        "scalar": lambda x: tf.maximum(x * 2.0, 0.5),
        "concat": lambda x: tf.concat([x, tf.nn.relu(x)], 3),
        "concat rows": lambda x: tf.concat([x, tf.nn.relu(x)], 1),
        "split": lambda x: tf.split(x, 2, 3)[1] * 2.0,
        "softmax": tf.nn.softmax,
        "global mean": lambda x: tf.reduce_mean(x, [1, 2]),
        "global mean kept": lambda x: tf.nn.relu(tf.reduce_mean(x, [1, 2], keepdims=True)),
        "mean of channels": lambda x: tf.reduce_mean(x, [3]),
        "rows of channels": lambda x: tf.reduce_max(x, [1]),
        "flatten": lambda x: tf.reshape(x, [-1, 120]),
        "flatten one pixel": lambda x: tf.reshape(tf.reduce_mean(x, [1, 2], keepdims=True), [-1, 4]),
        "slice": lambda x: x[:, 1:-1, ::2, 1:3],
        "index": lambda x: x[:, 1, :, None, -1],
        "backwards": lambda x: x[:, ::-1],
        "pad": lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 1], [0, 0]]),
        "reflect": lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 1], [0, 0]], "REFLECT"),
        "transpose": lambda x: tf.transpose(x, [0, 3, 1, 2]),
        "back and forth": lambda x: tf.nn.relu(tf.transpose(tf.transpose(x, [0, 3, 1, 2]), [0, 2, 3, 1])),
        "max pool": lambda x: tf.nn.max_pool(x, 3, 2, "SAME"),
        "mean pool": lambda x: tf.nn.avg_pool(x, 3, 2, "SAME"),
        "norm": lambda x: tf.nn.batch_normalization(x, vector, np.abs(vector), vector, vector, 1e-3),
        "compare": lambda x: tf.where(x > 0.0, x, tf.zeros_like(x)),
        "moments": lambda x: tf.nn.moments(x, [1, 2])[1],
        "shape": lambda x: tf.reshape(x, tf.stack([tf.shape(x)[0], 30, 4])),
        "groups": lambda x: grouped_conv2d(x, np.ones((3, 3, 2, 6), np.float32), 2, 2, "SAME"),
    }
    for name, function in functions.items():
        yield pytest.param(function, id=name)


@pytest.mark.parametrize("function", list(image_functions()))
def test_layouts(function: Any) -> None:
    image = RANDOM.randn(2, 5, 6, 3).astype(np.float32)
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 5, 6, 3], "x")
        w = tf.Variable(RANDOM.randn(3, 3, 3, 4).astype(np.float32))
        y = tf.identity(function(tf.nn.conv2d(x, w, 1, "SAME")), name="y")
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            wanted = session.run(y, {x: image})
            model = to_model(y, variables=session)
    (got,) = in_runtime(model, {"x": image})
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)
    with tf.Graph().as_default():
        found = load(model)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            again = session.run(found.outputs["y"], {found.inputs["x"]: image})
    np.testing.assert_allclose(again, wanted, rtol=1e-4, atol=1e-5)


def test_slices_pads_and_places_that_depend_on_inputs() -> None:
    with tf.Graph().as_default():
        x, begin = tf.placeholder(tf.float32, [None, None], "x"), tf.placeholder(tf.int32, [2], "begin")
        values, numbers = tf.unique(tf.reshape(x, [-1]))
        outputs = [
            tf.slice(x, begin, [1, 2]), tf.pad(x, [[tf.shape(x)[0], 0], [0, 1]], constant_values=7),
            tf.where(x > 1.0), values, numbers,
            tf.range(tf.shape(x)[1], 12, 3), tf.rank(x),
        ]  # fmt: skip
        feeds = {
            "x": np.array([[1, 2, 3], [2, 0, 5]], np.float32), "begin": np.array([1, 1], np.int32),
        }  # fmt: skip
        inputs = {t.node.name: t for t in (x, begin)}
        with tf.Session(backend="numpy") as session:
            wanted = session.run(outputs, {inputs[k]: v for k, v in feeds.items()})
        model = to_model({f"y{i}": t for i, t in enumerate(outputs)}, list(inputs.values()))
    for mine, theirs in zip(in_runtime(model, feeds), wanted, strict=True):
        assert mine.dtype == theirs.dtype
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("axis", [1, 2, -1])
@pytest.mark.parametrize("shape", [(), (5,), (2, 3)])
def test_the_gradient_of_gather(axis: int, shape: tuple[int, ...]) -> None:
    like = np.zeros((2, 3, 4), np.float32)
    indices = RANDOM.randint(3, size=shape).astype(np.int32)
    grad = RANDOM.randn(*np.take(like, indices, axis).shape).astype(np.float32)
    check_op(GatherGrad(axis), [grad, indices, like])


def losses() -> dict[str, Any]:
    """Of labels [N,5], class numbers [N] and logits [N,5]."""
    return {
        "dense": lambda y, n, z: tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=z)),
        "sparse": lambda y, n, z: tf.losses.sparse_softmax_cross_entropy(n, z),
        "squares": lambda y, n, z: tf.reduce_mean(tf.square(z - y)),
        "l2": lambda y, n, z: tf.reduce_sum(tf.square(tf.nn.relu6(z)), 1) + tf.nn.l2_loss(z),
    }


@pytest.mark.parametrize("batch", [None, 3])
@pytest.mark.parametrize("loss", losses())
def test_losses_and_gradients(loss: str, batch: int | None) -> None:
    """A training graph's loss, and its gradients with respect to the image and to all weights."""
    image = RANDOM.randn(3, 9, 8, 4).astype(np.float32)
    labels, numbers = RANDOM.rand(3, 5).astype(np.float32), np.array([4, 0, 2], np.int32)
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [batch, 9, 8, 4], "x")
        y, n = tf.placeholder(tf.float32, [batch, 5], "y"), tf.placeholder(tf.int32, [batch], "n")
        h = tf.layers.conv2d(x, 6, 3, 2, activation=tf.nn.relu)
        h = grouped_conv2d(h, tf.Variable(RANDOM.randn(3, 3, 3, 8).astype(np.float32)), 2, 1, "SAME")
        h = tf.layers.max_pooling2d(tf.pad(h[:, :3], [[0, 0], [1, 1], [0, 0], [0, 0]], "REFLECT"), 3, 2, "SAME")
        h = tf.concat([h, tf.layers.average_pooling2d(tf.tile(h, [1, 1, 2, 1]), 2, 2)[:, :1, :2]], 1)
        h = tf.nn.local_response_normalization(h, 2)
        z = tf.layers.dense(tf.reshape(h, [-1, 64]), 5)
        total = losses()[loss](y, n, z)
        outputs = [total, *tf.gradients(total, [x, *tf.trainable_variables()])]
        with tf.Session(backend="numpy") as session:
            session.run(tf.global_variables_initializer())
            wanted = session.run(outputs, {x: image, y: labels, n: numbers})
            model = to_model({f"y{i}": t for i, t in enumerate(outputs)}, [x, y, n], variables=session)
    got = in_runtime(model, {"x": image, "y": labels, "n": numbers})
    for mine, theirs in zip(got, wanted, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-4)


def test_a_network_has_one_transpose_at_each_end() -> None:
    with tf.Graph().as_default():
        x = image = tf.placeholder(tf.float32, [None, 8, 8, 3], "x")
        for _ in range(3):
            w = tf.get_variable(f"w{x.node.id}", [3, 3, x.shape[3], 4])
            y = tf.nn.bias_add(tf.nn.conv2d(x, w, 1, "SAME"), np.ones(4, np.float32))
            x = tf.nn.relu(y) if x is image else tf.nn.relu(x + y)
        model = to_model(tf.nn.max_pool(x, 2, 2, "VALID"))
    kinds = [n.op_type for n in model.graph.node]
    assert kinds == ["Transpose", "Conv", "Relu", *["Conv", "Add", "Relu"] * 2, "MaxPool", "Transpose"]
