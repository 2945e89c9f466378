"""Compiled steps of loops that run between two plans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigraph.backend.host import HostBackend
from minigraph.compile.body_plan import BodyPlan
from minigraph.compile.loop_bodies import body_program
from minigraph.core.types import TensorType
from minigraph.ir.scan import LoopBody
from minigraph.rewrite.pipeline import Pass

PATIENCE = 8  # steps by the references before a body is compiled
ATTEMPTS = 4  # most sets of types for which a body is compiled

Step = Callable[[Sequence[Any]], list[Any]]
Types = tuple[TensorType, ...]


class LoopSteps:
    """Runs the steps of loops: the first ones by the references, later ones of the same types compiled."""

    def __init__(self, backend: Any, passes: Sequence[Pass]) -> None:
        self.backend = backend
        self.passes = passes
        self._counts: dict[tuple[LoopBody, Types], int] = {}
        self._compiled: dict[LoopBody, dict[Types, Step | None]] = {}
        self._last: list[list[Any]] = []  # for each compiled step, the arrays that its operands were copied from

    def begin(self) -> LoopSteps:
        """Forget the arrays of earlier loops, which may have other numbers by now. Called before each loop."""
        for last in self._last:
            last[:] = [None] * len(last)
        return self

    def __call__(self, body: LoopBody, arrays: Sequence[Any]) -> list[Any]:
        """The outputs of a body for the inputs."""
        types = tuple(TensorType(t.dtype, np.shape(a)) for t, a in zip(body.inputs, arrays, strict=True))
        known = self._compiled.setdefault(body, {})
        if types not in known and len(known) < ATTEMPTS:
            count = self._counts[body, types] = self._counts.get((body, types), 0) + 1
            if count > PATIENCE:
                known[types] = self._compile(body, types)
        step = known.get(types)
        return body.evaluate(arrays) if step is None else step(arrays)

    def _compile(self, body: LoopBody, types: Types) -> Step | None:
        if not isinstance(self.backend, HostBackend):
            return None
        program = body_program(body, types, self.passes)
        if program is None:
            return None
        self._last.append([None] * len(types))
        return _step(BodyPlan(program, self.backend), types, self._last[-1])


def _step(plan: BodyPlan, types: Types, last: list[Any]) -> Step:
    """A step of the body.

    last: the arrays that the operands were copied from; they are not copied again, as a loop's constants are the same
    arrays in each step.
    """
    backend = plan.backend
    operands = [backend.view(backend.allocate(t.nbytes), 0, t) for t in types]
    run, results = plan.on(operands, backend.allocate(plan.peak))

    def step(arrays: Sequence[Any]) -> list[Any]:
        for i, array in enumerate(arrays):
            if array is not last[i]:
                np.copyto(operands[i], array)
                last[i] = array
        with np.errstate(all="ignore"):
            run()
        return [np.array(r) for r in results]

    return step
