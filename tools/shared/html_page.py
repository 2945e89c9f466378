"""One HTML file with headings, pictures and tables (`minigraph.util.html`) in it, which needs nothing beside it."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from PIL import Image

from minigraph.util.files import atomic_write

_DPI = 110  # of drawings, for sharp screens without large files

_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>$title</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; color: #262a30; background: white; max-width: 70rem; margin: 2rem auto;
  padding: 0 1rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; }
p, figcaption { color: #50565f; max-width: 46rem; }
table { border-collapse: collapse; font-size: .9rem; display: block; overflow-x: auto; }
th, td { border: solid #e0e3e8; border-width: 1px 0; }
th { font-weight: 600; color: #50565f; background: #f6f7f9; }
.tiles { display: flex; flex-wrap: wrap; gap: .8rem; }
.tiles figure { margin: 0; width: 8.5rem; }
.tiles img { width: 100%; image-rendering: pixelated; border: 1px solid #e0e3e8; }
.tiles figcaption { font-size: .8rem; line-height: 1.3; }
img.wide { max-width: 100%; height: auto; }
</style>
</head>
<body>
<h1>$title</h1>
$body
</body>
</html>
""")


def write_page(path: Path, title: str, body: Iterable[str]) -> None:
    """Write the file, whole or not at all. body: pieces of HTML, from the functions below and `minigraph.util.html`."""
    with atomic_write(path, "w") as file:
        file.write(_PAGE.substitute(title=html.escape(title), body="\n".join(body)))


def heading(text: str) -> str:
    return f"<h2>{html.escape(text)}</h2>"


def paragraph(text: str) -> str:
    return f"<p>{html.escape(text)}</p>"


def tiles(pictures: Iterable[tuple[np.ndarray[Any, Any], str]]) -> str:
    """Small pictures, uint8 [H, W] or [H, W, 3], each with a text below."""
    figures = (
        f'<figure><img src="{_data(_png(pixels))}" alt=""><figcaption>{html.escape(text)}</figcaption></figure>'
        for pixels, text in pictures
    )
    return f'<div class="tiles">{"".join(figures)}</div>'


def drawing(sheet: Any, alt: str) -> str:
    """A matplotlib figure."""
    content = io.BytesIO()
    sheet.savefig(content, format="png", dpi=_DPI, metadata={"Software": None})
    width = round(sheet.get_figwidth() * 80)
    return f'<img class="wide" src="{_data(content.getvalue())}" alt="{html.escape(alt)}" width="{width}">'


def _png(pixels: np.ndarray[Any, Any]) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def _data(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
