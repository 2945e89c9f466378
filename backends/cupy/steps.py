"""An op's steps on the arrays of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from minigraph.backend.base import Launch, in_sequence
from minigraph.backends.cupy import kernel as K
from minigraph.backends.cupy.device import DeviceBuffer
from minigraph.core.types import TensorType


class DeviceView(NamedTuple):
    """An array of a static type in device memory, in C order."""

    pointer: int
    type: TensorType
    buffer: DeviceBuffer  # kept alive

    def reshape(self, shape: tuple[int, ...]) -> DeviceView:
        return self._replace(type=TensorType(self.type.dtype, shape))


class Binder(Protocol):
    def allocate(self, nbytes: int) -> DeviceBuffer:
        """Device memory."""

    def view(self, buffer: DeviceBuffer, offset: int, type: TensorType) -> DeviceView:
        """An array in it."""

    def read(self, array: DeviceView) -> Any:
        """A copy of an array on the host."""

    def bind_step(
        self, step: K.Step, inputs: Sequence[DeviceView], outputs: Sequence[DeviceView | None], workspace: DeviceView
    ) -> Launch | None:
        """The launch of a step; None if no result of the step is read."""


class Bind:
    """Binds the steps of an op to pointers.

    verdict: tells whether the op refuses its operands. Its evidence has memory of its own, which `verify` reads after
    a run.
    """

    def __init__(self, backend: Binder, steps: tuple[K.Step, ...], verdict: K.Verdict | None = None) -> None:
        self.backend = backend
        self.steps = steps
        self.verdict = verdict
        self.evidence: list[DeviceView] = []

    def __call__(self, inputs: Sequence[Any], outputs: Sequence[Any], workspace: Any) -> Launch:
        made = [self.backend.bind_step(s, inputs, outputs, workspace) for s in self.steps]
        if self.verdict is None:
            return in_sequence([launch for launch in made if launch is not None])
        backend = self.backend
        self.evidence = evidence = [backend.view(backend.allocate(t.nbytes), 0, t) for t in self.verdict.types]
        made[:0] = [backend.bind_step(s, inputs, evidence, workspace) for s in self.verdict.steps]
        whole = in_sequence([launch for launch in made if launch is not None])

        def launched(alive: Any = evidence) -> None:  # it writes there as long as it is called
            whole()

        return launched

    def verify(self) -> None:
        """Raise the op's error if it has refused its operands."""
        if self.verdict is not None and np.any(self.backend.read(self.evidence[0])):
            raise self.verdict.error(*map(self.backend.read, self.evidence))

    def has(self, kernel: str | None) -> bool:
        """Whether a step launches the kernel of that name."""
        return any(isinstance(s, K.Launch) and s.kernel.name == kernel for s in self.steps)
