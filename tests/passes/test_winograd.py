"""Winograd convolution: the matrices, exactly; ops and kernels against PyTorch in float64; and what the pass does."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.programs import ops, program_of
from support.random_graphs import Case, evaluate

import minigraph as tf
from minigraph.backends.numpy import NumpyBackend, region
from minigraph.backends.numpy import winograd as kernels
from minigraph.core.dtypes import as_dtype
from minigraph.core.errors import ShapeError
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ir.printer import format_program
from minigraph.ir.regions import Blocked
from minigraph.ir.verifier import verify_program
from minigraph.ops.nn import winograd as W
from minigraph.ops.nn.conv2d import Conv2D, Conv2DFilterGrad, Conv2DInputGrad
from minigraph.passes import PIPELINES
from minigraph.passes.fuse_blocks import FuseBlocks
from minigraph.passes.winograd import ConvShape, WinogradPass, winograd

Pads = tuple[tuple[int, int], tuple[int, int]]
EAGER = WinogradPass(margin=float("inf"))  # wherever it is possible
BLOCKS = FuseBlocks(min_edge=0, min_saved=0)
FORMS = [(2, 3), (4, 3), (6, 3), (2, 5), (3, 5), (4, 5)]
QUICK = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as graph:
        yield graph


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a row of tiles and of one or two images."""
    monkeypatch.setattr(kernels, "LIMIT", 1)
    monkeypatch.setattr(region, "TARGET", 600)


# the matrices


@pytest.mark.parametrize(("m", "r"), [*FORMS, (1, 1), (1, 3), (3, 1), (5, 4)])
def test_the_identity_holds_exactly(m: int, r: int) -> None:
    """Aᵀ[(G·e_k) ⊙ (Bᵀ·e_l)] is 1 at i = l − k and 0 elsewhere, for all unit vectors."""
    n = m + r - 1
    output, filters, image = W.transforms(m, r)
    assert [len(output), len(output[0]), len(filters), len(filters[0])] == [m, n, n, r]
    for i, k, place in itertools.product(range(m), range(r), range(n)):
        total = sum((output[i][p] * filters[p][k] * image[p][place] for p in range(n)), Fraction(0))
        assert total == int(place == i + k)


def test_lavin_and_grays_matrices_up_to_scaling() -> None:
    """Their F(2, 3): each row of Bᵀ and column of Aᵀ is theirs times a number, in their order 0, 1, −1, infinity."""
    theirs_image = [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]]
    theirs_output = [[1, 1, 1, 0], [0, 1, -1, -1]]
    output, _, image = W.transforms(2, 3)
    for row, other in zip(image, theirs_image, strict=True):
        assert np.linalg.matrix_rank(np.array([row, other], float)) == 1
    for column, other in zip(zip(*output, strict=True), zip(*theirs_output, strict=True), strict=True):
        assert np.linalg.matrix_rank(np.array([column, other], float)) == 1


def test_too_large_a_tile_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"there is no F\(5, 5\)"):
        W.transforms(5, 5)


@pytest.mark.parametrize(
    ("op", "shapes"),
    [
        (W.WinogradFilter(2, 3), [(3, 5, 2, 2)]),
        (W.WinogradFilterAdjoint(2, 3), [(15, 2, 2)]),
        (W.WinogradConv2D(2, 3, ((0, 0), (0, 0))), [(1, 5, 5, 2), (16, 3, 2)]),
        (W.WinogradConv2D(2, 3, ((0, 0), (0, 0))), [(5, 5, 2), (16, 2, 2)]),
    ],
)
def test_wrong_shapes_are_errors(op: Op, shapes: list[tuple[int, ...]]) -> None:
    with pytest.raises(ShapeError, match=type(op).__name__):
        op.infer(*(TensorType(as_dtype("float32"), s) for s in shapes))


# values


