"""Concatenations: instructions that make an operand store it straight into the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from minigraph.core.op import Op
from minigraph.ir.program import Instr, Program, Value, readers_of
from minigraph.ir.regions import Epilogue, Join, inner_program, values_of
from minigraph.ops.array.joining import ConcatV2
from minigraph.rewrite.driver import Missed, Outcome
from minigraph.rewrite.grouping import Fused, fuse


@dataclass(frozen=True)
class FuseConcat:
    """Fusion of a concatenation with what makes its operands.

    before      y = f(x), z = g(w), c = concat(y, z, …) along the last axis
    after       one instruction in which f, g, … store their results in c; operands that others make are copied
    conditions  nothing else reads y; no control inputs; f is one of `makers`, ops that the backend can let store rows
                that are not adjacent, with or without an epilogue. One such operand is enough
    formula     the same; y and z are never stored apart
    """

    makers: tuple[type[Op], ...] = ()
    name: str = field(default="fuse_concat", init=False)

    def run(self, program: Program) -> Outcome:
        readers = readers_of(program)
        controls = {c for i in program.instrs for c in i.control}
        missed: list[Missed] = []
        found: list[Fused] = []
        for concat in program.instrs:
            if not isinstance(concat.op, ConcatV2):
                continue
            reasons = {v: self._unfit(v, concat, readers, controls) for v in dict.fromkeys(concat.inputs)}
            missed += [Missed(self.name, concat.name, v.instr.name, why) for v, why in reasons.items() if why]
            makers = [v.instr for v, why in reasons.items() if not why]
            if makers:
                found.append(_joined(makers, concat))
        if not found:
            return Outcome(program, [], missed, 1)
        return Outcome(fuse(program, found), [f.applied(self.name) for f in found], missed, 1)

    def _unfit(
        self, value: Value, concat: Instr, readers: Mapping[Value, list[Instr | None]], controls: set[Instr]
    ) -> str | None:
        """Why an operand is copied, or None."""
        assert isinstance(concat.op, ConcatV2)
        maker = value.instr
        if concat.op.axis % len(value.type.static) != len(value.type.static) - 1:
            return "the axis is not the last one"
        if {i for i in (maker, concat) if i.control or i in controls}:
            return "it has control inputs, or orders others"
        op = maker.op.root.op if isinstance(maker.op, Epilogue) else maker.op
        if value.output or not isinstance(op, self.makers):
            return f"{type(maker.op).__name__} cannot store rows that are apart"
        if [r for v in values_of(maker) for r in readers.get(v, [])] != [concat]:
            return "it has other readers"
        return None if value.type.size else "it is empty"


def _joined(makers: list[Instr], concat: Instr) -> Fused:
    members = [*makers, concat]
    inputs = list(dict.fromkeys(v for i in members for v in i.inputs if v.instr not in makers))
    results = [Value(concat, 0)]
    return Fused(members, inputs, results, Join(inner_program(members, inputs, results)))


fuse_concat = FuseConcat()
