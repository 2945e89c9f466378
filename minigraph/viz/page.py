"""One self-contained HTML page that shows all stages of a compilation; it needs no network."""

from __future__ import annotations

import base64
import json
import math
import sys
import zlib
from collections import Counter
from importlib.resources import files
from typing import Any

from minigraph.inspect.profile import short_source
from minigraph.passes import PIPELINE
from minigraph.rewrite.pipeline import Stage
from minigraph.viz.dot import MEANINGS
from minigraph.viz.fold import READABLE, choose_open
from minigraph.viz.picture import Box, Picture
from minigraph.viz.planned import LaunchCode
from minigraph.viz.stages import BEFORE, Timed, Traced
from minigraph.viz.values import Values

_SCRIPTS = (
    "format",
    "graph",
    "engine",
    "values",
    "picture",
    "view",
    "panel",
    "stages",
    "timeline",
    "save",
    "address",
    "app",
)
_SIZE = 1_480_000  # bytes that a page without values takes at most, if it does without some of the code
_LEAST = 60_000  # bytes of code that a larger page has
_DENSITY = 6  # characters of code in a byte of the page
_COLUMNS = (
    "id", "name", "op", "kind", "part", "parameters", "flops", "bytes", "partial", "attributes", "seconds", "inner",
    "title",
)  # fmt: skip


def page(traced: Traced, start: str = BEFORE, diff: bool = False, limit: int = READABLE, served: bool = False) -> str:
    """The page, opened at a stage.

    limit: number of boxes before the reader opens any. served: by a server that gives the code of a launch at
    `code/BOX`, with `?assembly` for its assembly; else the page holds the code, as far as it has room.
    """
    folder = files("minigraph.viz")
    values, pixels = _values(traced.values)
    parts = {
        "__STYLE__": folder.joinpath("web/page.css").read_text("utf-8"),
        "__SCRIPT__": "".join(folder.joinpath(f"web/{name}.js").read_text("utf-8") for name in _SCRIPTS),
        "__ENGINE__": _deflated(folder.joinpath("elk/elk-worker.min.js").read_bytes()),
    }
    code = traced.planned.code
    data = _data(traced, start, diff, limit) | {"values": values, "coded": [], "served": [], "left": []}
    notes: dict[str, Any] = {"missed": [_missed(r) for r in traced.records], "kernels": {}, "texts": []}
    if code is not None and served:
        data["served"] = sorted(code.boxes)
    elif code is not None:
        room = _SIZE - sum(map(len, parts.values())) - len(_packed(data)) - len(_packed(notes))
        found, data["left"] = _code(code, max(room, _LEAST) * _DENSITY)
        data["coded"] = sorted(found["kernels"])
        notes |= found
    parts |= {"__PIXELS__": _deflated(pixels), "__DATA__": _packed(data), "__NOTES__": _packed(notes)}
    text = folder.joinpath("web/page.html").read_text("utf-8")
    for mark, part in parts.items():
        text = text.replace(mark, part)
    return text


def _packed(data: dict[str, Any]) -> str:
    content = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return _deflated(content.encode("utf-8"))


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
    boxes, arrows, types, scopes, sources = (_Table() for _ in range(5))
    found = traced.planned
    stages = []
    before: set[str] = set()
    drawn: set[int] = set()
    for index, picture in enumerate(traced.pictures):
        ids = {b.id for b in picture.boxes}
        seen = set()
        for arrow in picture.arrows:
            output = next(iter(arrow.tensors)).rpartition(":")[2] if arrow.tensors else ""
            seen.add(arrows((arrow.source, arrow.target, types(arrow.type), arrow.kind, output)))
        stage: dict[str, Any] = {"boxes": [boxes(b) for b in picture.boxes]}
        stage["arrows"] = [sorted(drawn - seen), sorted(seen - drawn)]  # that went, and that came
        stage |= {"name": traced.names[index], "added": len(ids - before), "removed": len(before - ids)}
        stages.append(stage | _record(traced, index))
        before, drawn = ids, seen
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
    }


