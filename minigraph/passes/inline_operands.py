"""Loops compute cheap operands themselves where that saves reading or writing large arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from minigraph.core.dtypes import float16
from minigraph.core.op import Op
from minigraph.core.scalar import BOOLEAN, operand, walk
from minigraph.ir.program import Builder, Feed, Instr, Program, Value, copy_instr, reachable, readers_of
from minigraph.ir.rebuild import Rebuilder, rebuild
from minigraph.ir.regions import Loop, inner_program, trimmed
from minigraph.rewrite.driver import Applied, Outcome

CHEAP = BOOLEAN | {"operand", "constant", "add", "subtract", "multiply", "negative", "absolute", "square"}
CHEAP |= {"maximum", "minimum", "where", "cast"}
BRIEF = CHEAP | {"divide", "reciprocal", "sqrt", "rsqrt"}
MOST = 8  # functions of one small operand that are not cheap
SMALL = 16  # an operand this many times smaller than the loop's space stays in a cache
FEW = 1 << 14  # elements that take less time than a launch


class _Recipe(NamedTuple):
    """How to compute a value: instructions in order, and for each value that they read from outside the value there."""

    members: Sequence[Instr]
    leaves: dict[Value, Value]
    result: Value


@dataclass(frozen=True)
class InlineOperands:
    """Operands computed where they are read.

    before      y = f(x, a), z = g(y, x, b), …: loops over one space, in which a and b are small
    after       z = g(f(x, a), x, b), beside y if that has other readers
    conditions  f is made of `CHEAP` functions, not in float16; of its large operands the loop for z reads all anyway,
                or all but one if nothing else reads y, which then is never stored. A loop with sums goes on storing y
                unless the backend `keeps_sums`: adds them in the same order whatever else the loop stores. The loop for
                z has at most `max_members` instructions. `small_operands` is for backends on which a launch takes
                longer than computing a small operand again for each element of z: y may then also be at least `SMALL`
                times smaller than z, or have at most `FEW` elements, if only loops without control inputs read it and
                f is made of `BRIEF` functions, at most `MOST` of them not `CHEAP`
    formula     z takes the same numbers in the same order, so each element has the same bits
    """

    keeps_sums: bool = False
    small_operands: bool = False
    max_members: int = 256
    name: str = field(default="inline_operands", init=False)

    def run(self, program: Program) -> Outcome:
        readers = readers_of(program)
        applied: list[Applied] = []

        def replace(old: Instr, new: Rebuilder) -> Sequence[Value] | None:
            if not isinstance(old.op, Loop) or old.control:
                return None
            loop, inputs = old.op, [new.values[v] for v in old.inputs]
            alone = {new.values[v] for v in old.inputs if readers[v] == [old]}
            small = {new.values[v] for v in old.inputs if self.small_operands and all(map(_joins, readers[v]))}
            while (found := self._worth(loop, inputs, alone) or self._small(loop, inputs, small)) is not None:
                loop, inputs = _inlined(loop, inputs, *found)
                applied.append(Applied(self.name, old.name, str(old.source), repr(loop)))
            if loop is old.op:
                return None
            made = new.builder.add(loop, inputs, (), None, old.source)
            made.names.extend(old.names)
            return [Value(made, i) for i in range(len(old.types))]

        made = rebuild(program, replace)
        return Outcome(rebuild(trimmed(made), _without_unread) if applied else program, applied, [], 1)

    def _worth(self, loop: Loop, inputs: Sequence[Value], alone: set[Value]) -> tuple[Value, _Recipe] | None:
        """An operand that is worth computing, and how."""
        for value in inputs:
            recipe = _recipe(value, loop.space)
            if recipe is None or len(loop.members) + len(recipe.members) > self.max_members:
                continue
            large = {v for v in recipe.leaves.values() if v.type.static == loop.space}
            if value in alone and not (self.keeps_sums or _has_no_sums(value.instr.op)):
                continue
            if len(large - {*inputs}) <= (value in alone):
                return value, recipe
        return None

    def _small(self, loop: Loop, inputs: Sequence[Value], small: Set[Value]) -> tuple[Value, _Recipe] | None:
        """One of the operands `small` that the loop can compute, and how."""
        for value in inputs:
            recipe = _small_recipe(value, loop.space) if value in small else None
            if recipe is not None and len(loop.members) + len(recipe.members) <= self.max_members:
                return value, recipe
        return None


def _joins(reader: Instr | None) -> bool:
    """Whether a reader is a loop that may compute operands itself."""
    return reader is not None and isinstance(reader.op, Loop) and not reader.control


def _has_no_sums(op: Op) -> bool:
    return not isinstance(op, Loop) or all(i.is_pointwise for i in op.members)


def _recipe(value: Value, space: tuple[int, ...]) -> _Recipe | None:
    """How to compute an element of a value from elements at the same place; None if that is not cheap."""
    kind = value.type
    found = _pointwise_recipe(value, True) if kind.static == space else None
    if found is None:
        return None
    large = [i for i in found.members if i.types[0].size * SMALL > kind.size]  # the others: inlined small operands
    fits = (v.type.static == space or v.type.size * SMALL <= kind.size for v in found.leaves.values())
    return found if all(fits) and all(_is_made_of(CHEAP, i) for i in large) else None


def _small_recipe(value: Value, space: tuple[int, ...]) -> _Recipe | None:
    """How to compute an element of a small value, from operands of its maker only; None if that takes long."""
    if value.type.size > max(FEW, math.prod(space) // SMALL):
        return None
    found = _pointwise_recipe(value, False)
    if found is None or not all(_is_made_of(BRIEF, i) for i in found.members):
        return None
    return found if sum(not _is_made_of(CHEAP, i) for i in found.members) <= MOST else None


def _pointwise_recipe(value: Value, from_results: bool) -> _Recipe | None:
    """How a pointwise instruction or a loop makes a value. from_results: also from other results of the loop."""
    maker = value.instr
    if value.type.dtype is float16 or maker.control or maker.op.stateful:
        return None
    if maker.is_pointwise:
        return _Recipe([maker], {v: v for v in maker.inputs}, value)
    return _inner_recipe(maker, maker.op, value.output, from_results) if isinstance(maker.op, Loop) else None


def _inner_recipe(maker: Instr, loop: Loop, output: int, from_results: bool) -> _Recipe:
    """The instructions of a loop that make one result from its operands and other results."""
    result = loop.program.results[output]
    others = enumerate(loop.program.results) if from_results else ()
    stored = {v: Value(maker, n) for n, v in others if v != result}
    leaves: dict[Value, Value] = {}
    members: dict[Instr, None] = {}
    stack = [result]
    while stack:
        v = stack.pop()
        if isinstance(v.instr.op, Feed):
            leaves[v] = maker.inputs[v.instr.op.slot]
        elif v in stored:
            leaves[v] = stored[v]
        elif v.instr not in members:
            members[v.instr] = None
            stack += v.instr.inputs
    return _Recipe(sorted(members, key=lambda i: i.serial), leaves, result)


def _is_made_of(functions: Set[str], instr: Instr) -> bool:
    if not instr.is_pointwise:
        return False
    scalars = [operand(i, v.type.dtype) for i, v in enumerate(instr.inputs)]
    return all(node.function in functions for node in walk(instr.op.expr(*scalars)))


def _inlined(loop: Loop, inputs: Sequence[Value], value: Value, recipe: _Recipe) -> tuple[Loop, list[Value]]:
    """The loop that computes the operand itself, and its operands."""
    given = [v for v in dict.fromkeys([*inputs, *recipe.leaves.values()]) if v != value]
    builder = Builder()
    feeds = {v: Value(builder.add(Feed(slot, v.type)), 0) for slot, v in enumerate(given)}
    values = {inner: feeds[outer] for inner, outer in recipe.leaves.items()}
    for instr in recipe.members:
        copy_instr(instr, builder, values)
    computed = values[recipe.result]
    values = {}
    for instr in loop.program.instrs:
        if isinstance(instr.op, Feed):
            outer = inputs[instr.op.slot]
            values[Value(instr, 0)] = computed if outer == value else feeds[outer]
        else:
            copy_instr(instr, builder, values)
    results = tuple(values[v] for v in loop.program.results)
    made = Program(reachable(v.instr for v in results), results, tuple(v.type for v in given))
    return _compact(loop.replace(program=made), given)


def _without_unread(old: Instr, new: Rebuilder) -> Sequence[Value] | None:
    """A loop without the operands that nothing in it reads; None if there are none."""
    if not isinstance(old.op, Loop):
        return None
    loop, inputs = _compact(old.op, [new.values[v] for v in old.inputs])
    if loop is old.op:
        return None
    made = new.builder.add(loop, inputs, new.control(old), None, old.source)
    made.names.extend(old.names)
    return [Value(made, i) for i in range(len(old.types))]


def _compact(loop: Loop, given: list[Value]) -> tuple[Loop, list[Value]]:
    """The loop and its operands without those that nothing in it reads."""
    program = loop.program
    feeds = {i.op.slot: Value(i, 0) for i in program.instrs if isinstance(i.op, Feed)}
    if len(feeds) == len(given):
        return loop, given
    read = sorted(feeds)
    inner = inner_program(loop.members, [feeds[slot] for slot in read], program.results)
    return loop.replace(program=inner), [given[slot] for slot in read]


inline_operands = InlineOperands()
