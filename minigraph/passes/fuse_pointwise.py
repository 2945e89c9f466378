"""Loops: chains of elementwise instructions become one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from minigraph.core.dtypes import float16
from minigraph.ir.program import Instr, Program, Value, readers_of
from minigraph.ir.rebuild import Rebuilder
from minigraph.ir.regions import Loop, inner_program
from minigraph.ops.broadcast import normalise_axes
from minigraph.ops.constant import Const
from minigraph.ops.math.arithmetic import RealDiv
from minigraph.ops.math.quantization import DequantizeLinear
from minigraph.ops.math.reduce import Mean, Sum
from minigraph.passes.unit_axes import RULES as UNIT_AXES
from minigraph.rewrite.driver import Missed, Outcome, Rule, rewrite
from minigraph.rewrite.grouping import Fused, Grouping, fuse
from minigraph.rewrite.pattern import Match, Pattern
from minigraph.rewrite.pipeline import Replayable


def _is_sum(instr: Instr) -> bool:
    return bool(instr.inputs) and instr.op.summed_axes([v.type for v in instr.inputs]) is not None


def _mean_of_pointwise(instr: Instr) -> str | None:
    (x,) = instr.inputs
    if not x.type.dtype.is_floating or not x.type.size:
        return "it is no mean of floating-point numbers"
    if x.type.dtype is float16:
        return "its sum may be too large for float16"
    return None if x.instr.is_pointwise else "it is no mean of a pointwise result"


def _sum_and_divide(found: Match, new: Rebuilder) -> Sequence[Value]:
    (x,) = found.root.inputs
    op = found.root.op
    assert isinstance(op, Mean)
    count = math.prod(x.type.static[a] for a in normalise_axes(op.axis, len(x.type.static)))
    total = new.add(Sum(op.axis, op.keep_dims), x)
    return [new.add(RealDiv(), total, new.add(Const(np.array(count, x.type.dtype.np_dtype))))]


_MEAN = Rule("mean_as_sum", Pattern(Mean, check=_mean_of_pointwise), _sum_and_divide)


@dataclass(frozen=True)
class FusePointwise(Replayable):
    """Pointwise fusion.

    before      y = f(x, a), z = g(y, b), s = Σ z over some axes, …, where f and g work element by element
    after       one loop over the elements of y and z that does f, g, …, and adds up what is summed; sums along the same
                axes that read the same operand share a loop
    conditions  y and z have one shape, to which all other operands broadcast; the group is convex: no path leaves it
                and comes back; no control inputs. Integers with several readers are dequantised where they are read,
                and of two results that are read together, the first is kept as integers.
                Nothing follows a sum within the group, which has at most `max_members` instructions, so that code and
                the time to compile it stay bounded
    formula     z[i] = g(f(x[i], a[i]), b[i]). A mean that ends a chain is its sum, divided by the count
    """

    name: str = field(default="fuse_pointwise", init=False)
    max_members: int = 256

    def run(self, program: Program) -> Outcome:
        summed = rewrite(program, [_MEAN, *UNIT_AXES])
        program = summed.program
        controls = {c for i in program.instrs for c in i.control}
        readers = readers_of(program)
        space = {i: s for i in program.instrs if (s := _space(i, controls)) is not None}
        grouping = Grouping(program, (Value(i, 0) for i in space if _is_sum(i)))
        missed: list[Missed] = []
        for consumer in space:
            for value in consumer.inputs:
                reason = _unfit(value, consumer, space, readers)
                if reason is None and grouping.joined_size(value.instr, consumer) > self.max_members:
                    reason = f"the loop would have more than {self.max_members} instructions"
                if reason is None and not grouping.merge(value.instr, consumer):
                    reason = "a path leaves the loop and comes back, or leads through a sum"
                if reason is not None and value.instr in space:
                    missed.append(Missed(self.name, consumer.name, value.instr.name, reason))
        self._join_sums(space, grouping)
        outside = grouping.outside()
        loops = [_loop(members, space[members[0]], outside) for members in grouping.groups()]
        if loops:
            program = fuse(program, loops)
        applied = summed.applied + [f.applied(self.name) for f in loops]
        return Outcome(program, applied, missed, summed.sweeps, summed.changes)

    def _join_sums(self, space: dict[Instr, tuple[int, ...]], grouping: Grouping) -> None:
        """Join the loops that read the same operand in full and add up along the same axes."""
        first: dict[tuple[Value, Sequence[int]], Instr] = {}
        for instr in filter(_is_sum, space):
            axes = tuple(instr.op.summed_axes([v.type for v in instr.inputs]) or ())
            for value in [v for member in grouping.members(instr) for v in member.inputs]:
                if value.type.static == space[instr]:
                    other = first.setdefault((value, axes), instr)
                    if grouping.joined_size(other, instr) <= self.max_members:
                        grouping.merge(other, instr)


def _space(instr: Instr, controls: set[Instr]) -> tuple[int, ...] | None:
    """The shape over which an instruction can be a part of a loop; None where it cannot."""
    if instr.op.stateful or instr.control or instr in controls:
        return None
    if instr.is_pointwise:
        space = instr.types[0].static
    elif _is_sum(instr):
        space = instr.inputs[0].type.static
    else:
        return None
    return space if math.prod(space) else None


def _unfit(
    value: Value, consumer: Instr, space: dict[Instr, tuple[int, ...]], readers: dict[Value, list[Instr | None]]
) -> str | None:
    """Why a value cannot pass inside a loop, or should not, or None."""
    producer = value.instr
    if isinstance(consumer.op, DequantizeLinear) and (len(readers[value]) > 1 or _is_first(consumer, readers)):
        return "its integers are quicker to write and to read again than the numbers beside them"
    if producer not in space:
        return "its producer is not pointwise"
    if _is_sum(producer):
        return "it is a sum"
    if value.type.static != space[consumer]:
        return f"it has the shape {value.type.static} in a loop over {space[consumer]}"
    return None


def _is_first(instr: Instr, readers: dict[Value, list[Instr | None]]) -> bool:
    """Whether what dequantises is read together with another, made later, and no integers of the two have other
    readers. The product behind the other then ends with what reads both."""
    after = readers[Value(instr, 0)]
    if len(after) != 1 or after[0] is None:
        return False
    others = [v.instr for v in after[0].inputs if v.instr is not instr and isinstance(v.instr.op, DequantizeLinear)]
    return any(o.serial > instr.serial and len(readers[o.inputs[0]]) == 1 for o in others)


def _loop(members: Sequence[Instr], space: tuple[int, ...], outside: set[Value]) -> Fused:
    inside = set(members)
    inputs = list(dict.fromkeys(v for i in members for v in i.inputs if v.instr not in inside))
    results = [Value(i, 0) for i in members if Value(i, 0) in outside]
    return Fused(members, inputs, results, Loop(inner_program(members, inputs, results), space))


fuse_pointwise = FusePointwise()
