"""How a graph shows itself in a notebook: as a picture where Graphviz is installed, else as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minigraph.core.errors import MinigraphError

if TYPE_CHECKING:
    from minigraph.core.graph import Graph


def display(graph: Graph) -> dict[str, str]:
    """The graph by MIME type: always as text, and as SVG if that can be drawn."""
    found = {"text/plain": str(graph) or "an empty graph"}
    svg = draw_svg(graph)
    if svg is not None:
        found["image/svg+xml"] = svg
    return found


def draw_svg(graph: Graph) -> str | None:
    """The graph as SVG, with scopes folded to a readable size; None without nodes or without Graphviz."""
    from minigraph.viz.dot import dot_source
    from minigraph.viz.fold import choose_folds, fold
    from minigraph.viz.picture import picture_of_graph
    from minigraph.viz.render import render

    if not graph.nodes:
        return None
    picture = picture_of_graph(graph)
    try:
        return render(dot_source(fold(picture, choose_folds(picture))), "svg").decode("utf-8")
    except MinigraphError:
        return None
