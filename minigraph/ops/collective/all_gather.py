"""The ranks' tensors one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.core.errors import ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.types import TensorType
from minigraph.ops.builder import apply
from minigraph.ops.collective.collective import StagedCollective, refuse_strings
from minigraph.ops.collective.world import WORLD


class AllGather(StagedCollective):
    """y = the ranks' x one after the other along axis 0. The ranks may have different numbers of rows."""

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        refuse_strings("all-gather", x)
        if x.rank == 0:
            raise ShapeError("all-gather takes tensors of at least one axis, not scalars")
        return (TensorType(x.dtype, None if x.shape is None else (None, *x.shape[1:])),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        self.agree(x)
        return (WORLD.all_gather(np.ascontiguousarray(x), self),)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (apply(AllGatherGrad(), grad, node.inputs[0]),)


class AllGatherGrad(StagedCollective):
    """The gradient of AllGather: the sum of the ranks' first inputs. Each rank gets the rows that it gave."""

    def infer(self, grad: TensorType, x: TensorType) -> tuple[TensorType, ...]:
        return (x,)

    def forward(self, xp: Any, grad: Any, x: Any) -> tuple[Any, ...]:
        self.agree(grad)
        total = np.array(grad, order="C")
        WORLD.reduce(total, "sum", self)
        start = sum(WORLD.row_counts(x, self)[: WORLD.rank])
        return (total[start : start + len(x)],)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return apply(AllGather(), grad), None
