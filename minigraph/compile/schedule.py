"""The order of a program's instructions, and which variable reads must be copies.

A read of a variable is normally the variable's buffer itself. A write may therefore run only after everything that
uses an earlier value; where that cannot be, the read becomes a copy. Within a run all reads see the values before the
run's writes, unless control or data dependencies put a read behind a write.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

from minigraph.core.ir import Cell, Feed, Instr, Program, Value
from minigraph.ops.constant import Const


class Schedule(NamedTuple):
    """Instructions in order of execution (sources left out), and those whose aliasing output must be a copy."""

    order: tuple[Instr, ...]
    copies: frozenset[Instr]


def is_source(instr: Instr) -> bool:
    """Whether the instruction is a value that is there before the run starts."""
    return isinstance(instr.op, Cell | Feed | Const) and not instr.control


def schedule(program: Program) -> Schedule:
    """Instructions by order of making, with each write held back until the values it destroys are used up."""
    return _Scheduler(program).run()


class _Alias:
    """The uses of one variable's value, from one read or one write of it."""

    def __init__(self, owner: Instr, cell: Instr) -> None:
        self.owner = owner
        self.cell = cell
        self.pending: set[Instr] = set()
        self.forever = False  # a result of the run: read after the last instruction


class _Scheduler:
    def __init__(self, program: Program) -> None:
        self.instrs = [i for i in program.instrs if not is_source(i)]
        self.cell_of: dict[Instr, list[Instr]] = {}
        self.aliases: dict[Instr, list[_Alias]] = {}  # by cell
        self.followers: dict[Instr, list[Instr]] = {}
        self.waiting: dict[Instr, int] = {}
        self.bit: dict[Instr, int] = {}  # one bit a write
        self.past_writes: dict[Instr, int] = {}  # the bits of all writes before an instruction, its own included
        self.copies: set[Instr] = set()
        self.done: set[Instr] = set()
        self.held: set[Instr] = set()  # writes that could run but for what they would destroy
        self.watchers: dict[Instr, list[Instr]] = {}  # held writes by the use they wait for
        self.order: list[Instr] = []
        self._find_dependencies()
        self._find_aliases(program)

    def _find_dependencies(self) -> None:
        last_write: dict[Instr, Instr] = {}
        bit = 1
        for instr in self.instrs:
            before = {p for p in instr.predecessors if not is_source(p)}
            cells = [instr.inputs[i].instr for i in instr.op.writes]
            self.cell_of[instr] = cells
            for cell in cells:
                if cell in last_write:
                    before.add(last_write[cell])
                last_write[cell] = instr
            past = 0
            for p in before:
                past |= self.past_writes[p]
                self.followers.setdefault(p, []).append(instr)
            if cells:
                self.bit[instr] = bit
                past |= bit
                bit <<= 1
            self.past_writes[instr] = past
            self.waiting[instr] = len(before)

    def _find_aliases(self, program: Program) -> None:
        alias_of: dict[Value, _Alias] = {}
        for instr in self.instrs:
            for value in instr.inputs:
                if value in alias_of:
                    alias_of[value].pending.add(instr)
            if instr.op.is_view and instr.inputs:
                source = instr.inputs[0]
                if isinstance(source.instr.op, Cell):
                    alias_of[Value(instr, 0)] = self._alias(instr, source.instr)
                elif source in alias_of:
                    alias_of[Value(instr, 0)] = alias_of[source]
            first = len(instr.types) - len(instr.op.writes)
            for offset, cell in enumerate(self.cell_of[instr]):
                alias_of[Value(instr, first + offset)] = self._alias(instr, cell)
        for result in program.results:
            if result in alias_of:
                alias_of[result].forever = True

    def _alias(self, owner: Instr, cell: Instr) -> _Alias:
        alias = _Alias(owner, cell)
        self.aliases.setdefault(cell, []).append(alias)
        return alias

    def run(self) -> Schedule:
        ready = [(i.serial, i) for i in self.instrs if self.waiting[i] == 0]
        heapq.heapify(ready)
        while ready or self.held:
            if not ready:
                newly = self._release(min(self.held, key=lambda i: i.serial))
            else:
                _, instr = heapq.heappop(ready)
                if instr in self.done:
                    continue
                blocking = self._blocking(instr)
                if blocking:
                    self._hold(instr, blocking)
                    continue
                newly = self._emit(instr)
            for instr in newly:
                heapq.heappush(ready, (instr.serial, instr))
        return Schedule(tuple(self.order), frozenset(self.copies))

    def _emit(self, instr: Instr) -> list[Instr]:
        """Run it next; what can run now, or should be tried again."""
        self.order.append(instr)
        self.done.add(instr)
        newly = [write for write in self.watchers.pop(instr, ()) if write in self.held]
        self.held.difference_update(newly)
        for follower in self.followers.get(instr, ()):
            self.waiting[follower] -= 1
            if self.waiting[follower] == 0 and follower not in self.done:
                newly.append(follower)
        return newly

    def _hold(self, write: Instr, blocking: list[_Alias]) -> None:
        """Put it aside until one of the uses it waits for has run (any one: then it is tried again)."""
        self.held.add(write)
        for alias in blocking:
            for use in alias.pending:
                if use is not write and use not in self.done:
                    self.watchers.setdefault(use, []).append(write)
                    return

    def _blocking(self, write: Instr) -> list[_Alias]:
        """The values that this write would destroy too early."""
        if not self.cell_of[write]:
            return []
        mine = self.bit[write]
        itself = len(write.op.writes) == 1  # it reads each element before it writes it; with slots it may be too late
        out = []
        for cell in self.cell_of[write]:
            for alias in self.aliases.get(cell, ()):
                owner = alias.owner
                if owner is write or owner in self.copies or self.past_writes[owner] & mine:
                    continue  # copied, or behind this write and so meant to see it
                if alias.forever or any(not ((u is write and itself) or u in self.done) for u in alias.pending):
                    out.append(alias)
        return out

    def _release(self, write: Instr) -> list[Instr]:
        """Nothing else can run: copy what this write would destroy, and read now what was to be read later."""
        newly = [write]
        self.held.remove(write)
        for alias in self._blocking(write):
            self.copies.add(alias.owner)
            if alias.owner not in self.done:
                newly += self._emit(alias.owner)
        return newly
