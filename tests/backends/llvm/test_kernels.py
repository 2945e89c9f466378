"""The LLVM backend: its kernels against the ops' references, its mathematical functions.

Tests `backends/llvm/approx.py`, `backends/llvm/conv.py`, `backends/llvm/depthwise.py`, `backends/llvm/folded.py`,
`backends/llvm/geometry.py`, `backends/llvm/grouped.py`, `backends/llvm/matmul.py`, `backends/llvm/panels.py`,
`backends/llvm/product.py`, `backends/llvm/scalar.py`, `backends/llvm/tile.py`, `backends/llvm/transform.py`,
`backends/llvm/update.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from support.kernel_cases import LARGE, samples_of
from support.llvm import KERNELS, is_native, small_network
from support.random_graphs import Case, evaluate, random_graphs

import minigraph as tf
from minigraph.backends.llvm import blocked, nest_schedule, winograd
from minigraph.backends.llvm.backend import lower
from minigraph.backends.llvm.compiler import host
from minigraph.backends.llvm.native import LoweringContext
from minigraph.compile import blocks as block_sizes
from minigraph.core.dtypes import float32
from minigraph.core.op import REGISTRY, Op
from minigraph.ir.regions import Blocked
from minigraph.ops.math.exponential import Exp, Log, Log1p
from minigraph.ops.math.matmul import MatMul
from minigraph.ops.math.trigonometric import Tanh
from minigraph.ops.nn import conv2d as C
from minigraph.ops.nn import winograd as W
from minigraph.ops.nn.avg_pool import AvgPool, AvgPoolInputGrad
from minigraph.ops.nn.max_pool import MaxPool, MaxPoolInputGrad
from minigraph.ops.random import philox
from minigraph.ops.random.distributions import RandomUniform
from minigraph.ops.state.update import Apply
from minigraph.passes.fuse_blocks import FuseBlocks


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", [pytest.param(k, id=n) for n, k in sorted(REGISTRY.items())])
def test_kernel_against_reference(kind: type[Op], dtype: str) -> None:
    for op, inputs in samples_of(kind, dtype):
        KERNELS.check(op, inputs)


@pytest.mark.parametrize(("op", "inputs"), [pytest.param(*case, id=type(case[0]).__name__) for case in LARGE])
def test_kernel_on_large_and_odd_shapes(op: Op, inputs: list[Any]) -> None:
    with np.errstate(all="ignore"):
        KERNELS.check(op, inputs, tolerance=2e-5)


def test_special_values() -> None:
    KERNELS.check_special_values()


@pytest.mark.parametrize("kind", [k for k in REGISTRY.values() if issubclass(k, Apply)])
def test_every_optimizer_step_is_native(kind: type[Op]) -> None:
    for op, inputs in samples_of(kind, np.float32):
        assert is_native(op, inputs)


@settings(max_examples=25)
@given(case=random_graphs())
def test_random_graphs_give_what_numpy_gives(case: Case) -> None:
    with np.errstate(all="ignore"):
        found, expected = evaluate(case, backend="llvm"), evaluate(case, backend="numpy")
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-4 * max(1.0, float(np.max(np.abs(b), initial=0))))


CONVOLUTIONS = [  # image, filter, strides, padding, dilations
    ((3, 9, 11, 5), (3, 3, 5, 19), (1, 1), ((1, 1), (1, 1)), (1, 1)),
    ((2, 28, 28, 1), (5, 5, 1, 64), (1, 1), ((2, 2), (2, 2)), (1, 1)),
    ((9, 7, 7, 33), (3, 2, 33, 37), (1, 1), ((0, 2), (1, 0)), (1, 1)),
    ((2, 17, 15, 6), (3, 3, 6, 16), (2, 3), ((1, 1), (0, 0)), (1, 1)),
    ((2, 13, 12, 4), (3, 2, 4, 9), (1, 1), ((2, 2), (3, 1)), (2, 3)),
    ((1, 8, 8, 40), (1, 1, 40, 24), (1, 1), ((0, 0), (0, 0)), (1, 1)),
    ((1, 60, 300, 16), (7, 7, 16, 3), (2, 2), ((3, 2), (2, 3)), (1, 1)),
    ((0, 5, 5, 2), (3, 3, 2, 4), (1, 1), ((1, 1), (1, 1)), (1, 1)),
    ((9, 12, 14, 6), (5, 5, 6, 16), (1, 1), ((0, 0), (0, 0)), (1, 1)),
    ((2, 11, 10, 3), (5, 4, 3, 7), (3, 2), ((2, 1), (1, 3)), (1, 1)),
    ((1, 13, 9, 2), (1, 2, 2, 5), (3, 3), ((0, 0), (0, 0)), (1, 1)),
    ((1, 6, 30, 1), (5, 5, 1, 6), (1, 1), ((2, 2), (4, 0)), (1, 1)),
]


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
def test_convolution_and_its_gradients(case: Any) -> None:
    """Against the references in float64, which are themselves tested against PyTorch."""
    image, filters, *attributes = case
    forward = C.Conv2D(*attributes)
    y = forward.out_shape(image, filters)
    random = np.random.RandomState(0)
    x, w, delta = (random.randn(*shape).astype(np.float32) for shape in (image, filters, y))
    ops: list[Any] = [
        (forward, [x, w]),
        (C.Conv2DInputGrad(*attributes, shape=image), [w, delta]),
        (C.Conv2DFilterGrad(*attributes, shape=filters), [x, delta]),
    ]
    for op, operands in ops:
        (want,) = op.forward(np, *(a.astype(np.float64) for a in operands))
        (got,) = KERNELS.bound(op, operands).run()
        assert np.linalg.norm(got - want) <= 2e-6 * np.linalg.norm(want)


@pytest.mark.parametrize("transposed", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("shape", [(256, 1024, 10), (100, 7, 300), (1, 600, 1000), (301, 513, 33), (1, 1, 1)])
def test_matrix_products(shape: tuple[int, int, int], transposed: tuple[bool, bool]) -> None:
    rows, depth, columns = shape
    random = np.random.RandomState(0)
    a = random.randn(*((depth, rows) if transposed[0] else (rows, depth))).astype(np.float32)
    b = random.randn(*((columns, depth) if transposed[1] else (depth, columns))).astype(np.float32)
    (got,) = KERNELS.bound(MatMul(*transposed), [a, b]).run()
    left, right = (
        m.astype(np.float64).T if t else m.astype(np.float64) for m, t in zip((a, b), transposed, strict=True)
    )
    want = left @ right
    assert np.linalg.norm(got - want) <= 2e-6 * np.linalg.norm(want)


WINOGRAD = [  # tile, filter, image, outputs, padding
    (4, 5, (3, 14, 14, 16), 24, ((2, 2), (2, 2))),
    (2, 5, (1, 7, 9, 8), 16, ((0, 2), (3, 0))),
    (6, 3, (1, 20, 17, 8), 16, ((1, 1), (1, 1))),
    (2, 3, (1, 4, 3, 16), 8, ((0, 0), (1, 0))),
    (4, 3, (5, 9, 10, 8), 16, ((1, 1), (1, 1))),  # in blocks of images
]


@pytest.mark.parametrize("case", WINOGRAD, ids=str)
def test_winograd_convolution_and_its_gradients(case: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the convolution itself and its gradients in float64, within the bound that the documentation gives."""
    monkeypatch.setattr(winograd, "MOST", 1 << 16)
    tile, kernel, image, outputs, padding = case
    wider = max(host().lanes // 8, 1)  # channels and outputs fill vectors
    image, outputs = (*image[:3], image[3] * wider), outputs * wider
    random = np.random.RandomState(0)
    direct = C.Conv2D((1, 1), padding)
    filters = (kernel, kernel, image[3], outputs)
    y = direct.out_shape(image, filters)
    x, w, delta = (random.randn(*shape).astype(np.float32) for shape in (image, filters, y))

    def run(op: Op, *operands: Any) -> list[Any]:
        assert is_native(op, list(operands))
        return KERNELS.bound(op, list(operands)).run()

    def exact(op: Any, *operands: Any) -> Any:
        return op.forward(np, *(a.astype(np.float64) for a in operands))[0]

    (u,) = run(W.WinogradFilter(tile, kernel), w)
    to_image = exact(C.Conv2DInputGrad((1, 1), padding, (1, 1), shape=image), w, delta)
    to_filter = exact(C.Conv2DFilterGrad((1, 1), padding, (1, 1), shape=filters), x, delta)
    dx, du = run(W.WinogradGrads(tile, kernel, padding), x, u, delta)
    (alone,) = run(W.WinogradFilterGrad(tile, kernel, padding), x, delta)
    found = [
        (run(W.WinogradConv2D(tile, kernel, padding), x, u)[0], exact(direct, x, w)),
        (dx, to_image),
        (run(W.WinogradInputGrad(tile, kernel, padding, image), u, delta)[0], to_image),
        (run(W.WinogradFilterAdjoint(tile, kernel), du)[0], to_filter),
        (run(W.WinogradFilterAdjoint(tile, kernel), alone)[0], to_filter),
    ]
    for got, want in found:
        assert np.linalg.norm(got - want) <= 5e-5 * np.linalg.norm(want)


POOLS = [  # window, strides, padding, image
    ((2, 2), (2, 2), ((0, 0), (0, 0)), (2, 6, 8, 19)),
    ((3, 3), (2, 2), ((0, 1), (0, 1)), (2, 8, 7, 8)),
    ((3, 2), (1, 3), ((1, 1), (1, 0)), (1, 5, 9, 33)),
    ((2, 3), (3, 4), ((0, 0), (0, 0)), (1, 8, 9, 3)),
    ((5, 5), (1, 1), ((0, 0), (0, 0)), (2, 6, 5, 5)),
]


@pytest.mark.parametrize("case", POOLS, ids=str)
def test_pooling_and_its_gradients(case: Any) -> None:
    *attributes, shape = case
    random = np.random.RandomState(0)
    x = random.randint(-3, 3, shape).astype(np.float32)  # with ties
    x.flat[:: 7 * shape[3]] = np.nan
    x.flat[1 :: 5 * shape[3]] = -np.inf
    y, where = MaxPool(*attributes).forward(np, x)
    delta = random.randn(*y.shape).astype(np.float32)
    for op, operands in (
        (MaxPool(*attributes), [x]),
        (AvgPool(*attributes), [random.randn(*shape).astype(np.float32)]),
        (MaxPoolInputGrad(*attributes, shape), [where, delta]),
        (AvgPoolInputGrad(*attributes, shape), [delta]),
    ):
        assert is_native(op, operands)
        KERNELS.check(op, operands)


@pytest.mark.parametrize("near", [0, nest_schedule.NEAR])
@pytest.mark.parametrize(
    "width", [pytest.param(7, marks=pytest.mark.slow), 10, pytest.param(13, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(
    ("strides", "dilations"), [((1, 1), (1, 1)), ((2, 2), (1, 1)), ((2, 1), (1, 1)), ((1, 1), (2, 1)), ((2, 1), (3, 2))]
)
def test_depthwise_convolution(strides: tuple[int, int], dilations: tuple[int, int], width: int, near: int) -> None:
    random = np.random.RandomState(0)
    x, w = random.randn(2, 9, width, 19).astype(np.float32), random.randn(3, 5, 1, 19).astype(np.float32)
    attributes = strides, ((1, 1), (2, 3)), dilations, 19
    op = C.Conv2D(*attributes)
    delta = random.randn(*op.out_shape(x.shape, w.shape)).astype(np.float32)
    gradients = C.Conv2DInputGrad(*attributes, x.shape), C.Conv2DFilterGrad(*attributes, w.shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nest_schedule, "NEAR", near)
        for each, operands in zip((op, *gradients), ([x, w], [w, delta], [x, delta]), strict=True):
            assert is_native(each, operands)
            KERNELS.check(each, operands)


def test_a_depthwise_convolution_takes_what_follows_into_its_kernel() -> None:
    random = np.random.RandomState(0)
    arrays = [random.randn(*s).astype(np.float32) for s in ((1, 9, 8, 37), (3, 3, 37, 1), (37,), (1, 9, 8, 37))]
    found = []
    for backend, optimize in (("numpy", "O0"), ("llvm", "O3")):
        with tf.Graph().as_default(), tf.Session(backend=backend, optimize=optimize) as session:
            x, w, bias, other = (tf.placeholder(tf.float32, a.shape) for a in arrays)
            y = tf.nn.relu6(tf.nn.bias_add(tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME"), bias) + other)
            feeds = dict(zip((x, w, bias, other), arrays, strict=True))
            found.append(session.run(y, feeds))
            steps = session.plan_for(y, feeds)[0].steps
    np.testing.assert_allclose(*found, atol=1e-5)
    (step,) = steps
    native = lower(step.instr.op, [v.type for v in step.instr.inputs], step.instr.types, LoweringContext(2))
    assert native is not None
    assert len(native.calls((True,))) == 1


@pytest.mark.parametrize("count", [1, 4, 35, 16_384, 40_003])
@pytest.mark.parametrize("offset", [0, 2**32 - 5, 2**64 - 3])
def test_uniform_numbers_are_those_of_the_reference(count: int, offset: int) -> None:
    """Bit for bit, with counters that carry over and wrap around."""
    cell = np.array([offset, 0x123456789ABCDEF, 0xFEDCBA9876543210], np.uint64)
    op = RandomUniform(float32, (count,), 7, 3)
    assert is_native(op, [cell])
    bound = KERNELS.bound(op, [cell])
    for _ in range(2):
        values, after = bound.run()
        assert (values == philox.uniform(count, int(cell[1]), int(cell[2]), offset, np.float32)).all()
        assert int(after[0]) == (offset + philox.reserved(count)) % 2**64
        assert (after[1:] == cell[1:]).all()


@pytest.mark.parametrize(("batch", "sums"), [(1, 1 << 24), (7, 1 << 24), (19, 1 << 24), (7, 1)])
def test_regions_by_blocks_are_native_and_give_the_same(batch: int, sums: int) -> None:
    """In every pass configuration, with blocks that do not divide the batch, and without blocks because of large sums;
    against no passes and NumPy."""
    random = np.random.RandomState(0)
    x, y = random.randn(batch, 24, 20, 3).astype(np.float32), np.eye(8, dtype=np.float32)[random.randint(0, 8, batch)]
    blocks = FuseBlocks(min_edge=1, min_saved=1)
    found = []
    for backend, passes in (("numpy", ()), ("llvm", ("relu_after_pool", "fuse_pointwise", "fuse_epilogue", blocks))):
        with tf.Graph().as_default():
            holders = [tf.placeholder(tf.float32, a.shape) for a in (x, y)]
            fetches = small_network(*holders)
            feeds = dict(zip(holders, (x, y), strict=True))
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(block_sizes, "TARGET", 1 << 16)
                patch.setattr(blocked, "SUMS", sums)
                with tf.Session(backend=backend, passes=passes) as session:
                    found.append(session.run(fetches, feeds))
                    again = session.run(fetches, feeds)
                    regions = [s.instr for s in session.plan_for(fetches, feeds)[0].steps]
        assert all((a == b).all() for a, b in zip(found[-1], again, strict=True))
    for region in (i for i in regions if isinstance(i.op, Blocked)):
        assert lower(region.op, [v.type for v in region.inputs], region.types, LoweringContext(2)) is not None
    assert any(isinstance(i.op, Blocked) for i in regions)
    for got, want in zip(found[1], found[0], strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5 * float(np.max(np.abs(want))))


SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-40, -1e-40, 88.0, 89.0, -87.0, -103.0, -105.0, 1.0, -1.0])
FUNCTIONS = {
    "exp": (Exp, -104, 89),
    "tanh": (Tanh, -12, 12),
    "log": (Log, 1e-30, 1e30),
    "log1p": (Log1p, -0.999, 50),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_exact_to_a_few_units_in_the_last_place(name: str) -> None:
    """Against float64, on both sides of 0, near 0 and at the edges."""
    kind, low, high = FUNCTIONS[name]
    span = np.linspace(low, high, 20_001)
    near = np.geomspace(1e-8, 1, 2_001)
    points = np.concatenate([span, near, -near[near < 0.99] if name != "log" else near, SPECIAL]).astype(np.float32)
    with np.errstate(all="ignore"):
        (got,) = KERNELS.bound(kind(), [points]).run()
        want = getattr(np, name)(points.astype(np.float64))
        rounded = want.astype(np.float32)
        unit = np.spacing(np.abs(np.where(np.isfinite(rounded), rounded, 1)))
        finite = np.isfinite(rounded)
        error = np.abs(got.astype(np.float64) - want)[finite] / unit[finite]
    assert error.max() < 3.0
    np.testing.assert_array_equal(got[~finite], rounded[~finite])


def wide_sum(x: Any, row: Any) -> Any:
    y = tf.exp(x * 0.1) * row
    return [tf.reduce_sum(y, 0), tf.reduce_sum(y, 1), tf.reduce_sum(y), tf.reduce_mean(tf.square(x))]


@pytest.mark.parametrize("shape", [(3000, 64), (2000, 10), (7, 50_001), (1, 300_000), (100_000, 3)])
def test_sums_at_the_end_of_large_loops(shape: tuple[int, int]) -> None:
    random = np.random.RandomState(0)
    x, row = random.randn(*shape).astype(np.float32), random.randn(shape[1]).astype(np.float32)
    with tf.Graph().as_default():
        holders = [tf.placeholder(tf.float32, a.shape) for a in (x, row)]
        fetches = wide_sum(*holders)
        with tf.Session(backend="llvm") as session:
            found = session.run(fetches, dict(zip(holders, (x, row), strict=True)))
    y = np.exp(x.astype(np.float64) * 0.1) * row
    sizes = np.abs(y)
    for axis, got in zip((0, 1, None), found, strict=False):
        assert np.all(np.abs(got - y.sum(axis)) <= 2e-6 * sizes.sum(axis))
    assert found[3] == pytest.approx(np.mean(x.astype(np.float64) ** 2), rel=1e-6)
