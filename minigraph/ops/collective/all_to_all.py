"""An exchange of rows between all pairs of ranks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.core.dtypes import int32
from minigraph.core.errors import InvalidArgumentError, ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.types import TensorType
from minigraph.ops.builder import apply
from minigraph.ops.collective.collective import StagedCollective, refuse_strings
from minigraph.ops.collective.world import WORLD


class AllToAll(StagedCollective):
    """The rows that the ranks send to this one, by rank, and how many each sends.

    Inputs: the rows to send, and how many of them go to each rank, int32 [ranks].
    """

    def infer(self, x: TensorType, splits: TensorType) -> tuple[TensorType, ...]:
        refuse_strings("all-to-all", x)
        if x.rank == 0 or splits.rank not in (None, 1) or splits.dtype is not int32:
            raise ShapeError(f"all-to-all takes rows and an int32 vector of their numbers, not {x} and {splits}")
        return TensorType(x.dtype, None if x.shape is None else (None, *x.shape[1:])), splits

    def forward(self, xp: Any, x: Any, splits: Any) -> tuple[Any, ...]:
        numbers = [int(n) for n in splits]
        if len(numbers) != WORLD.size or sum(numbers) != len(x) or min(numbers) < 0:
            raise InvalidArgumentError(
                f"all-to-all: expected {WORLD.size} numbers of rows, one for each rank, with the sum {len(x)}, "
                f"got {numbers}"
            )
        self.agree(x)
        rows, counts = WORLD.all_to_all(np.ascontiguousarray(x), numbers, self)
        return rows, np.array(counts, np.int32)

    def vjp(self, node: Node, grad: Tensor, _: Tensor | None) -> Sequence[Tensor | None]:
        return apply(AllToAll(), grad, node.outputs[1]), None
