"""Native softmax, cross-entropy, reductions and copies, against SciPy, PyTorch and plain loops.

Tests `backends/llvm/moves.py` and `backends/llvm/total.py`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from support.kernel_cases import type_of
from support.llvm import KERNELS, is_native, run_program
from support.needed import needed

from minigraph.backends.llvm.backend import lower
from minigraph.backends.llvm.native import LoweringContext, lowered
from minigraph.core.dtypes import int32, int64
from minigraph.core.errors import InvalidArgumentError
from minigraph.core.op import Op
from minigraph.ops import broadcast as K
from minigraph.ops.array import gathering as G
from minigraph.ops.array import joining as J
from minigraph.ops.array import slicing as X
from minigraph.ops.array.reshape import Tile, Transpose
from minigraph.ops.math.argmax import ArgMax, ArgMin
from minigraph.ops.math.reduce import All, Any_, Mean, Sum
from minigraph.ops.math.reduce_extremes import Max, Min
from minigraph.ops.math.reduce_product import Prod
from minigraph.ops.nn import conv2d as C
from minigraph.ops.nn import lrn as N
from minigraph.ops.nn.cross_entropy import SoftmaxCrossEntropyWithLogits, SparseSoftmaxCrossEntropyWithLogits
from minigraph.ops.nn.loss import L2Loss
from minigraph.ops.nn.softmax import LogSoftmax, Softmax
from minigraph.ops.state.variable import Assign, AssignAdd, AssignSub

special = needed("scipy.special")


def native(op: Op, *operands: Any, missing: tuple[int, ...] = ()) -> list[Any]:
    """The results of the op's native code."""
    assert is_native(op, list(operands))
    return KERNELS.run(op, *operands, missing=missing)


def randn(*shape: int, dtype: Any = np.float32) -> Any:
    return np.random.RandomState(0).standard_normal(shape).astype(dtype)


