"""The warning about a loop that adds nodes to the graph between runs."""

from __future__ import annotations

import warnings

from minigraph.core.graph import Graph
from minigraph.core.provenance import Source

__all__ = ["GraphGrowsWarning"]

GROWTH_LIMIT = 5  # runs between which one line may add nodes before the warning


class GraphGrowsWarning(UserWarning):
    """One line adds nodes to the graph between runs: a loop builds the graph that it should only run."""


class GrowthWatch:
    """Counts, for each line of the user's program, the runs after which it added nodes to `graph`."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.seen = len(graph.nodes)
        self._counts: dict[Source, int] = {}

    def look(self, runs: int) -> None:
        """Take note of new nodes, after `runs` runs. Warns at the line that called the caller."""
        self.seen = len(self.graph.nodes)
        source = self.graph.nodes[-1].source
        count = self._counts[source] = self._counts.get(source, 0) + 1
        if count == GROWTH_LIMIT and runs >= GROWTH_LIMIT:
            warnings.warn(
                f"the graph grows between runs (now {self.seen} nodes): {source.describe()} adds nodes each "
                "time it is reached. Build the graph once, before the loop, and feed what changes.",
                GraphGrowsWarning,
                stacklevel=3,
            )
