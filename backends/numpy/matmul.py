"""Matrix products: BLAS on the operands as they stand, transposed by view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.backend.base import Launch, Lowered, Types
from minigraph.backends.numpy.common import Array, Kernel, steps_only, with_threads
from minigraph.backends.numpy.products import product
from minigraph.core.op import Op
from minigraph.ops.math.matmul import MatMul


def matmul(op: MatMul, in_types: Types, out_types: Types, threads: bool = False) -> Lowered:
    """C = A·B on the last two axes."""

    def steps(inputs: Sequence[Array], outputs: Sequence[Any]) -> list[Launch]:
        a, b = inputs
        left = np.swapaxes(a, -1, -2) if op.transpose_a else a
        right = np.swapaxes(b, -1, -2) if op.transpose_b else b
        return [product(left, right, outputs[0], threads)]

    return steps_only(steps)


KERNELS: dict[type[Op], Kernel] = {MatMul: matmul}
SHARED: dict[type[Op], Kernel] = with_threads(KERNELS)
