"""The compiler's graph: immutable, interned nodes with static types, so equal computations are one node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

from minigraph.core.op import Op
from minigraph.core.provenance import Source
from minigraph.core.types import TensorType


class Value(NamedTuple):
    """One output of an instruction."""

    instr: Instr
    output: int

    @property
    def type(self) -> TensorType:
        return self.instr.types[self.output]


class Instr:
    """One interned application of an op. Made by `Builder.add` only, and compared by identity."""

    __slots__ = ("__weakref__", "control", "inputs", "names", "op", "serial", "source", "types")

    def __init__(
        self, op: Op, inputs: tuple[Value, ...], control: tuple[Instr, ...], types: tuple[TensorType, ...], serial: int
    ) -> None:
        self.op = op
        self.inputs = inputs
        self.control = control
        self.types = types
        self.serial = serial  # counts instructions as they are made, which gives a topological order
        self.names: list[str] = []  # of the user's nodes that it computes; not a part of the key
        self.source: Source | None = None

    @property
    def name(self) -> str:
        return self.names[0] if self.names else f"{type(self.op).__name__}#{self.serial}"

    @property
    def where(self) -> str:
        """Its op, its name and the line that made it, for messages."""
        made = f", made at {self.source.describe()}" if self.source else ""
        return f"in {type(self.op).__name__} node '{self.name}'{made}"

    @property
    def predecessors(self) -> tuple[Instr, ...]:
        return (*[instr for instr, _ in self.inputs], *self.control)

    @property
    def is_pointwise(self) -> bool:
        """Whether it works on operands element by element."""
        return bool(self.inputs) and self.op.is_pointwise([v.type for v in self.inputs])

    def __repr__(self) -> str:
        return f"<{type(self.op).__name__} '{self.name}'>"


class Feed(Op, abstract=True):
    """A value that each run is given. `slot` is its position among the feeds."""

    slot: int
    type: TensorType

    def infer(self) -> tuple[TensorType, ...]:
        return (self.type,)


class Cell(Op, abstract=True):
    """A variable's buffer, kept by the session. `name` is the variable's, or a random op's counter's."""

    name: str
    type: TensorType

    def infer(self) -> tuple[TensorType, ...]:
        return (self.type,)


class Builder:
    """Makes interned instructions."""

    def __init__(self) -> None:
        self._known: dict[object, Instr] = {}
        self._inferred: dict[object, tuple[TensorType, ...]] = {}
        self._count = 0

    def add(
        self,
        op: Op,
        inputs: Sequence[Value] = (),
        control: Sequence[Instr] = (),
        name: str | None = None,
        source: Source | None = None,
        types: tuple[TensorType, ...] | None = None,
    ) -> Instr:
        """The instruction for `op` on `inputs`. An equal one is reused, unless the op is stateful.

        types: the result of `op.infer`, if the caller knows it.
        """
        inputs, control = tuple(inputs), tuple(control)
        if types is None:
            types = self.infer(op, tuple([v.type for v in inputs]))
        serial = self._count
        key = (op, inputs, control, serial if op.stateful else -1)  # which decide the types
        instr = self._known.get(key)
        if instr is None:
            instr = self._known[key] = Instr(op, inputs, control, types, serial)
            self._count += 1
        if name is not None:
            instr.names.append(name)
        if instr.source is None:
            instr.source = source
        return instr

    def infer(self, op: Op, given: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The types of the results of `op`. ShapeError or DTypeError if it does not take the operands."""
        key = op, given
        types = self._inferred.get(key)
        if types is None:
            types = self._inferred[key] = op.infer(*given)
        return types


class Program(NamedTuple):
    """The work of one run: instructions in topological order, the values to return, and the feeds' types by slot."""

    instrs: tuple[Instr, ...]
    results: tuple[Value, ...]
    feeds: tuple[TensorType, ...]


def copy_instr(instr: Instr, builder: Builder, values: dict[Value, Value], op: Op | None = None) -> None:
    """Add a copy of `instr` on the new `values` of its inputs. Its types stay, unless `op` is given for other types."""
    types = None if op else instr.types
    copy = builder.add(op or instr.op, [values[v] for v in instr.inputs], (), None, instr.source, types)
    copy.names += [n for n in instr.names if n not in copy.names]
    values |= {Value(instr, i): Value(copy, i) for i in range(len(instr.types))}


def reachable(roots: Iterable[Instr]) -> tuple[Instr, ...]:
    """The roots and everything they need through inputs and control inputs, in topological order."""
    seen: set[Instr] = set()
    stack = list(roots)
    while stack:
        instr = stack.pop()
        if instr not in seen:
            seen.add(instr)
            stack += [before for before, _ in instr.inputs]
            stack += instr.control
    return tuple(sorted(seen, key=attrgetter("serial")))


def readers_of(program: Program) -> dict[Value, list[Instr | None]]:
    """The readers of each value, with repetition; None stands for a result of the program."""
    out: dict[Value, list[Instr | None]] = {}
    for instr in program.instrs:
        for value in instr.inputs:
            out.setdefault(value, []).append(instr)
    for value in program.results:
        out.setdefault(value, []).append(None)
    return out


def counterparts(program: Program, other: Program) -> dict[Instr, Instr] | None:
    """The instruction of `other` for each of `program`; None if they differ in more than attributes and types."""
    if len(program.instrs) != len(other.instrs):
        return None
    pairs: dict[Instr, Instr] = {}
    for a, b in zip(program.instrs, other.instrs, strict=True):
        same = type(a.op) is type(b.op) and len(a.types) == len(b.types)
        if not same or renamed(a.inputs, pairs) != b.inputs or tuple([pairs[c] for c in a.control]) != b.control:
            return None
        pairs[a] = b
    return pairs if renamed(program.results, pairs) == other.results else None


def renamed(values: Sequence[Value], pairs: Mapping[Instr, Instr]) -> tuple[Value, ...]:
    """The same outputs of the instructions' counterparts in `pairs`."""
    return tuple([Value(pairs[v.instr], v.output) for v in values])
