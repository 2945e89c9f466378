"""What programs with input queues expect around their loop. There are no queues: values come by feeds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from minigraph.core.errors import OutOfRangeError


class Coordinator:
    """A flag that says when to stop, and the exception that threads stopped with."""

    def __init__(self, clean_stop_exception_types: Any = None) -> None:
        self._clean = tuple(clean_stop_exception_types or (OutOfRangeError,))
        self._stop = False
        self._error: BaseException | None = None

    def should_stop(self) -> bool:
        return self._stop

    def request_stop(self, ex: Any = None) -> None:
        """Stop; `ex` is an exception that `join` raises, unless it is one that ends the input."""
        self._stop = True
        if isinstance(ex, BaseException) and not isinstance(ex, self._clean):
            self._error = self._error or ex

    def clear_stop(self) -> None:
        self._stop = False

    @contextmanager
    def stop_on_exception(self) -> Iterator[None]:
        """What is raised inside requests a stop."""
        try:
            yield
        except Exception as error:
            self.request_stop(error)

    def join(self, threads: Any = None, stop_grace_period_secs: float = 120, **_ignored: Any) -> None:
        """Wait for `threads`, then raise what they stopped with."""
        for thread in threads or ():
            thread.join(stop_grace_period_secs)
        if self._error is not None:
            raise self._error


def start_queue_runners(sess: Any = None, coord: Any = None, **_ignored: Any) -> list[Any]:
    """No threads: there are no queues."""
    return []
