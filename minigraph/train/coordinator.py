"""Threads around a training loop, under TensorFlow 1's names."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from minigraph.core.errors import OutOfRangeError

__all__ = ["Coordinator"]


class Coordinator:
    """A signal that tells several threads to stop, and the first error that one of them stopped with.

    Args:
        clean_stop_exception_types: Exceptions that mean the end of the input and that `join` does not raise; by default
            `OutOfRangeError`.

    Example:
        >>> import threading
        >>> coord, steps = tf.train.Coordinator(), []
        >>> def work():
        ...     with coord.stop_on_exception():
        ...         while not coord.should_stop():
        ...             steps.append(1)
        ...             if len(steps) == 3:
        ...                 coord.request_stop()
        >>> thread = threading.Thread(target=work)
        >>> thread.start()
        >>> coord.join([thread])
        >>> len(steps)
        3
    """

    def __init__(self, clean_stop_exception_types: Iterable[type[BaseException]] | None = None) -> None:
        self._clean = tuple(clean_stop_exception_types or (OutOfRangeError,))
        self._stopped = Event()
        self._threads: list[Thread] = []
        self._error: BaseException | None = None

    def should_stop(self) -> bool:
        """Tell whether a stop was requested.

        Returns:
            True after `request_stop`, until `clear_stop`.
        """
        return self._stopped.is_set()

    def request_stop(self, ex: object = None) -> None:
        """Request a stop.

        Args:
            ex: The exception that is the cause; `join` raises it unless it is one of `clean_stop_exception_types`.
        """
        self._stopped.set()
        if isinstance(ex, BaseException) and not isinstance(ex, self._clean):
            self._error = self._error or ex

    def clear_stop(self) -> None:
        """Withdraw the request to stop."""
        self._stopped.clear()

    def wait_for_stop(self, timeout: float | None = None) -> bool:
        """Wait until a stop is requested.

        Args:
            timeout: The longest time to wait, in seconds.

        Returns:
            Whether a stop was requested.
        """
        return self._stopped.wait(timeout)

    def register_thread(self, thread: Thread) -> None:
        """Add a thread to those that `join` waits for.

        Args:
            thread: The thread.
        """
        self._threads.append(thread)

    @property
    def joined(self) -> bool:
        """Whether no registered thread runs."""
        return not any(thread.is_alive() for thread in self._threads)

    def raise_requested_exception(self) -> None:
        """Raise the exception that was the cause of a stop, if any."""
        if self._error is not None:
            raise self._error

    @contextmanager
    def stop_on_exception(self) -> Iterator[None]:
        """Request a stop when an exception is raised inside the `with` block, and swallow the exception.

        Yields:
            None.
        """
        try:
            yield
        except Exception as error:
            self.request_stop(error)

    def join(
        self, threads: Iterable[Thread] | None = None, stop_grace_period_secs: float = 120,
        ignore_live_threads: bool = False,
    ) -> None:  # fmt: skip
        """Wait until threads end or a stop is requested; then raise the exception that was the cause, if any.

        Args:
            threads: The threads, beside those that are registered.
            stop_grace_period_secs: The longest time to wait for the threads after the request to stop, in seconds.
            ignore_live_threads: Whether threads may still run then.

        Raises:
            RuntimeError: A thread still runs after that time.
        """
        waiting = list(dict.fromkeys([*self._threads, *(threads or ())]))
        while not self._stopped.is_set() and any(thread.is_alive() for thread in waiting):
            for thread in waiting:
                thread.join(0.05)
        deadline = time.monotonic() + stop_grace_period_secs
        for thread in waiting:
            thread.join(max(0.0, deadline - time.monotonic()))
        self.raise_requested_exception()
        alive = [thread.name for thread in waiting if thread.is_alive()]
        if alive and not ignore_live_threads:
            raise RuntimeError(f"Coordinator stopped with threads still running: {' '.join(alive)}")
