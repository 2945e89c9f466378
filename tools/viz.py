"""`minigraph viz`: pictures of models and of the graphs that Python files build."""

from __future__ import annotations

import contextlib
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import click

from minigraph.core.errors import InvalidArgumentError
from minigraph.tools.profile import pictures, profile
from minigraph.tools.shared.target import Target
from minigraph.viz.dot import dot_source
from minigraph.viz.fold import READABLE, choose_open, fold
from minigraph.viz.page import page
from minigraph.viz.picture import picture_of_graph
from minigraph.viz.render import FORMATS, GraphvizMissingError, render, write
from minigraph.viz.stages import AFTER, BEFORE, Traced, UnknownStageError, VizError, trace


class PictureOptions(NamedTuple):
    """How to draw a graph.

    stage: by default "before"; with `diff` or a profile "after". limit: approximate number of boxes, 0 for all. html:
    also write the page, next to the picture. steps: number of timed runs on `backend`; 0 shows no times.
    """

    stage: str | None = None
    diff: bool = False
    optimize: str = "O3"
    limit: int = READABLE
    html: bool = False
    steps: int = 0
    backend: str | None = None


class Drawn(NamedTuple):
    """The files written, and a note for the user."""

    files: list[Path]
    note: str


def draw(target: Target, out: Path, choice: PictureOptions) -> Drawn:
    """Write the picture in the format of the suffix of `out`.

    Without Graphviz, the DOT text and the page are still written; then GraphvizMissingError says what to install.
    """
    kind = out.suffix.lower()
    if kind not in FORMATS:
        raise UnknownStageError(f"{out}: the name must end in one of {', '.join(FORMATS)}")
    diff, limit, html = choice.diff, choice.limit, choice.html
    chosen = choice.stage or (AFTER if diff or choice.steps else BEFORE)
    pages = kind == ".html" or html
    needed = choice if pages or diff or chosen != BEFORE else choice._replace(optimize="O0")  # no pass is to be seen
    traced, note = _trace(target, needed, chosen)
    picture = traced.diff(chosen) if diff else traced.picture(chosen)
    picture = picture.by_layers()
    dot = dot_source(fold(picture, choose_open(picture, limit)), diff)
    written: list[Path] = []

    def save(suffix: str, content: bytes | str) -> None:
        path = out if suffix == kind else out.with_suffix(suffix)
        write(path, content)
        written.append(path)

    if pages:
        save(".html", page(traced, chosen, diff, limit))
    if kind == ".dot":
        save(kind, dot)
    elif kind != ".html":
        try:
            save(kind, render(dot, kind[1:]))
        except GraphvizMissingError as error:
            save(".dot", dot)
            if not html:
                save(".html", page(_trace(target, choice, chosen)[0], chosen, diff, limit))
            names = ", ".join(str(p) for p in written)
            raise GraphvizMissingError(f"{error}. Written without it: {names}") from error
    return Drawn(written, note)


def server_of(target: Target, choice: PictureOptions) -> tuple[ThreadingHTTPServer, str]:
    """A server on this machine, on a free port, that shows the page; and a note for the user."""
    chosen = choice.stage or (AFTER if choice.diff or choice.steps else BEFORE)
    traced, note = _trace(target, choice, chosen)
    content = page(traced, chosen, choice.diff, choice.limit).encode("utf-8")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/" else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(content if self.path == "/" else b"")

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler), note


def serve(target: Target, choice: PictureOptions) -> None:
    """Show the page in a browser, if there is a screen, until Ctrl-C."""
    server, note = server_of(target, choice)
    address = f"http://127.0.0.1:{server.server_port}/"
    if note:
        click.echo(note, err=True)
    click.echo(f"{target.name} is shown at {address} until Ctrl-C")
    if has_screen():
        click.launch(address)
    with server, contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


def _trace(target: Target, choice: PictureOptions, stage: str) -> tuple[Traced, str]:
    """The stages; for a graph that cannot be compiled, the graph itself as the only stage, and the reason."""
    if choice.steps:
        return pictures(target, profile(target, choice.steps, choice.optimize, choice.backend)), ""
    title, size = target.name.removesuffix(".py"), target.batch_size
    try:
        return trace(target.graph, target.fetches, title=title, batch_size=size, optimize=choice.optimize), ""
    except (VizError, InvalidArgumentError) as error:
        if stage != BEFORE:
            raise
        as_it_is = Traced(title, (BEFORE,), (picture_of_graph(target.graph, title),))
        return as_it_is, f"drawn as it was built, since it cannot be compiled: {error}"


def has_screen() -> bool:
    """Whether a browser could show a page."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
