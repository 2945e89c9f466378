"""The graph that gets new nodes."""

from __future__ import annotations

from minigraph.core import scopes
from minigraph.core.graph import Graph

__all__ = ["get_default_graph", "reset_default_graph"]


def get_default_graph() -> Graph:
    """Give the graph that gets new nodes.

    Returns:
        The innermost `Graph.as_default()` of this thread; outside of all, the default graph of the process.

    Example:
        >>> x = tf.constant(1.0)
        >>> tf.get_default_graph() is x.graph
        True
    """
    stack = scopes.graph_stack()
    graph: Graph = stack[-1] if stack else scopes.global_graph(Graph)
    return graph


def reset_default_graph() -> None:
    """Start a new default graph. Tensors of the old one cannot be used in it.

    Raises:
        AssertionError: The call is inside `with graph.as_default()`.

    Example:
        >>> x = tf.constant(1.0)
        >>> tf.reset_default_graph()
        >>> len(tf.get_default_graph())
        0
    """
    if scopes.graph_stack():
        raise AssertionError(
            "Do not use tf.reset_default_graph() to clear nested graphs: leave `with graph.as_default():` first."
        )
    scopes.forget_global_graph()
