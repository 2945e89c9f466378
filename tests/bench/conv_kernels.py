"""Time the NumPy kernels of one training step of a small MNIST network, beside PyTorch where it is installed.

The network, batch 256: convolution 5x5 1→64, bias, ReLU, max-pool; convolution 5x5 64→128, bias, ReLU, max-pool;
dense 6272→1024, ReLU; dense 1024→10; softmax cross-entropy; Adam. Times are in ms: medians, and the least, of rounds
that alternate between the two.

    python tests/bench/conv_kernels.py [rounds]
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigraph.backends.numpy import NumpyBackend
from minigraph.core.dtypes import as_dtype
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ops.math.matmul import MatMul
from minigraph.ops.nn.activation import Relu, ReluGrad
from minigraph.ops.nn.bias import BiasAdd, BiasAddGrad
from minigraph.ops.nn.conv2d import Conv2D, Conv2DFilterGrad, Conv2DInputGrad
from minigraph.ops.nn.cross_entropy import SoftmaxCrossEntropyWithLogits
from minigraph.ops.nn.max_pool import MaxPool, MaxPoolInputGrad
from minigraph.ops.state.update import ApplyAdam

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    torch = None  # type: ignore[assignment]

BATCH = 256
SAME = ((2, 2), (2, 2))
POOL = ((2, 2), (2, 2), ((0, 0), (0, 0)))


class Case(NamedTuple):
    name: str
    op: Op
    inputs: list[np.ndarray]
    peer: Callable[[], Any] | None  # the same by PyTorch
    inplace: bool = False


def randn(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape, np.float32)


def launch(case: Case) -> Callable[[], Any]:
    """The op's kernel, bound to buffers of its own, in place where the network would run it so."""
    backend = NumpyBackend()
    types = [TensorType(as_dtype(a.dtype), a.shape) for a in case.inputs]
    out_types = case.op.infer(*types)
    lowered = backend.lower(case.op, types, out_types)
    views = [backend.view(backend.allocate(t.nbytes), 0, t) for t in (*types, *out_types)]
    inputs, outputs = views[: len(types)], views[len(types) :]
    for view, value in zip(inputs, case.inputs, strict=True):
        backend.write(view, value)
    for place, position in enumerate(case.op.writes):
        outputs[place] = inputs[position]
    if case.inplace:
        outputs[0] = inputs[lowered.inplace[0]]
    bound: Callable[[], Any] = lowered.bind(inputs, outputs, backend.allocate(lowered.workspace))
    return bound


def nchw(array: np.ndarray) -> Any:
    return torch.from_numpy(array).permute(0, 3, 1, 2)  # channels last in memory


def conv_cases(label: str, x: np.ndarray, w: np.ndarray, with_input_grad: bool) -> list[Case]:
    y = randn(*x.shape[:3], w.shape[3])
    attributes = ((1, 1), SAME, (1, 1))
    forward = to_filter = to_input = None
    if torch:
        tx, ty = nchw(x), nchw(y)
        tw = torch.from_numpy(w).permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)

        def backward(*wanted: bool) -> Callable[[], Any]:
            args = (ty, tx, tw, None, [1, 1], [2, 2], [1, 1], False, [0, 0], 1, wanted)
            return lambda: torch.ops.aten.convolution_backward(*args)

        forward = lambda: F.conv2d(tx, tw, padding=2)  # noqa: E731
        to_input, to_filter = backward(True, False, False), backward(False, True, False)
    cases = [
        Case(f"{label} forward", Conv2D(*attributes), [x, w], forward),
        Case(f"{label} filter gradient", Conv2DFilterGrad(*attributes, shape=w.shape), [x, y], to_filter),
    ]
    if with_input_grad:
        cases.append(Case(f"{label} input gradient", Conv2DInputGrad(*attributes, shape=x.shape), [w, y], to_input))
    return cases


