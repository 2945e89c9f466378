"""One instruction for several applications of an optimizer's update."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigraph.core.op import Application, Op
from minigraph.core.types import TensorType
from minigraph.ops.state.update import Apply


class MultiTensorApply(Op, abstract=True):
    """`count` applications of `op`; the operands are those of each application in turn."""

    op: Apply
    count: int
    writes: tuple[int, ...]  # type: ignore[misc]
    reads: tuple[int, ...]  # type: ignore[misc]
    stateful = True
    differentiable = False

    def pieces(self, operands: Sequence[Any]) -> list[Sequence[Any]]:
        """The operands of each application."""
        size = len(operands) // self.count
        return [operands[i * size : (i + 1) * size] for i in range(self.count)]

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        return tuple(t for piece in self.pieces(types) for t in self.op.infer(*piece))

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        return tuple(a for piece in self.pieces(arrays) for a in self.op.forward(xp, *piece))

    def made_of(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Sequence[Application]:
        return [Application(self.op, piece, piece[:1]) for piece in self.pieces(in_types)]
