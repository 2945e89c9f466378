"""Regions: one instruction for a convex part of a program, which it keeps as its inner program."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from minigraph.core.errors import MinigraphError, ShapeError, in_run
from minigraph.core.op import Application, Batching, Op, attribute_key
from minigraph.core.types import TensorType
from minigraph.ir.loop_kernel import loop_kernel
from minigraph.ir.program import Builder, Feed, Instr, Program, Value, copy_instr, reachable
from minigraph.ir.rebuild import Rebuilder, rebuild
from minigraph.loops.kernel import Kernel
from minigraph.util.lazy import lazy_property


def evaluated(program: Program, xp: Any, arrays: Sequence[Any]) -> tuple[Any, ...]:
    """The results of a program for its feeds, by the ops' `forward`. Errors name the inner node."""
    values: dict[Value, Any] = {}
    for instr in program.instrs:
        if isinstance(instr.op, Feed):
            values[Value(instr, 0)] = arrays[instr.op.slot]
        else:
            try:
                results = instr.op.forward(xp, *(values[v] for v in instr.inputs))
            except MinigraphError as error:
                raise in_run(error, instr.where, instr.name) from error
            values |= {Value(instr, i): r for i, r in enumerate(results)}
    return tuple(values[v] for v in program.results)


def applications(members: Iterable[Instr]) -> list[Application]:
    """The members of an op as its parts. See `Op.made_of`."""
    return [Application(i.op, [v.type for v in i.inputs], i.types) for i in members]


class Region(Op, abstract=True):
    """An inner program whose feed i is operand i."""

    program: Program

    @lazy_property
    def key(self) -> tuple[Any, ...]:
        """The interning key: equal for regions with equal inner programs, whatever the names inside."""
        number = {instr: i for i, instr in enumerate(self.program.instrs)}
        lines = [(i.op, i.types, *[(number[v.instr], v.output) for v in i.inputs]) for i in self.program.instrs]
        results = tuple([(number[v.instr], v.output) for v in self.program.results])
        others = [attribute_key(getattr(self, n)) for n in self.fields if n != "program"]
        return (type(self), *lines, results, self.program.feeds, *others)

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        if types != self.program.feeds:
            raise ShapeError(f"a region over {self.program.feeds} is given {types}")
        return tuple(v.type for v in self.program.results)

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        return evaluated(self.program, xp, arrays)

    def resized(self, program: Program) -> Region | None:
        """The region around `program`, its inner program for other sizes; None if it has no form for them."""
        return None

    def only(self, kept: Sequence[int]) -> Region:
        """The region restricted to the given results."""
        results = tuple(self.program.results[i] for i in kept)
        return self.replace(program=Program(reachable(v.instr for v in results), results, self.program.feeds))

    @lazy_property
    def members(self) -> tuple[Instr, ...]:
        """The inner instructions without the feeds."""
        return tuple(i for i in self.program.instrs if not isinstance(i.op, Feed))

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        return program_batching(self.program)

    def for_batch(self, size: int) -> Op:
        how = program_batching(self.program)
        assert how is not None
        return self.replace(program=program_for_batch(self.program, how.cut, size))

    def made_of(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Sequence[Application]:
        return applications(self.members)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'+'.join(type(i.op).__name__ for i in self.members)})"


class Blocked(Region, abstract=True):
    """A region that runs piece by piece along axis 0, so that the values inside stay in cache.

    cut: for each operand, whether it is cut into pieces. sums: for each result, whether it is the sum over the pieces.
    batch: the length of axis 0.
    """

    cut: tuple[bool, ...]
    sums: tuple[bool, ...]
    batch: int

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        return None  # already cut

    def only(self, kept: Sequence[int]) -> Region:
        return super().only(kept).replace(sums=tuple(self.sums[i] for i in kept))


class Loop(Region, abstract=True):
    """A region of pointwise ops over one iteration space, and of sums over its axes. All operands broadcast to it.

    space: the shape of the iteration space, which every inner value has except the sums.
    """

    space: tuple[int, ...]

    def resized(self, program: Program) -> Region | None:
        resized = self.replace(program=program)
        spaces = {_space(i) for i in resized.members}
        space = spaces.pop()
        return None if spaces or space is None or 0 in space else resized.replace(space=space)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        return loop_kernel(self.program, self.space)

    def for_batch(self, size: int) -> Op:
        smaller = super().for_batch(size)
        return smaller.replace(space=(size, *self.space[1:]))


class Epilogue(Region, abstract=True):
    """A contraction or another kernel, the first inner instruction, and pointwise ops on its first result; nothing else
    reads any of its results."""

    @property
    def root(self) -> Instr:
        return self.members[0]

    def resized(self, program: Program) -> Region | None:
        resized = self.replace(program=program)
        root, *rest = resized.members
        fits = all(i.is_pointwise and i.types[0].shape == root.types[0].shape for i in rest)
        return resized if fits else None

    @property
    def root_slots(self) -> tuple[int, ...]:
        """The region's operands that the contraction reads."""
        return slots_of(self.root.inputs)

    @lazy_property
    def pointwise(self) -> tuple[Loop, tuple[int, ...]]:
        """The instructions after the contraction as a loop, and the region's operands that the loop reads.

        The loop's first operand is the contraction's result; the others follow in the order given.
        """
        result = Value(self.root, 0)
        rest = self.members[1:]
        read = dict.fromkeys(v for i in rest for v in i.inputs if isinstance(v.instr.op, Feed))
        program = inner_program(rest, (result, *read), self.program.results)
        return Loop(program, result.type.static), slots_of(read)


class Join(Region, abstract=True):
    """A concatenation along the last axis, the last inner instruction, and instructions that make operands of it;
    nothing else reads these."""


