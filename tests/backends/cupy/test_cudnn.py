"""Convolutions by cuDNN: the graphs and their layouts on a stand-in, and all rungs of the ladder.

Tests `backends/cupy/ladder.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from gpu import real_cudnn
from gpu.fake_cudnn import FakeCudnn, Graph
from gpu.host import COMPILER, HostDevice
from gpu.networks import batch, evaluate, forms, network
from gpu.real_cudnn import driver_stand_in
from gpu.trials import trials

import minigraph as tf
from minigraph.backend import discovery as backends
from minigraph.backends.cupy.backend import CupyBackend
from minigraph.backends.cupy.cudnn import Cudnn
from minigraph.backends.cupy.device import CudaDevice
from minigraph.core.errors import BackendError
from minigraph.ops.nn.conv2d import CASES

pytestmark = pytest.mark.skipif(COMPILER is None, reason="g++ is not installed")

STRICT = {"NONDETERMINISTIC", "TENSOR_CORE", "DOWN_CONVERT_INPUTS", "REDUCED_PRECISION_REDUCTION"}


@pytest.mark.parametrize(
    ("precision", "dtype", "tolerance", "unwanted"),
    [
        ("float32", np.float32, 1e-5, STRICT),
        ("tf32", np.float32, 1e-5, {"NONDETERMINISTIC"}),  # the stand-in does not round
        ("bfloat16", np.float32, 1e-2, {"NONDETERMINISTIC"}),
        ("float32", np.float16, 2e-3, {"NONDETERMINISTIC"}),
    ],
)
def test_graphs_give_what_the_reference_gives(precision: str, dtype: Any, tolerance: float, unwanted: set[str]) -> None:
    fake = FakeCudnn()
    device = HostDevice(cudnn=fake)
    backend = CupyBackend(device, precision)
    made = [t for op, inputs in forms(dtype) for t in trials(backend, op, inputs, tolerance)]
    for trial in made:
        trial.run()
        trial.run()
    assert sum(name.startswith("cudnn") for name in device.log) == 2 * len(made)
    assert {g.calls[0] for g in fake.graphs} == {("conv_fprop",), ("conv_dgrad",), ("conv_wgrad",)}
    assert all(set(g.notes) == unwanted for g in fake.graphs)
    assert not backend.ladder.reasons


def refuse_epilogues(graph: Graph) -> bool:
    return len(graph.calls) > 1


RUNGS = {
    "fused": (None, lambda graph: False, [("conv_fprop", "add", "bias", "relu")]),
    "forced to plain": ("plain", lambda graph: False, [("conv_fprop",)]),
    "no fused engine": (None, refuse_epilogues, [("conv_fprop", "add", "bias", "relu"), ("conv_fprop",)]),
    "no engine": (None, lambda graph: True, [("conv_fprop", "add", "bias", "relu"), ("conv_fprop",)]),
    "forced to im2col": ("im2col", lambda graph: False, []),
}


@pytest.mark.parametrize("case", RUNGS)
def test_each_rung_gives_what_numpy_gives(monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    forced, refuses, graphs = RUNGS[case]
    if forced:
        monkeypatch.setenv("MINIGRAPH_CONV", forced)
    fake = FakeCudnn(refuses)
    device = HostDevice(cudnn=fake)
    backend = CupyBackend(device)
    monkeypatch.setitem(backends._loaded, "cupy", backend)
    y, plan = evaluate("cupy")
    np.testing.assert_allclose(y, evaluate("numpy")[0], rtol=1e-5, atol=1e-5)
    assert [tuple(c[0] for c in g.calls) for g in fake.graphs] == graphs
    assert ("gemm" in device.log) == (case in ("no engine", "forced to im2col"))
    refused = [g for g in fake.graphs if refuses(g)]
    assert len(backend.ladder.reasons) == len(refused)
    assert all("No execution plans" in reason for reason in backend.ladder.reasons.values())
    assert plan.missed is None


def test_an_unknown_rung_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGRAPH_CONV", "winograd")
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(HostDevice(cudnn=FakeCudnn())))
    with pytest.raises(BackendError, match="fused, plain, im2col, not 'winograd'"):
        evaluate("cupy")


def test_a_step_with_cudnn_is_captured_and_equals_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    device = HostDevice(cudnn=FakeCudnn())
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(device))
    images, labels = batch()
    losses = {}
    for name in ("numpy", "cupy"):
        with tf.Graph().as_default(), tf.Session(backend=name) as session:
            x, y, loss, train = network()
            session.run(tf.global_variables_initializer())
            losses[name] = [session.run([loss, train], {x: images, y: labels})[0] for _ in range(6)]
            plan: Any = session.plan_for([loss, train], {x: images, y: labels})[0]
    assert plan.missed is None
    assert {"cudnn forward", "cudnn filter_grad"} <= set(device.log)
    np.testing.assert_allclose(losses["cupy"], losses["numpy"], rtol=1e-5)


@pytest.mark.parametrize(("precision", "tolerance"), [("tf32", 1e-3), ("bfloat16", 1e-2)])
def test_a_precision_rounds_products_and_keeps_variables_in_float32(
    monkeypatch: pytest.MonkeyPatch, precision: str, tolerance: float
) -> None:
    """Relative norms of what five steps change, by matrix products whose operands the stand-in rounds."""
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(HostDevice()))
    images, labels = batch()
    found = {}
    for name in ("float32", precision):
        with tf.Graph().as_default(), tf.Session(backend="cupy", precision=name) as session:
            x, y, loss, train = network()
            session.run(tf.global_variables_initializer())
            losses = [session.run([loss, train], {x: images, y: labels})[0] for _ in range(5)]
            state = session.read_state()
            assert all(v.dtype == np.float32 for v in state.values() if v.dtype.kind == "f")
            found[name] = np.array(losses)
    error = np.linalg.norm(found[precision] - found["float32"]) / np.linalg.norm(found["float32"])
    assert 0 < error < tolerance


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-5), ("bfloat16", 2e-2)])
@pytest.mark.parametrize("rung", ["fused", "plain", "no engine"])
def test_filters_that_do_not_change_are_packed_once(
    monkeypatch: pytest.MonkeyPatch, precision: str, rung: str, tolerance: float
) -> None:
    """3×3 with bias and ReLU, depthwise, and 1×1 with and without bias: a variable's change packs them anew."""
    if rung == "plain":
        monkeypatch.setenv("MINIGRAPH_CONV", rung)
    device = HostDevice(cudnn=FakeCudnn(lambda graph: rung == "no engine"))
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(device))
    random = np.random.RandomState(0)
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [2, 6, 5, 4])
        shapes = ([3, 3, 4, 8], [3, 3, 8, 1], [1, 1, 8, 6], [1, 1, 6, 4])
        filters = [tf.Variable(random.randn(*shape).astype(np.float32) / 4) for shape in shapes]
        bias = tf.Variable(random.randn(8).astype(np.float32))
        y = tf.nn.relu(tf.nn.conv2d(x, filters[0], 1, "SAME") + bias)
        y = tf.nn.relu(tf.nn.depthwise_conv2d(y, filters[1], [1, 2, 2, 1], "SAME") + bias)
        y = tf.nn.relu(tf.nn.conv2d(y, filters[2], 1, "SAME") + bias[:6])
        y = tf.nn.conv2d(y, filters[3], 1, "SAME")
        halve = [f.assign(f * 0.5) for f in filters]
        pictures, found = random.randn(2, 6, 5, 4).astype(np.float32), {}
        for name, given in (("numpy", "float32"), ("cupy", precision)):
            with tf.Session(backend=name, precision=given) as session:
                session.run(tf.global_variables_initializer())
                found[name] = [session.run(y, {x: pictures}) for _ in range(3)]
                device.log.clear()
                session.run(y, {x: pictures})
                if name == "cupy" and precision == "float32" and rung != "no engine":
                    assert not [n for n in device.log if n.startswith("move")]
                session.run(halve)
                found[name].append(session.run(y, {x: pictures}))
    for got, want in zip(found["cupy"], found["numpy"], strict=True):
        assert np.linalg.norm(got - want) < tolerance * np.linalg.norm(want)


