"""The right to give work to a device, which one thread at a time has."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from minigraph.backends.cupy.failures import DeviceLostError, translated
from minigraph.util.locks import Lock


class Turn:
    """A lock of a device, under which the device and its stream are the current ones of the thread.

    All sessions on a device share its stream. A capture takes in everything that goes to the stream meanwhile, so no
    other thread may give it work, copy or wait for it; and which device is current is a matter of each thread. Entering
    it again in the same thread costs little. Errors of CUDA become errors of a run.

    lost: the error after which the process cannot use the device any more.
    """

    def __init__(self, cupy: Any, device: Any, stream: Any) -> None:
        self.lost: DeviceLostError | None = None
        self._cupy, self._device, self._stream = cupy, device, stream
        self._lock = Lock()
        self._depth = 0

    def __enter__(self) -> None:
        self._lock.__enter__()
        if self.lost is not None:
            self._lock.__exit__(None, None, None)
            raise DeviceLostError(f"this error has occurred before: {self.lost}")
        if self._depth == 0:
            try:
                self._device.__enter__()
                self._stream.__enter__()
            except BaseException as error:
                self._lock.__exit__(type(error), error, None)
                raise
        self._depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        try:
            if self._depth == 0:
                self._stream.__exit__(kind, error, trace)
                self._device.__exit__(kind, error, trace)
        finally:
            self._lock.__exit__(kind, error, trace)
        told = translated(error, self._cupy)
        if isinstance(failed := told or error, DeviceLostError):
            self.lost = self.lost or failed
        if told is not None:
            raise told from error
