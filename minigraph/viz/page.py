"""One self-contained HTML page that shows all stages of a compilation; it needs no network."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from minigraph.inspect.profile import short_source
from minigraph.viz.dot import CHANGES, COLOURS, MEANINGS, heat
from minigraph.viz.fold import READABLE, choose_folds
from minigraph.viz.picture import Box
from minigraph.viz.stages import Timed, Traced

_SCRIPTS = ("layout.js", "times.js", "page.js")


def page(traced: Traced, start: str = "before", diff: bool = False, limit: int = READABLE) -> str:
    """The page, opened at a stage. limit: number of boxes before the reader unfolds any."""
    folder = files("minigraph.viz")
    template, *scripts = (folder.joinpath(n).read_text("utf-8") for n in ("page.html", *_SCRIPTS))
    # Names cannot end the script element or start a comment in it when no "<" is left.
    content = json.dumps(_data(traced, start, diff, limit), separators=(",", ":")).replace("<", "\\u003c")
    return template.replace("__SCRIPT__", "".join(scripts)).replace("__DATA__", content)


def _data(traced: Traced, start: str, diff: bool, limit: int) -> dict[str, Any]:
    boxes: dict[Box, int] = {}
    all_arrows: dict[tuple[Any, ...], int] = {}
    types: dict[str, int] = {}
    stages = []
    before: set[str] = set()
    for name, picture in zip(traced.names, traced.pictures, strict=True):
        ids = {b.id for b in picture.boxes}
        arrows = []
        for arrow in picture.arrows:
            output = next(iter(arrow.tensors)).rpartition(":")[2] if arrow.tensors else ""
            plain = arrow.source, arrow.target, types.setdefault(arrow.type, len(types)), arrow.kind, output
            arrows.append(all_arrows.setdefault(plain, len(all_arrows)))
        stages.append(
            {
                "name": name,
                "boxes": [boxes.setdefault(b, len(boxes)) for b in picture.boxes],
                "arrows": arrows,
                "added": len(ids - before),
                "removed": len(before - ids),
            }
        )
        before = ids
    index = traced.stage(start)
    return {
        "title": traced.title,
        "stages": stages,
        "boxes": [_plain(b) for b in boxes],
        "arrows": list(all_arrows),
        "types": list(types),
        "folded": sorted("/".join(s) for s in choose_folds(traced.pictures[index], limit)),
        "start": index,
        "diff": diff and index > 0,
        "colours": dict(COLOURS),
        "changes": dict(CHANGES),
        "meanings": dict(MEANINGS),
        "launches": [_launch(each) for each in traced.launches],
        "summary": traced.summary,
        "heat": [heat(i / 20) for i in range(21)],
    }


def _launch(timed: Timed) -> dict[str, Any]:
    launch = timed.launch
    names = ("op", "node", "seconds", "flops", "bytes_read", "bytes_written", "live", "notes")
    source = short_source(launch.source)
    return {"box": timed.box, "source": source} | {name: getattr(launch, name) for name in names}


def _plain(box: Box) -> dict[str, Any]:
    names = ("id", "name", "op", "scope", "kind", "types", "parameters", "flops", "bytes", "partial", "source")
    return {name: getattr(box, name) for name in (*names, "attributes", "seconds", "inner")}
