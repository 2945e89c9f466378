"""`minigraph viz`: pictures of models and of the graphs that Python files build."""

from __future__ import annotations

import json
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import click

import minigraph as tf
from minigraph.core.errors import GraphError, InvalidArgumentError, MinigraphError
from minigraph.tools.shared.local_server import local_server, serve
from minigraph.tools.shared.target import Target
from minigraph.viz.dot import dot_source
from minigraph.viz.fold import READABLE, choose_open, fold
from minigraph.viz.page import page
from minigraph.viz.picture import picture_of_graph
from minigraph.viz.render import FORMATS, GraphvizMissingError, render, write
from minigraph.viz.stages import (
    AFTER,
    BEFORE,
    Traced,
    UnknownStageError,
    VizError,
    trace,
    trace_plan,
    trace_profile,
)  # fmt: skip
from minigraph.viz.values import record


class PictureOptions(NamedTuple):
    """How to draw a graph.

    stage: by default "before"; with `diff` or a profile "after". limit: approximate number of boxes, 0 for all. html:
    also write the page, next to the picture. steps: number of timed runs on `backend`; 0 shows no times. values: shows
    the values of a run, if not None: what is fed, in words, and the order of colours. planned: compile for the memory
    and the code.
    """

    stage: str | None = None
    diff: bool = False
    optimize: str = "O3"
    limit: int = READABLE
    html: bool = False
    steps: int = 0
    backend: str | None = None
    values: tuple[str, str] | None = None
    planned: bool = False


class Drawn(NamedTuple):
    """The files written, and lines for the user."""

    files: list[Path]
    notes: list[str]


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
    needed = needed._replace(planned=pages)
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
    return Drawn(written, _notes(traced, note))


def server_of(target: Target, choice: PictureOptions) -> tuple[ThreadingHTTPServer, list[str]]:
    """A server on this machine, on a free port, that shows the page; and lines for the user."""
    chosen = choice.stage or (AFTER if choice.diff or choice.steps else BEFORE)
    traced, note = _trace(target, choice._replace(planned=True), chosen)
    content = page(traced, chosen, choice.diff, choice.limit, served=True).encode("utf-8")

    def answer(path: str) -> tuple[str, bytes] | None:
        if path == "/":
            return "text/html", content
        box, _, assembly = path.removeprefix("/code/").partition("?")
        if traced.planned.code is None or box not in traced.planned.code.boxes:
            return None
        return "application/json", json.dumps(traced.planned.code.of(box, bool(assembly))).encode("utf-8")

    return local_server(answer), _notes(traced, note)


def show(target: Target, choice: PictureOptions) -> None:
    """Show the page in a browser, if there is a screen, until Ctrl-C."""
    server, notes = server_of(target, choice)
    for line in notes:
        click.echo(line, err=True)
    serve(server, target.name)


def _trace(target: Target, choice: PictureOptions, stage: str) -> tuple[Traced, str]:
    """The stages; for a graph that cannot be compiled, the graph itself as the only stage, and the reason."""
    title, size = target.name.removesuffix(".py"), target.batch_size
    if choice.steps or choice.values is not None:
        return _run(target, choice, title), ""
    if choice.planned or choice.backend is not None:
        with tf.Session(graph=target.graph, **target.options(choice.optimize, choice.backend)) as session:
            try:
                if choice.planned:
                    return trace_plan(session.plan_for(target.fetches, target.feeds)[0], target.graph, title), ""
            except MinigraphError as error:
                traced, note = _trace(target, choice._replace(planned=False), stage)
                return traced, note or f"the page is without memory and code: {error}"
    try:
        return trace(target.graph, target.fetches, title=title, batch_size=size, optimize=choice.optimize), ""
    except MinigraphError as error:
        if stage != BEFORE or not isinstance(error, VizError | InvalidArgumentError):
            raise
        as_it_is = Traced(title, (BEFORE,), (picture_of_graph(target.graph, title),))
        return as_it_is, f"drawn as it was built, since it cannot be compiled: {error}"


def _run(target: Target, choice: PictureOptions, title: str) -> Traced:
    """The stages with the times of a profile, the values of a run, or both."""
    with target.session(**target.options(choice.optimize, choice.backend)) as session:
        try:
            plan, arrays = session.plan_for(target.fetches, target.feeds)
        except GraphError as error:
            raise VizError(f"{'--profile' if choice.values is None else '--values'}: {error}") from error
        if choice.steps:
            found = session.profile(target.fetches, target.feeds, repeat=choice.steps)
            traced = trace_profile(target.graph, plan, found, title)
        else:
            traced = trace_plan(plan, target.graph, title)
        if choice.values is None:
            return traced
        return traced._replace(values=record(plan, arrays, traced.pictures[0], *choice.values))


def _notes(traced: Traced, note: str) -> list[str]:
    return [*([note] if note else []), *(each.says for each in traced.values.origins)]
