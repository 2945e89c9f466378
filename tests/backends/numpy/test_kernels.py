"""Every NumPy kernel against its op's reference forward, and convolution and pooling against PyTorch too.

Tests `backend/host.py` and `backends/numpy/`.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.kernel_cases import LARGE, close, randn, samples_of, type_of
from support.kernels import Kernels
from support.strategies import convolutions, pools

from minigraph.backends.numpy import NumpyBackend
from minigraph.backends.numpy.kernels import texts
from minigraph.core.dtypes import float32, int32, int64
from minigraph.core.errors import InvalidArgumentError
from minigraph.core.op import REGISTRY, Op
from minigraph.core.types import TensorType
from minigraph.ops.array import gathering as G
from minigraph.ops.math.cumulative import Cumsum
from minigraph.ops.math.linear_algebra import Cholesky
from minigraph.ops.math.matmul import MatMul
from minigraph.ops.math.reduce import Mean, Sum
from minigraph.ops.nn import conv2d as C
from minigraph.ops.nn.avg_pool import AvgPool, AvgPoolInputGrad
from minigraph.ops.nn.bias import BiasAddGrad
from minigraph.ops.nn.cross_entropy import SparseSoftmaxCrossEntropyWithLogits
from minigraph.ops.nn.max_pool import MaxPool, MaxPoolGather, MaxPoolInputGrad

BACKEND = NumpyBackend()
KERNELS = Kernels(BACKEND)
check = KERNELS.check
# Ops that run their reference although they need not run on the host, and why that is enough.
ON_HOST = {name for name, kind in REGISTRY.items() if kind.on_host}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", [pytest.param(k, id=n) for n, k in sorted(REGISTRY.items())])
def test_kernel_against_reference(kind: type[Op], dtype: str) -> None:
    for op, inputs in samples_of(kind, dtype):
        check(op, inputs)


def test_only_quantisation_takes_no_float64() -> None:
    """So that the test above leaves out no other op."""
    without = {name for name, kind in REGISTRY.items() if len(samples_of(kind, "float64")) < len(list(kind.samples()))}
    assert without == {"DequantizeLinear", "QuantizeLinear", "Requantize"}


def test_the_calls_that_are_shown_are_the_kernels_own() -> None:
    """An op without a kernel, and one that runs on the host, show their definition."""
    for op, call in ((MatMul(), "product("), (Cumsum(), "moveaxis("), (Cholesky(), "linalg.cholesky(")):
        assert call in texts(op)[f"NumPy calls of {type(op).__name__}"]


def test_fallbacks() -> None:
    """Each specialised op has a kernel, runs on the host, or states a kernel in loops, which NumPy does not print."""
    found = set()
    for kind in REGISTRY.values():
        for op, inputs in samples_of(kind, "float32"):
            types = [type_of(a) for a in inputs]
            outs = op.infer(*types)
            if BACKEND.lower(op, types, outs).fallback and op.loops(types, outs) is None:
                found.add(type(op).__name__)
    assert found <= ON_HOST


@pytest.mark.parametrize(("op", "inputs"), [pytest.param(*case, id=type(case[0]).__name__) for case in LARGE])
def test_kernel_on_large_and_odd_shapes(op: Op, inputs: list[Any]) -> None:
    with np.errstate(invalid="ignore"):
        check(op, inputs, tolerance=2e-5)


def test_special_values() -> None:
    KERNELS.check_special_values()


def test_sum_of_many_is_accurate() -> None:
    x = np.full((1 << 20, 3), 0.1, np.float32)
    for op in (Sum((0,)), Mean((0,)), BiasAddGrad()):
        (got,) = KERNELS.bound(op, [x]).run()
        want = x.astype(np.float64).mean(0) if isinstance(op, Mean) else x.astype(np.float64).sum(0)
        np.testing.assert_allclose(got, want, rtol=1e-5)


def test_labels_and_indices_are_checked() -> None:
    with pytest.raises(InvalidArgumentError, match=r"labels\[1\] = 3 is not in \[0, 3\)"):
        KERNELS.bound(SparseSoftmaxCrossEntropyWithLogits(), [randn(2, 3), np.array([0, 3])]).run()
    with pytest.raises(InvalidArgumentError, match=r"indices\[1\] = -1 is not in \[0, 2\)"):
        KERNELS.bound(G.GatherV2(0), [randn(2, 3), np.array([0, -1])]).run()


@pytest.fixture(params=["whole", "rows"])
def _blocks(request: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run with the usual block sizes, then with blocks of a row or two."""
    if request.param == "rows":
        for module, name in (("columns", "LIMIT"), ("pool", "_BYTES"), ("common", "BLOCK_BYTES")):
            monkeypatch.setattr(f"minigraph.backends.numpy.{module}.{name}", 400)


