"""Whole ONNX models: those that the onnx package ships, with random weights in place of their constant ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the onnx package")

from support import onnx_runtime  # noqa: E402
from support.onnx_suite import evaluate  # noqa: E402

FOLDER = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
QUICK = ["light_squeezenet", "light_shufflenet"]
SLOW = [
    "light_bvlc_alexnet", "light_densenet121", "light_inception_v1", "light_inception_v2", "light_resnet50",
    "light_vgg19", "light_zfnet512",
]  # fmt: skip


def test_the_list_is_complete() -> None:
    assert sorted(p.stem for p in FOLDER.glob("*.onnx")) == sorted(QUICK + SLOW)


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(n, marks=pytest.mark.slow) for n in SLOW)])
def test_light_model(name: str) -> None:
    model = randomised(onnx.load(FOLDER / f"{name}.onnx"))
    image = np.random.RandomState(1).uniform(-1, 1, (1, 3, 224, 224)).astype(np.float32)
    data = next(i.name for i in model.graph.input if i.name.endswith("data_0"))
    (wanted,) = onnx_runtime.evaluate(model, {data: image})
    (got,) = evaluate(model, {data: image}, variables=True)
    assert np.std(wanted) > 1e-3  # with constant weights all classes come out equal
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())


def randomised(model: Any) -> Any:
    """The model up to its softmax, with random weights: positive vectors, and matrices and filters by their fan-in."""
    random = np.random.RandomState(0)
    graph, model.ir_version = model.graph, 8
    shapes = {i.name: onnx.numpy_helper.to_array(i) for i in graph.initializer}
    filled = [n for n in graph.node if n.op_type == "ConstantOfShape"]
    weights = {n.output[0]: [int(d) for d in shapes[n.input[0]]] for n in filled}
    weights |= {n: list(a.shape) for n, a in shapes.items() if a.dtype == np.float32}
    for node in filled:
        graph.node.remove(node)
    kept = [i for i in graph.initializer if i.name not in weights]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    for name, shape in weights.items():
        fan_in = np.prod(shape[1:]) if len(shape) > 1 else 1
        array = random.randn(*shape) / np.sqrt(fan_in) if len(shape) > 1 else random.uniform(0.5, 1.5, shape)
        graph.initializer.append(onnx.numpy_helper.from_array(array.astype(np.float32), name))
    last = graph.node[-1]
    if last.op_type == "Softmax":
        graph.node.remove(last)
        graph.output[0].name = last.input[0]
    return model