def lowered(op: Op, *inputs: np.ndarray) -> list[np.ndarray]:
    """What the NumPy backend gives."""
    backend = NumpyBackend()
    types = [TensorType(as_dtype(a.dtype), a.shape) for a in inputs]
    out_types = op.infer(*types)
    kernel = backend.lower(op, types, out_types)
    assert not kernel.fallback
    outputs = [np.full(t.static, np.nan, t.dtype.np_dtype) for t in out_types]
    workspace = np.full(kernel.workspace, 0xFF, np.uint8)
    kernel.bind(inputs, outputs, workspace)()
    return outputs


def naive(x: np.ndarray, w: np.ndarray, grad: np.ndarray, pads: Pads) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Convolution, ∂/∂x and ∂/∂w, by loops over the definition."""
    padded = np.pad(x, ((0, 0), *pads, (0, 0)))
    y, dpadded, dw = np.zeros_like(grad), np.zeros_like(padded), np.zeros_like(w)
    for p, q in itertools.product(range(grad.shape[1]), range(grad.shape[2])):
        window = (slice(None), slice(p, p + w.shape[0]), slice(q, q + w.shape[1]))
        y[:, p, q] = np.einsum("nrsi,rsio->no", padded[window], w)
        dpadded[window] += np.einsum("no,rsio->nrsi", grad[:, p, q], w)
        dw += np.einsum("nrsi,no->rsio", padded[window], grad[:, p, q])
    (top, _), (left, _) = pads
    return y, dpadded[:, top : top + x.shape[1], left : left + x.shape[2]], dw


def operands(m: int, r: int, shape: tuple[int, ...], pads: Pads, outputs: int) -> tuple[np.ndarray, ...]:
    random = np.random.RandomState(r * m)
    y = W.WinogradConv2D(m, r, pads).out_shape(shape, outputs)
    return random.randn(*shape), random.randn(r, r, shape[3], outputs), random.randn(*y)


def all_forms(m: int, r: int, pads: Pads, x: Any, w: Any, grad: Any, run: Any) -> list[np.ndarray]:
    """y, dx and dw; each gradient both alone and with the other, which must be the same to the bit."""
    (u,) = run(W.WinogradFilter(m, r), w)
    (y,) = run(W.WinogradConv2D(m, r, pads), x, u)
    dx, du = run(W.WinogradGrads(m, r, pads), x, u, grad)
    np.testing.assert_array_equal(run(W.WinogradInputGrad(m, r, pads, x.shape), u, grad)[0], dx)
    np.testing.assert_array_equal(run(W.WinogradFilterGrad(m, r, pads), x, grad)[0], du)
    return [y, dx, run(W.WinogradFilterAdjoint(m, r), du)[0]]


@QUICK
@given(
    form=st.sampled_from(FORMS),
    batch=st.integers(1, 3),
    height=st.integers(1, 13),
    width=st.integers(1, 13),
    channels=st.integers(1, 3),
    outputs=st.integers(1, 3),
    pads=st.tuples(*[st.tuples(st.integers(0, 5), st.integers(0, 5))] * 2),
    limit=st.sampled_from([1, 1 << 14, 1 << 23]),
)
def test_kernels_and_references_against_the_definition(
    monkeypatch: pytest.MonkeyPatch, form: Any, batch: int, height: int, width: int, channels: int, outputs: int,
    pads: Pads, limit: int,
) -> None:  # fmt: skip
    m, r = form
    height, width = max(height, r - sum(pads[0])), max(width, r - sum(pads[1]))
    monkeypatch.setattr(kernels, "LIMIT", limit)
    x, w, grad = operands(m, r, (batch, height, width, channels), pads, outputs)
    wanted = naive(x, w, grad, pads)
    for run in (lowered, lambda op, *inputs: op.forward(np, *inputs)):
        for found, want in zip(all_forms(m, r, pads, x, w, grad, run), wanted, strict=True):
            np.testing.assert_allclose(found, want, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("m", "r"), FORMS)
def test_the_gradients_are_the_adjoints(m: int, r: int) -> None:
    """<conv(x, w), δ> = <x, dx> = <w, dw>, the forms being linear in x and in w."""
    pads = ((r // 2, r // 2), (1, 2))
    x, w, grad = operands(m, r, (2, 9, 10, 3), pads, 4)
    y, dx, dw = all_forms(m, r, pads, x, w, grad, lowered)
    assert np.isclose(np.sum(y * grad), np.sum(x * dx))
    assert np.isclose(np.sum(y * grad), np.sum(w * dw))


@pytest.mark.parametrize(
    ("m", "shape", "r", "outputs"),
    [
        *((m, (4, 14, 14, 64), 5, 128) for m in (2, 3, 4)),
        *((m, (1, 56, 56, 64), 3, 64) for m in (2, 4, 6)),
        *((m, (2, 14, 14, 256), 3, 256) for m in (2, 4, 6)),
    ],
)
def test_rounding_errors_in_float32_are_as_documented(m: int, shape: tuple[int, ...], r: int, outputs: int) -> None:
    torch = pytest.importorskip("torch")
    pads = ((r // 2, r // 2), (r // 2, r // 2))
    x, w, grad = (a.astype(np.float32) for a in operands(m, r, shape, pads, outputs))
    wide = [torch.from_numpy(a.astype(np.float64)) for a in (x, w, grad)]
    tx, tw = wide[0].permute(0, 3, 1, 2).requires_grad_(), wide[1].permute(3, 2, 0, 1).requires_grad_()
    ty = torch.nn.functional.conv2d(tx, tw, padding=r // 2)
    ty.backward(wide[2].permute(0, 3, 1, 2))
    wanted = ty.detach().permute(0, 2, 3, 1), tx.grad.permute(0, 2, 3, 1), tw.grad.permute(2, 3, 1, 0)
    for found, want in zip(all_forms(m, r, pads, x, w, grad, lowered), wanted, strict=True):
        error = np.linalg.norm(found - want.numpy()) / np.linalg.norm(want.numpy())
        assert error < 1e-5


# the pass


def variable(*shape: int) -> Any:
    return tf.Variable(tf.random_normal(shape))


def convolution(x: Any, w: Any, stride: int = 1, padding: str = "SAME") -> Any:
    return tf.nn.conv2d(x, w, [1, stride, stride, 1], padding)


def large(channels: int = 64) -> dict[Any, np.ndarray]:
    return {tf.placeholder(tf.float32, [None, 14, 14, channels]): np.zeros((32, 14, 14, channels), np.float32)}


def test_a_layer_and_its_gradients_become_one_form_with_one_filter() -> None:
    feeds = large()
    (x,) = feeds
    w = variable(5, 5, 64, 128)
    y = convolution(x, w)
    outcome = winograd.run(program_of([y, *tf.gradients(tf.reduce_sum(y * y), [x, w])], feeds))
    verify_program(outcome.program)
    found = ops(outcome.program)
    assert [k for k in found if k.startswith(("Winograd", "Conv"))] == [
        "WinogradFilter", "WinogradConv2D", "WinogradGrads", "WinogradFilterAdjoint",
    ]  # fmt: skip
    assert len(outcome.applied) == 3
    assert {a.result[:11] for a in outcome.applied} == {"F(4x4, 5x5)"}
    again = winograd.run(outcome.program)
    assert not again.applied
    assert format_program(again.program) == format_program(outcome.program)


@pytest.mark.parametrize(("wanted", "left"), [(0, "WinogradInputGrad"), (1, "WinogradFilterGrad")])
def test_one_gradient_alone(wanted: int, left: str) -> None:
    feeds = large()
    (x,) = feeds
    w = variable(3, 3, 64, 64)
    gradient = tf.gradients(convolution(x, w), [x, w])[wanted]
    found = ops(EAGER.run(program_of([gradient], feeds)).program)
    assert left in found
    assert not {"WinogradGrads", "Conv2DInputGrad", "Conv2DFilterGrad"} & set(found)


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda x: convolution(x, variable(3, 3, 64, 64), stride=2), "its strides are (2, 2)"),
        (lambda x: tf.nn.conv2d(x, variable(3, 3, 64, 64), 1, "SAME", dilations=[1, 2, 2, 1]), "its dilations (2, 2)"),
        (lambda x: convolution(x, variable(3, 5, 64, 64)), "its filter is 3x5"),
        (lambda x: convolution(x, variable(1, 1, 64, 64)), "its filter is 1x1"),
        (lambda x: convolution(x, variable(3, 3, 32, 64)), "it has 2 groups"),
        (lambda x: convolution(tf.cast(x, tf.float16), tf.cast(variable(3, 3, 64, 64), tf.float16)), "float16"),
        (lambda x: convolution(x[..., :1], variable(5, 5, 1, 64)), "times the direct form"),
    ],
)
def test_what_is_declined_and_why(build: Any, reason: str) -> None:
    feeds = large()
    (x,) = feeds
    outcome = winograd.run(program_of([build(x)], feeds))
    assert not outcome.applied
    assert reason in outcome.missed[0].reason


def test_control_inputs_decline() -> None:
    feeds = large()
    (x,) = feeds
    w = variable(3, 3, 64, 64)
    with tf.control_dependencies([w.assign(w * 2.0)]):
        y = convolution(x, w.read_value())
    outcome = winograd.run(program_of([y], feeds))
    assert "it has control inputs" in [d.reason for d in outcome.missed]


def test_what_pays_in_the_mnist_network() -> None:
    """The second layer; the first has one channel, and of a tiny image the filter's transform is most of the work."""
    first = ConvShape((256, 28, 28, 1), (5, 5, 1, 64), (256, 28, 28, 64), 4)
    second = ConvShape((256, 14, 14, 64), (5, 5, 64, 128), (256, 14, 14, 128), 4)
    assert isinstance(first.best([Conv2D]), str)
    assert isinstance(first.best([Conv2DFilterGrad]), str)
    assert isinstance(second._replace(x=(1, 3, 3, 64), y=(1, 3, 3, 128)).best([Conv2D]), str)
    assert second.best([Conv2D]) == second.best([Conv2DInputGrad, Conv2DFilterGrad]) == 4