@pytest.mark.usefixtures("_blocks")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_convolution_against_reference(dtype: Any) -> None:
    @settings(max_examples=60)
    @given(convolutions())
    def run(case: Any) -> None:
        op, x, w = case
        image, filters, delta = randn(*x, dtype=dtype), randn(*w, dtype=dtype), randn(*op.out_shape(x, w), dtype=dtype)
        check(op, [image, filters])
        check(C.Conv2DFilterGrad(*op.attributes, w), [image, delta])
        check(C.Conv2DInputGrad(*op.attributes, x), [filters, delta])

    run()


def test_convolution_against_torch() -> None:
    torch = pytest.importorskip("torch")

    @settings(max_examples=60)
    @given(convolutions())
    def run(case: Any) -> None:
        op, x, w = case
        if x[0] == 0:
            return
        image, filters, delta = randn(*x), randn(*w), randn(*op.out_shape(x, w))
        (top, bottom), (left, right) = op.padding
        t_image = torch.tensor(image.transpose(0, 3, 1, 2).copy(), requires_grad=True)
        t_filters = torch.tensor(filters.transpose(3, 2, 0, 1).copy(), requires_grad=True)
        padded = torch.nn.functional.pad(t_image, (left, right, top, bottom))
        groups = x[3] // w[2]
        y = torch.nn.functional.conv2d(padded, t_filters, None, op.strides, 0, op.dilations, groups)
        y.backward(torch.tensor(delta.transpose(0, 3, 1, 2).copy()))
        for record, inputs, want in (
            (op, [image, filters], y.detach().numpy().transpose(0, 2, 3, 1)),
            (C.Conv2DInputGrad(*op.attributes, x), [filters, delta], t_image.grad.numpy().transpose(0, 2, 3, 1)),
            (C.Conv2DFilterGrad(*op.attributes, w), [image, delta], t_filters.grad.numpy().transpose(2, 3, 1, 0)),
        ):
            close(KERNELS.bound(record, inputs).run()[0], want, 1e-5)

    run()


@pytest.mark.usefixtures("_blocks")
def test_pooling_against_reference() -> None:
    @settings(max_examples=80)
    @given(pools(), st.sampled_from([np.float32, np.float64]))
    def run(case: Any, dtype: Any) -> None:
        attributes, shape = case
        image = np.round(randn(*shape, dtype=dtype))  # with ties
        y, where = MaxPool(*attributes).forward(np, image)
        delta = randn(*y.shape, dtype=dtype)
        check(MaxPool(*attributes), [image])
        check(MaxPoolInputGrad(*attributes, shape), [where, delta])
        check(MaxPoolGather(*attributes), [image, where])
        check(AvgPool(*attributes), [image])
        check(AvgPoolInputGrad(*attributes, shape), [delta])

    with np.errstate(invalid="ignore"):
        run()


def test_pooling_against_torch() -> None:
    torch = pytest.importorskip("torch")
    x = randn(3, 9, 7, 5)
    for kernel, strides, pad in (((2, 2), (2, 2), 0), ((3, 3), (2, 2), 1), ((3, 2), (1, 2), 1)):
        image = torch.tensor(x.transpose(0, 3, 1, 2).copy(), requires_grad=True)
        y = torch.nn.functional.max_pool2d(image, kernel, strides, pad)
        y.square().sum().backward()
        attributes = kernel, strides, ((pad, pad), (pad, pad))
        value, where = KERNELS.bound(MaxPool(*attributes), [x]).run()
        close(value, y.detach().numpy().transpose(0, 2, 3, 1), 0)
        (dx,) = KERNELS.bound(MaxPoolInputGrad(*attributes, x.shape), [where, 2 * value]).run()
        close(dx, image.grad.numpy().transpose(0, 2, 3, 1), 1e-6)


def test_buffers() -> None:
    buffer = BACKEND.allocate(100)
    assert buffer.ctypes.data % 64 == 0
    scalar = BACKEND.view(buffer, 8, TensorType(float32, ()))
    BACKEND.write(scalar, np.float64(1.5))
    assert BACKEND.read(scalar) == np.float32(1.5)
    assert isinstance(BACKEND.read(scalar), np.float32)
    assert BACKEND.view(buffer, 100, TensorType(int64, (0, 3))).shape == (0, 3)
    rows = BACKEND.view(buffer, 64, TensorType(int32, (2, 3)))
    BACKEND.write(rows, np.array([1.9, 2.0, -3.0]))
    copied = BACKEND.read(rows)
    rows.fill(0)
    np.testing.assert_array_equal(copied, [[1, 2, -3]] * 2)


def test_import_is_light() -> None:
    """Importing the backend loads nothing but NumPy, minigraph and the standard library."""
    code = (
        "import sys, numpy; before = set(sys.modules); import minigraph.backends.numpy; "
        "new = {m.split('.')[0] for m in set(sys.modules) - before}; "
        "print(sorted(m for m in new if m not in sys.stdlib_module_names and m not in ('minigraph', 'numpy')))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
