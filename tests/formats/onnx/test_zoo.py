"""Each network of the zoo as an ONNX model: checked, run by ONNX Runtime, and imported again."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the onnx package")

from support import onnx_runtime  # noqa: E402
from support.onnx_suite import evaluate  # noqa: E402

import minigraph as tf  # noqa: E402
from minigraph.models.classifier import Classifier, classifier  # noqa: E402
from minigraph.models.record import Model  # noqa: E402
from minigraph.models.registry import MODELS  # noqa: E402
from minigraph.onnx import to_model  # noqa: E402

# Image sizes at which nothing vanishes, where that is not 33.
SIZES = {"alexnet": 67, "googlenet": 80, "inception-v3": 299, "lenet5": 32, "lenet5-modern": 32, "mnist-cnn": 28}
WIDTHS = {"lenet5": 1.0, "lenet5-modern": 1.0}  # where it is not 0.1
CLASSES = {"lenet5": 10, "lenet5-modern": 10}  # where it is not 5

DEEP = ("inception-v3", "resnet101", "resnet152")  # to compile them twice takes long

every = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)


def random_weights(network: Classifier) -> dict[str, np.ndarray]:
    """Vectors around 1, so that variances are positive; the rest by their fan-in."""
    random = np.random.RandomState(0)
    values = {}
    for variable in network.graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES):
        shape = variable.type.static
        array = random.uniform(0.5, 1.5, shape)
        if len(shape) > 1:
            array = random.standard_normal(shape) * np.sqrt(2 / np.prod(shape[:-1]))
        values[variable.op.name] = array.astype(np.float32)
    return values


def check_round_trip(model: Model, size: int, width: float, classes: int, count: int, again: bool) -> None:
    network = classifier(model, False, width, size, classes)
    images = np.random.RandomState(1).standard_normal((count, *network.images.shape.as_list()[1:])).astype(np.float32)
    with tf.Session(graph=network.graph) as session:
        session.write_state(random_weights(network))
        wanted = session.run(network.logits, {network.images: images})
        exported = to_model({"logits": network.logits}, variables=session)
    assert np.std(wanted) > 1e-3
    onnx.checker.check_model(exported, full_check=True)
    (got,) = onnx_runtime.evaluate(exported, {"images": images})
    results = [got, *(evaluate(exported, {"images": images}, variables=True) if again else [])]
    for found in results:
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())


@every
def test_reduced(model: Model) -> None:
    size, width = SIZES.get(model.name, 33), WIDTHS.get(model.name, 0.1)
    check_round_trip(model, size, width, CLASSES.get(model.name, 5), 2, model.name not in DEEP)


@every
@pytest.mark.slow
def test_full_size(model: Model) -> None:
    check_round_trip(model, model.image_size, 1.0, model.classes, 1, True)
