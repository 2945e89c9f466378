"""One rank's tensor on all ranks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Sample
from minigraph.core.types import TensorType
from minigraph.ops.builder import apply
from minigraph.ops.collective.collective import Collective, refuse_strings
from minigraph.ops.collective.world import WORLD


class Broadcast(Collective):
    """y = the x of rank `root`."""

    root: int

    @property
    def detail(self) -> str:
        return f"from rank {self.root}"

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        refuse_strings("broadcast", x)
        return (x,)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        out = np.array(x, order="C")
        WORLD.broadcast(out, self.root, self)
        return (out,)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (apply(BroadcastGrad(self.root), grad),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(0), (np.arange(6.0).reshape(2, 3),))


class BroadcastGrad(Collective):
    """The gradient of Broadcast: the sum of the ranks' inputs on rank `root`, and zeros on the others."""

    root: int

    @property
    def detail(self) -> str:
        return f"to rank {self.root}"

    def infer(self, grad: TensorType) -> tuple[TensorType, ...]:
        return (grad,)

    def forward(self, xp: Any, grad: Any) -> tuple[Any, ...]:
        out = np.array(grad, order="C")
        WORLD.reduce_to(out, self.root, self)
        return (out,)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (apply(Broadcast(self.root), grad),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(0), (np.arange(6.0).reshape(2, 3),))
