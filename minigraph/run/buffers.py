"""Buffers of a session: one for each variable and random state, and the arena that all plans share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from weakref import WeakSet

import numpy as np

from minigraph.backend.base import Backend
from minigraph.compile.plan import Plan
from minigraph.compile.specialise import RANDOM_STATE
from minigraph.core.errors import FailedPreconditionError, GraphError, NotFoundError, ResourceExhaustedError
from minigraph.core.exchange import is_foreign
from minigraph.core.graph import Graph
from minigraph.core.types import TensorType
from minigraph.ir.program import Instr
from minigraph.ops.state.variable import VariableV2


class _Cell:
    """A variable's buffer in the session's backend."""

    __slots__ = ("array", "initialised", "type")

    def __init__(self, array: Any, type: TensorType, initialised: bool) -> None:
        self.array = array
        self.type = type
        self.initialised = initialised


class Buffers:
    """The buffers of one backend.

    plans: those that may be bound to the arena, by weak references, as each plan refers to its buffers.
    version: the variables' version, which grows with any change.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.version = 0
        self.plans: WeakSet[Plan] = WeakSet()
        self._cells: dict[str, _Cell] = {}
        self._arena: Any = None
        self._arena_size = -1

    def cell(self, name: str, type: TensorType, initial: np.ndarray | None) -> Any:
        """The buffer of a variable, made on first use. A random op's state starts as `initial`."""
        found = self._cells.get(name)
        if found is None:
            array = self.backend.view(self.backend.allocate(type.nbytes), 0, type)
            found = self._cells[name] = _Cell(array, type, initial is not None)
            if initial is not None:
                self.backend.write(array, initial)
        return found.array

    def arena(self, nbytes: int) -> Any:
        """The buffer that all plans share; a larger one replaces it when a plan needs more."""
        if nbytes > self._arena_size:
            self.drop_arena()  # so that the old buffer is freed first
            try:
                self._arena = self.backend.allocate(nbytes)
            except (MemoryError, ResourceExhaustedError):
                raise ResourceExhaustedError(f"out of memory: this run needs {nbytes:,} bytes at once") from None
            self._arena_size = nbytes
        return self._arena

    def drop_arena(self) -> None:
        """Free the arena; the next run allocates one."""
        self._arena, self._arena_size = None, -1
        for plan in self.plans:
            plan.unbind()

    def clear(self) -> None:
        """Free all buffers."""
        self._cells.clear()
        self._arena, self._arena_size = None, -1

    def is_initialised(self, name: str) -> bool:
        """Whether the variable or random state has a value."""
        return name in self._cells and self._cells[name].initialised

    def summary(self) -> str:
        """The number and size of the variables that have values."""
        cells = [c for n, c in self._cells.items() if c.initialised and not n.startswith(RANDOM_STATE)]
        return f"{len(cells):,} with values, {sum(c.type.nbytes for c in cells) / 1e6:.3g} MB"

    def require(self, needs: Iterable[tuple[str, Instr]]) -> None:
        """Check that variables are initialised. needs: their names, and for each an instruction that reads it."""
        for name, instr in needs:
            if not self.is_initialised(name):
                where = f" (read by a node made at {instr.source.describe()})" if instr.source else ""
                raise FailedPreconditionError(f"Attempting to use uninitialized value {name}{where}", instr.name)

    def mark_initialised(self, names: Iterable[str]) -> None:
        """Note that a run has set these variables."""
        for name in names:
            self._cells[name].initialised = True

    def read(self, graph: Graph) -> dict[str, np.ndarray]:
        """Copies of all initialised variables by name, and of the graph's random states under `random:<node>`."""
        for node in graph.nodes:
            if node.op.draws and RANDOM_STATE + node.name not in self._cells:
                self.cell(RANDOM_STATE + node.name, node.outputs[-1].type, node.op.initial_cell())
        cells = sorted(self._cells.items())
        return {n: np.asarray(self.backend.read(c.array)) for n, c in cells if c.initialised}

    def write(self, graph: Graph, state: Mapping[str, np.ndarray]) -> None:
        """Set variables and random states of the graph by name, after all have been checked."""
        types = {name: _state_type(graph, name) for name in state}
        state = {name: self.backend.import_array(a) if is_foreign(a) else a for name, a in state.items()}
        for name, array in state.items():
            wanted = types[name]
            if array.shape != wanted.static or array.dtype != wanted.dtype.np_dtype:
                raise ValueError(
                    f"'{name}' is {wanted} in the graph, but the value is {array.dtype}{list(array.shape)}"
                )
        self.version += 1
        for name, array in state.items():
            self.backend.write(self.cell(name, types[name], None), array)
            self._cells[name].initialised = True


def _state_type(graph: Graph, name: str) -> TensorType:
    base = name.removeprefix(RANDOM_STATE)
    try:
        node = graph.get_operation_by_name(base)
    except (KeyError, GraphError):
        node = None
    wanted = node is not None and (node.op.draws if base != name else isinstance(node.op, VariableV2))
    if node is None or not wanted:
        raise NotFoundError(f"the graph has no {'variable' if base == name else 'random op'} named '{base}'")
    return node.outputs[-1].type
