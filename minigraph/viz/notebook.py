"""The display of graphs, plans and tensors in a notebook.

A graph and a plan show the page of `minigraph viz`, in a frame that is kept apart from the notebook. A tensor shows a
picture of what computes it, if Graphviz is installed.
"""

from __future__ import annotations

import html
import re

from minigraph.compile.plan import Plan
from minigraph.core.errors import MinigraphError
from minigraph.core.graph import Graph, Tensor
from minigraph.util.html import facts

HEIGHT = 560  # pixels; of a frame
WIDTH = 630  # points; of a picture


def display(shown: Graph | Plan | Tensor) -> dict[str, str]:
    """The forms of a graph, a plan, or the part of a graph that computes a tensor, by MIME type, one of them text."""
    if isinstance(shown, Tensor):
        svg = draw_svg(shown)
        more = {"text/html": _facts(shown)} if svg is None else {"image/svg+xml": svg}
        return {"text/plain": repr(shown)} | more
    if isinstance(shown, Graph):
        text, content = str(shown) or "an empty graph", _page_of_graph(shown)
    else:
        text, content = repr(shown), _page_of_plan(shown)
    return {"text/plain": text} | ({"text/html": frame(content)} if content else {})


def _facts(tensor: Tensor) -> str:
    rows = {"shape": tensor.shape, "dtype": tensor.dtype.name, "operation": f"{tensor.op.name} ({tensor.op.type})"}
    return facts(f"Tensor {tensor.name}", rows | {"made at": tensor.op.source.describe()})


def frame(content: str) -> str:
    """A page in a frame of the notebook's width, whose scripts cannot reach the notebook."""
    return (
        f'<iframe srcdoc="{html.escape(content)}" sandbox="allow-scripts allow-downloads" '
        f'style="display:block;box-sizing:border-box;width:100%;height:{HEIGHT}px;border:1px solid #8885;'
        f'border-radius:6px" title="the graph"></iframe>'
    )


def _page_of_graph(graph: Graph) -> str:
    from minigraph.viz.page import page
    from minigraph.viz.picture import picture_of_graph
    from minigraph.viz.stages import BEFORE, Traced

    picture = picture_of_graph(graph)
    return page(Traced("", (BEFORE,), (picture,))) if picture.boxes else ""


def _page_of_plan(plan: Plan) -> str:
    from minigraph.viz.page import page
    from minigraph.viz.stages import AFTER, trace_plan

    return page(trace_plan(plan), AFTER)


def draw_svg(tensor: Tensor) -> str | None:
    """The picture of what computes a tensor, with scopes folded to a readable size and the tensor's node marked.

    None without Graphviz.
    """
    from minigraph.graphs.walk import needed
    from minigraph.viz.dot import dot_source
    from minigraph.viz.fold import choose_open, fold
    from minigraph.viz.picture import picture_of_graph
    from minigraph.viz.render import render

    picture = picture_of_graph(tensor.graph, tensor.name, needed([tensor.node]))
    marked = next(box for box in picture.boxes if box.name == tensor.node.name)
    dot = dot_source(fold(picture, choose_open(picture, keep=marked.scope)), marked=marked.id)
    try:
        svg = render(dot, "svg").decode("utf-8")
    except MinigraphError:
        return None
    return re.sub(r'<svg width="(\d+)pt" height="(\d+)pt"', _sized, svg, count=1)


def _sized(found: re.Match[str]) -> str:
    """A picture's size: at most WIDTH, and at most the notebook's width where the viewer knows that."""
    wide, tall = map(int, found.groups())
    scale = min(1.0, WIDTH / wide)
    size = f'width="{wide * scale:.0f}pt" height="{tall * scale:.0f}pt"'
    return f'<svg style="max-width:100%;height:auto" {size}'
