"""Plans captured as CUDA graphs, which run with a single launch."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from minigraph.backend.base import Launch
from minigraph.backends.cupy.compiler import KernelError
from minigraph.backends.cupy.steps import Bind
from minigraph.compile.plan import Plan
from minigraph.core.errors import ResourceExhaustedError

CHUNK = 16  # runs in one graph when many runs follow each other
SWITCH = "MINIGRAPH_CUDA_GRAPHS"  # 0 disables capture


class CupyPlan(Plan):
    """A plan that becomes a CUDA graph.

    The first run after binding launches one step at a time: it compiles the kernels and warms up the libraries. The
    second run is captured. The capture executes nothing, so it changes no variable. From then on the graph is launched.

    An op that may refuse its operands leaves its verdict in memory, which is looked at after the run. If it refuses
    them, or if a run of single launches fails or is interrupted, the variables get back their values from before the
    run. A plan with a host call is never captured. `missed` gives the reason why a plan is not captured.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self.missed: str | None = None
        super().__init__(*args, **options)
        binds = [(position, step.lowered.bind) for position, step in enumerate(self.steps)]
        self.verdicts = [(n, b) for n, b in binds if isinstance(b, Bind) and b.verdict is not None]
        if os.environ.get(SWITCH) == "0":
            self.missed = f"{SWITCH} is 0"
        elif calls := [s.instr.name for s in self.steps if s.lowered.fallback]:
            self.missed = f"host calls: {', '.join(calls)}"

    def unbind(self) -> None:
        super().unbind()
        self._warm: list[Launch] | None = None  # the launches that have run once
        self._captured: list[Launch] | None = None  # the launches that `_graph` holds
        self._graph: Launch | None = None
        self._chunk: Launch | None = None  # CHUNK runs as one graph
        self._copies: list[tuple[Any, Any]] | None = None  # (array that a run changes, buffer for its copy)

    def _launch_all(self) -> None:
        with self.backend.device.turn:  # type: ignore[attr-defined]
            self._launch_or_capture()

    def _launch_or_capture(self) -> None:
        launches = self._launches
        if self._warm is launches and self._graph is None and self.missed is None and launches:
            self._capture()
        captured = self._graph if self._captured is launches else None
        if captured is not None and not self.verdicts:
            captured()
            return
        if captured is None:
            self._compile()
        restore = self._snapshot()
        try:
            if captured is None:
                self._launch_each()
            else:
                captured()
            self._verify()
        except BaseException:  # also an interrupt
            restore()
            raise
        self._warm = launches

    def _verify(self) -> None:
        """Raise the error of the first op that has refused its operands."""
        for position, bind in self.verdicts:
            try:
                bind.verify()
            except Exception as error:
                raise self._explain(self._launches[position], error) from error

    def run_steps(self, steps: int) -> list[np.ndarray]:
        """Run CHUNK steps per launch once a run is captured, unless values must be recomputed between runs."""
        while steps > 1 and (self._graph is None or self._captured is not self._launches) and self.missed is None:
            self.run([])
            steps -= 1
        if self._graph is None or self.fixed is not None or self.verdicts:
            return super().run_steps(steps)
        while steps > CHUNK:
            if self._chunk is None:
                self._chunk = self.backend.device.capture(self._launch_chunk)  # type: ignore[attr-defined]
            self._chunk()
            steps -= CHUNK
        return super().run_steps(steps)

    def _launch_chunk(self) -> None:
        for _ in range(CHUNK):
            self._launch_each()

    def _compile(self) -> None:
        """Compile the kernels before anything is launched, so that an error leaves the variables as they are."""
        try:
            self.backend.kernels.compile()  # type: ignore[attr-defined]
        except KernelError as error:
            bound = zip(self.steps, self._launches, strict=True)
            owners = [at for s, at in bound if isinstance(s.lowered.bind, Bind) and s.lowered.bind.has(error.kernel)]
            told = self._explain(owners[0], error) if owners else error
            self.unbind()
            raise told from error

    def _snapshot(self) -> Callable[[], None]:
        """Copy all that a run changes, to the host if the device lacks memory. Returns a function that restores it."""
        backend: Any = self.backend
        copy = backend.device.copy
        try:
            if self._copies is None:
                self._copies = [(a, backend.allocate(a.type.nbytes)) for a in self.changed()]
        except ResourceExhaustedError:
            saved = self.save()
            return lambda: self.restore(saved)
        for array, kept in self._copies:
            copy(kept.pointer, array.pointer, array.type.nbytes)
        copies = self._copies

        def restore() -> None:
            for array, kept in copies:
                copy(array.pointer, kept.pointer, array.type.nbytes)

        return restore

    def _capture(self) -> None:
        try:
            self._graph = self.backend.device.capture(self._launch_each)  # type: ignore[attr-defined]
            self._captured = self._launches
            if not self.verdicts:
                self._copies = None  # a graph runs completely or not at all
        except Exception as error:
            self.missed = f"the capture failed: {error}"
