"""Draws figures into a folder, with a page that shows them."""

from __future__ import annotations

import html
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from string import Template

from minigraph.core.errors import UnknownNameError
from minigraph.tools.textbook.figures.catalogue import FIGURES, Drawing
from minigraph.util.files import atomic_write

_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Figures</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; color: #262a30; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
nav li { line-height: 1.4; }
figure { margin: 3rem 0; }
figure img { max-width: 100%; height: auto; border: 1px solid #e0e3e8; }
figcaption { color: #50565f; }
h2 { font-size: 1.2rem; margin: 0 0 .5rem; }
.rows { color: #767c86; font-size: .85rem; font-weight: normal; margin-left: .6rem; }
</style>
</head>
<body>
<h1>Figures</h1>
<p>Drawn by <code>minigraph figures</code>; all numbers are computed by minigraph's graphs.</p>
<nav><ol>
$contents
</ol></nav>
$figures
</body>
</html>
""")

_FIGURE = Template("""<figure id="$name">
<h2>$title<span class="rows">$rows</span></h2>
<img src="$name.png" alt="$title" width="$width">
<figcaption>$caption</figcaption>
</figure>""")


def chosen(names: Sequence[str]) -> list[Drawing]:
    """The figures of these names; all without names. Raises InvalidArgumentError for an unknown name."""
    known = {d.name: d for d in FIGURES}
    names = [name.replace("_", "-") for name in names]
    for name in names:
        if name not in known:
            raise UnknownNameError(f"unknown figure {name!r}; there are {', '.join(known)}")
    return [known[n] for n in names] or list(FIGURES)


def draw(folder: Path, drawings: Iterable[Drawing], drawn: Callable[[Drawing], None]) -> Path:
    """Draw into the folder, created if missing, and write its page; return its path. drawn: called with each figure."""
    shown = []
    for drawing in drawings:
        sheet = drawing.draw()
        picture = io.BytesIO()
        sheet.savefig(picture, format="png", metadata={"Software": None})
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / f"{drawing.name}.png", "wb") as file:
            file.write(picture.getvalue())
        shown.append((drawing, round(sheet.get_figwidth() * 80)))
        drawn(drawing)
    page = folder / "index.html"
    with atomic_write(page, "w") as file:
        file.write(_page(shown))
    return page


def _page(shown: Sequence[tuple[Drawing, int]]) -> str:
    contents = "\n".join(f'<li><a href="#{d.name}">{html.escape(d.title)}</a></li>' for d, _ in shown)
    figures = "\n".join(
        _FIGURE.substitute(
            name=d.name,
            title=html.escape(d.title),
            rows=html.escape(d.rows),
            caption=html.escape(d.caption),
            width=width,
        )
        for d, width in shown
    )
    return _PAGE.substitute(contents=contents, figures=figures)
