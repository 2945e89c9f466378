"""Arithmetic with float16 in float32, on processors that have no instructions for float16."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from minigraph.core.dtypes import float16, float32
from minigraph.core.errors import MinigraphError
from minigraph.core.types import TensorType
from minigraph.ir.program import Instr, Program, Value
from minigraph.ir.rebuild import Rebuilder, rebuild
from minigraph.ops.math.casting import Cast
from minigraph.ops.math.segment_reductions import SegmentReduction
from minigraph.rewrite.driver import Applied, Missed, Outcome
from minigraph.rewrite.pipeline import Replayable


@dataclass(frozen=True)
class WidenFloat16(Replayable):
    """Computing in float32 instead of float16.

    before      g(f(x)), with float16 operands and results
    after       cast(g(f(cast(x)))): the casts are to float32 and back, with none between f and g
    conditions  f and g take float32 as well, have float16 results, and have no effects; what only moves elements is
                widened where its operand is. Casts of the program, comparisons, and updates of variables read rounded
                numbers. Extremes of segments stay, as those of no segment are the limits of their dtype
    formula     the same without the roundings in between, and without overflow there
    """

    name: str = field(default="widen_float16", init=False)

    def run(self, program: Program) -> Outcome:
        if not any(t.dtype is float16 for i in program.instrs for t in i.types):
            return Outcome(program, [], [], 1)
        work = _Widening()
        rebuilt = rebuild(program, work.replace)
        return Outcome(rebuilt if work.applied else program, work.applied, work.missed, 1)


class _Widening:
    def __init__(self) -> None:
        self.applied: list[Applied] = []
        self.missed: list[Missed] = []
        self.wide: dict[Value, Value] = {}  # of results in the new program: before they are rounded

    def replace(self, old: Instr, new: Rebuilder) -> Sequence[Value] | None:
        inputs = [new.values[v] for v in old.inputs]
        types = self._types(old, inputs, new)
        if isinstance(types, str):
            half = next(v for v in old.inputs if v.type.dtype is float16)
            self.missed.append(Missed("widen_float16", old.name, half.instr.name, types))
        if types is None or isinstance(types, str):
            return None
        given = [self._wide(v, new) if v.type.dtype is float16 else v for v in inputs]
        made = new.builder.add(old.op, given, new.control(old), old.name, old.source, types)
        self.applied.append(Applied("widen_float16", old.name, str(old.source), type(old.op).__name__))
        results = []
        for number, kind in enumerate(old.types):
            result = Value(made, number)
            if kind.dtype is float16:
                rounded = new.add(Cast(float16), result)
                self.wide[rounded] = result
                result = rounded
            results.append(result)
        return results

    def _wide(self, value: Value, new: Rebuilder) -> Value:
        return self.wide[value] if value in self.wide else new.add(Cast(float32), value)

    def _types(self, old: Instr, inputs: Sequence[Value], new: Rebuilder) -> tuple[TensorType, ...] | str | None:
        """The types of the results in float32, or why the instruction stays; None for one without such operands."""
        op = old.op
        halves = [v for v in inputs if v.type.dtype is float16]
        if not halves:
            return None
        if isinstance(op, SegmentReduction):
            return "a reduction over segments is computed in its operands' dtype"
        if op.stateful or op.writes or op.reads or op.draws or op.checks or op.on_host:
            return "it has effects, or runs on the host"
        if all(t.dtype is not float16 for t in old.types):
            return "no result is float16"
        moves = op.is_view or op.moves([v.type for v in old.inputs], old.types) is not None
        if moves and not any(v in self.wide for v in halves):
            return "it only moves elements, and its operand stays"
        try:
            types = new.builder.infer(op, tuple(_widened(v.type) for v in inputs))
        except MinigraphError:
            return "it takes no float32"
        return types if types == tuple(map(_widened, old.types)) else "its results would not be float32"


def _widened(kind: TensorType) -> TensorType:
    return TensorType(float32, kind.shape) if kind.dtype is float16 else kind


widen_float16 = WidenFloat16()