def test_a_single_image_is_worth_it_where_the_filter_stays_the_same() -> None:
    x = tf.placeholder(tf.float32, [1, 12, 12, 64])
    w = variable(5, 5, 64, 128)
    y = convolution(x, w)
    feeds = {x: np.zeros((1, 12, 12, 64), np.float32)}
    assert "WinogradConv2D" in ops(winograd.run(program_of([y], feeds)).program)
    for changing in ([y, w.assign(w * 2.0)], [convolution(x, w * tf.reduce_sum(x))]):
        assert "WinogradConv2D" not in ops(winograd.run(program_of(changing, feeds)).program)


def test_gradients_that_need_each_other_are_not_joined() -> None:
    """dx of one δ is the image of the filter gradient of the same δ."""
    feeds = {tf.placeholder(tf.float32, [4, 8, 8, 3]): np.zeros((4, 8, 8, 3), np.float32)}
    (x,) = feeds
    w = variable(3, 3, 3, 3)
    dx = tf.gradients(convolution(x, w), x, grad_ys=x)[0]
    dw = tf.gradients(convolution(dx, w), w, grad_ys=x)[0]
    outcome = EAGER.run(program_of([dx, dw], feeds))
    verify_program(outcome.program)
    assert "WinogradGrads" not in ops(outcome.program)


