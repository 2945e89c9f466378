"""Plans: a program bound to a backend as a flat list of launches on buffers that never move."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np

from minigraph.backend.base import Array, Backend, Launch, Lowered
from minigraph.compile.memory import Layout, Lifetime, lower_bound, plan_memory
from minigraph.compile.schedule import Schedule, aliased, is_source, schedule
from minigraph.core.dtypes import uint8
from minigraph.core.errors import (
    BackendError,
    InternalError,
    InvalidArgumentError,
    MinigraphError,
    OpError,
    ResourceExhaustedError,
)
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ir.hoist import Hoist, Hoisted, split
from minigraph.ir.packed import pack
from minigraph.ir.program import Cell, Feed, Instr, Program, Value
from minigraph.ops.constant import Const
from minigraph.ops.identity import Identity
from minigraph.rewrite.pipeline import Stage

Types = tuple[TensorType, ...]


class Store(Protocol):
    """Where a session keeps what outlives a run. version: another number after any change of a variable."""

    version: int

    def cell(self, name: str, type: TensorType, initial: np.ndarray | None) -> Array:
        """The buffer of a variable or of a random op's state (then `initial` is its first value)."""

    def arena(self, nbytes: int) -> Any:
        """A buffer of at least that size, which holds nothing between runs."""


class Step(NamedTuple):
    """One launch to be: the instruction, how the backend runs it, and its values (None: an output nobody reads)."""

    instr: Instr
    lowered: Lowered
    inputs: tuple[Value, ...]
    outputs: tuple[Value | None, ...]
    workspace: int  # index among the lifetimes, or -1


