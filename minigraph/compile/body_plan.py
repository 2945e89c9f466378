"""Plans of the bodies of loops, which read their operands where the loop has them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigraph.backend.base import Array, Backend, Launch
from minigraph.compile.plan import Plan
from minigraph.core.types import TensorType
from minigraph.ir.program import Cell, Feed, Instr, Program, Value
from minigraph.ir.rebuild import Rebuilder, rebuild
from minigraph.ops.state.variable import ReadVariable


class _Operands:
    """The store of a body's plan: its cells are the operands, by slot."""

    version = 0

    def __init__(self) -> None:
        self.arrays: Sequence[Array] = ()
        self.workspace: Array = None

    def cell(self, name: str, type: TensorType, initial: np.ndarray | None) -> Array:
        return self.arrays[int(name)]

    def arena(self, nbytes: int) -> Array:
        return self.workspace


class BodyPlan(Plan):
    """The plan of a program whose feeds are arrays of the caller, which no launch overwrites."""

    keeps = False

    def __init__(self, program: Program, backend: Backend) -> None:
        self._operands = _Operands()
        super().__init__(_on_cells(program), backend, self._operands)

    def on(self, arrays: Sequence[Array], workspace: Array) -> tuple[Launch, list[Array]]:
        """What runs one step on the operands, and the arrays that then hold the results.

        workspace: a buffer of `peak` bytes.
        """
        self._operands.arrays, self._operands.workspace = arrays, workspace
        self.bind()
        return self._launch_all, self._results


def _on_cells(program: Program) -> Program:
    """The program with its feeds as cells, whose buffers nothing overwrites."""

    def replace(old: Instr, new: Rebuilder) -> list[Value] | None:
        if not isinstance(old.op, Feed):
            return None
        return [new.add(ReadVariable(), new.add(Cell(str(old.op.slot), old.op.type)))]

    return Program(*rebuild(program, replace)[:2], ())
