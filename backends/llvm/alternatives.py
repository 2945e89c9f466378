"""Alternative ways to run a region as native code, for timed trials."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from minigraph.backend.base import Lowered
from minigraph.backends.llvm.blocked import (
    BLOCKS,
    FEW,
    MAX_WHOLE,
    Lower,
    as_region,
    blocked,
    in_tiles,
    is_serial,
    stays_whole,
    whole,
)
from minigraph.backends.llvm.native import LoweringContext, Native, lowered
from minigraph.compile.blocks import block_size
from minigraph.core.op import Op
from minigraph.ir.regions import Blocked, Epilogue

WHOLE = "whole batch"


def alternatives(op: Op, lower: Lower, how: LoweringContext) -> dict[str, Callable[[], Lowered]]:
    """The ways to lower a region, by label: in blocks of several sizes, or whole. The backend's own choice comes
    first."""
    region = as_region(op) if isinstance(op, Epilogue) else op
    if not isinstance(region, Blocked) or not isinstance(op, Blocked | Epilogue) or region.batch <= FEW:
        return {}
    ways = list(_blocks(region, lower, how))
    last = whole(op, lower, how)
    if last is not None and last.workspace <= MAX_WHOLE:
        in_one = is_serial(op) if isinstance(op, Blocked) else stays_whole(op) or bool(in_tiles(op, lower, how))
        ways.insert(0 if in_one else len(ways), (WHOLE, last))
    return {label: partial(lowered, native, how.threads) for label, native in ways}


def _blocks(op: Blocked, lower: Lower, how: LoweringContext) -> Iterator[tuple[str, Native]]:
    usual = block_size(op, BLOCKS)
    for size in (usual, usual // 4, usual // 2, 2 * usual, 4 * usual):
        if 0 < size < op.batch:
            native = blocked(op, lower, how, size)
            if native is not None:
                yield f"blocks of {size}", native