def tail_cases(label: str, shape: tuple[int, ...]) -> list[Case]:
    """Bias, ReLU and pooling after a convolution, and their gradients."""
    x, bias = randn(*shape), randn(shape[3])
    y, where = MaxPool(*POOL).forward(np, x)
    peers: dict[str, Callable[[], Any]] = {}
    if torch:
        tx, tb = nchw(x), torch.from_numpy(bias).view(1, -1, 1, 1)
        ty, ti = F.max_pool2d(tx, 2, return_indices=True)
        args = (ty, tx, [2, 2], [2, 2], [0, 0], [1, 1], False, ti)
        work = tx.clone(memory_format=torch.preserve_format)
        peers = {
            "bias": lambda: work.add_(tb),
            "relu": lambda: work.relu_(),
            "pool": lambda: F.max_pool2d(tx, 2, return_indices=True),
            "pool gradient": lambda: torch.ops.aten.max_pool2d_with_indices_backward(*args),
            "relu gradient": lambda: torch.ops.aten.threshold_backward(tx, tx, 0),
            "bias gradient": lambda: tx.sum((0, 2, 3)),
        }
    ops: list[tuple[str, Op, list[np.ndarray], bool]] = [
        ("bias", BiasAdd(), [x, bias], True),
        ("relu", Relu(), [x], True),
        ("pool", MaxPool(*POOL), [x], False),
        ("pool gradient", MaxPoolInputGrad(*POOL, shape), [where, y], False),
        ("relu gradient", ReluGrad(), [x, x], True),
        ("bias gradient", BiasAddGrad(), [x], False),
    ]
    return [Case(f"{label} {name}", op, inputs, peers.get(name), inplace) for name, op, inputs, inplace in ops]


def dense_cases(label: str, x: np.ndarray, w: np.ndarray) -> list[Case]:
    y = randn(len(x), w.shape[1])
    forward = to_filter = to_input = None
    if torch:
        tx, tw, ty = (torch.from_numpy(a) for a in (x, w, y))
        forward, to_filter, to_input = lambda: tx @ tw, lambda: tx.T @ ty, lambda: ty @ tw.T
    return [
        Case(f"{label} forward", MatMul(), [x, w], forward),
        Case(f"{label} filter gradient", MatMul(True), [x, y], to_filter),
        Case(f"{label} input gradient", MatMul(False, True), [y, w], to_input),
    ]


def rest_cases(parameters: int) -> list[Case]:
    scalars = [np.array(v, np.float32) for v in (0.9, 0.999, 1e-3, 0.9, 0.999, 1e-8)]
    var, m, v, grad = randn(parameters), randn(parameters), randn(parameters) ** 2, randn(parameters + 1)[1:]
    logits, labels = randn(BATCH, 10), np.eye(10, dtype=np.float32)[np.arange(BATCH) % 10]
    step = loss = None
    if torch:
        weight = torch.from_numpy(var.copy()).requires_grad_()
        weight.grad = torch.from_numpy(grad.copy())
        step = torch.optim.Adam([weight], 1e-3, fused=True).step
        tl, ty = torch.from_numpy(logits), torch.from_numpy(labels)
        loss = lambda: F.cross_entropy(tl, ty)  # noqa: E731
    return [
        Case("cross-entropy, and gradient", SoftmaxCrossEntropyWithLogits(), [logits, labels], loss),
        Case("Adam", ApplyAdam(), [var, m, v, *scalars, grad], step),
    ]


def cases() -> list[Case]:
    return [
        *conv_cases("conv 28² 1→64", randn(BATCH, 28, 28, 1), randn(5, 5, 1, 64), False),
        *tail_cases("28²x64", (BATCH, 28, 28, 64)),
        *conv_cases("conv 14² 64→128", randn(BATCH, 14, 14, 64), randn(5, 5, 64, 128), True),
        *tail_cases("14²x128", (BATCH, 14, 14, 128)),
        *dense_cases("dense 6272→1024", randn(BATCH, 6272), randn(6272, 1024)),
        *dense_cases("dense 1024→10", randn(BATCH, 1024), randn(1024, 10)),
        *rest_cases(6_643_530),
    ]


def timed(call: Callable[[], Any]) -> float:
    time.sleep(0.01)  # until the other library's idle threads have stopped spinning
    start = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - start)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    print(f"{'kernel':<32}{'NumPy':>9}{'least':>9}{'PyTorch':>10}{'least':>9}{'ratio':>7}")
    totals = [0.0] * 4
    for case in cases():
        calls = [launch(case), *([case.peer] if case.peer else [])]
        times = list(zip(*([timed(call) for call in calls] for _ in range(rounds + 1)), strict=True))
        row = [f(t[1:]) for t in times for f in (statistics.median, min)]
        totals = [a + b for a, b in zip(totals, row + [0.0] * (4 - len(row)), strict=True)]
        print_row(case.name, row)
    print_row("all", totals if torch else totals[:2])


def print_row(name: str, row: list[float]) -> None:
    peer = f"{row[2]:10.2f}{row[3]:9.2f}{row[0] / row[2]:7.2f}" if len(row) == 4 else ""
    print(f"{name:<32}{row[0]:9.2f}{row[1]:9.2f}{peer}", flush=True)


if __name__ == "__main__":
    main()
