"""The contexts in which a session is the default one of its thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Any, Self

from minigraph.core import scopes
from minigraph.core.graph import Graph


class DefaultContexts:
    """The base that makes a session usable in `with`."""

    graph: Graph

    def __init__(self) -> None:
        self._contexts: list[AbstractContextManager[Any]] = []

    @contextmanager
    def as_default(self) -> Iterator[Self]:
        """Make this the default session, for `Tensor.eval` and `Operation.run`, without closing it afterwards.

        Yields:
            The session.
        """
        scopes.session_stack().append(self)
        try:
            yield self
        finally:
            scopes.session_stack().remove(self)

    def __enter__(self) -> Self:
        context = self.graph.as_default()
        context.__enter__()
        scopes.session_stack().append(self)
        self._contexts.append(context)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        scopes.session_stack().remove(self)
        self._contexts.pop().__exit__(kind, error, trace)
        self.close()

    def close(self) -> None:
        """Free the session's buffers. A closed session does not run."""
        raise NotImplementedError
