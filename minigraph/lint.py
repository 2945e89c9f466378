"""Warnings about programs that run, but most likely not as they are meant."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from weakref import WeakKeyDictionary

from minigraph.core.graph import Graph, Node, Tensor
from minigraph.ops.reduce import Mean
from minigraph.ops.update import Apply
from minigraph.variables import GraphKeys

RUNS = 5  # training runs without an update before the warning: a program may run updates by themselves, now and then


class StaleMovingAveragesWarning(UserWarning):
    """A graph is trained, but the moving averages of its batch normalisation never change."""


class MovingAveragesLint:
    """Watches the runs of one session until it has warned, or has seen a run that updates moving averages."""

    @classmethod
    def for_graph(cls, graph: Graph) -> MovingAveragesLint | None:
        """One for a graph that has moving averages, else None."""
        return cls(graph) if graph.get_collection(GraphKeys.UPDATE_OPS) else None

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._seen: WeakKeyDictionary[object, Node | bool | None] = WeakKeyDictionary()
        self._stale = 0

    def after_run(self, request: object, ends: Iterable[Tensor | Node]) -> MovingAveragesLint | None:
        """To be told of each run, by an object that stands for its form and by what it fetched. None: it has done."""
        if request not in self._seen:
            self._seen[request] = self._judge(ends)
        found = self._seen[request]
        if found is True:
            return None
        if not isinstance(found, Node):
            return self
        self._stale += 1
        if self._stale < RUNS:
            return self
        warnings.warn(
            f"{RUNS} runs have trained this graph, but the moving averages of its batch normalisation are never "
            f"updated ('{found.name}' was not run; made at {found.source.describe()}), so that inference will use "
            "their initial values. Run the updates with the training step: "
            "`with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)): train = opt.minimize(loss)`. "
            "Session(lint=False) switches this warning off.",
            StaleMovingAveragesWarning,
            stacklevel=4,
        )
        return None

    def _judge(self, ends: Iterable[Tensor | Node]) -> Node | bool | None:
        """True: the run updates averages. A node: it trains by batch statistics that this node would average."""
        updates = {self._node(u) for u in self.graph.get_collection(GraphKeys.UPDATE_OPS)}
        run = _ancestors(map(self._node, ends))
        if run & updates:
            return True
        if not any(isinstance(n.op, Apply) for n in run):
            return None
        for update in sorted(updates, key=lambda n: n.id):
            if any(isinstance(n.op, Mean) for n in _ancestors([update]) & run):
                return update
        return None

    def _node(self, element: Tensor | Node) -> Node:
        found = self.graph.as_graph_element(element)
        return found if isinstance(found, Node) else found.node


def _ancestors(nodes: Iterable[Node]) -> set[Node]:
    """The nodes and all that they need."""
    found: set[Node] = set()
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if node not in found:
            found.add(node)
            stack += [t.node for t in node.inputs]
            stack += node.control_inputs
    return found
