"""The networks of the table on the CuPy backend: no host calls, kernels that NVIDIA's compiler takes, NumPy's loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gpu import registers
from gpu.fake_cudnn import FakeCudnn
from gpu.recorder import Recorder
from gpu.some_device import has_device, some_device

import minigraph as tf
from minigraph.backend import discovery as backends
from minigraph.backends.cupy import nvrtc
from minigraph.backends.cupy.backend import CupyBackend
from minigraph.backends.cupy.kernel import Launch
from minigraph.models.classifier import classifier
from minigraph.models.registry import MODELS

QUICK = {"squeezenet"}  # all together take minutes
networks = pytest.mark.parametrize(
    "model", [pytest.param(m, id=m.name, marks=[] if m.name in QUICK else [pytest.mark.slow]) for m in MODELS]
)


@networks
@pytest.mark.parametrize("training", [False, True])
def test_a_network_has_no_host_calls_and_its_kernels_compile(
    monkeypatch: pytest.MonkeyPatch, model: Any, training: bool
) -> None:
    """In its own size, at batch 2. What takes long, compiling, is for the networks of the slow tests."""
    backend = CupyBackend(Recorder())
    monkeypatch.setitem(backends._loaded, "cupy", backend)
    net = classifier(model, is_training=training)
    feeds = {net.images: np.zeros((2, *model.image_shape), np.float32)}
    if training:
        feeds[net.labels] = np.zeros((2, model.classes), np.float32)
    with tf.Session(graph=net.graph, backend="cupy") as session:
        plan, _ = session.plan_for([net.train, net.loss] if training else net.logits, feeds)
    assert [s.instr.name for s in plan.steps if s.lowered.fallback] == []
    library = nvrtc.find()
    if library is not None and model.name not in QUICK:
        steps = [s for b in plan.steps for s in b.lowered.bind.steps]  # type: ignore[attr-defined]
        kernels = {s.kernel.name: s.kernel for s in steps if isinstance(s, Launch)}
        assert registers.beyond_limits(registers.registers(kernels.values(), "sm_90")) == []


@pytest.mark.slow
@pytest.mark.skipif(not has_device(), reason="neither g++ nor a GPU is there")
@pytest.mark.parametrize("model", [pytest.param(m, id=m.name) for m in MODELS])
def test_a_network_s_steps_give_numpy_s_losses(monkeypatch: pytest.MonkeyPatch, model: Any) -> None:
    """Narrow, and on small pictures; convolutions by the stand-in for cuDNN. A deep network that normalises over two
    images is chaotic: losses are compared as long as NumPy's own, from pictures that differ in the last bit, agree."""
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(some_device(FakeCudnn())))
    size = model.image_size if model.name == "inception-v3" else min(model.image_size, 80)
    pictures = np.random.RandomState(0).rand(2, size, size, model.channels).astype(np.float32)
    want, close = (_losses(model, "numpy", p) for p in (pictures, pictures * np.float32(1 + 2**-23)))
    got = _losses(model, "cupy", pictures)
    steady = np.logical_and.accumulate(np.abs(close - want) <= 2e-4 * np.abs(want))
    assert steady[0]
    np.testing.assert_allclose(got[steady], want[steady], rtol=1e-3)
    assert np.isfinite(got).all()


def _losses(model: Any, backend: str, pictures: np.ndarray) -> np.ndarray:
    net = classifier(model, width=0.125, image_size=pictures.shape[1], num_classes=5, learning_rate=1e-3)
    feeds = {net.images: pictures, net.labels: np.eye(5, dtype=np.float32)[[1, 4]]}
    with tf.Session(graph=net.graph, backend=backend) as session:
        with net.graph.as_default():
            session.run(tf.global_variables_initializer())
        return np.array([session.run([net.loss, net.train], feeds)[0] for _ in range(3)])
