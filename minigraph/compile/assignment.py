"""The steps of a plan and the buffer of each value: which values share one, and how long each buffer lives."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from minigraph.backend.base import Backend, Lowered
from minigraph.compile.memory import Lifetime, lower_bound
from minigraph.compile.schedule import Schedule, schedule
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ir.buckets import AllReduceStart, AllReduceWait, places
from minigraph.ir.buffers import aliased, is_source
from minigraph.ir.program import Cell, Feed, Instr, Program, Value
from minigraph.ops.constant import Const
from minigraph.ops.identity import Identity

Signature = tuple[TensorType, ...]


class Step(NamedTuple):
    """A future launch: the instruction, the backend's code for it, and its values (None: an output that is not
    read)."""

    instr: Instr
    lowered: Lowered
    inputs: tuple[Value, ...]
    outputs: tuple[Value | None, ...]
    workspace: int  # index among the lifetimes, or -1


def best_assignment(program: Program, backend: Backend, reorder: bool, into: Collection[int]) -> BufferAssignment:
    """The assignment that needs less memory: for the program's own order or, if `reorder`, for one chosen to save
    memory. If they are even, the program's own."""
    known: dict[Any, Lowered] = {}

    def lower(op: Op, in_types: Signature, out_types: Signature) -> Lowered:
        key = op, in_types, out_types
        if key not in known:
            known[key] = backend.lower(op, in_types, out_types)
        return known[key]

    plain = schedule(program)
    aware = schedule(program, memory_aware=True) if reorder else plain
    first = BufferAssignment(program, plain, lower, into)
    if aware.order == plain.order or len(aware.copies) > len(plain.copies):
        return first
    other = BufferAssignment(program, aware, lower, into)
    return other if lower_bound(other.lifetimes) < lower_bound(first.lifetimes) else first


