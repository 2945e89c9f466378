"""One instruction for several that do not need each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from minigraph.core.op import Application, Op
from minigraph.core.types import TensorType


class Joint(Op, abstract=True):
    """The results of `ops` in turn. types: those of each op's operands, which also follow each other."""

    ops: tuple[Op, ...]
    types: tuple[tuple[TensorType, ...], ...]

    def pieces(self, operands: Sequence[Any]) -> Iterator[tuple[Op, Sequence[Any]]]:
        """Each op with its operands."""
        start = 0
        for op, types in zip(self.ops, self.types, strict=True):
            yield op, operands[start : start + len(types)]
            start += len(types)

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        return tuple(t for op, given in self.pieces(types) for t in op.infer(*given))

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        return tuple(a for op, given in self.pieces(arrays) for a in op.forward(xp, *given))

    def made_of(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Sequence[Application]:
        return [Application(op, given, op.infer(*given)) for op, given in self.pieces(in_types)]
