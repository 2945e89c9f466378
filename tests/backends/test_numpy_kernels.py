"""Every NumPy kernel against its op's reference forward, and convolution and pooling against PyTorch too."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.kernel_cases import LARGE, close, randn, specialised, type_of

from minigraph.backends.numpy import NumpyBackend
from minigraph.core.dtypes import float32, int32, int64
from minigraph.core.op import REGISTRY, Op
from minigraph.core.types import TensorType
from minigraph.ops.array import joining as J
from minigraph.ops.math import reduce as R
from minigraph.ops.math.arithmetic import Abs
from minigraph.ops.math.selection import Select
from minigraph.ops.nn import conv2d as C
from minigraph.ops.nn import loss as L
from minigraph.ops.nn import pool as P
from minigraph.ops.nn.activation import Elu, Relu, Softplus
from minigraph.ops.nn.bias import BiasAddGrad

BACKEND = NumpyBackend()
Conv2DFilterGrad: Any = C.Conv2DFilterGrad
Conv2DInputGrad: Any = C.Conv2DInputGrad
MaxPoolInputGrad: Any = P.MaxPoolInputGrad
AvgPoolInputGrad: Any = P.AvgPoolInputGrad
WITHOUT_KERNEL = {
    "MirrorPadGrad", "NonMaximumSuppression", "ProdOfOthers", "ApplyAdadelta", "ApplyFtrl",
} | {name for name, kind in REGISTRY.items() if kind.on_host}  # fmt: skip


def poisoned(type: TensorType) -> Any:
    """A fresh view filled with bytes that are NaN as floats and True or -1 else."""
    buffer = BACKEND.allocate(type.nbytes + 64)
    buffer.fill(0xFF)
    array = BACKEND.view(buffer, 64, type)
    if type.dtype.is_bool:
        array.fill(True)
    return array


class Bound:
    """A kernel bound to poisoned buffers. `run` gives the outputs, None where nobody reads them."""

    def __init__(self, op: Op, inputs: list[np.ndarray], missing: tuple[int, ...] = (), inplace: int | None = None):
        types = [type_of(a) for a in inputs]
        out_types = op.infer(*types)
        self.lowered = BACKEND.lower(op, types, out_types)
        self.values = inputs
        self.inputs = [poisoned(t) for t in types]
        self.outputs: list[Any] = [None if i in missing else poisoned(t) for i, t in enumerate(out_types)]
        for place, position in zip(range(len(out_types) - len(op.writes), len(out_types)), op.writes, strict=True):
            self.outputs[place] = self.inputs[position]
        if inplace is not None:
            assert type_of(self.inputs[inplace]) == out_types[0]
            self.outputs[0] = self.inputs[inplace]
        self.workspace = BACKEND.allocate(self.lowered.workspace)
        self.launch = self.lowered.bind(self.inputs, self.outputs, self.workspace)

    def run(self) -> list[Any]:
        for array, value in zip(self.inputs, self.values, strict=True):
            BACKEND.write(array, value)
        self.workspace.fill(0xFF)
        self.launch()
        return [None if out is None else BACKEND.read(out) for out in self.outputs]


def check(op: Op, inputs: list[np.ndarray], tolerance: float | None = None) -> None:
    """All ways to bind the kernel give what the reference gives, twice in a row."""
    inputs = [np.asarray(a) for a in inputs]
    wants = op.forward(np, *inputs)
    if tolerance is None:
        tolerance = 1e-5 if any(a.dtype == np.float32 for a in (*inputs, *map(np.asarray, wants))) else 1e-12
    free = len(wants) - len(op.writes)
    cases: list[dict[str, Any]] = [{}]
    if len(wants) > 1:
        cases += [{"missing": (i,)} for i in range(free)]
    plain = Bound(op, inputs)
    cases += [{"inplace": i} for i in plain.lowered.inplace]
    for case in cases:
        bound = Bound(op, inputs, **case)
        for _ in range(2):
            for got, want in zip(bound.run(), wants, strict=True):
                if got is not None:
                    close(got, want, tolerance)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", [pytest.param(k, id=n) for n, k in sorted(REGISTRY.items())])
def test_kernel_against_reference(kind: type[Op], dtype: str) -> None:
    for sample in kind.samples():
        op, inputs = specialised(sample, dtype)  # type: ignore[misc]
        check(op, inputs)


def test_fallbacks() -> None:
    """The specialised ops that have no kernel of their own are few and known."""
    found = set()
    for kind in REGISTRY.values():
        for sample in kind.samples():
            op, inputs = specialised(sample, "float32")  # type: ignore[misc]
            types = [type_of(a) for a in inputs]
            if BACKEND.lower(op, types, op.infer(*types)).fallback:
                found.add(type(op).__name__)
    assert found == WITHOUT_KERNEL


@pytest.mark.parametrize(("op", "inputs"), [pytest.param(*case, id=type(case[0]).__name__) for case in LARGE])
def test_kernel_on_large_and_odd_shapes(op: Op, inputs: list[Any]) -> None:
    with np.errstate(invalid="ignore"):
        check(op, inputs, tolerance=2e-5)


def test_special_values() -> None:
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0], np.float32)
    with np.errstate(invalid="ignore"):
        for op in (Relu(), Elu(), Softplus(), Abs()):
            check(op, [x])
        check(Select(), [np.array([True, False] * 3), x, x[::-1].copy()])
        check(P.MaxPool((2, 2), (2, 2), ((1, 1), (0, 0))), [np.full((1, 2, 2, 1), -np.inf)])


def test_sum_of_many_is_accurate() -> None:
    x = np.full((1 << 20, 3), 0.1, np.float32)
    for op in (R.Sum((0,)), R.Mean((0,)), BiasAddGrad()):
        (got,) = Bound(op, [x]).run()
        want = x.astype(np.float64).mean(0) if isinstance(op, R.Mean) else x.astype(np.float64).sum(0)
        np.testing.assert_allclose(got, want, rtol=1e-5)


def test_labels_and_indices_are_checked() -> None:
    with pytest.raises(IndexError, match="labels"):
        Bound(L.SparseSoftmaxCrossEntropyWithLogits(), [randn(2, 3), np.array([0, 3])]).run()
    with pytest.raises(IndexError, match="gather"):
        Bound(J.GatherV2(0), [randn(2, 3), np.array([0, -1])]).run()


sizes = st.integers(1, 3)
pads = st.tuples(st.integers(0, 3), st.integers(0, 3))


@st.composite
def convolutions(draw: Any) -> tuple[C.Conv2D, tuple[int, ...], tuple[int, ...]]:
    """A convolution that fits, with explicit padding, and the shapes of image and filter."""
    kernel, strides, dilations = (draw(st.tuples(sizes, sizes)) for _ in range(3))
    padding = draw(st.tuples(pads, pads))
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    least = [max(1, r - sum(p)) for r, p in zip(reach, padding, strict=True)]
    height, width = (draw(st.integers(n, n + 4)) for n in least)
    cases = [(1, 1, 1), (1, 1, 3), (1, 3, 2), (1, 5, 1), (2, 3, 2), (3, 1, 1), (2, 1, 2), (4, 1, 1)]
    groups, depth, fan = draw(st.sampled_from(cases))
    image = (draw(st.integers(0, 3)), height, width, groups * depth)
    return C.Conv2D(strides, padding, dilations), image, (*kernel, depth, groups * fan)


@pytest.fixture(params=["whole", "rows"])
def _blocks(request: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run with the usual block sizes, then with blocks of a row or two."""
    if request.param == "rows":
        for module, name in (("columns", "LIMIT"), ("pool", "_BYTES"), ("common", "BLOCK_BYTES")):
            monkeypatch.setattr(f"minigraph.backends.numpy.{module}.{name}", 400)


