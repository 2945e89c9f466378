"""Blocks of regions: their size, and the layout of the values inside."""

from itertools import pairwise
from typing import NamedTuple

import pytest

from minigraph.compile import blocks
from minigraph.compile.blocks import BlockLayout, block_size
from minigraph.core.dtypes import float32
from minigraph.core.types import TensorType
from minigraph.ir.program import Builder, Feed, Program, Value, reachable
from minigraph.ir.regions import Blocked
from minigraph.ops.math.arithmetic import Add, Mul


class Code(NamedTuple):
    workspace: int


def chain(batch: int) -> Blocked:
    """y = (x + x)·x + x on `batch` rows of 16 float32 numbers."""
    builder, kind = Builder(), TensorType(float32, (batch, 16))
    x = Value(builder.add(Feed(0, kind)), 0)
    total = Value(builder.add(Add(), [x, x]), 0)
    product = Value(builder.add(Mul(), [total, x]), 0)
    y = Value(builder.add(Add(), [product, x]), 0)
    return Blocked(Program(reachable([y.instr]), (y,), (kind,)), (True,), (False,), batch)


@pytest.mark.parametrize(
    ("batch", "least", "size"), [(0, 1, 0), (3, 1, 3), (8, 1, 4), (9, 1, 3), (8, 8, 1), (2, 8, 1), (6, 2, 3)]
)
def test_block_size(batch: int, least: int, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most 4 rows of 64 bytes, in blocks of nearly equal size."""
    monkeypatch.setattr(blocks, "TARGET", 256)
    assert block_size(chain(batch), least) == size


def test_a_result_does_not_count_for_the_block_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows leave the cache anyway: 8 rows of 4 bytes inside fit, whatever the 256 bytes of a row of the result."""
    monkeypatch.setattr(blocks, "TARGET", 256)
    builder, narrow, wide = Builder(), TensorType(float32, (8, 1)), TensorType(float32, (8, 64))
    x, z = (Value(builder.add(Feed(i, kind)), 0) for i, kind in enumerate((narrow, wide)))
    y = Value(builder.add(Add(), [Value(builder.add(Add(), [x, x]), 0), z]), 0)
    op = Blocked(Program(reachable([y.instr]), (y,), (narrow, wide)), (True, True), (False,), 8)
    assert block_size(op) == 8


def test_layout_holds_inner_values_and_workspaces() -> None:
    """The sum and the product are inside; the result is not. Buffers in use at the same time do not overlap."""
    op = chain(8)
    layout = BlockLayout(op, 2, [Code(0), Code(100), Code(0)])
    total, product, result = (Value(i, 0) for i in op.members)
    assert set(layout.offsets) == {total, product}
    assert result not in layout.offsets
    assert all(m.wanted == (True,) for m in layout.members)
    spans = sorted([(layout.offsets[v], 128) for v in (total, product)] + [(layout.members[1].workspace, 128)])
    assert all(start + size <= other for (start, size), (other, _) in pairwise(spans))
    assert layout.nbytes == 3 * 128