@pytest.mark.usefixtures("small_blocks")
def test_forms_are_done_block_by_block_in_regions() -> None:
    feeds = {tf.placeholder(tf.float32, [6, 8, 8, 2]): np.zeros((6, 8, 8, 2), np.float32)}
    (x,) = feeds
    w = variable(3, 3, 2, 2)
    y = tf.nn.relu(convolution(tf.tanh(x), w))
    gradients = tf.gradients(tf.reduce_sum(y * y), [x, w])
    program = BLOCKS.run(EAGER.run(program_of([y, *gradients], feeds)).program).program
    verify_program(program)
    regions = [repr(i.op) for i in program.instrs if isinstance(i.op, Blocked)]
    assert any("WinogradGrads" in r for r in regions)
    assert any("WinogradConv2D" in r for r in regions)


@pytest.mark.usefixtures("small_blocks")
@QUICK
@given(
    batch=st.integers(1, 5),
    size=st.integers(5, 9),
    kernel=st.sampled_from([3, 5]),
    padding=st.sampled_from(["SAME", "VALID"]),
    shared=st.booleans(),
    second=st.booleans(),
    fused=st.booleans(),
)
def test_random_networks_keep_their_values(
    batch: int, size: int, kernel: int, padding: str, shared: bool, second: bool, fused: bool
) -> None:
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(1)
        x = tf.placeholder(tf.float64, [None, size, size, 2])
        weights = [tf.Variable(0.3 * tf.random_normal([kernel, kernel, 2, 2], dtype=tf.float64)) for _ in range(2)]
        if shared:
            weights[1] = weights[0]
        y = tf.tanh(convolution(x, weights[0], padding=padding))
        y = y + convolution(y, weights[1]) * convolution(y, weights[1][::-1])
        loss = tf.reduce_sum(y * y)
        fetches = [loss, y, *tf.gradients(loss, [x, *weights])]
        if second:
            fetches += tf.gradients(tf.reduce_sum(tf.square(fetches[2])), [x, weights[0]])
        feed = {x: np.random.RandomState(batch).randn(batch, size, size, 2)}
        case = Case(graph, fetches, feed, tf.global_variables_initializer())
    passes: list[Any] = [EAGER, *([BLOCKS] if fused else [])]
    outcome = EAGER.run(program_of(fetches, feed))
    assert not {"Conv2D", "Conv2DInputGrad", "Conv2DFilterGrad"} & set(ops(outcome.program))
    for a, b in zip(evaluate(case, optimize="O0"), evaluate(case, passes=passes), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8 * max(1.0, float(np.abs(a).max())))