def single_op_loop(op: Op, in_types: Sequence[TensorType], space: tuple[int, ...]) -> Loop:
    """A loop whose only member is the op."""
    builder = Builder()
    feeds = [Value(builder.add(Feed(slot, t)), 0) for slot, t in enumerate(in_types)]
    result = Value(builder.add(op, feeds), 0)
    return Loop(Program(reachable([result.instr]), (result,), tuple(in_types)), space)


def kernel_of(op: Op, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
    """The op's kernel in the loop language: its own statement, or that of a loop for a pointwise op; None if there is
    none."""
    if in_types and out_types[0].size and op.is_pointwise(in_types):
        return single_op_loop(op, in_types, out_types[0].static).loops(in_types, out_types)
    found: Kernel | None = op.loops(in_types, out_types)
    return found


def values_of(instr: Instr) -> list[Value]:
    """The results of an instruction."""
    return [Value(instr, i) for i in range(len(instr.types))]


def slots_of(values: Iterable[Value]) -> tuple[int, ...]:
    """The slots of the feeds among the values, in order."""
    return tuple(v.instr.op.slot for v in values if isinstance(v.instr.op, Feed))


def inner_program(members: Sequence[Instr], inputs: Sequence[Value], results: Sequence[Value]) -> Program:
    """The members as a separate program, fed with `inputs`."""
    builder = Builder()
    values = {v: Value(builder.add(Feed(slot, v.type)), 0) for slot, v in enumerate(inputs)}
    for instr in members:
        copy_instr(instr, builder, values)
    found = tuple(values[v] for v in results)
    return Program(reachable(v.instr for v in found), found, tuple(v.type for v in inputs))


def trimmed(program: Program) -> Program:
    """The program with its regions restricted to results that are read."""
    read = {v for i in program.instrs for v in i.inputs} | set(program.results)

    def replace(old: Instr, new: Rebuilder) -> Sequence[Value] | None:
        kept = [i for i in range(len(old.types)) if Value(old, i) in read]
        if not isinstance(old.op, Region) or len(kept) in (0, len(old.types)):
            return None
        made = new.builder.add(old.op.only(kept), [new.values[v] for v in old.inputs], (), None, old.source)
        made.names.extend(old.names)
        return [Value(made, kept.index(i) if i in kept else 0) for i in range(len(old.types))]

    return rebuild(program, replace)


def whole_bytes(instr: Instr, how: Batching) -> int:
    """The bytes that the instruction reads whole, or adds to, in each block of the batch."""
    operands = (v.type.nbytes for v, is_cut in zip(instr.inputs, how.cut, strict=True) if not is_cut)
    return sum(operands) + sum(t.nbytes for t, is_sum in zip(instr.types, how.sums, strict=True) if is_sum)


def program_batching(program: Program) -> Batching | None:
    """How a program can run piece by piece along axis 0: the feeds that are cut, and the results that are sums."""
    cut: dict[Value, bool] = {}
    sums: dict[Value, bool] = {}
    rows: set[int] = set()
    for instr in program.instrs:
        if isinstance(instr.op, Feed):
            continue
        how = instr.op.batching([v.type for v in instr.inputs], instr.types)
        if how is None or not any(how.cut):
            return None
        for value, is_cut in zip(instr.inputs, how.cut, strict=True):
            if cut.setdefault(value, is_cut) != is_cut or sums.get(value):
                return None
            if is_cut:
                rows.add(value.type.static[0])
        for index, is_sum in enumerate(how.sums):
            value = Value(instr, index)
            sums[value] = is_sum
            cut[value] = not is_sum
    if len(rows) != 1 or any(v not in sums for v in program.results):
        return None
    feeds = {i.op.slot: cut.get(Value(i, 0), False) for i in program.instrs if isinstance(i.op, Feed)}
    return Batching(
        tuple(feeds.get(slot, False) for slot in range(len(program.feeds))), tuple(sums[v] for v in program.results)
    )


def program_for_batch(program: Program, cut: Sequence[bool], size: int) -> Program:
    """The program for a piece of `size` along axis 0."""
    builder = Builder()
    values: dict[Value, Value] = {}
    types = tuple(_rows(kind, size) if cut[slot] else kind for slot, kind in enumerate(program.feeds))
    for instr in program.instrs:
        op = Feed(instr.op.slot, types[instr.op.slot]) if isinstance(instr.op, Feed) else instr.op.for_batch(size)
        copy_instr(instr, builder, values, op)
    results = tuple(values[v] for v in program.results)
    return Program(reachable(v.instr for v in results), results, types)


def _rows(kind: TensorType, size: int) -> TensorType:
    return TensorType(kind.dtype, (size, *kind.static[1:]))


def _space(instr: Instr) -> tuple[int, ...] | None:
    """The iteration space of an instruction; None if it cannot be in a loop."""
    if instr.is_pointwise:
        return instr.types[0].static
    summed = instr.op.summed_axes([v.type for v in instr.inputs])
    return None if summed is None else instr.inputs[0].type.static


def inner_types(op: Blocked, size: int) -> dict[Value, TensorType]:
    """The types of the inner values for a piece of `size`."""
    types: dict[Value, TensorType] = {}
    for instr in op.program.instrs:
        given: Sequence[TensorType]
        if isinstance(instr.op, Feed):
            whole = instr.types[0]
            given = (_rows(whole, size) if op.cut[instr.op.slot] else whole,)
        else:
            given = instr.op.for_batch(size).infer(*(types[v] for v in instr.inputs))
        types |= {Value(instr, i): t for i, t in enumerate(given)}
    return types