ROWS = [(1, 1), (3, 2), (5, 10), (7, 16), (4, 17), (2, 33), (3000, 10), (3, 1000), (2, 3, 5), (6,)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", ROWS, ids=str)
def test_softmax(shape: tuple[int, ...], dtype: str) -> None:
    x = 20 * randn(*shape, dtype=dtype)
    exact = x.astype(np.float64)
    tolerance = {"rtol": 1e-5, "atol": 1e-5} if dtype == "float32" else {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(native(Softmax(), x)[0], special.softmax(exact, -1), **tolerance)
    np.testing.assert_allclose(native(LogSoftmax(), x)[0], special.log_softmax(exact, -1), **tolerance)
    KERNELS.check(Softmax(), [x])
    KERNELS.check(LogSoftmax(), [x])


@pytest.mark.parametrize("integers", ["int32", "int64", "uint8"])
@pytest.mark.parametrize("shape", [s for s in ROWS if len(s) == 2], ids=str)
def test_cross_entropy(shape: tuple[int, int], integers: str) -> None:
    x, y = 10 * randn(*shape), np.abs(randn(*shape))
    classes = (np.arange(shape[0]) * 7 % shape[1]).astype(integers)
    p, log_p = (f(x.astype(np.float64), -1) for f in (special.softmax, special.log_softmax))
    hot = np.arange(shape[1]) == classes[:, None]
    for op, labels, dense in (
        (SoftmaxCrossEntropyWithLogits(), y, y),
        (SparseSoftmaxCrossEntropyWithLogits(), classes, hot),
    ):
        for missing in ((), (0,), (1,)):
            loss, backprop = native(op, x, labels, missing=missing)
            if loss is not None:
                want = -np.sum(dense * log_p, -1)
                np.testing.assert_allclose(loss, want, rtol=1e-5, atol=1e-6 * max(1.0, np.max(np.abs(want))))
            if backprop is not None:
                np.testing.assert_allclose(backprop, p - dense, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("width", [3, 16, 21])
def test_softmax_of_special_values_is_that_of_the_reference(width: int) -> None:
    x = randn(7, width)
    x[0, 0], x[1, 1], x[2, 2], x[3], x[4] = np.inf, np.nan, -np.inf, -np.inf, 1e30
    x[5, 0], x[5, 1] = np.inf, -np.inf
    classes = np.array([0, 1, 0, 2, 1, 1, 0])
    with np.errstate(all="ignore"):
        KERNELS.check(Softmax(), [x])
        KERNELS.check(LogSoftmax(), [x])
        KERNELS.check(SoftmaxCrossEntropyWithLogits(), [x, np.abs(randn(7, width))])
        KERNELS.check(SparseSoftmaxCrossEntropyWithLogits(), [x, classes])


@pytest.mark.parametrize("wrong", [-1, 5, 2**31])
def test_class_numbers_out_of_range(wrong: int) -> None:
    labels = np.array([0, 4, wrong])
    assert is_native(SparseSoftmaxCrossEntropyWithLogits(), [randn(3, 5), labels])
    bound = KERNELS.bound(SparseSoftmaxCrossEntropyWithLogits(), [randn(3, 5), labels])
    with pytest.raises(InvalidArgumentError, match=rf"labels\[2\] = {wrong} is not in \[0, 5\)"):
        bound.run()
    labels[2] = 3
    bound.run()


@pytest.mark.parametrize("op", [Softmax(), LogSoftmax()])
def test_softmax_of_nothing(op: Op) -> None:
    for shape in ((0, 3), (3, 0)):
        KERNELS.check(op, [randn(*shape)])
    for shape in ((0, 3), (3, 0)):
        KERNELS.check(SoftmaxCrossEntropyWithLogits(), [randn(*shape), randn(*shape)])


REDUCTIONS = [  # shape, axes
    ((7,), (0,)),
    ((1,), (0,)),
    ((5, 3), (0,)),
    ((5, 3), (1,)),
    ((2, 3, 37), (1,)),
    ((3, 4, 5), (0, 2)),
    ((4, 3, 5), (1, 2)),
    ((3, 2, 4, 19), (0, 1, 2)),
    ((2, 3, 2, 33), (1, 3)),
    ((70_001,), (0,)),
    ((300, 170), (1,)),
    ((500, 130), (0,)),
    ((40, 6, 250), (0, 2)),
]


def loops(function: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """A reduction, element by element of its result."""
    kept = [a for a in range(x.ndim) if a not in axes]
    found = np.empty([x.shape[a] for a in kept], object)
    for place in np.ndindex(*found.shape):
        where = dict(zip(kept, place, strict=True))
        found[place] = function(x[tuple(where.get(a, slice(None)) for a in range(x.ndim))].ravel())
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint8"])
@pytest.mark.parametrize(("shape", "axes"), REDUCTIONS, ids=str)
def test_reductions(shape: tuple[int, ...], axes: tuple[int, ...], dtype: str) -> None:
    x = (30 * randn(*shape)).astype(dtype)
    sizes = loops(lambda v: math.fsum(abs(v.astype(float))), x, axes).astype(float)
    keep = len(axes) > 1
    functions: dict[Any, Any] = {Max: max, Min: min, Sum: lambda v: v.sum(dtype=v.dtype)}
    if x.dtype.kind == "f":
        functions |= {Sum: math.fsum, Mean: lambda v: math.fsum(v) / len(v)}
    for kind, function in functions.items():
        (got,) = native(kind(axes, keep), x)
        want = loops(function, x, axes).astype(float)
        assert got.dtype == x.dtype
        assert got.shape == tuple(1 if a in axes else d for a, d in enumerate(shape) if keep or a not in axes)
        exact = kind in (Max, Min) or x.dtype.kind != "f"
        bound = 0 if exact else 2e-6 * sizes / (x.size // sizes.size if kind is Mean else 1)
        assert np.all(np.abs(got.reshape(want.shape) - want) <= bound)


@pytest.mark.parametrize(("shape", "axes"), [r for r in REDUCTIONS if math.prod(r[0]) < 1000], ids=str)
def test_products_and_truth(shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    x = 1 + randn(*shape) / 20
    want = loops(lambda v: math.prod(v.tolist()), x, axes).astype(float)
    np.testing.assert_allclose(native(Prod(axes), x)[0], want, rtol=1e-5)
    true = randn(*shape) > -1
    for op, function in ((All(axes), all), (Any_(axes), any)):
        for values in (true, ~true, np.ones_like(true)):
            np.testing.assert_array_equal(native(op, values)[0], loops(function, values, axes).astype(bool))


@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8"])
@pytest.mark.parametrize(("shape", "axes"), [r for r in REDUCTIONS if len(r[1]) == 1], ids=str)
def test_where_the_extremum_is(shape: tuple[int, ...], axes: tuple[int, ...], dtype: str) -> None:
    """The first on ties."""
    x = (3 * randn(*shape)).round().astype(dtype)
    for kind, function in ((ArgMax, max), (ArgMin, min)):
        for out in (int32, int64):
            (got,) = native(kind(axes[0], out), x)
            want = loops(lambda v, f=function: v.tolist().index(f(v)), x, axes).astype(int)
            assert got.dtype == out.np_dtype
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("axis", [0, 1])
def test_reductions_of_special_values_are_those_of_the_reference(axis: int) -> None:
    x = randn(37, 37)
    x[3, 4], x[5, 4], x[4, 3], x[4, 5], x[7], x[:, 7] = np.nan, np.nan, np.nan, np.nan, -np.inf, -np.inf
    x[9, 10], x[10, 9] = np.inf, np.inf
    with np.errstate(all="ignore"):
        for op in (Sum, Mean, Max, Min, Prod):
            KERNELS.check(op((axis,)), [x])
        for op in (ArgMax, ArgMin):
            KERNELS.check(op(axis), [x])
            KERNELS.check(op(axis), [np.full((3, 3), np.nan, "f")])
            KERNELS.check(op(axis), [np.full((20, 20), -np.inf, "f")])


@pytest.mark.parametrize("kind", [Sum, Mean, Max, Min, Prod])
def test_reductions_of_nothing_are_those_of_the_reference(kind: Any) -> None:
    with np.errstate(all="ignore"):
        for axes in ((0,), (1,), None):
            KERNELS.check(kind(axes), [randn(0, 3)])


def test_broadcasts_and_their_adjoints() -> None:
    small, large = randn(4, 1, 3), randn(2, 4, 5, 3)
    np.testing.assert_array_equal(native(K.BroadcastTo((2, 4, 5, 3)), small)[0], large * 0 + small)
    column = small[:, 0, 0]
    (shares,) = native(K.BroadcastTo((4, 5), (1,), True), column)
    np.testing.assert_array_equal(shares, np.repeat(column / np.float32(5), 5).reshape(4, 5))
    (shares,) = native(K.BroadcastTo((3, 50), None, True), column[0])
    np.testing.assert_array_equal(shares, np.full((3, 50), column[0] / np.float32(150)))
    want = large.astype(float).sum((0, 2))[:, None]
    np.testing.assert_allclose(native(K.SumTo((4, 1, 3)), large)[0], want, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(native(K.ReduceLike(mean=True), large, small)[0], want / 10, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [1, 3, 50_001])
def test_assignments_and_half_the_sum_of_squares(size: int) -> None:
    for dtype in ("float32", "int64"):
        var, value = (5 * randn(2, size)).astype(dtype)
        for kind in (Assign, AssignAdd, AssignSub):
            assert is_native(kind(), [var, value])
            KERNELS.check(kind(), [var, value])
    (got,) = native(L2Loss(), randn(size))
    assert got == pytest.approx(math.fsum(v * v for v in randn(size).tolist()) / 2, rel=1e-5)


DTYPES = ["float32", "float16", "bool"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 5), (2, 4, 37), (6, 12, 950)], ids=str)
def test_copies(shape: tuple[int, ...], dtype: str) -> None:
    x = (10 * randn(*shape)).astype(dtype)
    y = np.concatenate([x, x[:1]])
    rank = len(shape)
    slices = (("slice", 1, None, 2), ("rest",), ("slice", None, None, -1))
    part = x[1::2, ..., ::-1]
    around = ((1, 2), *((0, 3),) * (rank - 1))
    cases: list[tuple[Op, list[Any], list[Any]]] = [
        (Transpose(), [x], [x.T]),
        (Transpose((1, 0, *range(2, rank))), [x], [x.swapaxes(0, 1)]),
        (X.StridedSlice(slices), [x], [part]),
        (X.StridedSlice((("index", -1), ("new",))), [x], [x[-1, None]]),
        (X.StridedSlice((("index", 1),) * rank), [x], [x[(1,) * rank]]),
        (X.Pad(around, 1.0), [x], [np.pad(x, around, constant_values=1)]),
        (Tile((2, *(1,) * (rank - 2), 3)), [x], [np.tile(x, (2, *(1,) * (rank - 2), 3))]),
        (J.ConcatV2(0), [x, y], [np.concatenate([x, y])]),
        (J.ConcatV2(-1), [x, x, x], [np.concatenate([x, x, x], -1)]),
        (J.Pack(1), [x, x], [np.stack([x, x], 1)]),
        (J.SplitV((1, shape[-1] - 1), -1), [x], [x[..., :1], x[..., 1:]]),
        (J.SplitV((1, shape[0] - 1), 0), [x], [x[:1], x[1:]]),
        (J.Unpack(shape[1], 1), [x], [x[:, i] for i in range(shape[1])]),
        (G.GatherV2(1), [x, np.array([[2, 0], [1, 2]])], [x[:, np.array([[2, 0], [1, 2]])]]),
        (G.GatherV2(0), [x, np.array([1, 1], np.uint8)], [x[[1, 1]]]),
    ]
    put = np.zeros_like(x)
    put[1::2, ..., ::-1] = part
    cases.append((X.PutSlice(slices, shape), [part], [put]))
    for op, operands, wants in cases:
        missing = (0,) if len(wants) > 1 else ()
        for found in (native(op, *operands), native(op, *operands, missing=missing)):
            for got, want in zip(found, wants, strict=True):
                assert got is None or (got.dtype == x.dtype and np.array_equal(got, want)), op


def test_copies_of_nothing_and_of_scalars() -> None:
    none, one = randn(0, 3), np.float32(2)
    KERNELS.check(Transpose(), [none])
    KERNELS.check(Transpose(), [np.array(one)])
    KERNELS.check(J.ConcatV2(0), [none, randn(2, 3), none])
    KERNELS.check(J.SplitV((0, 3), 1), [randn(2, 3)])
    KERNELS.check(J.Pack(0), [np.array(one), np.array(one)])
    KERNELS.check(X.Pad(((2, 1), (0, 1)), 3.0), [none])
    KERNELS.check(X.StridedSlice((("slice", 2, 2, None),)), [randn(4, 3)])
    KERNELS.check(G.GatherV2(0), [randn(4, 3), np.zeros((0, 2), np.int32)])


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_gradient_of_gathering(axis: int) -> None:
    x, indices = randn(5, 6, 7), np.array([[3, 0, 3], [4, 3, 1]])
    grad = randn(*x.shape[:axis], 2, 3, *x.shape[axis + 1 :])
    want = np.zeros(x.shape)
    for place in np.ndindex(*grad.shape):
        row = indices[place[axis : axis + 2]]
        want[(*place[:axis], row, *place[axis + 2 :])] += grad[place]
    np.testing.assert_allclose(native(G.GatherGrad(axis), grad, indices, x)[0], want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("wrong", [-1, 5])
def test_indices_out_of_range(wrong: int) -> None:
    assert is_native(G.GatherV2(), [randn(5, 2), np.array([0, wrong])])
    with pytest.raises(InvalidArgumentError, match=rf"indices\[1\] = {wrong} is not in \[0, 5\)"):
        KERNELS.bound(G.GatherV2(), [randn(5, 2), np.array([0, wrong])]).run()


PROGRAM = """
import hashlib, numpy as np, minigraph as tf
x = tf.placeholder(tf.float32, [3000, 40])
y = tf.placeholder(tf.int64, [3000])
losses = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=x, labels=y)
fetch = [tf.nn.softmax(x), losses, *tf.gradients(losses, [x]), tf.reduce_sum(x, 0), tf.reduce_mean(x), tf.reduce_max(x)]
values = np.random.RandomState(0).randn(3000, 40).astype("f")
with tf.Session(backend="llvm") as session:
    found = session.run(fetch, {x: values, y: np.arange(3000) % 40})
print(hashlib.sha256(b"".join(f.tobytes() for f in found)).hexdigest())
"""


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    assert run_program(PROGRAM, OMP_NUM_THREADS="1") == run_program(PROGRAM, OMP_NUM_THREADS="2")


GROUPED = [  # image, filter, strides, padding: groups, channels on their own, strides
    ((2, 9, 7, 6), (3, 2, 3, 8), (1, 1), ((1, 1), (1, 0))),
    ((3, 8, 9, 8), (3, 3, 2, 12), (2, 1), ((1, 1), (0, 1))),
    ((2, 9, 8, 19), (3, 3, 1, 19), (1, 1), ((1, 1), (1, 1))),
    ((4, 20, 19, 19), (3, 3, 1, 19), (1, 1), ((1, 1), (1, 1))),  # so large that its sums are cut into pieces
    ((2, 9, 8, 32), (3, 5, 1, 32), (2, 2), ((1, 1), (2, 3))),
    ((1, 8, 8, 3), (3, 3, 1, 6), (1, 1), ((0, 0), (0, 0))),
    ((2, 9, 10, 5), (3, 3, 5, 7), (2, 2), ((0, 1), (1, 1))),
    ((2, 8, 7, 5), (1, 1, 5, 9), (2, 2), ((0, 0), (0, 0))),
    ((1, 23, 22, 3), (7, 7, 3, 17), (2, 2), ((3, 3), (2, 3))),
    ((1, 12, 11, 4), (5, 2, 4, 3), (4, 3), ((2, 2), (0, 0))),
    ((2, 11, 5, 4), (2, 3, 4, 3), (3, 1), ((0, 0), (1, 1))),
]


@pytest.mark.parametrize("case", GROUPED, ids=str)
def test_convolutions_with_groups_and_strides(case: Any) -> None:
    """Against PyTorch's in float64."""
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    image, filters, strides, padding = case
    groups = image[3] // filters[2]
    op = C.Conv2D(strides, padding, groups=groups)
    rows = [randn(*image), randn(*filters) * 0.5, randn(*op.out_shape(image, filters))]
    x, w, delta = (torch.from_numpy(a.astype(float)) for a in rows)
    x, w = x.permute(0, 3, 1, 2).requires_grad_(), w.permute(3, 2, 0, 1).requires_grad_()
    (top, bottom), (left, right) = padding
    padded = torch.nn.functional.pad(x, (left, right, top, bottom))
    y = torch.nn.functional.conv2d(padded, w, stride=strides, groups=groups)
    y.backward(delta.permute(0, 3, 1, 2))
    cases: list[tuple[Op, tuple[Any, Any], Any]] = [
        (op, (rows[0], rows[1]), y.detach().permute(0, 2, 3, 1)),
        (C.Conv2DInputGrad(strides, padding, (1, 1), groups, image), (rows[1], rows[2]), x.grad.permute(0, 2, 3, 1)),
        (C.Conv2DFilterGrad(strides, padding, (1, 1), groups, filters), (rows[0], rows[2]), w.grad.permute(2, 3, 1, 0)),
    ]
    for each, operands, want in cases:
        (got,) = native(each, *operands)
        assert np.linalg.norm(got - want.numpy()) <= 1e-6 * np.linalg.norm(want.numpy()), each


@pytest.mark.parametrize("case", GROUPED[:5], ids=str)
def test_gradients_to_filters_are_added_to_what_is_there(case: Any) -> None:
    """As inside a region by blocks."""
    image, filters, strides, padding = case
    attributes = C.Conv2D(strides, padding, groups=image[3] // filters[2])
    op = C.Conv2DFilterGrad(*attributes.attributes, filters)
    x, delta = randn(*image), randn(*attributes.out_shape(image, filters))
    types = [type_of(x), type_of(delta)]
    code = lower(op, types, op.infer(*types), LoweringContext(1, True, True))
    assert code is not None
    made = lowered(code, 1)
    start = randn(*filters)
    out = start.copy()
    made.bind([x, delta], [out], KERNELS.backend.allocate(made.workspace))()
    (want,) = op.forward(np, x.astype(float), delta.astype(float))
    np.testing.assert_allclose(out, start + want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("channels", "radius"), [(1, 2), (3, 5), (16, 2), (37, 1), (96, 2), (40, 0)])
def test_local_response_normalisation(channels: int, radius: int, dtype: str) -> None:
    """Against loops over the channels, and against PyTorch, whose window is centred for odd sizes."""
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    x = 3 * randn(2, 3, 5, channels, dtype=dtype)
    exact, tolerance = x.astype(float), {"rtol": 3e-6 if dtype == "float32" else 1e-12, "atol": 1e-6}
    spans = [slice(max(c - radius, 0), c + radius + 1) for c in range(channels)]
    sums = np.stack([exact[..., s].sum(-1) for s in spans], -1)
    np.testing.assert_allclose(native(N.WindowSum(radius), x)[0], sums, **tolerance)
    size = 2 * radius + 1
    normal = torch.nn.LocalResponseNorm(size, 0.3 * size, 0.75, 1.5)
    want = normal(torch.from_numpy(exact).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(native(N.LRN(radius, 1.5, 0.3, 0.75), x)[0], want, **tolerance)


def test_normalisation_of_special_values_is_that_of_the_reference() -> None:
    x = randn(1, 2, 3, 21)
    x[0, 0, 0, 3], x[0, 0, 1, 4], x[0, 1, 0, 20] = np.nan, np.inf, -np.inf
    with np.errstate(all="ignore"):
        for op in (N.LRN(2, 1.0, 0.1, 0.75), N.WindowSum(3)):
            KERNELS.check(op, [x])
            KERNELS.check(op, [x[:0]])
