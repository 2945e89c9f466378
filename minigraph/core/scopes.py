"""Per-thread defaults: the stack of graphs and of sessions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from minigraph.util.locks import Lock

_local = threading.local()
_global: list[Any] = []
_global_lock = Lock()


class SessionLike(Protocol):
    """The part of a session that tensors, operations and variables use."""

    graph: Any
    backend: Any

    def run(self, fetches: Any, feed_dict: Mapping[Any, Any] | None = None) -> Any: ...

    def write_state(self, state: Mapping[str, Any]) -> None: ...


def graph_stack() -> list[Any]:
    """This thread's stack of `Graph.as_default()`."""
    if not hasattr(_local, "graphs"):
        _local.graphs = []
    stack: list[Any] = _local.graphs
    return stack


def session_stack() -> list[Any]:
    """This thread's stack of `with session:`."""
    if not hasattr(_local, "sessions"):
        _local.sessions = []
    stack: list[Any] = _local.sessions
    return stack


def global_graph(make: Callable[[], Any]) -> Any:
    """The process's default graph, made on first use."""
    with _global_lock:
        if not _global:
            _global.append(make())
        return _global[0]


def forget_global_graph() -> None:
    with _global_lock:
        _global.clear()


def session_for(session: Any) -> Any:
    """`session`, or this thread's default one. ValueError if there is none."""
    if session is not None:
        return session
    stack = session_stack()
    if not stack:
        raise ValueError(
            "No default session is registered. Use `with sess.as_default():`, `with tf.Session():` "
            "or pass session= explicitly."
        )
    return stack[-1]