@pytest.mark.usefixtures("_blocks")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_convolution_against_reference(dtype: Any) -> None:
    @settings(max_examples=60, deadline=None)
    @given(convolutions())
    def run(case: Any) -> None:
        op, x, w = case
        image, filters, delta = randn(*x, dtype=dtype), randn(*w, dtype=dtype), randn(*op.out_shape(x, w), dtype=dtype)
        check(op, [image, filters])
        check(Conv2DFilterGrad(*op.attributes, w), [image, delta])
        check(Conv2DInputGrad(*op.attributes, x), [filters, delta])

    run()


def test_convolution_against_torch() -> None:
    torch = pytest.importorskip("torch")

    @settings(max_examples=60, deadline=None)
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
            (Conv2DInputGrad(*op.attributes, x), [filters, delta], t_image.grad.numpy().transpose(0, 2, 3, 1)),
            (Conv2DFilterGrad(*op.attributes, w), [image, delta], t_filters.grad.numpy().transpose(2, 3, 1, 0)),
        ):
            close(Bound(record, inputs).run()[0], want, 1e-5)

    run()


@st.composite
def pools(draw: Any) -> tuple[tuple[Any, ...], tuple[int, ...]]:
    kernel, strides = (draw(st.tuples(sizes, sizes)) for _ in range(2))
    padding = tuple(tuple(draw(st.integers(0, k - 1)) for _ in range(2)) for k in kernel)
    least = [max(1, k - sum(p)) for k, p in zip(kernel, padding, strict=True)]
    height, width = (draw(st.integers(n, n + 5)) for n in least)
    return (kernel, strides, padding), (draw(st.integers(0, 3)), height, width, draw(st.integers(1, 3)))


@pytest.mark.usefixtures("_blocks")
def test_pooling_against_reference() -> None:
    @settings(max_examples=80, deadline=None)
    @given(pools(), st.sampled_from([np.float32, np.float64]))
    def run(case: Any, dtype: Any) -> None:
        attributes, shape = case
        image = np.round(randn(*shape, dtype=dtype))  # with ties
        y, where = P.MaxPool(*attributes).forward(np, image)
        delta = randn(*y.shape, dtype=dtype)
        check(P.MaxPool(*attributes), [image])
        check(MaxPoolInputGrad(*attributes, shape), [where, delta])
        check(P.MaxPoolGather(*attributes), [image, where])
        check(P.AvgPool(*attributes), [image])
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
        value, where = Bound(P.MaxPool(*attributes), [x]).run()
        close(value, y.detach().numpy().transpose(0, 2, 3, 1), 0)
        (dx,) = Bound(MaxPoolInputGrad(*attributes, x.shape), [where, 2 * value]).run()
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
