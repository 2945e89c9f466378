"""The kernel of each op on arrays in host memory. LLVM uses them for ops without native code."""

from __future__ import annotations

from minigraph.backend.base import Lowered, Types
from minigraph.backends.numpy import (
    conv,
    data,
    filters,
    loop,
    loss,
    lrn,
    matmul,
    pointwise,
    pool,
    reduce,
    region,
    state,
    update,
    winograd,
)
from minigraph.backends.numpy.common import Kernel, fallback
from minigraph.backends.numpy.moves import moving
from minigraph.backends.numpy.region import Lower
from minigraph.compile import blocks
from minigraph.core.dtypes import float16
from minigraph.core.op import Op
from minigraph.ir.multi_tensor_apply import MultiTensorApply
from minigraph.ir.regions import Blocked, Epilogue, Loop
from minigraph.ops.nn.conv2d import Convolution

KERNELS: dict[type[Op], Kernel] = {}
for _module in (pointwise, reduce, matmul, conv, winograd, pool, filters, loss, lrn, data, state, update):
    KERNELS |= _module.KERNELS


def lower(op: Op, in_types: Types, out_types: Types, whole: Lower, part: Lower) -> Lowered:
    """The op's moves, else the kernel of its class or nearest base class that has one, else its reference.

    whole: lowers an op that all threads work on. part: lowers a member of a region, which one thread works on.
    """
    if isinstance(op, Blocked):
        return region.blocked(op, part, blocks.block_size(op))
    if isinstance(op, Loop):
        return loop.loop(op, part)
    if isinstance(op, Epilogue):
        return loop.epilogue(op, in_types, whole)
    if isinstance(op, MultiTensorApply):
        return region.together(op, in_types, out_types, whole)
    if op.on_host or (isinstance(op, Convolution) and any(t.size == 0 for t in (*in_types, *out_types))):
        return fallback(op, in_types, out_types)
    if (moves := op.moves(in_types, out_types)) is not None:
        return moving(moves, out_types)
    if op.accumulates and any(t.dtype is float16 for t in in_types):
        return fallback(op, in_types, out_types)  # which adds up in float32
    for kind in type(op).__mro__:
        if kind in KERNELS:
            return KERNELS[kind](op, in_types, out_types)
    return fallback(op, in_types, out_types)


def lower_part(op: Op, in_types: Types, out_types: Types, whole: Lower, part: Lower) -> Lowered:
    """The kernel for a member of a region."""
    if isinstance(op, Loop):
        return loop.loop(op, part, threads=False)
    if isinstance(op, Epilogue):
        return loop.epilogue(op, in_types, part)
    return whole(op, in_types, out_types)
