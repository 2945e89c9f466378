"""NumpyBackend: buffers in host memory, and a kernel for each op."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigraph.backend.base import Lowered
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
from minigraph.backends.numpy.common import Array, Kernel, Types, fallback
from minigraph.backends.numpy.moves import moving
from minigraph.backends.numpy.threads import TEAM
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ir.multi_tensor_apply import MultiTensorApply
from minigraph.ir.regions import Blocked, Epilogue, Loop

KERNELS: dict[type[Op], Kernel] = {}
for _module in (pointwise, reduce, matmul, conv, winograd, pool, filters, loss, lrn, data, state, update):
    KERNELS |= _module.KERNELS


class NumpyBackend:
    """Runs ops as NumPy calls with `out=`, on views of buffers that stay where they are."""

    name = "numpy"
    unwanted_passes = ()
    plan_type = None

    def allocate(self, nbytes: int) -> Array:
        """A uint8 buffer of `nbytes`, aligned to 64 bytes. (NumPy asks for huge pages itself, from 4 MB up.)"""
        whole = np.empty(nbytes + 64, np.uint8)
        start = -whole.ctypes.data % 64
        return whole[start : start + nbytes]

    def view(self, buffer: Array, offset: int, type: TensorType) -> Array:
        """The array of a static type at a byte offset of a buffer, in C order."""
        return buffer[offset : offset + type.nbytes].view(type.dtype.np_dtype).reshape(type.static)

    def prepares(self, op: Op, in_types: Types) -> dict[int, TensorType]:
        """No operands."""
        return {}

    def lower(self, op: Op, in_types: Types, out_types: Types) -> Lowered:
        """The op's moves, else the kernel of its class or nearest base class that has one, else its reference."""
        if isinstance(op, Blocked):
            return region.blocked(op, self._lower_inside, region.block_size(op))
        if isinstance(op, Loop):
            return loop.loop(op, self._lower_inside)
        if isinstance(op, Epilogue):
            return loop.epilogue(op, in_types, self.lower)
        if isinstance(op, MultiTensorApply):
            return region.together(op, in_types, out_types, self.lower)
        if op.on_host:
            return fallback(op, in_types, out_types)
        if (moves := op.moves(in_types, out_types)) is not None:
            return moving(moves, out_types)
        for kind in type(op).__mro__:
            if kind in KERNELS:
                return KERNELS[kind](op, in_types, out_types)
        return fallback(op, in_types, out_types)

    def _lower_inside(self, op: Op, in_types: Types, out_types: Types) -> Lowered:
        """The kernel for a part of a region, which runs on one of the region's threads."""
        if isinstance(op, Loop):
            return loop.loop(op, self._lower_inside, threads=False)
        if isinstance(op, Epilogue):
            return loop.epilogue(op, in_types, self._lower_inside)
        return self.lower(op, in_types, out_types)

    def speed(self) -> str:
        """What the speed of kernels depends on beside the CPU."""
        return f"numpy {np.__version__} {TEAM.size} threads"

    def write(self, array: Array, value: Any) -> None:
        """Copy from the host, broadcasting and casting as NumPy does."""
        np.copyto(array, value, casting="unsafe")

    def read(self, array: Array) -> Any:
        """A copy; a NumPy scalar where the array has no axes."""
        return np.array(array)[()]
