"""The order of a program's instructions, and which variable reads must be copies.

A read of a variable is normally the variable's buffer itself. A write may therefore run only after everything that
uses an earlier value; where that cannot be, the read becomes a copy. Within a run all reads see the values before the
run's writes, unless control or data dependencies put a read behind a write. This holds for every order made here.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

from minigraph.ir.buckets import AllReduceStart, AllReduceWait
from minigraph.ir.buffers import aliased, is_source, roots_of
from minigraph.ir.program import Cell, Instr, Program, Value
from minigraph.ops.constant import Const


class Schedule(NamedTuple):
    """The instructions in execution order, without sources, and those whose aliasing output must be a copy."""

    order: tuple[Instr, ...]
    copies: frozenset[Instr]


def schedule(program: Program, memory_aware: bool = False) -> Schedule:
    """Order the instructions as they were made, but hold each write back until nothing reads the value it destroys.

    memory_aware: among the instructions that are ready, run those first that free more memory than they allocate, such
    as an optimizer's step as soon as its gradient exists. This often lowers the peak, but not always.
    """
    return _Scheduler(program, _LiveBytes(program) if memory_aware else None).run()


class _LiveBytes:
    """Bytes of arena buffers that an instruction would free and allocate if it ran next."""

    def __init__(self, program: Program) -> None:
        self.roots = roots_of(program)
        self.readers: dict[Value, set[Instr]] = {}  # those of each buffer that have not run
        for instr in program.instrs:
            for value in instr.inputs:
                self.readers.setdefault(self.roots[value], set()).add(instr)
        self.kept = {self.roots[v] for v in program.results}

    def frees_memory(self, instr: Instr) -> bool:
        """Whether running the instruction frees more bytes than it allocates."""
        gain = 0
        for root in {self.roots[v]: None for v in instr.inputs}:
            if len(self.readers[root]) == 1 and root not in self.kept and not isinstance(root.instr.op, Cell | Const):
                gain += root.type.nbytes
        return gain > sum(t.nbytes for i, t in enumerate(instr.types) if aliased(instr, i) is None)

    def mark_run(self, instr: Instr) -> list[Instr]:
        """Record that the instruction has run; return the instructions left as the only reader of one of its inputs."""
        out: list[Instr] = []
        for root in {self.roots[v]: None for v in instr.inputs}:
            left = self.readers[root]
            left.discard(instr)
            if len(left) == 1:
                out += left
        return out


class _Alias:
    """The uses of one variable's value, from one read or one write of it."""

    def __init__(self, owner: Instr, cell: Instr) -> None:
        self.owner = owner
        self.cell = cell
        self.pending: set[Instr] = set()
        self.forever = False  # a result of the run: read after the last instruction


class _Scheduler:
    def __init__(self, program: Program, live: _LiveBytes | None) -> None:
        self.live = live
        self.ready: list[tuple[int, int, Instr]] = []  # a heap, by `_rank`
        self.instrs = [i for i in program.instrs if not is_source(i)]
        self.cell_of: dict[Instr, list[Instr]] = {}
        self.aliases: dict[Instr, list[_Alias]] = {}  # by cell
        self.followers: dict[Instr, list[Instr]] = {}
        self.waiting: dict[Instr, int] = {}
        self.bit: dict[Instr, int] = {}  # one bit a write
        self.past_writes: dict[Instr, int] = {}  # the bits of all writes before an instruction, its own included
        self.copies: set[Instr] = set()
        self.done: set[Instr] = set()
        self.held: set[Instr] = set()  # writes that could run if they destroyed no value still needed
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
        for instr in self.instrs:
            if self.waiting[instr] == 0:
                self._push(instr)
        while self.ready or self.held:
            if not self.ready:
                self._release(min(self.held, key=lambda i: i.serial))
                continue
            _, _, instr = heapq.heappop(self.ready)
            if instr in self.done or instr in self.held:
                continue
            blocking = self._blocking(instr)
            if blocking:
                self._hold(instr, blocking)
            else:
                self._emit(instr)
        return Schedule(tuple(self.order), frozenset(self.copies))

    def _push(self, instr: Instr) -> None:
        """Mark the instruction ready. (It may already be in the heap with an outdated priority.)"""
        heapq.heappush(self.ready, (self._rank(instr), instr.serial, instr))

    def _rank(self, instr: Instr) -> int:
        """Exchanges begin first and are waited for last; in between, instructions that free memory come first."""
        if isinstance(instr.op, AllReduceStart):
            return 0
        if isinstance(instr.op, AllReduceWait):
            return 3
        return 1 if self.live is None or self.live.frees_memory(instr) else 2

    def _emit(self, instr: Instr) -> None:
        """Run the instruction next, and update the instructions and writes that this affects."""
        self.order.append(instr)
        self.done.add(instr)
        for write in self.watchers.pop(instr, ()):
            if write in self.held:
                self.held.remove(write)
                self._push(write)
        if self.live is not None:
            for reader in self.live.mark_run(instr):
                if self.waiting[reader] == 0 and reader not in self.done and self.live.frees_memory(reader):
                    self._push(reader)
        for follower in self.followers.get(instr, ()):
            self.waiting[follower] -= 1
            if self.waiting[follower] == 0 and follower not in self.done:
                self._push(follower)

    def _hold(self, write: Instr, blocking: list[_Alias]) -> None:
        """Hold the write until one of the uses it waits for has run; then it is tried again."""
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
        # It reads each element before it writes it; with slots or in another order that may be too late.
        itself = len(write.op.writes) == 1 and not write.op.scatters
        out = []
        for cell in self.cell_of[write]:
            for alias in self.aliases.get(cell, ()):
                owner = alias.owner
                if owner is write or owner in self.copies or self.past_writes[owner] & mine:
                    continue  # copied, or ordered after this write and so meant to see it
                if alias.forever or any(not ((u is write and itself) or u in self.done) for u in alias.pending):
                    out.append(alias)
        return out

    def _release(self, write: Instr) -> None:
        """Nothing else can run: copy the value that this write would destroy, and read now the values meant for
        later."""
        self.held.remove(write)
        self._push(write)
        for alias in self._blocking(write):
            self.copies.add(alias.owner)
            if alias.owner not in self.done:
                self._emit(alias.owner)
