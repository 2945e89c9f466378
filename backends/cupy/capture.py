"""Plans captured as CUDA graphs, which run with a single launch."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate, groupby
from typing import Any

import numpy as np

from minigraph.backend.base import Launch, in_sequence
from minigraph.backends.cupy.compiler import KernelError
from minigraph.backends.cupy.device import Device
from minigraph.backends.cupy.failures import SYNC, DeviceLostError
from minigraph.backends.cupy.steps import Bind
from minigraph.compile.collectives import agreement, exchanges_begun
from minigraph.compile.plan import Plan
from minigraph.core.errors import MinigraphError, ResourceExhaustedError
from minigraph.ops.collective.world import WORLD
from minigraph.util.alignment import aligned

CHUNK = 16  # runs in one graph when many runs follow each other
SWITCH = "MINIGRAPH_CUDA_GRAPHS"  # 0 disables capture


def _nothing() -> None:
    pass


class CupyPlan(Plan):
    """A plan that becomes a CUDA graph.

    The first run after binding launches one step at a time: it compiles the kernels and warms up the libraries. The
    second run is captured. The capture executes nothing, so it changes no variable. From then on the graph is launched.
    Host calls split it: the launches between two of them are a graph.

    An op that may refuse its operands leaves its verdict in memory, which is looked at after the run. If it refuses
    them, or if a run of single launches or with host calls fails or is interrupted, the variables get back their values
    from before the run. The ranks agree on their collectives before anything is launched. `missed` gives the reason why
    a plan is not captured.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self.missed: str | None = None
        super().__init__(*args, **options)
        binds = [(position, step.lowered.bind) for position, step in enumerate(self.steps)]
        self.verdicts = [(n, b) for n, b in binds if isinstance(b, Bind) and b.verdict is not None]
        self._calls_host = any(step.lowered.fallback for step in self.steps)
        self._waits = os.environ.get(SYNC, "") not in ("", "0")  # for each launch
        if os.environ.get(SWITCH) == "0":
            self.missed = f"{SWITCH} is 0"
        elif self._waits:
            self.missed = f"{SYNC} is {os.environ[SYNC]}"
        elif self._exchanges_during_host_calls():
            self.missed = "a host call comes while gradients are exchanged"

    def _exchanges_during_host_calls(self) -> bool:
        """Whether an exchange of the device begins before a host call and is waited for after it: a graph ends there,
        and would have to wait."""
        on_host = [step.lowered.fallback for step in self.steps]
        spans = ((begun, end) for end, begun in enumerate(exchanges_begun(self.steps)) if begun is not None)
        return any(not on_host[begun] and any(on_host[begun:end]) for begun, end in spans)

    def unbind(self) -> None:
        super().unbind()
        self._warm: list[Launch] | None = None  # the launches that have run once
        self._captured: list[Launch] | None = None  # the launches that `_graph` holds
        self._graph: Launch | None = None
        self._chunk: Launch | None = None  # CHUNK runs as one graph

    @property
    def device(self) -> Device:
        backend: Any = self.backend
        return backend.device  # type: ignore[no-any-return]

    def run(self, arrays: Sequence[np.ndarray], as_device: bool = False) -> list[np.ndarray]:
        """See `Plan.run`. The error of a kernel can come with any later call, so it tells the whole run."""
        before = self.device.lost
        try:
            return super().run(arrays, as_device)
        except DeviceLostError as error:
            if before is not None or self._waits or not self.steps:
                raise
            first, last = self.steps[0].instr.name, self.steps[-1].instr.name
            raise DeviceLostError(
                f"{error} (in a run of {len(self.steps)} launches, from '{first}' to '{last}')"
            ) from error

    def _bound(self, launches: list[Launch]) -> list[Launch]:
        self._agreement = agreement(self.steps)
        return launches

    def _launch_all(self) -> None:
        """Launch after all that can fail on one rank alone: then the ranks agree, and begin together."""
        with self.device.turn:
            graph = self._prepared()
            is_safe = graph is not None and not self.verdicts and not self._calls_host
            restore = _nothing if is_safe else self._snapshot()
        if self._agreement is not None:
            WORLD.agree(self._agreement)
        with self.device.turn:
            self._launch(graph, restore)

    def _launch_each(self) -> None:
        if self._waits:
            wait = self.device.synchronize
            plain, self._launches = self._launches, [in_sequence([launch, wait]) for launch in self._launches]
            try:
                super()._launch_each()
            finally:
                self._launches = plain
        else:
            super()._launch_each()

    def _explain(self, launch: Launch | None, error: Exception) -> MinigraphError:
        """A kernel that has failed earlier is not the fault of the launch that gets its error, and a host call that
        fails may have been given the results of an op that refused its operands."""
        if isinstance(error, DeviceLostError) and not self._waits:
            return error
        position = next(n for n, bound in enumerate(self._launches) if bound is launch)
        if self.steps[position].lowered.fallback:
            try:
                self._verify(position)
            except MinigraphError as refused:
                return refused
        return super()._explain(launch, error)

    def _prepared(self) -> Launch | None:
        """The graph of the launches, or None if they are to run one by one; then their kernels are compiled."""
        launches = self._launches
        if self._warm is launches and self._graph is None and self.missed is None and launches:
            self._capture()
        if self._graph is not None and self._captured is launches:
            return self._graph
        self._compile()
        return None

    def _launch(self, graph: Launch | None, restore: Callable[[], None]) -> None:
        """Run the graph or all launches, and look at the verdicts; after an error, restore the variables."""
        try:
            if graph is None:
                self._launch_each()
            else:
                graph()
            self._verify()
        except BaseException:  # also an interrupt
            if self.device.lost is None:
                restore()
            raise
        self._warm = self._launches

    def _verify(self, stop: int | None = None) -> None:
        """Raise the error of the first op, among the first `stop` steps, that has refused its operands."""
        for position, bind in self.verdicts:
            if stop is not None and position >= stop:
                return
            try:
                bind.verify()
            except Exception as error:
                raise self._explain(self._launches[position], error) from error

    def run_steps(self, steps: int) -> list[np.ndarray]:
        """Run CHUNK steps per launch once a run is captured, unless values must be recomputed between runs."""
        while steps > 1 and (self._graph is None or self._captured is not self._launches) and self.missed is None:
            self.run([])
            steps -= 1
        apart = self.fixed is not None or self._calls_host or self.verdicts or self._agreement
        if self._graph is None or apart:
            return super().run_steps(steps)
        while steps > CHUNK:
            if self._chunk is None:
                self._chunk = self.device.capture(self._launch_chunk)
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
        """Copy all that a run changes, to the host if the device lacks memory. Returns a function that restores it.

        The copies live as long as that function.
        """
        backend: Any = self.backend
        copy, arrays = self.device.copy, self.changed()
        starts = list(accumulate((aligned(a.type.nbytes) for a in arrays), initial=0))
        try:
            kept = backend.allocate(starts[-1])
        except ResourceExhaustedError:
            saved = self.save()
            return lambda: self.restore(saved)
        places = [kept.pointer + start for start in starts]
        for array, place in zip(arrays, places, strict=False):
            copy(place, array.pointer, array.type.nbytes)

        def restore(alive: Any = kept) -> None:
            for array, place in zip(arrays, places, strict=False):
                copy(array.pointer, place, array.type.nbytes)

        return restore

    def _capture(self) -> None:
        try:
            self._graph = self._captured_parts() if self._calls_host else self.device.capture(self._launch_each)
            self._captured = self._launches
        except Exception as error:
            self.missed = f"the capture failed: {error}"
            self.backend.warn_once(  # type: ignore[attr-defined]
                f"plans run as single launches, which is slower, since {self.missed}; session.plan_for(...)[0].missed "
                "tells whether it holds for a plan"
            )

    def _captured_parts(self) -> Launch:
        """Host calls, and graphs of the launches between them, in order."""
        parts: list[Launch] = []
        bound = zip(self.steps, self._launches, strict=True)
        for on_host, group in groupby(bound, key=lambda each: each[0].lowered.fallback):
            work = partial(self._launch_these, [launch for _, launch in group])
            parts.append(work if on_host else self.device.capture(work))
        return in_sequence(parts)
