"""Winograd convolution: transforms of vectors of channels, and a matrix product for each tile position.

The tiles V of the image, M of the output and their gradients are [n², tiles, channels]. Each position is padded a
little at its end, so that the elements of one tile do not all map to one cache set.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from minigraph.backend.base import Types
from minigraph.backend.workspace import BufferRef, WorkspaceLayout, ins, outs
from minigraph.backends.llvm.blocked import FEW, MAX_WHOLE, SUMS, Lower, one_blocked
from minigraph.backends.llvm.builder import Frame, at, copy, index, larger, loop, offset, printed, smaller, zero
from minigraph.backends.llvm.compiler import host
from minigraph.backends.llvm.native import Call, LoweringContext, Native, Packing, always
from minigraph.backends.llvm.panels import Panels, floats, operands_of, overwritable, packing, panels_code, write_panels
from minigraph.backends.llvm.product import Batch, Product, grid, write_tasks
from minigraph.backends.llvm.scalar import Printer
from minigraph.backends.llvm.text import F32, IRValue, vector
from minigraph.backends.llvm.tile import TileEpilogue
from minigraph.backends.llvm.transform import both
from minigraph.core.dtypes import float32
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ir.packed import OnPacked
from minigraph.ops.nn import winograd as W
from minigraph.ops.nn.winograd import Matrix, transforms, transposed

FILTERS = 16  # vectors of filters of a task
MOST = 4 << 20  # bytes of the tiles of a block of images, for image and output together


class _Tiles(NamedTuple):
    """F(m×m, r×r) of images [n, height, width, channels] with outputs [n, rows, columns, outputs]."""

    size: int
    tile: int
    image: tuple[int, ...]
    output: tuple[int, ...]
    before: tuple[int, int]  # padding on top and left

    @property
    def counts(self) -> tuple[int, int]:
        """Tiles along rows and columns."""
        return -(-self.output[1] // self.tile), -(-self.output[2] // self.tile)

    @property
    def rows(self) -> int:
        """Rows of tiles in all images: tasks of most kernels."""
        return self.image[0] * self.counts[0]

    @property
    def total(self) -> int:
        return self.image[0] * math.prod(self.counts)

    def step(self, channels: int) -> int:
        """Elements from one position to the next: an odd number of cache lines."""
        return (-(-self.total * channels // 16) | 1) * 16

    def nbytes(self, channels: int) -> int:
        return 4 * self.size**2 * self.step(channels)


class _Side(NamedTuple):
    """The pixels from which tiles are cut, or to which they are joined: [n, height, width, channels].

    Tiles of `size`² pixels begin every `tile` pixels, from `before` on.
    """

    shape: tuple[int, ...]
    size: int
    tile: int
    before: tuple[int, int]

    @property
    def groups(self) -> int:
        """Parts of an image's channels that are tasks of their own where tiles are summed."""
        images, channels = self.shape[0], self.shape[3]
        groups = next(g for g in (8, 4, 2, 1) if images * g <= 8 or g == 1)
        return groups if channels % (groups * host().lanes) == 0 else 1