class Plan:
    """A compiled program. `run` takes the fed arrays by slot and gives back the results.

    reuse: buffers whose lifetimes do not meet may share memory. stages: what the passes did. reorder: instructions may
    run in another order than that of making, where that needs less memory.

    Values behind a `Hoist` are made by a plan of their own, `fixed`, when a variable has changed, and kept.
    into: by position, buffers that outlive the runs and that results are made in, where that can be.
    """

    keeps = True

    def __init__(
        self,
        program: Program,
        backend: Backend,
        store: Store,
        reuse: bool = True,
        stages: Sequence[Stage] = (),
        reorder: bool = True,
        into: Mapping[int, Array] | None = None,
    ) -> None:
        self.stages = tuple(stages)
        self.backend = backend
        self.store = store
        self.fixed: Plan | None = None
        self._fixed_version = -1  # the store's, when `fixed` ran last
        self.kept: dict[int, Array] = {}
        if self.keeps and into is None:
            program = pack(program, backend.packs)
        if self.keeps and into is None and any(isinstance(i.op, Hoist) for i in program.instrs):
            first, program = split(program)
            self.kept = {i.op.slot: self._buffer(i.types[0]) for i in program.instrs if isinstance(i.op, Hoisted)}
            self.fixed = type(self)(first, backend, store, reuse, (), reorder, self.kept)
        self.program = program
        self.into = into or {}
        builder = _best_builder(program, backend, reorder, self.into)
        self.placed = builder.placed
        self.steps = builder.steps
        self.lifetimes = builder.lifetimes
        self.root = builder.root
        self.copies = builder.copies
        self.slots = builder.slots
        self.layout: Layout = plan_memory(self.lifetimes, reuse)
        self.needs, self.sets = builder.cells_touched()
        if self.fixed is not None:
            self.needs = [*self.fixed.needs, *self.needs]
        self.constants = {i: self._constant(i) for i in program.instrs if isinstance(i.op, Const)}
        self.initials = {i.inputs[-1].instr: i.op.initial_cell() for i in program.instrs if i.op.draws}
        self.ready = False  # whether all variables it reads are known to be initialised
        self.last_run = 0  # by the session's count
        self.unbind()

    def unbind(self) -> None:
        """Let go of the arena; the next run binds anew."""
        self._arena: Any = None
        self._launches: list[Launch] = []
        self._feeds: list[tuple[int, Array]] = []
        self._results: list[Array] = []
        if self.fixed is not None:
            self.fixed.unbind()

    @property
    def peak(self) -> int:
        """Bytes of the arena: all that a run needs beside variables and constants."""
        return self.layout.peak

    def _constant(self, instr: Instr) -> Array:
        array = self._buffer(instr.types[0])
        self.backend.write(array, instr.op.value)  # type: ignore[attr-defined]
        return array

    def _buffer(self, kind: TensorType) -> Array:
        return self.backend.view(self.backend.allocate(kind.nbytes), 0, kind)

    def refresh(self) -> None:
        """Make anew what is kept between runs, where a variable has changed."""
        if self.fixed is not None and self._fixed_version != self.store.version:
            self.fixed.make()
            self._fixed_version = self.store.version

    def make(self) -> None:
        """Run all launches, so that the buffers of `into` hold the results."""
        arena = self.store.arena(self.layout.peak)
        if arena is not self._arena:
            self._bind(arena)
        self._launch_all()
        for position, array in self.into.items():
            if self._results[position] is not array:
                self.backend.write(array, self.backend.read(self._results[position]))

    def run(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Copy the feeds in, run all launches in order, copy the results out."""
        if self.fixed is not None:
            self.refresh()
        arena = self.store.arena(self.layout.peak)
        if arena is not self._arena:
            self._bind(arena)
        write, read = self.backend.write, self.backend.read
        slot = 0
        try:
            for slot, target in self._feeds:
                write(target, arrays[slot])
        except (TypeError, ValueError) as error:
            name = next(i.name for i in self.program.instrs if isinstance(i.op, Feed) and i.op.slot == slot)
            raise type(error)(f"Cannot feed a value of dtype {arrays[slot].dtype} for '{name}': {error}") from None
        self._launch_all()
        return [read(r) for r in self._results]

    def run_steps(self, steps: int) -> list[np.ndarray]:
        """`run([])` so many times, at least once; the last results."""
        for _ in range(steps - 1):
            self.run([])
        return self.run([])

    def _launch_all(self) -> None:
        launch: Launch | None = None
        try:
            for launch in self._launches:
                launch()
        except Exception as error:
            raise self._explain(launch, error) from error

    # for profilers and checkers

    def watch(self, arrays: Sequence[np.ndarray], around: Callable[[int, Launch], None]) -> list[np.ndarray]:
        """`run` with `around(i, launch)` in place of the launch of step i, which it has to call."""
        arena = self.store.arena(self.layout.peak)
        if arena is not self._arena:
            self._bind(arena)
        plain = self._launches
        self._launches = [partial(around, i, launch) for i, launch in enumerate(plain)]
        try:
            return Plan.run(self, arrays)  # not self.run: a subclass may have come here from it
        finally:
            self._launches = plain

    def views(self, values: Sequence[Value | None]) -> list[Array]:
        """The arrays that `values` are in while the plan is bound."""
        return [None if v is None else self._view(v, self._arena) for v in values]

    def overwritten(self, step: Step) -> list[int]:
        """The positions of the inputs whose buffers hold outputs after the step."""
        taken = {self.root(v) for v in step.outputs if v is not None}
        return [i for i, v in enumerate(step.inputs) if self.root(v) in taken]

    def save(self) -> list[tuple[Array, np.ndarray]]:
        """The buffers of the variables and random states that a run changes, each with a copy of what it holds."""
        return [(array, self.backend.read(array)) for array in self.changed()]

    def changed(self) -> list[Array]:
        """The buffers of the variables and random states that a run changes."""
        changed = dict.fromkeys(i.inputs[w].instr for i in self.program.instrs for w in i.op.writes)
        found = []
        for cell in changed:
            op = cell.op
            assert isinstance(op, Cell)
            found.append(self.store.cell(op.name, op.type, self.initials.get(cell)))
        return found

    def restore(self, saved: Sequence[tuple[Array, np.ndarray]]) -> None:
        """Undo the effects of runs since `save`."""
        for array, value in saved:
            self.backend.write(array, value)

    def _explain(self, launch: Launch | None, error: Exception) -> MinigraphError:
        step = next(s for s, bound in zip(self.steps, self._launches, strict=True) if bound is launch)
        kinds = {
            MemoryError: ResourceExhaustedError,
            IndexError: InvalidArgumentError,
            ValueError: InvalidArgumentError,
        }
        source = step.instr.source
        where = f", made at {source.describe()}" if source else ""
        text = f"{error} (in {type(step.instr.op).__name__} node '{step.instr.name}'{where})"
        if isinstance(error, BackendError):  # what has to be installed is no mistake of ours
            return BackendError(text)
        fallback = type(error) if isinstance(error, OpError) else InternalError
        kind = next((k for cause, k in kinds.items() if isinstance(error, cause)), fallback)
        return kind(text, step.instr.name)

    def _bind(self, arena: Any) -> None:
        """Make all views of the arena, and let the backend bind its launches to them."""
        cache: dict[Value, Array] = {}

        def view(value: Value | None) -> Array:
            if value is None:
                return None
            if value not in cache:
                cache[value] = self._view(value, arena)
            return cache[value]

        launches = []
        for step in self.steps:
            start = self.layout.offsets[step.workspace] if step.workspace >= 0 else 0
            space = self.backend.view(arena, start, bytes_type(step.lowered.workspace))
            launches.append(step.lowered.bind([view(v) for v in step.inputs], [view(v) for v in step.outputs], space))
        self._launches = launches
        feeds = {i.op.slot: Value(i, 0) for i in self.program.instrs if isinstance(i.op, Feed)}
        self._feeds = [(slot, view(value)) for slot, value in feeds.items()]
        self._results = [view(v) for v in self.program.results]
        self._arena = arena

    def _view(self, value: Value, arena: Any) -> Array:
        root = self.root(value)
        if root in self.placed:
            whole = self.into[self.placed[root]]
            return whole if value.type == root.type else whole.reshape(value.type.static)
        if root in self.slots:
            return self.backend.view(arena, self.layout.offsets[self.slots[root]], value.type)
        op = root.instr.op
        if isinstance(op, Const):
            whole = self.constants[root.instr]
        elif isinstance(op, Hoisted):
            whole = self.kept[op.slot]
        elif isinstance(op, Cell):
            whole = self.store.cell(op.name, op.type, self.initials.get(root.instr))
        else:
            raise InternalError(f"{root.instr!r} has no buffer")
        return whole if value.type == root.type else whole.reshape(value.type.static)


def bytes_type(count: int) -> TensorType:
    """Of a workspace of so many bytes."""
    return TensorType(uint8, (count,))


def _best_builder(program: Program, backend: Backend, reorder: bool, into: Collection[int]) -> _Builder:
    """Of the order of making and one made to save memory the one that can do with less; the former if it is even."""
    known: dict[Any, Lowered] = {}

    def lower(op: Op, in_types: Types, out_types: Types) -> Lowered:
        key = op, in_types, out_types
        if key not in known:
            known[key] = backend.lower(op, in_types, out_types)
        return known[key]

    plain = schedule(program)
    aware = schedule(program, memory_aware=True) if reorder else plain
    builder = _Builder(program, plain, lower, into)
    if aware.order == plain.order or len(aware.copies) > len(plain.copies):
        return builder
    other = _Builder(program, aware, lower, into)
    return other if lower_bound(other.lifetimes) < lower_bound(builder.lifetimes) else builder


class _Builder:
    """Decides which values share a buffer and how long each buffer lives. into: the positions of results that have a
    buffer of their own."""

    def __init__(
        self,
        program: Program,
        order: Schedule,
        lower: Callable[[Op, Types, Types], Lowered],
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
        launched = {i for i in order.order if self._launches(i)}
        for position in into:
            root = self.roots[program.results[position]]
            if root.type == program.results[position].type and root.instr in launched:
                self.placed.setdefault(root, position)
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
                may_take = index == 0 and value not in self.placed
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
        if taken is None:
            self._reserve(value, value.type.nbytes, step, end)
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
