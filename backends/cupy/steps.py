"""An op's steps on the arrays of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

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
    def bind_step(
        self, step: K.Step, inputs: Sequence[DeviceView], outputs: Sequence[DeviceView | None], workspace: DeviceView
    ) -> Launch | None:
        """The launch of a step; None if no result of the step is read."""


class Bind:
    """Binds the steps of an op to pointers."""

    def __init__(self, backend: Binder, steps: tuple[K.Step, ...]) -> None:
        self.backend = backend
        self.steps = steps

    def __call__(self, inputs: Sequence[Any], outputs: Sequence[Any], workspace: Any) -> Launch:
        made = (self.backend.bind_step(s, inputs, outputs, workspace) for s in self.steps)
        return in_sequence([launch for launch in made if launch is not None])

    def has(self, kernel: str | None) -> bool:
        """Whether a step launches the kernel of that name."""
        return any(isinstance(s, K.Launch) and s.kernel.name == kernel for s in self.steps)
