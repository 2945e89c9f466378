"""Winograd's ops: the matrices, exactly; references and NumPy kernels against the definition, in float64.

Tests `ops/nn/winograd_costs.py`.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigraph.backends.numpy import NumpyBackend
from minigraph.backends.numpy import winograd as kernels
from minigraph.compile import blocks
from minigraph.core.dtypes import as_dtype
from minigraph.core.errors import ShapeError
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ops.nn import winograd as W

Pads = tuple[tuple[int, int], tuple[int, int]]

FORMS = [(2, 3), (4, 3), (6, 3), (2, 5), (3, 5), (4, 5)]

QUICK = settings(max_examples=40)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a row of tiles and of one or two images."""
    monkeypatch.setattr(kernels, "LIMIT", 1)
    monkeypatch.setattr(blocks, "TARGET", 600)


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
