"""One instruction for an assignment to a variable and the elementwise operations that compute the value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigraph.core.op import Application
from minigraph.core.scalar import Scalar
from minigraph.core.types import TensorType
from minigraph.ops.state.update import Apply
from minigraph.ops.state.variable import Update

Chain = tuple[tuple[Any, tuple[int, ...]], ...]


class FusedUpdate(Apply, abstract=True):
    """`update` of input 0, a variable, with the last value of a chain of pointwise ops.

    chain: ops with the numbers of their operands: those of the inputs, which are counted first, or of values before in
    the chain, which is not empty.
    scalars: the inputs that are scalars; the others have the variable's shape.
    """

    update: Update
    chain: Chain
    scalars: tuple[int, ...]
    reads: tuple[int, ...]  # type: ignore[misc]
    writes = (0,)

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        return (types[0],)

    def whole(self, count: int) -> set[int]:
        return set(range(count)) - set(self.scalars)

    def step(self, *inputs: Scalar, **_: Any) -> tuple[Scalar, ...]:
        values = list(inputs)
        for op, operands in self.chain:
            values.append(op.expr(*(values[n] for n in operands)))
        return (self.update.element(values[0], values[-1]),)

    def made_of(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Sequence[Application]:
        if not in_types:
            return [Application(op, (), ()) for op in (*(op for op, _ in self.chain), self.update)]
        kinds = [*in_types, *(out_types[0] for _ in self.chain)]
        parts = [Application(op, [kinds[n] for n in operands], out_types) for op, operands in self.chain]
        return [*parts, Application(self.update, (kinds[0], kinds[-1]), out_types)]
