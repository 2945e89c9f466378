"""The kernel of each op on arrays in host memory. LLVM uses them for ops without native code."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Mapping
from functools import partial
from typing import Any

from minigraph.backend.base import Lowered, Types
from minigraph.backends.numpy import (
    collective,
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
from minigraph.ir.joint import Joint
from minigraph.ir.multi_tensor_apply import MultiTensorApply
from minigraph.ir.regions import Blocked, Epilogue, Loop, Region
from minigraph.ops.nn.conv2d import Convolution

KERNELS: dict[type[Op], Kernel] = {}
for _module in (pointwise, reduce, matmul, conv, winograd, pool, filters, loss, lrn, data, state, update, collective):
    KERNELS |= _module.KERNELS
# Kernels for ops outside regions, which all threads work on.
SHARED = KERNELS | matmul.SHARED | conv.SHARED | winograd.SHARED | reduce.SHARED
_NO_PRODUCTS = (pointwise, pool, filters, lrn, data, state, update, collective)
_WITHOUT_BLAS = frozenset(kind for module in _NO_PRODUCTS for kind in module.KERNELS)


def lower(op: Op, in_types: Types, out_types: Types, whole: Lower, part: Lower) -> Lowered:
    """The code of an op that all threads work on.

    whole: lowers another such op. part: lowers a member of a region, which one thread works on.
    """
    if isinstance(op, Blocked):
        return region.blocked(op, part, blocks.block_size(op))._replace(uses_blas=True)
    if isinstance(op, Loop):
        return loop.loop(op, part)._replace(uses_blas=True)
    if isinstance(op, Epilogue):
        return loop.epilogue(op, in_types, whole)._replace(uses_blas=True)
    if isinstance(op, MultiTensorApply):
        return region.together(op, in_types, out_types, whole)
    return _single(op, in_types, out_types, SHARED)


def lower_part(op: Op, in_types: Types, out_types: Types, part: Lower) -> Lowered:
    """The code of a member of a region, which one thread works on."""
    if isinstance(op, Loop):
        return loop.loop(op, part, threads=False)
    if isinstance(op, Epilogue):
        return loop.epilogue(op, in_types, part)
    return _single(op, in_types, out_types, KERNELS)


def texts(op: Op) -> dict[str, str]:
    """The functions that make the NumPy calls of an op and of its members, kernels or `forward`, as texts by title."""
    if isinstance(op, Region | Joint):
        return {title: text for member in op.members for title, text in texts(member.op).items()}
    found = next((SHARED[kind] for kind in type(op).__mro__ if kind in SHARED), None)
    function: Any = op.forward if found is None or op.on_host else found
    while isinstance(function, partial):
        function = function.func
    try:
        return {f"NumPy calls of {type(op).__name__}": textwrap.dedent(inspect.getsource(function))}
    except (OSError, TypeError):  # made at run time, or installed without its source
        return {}


def _single(op: Op, in_types: Types, out_types: Types, table: Mapping[type[Op], Kernel]) -> Lowered:
    """The op's moves, else the kernel of its class or nearest base class that has one, else its reference."""
    if op.on_host or (isinstance(op, Convolution) and any(t.size == 0 for t in (*in_types, *out_types))):
        return fallback(op, in_types, out_types)
    if (moves := op.moves(in_types, out_types)) is not None:
        return moving(moves, out_types)
    if op.accumulates and any(t.dtype is float16 for t in in_types):
        return fallback(op, in_types, out_types)  # which adds up in float32
    for kind in type(op).__mro__:
        if kind in table:
            return table[kind](op, in_types, out_types)._replace(uses_blas=kind not in _WITHOUT_BLAS)
    return fallback(op, in_types, out_types)
