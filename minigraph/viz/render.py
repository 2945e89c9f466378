"""Writes pictures: SVG, PNG and PDF with Graphviz; DOT and HTML without it."""

from __future__ import annotations

from pathlib import Path

from minigraph.core.errors import MinigraphError
from minigraph.util.files import atomic_write

FORMATS = (".svg", ".png", ".pdf", ".dot", ".html")
_RESOLUTION = 110  # dots per inch of a .png
_LIMIT = 30_000  # pixels of a .png's longer side, beyond which Cairo gives up

_INSTALL = (
    "Install Graphviz (Debian, Ubuntu: apt install graphviz; Fedora: dnf install graphviz; macOS: brew install "
    'graphviz; Windows: winget install graphviz) and the package: pip install "minigraph[viz]"'
)


class GraphvizMissingError(MinigraphError, RuntimeError):
    """Graphviz or its Python package is missing, or Graphviz failed."""


def render(dot: str, kind: str) -> bytes:
    """The DOT text drawn as "svg", "png" or "pdf".

    Raises GraphvizMissingError, with install instructions, without the Python package or the program.
    """
    try:
        import graphviz
    except ImportError:
        raise GraphvizMissingError(f"drawing a .{kind} needs the Python package graphviz. {_INSTALL}") from None
    if kind == "png":
        side = _LIMIT / _RESOLUTION
        dot = dot.replace("digraph {", f'digraph {{\n  graph [dpi={_RESOLUTION} size="{side:.0f},{side:.0f}"]', 1)
    try:
        drawn: bytes = graphviz.Source(dot).pipe(kind, quiet=True)
    except graphviz.ExecutableNotFound:
        raise GraphvizMissingError(
            f"drawing a .{kind} needs Graphviz's program `dot`, which is not on the PATH. {_INSTALL}"
        ) from None
    except graphviz.CalledProcessError as error:
        told = error.stderr.decode("utf-8", "replace") if isinstance(error.stderr, bytes) else str(error.stderr)
        raise GraphvizMissingError(f"Graphviz failed: {told.strip() or error}") from None
    return drawn


def write(path: Path, content: bytes | str) -> None:
    """Write a file atomically; creates its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        file.write(content.encode("utf-8") if isinstance(content, str) else content)
