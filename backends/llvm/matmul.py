"""Matrix products by register tiles: blocks of A stay in the L2 cache, packed panels of B in L1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigraph.backend import Launch, Lowered
from minigraph.backends.llvm.builder import F32, Frame, at, index, pieces, zero
from minigraph.backends.llvm.conv import write_pack
from minigraph.backends.llvm.launch import arguments, launch
from minigraph.backends.llvm.tile import Reduction, Tiles, TileSet, strips, tile_columns
from minigraph.backends.numpy.common import Array, Scratch, Types, run
from minigraph.core.dtypes import float32
from minigraph.ops.matmul import MatMul

DEPTH = 256  # terms of the sum at a time
ROWS = 96  # of the result in a task, at most
LARGEST = 4 << 20  # bytes of B; above that BLAS blocks better
FEWEST = 16  # rows of the result that make it worth packing B


def matmul(op: MatMul, in_types: Types, out_types: Types, threads: bool) -> Lowered | None:
    """C, for float32 matrices of moderate size; else None, which leaves it to BLAS."""
    a, b = (t.static for t in in_types)
    if out_types[0].dtype is not float32 or len(a) != 2 or len(b) != 2 or 0 in (*a, *b):
        return None
    rows, columns = out_types[0].static
    depth = a[0] if op.transpose_a else a[1]
    if depth * columns * 4 > LARGEST or rows < FEWEST:
        return None
    width = tile_columns()
    panels = -(-columns // width)
    scratch = Scratch()
    scratch.add(panels * width * depth, "f4")

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        frame = Frame(4)
        strides = (0, 0, 1, depth) if op.transpose_b else (0, 0, columns, 1)
        write_pack(frame, (1, 1, depth, columns), strides, 0)
        tasks = _write_product(frame, rows, columns, depth, op.transpose_a)
        block = arguments([*inputs, outputs[0], *scratch.open(workspace)])
        text = frame.text
        return run([launch(text, "pack", block, panels, threads), launch(text, "kernel", block, tasks, threads)])

    return Lowered(bind, scratch.nbytes)


def _write_product(frame: Frame, rows: int, columns: int, depth: int, transposed: bool) -> int:
    """A block of rows of the result a task; returns how many tasks. Pointers: A, B, the result, B packed."""
    height = min(ROWS, max(8, -(-rows // 8)))
    row, term = (1, rows) if transposed else (depth, 1)
    with frame.tasks("kernel") as task:
        b = frame.b
        low = b.mul(task, index(height))
        for count in dict.fromkeys((height, rows % height or height)):
            whole = b.icmp_signed("<=", b.add(low, index(height)), index(rows))
            with b.if_then(whole if count == height else b.not_(whole)):
                target = at(b, frame.pointers[2], b.mul(low, index(columns)), F32)
                zero(b, target, index(count * columns * 4))
                for start, some in pieces(b, depth, DEPTH):
                    tiles = TileSet(
                        frame.module,
                        Tiles(row, columns, (Reduction(some, term, tile_columns()),), adds=True),
                        f"tile{count}x{some}",
                    )
                    source = at(b, frame.pointers[0], b.add(b.mul(low, index(row)), b.mul(start, index(term))), F32)
                    for first, across in pieces(b, columns, tile_columns()):
                        panel = b.add(b.mul(first, index(depth)), b.mul(start, index(tile_columns())))
                        packed = at(b, frame.pointers[3], panel, F32)
                        strips(b, tiles, source, packed, at(b, target, first, F32), count, across)
    return -(-rows // height)
