"""One instruction for several that do not need each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from minigraph.core.op import Application, Op
from minigraph.core.types import TensorType
from minigraph.ir.program import Instr
from minigraph.ir.regions import Loop, applications


class Joint(Op, abstract=True):
    """The results of the loops `ops` in turn. types: those of each loop's operands, which also follow each other."""

    ops: tuple[Loop, ...]
    types: tuple[tuple[TensorType, ...], ...]

    def pieces(self, operands: Sequence[Any]) -> Iterator[tuple[Loop, Sequence[Any]]]:
        """Each loop with its operands."""
        start = 0
        for op, types in zip(self.ops, self.types, strict=True):
            yield op, operands[start : start + len(types)]
            start += len(types)

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        return tuple(t for op, given in self.pieces(types) for t in op.infer(*given))

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        return tuple(a for op, given in self.pieces(arrays) for a in op.forward(xp, *given))

    def made_of(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Sequence[Application]:
        return applications(self.members)

    @property
    def members(self) -> tuple[Instr, ...]:
        """The instructions in the loops, without the feeds."""
        return tuple(i for op in self.ops for i in op.members)
