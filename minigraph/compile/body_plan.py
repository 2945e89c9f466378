"""Plans of the bodies of loops, which read their operands where the loop has them."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

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

    def __init__(self, arrays: Sequence[Array] = (), workspace: Array = None) -> None:
        self.arrays = arrays
        self.workspace = workspace

    def cell(self, name: str, type: TensorType, initial: np.ndarray | None) -> Array:
        return self.arrays[int(name)]

    def arena(self, nbytes: int) -> Array:
        return self.workspace


class BodyPlan(Plan):
    """The plan of a program whose feeds are arrays of the caller, which no launch overwrites."""

    keeps = False

    def __init__(self, program: Program, backend: Backend) -> None:
        super().__init__(_on_cells(program), backend, _Operands())

    def on(self, arrays: Sequence[Array], workspace: Array) -> tuple[Launch, list[Array]]:
        """What runs one step on the operands, and the arrays that then hold the results.

        It leaves the plan as it is: several loops, each with its own operands, can run one plan.

        workspace: a buffer of `peak` bytes.
        """
        bound = copy(self)
        bound.store = _Operands(arrays, workspace)
        bound.bind()
        return bound._launch_all, bound._results


def _on_cells(program: Program) -> Program:
    """The program with its feeds as cells, whose buffers nothing overwrites."""

    def replace(old: Instr, new: Rebuilder) -> list[Value] | None:
        if not isinstance(old.op, Feed):
            return None
        return [new.add(ReadVariable(), new.add(Cell(str(old.op.slot), old.op.type)))]

    return Program(*rebuild(program, replace)[:2], ())
