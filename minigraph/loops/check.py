"""Proof that a kernel stays in its buffers: the bounds of each index, or a guard, show it."""

from __future__ import annotations

from typing import Any

from minigraph.core.errors import InternalError
from minigraph.core.scalar import Scalar, walk
from minigraph.loops.index import Bounds, Guard, Inside, Var
from minigraph.loops.kernel import Access, Body, For, If, Kernel, Let, Local, Reduce, Store, TileCall, loads


def check(kernel: Kernel) -> Kernel:
    """The kernel, unchanged. Raises InternalError for an access that may lie outside its buffer, a name or a variable
    that is not defined where it is read, or a value of another dtype than its buffer's."""
    _Checker(kernel).body(kernel.body)
    return kernel


class _Checker:
    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.bounds: dict[Var, Bounds] = {}
        self.names: set[int] = set()
        self.buffers = set(map(id, kernel.buffers))
        self.facts: list[Guard] = []

    def fail(self, reason: str) -> InternalError:
        return InternalError(f"kernel {self.kernel.name}: {reason}")

    def body(self, body: Body) -> None:
        for statement in body:
            self.statement(statement)

    def statement(self, s: object) -> None:
        if isinstance(s, For):
            self.bounds[s.var] = (s.start, s.stop - 1)
            if s.stop > s.start:
                self.body(s.body)
            del self.bounds[s.var]
        elif isinstance(s, If):
            self.guard(s.guard)
            self.facts.append(s.guard)
            self.body(s.body)
            self.facts.pop()
            self.body(s.otherwise)
        elif isinstance(s, Let):
            self.values(s.value)
            self.names.add(id(s.name))
            if s.var is not None:
                self.bounds[s.var] = (0, s.below - 1)
        elif isinstance(s, Store):
            self.values(s.value)
            if s.value.dtype is not s.access.buffer.dtype:
                raise self.fail(f"{s.value.dtype.name} is stored in {s.access.buffer}: {s.access.buffer.dtype.name}")
            self.access(s.access)
        elif isinstance(s, Reduce):
            self.reduce(s)
        elif isinstance(s, Local):
            self.buffers.add(id(s.buffer))
        elif isinstance(s, TileCall):
            for access in s.accesses:
                self.access(access)

    def reduce(self, s: Reduce) -> None:
        self.values(*s.init)
        self.names.update(map(id, s.names))
        if s.size:
            self.bounds |= {var: (0, extent - 1) for var, extent in s.loops}
            self.guard(s.guard)
            self.facts.append(s.guard)
            self.body(s.before)
            self.values(*s.terms)
            self.body(s.after)
            self.facts.pop()
            for var, _ in s.loops:
                del self.bounds[var]
        kinds = [t.dtype for t in s.terms]
        if kinds != [n.dtype for n in s.names]:
            raise self.fail(f"a reduction's terms are {[k.name for k in kinds]}, not {[n.dtype.name for n in s.names]}")

    def values(self, *found: Scalar) -> None:
        for load in loads(*found):
            self.access(load.value)
        for value in found:
            for name in _names(value):
                if id(name) not in self.names:
                    raise self.fail(f"{name.name} is read before it is made")

    def guard(self, guard: Guard) -> None:
        for inside in guard:
            for var in inside.index.variables():
                self.of(var)

    def of(self, var: Var) -> Bounds:
        if var not in self.bounds:
            raise self.fail(f"the variable {var} is not defined here")
        return self.bounds[var]

    def narrowed(self, facts: list[Inside]) -> dict[Var, Bounds]:
        """The bounds of variables where conditions on them alone hold."""
        known: dict[Var, Bounds] = {}
        for inside in facts:
            if len(inside.index.terms) == 1:
                ((atom, c),) = inside.index.terms.items()
                if isinstance(atom, Var) and abs(c) == 1:
                    ends = [c * (end - inside.index.const) for end in (inside.low, inside.high - 1)[::c]]
                    low, high = known.get(atom, self.of(atom))
                    known[atom] = max(low, ends[0]), min(high, ends[1])
        return known

    def access(self, access: Access) -> None:
        if id(access.buffer) not in self.buffers and access.buffer.role != "table":
            raise self.fail(f"{access.buffer} is not a buffer of the kernel")
        self.guard(access.guard)
        facts = [inside for guard in (access.guard, *self.facts) for inside in guard]
        known = self.narrowed(facts)
        if any(low > high for low, high in known.values()):
            return  # it never happens, for its conditions cannot hold: the element before the first, of one element
        for index, length in zip(access.at, access.buffer.shape, strict=True):
            low, high = index.bounds(lambda var: known.get(var) or self.of(var))
            for inside in facts:
                if inside.index == index:
                    low, high = max(low, inside.low), min(high, inside.high - 1)
            if low < 0 or high >= length:
                raise self.fail(
                    f"{access.buffer}[{', '.join(map(repr, access.at))}]: {index} may be outside [0, {length})"
                )


def _names(value: Scalar) -> list[Any]:
    return [node.value for node in walk(value) if node.function == "name"]
