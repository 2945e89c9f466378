"""The networks' outputs, with random weights and at reduced sizes, against the same networks written in PyTorch.

Where a network knows the names in PyTorch's weight files, the networks here have these names, and their weights are
taken over by them.

Tests `models/`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.needed import needed

import minigraph as tf
from minigraph import models
from minigraph.models import get_model

torch = needed("torch")
F = needed("torch.nn.functional")
zoo = needed("support.torch_zoo", "torch")


def images_of(size: int, channels: int = 3) -> np.ndarray:
    return np.random.RandomState(size).standard_normal((2, size, size, channels)).astype(np.float32)


def close(found: np.ndarray, expected: Any) -> None:
    want = expected.detach().numpy()
    assert np.ptp(want) > 1e-3, "the outputs say something"
    np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-4 * np.abs(want).max())


BY_OUR_NAMES: dict[str, tuple[str, int, float]] = {  # the network, image size, width
    "squeezenet": ("squeezenet", 63, 0.25),
    "alexnet": ("alexnet", 99, 0.1),
    "googlenet": ("googlenet", 64, 0.25),
    "lenet5": ("lenet5", 32, 0.5),
    "lenet5-modern": ("lenet5_modern", 32, 1.0),
    "folder-cnn": ("folder_cnn", 24, 0.1),
}


@pytest.mark.parametrize("name", BY_OUR_NAMES)
def test_outputs(name: str) -> None:
    oracle, size, width = BY_OUR_NAMES[name]
    model = get_model(name)
    images = images_of(size, model.channels)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(4)
        x = tf.placeholder(tf.float32, [None, *images.shape[1:]])
        logits, _ = model.build(x, width=width)
        session.run(tf.global_variables_initializer())
        shaken = np.random.RandomState(5)
        for variable in tf.global_variables():  # biases are zeros at first
            variable.load(session.run(variable) + 0.1 * shaken.standard_normal(variable.type.static), session)
        values = {v.op.name: session.run(v) for v in tf.global_variables()}
        close(session.run(logits, {x: images}), getattr(zoo, oracle)(zoo.Layers(values), zoo.channels_first(images)))


def compare(name: str, net: Any, size: int, width: float, **options: Any) -> None:
    """Our network with the weights of `net`, taken over by name; every number of `net` is taken."""
    state = {k: v.numpy() for k, v in zoo.shaken(net).state_dict().items() if not k.endswith("num_batches_tracked")}
    model, images = get_model(name), images_of(size)
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, size, size, 3])
        logits, ends = model.build(x, width=width, **options)
        for variable in tf.global_variables():
            shape = variable.type.static
            stored = model.layouts["torch"](variable.op.name.partition("/")[2], shape)
            variable.load(stored.to_variable(state.pop(stored.name), shape), session)
        assert not state
        expected = net(zoo.channels_first(images))
        if isinstance(expected, tuple):
            close(session.run(ends["aux_logits"], {x: images}), expected[1])
            expected = expected[0]
        close(session.run(logits, {x: images}), expected)


def test_vgg() -> None:
    """At full width: the layout of fc6 needs the number of maps, and its 2x2 pixels tell the orders of axes apart."""
    compare("vgg16", zoo.Vgg((2, 2, 3, 3, 3), 1, 2), 64, 1)
    compare("vgg19", zoo.Vgg((2, 2, 4, 4, 4), 1, 1), 32, 1)


@pytest.mark.parametrize(
    ("layers", "units", "deep"),
    [
        (18, (2, 2, 2, 2), False),
        pytest.param(34, (3, 4, 6, 3), False, marks=pytest.mark.slow),
        (50, (3, 4, 6, 3), True),
        pytest.param(101, (3, 4, 23, 3), True, marks=pytest.mark.slow),
        pytest.param(152, (3, 8, 36, 3), True, marks=pytest.mark.slow),
    ],
)
def test_resnet(layers: int, units: tuple[int, ...], deep: bool) -> None:
    compare(f"resnet{layers}", zoo.ResNet(units, deep, 1 / 8), 33, 1 / 8)


def test_efficientnet_lite() -> None:
    compare("efficientnet-lite0", zoo.EfficientNetLite(0.25), 65, 0.25)


def test_inception_v3() -> None:
    compare("inception-v3", zoo.Inception(1 / 16), 299, 1 / 16, aux_head=True)


def test_mnist_cnn() -> None:
    """Named as TensorFlow names the variables of a program that calls tf.Variable."""
    images = np.random.RandomState(0).uniform(size=(2, 784)).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 784])
        logits, _ = models.mnist_cnn(x, width=0.1, stddev=0.1)
        session.run(tf.global_variables_initializer())
        net = zoo.Layers({f"net/{v.op.name}": session.run(v) for v in tf.global_variables()})
        y = torch.from_numpy(images).reshape(2, 1, 28, 28)
        for name in ("conv1", "conv2"):
            y = F.max_pool2d(net.conv(y, name), 2)
        close(session.run(logits, {x: images}), net.dense(net.dense(zoo.flat(y), "fc1", F.relu), "fc2"))