class _TileWriter:
    """Writes kernels over all tiles. A task is a row of tiles."""

    def __init__(self, what: _Tiles, frame: Frame) -> None:
        self.what, self.frame = what, frame

    def _origin(self, task: IRValue, column: IRValue, side: _Side) -> tuple[IRValue, IRValue, IRValue, IRValue]:
        """Image, first row, first column and number of a tile."""
        b, (down, across) = self.frame.b, self.what.counts
        image, row = b.sdiv(task, index(down)), b.srem(task, index(down))
        y, x = (
            b.sub(b.mul(p, index(side.tile)), index(start)) for p, start in zip((row, column), side.before, strict=True)
        )
        return image, y, x, b.add(b.mul(task, index(across)), column)

    def _valid(self, start: IRValue, size: int, length: int) -> tuple[IRValue, IRValue]:
        """The range of the `size` positions from `start` that lies in range(length)."""
        b = self.frame.b
        return larger(b, b.sub(index(0), start), index(0)), smaller(b, b.sub(index(length), start), index(size))

    def gather(self, name: str, side: _Side, matrix: Matrix, source: int, target: int) -> None:
        """Write the kernel target = matrix·d·matrixᵀ for the tiles d of pointer `source`, with zeros around images."""
        channels, step = side.shape[3], self.what.step(side.shape[3])
        with self.frame.tasks(name) as task, loop(self.frame.b, index(0), index(self.what.counts[1])) as column:
            b = self.frame.b
            patch = self.frame.stack_array("patch", side.size**2 * channels)
            image, y, x, number = self._origin(task, column, side)
            rows, columns = self._valid(y, side.size, side.shape[1]), self._valid(x, side.size, side.shape[2])
            whole = self._is_whole(rows, columns, side)
            first = at(b, self.frame.pointers[source], self._pixel(side, image, y, x), F32)
            with b.if_then(b.not_(whole)):
                zero(b, patch, index(4 * side.size**2 * channels))
                with loop(b, *rows) as i:
                    self._copy_line(side, first, patch, i, columns)
            start = b.select(whole, first, patch)
            line = b.select(whole, index(side.shape[2] * channels), index(side.size * channels))
            made = at(b, self.frame.pointers[target], b.mul(number, index(channels)), F32)
            with loop(b, index(0), index(channels), host().lanes) as c:

                def load(i: int, j: IRValue) -> IRValue:
                    place = b.add(offset(b, (line, i), (j, channels)), c)
                    return b.load(at(b, start, place, F32), vector(F32, host().lanes), align=4)

                def store(a: IRValue, j: int, value: IRValue) -> None:
                    place = b.add(offset(b, (a, len(matrix) * step), (c, 1)), index(j * step))
                    b.store(value, at(b, made, place, F32), align=4)

                both(self.frame, matrix, load, store)

    def _is_whole(self, rows: tuple[IRValue, IRValue], columns: tuple[IRValue, IRValue], side: _Side) -> IRValue:
        b, size = self.frame.b, index(side.size)
        down, across = (b.icmp_signed("==", b.sub(high, low), size) for low, high in (rows, columns))
        return b.and_(down, across)

    def _pixel(self, side: _Side, image: IRValue, y: IRValue, x: IRValue) -> IRValue:
        """The number of elements before a pixel."""
        b, (_, height, width, channels) = self.frame.b, side.shape
        return offset(b, (image, height * width * channels), (y, width * channels), (x, channels))

    def _copy_line(
        self, side: _Side, first: IRValue, patch: IRValue, i: IRValue, columns: tuple[IRValue, IRValue]
    ) -> None:
        """Copy the valid part of line i from the pixels to the patch."""
        b, channels, (low, high) = self.frame.b, side.shape[3], columns
        pixels = at(b, first, offset(b, (i, side.shape[2] * channels), (low, channels)), F32)
        target = at(b, patch, offset(b, (i, side.size * channels), (low, channels)), F32)
        nbytes = larger(b, b.mul(b.sub(high, low), index(4 * channels)), index(0))
        copy(b, target, pixels, nbytes)

    def _load(self, tiles: IRValue, number: IRValue, c: IRValue, channels: int) -> Callable[[int, IRValue], IRValue]:
        b, step = self.frame.b, self.what.step(channels)

        def load(i: int, j: IRValue) -> IRValue:
            place = b.add(offset(b, (j, step), (number, channels), (c, 1)), index(i * self.what.size * step))
            return b.load(at(b, tiles, place, F32), vector(F32, host().lanes), align=4)

        return load

    def put(
        self,
        name: str,
        side: _Side,
        matrix: Matrix,
        source: int,
        target: int,
        epilogue: TileEpilogue | None,
        after: int,
        pitch: int,
    ) -> None:
        """Write the kernel that turns each tile m of pointer `source` into pixels matrix·m·matrixᵀ of pointer `target`,
        with the epilogue applied. The epilogue's operands are the pointers from `after` on. Pixels are `pitch` apart.
        """
        channels, lanes = side.shape[3], host().lanes
        with self.frame.tasks(name) as task, loop(self.frame.b, index(0), index(self.what.counts[1])) as column:
            b = self.frame.b
            patch = self.frame.stack_array("patch", side.size**2 * lanes)
            image, y, x, number = self._origin(task, column, side)
            rows, columns = self._valid(y, side.size, side.shape[1]), self._valid(x, side.size, side.shape[2])
            first = self._pixel(side._replace(shape=(*side.shape[:3], pitch)), image, y, x)

            def finish(i: IRValue, j: IRValue, c: IRValue, value: IRValue) -> None:
                place = b.add(first, offset(b, (i, side.shape[2] * pitch), (j, pitch), (c, 1)))
                if epilogue:
                    others = enumerate(epilogue.operands, after)
                    here = [self._vector(o.place(b, self.frame.pointers[n], c, place)) for n, o in others]
                    value = Printer(b, [value, *here], lanes).value(epilogue.value)
                b.store(value, at(b, self.frame.pointers[target], place, F32), align=4)

            def in_patch(i: IRValue, j: IRValue) -> IRValue:
                return at(b, patch, offset(b, (i, side.size * lanes), (j, lanes)), F32)

            with b.if_else(self._is_whole(rows, columns, side)) as (whole, cut):
                with whole, loop(b, index(0), index(channels), lanes) as c:

                    def store(i: IRValue, j: int, value: IRValue) -> None:
                        finish(i, index(j), c, value)

                    both(self.frame, matrix, self._load(self.frame.pointers[source], number, c, channels), store)
                with cut, loop(b, index(0), index(channels), lanes) as c:

                    def keep(i: IRValue, j: int, value: IRValue) -> None:
                        b.store(value, in_patch(i, index(j)), align=4)

                    both(self.frame, matrix, self._load(self.frame.pointers[source], number, c, channels), keep)
                    with loop(b, *rows) as i, loop(b, *columns) as j:
                        finish(i, j, c, self._vector(in_patch(i, j)))

    def _vector(self, address: IRValue) -> IRValue:
        return self.frame.b.load(address, vector(F32, host().lanes), align=4)

    def scatter(self, name: str, side: _Side, matrix: Matrix, source: int, target: int) -> None:
        """Like `put`, but tiles overlap and are summed. A task is an image, or some of its channels."""
        _, height, width, channels = side.shape
        lanes, groups = host().lanes, side.groups
        own = channels // groups
        with self.frame.tasks(name) as task:
            b, (down, across) = self.frame.b, self.what.counts
            image, c0 = b.sdiv(task, index(groups)), b.mul(b.srem(task, index(groups)), index(own))
            whole = at(b, self.frame.pointers[target], b.mul(image, index(height * width * channels)), F32)
            with loop(b, index(0), index(height * width)) as pixel:
                zero(b, at(b, whole, b.add(b.mul(pixel, index(channels)), c0), F32), index(4 * own))
            with loop(b, index(0), index(down)) as row, loop(b, index(0), index(across)) as column:
                _, y, x, number = self._origin(b.add(b.mul(image, index(down)), row), column, side)
                rows, columns = self._valid(y, side.size, height), self._valid(x, side.size, width)
                first = at(b, self.frame.pointers[target], self._pixel(side, image, y, x), F32)
                patch = self.frame.stack_array("patch", side.size**2 * lanes)
                with loop(b, c0, b.add(c0, index(own)), lanes) as c:

                    def store(a: IRValue, j: int, value: IRValue) -> None:
                        place = b.add(b.mul(a, index(side.size * lanes)), index(j * lanes))
                        b.store(value, at(b, patch, place, F32), align=4)

                    both(self.frame, matrix, self._load(self.frame.pointers[source], number, c, channels), store)
                    with loop(b, *rows) as i, loop(b, *columns) as j:
                        place = at(b, first, offset(b, (i, width * channels), (j, channels), (c, 1)), F32)
                        part = at(b, patch, offset(b, (i, side.size * lanes), (j, lanes)), F32)
                        kind = vector(F32, lanes)
                        total = b.fadd(b.load(place, kind, align=4), b.load(part, kind, align=4))
                        b.store(total, place, align=4)


