"""Plans: a program bound to a backend as a flat list of launches on buffers that never move."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np

from minigraph.backend.base import Array, Backend, Launch
from minigraph.compile.assignment import Step, best_assignment
from minigraph.compile.collectives import with_agreement
from minigraph.compile.memory import Layout, plan_memory
from minigraph.compile.misfit import explained
from minigraph.core.dtypes import uint8
from minigraph.core.errors import InternalError, MinigraphError
from minigraph.core.graph_views import shown_in_notebook
from minigraph.core.types import TensorType
from minigraph.ir.hoist import Hoist, Hoisted, split
from minigraph.ir.packed import pack
from minigraph.ir.program import Cell, Feed, Instr, Program, Value
from minigraph.ops.constant import Const
from minigraph.rewrite.pipeline import Stage
from minigraph.util.blas import SINGLE_THREADED


class SessionStore(Protocol):
    """The buffers of a session. version: a number that grows with any change of a variable."""

    version: int

    def cell(self, name: str, type: TensorType, initial: np.ndarray | None) -> Array:
        """The buffer of a variable or of a random op's state (then `initial` is its first value)."""

    def arena(self, nbytes: int) -> Any:
        """A buffer of at least `nbytes`, which holds nothing between runs."""


class Plan:
    """A compiled program. `run` takes the fed arrays by slot and returns the results.

    reuse: whether buffers with disjoint lifetimes may share memory. stages: the records of the passes. reorder: whether
    instructions may run in another order if that needs less memory. into: buffers outside the arena for some results,
    by position.

    Values behind a `Hoist` are kept between runs; the plan `fixed` computes them after a variable has changed.
    """

    keeps = True

    def __init__(
        self,
        program: Program,
        backend: Backend,
        store: SessionStore,
        reuse: bool = True,
        stages: Sequence[Stage] = (),
        reorder: bool = True,
        into: Mapping[int, Array] | None = None,
    ) -> None:
        self.stages = tuple(stages)
        self.original = program  # before all passes, where a compiler says so
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
        assignment = best_assignment(program, backend, reorder, self.into)
        self.placed = assignment.placed
        self.steps = assignment.steps
        self._uses_blas = any(step.lowered.uses_blas for step in self.steps)
        self.lifetimes = assignment.lifetimes
        self.root = assignment.root
        self.copies = assignment.copies
        self.slots = assignment.slots
        self.parts = assignment.parts
        self.layout: Layout = plan_memory(self.lifetimes, reuse)
        self.needs, self.sets = assignment.cells_touched()
        if self.fixed is not None:
            self.needs = [*self.fixed.needs, *self.needs]
        self.constants = {i: self._constant(i) for i in program.instrs if isinstance(i.op, Const)}
        self.initials = {i.inputs[-1].instr: i.op.initial_cell() for i in program.instrs if i.op.draws}
        self.ready = False  # whether all variables it reads are known to be initialised
        self.last_run = 0  # by the session's count
        self.unbind()

    def unbind(self) -> None:
        """Release the arena; the next run binds again."""
        self._arena: Any = None
        self._launches: list[Launch] = []
        self._feeds: list[tuple[int, Array]] = []
        self._results: list[Array] = []
        if self.fixed is not None:
            self.fixed.unbind()

    def __repr__(self) -> str:
        return f"<Plan of {len(self.steps)} launches on {self.backend.label}, {self.peak:,} bytes>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """The form that a notebook shows."""
        return shown_in_notebook(self, repr(self))

    @property
    def peak(self) -> int:
        """Bytes of the arena: the memory of a run beside variables and constants."""
        return self.layout.peak

    def _constant(self, instr: Instr) -> Array:
        array = self._buffer(instr.types[0])
        self.backend.write(array, instr.op.value)  # type: ignore[attr-defined]
        return array

    def _buffer(self, kind: TensorType) -> Array:
        return self.backend.view(self.backend.allocate(kind.nbytes), 0, kind)

    def refresh(self) -> None:
        """Recompute the values kept between runs if a variable has changed."""
        if self.fixed is not None and self._fixed_version != self.store.version:
            self.fixed.make()
            self._fixed_version = self.store.version

    def make(self) -> None:
        """Run all launches, so that the buffers of `into` hold the results."""
        self._bind_to_arena()
        self._launch_all()
        for position, array in self.into.items():
            if self._results[position] is not array:
                self.backend.write(array, self.backend.read(self._results[position]))

    def run(self, arrays: Sequence[np.ndarray], as_device: bool = False) -> list[np.ndarray]:
        """Copy the feeds in, run all launches in order, copy the results out, to the host or where they are."""
        if self.fixed is not None:
            self.refresh()
        self._bind_to_arena()
        write = self.backend.write
        slot = 0
        try:
            for slot, target in self._feeds:
                write(target, arrays[slot])
        except (TypeError, ValueError) as error:
            name = next(i.name for i in self.program.instrs if isinstance(i.op, Feed) and i.op.slot == slot)
            raise type(error)(f"Cannot feed a value of dtype {arrays[slot].dtype} for '{name}': {error}") from None
        self._launch_all()
        return self.backend.export_all(self._results) if as_device else self.backend.read_all(self._results)

    def run_steps(self, steps: int) -> list[np.ndarray]:
        """Run without feeds `steps` times, at least once; the last results."""
        for _ in range(steps - 1):
            self.run([])
        return self.run([])

    def _launch_all(self) -> None:
        if self._uses_blas:
            with SINGLE_THREADED:
                self._launch_each()
        else:
            self._launch_each()

    def _launch_each(self) -> None:
        self._launch_these(self._launches)

    def _launch_these(self, launches: Sequence[Launch]) -> None:
        launch: Launch | None = None
        try:
            for launch in launches:
                launch()
        except Exception as error:
            raise self._explain(launch, error) from error

    def _explain(self, launch: Launch | None, error: Exception) -> MinigraphError:
        step = next(s for s, bound in zip(self.steps, self._launches, strict=True) if bound is launch)
        return _explained(step.instr, error)

    # for profilers and checkers

    def watch(
        self, arrays: Sequence[np.ndarray], around: Callable[[int, Launch], None], as_device: bool = False
    ) -> list[np.ndarray]:
        """`run` with `around(i, launch)` in place of the launch of step i, which it has to call."""
        self._bind_to_arena()
        plain = self._launches
        self._launches = [partial(around, i, launch) for i, launch in enumerate(plain)]
        try:
            return Plan.run(self, arrays, as_device)  # not self.run: a subclass may have come here from it
        finally:
            self._launches = plain

    def views(self, values: Sequence[Value | None]) -> list[Array]:
        """The arrays that `values` are in while the plan is bound."""
        return [None if v is None else self._view(v, self._arena) for v in values]

    def overwritten(self, step: Step) -> list[int]:
        """The positions of the inputs whose buffers hold outputs after the step."""
        taken = {self._buffer_of(v) for v in step.outputs if v is not None}
        return [i for i, v in enumerate(step.inputs) if self._buffer_of(v) in taken]

    def _buffer_of(self, value: Value) -> Value:
        root = self.root(value)
        return self.parts[root][0] if root in self.parts else root

    def save(self) -> list[tuple[Array, np.ndarray]]:
        """The buffers of the variables and random states that a run changes, each with a copy of its content."""
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

    def bind(self) -> None:
        """Do what the first run does before its first launch: compile all code."""
        if self.fixed is not None:
            self.fixed.bind()
        self._bind_to_arena()

    def prepare(self) -> None:
        """Compile the code of all steps together, where the backend can."""
        for step in self.steps:
            if step.lowered.prepare is not None:
                step.lowered.prepare([v is not None for v in step.outputs])

    def _bind_to_arena(self) -> None:
        arena = self.store.arena(self.layout.peak)
        if arena is not self._arena:
            self._bind(arena)

    def _bind(self, arena: Any) -> None:
        """Make all views of the arena, and let the backend bind its launches to them."""
        cache: dict[Value, Array] = {}

        def view(value: Value | None) -> Array:
            if value is None:
                return None
            if value not in cache:
                cache[value] = self._view(value, arena)
            return cache[value]

        self.prepare()
        launches = []
        for step in self.steps:
            start = self.layout.offsets[step.workspace] if step.workspace >= 0 else 0
            space = self.backend.view(arena, start, bytes_type(step.lowered.workspace))
            inputs, outputs = ([view(v) for v in values] for values in (step.inputs, step.outputs))
            try:
                launches.append(step.lowered.bind(inputs, outputs, space))
            except Exception as error:
                raise _explained(step.instr, error) from error
        self._launches = self._bound(launches)
        feeds = {i.op.slot: Value(i, 0) for i in self.program.instrs if isinstance(i.op, Feed)}
        self._feeds = [(slot, view(value)) for slot, value in feeds.items()]
        self._results = [view(v) for v in self.program.results]
        self._arena = arena

    def _bound(self, launches: list[Launch]) -> list[Launch]:
        """The launches, with what all ranks do around their collectives."""
        return with_agreement(self.steps, launches)

    def _view(self, value: Value, arena: Any) -> Array:
        root = self.root(value)
        if root in self.placed:
            whole = self.into[self.placed[root]]
            return whole if value.type == root.type else whole.reshape(value.type.static)
        if root in self.slots:
            return self.backend.view(arena, self.layout.offsets[self.slots[root]], value.type)
        if root in self.parts:
            whole, offset = self.parts[root]
            return self.backend.view(arena, self.layout.offsets[self.slots[whole]] + offset, value.type)
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


def _explained(instr: Instr, error: Exception) -> MinigraphError:
    return explained(error, instr.where, instr.name, instr.op, [v.type for v in instr.inputs])


def bytes_type(count: int) -> TensorType:
    """The type of a workspace of `count` bytes."""
    return TensorType(uint8, (count,))
