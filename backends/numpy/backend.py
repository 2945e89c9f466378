"""NumpyBackend: a kernel for each op, on buffers in host memory."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from minigraph.backend.base import Lowered, Types
from minigraph.backend.host import HostBackend
from minigraph.backends.numpy import kernels
from minigraph.backends.numpy.scan import looped
from minigraph.backends.numpy.threads import TEAM
from minigraph.core.op import Op
from minigraph.ir.compiled_loop import CompiledLoop


class NumpyBackend(HostBackend):
    """Runs ops as NumPy calls with `out=`, on views of buffers that never move."""

    name = "numpy"

    def lower(self, op: Op, in_types: Types, out_types: Types) -> Lowered:
        if isinstance(op, CompiledLoop):
            return looped(op, in_types, self)
        return kernels.lower(op, in_types, out_types, self.lower, self._lower_part)

    def _lower_part(self, op: Op, in_types: Types, out_types: Types) -> Lowered:
        return kernels.lower_part(op, in_types, out_types, self._lower_part)

    def kernel_text(self, op: Op, in_types: Types, out_types: Types, assembly: bool = False) -> Mapping[str, str]:
        """The functions that make the calls."""
        return kernels.texts(op)

    def speed(self) -> str:
        return f"numpy {np.__version__} {TEAM.size} threads"