def test_other_backends_refuse_other_precisions() -> None:
    with pytest.raises(BackendError, match="numpy has the precision float32, not 'tf32'"):
        tf.Session(backend="numpy", precision="tf32")
    with pytest.raises(BackendError, match="'half'"):
        tf.Session(backend="numpy", precision="half")


def test_bfloat16_is_refused_where_the_gpu_has_no_instructions_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    device = HostDevice()
    monkeypatch.setattr(device, "capability", (7, 5))
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(device))
    with pytest.raises(BackendError, match=r"bfloat16 needs a GPU of compute capability 8\.0 or later, .* has 7\.5"):
        tf.Session(backend="cupy", precision="bfloat16")
    tf.Session(backend="cupy", precision="tf32").close()


def test_without_the_frontend_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        CudaDevice, "__init__", lambda self: self.__dict__.update(_dnn=None, _turn=nullcontext(), _major=13)
    )

    def missing(stream: int, major: int) -> Any:
        raise BackendError("the package nvidia-cudnn-frontend cannot be imported")

    monkeypatch.setattr("minigraph.backends.cupy.device.Cudnn", missing)
    device = CudaDevice()
    device._stream = type("Stream", (), {"ptr": 0})()
    with pytest.warns(RuntimeWarning, match="without cuDNN, which is slower: the package nvidia-cudnn-frontend"):
        told = device.convolution(None)  # type: ignore[arg-type]
    assert told == "the package nvidia-cudnn-frontend cannot be imported"
    assert device.convolution(None) == told  # type: ignore[arg-type]


def test_a_cudnn_for_another_cuda_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    library = SimpleNamespace(cudnnGetCudartVersion=lambda: 12090)
    monkeypatch.setattr("minigraph.backends.cupy.cudnn.load", lambda name, major=None: library)
    with pytest.raises(BackendError, match=r"cuDNN is for CUDA 12, and CuPy for CUDA 13"):
        Cudnn(0, major=13)


@pytest.mark.parametrize("gpu", real_cudnn.GPUS)
def test_cudnn_has_an_engine_for_every_graph(gpu: str, tmp_path: Path) -> None:
    """The real cuDNN, told what the GPU is: as far as it goes without one, up to running the engine."""
    try:
        pytest.importorskip("cudnn").backend_version()
    except RuntimeError:
        pytest.skip("cuDNN is not installed")
    stand_in = driver_stand_in(tmp_path, str(COMPILER))
    setting = os.environ | ({"LD_PRELOAD": str(stand_in)} if stand_in else {})
    command = [sys.executable, real_cudnn.__file__, gpu]
    done = subprocess.run(command, env=setting, capture_output=True, text=True)
    if "create_device_properties" in done.stderr:
        pytest.skip("this release of cuDNN wants to know other things of a device")
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found) == set(real_cudnn.precisions(gpu))
    for precision, answer in found.items():
        assert answer == {"asked": 3 * len(CASES) + 1, "refused": {}}, precision