def _code(code: LaunchCode, room: int) -> tuple[dict[str, Any], list[str]]:
    """The code of launches, equal texts once, the shortest first, in at most `room` characters; and which are left."""
    texts = _Table()
    found: dict[str, dict[str, int]] = {}
    left = []
    every = {box: code.of(box) for box in code.boxes}
    for box, each in sorted(every.items(), key=lambda item: sum(map(len, item[1].values()))):
        room -= sum(len(text) for text in each.values() if text not in texts.numbers)
        if room < 0:
            left.append(box)
        else:
            found[box] = {title: texts(text) for title, text in each.items()}
    return {"kernels": found, "texts": list(texts.numbers)}, left


def _values(values: Values) -> tuple[dict[str, Any], bytes]:
    """The values of a run as plain data, and the bytes of their pictures."""
    rows: list[list[Any]] = []
    first: dict[int, str] = {}
    same, pixels = [], bytearray()
    for name, seen in values.of.items():
        if (known := first.setdefault(id(seen), name)) != name:
            same.append((name, known))
            continue
        found, summary, drawn = seen.statistics, seen.statistics.summary, seen.picture
        numbers = [_rounded(number) for number in (summary.low, summary.high, found.mean, found.std)]
        picture = None
        if drawn is not None:
            picture = [drawn.kind, *drawn.shape, len(pixels), *map(_rounded, drawn.limits), drawn.total]
            pixels += drawn.content
        counts = [found.zeros, summary.nans, summary.infinities, summary.size]
        rows.append([name, *numbers, *counts, found.histogram, picture])
    columns = ["name", "low", "high", "mean", "std", "zeros", "nans", "infinities", "size", "histogram", "picture"]
    data = {"columns": columns, "rows": rows, "same": same, "origins": list(values.origins)}
    return data | {"fed": values.fed, "channels": values.channels}, bytes(pixels)


def _rounded(number: float) -> float | None:
    """Four significant digits, which must not round up to infinity; None for a number that is not finite."""
    largest = sys.float_info.max
    return max(-largest, min(largest, float(f"{number:.4g}"))) if math.isfinite(number) else None


def _opened(picture: Picture, limit: int) -> list[str]:
    return sorted("/".join(scope) for scope in choose_open(picture, limit) if scope)


def _row(box: Box, types: _Table, scopes: _Table, sources: _Table) -> list[Any]:
    values = [getattr(box, name) for name in _COLUMNS]
    names = [] if box.names == (box.name,) else list(box.names)
    numbers = [types(t) for t in box.types], scopes(box.scope), scopes(box.layer), sources((box.source, box.line))
    return [*values, *numbers, names]


def _record(traced: Traced, index: int) -> dict[str, Any]:
    """What a pass says of itself, the rules that it applied, and the number of candidates that it missed."""
    if index == 0 or index > len(traced.records):
        return {"doc": "", "applied": {}, "missed": 0}
    record = traced.records[index - 1]
    docs = {entry.run.name: type(entry.run).__doc__ or "" for entry in PIPELINE}
    return {
        "doc": docs.get(record.name, "").strip().partition("\n\n")[0],
        "applied": Counter(each.rule for each in record.applied),
        "missed": len(_missed(record)),
    }


def _missed(record: Stage) -> list[tuple[str, str, str]]:
    """Why the rules of a pass did not fit: the rule, the node and the reason."""
    return sorted({(each.rule, each.node, each.reason) for each in record.missed})


def _launch(timed: Timed) -> dict[str, Any]:
    launch = timed.launch
    names = ("op", "node", "seconds", "flops", "bytes_read", "bytes_written", "live", "notes", "begun")
    source = short_source(launch.source)
    return {"box": timed.box, "source": source} | {name: getattr(launch, name) for name in names}
