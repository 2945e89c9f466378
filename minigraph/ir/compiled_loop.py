"""A loop whose body is a program, compiled like the program around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigraph.core.errors import ShapeError
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ir.program import Program
from minigraph.ir.regions import evaluated
from minigraph.ir.scan import over_steps
from minigraph.util.lazy import lazy_property


class CompiledLoop(Op, abstract=True):
    """The loop of a `ScanLoop`. Feed i of the program is a state, the step's element of a sequence, or a constant.

    The results have the types of the states, in order, then those of the outputs of one step.
    """

    program: Program
    carried: int
    scanned: int
    reverse: bool = False
    on_host = True

    @lazy_property
    def key(self) -> tuple[Any, ...]:
        """The interning key. Loops are equal only if they have the same program object."""
        return (type(self), id(self.program), self.carried, self.scanned, self.reverse)

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        first, last = self.carried, self.carried + self.scanned
        inner = (*types[:first], *(TensorType(t.dtype, t.static[1:]) for t in types[first:last]), *types[last:])
        if inner != self.program.feeds:
            raise ShapeError(f"the body of a loop over {self.program.feeds} is given {inner}")
        results = [v.type for v in self.program.results]
        length = types[first].static[0]
        return (*results[:first], *(TensorType(t.dtype, (length, *t.static)) for t in results[first:]))

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        def step(inputs: Sequence[Any]) -> Sequence[Any]:
            return evaluated(self.program, xp, inputs)

        kinds = [v.type for v in self.program.results]
        return over_steps(step, kinds, self.carried, self.scanned, self.reverse, arrays)

    def __repr__(self) -> str:
        return f"CompiledLoop({len(self.program.instrs)} instructions)"
