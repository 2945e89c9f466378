"""Convolutions as im2col and one matrix product per group, for some images at a time.

With columns C[n·P·Q, KH·KW·I] (C[npq, rsi] = the padded image under tap (r, s)), filters W[KH·KW·I, O] and output
gradients D[n·P·Q, O]: Y = C·W, ∂L/∂W = Cᵀ·D, and ∂L/∂C = D·Wᵀ. Each image element then sums its copies in ∂L/∂C.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from minigraph.backend.workspace import BufferRef, work
from minigraph.backends.cupy.kernel import Code, Gemm, Launch, Step, Types, per_element, pointer
from minigraph.backends.cupy.moves import fill
from minigraph.backends.cupy.source import literal, total
from minigraph.backends.cupy.windows import over_outputs
from minigraph.core.dtypes import DType
from minigraph.core.types import TensorType
from minigraph.ops.nn import conv2d as C
from minigraph.ops.window import Window

LIMIT = 256 << 20  # most bytes of the columns of one piece


class ConvSizes(NamedTuple):
    """The sizes of a convolution: image [n, height, width, groups·depth], output [n, rows, columns, fan·groups]."""

    window: Window
    image: TensorType
    rows: int
    columns: int
    depth: int
    fan: int
    groups: int

    @property
    def taps(self) -> int:
        """The length of a row of columns."""
        return self.window.kernel[0] * self.window.kernel[1] * self.depth

    @property
    def dtype(self) -> DType:
        return self.image.dtype

    @property
    def is_matmul(self) -> bool:
        """Whether the columns are the image itself."""
        plain = self.window.kernel == (1, 1) and self.window.strides == (1, 1) and self.groups == 1
        return plain and self.window.pads(*self.image.static[1:3]) == ((0, 0), (0, 0))

    def pieces(self) -> Iterator[tuple[int, int]]:
        """(first image, images) of each piece."""
        n = self.image.static[0]
        each = max(1, LIMIT // max(self.rows * self.columns * self.taps * self.dtype.size, 1))
        for start in range(0, n, each):
            yield start, min(each, n - start)

    @property
    def workspace(self) -> int:
        images = max((count for _, count in self.pieces()), default=0)
        return 0 if self.is_matmul else images * self.rows * self.columns * self.taps * self.dtype.size

    def at(self, ref: BufferRef, image: int, output: bool = False, channel: int = 0) -> BufferRef:
        """The pointer to the first element of an image, or of its output."""
        _, height, width, channels = self.image.static
        size = self.rows * self.columns * self.fan * self.groups if output else height * width * channels
        return ref._replace(offset=(image * size + channel) * self.dtype.size)


def shape_of(op: C.Convolution, image: TensorType, filters: tuple[int, ...]) -> ConvSizes:
    out = op.out_shape(image.static, filters)
    window = op.window(filters)
    return ConvSizes(window, image, out[1] or 0, out[2] or 0, filters[2], filters[3] // op.groups, op.groups)


def im2col(s: ConvSizes, source: BufferRef, images: int) -> Launch:
    """columns[c0, c1, c2, r, s, c5] of the group whose first channel is at `source`. One kernel serves all groups."""
    _, height, width, channels = s.image.static
    (top, _), (left, _) = s.window.pads(height, width)
    (kh, kw), (sh, sw), (dh, dw) = s.window.kernel, s.window.strides, s.window.dilations
    body = [f"const int h = c1 * {sh} + c3 * {dh} - {top}, w = c2 * {sw} + c4 * {dw} - {left};"]
    body.append(f"const bool inside = h >= 0 && h < {height} && w >= 0 && w < {width};")
    at = f"((c0 * {height} + h) * {width} + w) * {channels} + c5"
    body.append(f"y0[i] = inside ? x0[{at}] : {literal(0, s.dtype)};")
    shape = (images, s.rows, s.columns, kh, kw, s.depth)
    parameters = [pointer(s.dtype, "x0"), pointer(s.dtype, "y0", False)]
    made = per_element("im2col", shape, parameters, body, reach=images * height * width * channels)
    return Launch(made, (source, work()))


def col2im(s: ConvSizes, target: BufferRef, images: int) -> Launch:
    """For the group whose first channel is at `target`: each image element = Σ over the columns that hold it."""
    channels = s.image.static[3]
    alone = TensorType(s.dtype, (*s.image.static[:3], s.depth))
    kh_kw = s.window.kernel[0] * s.window.kernel[1]
    place = f"(((c0 * {s.rows} + p) * {s.columns} + q) * {kh_kw} + tap) * {s.depth} + c3"
    body = [total(s.dtype)]
    body += over_outputs(s.window, alone, (s.rows, s.columns), [f"total += x0[{place}];"])
    body = [line for line in body if "const auto at" not in line]
    pixel = f"((c0 * {s.image.static[1]} + c1) * {s.image.static[2]} + c2)"
    body.append(f"y0[{pixel} * {channels} + c3] = total;")
    shape = (images, *s.image.static[1:3], s.depth)
    parameters = [pointer(s.dtype, "x0"), pointer(s.dtype, "y0", False)]
    reach = images * max(s.rows * s.columns * kh_kw * s.depth, s.image.size // max(s.image.static[0], 1))
    made = per_element("col2im", shape, parameters, body, reach=reach)
    return Launch(made, (work(), target))


def _in_pieces(s: ConvSizes, piece: Callable[[int, int, int], list[Step]]) -> Code:
    """piece(first image, images, group) for all pieces and groups."""
    steps = [step for start, images in s.pieces() for group in range(s.groups) for step in piece(start, images, group)]
    return Code(tuple(steps), s.workspace)


def conv2d(op: C.Conv2D, in_types: Types, out_types: Types) -> Code | None:
    image, filters = in_types
    return by_columns(shape_of(op, image, filters.static))


def by_columns(s: ConvSizes, packed: bool = False) -> Code:
    """Y = C·W. packed: the filters are [O,KH,KW,I], whose rows are the columns of W."""
    total = s.fan * s.groups

    def piece(start: int, images: int, group: int) -> list[Step]:
        source = s.at(BufferRef("in"), start, channel=group * s.depth)
        target = s.at(BufferRef("out"), start, True, group * s.fan)
        columns = source if s.is_matmul else work()
        weights = BufferRef("in", 1, group * s.fan * (s.taps if packed else 1) * s.dtype.size)
        pixels = images * s.rows * s.columns
        refs, leading = (columns, weights, target), s.taps if packed else total
        product = Gemm(pixels, s.fan, s.taps, s.dtype, refs, s.taps, leading, total, transpose_b=packed)
        return [product] if s.is_matmul else [im2col(s, source, images), product]

    return _in_pieces(s, piece)


def input_grad(op: Any, in_types: Types, out_types: Types) -> Code | None:
    filters, _ = in_types
    s = shape_of(op, out_types[0], filters.static)
    total = s.fan * s.groups

    def piece(start: int, images: int, group: int) -> list[Step]:
        source = s.at(BufferRef("in", 1), start, True, group * s.fan)
        target = s.at(BufferRef("out"), start, channel=group * s.depth)
        columns = target if s.is_matmul else work()
        weights = BufferRef("in", 0, group * s.fan * s.dtype.size)
        pixels = images * s.rows * s.columns
        refs = (source, weights, columns)
        product = Gemm(pixels, s.taps, s.fan, s.dtype, refs, total, total, s.taps, transpose_b=True)
        return [product] if s.is_matmul else [product, col2im(s, target, images)]

    return _in_pieces(s, piece)


def filter_grad(op: Any, in_types: Types, out_types: Types) -> Code | None:
    """∂L/∂w. The products of the pieces are added in order."""
    image, _ = in_types
    s = shape_of(op, image, out_types[0].static)
    if not image.size:
        return Code((fill(out_types[0], 0, BufferRef("out")),))
    total = s.fan * s.groups

    def piece(start: int, images: int, group: int) -> list[Step]:
        source = s.at(BufferRef("in"), start, channel=group * s.depth)
        delta = s.at(BufferRef("in", 1), start, True, group * s.fan)
        columns = source if s.is_matmul else work()
        target = BufferRef("out", 0, group * s.fan * s.dtype.size)
        pixels = images * s.rows * s.columns
        refs = (columns, delta, target)
        beta = 1.0 if start else 0.0
        product = Gemm(s.taps, s.fan, pixels, s.dtype, refs, s.taps, total, total, transpose_a=True, beta=beta)
        return [product] if s.is_matmul else [im2col(s, source, images), product]

    return _in_pieces(s, piece)
