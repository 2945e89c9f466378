"""Winograd convolutions: a thread per tile and channel applies the transforms, and one batched matrix product of the
BLAS does the rest, for some images at a time. `ops/nn/winograd.py` has the formulas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from minigraph.backend.workspace import BufferRef, work
from minigraph.backends.cupy.conv import LIMIT
from minigraph.backends.cupy.kernel import Code, CudaKernel, Emitter, Gemm, Launch, Step, Types, per_element, pointer
from minigraph.backends.cupy.source import c_type, literal
from minigraph.core.dtypes import DType
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ops.nn import winograd as W
from minigraph.util.alignment import aligned


def _product(matrix: W.Matrix, row: int, terms: Sequence[str], dtype: DType) -> str:
    """Row `row` of the matrix times the terms."""
    parts = [f"{literal(float(m), dtype)} * {t}" for m, t in zip(matrix[row], terms, strict=True) if m]
    return " + ".join(parts) or literal(0, dtype)


def _both(matrix: W.Matrix, dtype: DType) -> list[str]:
    """z = matrix · d · matrixᵀ, from the square array d."""
    rows, columns = len(matrix), len(matrix[0])
    across = [[f"d[{i}][{j}]" for i in range(columns)] for j in range(columns)]
    down = [[f"t[{a}][{j}]" for j in range(columns)] for a in range(rows)]
    first = [(f"t[{a}][{j}]", _product(matrix, a, across[j], dtype)) for a in range(rows) for j in range(columns)]
    second = [(f"z[{a}][{b}]", _product(matrix, b, down[a], dtype)) for a in range(rows) for b in range(rows)]
    head = f"{c_type(dtype)} t[{rows}][{columns}], z[{rows}][{rows}];"
    return [head, *(f"{name} = {value};" for name, value in (*first, *second))]


def _square(size: int, statement: str) -> list[str]:
    """The loop that runs the statement for all (a, b) of a square."""
    return [
        "#pragma unroll",
        f"for (int a = 0; a < {size}; ++a)",
        "    #pragma unroll",
        f"    for (int b = 0; b < {size}; ++b) {statement}",
    ]


def _kernel(
    family: str, shape: Sequence[int], dtype: DType, read: list[str], matrix: W.Matrix, write: list[str]
) -> CudaKernel:
    """A kernel with a thread for each index of the shape: `read` fills d, z = matrix · d · matrixᵀ, `write` stores
    z."""
    parameters = [pointer(dtype, "x0"), pointer(dtype, "y0", False)]
    load = f"{c_type(dtype)} d[{len(matrix[0])}][{len(matrix[0])}];"
    return per_element(family, shape, parameters, [load, *read, *_both(matrix, dtype), *write])


def _filter(op: W.Winograd, matrix: W.Matrix, kind: TensorType) -> Code:
    """The transform of a filter, or its adjoint, for each pair of channels."""
    pairs = kind.static[-2] * kind.static[-1]
    before, after = len(matrix[0]), len(matrix)
    read = _square(before, f"d[a][b] = x0[(a * {before} + b) * {pairs} + i];")
    write = _square(after, f"y0[(a * {after} + b) * {pairs} + i] = z[a][b];")
    made = _kernel(type(op).__name__.lower(), (pairs,), kind.dtype, read, matrix, write)
    return Code((Launch(made, (BufferRef("in"), BufferRef("out"))),))


class _TiledConv(NamedTuple):
    """A convolution of some images: x [images, …], y [images, …] and the tiles of both."""

    op: W.WinogradConvolution
    x: tuple[int, ...]
    y: tuple[int, ...]
    dtype: DType

    @property
    def matrices(self) -> W.Transforms:
        return W.transforms(self.op.tile, self.op.kernel)

    @property
    def counts(self) -> tuple[int, int]:
        return self.op.counts(self.y)

    def tiles(self, images: int) -> int:
        return images * self.counts[0] * self.counts[1]

    def bytes(self, images: int, channels: int) -> int:
        """The bytes of the tiles of `channels` channels."""
        return aligned(self.op.size**2 * self.tiles(images) * channels * self.dtype.size)

    @property
    def workspace(self) -> int:
        images = max((n for _, n in self.pieces()), default=0)
        return self.bytes(images, self.x[3]) + self.bytes(images, self.y[3])

    def pieces(self) -> Iterator[tuple[int, int]]:
        """(first image, images) of each piece."""
        each = max(1, LIMIT // max(self.bytes(1, self.x[3] + self.y[3]), 1))
        for start in range(0, self.x[0], each):
            yield start, min(each, self.x[0] - start)

    def image(self, ref: BufferRef, start: int) -> BufferRef:
        return ref._replace(offset=start * self.x[1] * self.x[2] * self.x[3] * self.dtype.size)

    def output(self, ref: BufferRef, start: int) -> BufferRef:
        return ref._replace(offset=start * self.y[1] * self.y[2] * self.y[3] * self.dtype.size)

    def _tiled(self, images: int, channels: int) -> tuple[int, ...]:
        return (images, *self.counts, channels)

    def _in_tiles(self, images: int, channels: int) -> str:
        """The element at position (a, b) of the tile, channel i."""
        return f"(a * {self.op.size} + b) * {self.tiles(images) * channels} + i"

    def _loaded(self, images: int, shape: Sequence[int], size: int, before: tuple[int, int], name: str) -> list[str]:
        """d = the part of an image under the tile, with zeros outside."""
        _, height, width, channels = shape
        zero = literal(0, self.dtype)
        lines = [f"const int h0 = c1 * {self.op.tile} - {before[0]}, w0 = c2 * {self.op.tile} - {before[1]};"]
        inside = f"h0 + a >= 0 && h0 + a < {height} && w0 + b >= 0 && w0 + b < {width}"
        at = f"((c0 * {height} + h0 + a) * {width} + w0 + b) * {channels} + c3"
        return [*lines, *_square(size, f"d[a][b] = {inside} ? {name}[{at}] : {zero};")]

    def image_tiles(self, source: BufferRef, target: BufferRef, images: int) -> Launch:
        """V = Bᵀ·d·B."""
        (top, _), (left, _) = self.op.padding
        size, channels = self.op.size, self.x[3]
        read = self._loaded(images, self.x, size, (top, left), "x0")
        write = _square(size, f"y0[{self._in_tiles(images, channels)}] = z[a][b];")
        shape = self._tiled(images, channels)
        return Launch(_kernel("image_tiles", shape, self.dtype, read, self.matrices.image, write), (source, target))

    def output_tiles(self, source: BufferRef, target: BufferRef, images: int) -> Launch:
        """dM = A·δ·Aᵀ."""
        channels = self.y[3]
        read = self._loaded(images, self.y, self.op.tile, (0, 0), "x0")
        write = _square(self.op.size, f"y0[{self._in_tiles(images, channels)}] = z[a][b];")
        matrix = W.transposed(self.matrices.output)
        shape = self._tiled(images, channels)
        return Launch(_kernel("output_tiles", shape, self.dtype, read, matrix, write), (source, target))

    def output_from_tiles(self, source: BufferRef, target: BufferRef, images: int) -> Launch:
        """y = Aᵀ·M·A, cut to the output."""
        (_, rows, columns, channels), tile = self.y, self.op.tile
        read = _square(self.op.size, f"d[a][b] = x0[{self._in_tiles(images, channels)}];")
        at = f"((c0 * {rows} + c1 * {tile} + a) * {columns} + c2 * {tile} + b) * {channels} + c3"
        inside = f"c1 * {tile} + a < {rows} && c2 * {tile} + b < {columns}"
        write = _square(tile, f"if ({inside}) y0[{at}] = z[a][b];")
        shape = self._tiled(images, channels)
        made = _kernel("output_from_tiles", shape, self.dtype, read, self.matrices.output, write)
        return Launch(made, (source, target))

    def image_from_tiles(self, tiles: BufferRef, target: BufferRef, images: int) -> list[Step]:
        """Each tile becomes B·V·Bᵀ in place; then each image element sums the tile elements that cover it."""
        (top, _), (left, _) = self.op.padding
        size, tile, (_, height, width, channels) = self.op.size, self.op.tile, self.x
        rows, columns = self.counts
        here = self._in_tiles(images, channels)
        read = _square(size, f"d[a][b] = x0[{here}];")
        write = _square(size, f"y0[{here}] = z[a][b];")
        matrix = W.transposed(self.matrices.image)
        spread = _kernel("spread_tiles", self._tiled(images, channels), self.dtype, read, matrix, write)
        body = [
            f"{c_type(self.dtype)} total = 0;",
            f"const int h = c1 + {top}, w = c2 + {left};",
            f"for (int a = h % {tile}; a < {size} && a <= h; a += {tile})",
            f"    for (int b = w % {tile}; b < {size} && b <= w; b += {tile}) {{",
            f"        const int p = (h - a) / {tile}, q = (w - b) / {tile};",
            f"        if (p >= {rows} || q >= {columns}) continue;",
            f"        const auto at = ((c0 * {rows} + p) * {columns} + q) * {channels} + c3;",
            f"        total += x0[(a * {size} + b) * {self.tiles(images) * channels} + at];",
            "    }",
            "y0[i] = total;",
        ]
        parameters = [pointer(self.dtype, "x0"), pointer(self.dtype, "y0", False)]
        gathered = per_element("image_from_tiles", (images, height, width, channels), parameters, body)
        return [Launch(spread, (tiles, tiles)), Launch(gathered, (tiles, target))]

    def product(self, images: int, args: tuple[BufferRef, BufferRef, BufferRef], kind: str, first: bool = True) -> Gemm:
        """M = V·U, its gradient dV = dM·Uᵀ, or dU = Vᵀ·dM. Later pieces add to dU."""
        tiles, c, o = self.tiles(images), self.x[3], self.y[3]
        batch = self.op.size**2
        if kind == "M":
            return Gemm(tiles, o, c, self.dtype, args, c, o, o, batch=batch, strides=(tiles * c, c * o, tiles * o))
        if kind == "dV":
            strides = (tiles * o, c * o, tiles * c)
            return Gemm(tiles, c, o, self.dtype, args, o, o, c, transpose_b=True, batch=batch, strides=strides)
        strides, beta = (tiles * c, tiles * o, c * o), 0.0 if first else 1.0
        return Gemm(c, o, tiles, self.dtype, args, c, o, o, transpose_a=True, beta=beta, batch=batch, strides=strides)


def conv2d(op: W.WinogradConv2D, in_types: Types, out_types: Types) -> Code | None:
    form = _TiledConv(op, in_types[0].static, out_types[0].static, in_types[0].dtype)
    steps: list[Step] = []
    for start, images in form.pieces():
        v, m = work(), work(form.bytes(images, form.x[3]))
        steps.append(form.image_tiles(form.image(BufferRef("in"), start), v, images))
        steps.append(form.product(images, (v, BufferRef("in", 1), m), "M"))
        steps.append(form.output_from_tiles(m, form.output(BufferRef("out"), start), images))
    return Code(tuple(steps), form.workspace)


def _grads(
    form: _TiledConv,
    x: BufferRef | None,
    u: BufferRef | None,
    grad: BufferRef,
    dx: BufferRef | None,
    du: BufferRef | None,
) -> Code:
    """The gradients dx and dU, or one of them if the other's pointer is None."""
    steps: list[Step] = []
    for start, images in form.pieces():
        v, dm = work(), work(form.bytes(images, form.x[3]))
        steps.append(form.output_tiles(form.output(grad, start), dm, images))
        if du is not None and x is not None:
            steps.append(form.image_tiles(form.image(x, start), v, images))
            steps.append(form.product(images, (v, dm, du), "dU", not start))
        if dx is not None and u is not None:
            steps.append(form.product(images, (dm, u, v), "dV"))
            steps += form.image_from_tiles(v, form.image(dx, start), images)
    return Code(tuple(steps), form.workspace)


