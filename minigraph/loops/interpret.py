"""The interpreter: every loop in order, one element at a time. The oracle of schedules and printers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.core.scalar import Scalar, apply, operand, walk
from minigraph.loops.index import Guard, Var
from minigraph.loops.kernel import (
    LEAVES,
    Access,
    Body,
    Buffer,
    For,
    If,
    Kernel,
    Let,
    Local,
    Name,
    Reduce,
    Store,
    TileCall,
)


def interpret(kernel: Kernel, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The results of a kernel on arrays, then its variables. Elements that it does not write are NaN, or the dtype's
    least number.

    Raises IndexError for an access outside its buffer.
    """
    memory: dict[str, np.ndarray] = {}
    run_on(memory, kernel, operands)
    return [memory[b.name].reshape(b.shape) for role in ("out", "var") for b in kernel.buffers if b.role == role]


def run_on(memory: dict[str, np.ndarray], kernel: Kernel, operands: Sequence[np.ndarray]) -> None:
    """Run a kernel on the buffers in memory, by name; those that are missing are made."""
    for b in kernel.buffers:
        if b.name not in memory:
            memory[b.name] = np.array(operands[b.position]).reshape(-1) if b.role in ("in", "var") else _blank(b)
    machine = Machine({b: memory[b.name] for b in kernel.buffers})
    with np.errstate(all="ignore"):
        machine.run(kernel.body)


def _blank(buffer: Buffer) -> np.ndarray:
    kind = buffer.dtype.np_dtype
    return np.full(buffer.size, np.nan if kind.kind == "f" else False if kind.kind == "b" else np.iinfo(kind).min, kind)


class Machine:
    """Memory, and the values of variables and names at this point."""

    def __init__(self, memory: dict[Buffer, np.ndarray]) -> None:
        self.memory = memory
        self.vars: dict[Var, int] = {}
        self.names: dict[Name, Any] = {}
        self._orders: dict[int, list[Scalar]] = {}
        self._monoids: dict[int, Sequence[Scalar]] = {}

    def run(self, body: Body) -> None:
        for s in body:
            if isinstance(s, For):
                for i in range(s.start, s.stop):
                    self.vars[s.var] = i
                    self.run(s.body)
            elif isinstance(s, If):
                self.run(s.body if self.holds(s.guard) else s.otherwise)
            elif isinstance(s, Let):
                value = self.names[s.name] = self.value(s.value)
                if s.var is not None:
                    self.vars[s.var] = int(value)
                    if not 0 <= int(value) < s.below:
                        raise IndexError(f"{s.name.name} = {value} is outside [0, {s.below})")
            elif isinstance(s, Store):
                value = self.value(s.value)
                self.memory[s.access.buffer][self.place(s.access)] = value
            elif isinstance(s, Reduce):
                self.reduce(s)
            elif isinstance(s, Local):
                self.memory[s.buffer] = _blank(s.buffer)
            elif isinstance(s, TileCall):
                s.tile.interpret(self, s)

    def reduce(self, s: Reduce) -> None:
        self.names |= dict(zip(s.names, map(self.value, s.init), strict=True))
        combined = self._combined(s)
        for at in itertools.product(*(range(extent) for _, extent in s.loops)):
            self.vars |= {var: i for (var, _), i in zip(s.loops, at, strict=True)}
            if not self.holds(s.guard):
                continue
            self.run(s.before)
            given = [*(self.names[n] for n in s.names), *map(self.value, s.terms)]
            made = [np.asarray(self.value(c, given)) for c in combined]
            self.names |= {n: m.astype(n.dtype.np_dtype)[()] for n, m in zip(s.names, made, strict=True)}
            self.run(s.after)

    def _combined(self, s: Reduce) -> Sequence[Scalar]:
        """The values carried on, from those so far and the terms."""
        if id(s) not in self._monoids:
            left, right = ([operand(i + first, n.dtype) for i, n in enumerate(s.names)] for first in (0, len(s.names)))
            self._monoids[id(s)] = s.monoid.combine(left, right)
        return self._monoids[id(s)]

    def holds(self, guard: Guard) -> bool:
        return all(g.low <= g.index.value(self.vars.__getitem__) < g.high for g in guard)

    def place(self, access: Access) -> int:
        """The number of the element; each index is checked by itself."""
        total = 0
        for index, length in zip(access.at, access.buffer.shape, strict=True):
            at = index.value(self.vars.__getitem__)
            if not 0 <= at < length:
                raise IndexError(f"{access.buffer}[{', '.join(map(repr, access.at))}]: {index} = {at} of {length}")
            total = total * length + at
        return total

    def value(self, value: Scalar, operands: Sequence[Any] = ()) -> Any:
        """The value at this point, of functions that generated code has."""
        known: dict[int, Any] = {}
        for node in self._order(value):
            if node.spelled is not None:
                known[id(node)] = known[id(node.spelled)]
            elif node.function in LEAVES:
                known[id(node)] = self._leaf(node)
            else:
                known[id(node)] = apply(node, [known[id(a)] for a in node.args], operands, np)
        return known[id(value)]

    def _order(self, value: Scalar) -> list[Scalar]:
        """The nodes of a value, each after its arguments. A loop computes the same value again and again."""
        if id(value) not in self._orders:
            self._orders[id(value)] = walk(value, spelled=True)
        return self._orders[id(value)]

    def _leaf(self, node: Scalar) -> Any:
        if node.function == "name":
            return self.names[node.value]
        if node.function == "index":
            return node.dtype.np_dtype.type(node.value.value(self.vars.__getitem__))
        access: Access = node.value
        if not self.holds(access.guard):
            return self.value(node.args[0])
        if access.buffer.role == "table":
            return access.buffer.content.reshape(-1)[self.place(access)]
        return self.memory[access.buffer][self.place(access)]
