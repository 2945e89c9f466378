"""Fused loops as kernels of the loop language."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

from minigraph.core.scalar import Scalar, cast, operand
from minigraph.core.types import TensorType
from minigraph.ir.program import Builder, Feed, Instr, Program, Value, copy_instr, reachable
from minigraph.loops.builder import Statement, accumulator
from minigraph.loops.index import Index
from minigraph.loops.kernel import ADD, Buffer, Kernel
from minigraph.ops.math.arithmetic import Add
from minigraph.ops.math.reduce import Sum
from minigraph.ops.nn.bias import BiasAdd

Axes = tuple[int, ...]


class Collapsed(NamedTuple):
    """A loop over fewer axes. Sums keep their axes as 1; operands and results keep their elements and the order."""

    program: Program
    space: tuple[int, ...]


def collapse(program: Program, space: tuple[int, ...]) -> Collapsed:
    """The loop with neighbouring axes merged where every operand and every sum treats them alike."""
    rank = len(space)
    shapes = [_aligned(t.static, rank) for t in program.feeds]
    shapes += [kept for i in program.instrs if (kept := _kept_shape(i)) is not None]
    axes = [a for a in range(rank) if space[a] != 1]
    groups: list[list[int]] = []
    for axis in axes:
        alike = groups and all((s[axis] == 1) == (s[groups[-1][-1]] == 1) for s in shapes)
        if alike:
            groups[-1].append(axis)
        else:
            groups.append([axis])

    def shrink(shape: tuple[int, ...]) -> tuple[int, ...]:
        aligned = _aligned(shape, rank)
        return tuple(math.prod(aligned[a] for a in group) for group in groups) or (1,)

    builder = Builder()
    values: dict[Value, Value] = {}
    # A scalar stays a scalar: it may be a Select's condition, which broadcasts only as a scalar.
    types = tuple(TensorType(t.dtype, shrink(t.static) if t.static or not groups else ()) for t in program.feeds)
    for instr in program.instrs:
        summed = _summed_axes(instr)
        op = instr.op
        if isinstance(op, Feed):
            op = Feed(op.slot, types[op.slot])
        elif isinstance(op, BiasAdd):
            op = Add()
        elif summed is not None:
            op = Sum(tuple(i for i, group in enumerate(groups) if group[0] in summed), True)
        copy_instr(instr, builder, values, op)
    results = tuple(values[v] for v in program.results)
    return Collapsed(Program(reachable(v.instr for v in results), results, types), shrink(space))


def loop_kernel(program: Program, space: tuple[int, ...]) -> Kernel:
    """The kernel of a loop: one nest for the results that are summed over the same axes.

    Results that are not summed are stored in the last nest, so that the first of them may take over an operand's
    memory.
    """
    program, space = collapse(program, space)
    k = Statement("loop")
    given = [k.operand(t, _aligned(t.static, len(space))) for t in program.feeds]
    groups: dict[Axes, list[int]] = {}
    stored: list[int] = []
    for position, value in enumerate(program.results):
        axes = _summed_axes(value.instr)
        (groups.setdefault(axes, []) if axes else stored).append(position)
    made = [k.result(v.type, _aligned(v.type.static, len(space))) for v in program.results]
    nests: list[tuple[Axes, list[int], list[int]]] = [(axes, positions, []) for axes, positions in groups.items()] or [
        ((), [], [])
    ]
    nests[-1][2].extend(stored)
    for axes, sums, plain in nests:
        _Nest(k, program, space, given, made).write(axes, sums, plain)
    return k.done()


class _Nest:
    def __init__(
        self, k: Statement, program: Program, space: tuple[int, ...], given: Sequence[Buffer], made: Sequence[Buffer]
    ) -> None:
        self.k, self.program, self.space, self.given, self.made = k, program, space, given, made

    def write(self, axes: Axes, sums: Sequence[int], plain: Sequence[int]) -> None:
        """Add the nest of some results: those summed over the axes, and those stored as they are."""
        k, results = self.k, self.program.results
        summands = [results[n].instr.inputs[0] for n in sums]
        stored = [_element_of(results[n]) for n in plain]
        wanted = [*summands, *stored]
        kept = [d for a, d in enumerate(self.space) if a not in axes] or [1]

        def place(outer: Sequence[Index], inner: Sequence[Index]) -> list[Index]:
            near, away = iter(outer), iter(inner)
            return [next(away) if a in axes else next(near) for a in range(len(self.space))]

        def element(outer: Sequence[Index], inner: Sequence[Index]) -> list[Scalar]:
            """State all that is stored at a place; returns the summands."""
            at = place(outer, inner)
            values = self._values(wanted, at)
            for n, value in zip(plain, stored, strict=True):
                k.store(self.made[n], at, values[value])
            return [cast(values[v], accumulator(v.type.dtype)) for v in summands]

        with k.over(*kept) as outer:
            if not sums:
                element(outer, ())
                return
            kinds = [accumulator(v.type.dtype) for v in summands]
            extents = [self.space[a] for a in axes]
            totals = k.reduce(extents, ADD, [0] * len(sums), kinds, lambda *inner: element(outer, inner))
            for n, total in zip(sums, totals, strict=True):
                k.store(self.made[n], place(outer, [Index({})] * len(axes)), total)

    def _values(self, wanted: Sequence[Value], at: Sequence[Index]) -> dict[Value, Scalar]:
        """The elements of values at a place; those that are read several times have names."""
        uses: dict[Value, int] = {}
        needed = _needed(wanted)
        for value in (*wanted, *(v for i in self.program.instrs if i in needed for v in i.inputs)):
            uses[value] = uses.get(value, 0) + 1
        values: dict[Value, Scalar] = {}
        for instr in self.program.instrs:
            if instr not in needed:
                continue
            result = Value(instr, 0)
            if isinstance(instr.op, Feed):
                x = self.given[instr.op.slot]
                made = x[tuple(Index({}) if d == 1 else i for i, d in zip(at, x.shape, strict=True))]
            else:
                made = instr.op.expr(*(values[v] for v in instr.inputs))
            values[result] = self.k.let(made) if uses[result] > 1 and made.function != "name" else made
        return values


def _element_of(value: Value) -> Value:
    """The value, or the summand of a sum over no axes."""
    return value if _summed_axes(value.instr) is None else value.instr.inputs[0]


def expression_of(program: Program) -> Scalar | None:
    """The only result as an expression in elements of the operands; None if it is a sum, or one of several."""
    made: dict[Value, Scalar] = {}
    for instr in program.instrs:
        if _summed_axes(instr) is not None:
            return None
        args = [made[v] for v in instr.inputs]
        kind = instr.types[0].dtype
        made[Value(instr, 0)] = operand(instr.op.slot, kind) if isinstance(instr.op, Feed) else instr.op.expr(*args)
    return made[program.results[0]] if len(program.results) == 1 else None


def _needed(values: Collection[Value]) -> set[Instr]:
    """The instructions that values depend on."""
    return set(reachable(v.instr for v in values))


def _summed_axes(instr: Instr) -> Axes | None:
    return instr.op.summed_axes([v.type for v in instr.inputs])


def _kept_shape(instr: Instr) -> tuple[int, ...] | None:
    """The shape of a sum with its axes kept as 1; None for another instruction."""
    summed = _summed_axes(instr)
    if summed is None:
        return None
    return tuple(1 if a in summed else d for a, d in enumerate(instr.inputs[0].type.static))


def _aligned(shape: tuple[int, ...], rank: int) -> tuple[int, ...]:
    return (1,) * (rank - len(shape)) + shape
