"""The default session of a thread: the one found by `get_default_session`, and the one for notebooks and shells."""

from __future__ import annotations

from typing import Any

from minigraph.core import scopes
from minigraph.core.graph import Graph
from minigraph.run.session import Session

__all__ = ["InteractiveSession", "get_default_session"]


class InteractiveSession(Session):
    """A session that is the default one from its creation until `close`.

    Args:
        target: `str`; "" or "local", as there are no sessions of other processes.
        graph: `Graph`; by default the default graph. If given, it becomes the default graph, too.
        config: TensorFlow 1's; it has no effect: other options choose the backend, and results depend on no threads.
        backend: `str`, the name of a backend; see `Session`.
        **options: the other options of `Session`.

    Example:
        >>> session = tf.InteractiveSession()
        >>> float(tf.constant(2.0).eval())
        2.0
        >>> session.close()
    """

    def __init__(
        self,
        target: str = "",
        graph: Graph | None = None,
        config: Any = None,
        backend: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(target, graph, config, backend, **options)
        scopes.session_stack().append(self)
        self._own_graph = graph is not None
        if graph is not None:
            scopes.graph_stack().append(graph)

    def close(self) -> None:
        """Free the session's buffers, and make the session and its graph the default ones no longer."""
        if self in scopes.session_stack():
            scopes.session_stack().remove(self)
        if self._own_graph and self.graph in scopes.graph_stack():
            self._own_graph = False
            scopes.graph_stack().remove(self.graph)
        super().close()


def get_default_session() -> Session | None:
    """The innermost default session of this thread.

    Returns:
        The `Session` of the innermost `with`, or None.

    Example:
        >>> tf.get_default_session() is None
        True
        >>> with tf.Session() as session:
        ...     tf.get_default_session() is session
        True
    """
    stack = scopes.session_stack()
    return stack[-1] if stack else None
