"""Networks on 8-bit integers: close to float32, with the integers used, and the same in ONNX Runtime.

Tests `quantized/network.py` and `quantization.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigraph as tf
from minigraph import quantization
from minigraph.core.errors import InvalidArgumentError

Random = np.random.RandomState


def _conv(x: Any, maps: int, size: int, stride: int = 1, act: Any = tf.nn.relu) -> Any:
    y = tf.layers.conv2d(x, maps, size, stride, "same", use_bias=False)
    y = tf.layers.batch_normalization(y, training=False)
    return y if act is None else act(y)


def _network() -> tuple[Any, dict[str, Any]]:
    """Batch normalisation, a pool, a residual, branches that are joined, a depthwise convolution, a dense layer."""
    tf.set_random_seed(0)
    x = tf.placeholder(tf.float32, [None, 24, 24, 3], name="x")
    y = tf.layers.max_pooling2d(_conv(x, 16, 5, 2), 3, 2, "same")
    y = tf.nn.relu(y + _conv(_conv(y, 16, 3), 16, 3, act=None))
    y = tf.concat([_conv(y, 8, 1), _conv(y, 12, 3, act=tf.nn.relu6)], 3)
    w = tf.get_variable("depthwise", [3, 3, 20, 1])
    y = tf.nn.relu(tf.nn.bias_add(tf.nn.depthwise_conv2d(y, w, [1, 1, 1, 1], "SAME"), tf.get_variable("b", [20])))
    return x, {"scores": tf.layers.dense(tf.reduce_mean(y, [1, 2]), 10)}


def _state() -> dict[str, Any]:
    """Values for all variables; moving variances are positive."""
    random = Random(1)
    found = {}
    for variable in tf.global_variables():
        shape = variable.shape.as_list()
        spread = (2 / max(np.prod(shape[:-1]), 1)) ** 0.5 if len(shape) > 1 else 0.2
        values = random.normal(size=shape) * spread
        positive = any(name in variable.op.name for name in ("variance", "gamma"))
        found[variable.op.name] = (np.abs(values) + 0.5 if positive else values).astype(np.float32)
    return found


def _quantized() -> tuple[Any, Any, Any]:
    """Images, their scores in float32, and the network on integers."""
    x, outputs = _network()
    images = Random(2).uniform(-1, 1, (12, 24, 24, 3)).astype(np.float32)
    with tf.Session(backend="numpy") as session:
        session.write_state(_state())
        real = session.run(outputs["scores"], {x: images})
        made = quantization.quantize_network(outputs, [{x: images[:4]}, {x: images[4:8]}], session)
    return images, real, made


def _run(made: Any, images: Any, backend: str) -> Any:
    with tf.Session(graph=made.graph, backend=backend) as session:
        return session.run(made.outputs["scores"], {made.inputs["x"]: images})


def test_the_network_on_integers_is_close_to_that_of_float32() -> None:
    images, real, made = _quantized()
    found = _run(made, images, "numpy")
    assert np.linalg.norm(found - real) <= 0.02 * np.linalg.norm(real)
    assert not any(n.type in ("VariableV2", "Rsqrt") for n in made.graph.nodes)


def _single(instr: Any) -> list[Any]:
    """The instruction, or those in its region and the regions in it."""
    return [i for member in getattr(instr.op, "members", ()) for i in _single(member)] or [instr]


def test_all_products_but_the_depthwise_one_run_on_integers() -> None:
    images, _, made = _quantized()
    with tf.Session(graph=made.graph, backend="llvm") as session:
        plan, _ = session.plan_for(made.outputs["scores"], {made.inputs["x"]: images})
        text = "\n".join(str(step.instr.op) for step in plan.steps)
        joined = [i for step in plan.steps for i in _single(step.instr)]
    names = [type(getattr(i.op, "op", i.op)).__name__ for i in joined]
    assert names.count("IntegerConv2D") == 5, text
    assert names.count("IntegerMatMul") == 1
    assert names.count("Conv2D") == 1
    (parts,) = [i for i in joined if type(i.op).__name__ == "ConcatV2"]
    assert parts.types[0].dtype is tf.uint8, "the branches share a range, so the integers are joined"


def test_onnx_runtime_computes_the_same(tmp_path: Path) -> None:
    from support import onnx_runtime

    from minigraph.onnx import save

    images, _, made = _quantized()
    with made.graph.as_default():
        save(tmp_path / "model.onnx", made.outputs)
    (expected,) = onnx_runtime.evaluate(tmp_path / "model.onnx", {"x": images}, optimised=False)
    spread = np.abs(expected - expected.mean(0)).max()
    for backend in ("numpy", "llvm"):
        np.testing.assert_allclose(_run(made, images, backend), expected, atol=0.03 * spread)


def test_weights_that_lose_much_by_rounding_are_made_up_for_in_the_bias() -> None:
    """One weight sets the scale, so that the others are rounded to 0; their part of the mean is kept."""
    x = tf.placeholder(tf.float32, [None, 64], name="x")
    w = np.full((64, 1), 0.3, np.float32)
    w[0] = 127
    images = np.abs(Random(0).normal(size=(32, 64)).astype(np.float32)) + 3
    with tf.Session() as session:
        made = quantization.quantize_network({"scores": tf.matmul(x, w)}, [{x: images}], session)
    found = _run(made, images, "numpy")
    want = images.astype(np.float64) @ w
    assert abs((found - want).mean()) < 1 < 0.3 * images[:, 1:].sum(1).mean()


def test_what_cannot_be_quantised_is_refused() -> None:
    x = tf.placeholder(tf.float32, [None, 4], name="x")
    with tf.Session() as session:
        with pytest.raises(InvalidArgumentError, match="no convolution or matrix product"):
            quantization.quantize_network({"y": tf.nn.relu(x)}, [{x: np.ones((1, 4))}], session)
        with pytest.raises(InvalidArgumentError, match="needs calibration images"):
            quantization.quantize_network({"y": tf.matmul(x, np.ones((4, 2), np.float32))}, [], session)
