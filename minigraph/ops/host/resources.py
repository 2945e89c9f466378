"""What a session keeps for ops of the host besides variables: queues, readers, iterators over data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from minigraph.core.errors import CancelledError
from minigraph.ops.host.base import HostOp
from minigraph.util.locks import Lock

T = TypeVar("T")


class Pipeline(Protocol):
    """A session beside the one of the program, which runs the parts of the graph that make its input."""

    graph: Any

    def run(self, fetches: Any, feed_dict: Any = None) -> Any: ...

    def close(self) -> None: ...


class Resources:
    """The objects of one session by their keys, shared with the session that runs its input pipelines.

    make_pipeline: makes that session on first use. is_initialised: whether a variable of the session has a value.
    """

    def __init__(self, make_pipeline: Callable[[Resources], Pipeline], is_initialised: Callable[[str], bool]) -> None:
        self._make = make_pipeline
        self.is_initialised = is_initialised
        self._lock = Lock()
        self._held: dict[Any, Any] = {}
        self._pipeline: Pipeline | None = None
        self.closed = False

    def get(self, key: Any, make: Callable[[], T]) -> T:
        """The object of a key, made on first use."""
        with self._lock:
            if key not in self._held:
                self._held[key] = make()
            found: T = self._held[key]
            return found

    def find(self, key: Any) -> Any:
        """The object of a key, or None."""
        return self._held.get(key)

    def put(self, key: Any, value: Any) -> None:
        """Replace the object of a key, which is closed if it can be."""
        with self._lock:
            _close(self._held.pop(key, None))
            self._held[key] = value

    def pipeline(self) -> Pipeline:
        """The session for input pipelines."""
        with self._lock:
            self.check_open()
            if self._pipeline is None:
                self._pipeline = self._make(self)
            return self._pipeline

    def new_pipeline(self) -> Pipeline:
        """Another session for input pipelines, for the caller to close."""
        self.check_open()
        return self._make(self)

    def check_open(self) -> None:
        """CancelledError if the session is closed, for those that wait."""
        if self.closed:
            raise CancelledError("the session was closed while the operation waited")

    def close(self) -> None:
        """Wake those that wait, and close the objects."""
        with self._lock:
            self.closed = True
            held, self._held = list(self._held.values()), {}
            pipeline, self._pipeline = self._pipeline, None
        for value in held:
            _close(value)
        if pipeline is not None:
            pipeline.close()


def _close(value: Any) -> None:
    close = getattr(value, "close", None)
    if callable(close):
        close()


class ResourceOp(HostOp, abstract=True):
    """Base class of host ops that use a session's resources. Other runs of the session may go on while one acts."""

    stateful = True

    def act(self, resources: Resources, *arrays: Any) -> tuple[Any, ...]:
        """The results for the operands' arrays."""
        raise NotImplementedError