def input_grad(op: W.WinogradInputGrad, in_types: Types, out_types: Types) -> Code | None:
    form = _TiledConv(op, op.shape, in_types[1].static, in_types[1].dtype)
    return _grads(form, None, BufferRef("in"), BufferRef("in", 1), BufferRef("out"), None)


def filter_grad(op: W.WinogradFilterGrad, in_types: Types, out_types: Types) -> Code | None:
    form = _TiledConv(op, in_types[0].static, in_types[1].static, in_types[0].dtype)
    return _grads(form, BufferRef("in"), None, BufferRef("in", 1), None, BufferRef("out"))


def grads(op: W.WinogradGrads, in_types: Types, out_types: Types) -> Code | None:
    form = _TiledConv(op, in_types[0].static, in_types[2].static, in_types[0].dtype)
    return _grads(form, BufferRef("in"), BufferRef("in", 1), BufferRef("in", 2), BufferRef("out"), BufferRef("out", 1))


def _wide(emit: Emitter) -> Emitter:
    """An emitter without float16, which is too inexact for the transforms. The pass leaves float16 out, too."""
    return lambda op, x, y: None if x[0].dtype.size < 4 else emit(op, x, y)


EMITTERS: dict[type[Op], Emitter] = {
    W.WinogradFilter: _wide(lambda op, x, y: _filter(op, W.transforms(op.tile, op.kernel).filter, x[0])),
    W.WinogradFilterAdjoint: _wide(
        lambda op, x, y: _filter(op, W.transposed(W.transforms(op.tile, op.kernel).filter), x[0])
    ),
    W.WinogradConv2D: _wide(conv2d),
    W.WinogradInputGrad: _wide(input_grad),
    W.WinogradFilterGrad: _wide(filter_grad),
    W.WinogradGrads: _wide(grads),
}
