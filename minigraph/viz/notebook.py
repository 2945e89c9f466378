"""The display of graphs and tensors in a notebook: text, and a picture if Graphviz is installed."""

from __future__ import annotations

from minigraph.core.errors import MinigraphError
from minigraph.core.graph import Graph, Tensor


def display(shown: Graph | Tensor) -> dict[str, str]:
    """A graph, or the part that computes a tensor, by MIME type: always as text, and as SVG if possible."""
    text = repr(shown) if isinstance(shown, Tensor) else str(shown) or "an empty graph"
    svg = draw_svg(shown)
    return {"text/plain": text} | ({} if svg is None else {"image/svg+xml": svg})


def draw_svg(shown: Graph | Tensor) -> str | None:
    """The picture with scopes folded to a readable size, and a tensor's node marked.

    None for an empty graph or without Graphviz.
    """
    from minigraph.graphs.walk import needed
    from minigraph.viz.dot import dot_source
    from minigraph.viz.fold import choose_open, fold
    from minigraph.viz.picture import picture_of_graph
    from minigraph.viz.render import render

    if isinstance(shown, Graph):
        picture, marked = picture_of_graph(shown), None
    else:
        picture = picture_of_graph(shown.graph, shown.name, needed([shown.node]))
        marked = next(box for box in picture.boxes if box.name == shown.node.name)
    if not picture.boxes:
        return None
    folds = choose_open(picture, keep=marked.scope if marked else ())
    dot = dot_source(fold(picture, folds), marked=marked.id if marked else "")
    try:
        return render(dot, "svg").decode("utf-8")
    except MinigraphError:
        return None
