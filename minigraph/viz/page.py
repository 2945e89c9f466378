"""One self-contained HTML page that shows all stages of a compilation; it needs no network."""

from __future__ import annotations

import base64
import json
import zlib
from collections import Counter
from importlib.resources import files
from typing import Any

from minigraph.inspect.profile import short_source
from minigraph.passes import PIPELINE
from minigraph.viz.dot import MEANINGS
from minigraph.viz.fold import READABLE, choose_open
from minigraph.viz.picture import Box, Picture
from minigraph.viz.stages import BEFORE, Timed, Traced

_SCRIPTS = ("format", "graph", "engine", "picture", "view", "panel", "stages", "timeline", "save", "address", "app")
_COLUMNS = (
    "id", "name", "op", "kind", "part", "parameters", "flops", "bytes", "partial", "attributes", "seconds", "inner",
    "title",
)  # fmt: skip


def page(traced: Traced, start: str = BEFORE, diff: bool = False, limit: int = READABLE) -> str:
    """The page, opened at a stage. limit: number of boxes before the reader opens any."""
    folder = files("minigraph.viz")
    content = json.dumps(_data(traced, start, diff, limit), separators=(",", ":"), ensure_ascii=False)
    parts = {
        "__STYLE__": folder.joinpath("web/page.css").read_text("utf-8"),
        "__SCRIPT__": "".join(folder.joinpath(f"web/{name}.js").read_text("utf-8") for name in _SCRIPTS),
        "__ENGINE__": _deflated(folder.joinpath("elk/elk-worker.min.js").read_bytes()),
        "__DATA__": _deflated(content.encode("utf-8")),
    }
    text = folder.joinpath("web/page.html").read_text("utf-8")
    for mark, part in parts.items():
        text = text.replace(mark, part)
    return text


def _deflated(content: bytes) -> str:
    """Raw deflate in base64, which a browser unpacks by itself and which cannot end a script element."""
    deflate = zlib.compressobj(9, wbits=-15)
    return base64.b64encode(deflate.compress(content) + deflate.flush()).decode("ascii")


class _Table:
    """Distinct values by number."""

    def __init__(self) -> None:
        self.numbers: dict[Any, int] = {}

    def __call__(self, value: Any) -> int:
        return self.numbers.setdefault(value, len(self.numbers))


def _data(traced: Traced, start: str, diff: bool, limit: int) -> dict[str, Any]:
    boxes, arrows, types, scopes, sources, texts = (_Table() for _ in range(6))
    found = traced.planned
    stages = []
    before: set[str] = set()
    for index, picture in enumerate(traced.pictures):
        ids = {b.id for b in picture.boxes}
        seen = []
        for arrow in picture.arrows:
            output = next(iter(arrow.tensors)).rpartition(":")[2] if arrow.tensors else ""
            seen.append(arrows((arrow.source, arrow.target, types(arrow.type), arrow.kind, output)))
        stage: dict[str, Any] = {"boxes": [boxes(b) for b in picture.boxes], "arrows": seen}
        stage |= {"name": traced.names[index], "added": len(ids - before), "removed": len(before - ids)}
        stages.append(stage | _record(traced, index))
        before = ids
    rows = [_row(box, types, scopes, sources) for box in boxes.numbers]
    index = traced.stage(start)
    shown = traced.pictures[index]
    return {
        "title": traced.title,
        "columns": [*_COLUMNS, "types", "scope", "layer", "source", "names"],
        "boxes": rows,
        "arrows": list(arrows.numbers),
        "types": list(types.numbers),
        "scopes": list(scopes.numbers),
        "sources": list(sources.numbers),
        "stages": stages,
        "open": {"layers": _opened(shown.by_layers(), limit), "ops": _opened(shown, limit)},
        "words": {"/".join(path): words for path, words in shown.layers.words.items()},
        "start": index,
        "diff": diff and index > 0,
        "meanings": dict(MEANINGS),
        "launches": [_launch(each) for each in traced.launches],
        "summary": traced.summary,
        "memory": {"places": found.places, "peak": found.peak, "summary": found.summary},
        "kernels": {box: {title: texts(text) for title, text in code.items()} for box, code in found.code.items()},
        "texts": list(texts.numbers),
    }


def _opened(picture: Picture, limit: int) -> list[str]:
    return sorted("/".join(scope) for scope in choose_open(picture, limit) if scope)


def _row(box: Box, types: _Table, scopes: _Table, sources: _Table) -> list[Any]:
    values = [getattr(box, name) for name in _COLUMNS]
    names = [] if box.names == (box.name,) else list(box.names)
    numbers = [types(t) for t in box.types], scopes(box.scope), scopes(box.layer), sources((box.source, box.line))
    return [*values, *numbers, names]


def _record(traced: Traced, index: int) -> dict[str, Any]:
    """What a pass says of itself, and the rules that it applied and missed."""
    if index == 0 or index > len(traced.records):
        return {"doc": "", "applied": {}, "missed": []}
    record = traced.records[index - 1]
    docs = {entry.run.name: type(entry.run).__doc__ or "" for entry in PIPELINE}
    return {
        "doc": docs.get(record.name, "").strip().partition("\n\n")[0],
        "applied": Counter(each.rule for each in record.applied),
        "missed": sorted({(each.rule, each.node, each.reason) for each in record.missed}),
    }


def _launch(timed: Timed) -> dict[str, Any]:
    launch = timed.launch
    names = ("op", "node", "seconds", "flops", "bytes_read", "bytes_written", "live", "notes", "begun")
    source = short_source(launch.source)
    return {"box": timed.box, "source": source} | {name: getattr(launch, name) for name in names}
