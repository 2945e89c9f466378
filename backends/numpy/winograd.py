"""Winograd convolution: transforms as matrix products over rows, then columns, and a product for each tile position.

Tiles are [n, n, images, tile rows, tile columns, channels], so both transforms and the products are products of large
matrices. A kernel processes the image in blocks, so that a block's tiles stay in cache.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np

from minigraph.backend.base import Launch, Lowered, Types, in_sequence
from minigraph.backends.numpy.columns import ALL, Block, Columns
from minigraph.backends.numpy.common import Array, ArrayLayout, Kernel, copy, fallback, with_threads
from minigraph.backends.numpy.products import count_pieces, in_parallel, product, shares
from minigraph.core.op import Op
from minigraph.ops.nn import winograd as W
from minigraph.ops.nn.winograd import Matrix, as_array, transforms, transposed

LIMIT = 8 << 20  # bytes of a block's tiles, over all channels of image and output


class _Load(NamedTuple):
    """A block, the steps that compute V of its part of the image, and V [n², tiles, C]."""

    block: Block
    steps: list[Launch]
    v: Array


class _Patch(NamedTuple):
    """Pixels of an output or frame with the same position in their tiles.

    pixels: slices of images, rows and columns. tiles: slices of [i, j, images, tile rows, tile columns].
    """

    pixels: tuple[slice, ...]
    tiles: tuple[slice, ...]

    def of_pixels(self, array: Array) -> Array:
        """[images, tile rows, i, tile columns, j, channels], a view."""
        i, j, _, rows, columns = (t.stop - t.start for t in self.tiles)
        part = array[self.pixels]
        return part.reshape((len(part), rows, i, columns, j, array.shape[3]))

    def of_tiles(self, array: Array) -> Array:
        """The same of an array of tiles."""
        return array[self.tiles].transpose(2, 3, 0, 4, 1, 5)


def _spans(start: int, stop: int, tile: int, length: int) -> list[tuple[slice, slice, slice]]:
    """The tiles from `start` to `stop` of an axis of `length`: the whole ones, then the rest of a last one.

    Each span is (pixels, positions in the tile, tiles counted from `start`).
    """
    whole = max(min(stop, length // tile), start)
    out = [(slice(start * tile, whole * tile), slice(0, tile), slice(0, whole - start))]
    if whole < stop:
        out.append((slice(whole * tile, length), slice(0, length - whole * tile), slice(whole - start, stop - start)))
    return [span for span in out if span[0].start < span[0].stop]


def _patches(block: Block, tile: int, columns: int, out: Sequence[int]) -> list[_Patch]:
    """The patches of an output [N,P,Q,O] in a block of tiles."""
    images = slice(0, block.images.stop - block.images.start)
    return [
        _Patch((block.images, rows, cols), (i, j, images, tile_rows, tile_columns))
        for rows, i, tile_rows in _spans(block.rows.start, block.rows.stop, tile, out[1])
        for cols, j, tile_columns in _spans(0, columns, tile, out[2])
    ]


class _Buffers(NamedTuple):
    """The workspace of a block: the padded image; two arrays for the transforms; the tiles V or dV; the tiles M or
    dM; a part of dU."""

    frame: Array
    one: Array
    two: Array
    image: Array
    output: Array
    part: Array


class _Transform:
    """A matrix applied to both leading axes of [a, a, rest], giving [b, b, rest] through a buffer [b, a, rest]."""

    def __init__(self, matrix: Matrix, dtype: np.dtype[Any], threads: bool = False) -> None:
        self.matrix = as_array(matrix, dtype)
        self.threads = threads

    def steps(self, source: Array, buffer: Array, target: Array) -> list[Launch]:
        b, a = self.matrix.shape
        rest = source.size // a**2
        middle = buffer[: b * a * rest]
        return [
            product(self.matrix, source.reshape(a, a * rest), middle.reshape(b, a * rest), self.threads),
            partial(np.matmul, self.matrix, middle.reshape(b, a, rest), target.reshape(b, b, rest)),
        ]


def _filter_kernel(matrix: Matrix, types: Types, out_types: Types, threads: bool) -> Lowered:
    """A transform of all pairs of channels."""
    kind = out_types[0].dtype.np_dtype
    transform = _Transform(matrix, kind, threads)
    layout = ArrayLayout()
    layout.reserve(transform.matrix.size * (types[0].size // transform.matrix.shape[1] ** 2), kind)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        (buffer,) = layout.arrays(workspace)
        return in_sequence(transform.steps(inputs[0], buffer, outputs[0]))

    return Lowered(bind, layout.nbytes)


def filters(op: W.WinogradFilter, in_types: Types, out_types: Types, threads: bool = False) -> Lowered:
    """U = G·w·Gᵀ."""
    if out_types[0].dtype.np_dtype.itemsize < 4:
        return fallback(op, in_types, out_types)
    return _filter_kernel(transforms(op.tile, op.kernel).filter, in_types, out_types, threads)


def filters_adjoint(op: W.WinogradFilterAdjoint, in_types: Types, out_types: Types, threads: bool = False) -> Lowered:
    """dw = Gᵀ·dU·G."""
    if out_types[0].dtype.np_dtype.itemsize < 4:
        return fallback(op, in_types, out_types)
    return _filter_kernel(transposed(transforms(op.tile, op.kernel).filter), in_types, out_types, threads)


class _Tiled:
    """The shared part of the kernels: the tiles of an image [N,H,W,C] and of an output [N,P,Q,O], block by block.

    threads: whether all threads work on it. They share the work of each block, or with `many` the blocks, if there are
    enough tiles for that; each then has buffers of its own.
    """

    def __init__(
        self,
        op: W.WinogradConvolution,
        x: Sequence[int],
        y: Sequence[int],
        kind: np.dtype[Any],
        threads: bool,
        many: bool = False,
    ) -> None:
        self.size, self.tile, self.y, self.kind, self.x = op.size, op.tile, tuple(y), kind, tuple(x)
        (self.top, _), (self.left, _) = op.padding
        self.channels, self.outputs = x[3], y[3]
        counts = op.counts(y)
        limit = LIMIT * self.channels // max(2 * self.channels + self.outputs, 1)
        tiles = x[0] * math.prod(counts)
        count = count_pieces(tiles, self.channels, self.size**2 * self.outputs, 2 * tiles) if threads and many else 1
        self.threads = threads and count == 1
        self.columns = Columns(
            self.x, (self.size,) * 2, (self.tile,) * 2, (1, 1), (-self.top, -self.left), counts, 1, kind, limit, count
        )
        matrices = transforms(op.tile, op.kernel)
        self.image = _Transform(matrices.image, kind, self.threads)
        self.image_adjoint = _Transform(transposed(matrices.image), kind, self.threads)
        self.output = _Transform(matrices.output, kind, self.threads)
        self.output_adjoint = _Transform(transposed(matrices.output), kind, self.threads)
        self.places = self.size**2
        self.blocks = self.columns.blocks()
        self.most = max((self.tiles(b) for b in self.blocks), default=0)
        self.shares = shares(len(self.blocks)) if count > 1 else [ALL]

    def tiles(self, block: Block) -> int:
        """The number of tiles of a block."""
        count: int = block.pixels.stop - block.pixels.start
        return count

    def shape(self, block: Block) -> tuple[int, int, int]:
        """Images, tile rows and tile columns of a block."""
        return block.images.stop - block.images.start, block.rows.stop - block.rows.start, self.columns.out[1]

    def reserve(self, sums: bool = False) -> ArrayLayout:
        """The layout of each thread's buffers. sums: with one for a part of dU if there are several blocks."""
        widest = max(self.channels, self.outputs)
        rows = max((b.rows.stop - b.rows.start for b in self.blocks), default=0)
        images = max((b.images.stop - b.images.start for b in self.blocks), default=0)
        frame = images * self._extent(rows) * self._extent(self.columns.out[1]) * self.channels
        tiles = self.places * self.most
        some = sums and len(self.blocks) > 1
        layout = ArrayLayout()
        for _ in self.shares:
            for size in (frame, tiles * widest, max(tiles * widest, frame)):
                layout.reserve(size, self.kind)
            for channels in (self.channels, self.outputs):
                layout.reserve(tiles * channels, self.kind)
            layout.reserve((self.places, self.channels, self.outputs) if some else (0,), self.kind)
        return layout

    def _extent(self, tiles: int) -> int:
        """Pixels that `tiles` tiles span, rounded up to whole tiles' outputs."""
        return (tiles + -(-self.size // self.tile) - 1) * self.tile

    def load(self, x: Array, buffers: _Buffers, some: slice = ALL) -> Iterator[_Load]:
        """V, block by block."""
        for block, steps, windows in self.columns.windows(x, buffers.frame, some):
            gathered = windows.transpose(3, 4, 0, 1, 2, 5)
            tiles = buffers.one[: gathered.size].reshape(gathered.shape)
            v = self.matrix(block, buffers.image, self.channels)
            yield _Load(block, [*steps, copy(tiles, gathered), *self.image.steps(tiles, buffers.two, v)], v)

    def matrix(self, block: Block, buffer: Array, channels: int) -> Array:
        """The tiles of a block in a buffer, as [n², tiles, channels]."""
        return buffer[: self.places * self.tiles(block) * channels].reshape(self.places, -1, channels)

    def store(self, block: Block, m: Array, y: Array, buffers: _Buffers) -> list[Launch]:
        """y = Aᵀ·M·A, each pixel to its place."""
        small = buffers.one[: self.tile**2 * self.tiles(block) * self.outputs]
        tiles = small.reshape((self.tile, self.tile, *self.shape(block), self.outputs))
        patches = _patches(block, self.tile, self.columns.out[1], self.y)
        return [
            *self.output.steps(m, buffers.two, small),
            *(copy(p.of_pixels(y), p.of_tiles(tiles)) for p in patches),
        ]

    def spread(self, block: Block, grad: Array, buffers: _Buffers) -> tuple[list[Launch], Array]:
        """The steps for dM = A·δ·Aᵀ, and dM [n², tiles, O]."""
        small = buffers.one[: self.tile**2 * self.tiles(block) * self.outputs]
        tiles = small.reshape((self.tile, self.tile, *self.shape(block), self.outputs))
        patches = _patches(block, self.tile, self.columns.out[1], self.y)
        steps: list[Launch] = []
        if small.size > sum(p.of_pixels(grad).size for p in patches):
            steps.append(partial(small.fill, 0))
        steps += [copy(p.of_tiles(tiles), p.of_pixels(grad)) for p in patches]
        dm = self.matrix(block, buffers.output, self.outputs)
        return [*steps, *self.output_adjoint.steps(small, buffers.two, dm)], dm

    def add_products(self, load: _Load, dm: Array, du: Array, buffers: _Buffers) -> list[Launch]:
        """dU += Vᵀ·dM."""
        block, steps, v = load
        first = block.pixels.start == 0
        made = product(v.transpose(0, 2, 1), dm, du if first else buffers.part, self.threads)
        return [*steps, made, *([] if first else [partial(np.add, du, buffers.part, du)])]

    def scatter(self, block: Block, dv: Array, dx: Array, buffers: _Buffers) -> list[Launch]:
        """dx += Σ over tiles of B·dV·Bᵀ. Blocks of whole images set dx, blocks of rows add to it."""
        images, rows, columns = self.shape(block)
        spread = buffers.one[: dv.size].reshape((self.size, self.size, images, rows, columns, self.channels))
        shape = (images, self._extent(rows), self._extent(columns), self.channels)
        whole = buffers.two[: math.prod(shape)].reshape(shape)
        steps: list[Launch] = [*self.image_adjoint.steps(dv, buffers.two, spread), partial(whole.fill, 0)]
        parts = [(k, min(self.tile, self.size - k)) for k in range(0, self.size, self.tile)]
        split = whole.reshape((images, -1, self.tile, shape[2] // self.tile, self.tile, self.channels))
        for i, height in parts:
            for j, width in parts:
                down, right = i // self.tile, j // self.tile
                target = split[:, down : down + rows, :height, right : right + columns, :width]
                part = spread[i : i + height, j : j + width].transpose(2, 3, 0, 4, 1, 5)
                steps.append(partial(np.add, target, part, target))
        return [*steps, *self._put(block, whole, dx)]

    def _put(self, block: Block, frame: Array, dx: Array) -> list[Launch]:
        first = block.rows.start * self.tile - self.top  # the image row at the frame's start
        begin, end = max(first, 0), min(first + frame.shape[1], self.x[1])
        width = min(frame.shape[2] - self.left, self.x[2])
        part = frame[:, begin - first : max(end, begin) - first, self.left : self.left + max(width, 0)]
        target = dx[block.images, begin : max(end, begin), : max(width, 0)]
        if block.rows.start == 0:
            rest = part.shape[1:3] != self.x[1:3]
            clear: list[Launch] = [partial(dx[block.images].fill, 0)] if rest else []
            return [*clear, copy(target, part)]
        return [partial(np.add, target, part, target)]


def conv2d(op: W.WinogradConv2D, in_types: Types, out_types: Types, threads: bool = False) -> Lowered:
    """V = Bᵀ·x·B, M = V·U, y = Aᵀ·M·A."""
    kind = out_types[0].dtype.np_dtype
    if kind.itemsize < 4:
        return fallback(op, in_types, out_types)
    tiled = _Tiled(op, in_types[0].static, out_types[0].static, kind, threads, many=True)
    layout = tiled.reserve()

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        arrays = layout.arrays(workspace)
        size = len(_Buffers._fields)
        work: list[list[Launch]] = []
        for number, some in enumerate(tiled.shares):
            buffers = _Buffers(*arrays[size * number : size * (number + 1)])
            steps: list[Launch] = []
            for block, load, v in tiled.load(inputs[0], buffers, some):
                m = tiled.matrix(block, buffers.output, tiled.outputs)
                steps += [*load, product(v, inputs[1], m, tiled.threads)]
                steps += tiled.store(block, m, outputs[0], buffers)
            work.append(steps)
        return in_parallel(work)

    return Lowered(bind, layout.nbytes)


def gradients(op: W.WinogradConvolution, in_types: Types, out_types: Types, threads: bool = False) -> Lowered:
    """dM = A·δ·Aᵀ; dx = Σ B·(dM·Uᵀ)·Bᵀ if U is given, dU = Vᵀ·dM if x is given."""
    kind = out_types[0].dtype.np_dtype
    if kind.itemsize < 4:
        return fallback(op, in_types, out_types)
    with_x, with_u = not isinstance(op, W.WinogradInputGrad), not isinstance(op, W.WinogradFilterGrad)
    x = op.shape if isinstance(op, W.WinogradInputGrad) else in_types[0].static
    tiled = _Tiled(op, x, in_types[-1].static, kind, threads)
    layout = tiled.reserve(sums=with_x)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        buffers = _Buffers(*layout.arrays(workspace))
        dx, du = outputs[0] if with_u else None, outputs[-1] if with_x else None
        loads = tiled.load(inputs[0], buffers) if with_x else ()
        steps: list[Launch] = []
        for block, load in zip_longest(tiled.blocks, loads):
            to_dm, dm = tiled.spread(block, inputs[-1], buffers)
            steps += to_dm
            if load is not None and du is not None:
                steps += tiled.add_products(load, dm, du, buffers)
            if dx is not None:
                dv = tiled.matrix(block, buffers.image, tiled.channels)
                steps += [product(dm, inputs[-2].transpose(0, 2, 1), dv, threads)]
                steps += tiled.scatter(block, dv, dx, buffers)
        return in_sequence(steps or [partial(du.fill, 0)] if du is not None else steps)

    return Lowered(bind, layout.nbytes)


KERNELS: dict[type[Op], Kernel] = {
    W.WinogradFilter: filters,
    W.WinogradFilterAdjoint: filters_adjoint,
    W.WinogradConv2D: conv2d,
    W.WinogradInputGrad: gradients,
    W.WinogradFilterGrad: gradients,
    W.WinogradGrads: gradients,
}

SHARED: dict[type[Op], Kernel] = with_threads(KERNELS)
