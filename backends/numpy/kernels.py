"""The kernel of each op on arrays in host memory; LLVM runs them for ops that it has no code for."""

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
from minigraph.backends.numpy.common import Kernel, copy, fallback, steps_only
from minigraph.backends.numpy.region import Lower
from minigraph.core.op import Op
from minigraph.ir.multi_tensor_apply import MultiTensorApply
from minigraph.ir.regions import Blocked, Epilogue, Loop

KERNELS: dict[type[Op], Kernel] = {}
for _module in (pointwise, reduce, matmul, conv, winograd, pool, filters, loss, lrn, data, state, update):
    KERNELS |= _module.KERNELS


def lower(op: Op, in_types: Types, out_types: Types, whole: Lower, part: Lower) -> Lowered:
    """The kernel of the op's class or of the nearest base class that has one, else the op's reference.

    whole: lowers an op that all threads work on. part: lowers a member of a region, which one thread works on.
    """
    if isinstance(op, Blocked):
        return region.blocked(op, part, region.block_size(op))
    if isinstance(op, Loop):
        return loop.loop(op, part)
    if isinstance(op, Epilogue):
        return loop.epilogue(op, in_types, whole)
    if isinstance(op, MultiTensorApply):
        return region.together(op, in_types, out_types, whole)
    if op.on_host:
        return fallback(op, in_types, out_types)
    for kind in type(op).__mro__:
        if kind in KERNELS:
            return KERNELS[kind](op, in_types, out_types)
    if op.is_view:
        return steps_only(lambda inputs, outputs: [copy(outputs[0], inputs[0].reshape(out_types[0].static))])  # type: ignore[arg-type]
    return fallback(op, in_types, out_types)


def lower_part(op: Op, in_types: Types, out_types: Types, whole: Lower, part: Lower) -> Lowered:
    """The kernel for a member of a region."""
    if isinstance(op, Loop):
        return loop.loop(op, part, threads=False)
    if isinstance(op, Epilogue):
        return loop.epilogue(op, in_types, part)
    return whole(op, in_types, out_types)
