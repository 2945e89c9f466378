"""Orthonormal columns, for initial values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import TensorType, format_shape
from minigraph.ops.builder import apply, require_float


class Orthogonal(Op):
    """The orthonormal Q of A = QR, where the diagonal of R is positive. A has at most as many columns as rows."""

    differentiable = False
    on_host = True

    def infer(self, a: TensorType) -> tuple[TensorType, ...]:
        require_float("Orthogonal", a)
        if a.rank not in (None, 2):
            raise ShapeError(f"'Orthogonal' takes a matrix, not shape {format_shape(a.shape)}")
        rows, columns = a.shape or (None, None)
        if rows is not None and columns is not None and rows < columns:
            raise ShapeError(f"'Orthogonal' takes at most as many columns as rows, not shape {format_shape(a.shape)}")
        return (a,)

    def forward(self, xp: Any, a: Any) -> tuple[Any, ...]:
        q, r = np.linalg.qr(a)
        return (xp.asarray(q * np.sign(np.diag(r))).astype(a.dtype),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (np.random.RandomState(0).randn(4, 3),))


def orthogonal_matrix(a: Tensor) -> Tensor:
    """Orthonormal columns with the span of the columns of `a`."""
    return apply(Orthogonal(), a)