def _tiles(op: W.WinogradConvolution, x: Sequence[int], y: Sequence[int], dtype: object) -> _Tiles | None:
    (top, _), (left, _) = op.padding
    fits = dtype is float32 and 0 not in (*x, *y) and x[3] % host().lanes == y[3] % host().lanes == 0
    return _Tiles(op.size, op.tile, tuple(x), tuple(y), (top, left)) if fits else None


def _split(op: Op, what: _Tiles, in_types: Types, lower: Lower, how: LoweringContext) -> Native | None:
    """The op in blocks of images if the tiles of all exceed the cache."""
    images, total = what.image[0], what.nbytes(what.image[3]) + what.nbytes(what.output[3])
    filters = 4 * what.size**2 * what.image[3] * what.output[3]  # read again for each block
    is_serial = 2 * filters > SUMS and not isinstance(op, W.WinogradConv2D | W.WinogradInputGrad)
    most = max(MOST, filters)
    if how.inside or images <= FEW or total <= max(2 * most, MAX_WHOLE * is_serial):
        return None
    if how.packed:
        op, in_types = OnPacked(op, tuple(in_types)), (in_types[0], TensorType(float32, (_panels(what).floats,)))
    return one_blocked(op, in_types, lower, how, max(1, images * most // total))


def conv2d(
    op: W.WinogradConv2D, in_types: Types, out_types: Types, how: LoweringContext, lower: Lower
) -> Native | None:
    """V = Bᵀ·x·B, M = V·U, y = Aᵀ·M·A."""
    what = _tiles(op, in_types[0].static, out_types[0].static, out_types[0].dtype)
    if what is None:
        return None
    split = _split(op, what, in_types, lower, how)
    if split is not None:
        return split if how.epilogue is None and how.pitch is None else None
    depth, fan = what.image[3], what.output[3]
    layout = WorkspaceLayout()
    v, m = layout.reserve(what.nbytes(depth)), layout.reserve(what.nbytes(fan))
    args = (*ins(0, 1), *outs(0), v, m, *operands_of(how.epilogue))

    def make() -> list[Call]:
        panels, others = _panels(what), (what, op.kernel, how.epilogue, how.pitch or fan)
        if how.packed:
            module, products = panels_code(panels, _conv2d_module, *others), panels.tasks
        else:
            module = printed(_conv2d_module, None, *others)
            products = grid(what.total, fan, least=1).tasks * what.size**2
        counts = {"gather": what.rows, "products": products, "put": what.rows}
        return [Call(module, name, count, args) for name, count in counts.items()]

    return Native(always(make), layout.nbytes, overwritable(how.epilogue))


def _conv2d_module(
    panels: Panels | None, what: _Tiles, kernel: int, epilogue: TileEpilogue | None, pitch: int
) -> Frame:
    """panels: the products, if the filter comes packed."""
    depth, fan = what.image[3], what.output[3]
    matrices = transforms(what.tile, kernel)
    frame = Frame(5 + len(operands_of(epilogue)))
    writer = _TileWriter(what, frame)
    writer.gather("gather", _image(what), matrices.image, 0, 3)
    if panels:
        write_panels(frame, "products", panels, (3, 1, 4))
    else:
        product = Product(depth, depth, 1, fan, 1, fan)
        batch = Batch(what.size**2, what.step(depth), depth * fan, what.step(fan))
        write_tasks(frame, "products", product, grid(what.total, fan, least=1), (3, 1, 4), batch)
    writer.put("put", _output(what), matrices.output, 4, 2, epilogue, 5, pitch)
    return frame


def packs(op: W.WinogradConv2D, in_types: Types) -> Packing | None:
    """The packed layout of the transformed filter for `conv2d`."""
    x, u = (t.static for t in in_types)
    what = _tiles(op, x, op.infer(*in_types)[0].static, in_types[0].dtype)
    if what is None:
        return None
    shape, batch = (1, 1, x[3], u[2]), (what.size**2, x[3] * u[2])
    return Packing(1, _panels(what).floats, partial(packing, shape, (0, 0, u[2], 1), 0, batch=batch))


def _panels(what: _Tiles) -> Panels:
    depth, fan = what.image[3], what.output[3]
    batch = Batch(what.size**2, what.step(depth), floats(depth, fan), what.step(fan))
    return Panels(what.total, depth, fan, batch=batch)


def _image(what: _Tiles) -> _Side:
    return _Side(what.image, what.size, what.tile, what.before)


def _output(what: _Tiles) -> _Side:
    return _Side(what.output, what.tile, what.tile, (0, 0))


def gradients(
    op: W.WinogradConvolution, in_types: Types, out_types: Types, how: LoweringContext, lower: Lower
) -> Native | None:
    """dM = A·δ·Aᵀ; dx = Σ B·(dM·Uᵀ)·Bᵀ if U is given, dU = Vᵀ·dM if x is given."""
    with_x, with_u = not isinstance(op, W.WinogradInputGrad), not isinstance(op, W.WinogradFilterGrad)
    x = op.shape if isinstance(op, W.WinogradInputGrad) else in_types[0].static
    what = _tiles(op, x, in_types[-1].static, out_types[0].dtype)
    if what is None:
        return None
    split = _split(op, what, in_types, lower, how)
    if split is not None:
        return split
    depth, fan = what.image[3], what.output[3]
    layout = WorkspaceLayout()
    v, m = layout.reserve(what.nbytes(depth)), layout.reserve(what.nbytes(fan))
    count = len(in_types)
    pointers: dict[str, BufferRef] = {"delta": ins(count - 1)[0], "v": v, "m": m}
    if with_x:
        pointers |= {"x": ins(0)[0], "du": outs(len(out_types) - 1)[0]}
    if with_u:
        pointers |= {"u": ins(count - 2)[0], "dx": outs(0)[0]}

    def make() -> list[Call]:
        module = printed(_gradients_module, what, op.kernel, tuple(pointers), how.adds)
        counts, n2 = {"spread": what.rows}, what.size**2
        if with_x:
            counts |= {"gather": what.rows, "filter": grid(depth, fan, least=1).tasks * n2}
        if with_u:
            image = _image(what)
            counts |= {"image": grid(what.total, depth, least=1).tasks * n2, "scatter": what.image[0] * image.groups}
        return [Call(module, name, count, tuple(pointers.values())) for name, count in counts.items()]

    return Native(always(make), layout.nbytes)


def _gradients_module(what: _Tiles, kernel: int, pointers: tuple[str, ...], adds: bool) -> Frame:
    depth, fan = what.image[3], what.output[3]
    matrices, at_ = transforms(what.tile, kernel), {name: n for n, name in enumerate(pointers)}
    frame = Frame(len(pointers))
    writer = _TileWriter(what, frame)
    writer.gather("spread", _output(what), transposed(matrices.output), at_["delta"], at_["m"])
    if "x" in at_:
        writer.gather("gather", _image(what), matrices.image, at_["x"], at_["v"])
        product = Product(what.total, 1, depth, fan, 1, fan, adds)
        batch = Batch(what.size**2, what.step(depth), what.step(fan), depth * fan)
        write_tasks(frame, "filter", product, grid(depth, fan, least=1), (at_["v"], at_["m"], at_["du"]), batch)
    if "u" in at_:
        product = Product(fan, fan, 1, 1, fan, depth)
        batch = Batch(what.size**2, what.step(fan), depth * fan, what.step(depth))
        write_tasks(frame, "image", product, grid(what.total, depth, least=1), (at_["m"], at_["u"], at_["v"]), batch)
        writer.scatter("scatter", _image(what), transposed(matrices.image), at_["v"], at_["dx"])
    return frame


def filters(op: W.Winograd, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """U = G·w·Gᵀ, or its adjoint, for all pairs of channels."""
    matrix = transforms(op.tile, op.kernel).filter
    if isinstance(op, W.WinogradFilterAdjoint):
        matrix = transposed(matrix)
    size = len(matrix[0])
    pairs = in_types[0].size // size**2
    lanes = host().lanes
    if out_types[0].dtype is not float32 or not pairs or pairs % lanes:
        return None
    module, tasks = printed(_filters_module, matrix, pairs), -(-pairs // (FILTERS * lanes))
    return Native(always(lambda: [Call(module, "kernel", tasks, (*ins(0), *outs(0)))]))


def _filters_module(matrix: Matrix, pairs: int) -> Frame:
    frame, lanes, size = Frame(2), host().lanes, len(matrix[0])
    with frame.tasks("kernel") as task:
        b = frame.b
        low = b.mul(task, index(FILTERS * lanes))
        with loop(b, low, smaller(b, b.add(low, index(FILTERS * lanes)), index(pairs)), lanes) as c:

            def load(i: int, j: IRValue) -> IRValue:
                place = b.add(offset(b, (j, pairs), (c, 1)), index(i * size * pairs))
                return b.load(at(b, frame.pointers[0], place, F32), vector(F32, lanes), align=4)

            def store(a: IRValue, j: int, value: IRValue) -> None:
                place = b.add(offset(b, (a, len(matrix) * pairs), (c, 1)), index(j * pairs))
                b.store(value, at(b, frame.pointers[1], place, F32), align=4)

            both(frame, matrix, load, store)
    return frame
