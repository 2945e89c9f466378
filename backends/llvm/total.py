"""The sum of the tasks' partial sums."""

from __future__ import annotations

from minigraph.backend.workspace import BufferRef, work
from minigraph.backends.llvm.native import Call, LoweringContext
from minigraph.backends.llvm.nest_native import from_loops
from minigraph.backends.llvm.nest_schedule import TERMS
from minigraph.core.dtypes import float32
from minigraph.core.types import TensorType
from minigraph.ops.math.reduce import Sum


def total(size: int, count: int, parts: BufferRef, target: BufferRef) -> list[Call]:
    """Calls that sum `count` arrays of `size` float32, which follow each other, in order.

    count: at most `nest_schedule.TERMS`; the sum of more would be cut into pieces, which need memory of their own.
    """
    assert count <= TERMS
    kinds = TensorType(float32, (count, size)), TensorType(float32, (size,))
    native = from_loops(Sum((0,)), kinds[:1], kinds[1:], LoweringContext(1))
    assert native is not None
    return [call.relocated([parts], [target], work()) for call in native.calls((True,))]
