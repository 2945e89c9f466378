"""Walks over the user's graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from minigraph.core.graph import Node


def needed(nodes: Iterable[Node], more: Mapping[Node, Iterable[Node]] | None = None) -> set[Node]:
    """All that runs for some nodes, themselves included. more: nodes that others follow besides their inputs."""
    seen: set[Node] = set()
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack += [t.node for t in node.inputs]
            stack += node.control_inputs
            if more is not None:
                stack += more.get(node, ())
    return seen