def test_it_stands_before_the_fusion_and_can_be_switched_off() -> None:
    names = [p.name for p in PIPELINES["O3"]]
    assert names.index("winograd") < names.index("fuse_blocks")
    feeds = {h: np.ones_like(a) for h, a in large().items()}
    y = convolution(next(iter(feeds)), variable(5, 5, 64, 128))
    init = tf.global_variables_initializer()
    found = {}
    for disabled in ([], ["winograd"]):
        with tf.Session(disable_passes=disabled) as session:
            session.run(init)
            session.run(y, feeds)
            found[bool(disabled)] = any("WinogradConv2D" in ops(plan.program) for plan in session._runner.cache.plans)
    assert found == {False: True, True: False}


@pytest.mark.usefixtures("small_blocks")
def test_debug_mode_accepts_a_training_step() -> None:
    tf.set_random_seed(2)
    x = tf.placeholder(tf.float32, [None, 9, 9, 2])
    y = tf.nn.relu(tf.nn.bias_add(convolution(x, variable(5, 5, 2, 4)), variable(4)))
    y = convolution(tf.nn.max_pool(y, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"), variable(3, 3, 4, 3))
    step = tf.train.AdamOptimizer(0.01).minimize(tf.reduce_sum(y * y))
    with tf.Session(passes=[EAGER, BLOCKS], debug=True) as session:
        session.run(tf.global_variables_initializer())
        session.run(step, {x: np.random.RandomState(0).randn(5, 9, 9, 2).astype(np.float32)})
