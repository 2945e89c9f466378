"""Winograd convolution F(m×m, r×r) in the compiler's graph. The pass `winograd` replaces convolutions by these ops.

The output is cut into tiles of m×m. Each is computed from a tile of n×n image elements, n = m + r − 1; neighbouring
image tiles overlap. Along one axis, m outputs of the correlation of d (n elements) with the filter w (r elements) are
y = Aᵀ[(G·w) ⊙ (Bᵀ·d)], which takes n products instead of m·r. Along two axes the transforms apply to rows and to
columns, and over channels the products become n² matrix products (A. Lavin and S. Gray, Fast algorithms for
convolutional neural networks, CVPR 2016). Forward and gradients are

    U = G·w·Gᵀ          V = Bᵀ·d·B          M = V·U             y = Aᵀ·M·A
    dw = Gᵀ·dU·G        dU = Vᵀ·dM          dM = A·δ·Aᵀ         dx = Σ over tiles of B·(dM·Uᵀ)·Bᵀ

so the gradients are the exact adjoints of the forward form and share dM. Layouts: image [N,H,W,C], filter [r,r,C,O],
transformed filter [n²,C,O].
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from minigraph.core.errors import ShapeError
from minigraph.core.op import Batching, Op, Sample
from minigraph.core.types import TensorType, format_shape
from minigraph.ops.builder import require_float, require_gradient, require_shape
from minigraph.ops.counting import convolution_flops, no_flops
from minigraph.ops.window import Pair, Window, tap

Matrix = tuple[tuple[Fraction, ...], ...]
POINTS = tuple(Fraction(p) for p in ("0", "1", "-1", "2", "-2", "1/2", "-1/2"))  # and infinity


class Transforms(NamedTuple):
    """Aᵀ [m, n], G [n, r] and Bᵀ [n, n], exact."""

    output: Matrix
    filter: Matrix
    image: Matrix


@lru_cache(maxsize=64)
def transforms(tile: int, kernel: int) -> Transforms:
    """The matrices of F(tile, kernel) by the Cook-Toom construction with POINTS (R. Blahut, Fast algorithms for signal
    processing, 2010, chapter 5; transposed, as in Lavin and Gray).

    With p_i the points, N_i = Π_{k≠i}(p_i − p_k): A and G hold powers of the points, those of G over N_i; row i of Bᵀ
    holds the coefficients of Π_{k≠i}(x − p_k). The last rows are for the point at infinity.
    """
    size = tile + kernel - 1
    points = POINTS[: size - 1]
    if not tile > 0 < kernel or len(points) < size - 1:
        raise ValueError(f"there is no F({tile}, {kernel}): tile + kernel may be at most {len(POINTS) + 2}")
    others = [[q for q in points if q != p] for p in points]
    scales = [_evaluate(_polynomial(roots), p) for p, roots in zip(points, others, strict=True)]
    output = [_powers(p, tile) for p in points] + [_last(tile)]
    filters = [tuple(v / s for v in _powers(p, kernel)) for p, s in zip(points, scales, strict=True)] + [_last(kernel)]
    image = [(*_polynomial(roots), Fraction(0)) for roots in others] + [_polynomial(points)]
    return Transforms(tuple(zip(*output, strict=True)), tuple(filters), tuple(image))


def _powers(point: Fraction, count: int) -> tuple[Fraction, ...]:
    return tuple(point**k for k in range(count))


def _last(count: int) -> tuple[Fraction, ...]:
    return tuple(Fraction(int(k == count - 1)) for k in range(count))


def _polynomial(roots: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """The coefficients of Π (x − root), the constant one first."""
    out: tuple[Fraction, ...] = (Fraction(1),)
    for root in roots:
        out = tuple(a - root * b for a, b in zip((Fraction(0), *out), (*out, Fraction(0)), strict=True))
    return out


def _evaluate(coefficients: Sequence[Fraction], x: Fraction) -> Fraction:
    return sum((c * x**k for k, c in enumerate(coefficients)), Fraction(0))


def transposed(matrix: Matrix) -> Matrix:
    return tuple(zip(*matrix, strict=True))


def as_array(matrix: Matrix, dtype: Any) -> np.ndarray[Any, Any]:
    """The matrix, rounded once."""
    return np.array([[float(v) for v in row] for row in matrix]).astype(dtype)


class Winograd(Op, abstract=True):
    """F(tile×tile, kernel×kernel), stride 1, no dilation, one group. tile: m. kernel: r."""

    tile: int
    kernel: int
    differentiable = False  # the pass runs after autodiff

    @property
    def size(self) -> int:
        """n, the elements of the image along one side of a tile."""
        return self.tile + self.kernel - 1

    def check(self, what: str, type: TensorType, *leading: int) -> tuple[Any, ...]:
        """The dimensions. ShapeError unless they begin with `leading`."""
        rank = 3 if leading == (self.size**2,) else 4
        shape: tuple[Any, ...] = (None,) * rank if type.shape is None else type.shape
        known = len(shape) == rank and all(s in (None, n) for s, n in zip(shape, leading, strict=False))
        if not known:
            wanted = (*leading, *(None,) * (rank - len(leading)))
            raise ShapeError(
                f"{self.__class__.__name__} takes {what} of the shape {format_shape(wanted)}, not {format_shape(shape)}"
            )
        if 0 in shape[1:]:
            raise ShapeError(f"{self.__class__.__name__} takes {what} with elements, not {format_shape(shape)}")
        return shape


def _both(xp: Any, matrix: Matrix, values: Any) -> Any:
    """The matrix applied to the two leading axes."""
    array = xp.asarray(as_array(matrix, values.dtype))
    rows = xp.tensordot(array, values, axes=((1,), (0,)))
    return xp.moveaxis(xp.tensordot(array, rows, axes=((1,), (1,))), 0, 1)


class WinogradFilter(Winograd):
    """U = G·w·Gᵀ for each pair of channels: filter [r,r,C,O] → [n²,C,O]."""

    def infer(self, w: TensorType) -> tuple[TensorType, ...]:
        channels = self.check("a filter", w, self.kernel, self.kernel)[2:]
        return (TensorType(require_float("WinogradFilter", w), (self.size**2, *channels)),)

    def forward(self, xp: Any, w: Any) -> tuple[Any, ...]:
        return (_both(xp, transforms(self.tile, self.kernel).filter, w).reshape((self.size**2, *w.shape[2:])),)

    flops = no_flops

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for case in _cases():
            yield Sample(cls(case.tile, case.kernel), (case.w,))


class WinogradFilterAdjoint(Winograd):
    """dw = Gᵀ·dU·G for each pair of channels: [n²,C,O] → [r,r,C,O]."""

    def infer(self, grad: TensorType) -> tuple[TensorType, ...]:
        channels = self.check("a transformed filter's gradient", grad, self.size**2)[1:]
        dtype = require_float("WinogradFilterAdjoint", grad)
        return (TensorType(dtype, (self.kernel, self.kernel, *channels)),)

    def forward(self, xp: Any, grad: Any) -> tuple[Any, ...]:
        square = grad.reshape((self.size, self.size, *grad.shape[1:]))
        return (_both(xp, transposed(transforms(self.tile, self.kernel).filter), square),)

    flops = no_flops

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for case in _cases():
            yield Sample(cls(case.tile, case.kernel), (case.u,))


class WinogradConvolution(Winograd, abstract=True):
    """The convolution and its gradients. padding: that of the image, ((top, bottom), (left, right))."""

    padding: tuple[Pair, Pair]

    def out_shape(self, x: tuple[Any, ...], channels: Any) -> tuple[Any, ...]:
        """The output's shape [N,P,Q,O]."""
        rows, columns = Window((self.kernel, self.kernel), (1, 1), (1, 1), self.padding).out(x[1], x[2])
        return (x[0], rows, columns, channels)

    def output(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> TensorType:
        """The type of the convolution's output [N,P,Q,O], which is the last operand of the gradients."""
        return in_types[-1]

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        """The FLOPs of the direct convolution or its gradients."""
        transformed = next(t for t in (*in_types, *out_types) if len(t.static) == 3)
        kernel = (self.kernel, self.kernel, transformed.static[1])
        return len(out_types) * convolution_flops(self.output(in_types, out_types), kernel)

    def arithmetic(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        """The FLOPs of the products of transformed tiles, n² for m² elements, without those of the transforms."""
        out = self.output(in_types, out_types).static
        direct = self.kernel**2 * out[1] * out[2]
        return self.flops(in_types, out_types) * self.size**2 * math.prod(self.counts(out)) // direct

    def counts(self, out: Sequence[int]) -> Pair:
        """Tiles along the rows and the columns of an output [N,P,Q,O]."""
        return -(-out[1] // self.tile), -(-out[2] // self.tile)

    def image_tiles(self, xp: Any, x: Any) -> Any:
        """V = Bᵀ·d·B of all tiles: [n,n,N,tiles,tiles,C]."""
        counts = self.counts(self.out_shape(x.shape, 0))
        frame = self._frame(xp, x.shape, counts, x.dtype)
        self._inside(frame, x.shape)[...] = x
        tiles = xp.stack([view for _, _, view in self._taps(frame, counts)])
        tiles = tiles.reshape((self.size, self.size, *tiles.shape[1:]))
        return _both(xp, transforms(self.tile, self.kernel).image, tiles)

    def image_from_tiles(self, xp: Any, tiles: Any, shape: Sequence[int]) -> Any:
        """The adjoint of `image_tiles`, for an image of `shape`."""
        spread = _both(xp, transposed(transforms(self.tile, self.kernel).image), tiles)
        frame = self._frame(xp, shape, tiles.shape[3:5], tiles.dtype)
        for i, j, view in self._taps(frame, tiles.shape[3:5]):
            view += spread[i, j]
        return self._inside(frame, shape).copy()

    def output_from_tiles(self, xp: Any, tiles: Any, out: Sequence[int]) -> Any:
        """y = Aᵀ·M·A of [n,n,N,tiles,tiles,O], joined and cut to the shape `out`."""
        small = _both(xp, transforms(self.tile, self.kernel).output, tiles)
        m, _, images, rows, columns, channels = small.shape
        whole = small.transpose(2, 3, 0, 4, 1, 5).reshape((images, rows * m, columns * m, channels))
        return whole[:, : out[1], : out[2]].copy()

    def output_tiles(self, xp: Any, grad: Any) -> Any:
        """dM = A·δ·Aᵀ, the adjoint of `output_from_tiles`: [n,n,N,tiles,tiles,O]."""
        m, (rows, columns) = self.tile, self.counts(grad.shape)
        below, right = rows * m - grad.shape[1], columns * m - grad.shape[2]
        whole = xp.pad(grad, ((0, 0), (0, below), (0, right), (0, 0)))
        cut = whole.reshape((grad.shape[0], rows, m, columns, m, grad.shape[3])).transpose(2, 4, 0, 1, 3, 5)
        return _both(xp, transposed(transforms(self.tile, self.kernel).output), cut)

    def _frame(self, xp: Any, x: Sequence[int], counts: Sequence[int], dtype: Any) -> Any:
        """Zeros of the size of the padded image, or larger if the last tiles reach beyond it."""
        (top, _), (left, _) = self.padding
        height, width = ((c - 1) * self.tile + self.size for c in counts)
        return xp.zeros((x[0], max(height, top + x[1]), max(width, left + x[2]), x[3]), dtype)

    def _inside(self, frame: Any, x: Sequence[int]) -> Any:
        (top, _), (left, _) = self.padding
        return frame[:, top : top + x[1], left : left + x[2]]

    def _taps(self, frame: Any, counts: Pair) -> Iterable[tuple[int, int, Any]]:
        """Element (i, j) of every tile, as a view [N,tiles,tiles,C]."""
        window = Window((self.size, self.size), (self.tile, self.tile), (1, 1), self.padding)
        for i in range(self.size):
            for j in range(self.size):
                yield i, j, tap(frame, window, i, j, counts)


def _products(xp: Any, a: Any, b: Any) -> Any:
    """[n,n,N,tiles,tiles,C] times [n²,C,O], tile position by tile position."""
    return xp.matmul(a.reshape((len(b), -1, a.shape[-1])), b).reshape((*a.shape[:-1], b.shape[2]))


def _transposed_filter(xp: Any, u: Any) -> Any:
    return xp.swapaxes(u, 1, 2)


def _filter_gradient(xp: Any, v: Any, dm: Any) -> Any:
    """dU = Vᵀ·dM, summed over all tiles."""
    count = v.shape[0] * v.shape[1]
    return xp.matmul(_transposed_filter(xp, v.reshape((count, -1, v.shape[-1]))), dm.reshape((count, -1, dm.shape[-1])))


class WinogradConv2D(WinogradConvolution):
    """y = Aᵀ·[(Bᵀ·x·B)·U]·A, the convolution of x with a filter whose transform is U."""

    contracts = True

    def infer(self, x: TensorType, u: TensorType) -> tuple[TensorType, ...]:
        image, filters = self.check("an image", x), self.check("a transformed filter", u, self.size**2)
        dtype = require_float("WinogradConv2D", x, u)
        if None not in (image[3], filters[1]) and image[3] != filters[1]:
            raise ShapeError(f"WinogradConv2D: the image has {image[3]} channels, the filter {filters[1]}")
        return (TensorType(dtype, self.out_shape(image, filters[2])),)

    def forward(self, xp: Any, x: Any, u: Any) -> tuple[Any, ...]:
        products = _products(xp, self.image_tiles(xp, x), u)
        return (self.output_from_tiles(xp, products, self.out_shape(x.shape, u.shape[2])),)

    def output(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> TensorType:
        return out_types[0]

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        return Batching((True, False), (False,))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for case in _cases():
            yield Sample(cls(case.tile, case.kernel, case.padding), (case.x, case.u))


class WinogradInputGrad(WinogradConvolution):
    """dx = Σ over tiles of B·[(A·δ·Aᵀ)·Uᵀ]·Bᵀ, from U and δ = ∂L/∂y, for an image of `shape`."""

    contracts = True

    shape: tuple[int, ...]

    def infer(self, u: TensorType, grad: TensorType) -> tuple[TensorType, ...]:
        self.check("a transformed filter", u, self.size**2)
        self.check("an output's gradient", grad)
        dtype = require_float("WinogradInputGrad", u, grad)
        forward = WinogradConv2D(self.tile, self.kernel, self.padding)
        require_gradient(grad, forward, TensorType(dtype, self.shape), u)
        return (TensorType(dtype, self.shape),)

    def forward(self, xp: Any, u: Any, grad: Any) -> tuple[Any, ...]:
        spread = _products(xp, self.output_tiles(xp, grad), _transposed_filter(xp, u))
        return (self.image_from_tiles(xp, spread, self.shape),)

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        return Batching((False, True), (False,))

    def for_batch(self, size: int) -> Op:
        return self.replace(shape=(size, *self.shape[1:]))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for case in _cases():
            yield Sample(cls(case.tile, case.kernel, case.padding, case.x.shape), (case.u, case.grad))


class WinogradFilterGrad(WinogradConvolution):
    """dU = (Bᵀ·x·B)ᵀ·(A·δ·Aᵀ), summed over all tiles: [n²,C,O]."""

    def infer(self, x: TensorType, grad: TensorType) -> tuple[TensorType, ...]:
        image, delta = self.check("an image", x), self.check("an output's gradient", grad)
        dtype = require_float("WinogradFilterGrad", x, grad)
        require_shape("the gradient of WinogradConv2D", grad.shape, self.out_shape(image, delta[3]))
        return (TensorType(dtype, (self.size**2, image[3], delta[3])),)

    def forward(self, xp: Any, x: Any, grad: Any) -> tuple[Any, ...]:
        return (_filter_gradient(xp, self.image_tiles(xp, x), self.output_tiles(xp, grad)),)

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        return Batching((True, True), (True,))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for case in _cases():
            yield Sample(cls(case.tile, case.kernel, case.padding), (case.x, case.grad))


class WinogradGrads(WinogradConvolution):
    """WinogradInputGrad and WinogradFilterGrad in one op, from x, U and δ, which computes dM once."""

    def infer(self, x: TensorType, u: TensorType, grad: TensorType) -> tuple[TensorType, ...]:
        self.check("an image", x)
        self.check("a transformed filter", u, self.size**2)
        self.check("an output's gradient", grad)
        dtype = require_float("WinogradGrads", x, u, grad)
        require_gradient(grad, WinogradConv2D(self.tile, self.kernel, self.padding), x, u)
        return TensorType(dtype, x.shape), TensorType(dtype, u.shape)

    def forward(self, xp: Any, x: Any, u: Any, grad: Any) -> tuple[Any, ...]:
        tiles = self.output_tiles(xp, grad)
        spread = _products(xp, tiles, _transposed_filter(xp, u))
        return self.image_from_tiles(xp, spread, x.shape), _filter_gradient(xp, self.image_tiles(xp, x), tiles)

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        return Batching((True, False, True), (False, True))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for case in _cases():
            yield Sample(cls(case.tile, case.kernel, case.padding), (case.x, case.u, case.grad))


class Case(NamedTuple):
    """Operands of the samples."""

    tile: int
    kernel: int
    padding: tuple[Pair, Pair]
    x: Any
    w: Any
    u: Any
    grad: Any


def _case(tile: int, kernel: int, padding: tuple[Pair, Pair], x: tuple[int, ...], outputs: int) -> Case:
    random = np.random.RandomState(tile)
    image, w = random.randn(*x), random.randn(kernel, kernel, x[3], outputs)
    (u,) = WinogradFilter(tile, kernel).forward(np, w)
    grad = random.randn(*WinogradConvolution.out_shape(WinogradConv2D(tile, kernel, padding), x, outputs))
    return Case(tile, kernel, padding, image, w, u, grad)


@lru_cache(maxsize=1)
def _cases() -> tuple[Case, ...]:
    return (
        _case(2, 3, ((1, 1), (1, 1)), (2, 4, 5, 2), 3),
        _case(4, 3, ((0, 0), (0, 0)), (1, 7, 6, 1), 2),
        _case(2, 5, ((2, 1), (0, 3)), (2, 5, 6, 2), 2),
        _case(4, 5, ((2, 2), (2, 2)), (1, 5, 3, 2), 1),
    )
