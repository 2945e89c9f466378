"""Convolutions by cuDNN: the graphs and their layouts on a stand-in, and all rungs of the ladder."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gpu.fake_cudnn import FakeCudnn, Graph
from gpu.host import COMPILER, HostDevice
from test_cuda_kernels import trials
from test_cupy_backend import batch, network
from test_numpy_kernels import randn

import minigraph as tf
from minigraph import backend as backends
from minigraph.backends.cupy.backend import CupyBackend
from minigraph.backends.cupy.cudnn import Cudnn
from minigraph.backends.cupy.device import CudaDevice
from minigraph.backends.cupy.kernel import Problem
from minigraph.core.errors import BackendError
from minigraph.ops import conv2d as C

pytestmark = pytest.mark.skipif(COMPILER is None, reason="g++ is not installed")

InputGrad: Any = C.Conv2DInputGrad
FilterGrad: Any = C.Conv2DFilterGrad
STRICT = {"NONDETERMINISTIC", "TENSOR_CORE", "DOWN_CONVERT_INPUTS", "REDUCED_PRECISION_REDUCTION"}


def forms(dtype: Any) -> list[tuple[C.Convolution, list[np.ndarray]]]:
    """The cases of the op and of its gradients: strides, dilations, uneven padding and groups among them."""
    found: list[tuple[C.Convolution, list[np.ndarray]]] = []
    for attributes, x, w in C.CASES:
        op = C.Conv2D(**C.Conv2D(**attributes).with_numbers(x, w))
        image, filters = randn(*x).astype(dtype), randn(*w).astype(dtype)
        grad = randn(*op.out_shape(x, w)).astype(dtype)
        found.append((op, [image, filters]))
        found.append((InputGrad(*op.attributes, x), [filters, grad]))
        found.append((FilterGrad(*op.attributes, w), [image, grad]))
    return found


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


def residual_block(x: Any) -> Any:
    """A convolution with bias, residual and ReLU after it."""
    filters = tf.Variable(tf.truncated_normal([3, 3, 4, 4], stddev=0.3, seed=1))
    y = tf.nn.bias_add(tf.nn.conv2d(x, filters, [1, 1, 1, 1], "SAME"), tf.Variable(tf.ones([4])))
    return tf.nn.relu(y + x)


def evaluate(backend: str, precision: str = "float32", **options: Any) -> tuple[np.ndarray, Any]:
    image = np.random.RandomState(0).randn(2, 5, 6, 4).astype(np.float32)
    with tf.Graph().as_default(), tf.Session(backend=backend, precision=precision, **options) as session:
        x = tf.placeholder(tf.float32, [2, 5, 6, 4])
        y = residual_block(x)
        session.run(tf.global_variables_initializer())
        return session.run(y, {x: image}), session.plan_for(y, {x: image})[0]


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
    assert plan.declined is None


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
    assert plan.declined is None
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


def test_other_backends_refuse_other_precisions() -> None:
    with pytest.raises(BackendError, match="numpy has the precision float32, not 'tf32'"):
        tf.Session(backend="numpy", precision="tf32")
    with pytest.raises(BackendError, match="'half'"):
        tf.Session(backend="numpy", precision="half")


def test_without_the_frontend_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CudaDevice, "__init__", lambda self: self.__dict__.update(_dnn=None, _stream=None))

    def missing(stream: int) -> Any:
        raise BackendError("the package nvidia-cudnn-frontend cannot be imported")

    monkeypatch.setattr("minigraph.backends.cupy.device.Cudnn", missing)
    device = CudaDevice()
    device._stream = type("Stream", (), {"ptr": 0})()
    assert device.convolution(None) == "the package nvidia-cudnn-frontend cannot be imported"  # type: ignore[arg-type]


def test_the_real_module_takes_the_same_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as it goes without a GPU: up to the graph of operations."""
    real: Any = pytest.importorskip("cudnn")
    try:
        real.backend_version()
    except RuntimeError:
        pytest.skip("cuDNN is not installed")
    graphs: list[Any] = []

    def pygraph(handle: int, **options: Any) -> Any:
        graphs.append(real.pygraph(**options))
        return graphs[-1]

    stand_in = type("Module", (), {n: getattr(real, n) for n in ("data_type", "cudnnGraphNotSupportedError")})()
    stand_in.pygraph, stand_in.create_handle, stand_in.set_stream = pygraph, lambda: 1, lambda handle, stream: None
    stand_in.numerical_note = stand_in.heur_mode = None
    monkeypatch.setattr("minigraph.backends.cupy.cudnn._Graph._build", _only_operations)
    library = Cudnn(0, stand_in)
    for precision in ("float32", "bfloat16"):
        backend = CupyBackend(HostDevice(), precision)
        backend.ladder._ask = lambda problem: _prepared(library, problem)
        for op, inputs in forms(np.float32):
            list(trials(backend, op, inputs, 1.0))
        assert not backend.ladder.reasons
    whole = Problem(
        "forward", (2, 8, 8, 16), (32, 3, 3, 16), (2, 8, 8, 32), ((1, 1), (1, 1)), (1, 1), (1, 1), "float32",
        True, ("add", "bias", "relu"),
    )  # fmt: skip
    assert library.prepare(whole) == 64
    assert len(graphs) > 20


def _only_operations(graph: Any, cudnn: Any, problem: Problem) -> int:
    graph._graph.validate()
    graph._graph.build_operation_graph()
    return 64


def _prepared(library: Cudnn, problem: Problem) -> int | str:
    return library.prepare(problem)
