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
    """Runs the steps of loops: the first ones by the references, those of the same types after them compiled."""

    def __init__(self, backend: Any, passes: Sequence[Pass]) -> None:
        self.backend = backend
        self.passes = passes
        self._counts: dict[tuple[LoopBody, Types], int] = {}
        self._compiled: dict[LoopBody, dict[Types, Step | None]] = {}

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
        return None if program is None else _step(BodyPlan(program, self.backend), types)


def _step(plan: BodyPlan, types: Types) -> Step:
    backend = plan.backend
    operands = [backend.view(backend.allocate(t.nbytes), 0, t) for t in types]
    run, results = plan.on(operands, backend.allocate(plan.peak))
    last: list[Any] = [None] * len(operands)  # a loop's constants are the same arrays in each step

    def step(arrays: Sequence[Any]) -> list[Any]:
        for i, array in enumerate(arrays):
            if array is not last[i]:
                np.copyto(operands[i], array)
                last[i] = array
        with np.errstate(all="ignore"):
            run()
        return [np.array(r) for r in results]

    return step