class BufferAssignment:
    """Decides which values share a buffer and how long each buffer lives.

    into: the positions of results that are made in buffers outside the arena.
    """

    def __init__(
        self,
        program: Program,
        order: Schedule,
        lower: Callable[[Op, Signature, Signature], Lowered],
        into: Collection[int] = (),
    ) -> None:
        self.program = program
        self.lower = lower
        self.order = order.order
        self.copies = order.copies
        self.steps: list[Step] = []
        self.lifetimes: list[Lifetime] = []
        self.slots: dict[Value, int] = {}  # root value → index among the lifetimes
        self.roots: dict[Value, Value] = {}
        self.merged: dict[Value, Value] = {}  # buffers taken over: root → root
        self.used = {v for i in program.instrs for v in i.inputs} | set(program.results)
        self._aliases(order.order)
        self.placed: dict[Value, int] = {}  # root value → position of the result
        self.parts: dict[Value, tuple[Value, int]] = {}  # root value → the bucket that it lies in, and its place there
        launched = {i for i in order.order if self._launches(i)}
        for position in into:
            root = self.roots[program.results[position]]
            if root.type == program.results[position].type and root.instr in launched:
                self.placed.setdefault(root, position)
        self._find_parts(launched)
        last = self._last_uses(order.order)
        for instr in program.instrs:
            if isinstance(instr.op, Feed):
                value = Value(instr, 0)
                self._reserve(value, value.type.nbytes, -1, last.get(value, -1))
        for step, instr in enumerate(i for i in order.order if self._launches(i)):
            self._add(step, instr, last)

    def _launches(self, instr: Instr) -> bool:
        return not (instr.op.is_view and instr not in self.copies) and bool(instr.types)

    def _aliases(self, order: Sequence[Instr]) -> None:
        """The value whose buffer each value uses."""
        for instr in self.program.instrs:
            if is_source(instr) or isinstance(instr.op, Const):
                self.roots[Value(instr, 0)] = Value(instr, 0)
        for instr in order:
            for index in range(len(instr.types)):
                value = Value(instr, index)
                source = None if instr in self.copies else aliased(instr, index)
                self.roots[value] = value if source is None else self.roots[source]

    def _find_parts(self, launched: Collection[Instr]) -> None:
        """Put gradients into the buckets in which they are exchanged, if nothing else reads them; and the results."""
        readers: dict[Value, list[Instr]] = {}
        for instr in launched:
            for value in instr.inputs:
                readers.setdefault(self.roots[value], []).append(instr)
        results = {self.roots[v] for v in self.program.results}
        for instr in launched:
            values: list[Value] = []
            if isinstance(instr.op, AllReduceStart):
                bucket, values = Value(instr, 0), [*instr.inputs]
            elif isinstance(instr.op, AllReduceWait):
                bucket, values = instr.inputs[0], [Value(instr, i) for i in range(len(instr.types))]
            for value, place in zip(values, places([v.type for v in values]), strict=False):
                root = self.roots[value]
                is_free = root.instr is instr or (readers[root] == [instr] and root not in results)
                if is_free and root.instr in launched and root not in self.placed:
                    self.parts[root] = bucket, place * value.type.dtype.size

    def _last_uses(self, order: Sequence[Instr]) -> dict[Value, int]:
        last: dict[Value, int] = {}
        step = -1
        for instr in order:
            step += self._launches(instr)
            for value in instr.inputs:
                last[self.roots[value]] = max(step, last.get(self.roots[value], -1))
        for value in self.program.results:
            last[self.roots[value]] = step + 1
        return last

    def _reserve(self, root: Value, size: int, start: int, end: int) -> None:
        self.slots[root] = len(self.lifetimes)
        self.lifetimes.append(Lifetime(size, start, end))

    def root(self, value: Value) -> Value:
        """The value whose buffer `value` uses."""
        found = self.roots[value]
        while found in self.merged:
            found = self.merged[found]
        return found

    def _add(self, step: int, instr: Instr, last: dict[Value, int]) -> None:
        op = Identity() if instr.op.is_view else instr.op
        lowered = self.lower(op, tuple([v.type for v in instr.inputs]), instr.types)
        pure = len(instr.types) - len(op.writes)
        outputs: list[Value | None] = []
        for index in range(pure):
            value = Value(instr, index)
            unread = value not in self.used and len(instr.types) > 1
            outputs.append(None if unread else value)
            if not unread:
                may_take = index == 0 and value not in self.placed and value not in self.parts
                taken = self._taken_over(step, instr, lowered, last) if may_take else None
                self._place(value, taken, step, last)
        written = [instr.inputs[w] for w in op.writes]
        workspace = -1
        if lowered.workspace:
            workspace = len(self.lifetimes)
            self.lifetimes.append(Lifetime(lowered.workspace, step, step))
        self.steps.append(Step(instr, lowered, instr.inputs, (*outputs, *written), workspace))
        if instr in self.copies:
            for index, cell in enumerate(written, start=pure):
                self._place(Value(instr, index), None, step, last)
                copy = self.lower(Identity(), (cell.type,), (cell.type,))
                self.steps.append(Step(instr, copy, (cell,), (Value(instr, index),), -1))

    def _place(self, value: Value, taken: Value | None, step: int, last: dict[Value, int]) -> None:
        if value in self.placed:
            return
        end = max(step, last.get(value, step))
        whole = self.parts[value][0] if value in self.parts else value
        if whole in self.slots:  # a bucket that holds other tensors already
            slot = self.slots[whole]
            self.lifetimes[slot] = self.lifetimes[slot]._replace(end=max(end, self.lifetimes[slot].end))
            return
        if taken is None:
            self._reserve(whole, whole.type.nbytes, step, max(end, last.get(whole, step)))
            return
        self.merged[value] = taken
        last[taken] = end
        slot = self.slots[taken]
        self.lifetimes[slot] = self.lifetimes[slot]._replace(end=end)

    def _taken_over(self, step: int, instr: Instr, lowered: Lowered, last: dict[Value, int]) -> Value | None:
        """An input whose buffer ends here and which output 0 may use instead of one of its own."""
        for position in lowered.inplace:
            value = instr.inputs[position]
            root = self.root(value)
            others = [self.root(v) for i, v in enumerate(instr.inputs) if i != position]
            ends_here = root in self.slots and last.get(root) == step and root not in others
            if ends_here and value.type.nbytes == root.type.nbytes == instr.types[0].nbytes:
                return root
        return None

    def cells_touched(self) -> tuple[list[tuple[str, Instr]], list[str]]:
        """Variables that a run reads before it writes them, and those it writes."""
        needs: dict[str, Instr] = {}
        sets: dict[str, None] = {}
        for instr in self.order:
            for position in instr.op.reads:
                op = instr.inputs[position].instr.op
                if isinstance(op, Cell) and op.name not in sets:
                    needs.setdefault(op.name, instr)
            for position in instr.op.writes:
                op = instr.inputs[position].instr.op
                if isinstance(op, Cell) and not instr.op.draws:
                    sets[op.name] = None
        return list(needs.items()), list(sets)
