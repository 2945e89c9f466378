"""Values that the host reads between two plans, for results whose shapes depend on them."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigraph.core.graph import Tensor
from minigraph.core.types import TensorType
from minigraph.ops.builder import apply
from minigraph.ops.host.base import HostOp


class Decided(HostOp):
    """The input. The plans after it are specialised to its value, so that a shape may depend on it.

    There is one plan for each value.
    """

    decides = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return (x,)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (np.array(x),)


def decided(x: Tensor) -> Tensor:
    """`x`, read by the host before the plan that uses it is made."""
    if isinstance(x.node.op, Decided):
        return x
    with x.graph.counted_as(0):  # TensorFlow has no such node
        return apply(Decided(), x)
