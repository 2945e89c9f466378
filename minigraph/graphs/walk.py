"""Walks over the user's graph."""

from __future__ import annotations

from collections.abc import Iterable

from minigraph.core.graph import Node


def needed(nodes: Iterable[Node]) -> set[Node]:
    """All that runs for some nodes, themselves included."""
    seen: set[Node] = set()
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack += [t.node for t in node.inputs]
            stack += node.control_inputs
    return seen
