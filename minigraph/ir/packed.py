"""Operands that do not change between runs, packed beforehand in the layout that the backend's kernels want."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from minigraph.core.op import Application, Batching, Op
from minigraph.core.types import TensorType
from minigraph.ir.hoist import Fixed, Hoist, changes_variables
from minigraph.ir.program import Builder, Feed, Instr, Program, Value, copy_instr, reachable
from minigraph.ir.rebuild import Rebuilder, rebuild
from minigraph.ir.regions import Region

Packs = Callable[[Op, Sequence[TensorType]], Mapping[int, TensorType]]


class Packed(Op, abstract=True):
    """Operand `position` of `op`, whose operands have `types`, packed by the backend as type `to`."""

    op: Op
    types: tuple[TensorType, ...]
    position: int
    to: TensorType

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return (self.to,)


class OnPacked(Op, abstract=True):
    """`op` on operands of `types`, with some operands packed."""

    op: Op
    types: tuple[TensorType, ...]

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        return self.op.infer(*self.types)

    def made_of(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Sequence[Application]:
        return [Application(self.op, self.types, out_types)]

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        return self.op.batching(self.types, out_types)

    def for_batch(self, size: int) -> Op:
        how = self.op.batching(self.types, self.op.infer(*self.types))
        assert how is not None
        types = tuple(
            TensorType(t.dtype, (size, *t.static[1:])) if is_cut else t
            for t, is_cut in zip(self.types, how.cut, strict=True)
        )
        return self.replace(op=self.op.for_batch(size), types=types)


def pack(program: Program, packs: Packs) -> Program:
    """The program with packed operands. A packed operand is kept between runs; the value it is made from is not.

    packs: gives the operands of an op that the backend wants packed, by position, with their new types; those that
    change from run to run stay as they are. A program that changes variables stays as it is.
    """
    return program if changes_variables(program) else _Packing(packs).run(program)


class _Packing:
    def __init__(self, packs: Packs) -> None:
        self.packs = packs
        self.fixed = Fixed()
        self.made: dict[tuple[Value, Packed], Value] = {}

    def run(self, program: Program) -> Program:
        return rebuild(program, self._replace)

    def _replace(self, old: Instr, new: Rebuilder) -> Sequence[Value] | None:
        wanted = {
            position: how
            for position, how in self._wanted(old.op, [v.type for v in old.inputs]).items()
            if self.fixed(old.inputs[position])
        }
        if not wanted or old.control:
            return None
        inputs = [new.values[v] for v in old.inputs]
        for position, how in wanted.items():
            inputs[position] = self._pack(inputs[position], how, new)
        made = new.builder.add(_on_packed(old.op, wanted), inputs, (), None, old.source)
        made.names.extend(n for n in old.names if n not in made.names)
        return [Value(made, i) for i in range(len(old.types))]

    def _wanted(self, op: Op, types: Sequence[TensorType]) -> dict[int, Packed]:
        """The operands to pack, by position. An operand of a region must have a single reader there."""
        if not isinstance(op, Region):
            return {n: Packed(op, tuple(types), n, to) for n, to in self.packs(op, types).items()}
        readers = Counter(v for i in op.members for v in i.inputs)
        found: dict[int, Packed] = {}
        for instr in op.members:
            for position, how in self._wanted(instr.op, [v.type for v in instr.inputs]).items():
                value = instr.inputs[position]
                if isinstance(value.instr.op, Feed) and readers[value] == 1 and value not in op.program.results:
                    found[value.instr.op.slot] = how
        return found

    def _pack(self, value: Value, how: Packed, new: Rebuilder) -> Value:
        if isinstance(value.instr.op, Hoist):
            value = value.instr.inputs[0]
        key = value, how
        if key not in self.made:
            self.made[key] = new.add(Hoist(), new.add(how, value))
        return self.made[key]


def _on_packed(op: Op, wanted: Mapping[int, Packed]) -> Op:
    """The op with these operands packed."""
    if not isinstance(op, Region):
        return OnPacked(op, next(iter(wanted.values())).types)
    builder = Builder()
    values: dict[Value, Value] = {}
    types = tuple(wanted[slot].to if slot in wanted else t for slot, t in enumerate(op.program.feeds))
    for instr in op.program.instrs:
        inner: Op | None = None
        if isinstance(instr.op, Feed):
            inner = Feed(instr.op.slot, types[instr.op.slot])
        else:
            own = {
                n: wanted[v.instr.op.slot]
                for n, v in enumerate(instr.inputs)
                if isinstance(v.instr.op, Feed) and v.instr.op.slot in wanted
            }
            inner = _on_packed(instr.op, own) if own else None
        copy_instr(instr, builder, values, inner)
    results = tuple(values[v] for v in op.program.results)
    return op.replace(program=Program(reachable(v.instr for v in results), results, types))
