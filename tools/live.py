"""`minigraph viz --live`: the curves and histograms of a training run, while it trains."""

from __future__ import annotations

import json
import math
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

from minigraph.core.errors import MinigraphError, MissingPackageError
from minigraph.core.protos import tensorboard_module
from minigraph.tools.shared.local_server import Answer, local_server, serve

_POINTS = 1500  # of a curve that are shown
_HISTOGRAMS = 40  # of a tag, the latest
_BINS = 30


class Followed:
    """What the event files in a folder and its subfolders say so far. The folder need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.version = 0
        self.scalars: dict[str, dict[str, dict[int, Any]]] = {}
        self.histograms: dict[str, dict[str, dict[int, Any]]] = {}
        self._loaders: dict[Path, Any] = {}
        try:
            self._loader = tensorboard_module("backend.event_processing.event_file_loader").LegacyEventFileLoader
        except MissingPackageError as error:
            raise MissingPackageError(f"--live reads event files: {error}") from None

    def poll(self) -> int:
        """Read what was written since the last call; the number of events read in all."""
        for path in sorted(self.folder.rglob("events.out.tfevents.*")):
            if path not in self._loaders:
                self._loaders[path] = self._loader(str(path))
            for event in self._loaders[path].Load():
                self.version += 1
                self._take(self._part(path), event)
        return self.version

    def _part(self, path: Path) -> str:
        """The name of the curves of a file: its folder within the run's; "." is the run's own."""
        return path.parent.relative_to(self.folder).as_posix().removeprefix("events/")

    def _take(self, part: str, event: Any) -> None:
        if event.HasField("session_log") and event.session_log.status == event.session_log.START:
            self._forget(part, event.step)
        for value in event.summary.value:
            kind = value.WhichOneof("value")
            if kind == "simple_value":
                self.scalars.setdefault(value.tag, {}).setdefault(part, {})[event.step] = value.simple_value
            elif kind == "histo" and (bins := _bins(value.histo)) is not None:
                found = self.histograms.setdefault(value.tag, {}).setdefault(part, {})
                found[event.step] = bins
                for step in sorted(found)[:-_HISTOGRAMS]:
                    del found[step]

    def _forget(self, part: str, first: int) -> None:
        """Drop what a run that starts again at a step does anew."""
        for parts in (*self.scalars.values(), *self.histograms.values()):
            for step in [s for s in parts.get(part, {}) if s >= first]:
                del parts[part][step]

    def state(self) -> dict[str, Any]:
        """All of it as plain data: curves by tag and part, histograms by tag, each a list by steps.

        A tag of several parts has a histogram of each, named `TAG (PART)`.
        """
        return {
            "folder": str(self.folder),
            "version": self.version,
            "scalars": {
                tag: {part: _thinned(sorted(found.items())) for part, found in parts.items() if found}
                for tag, parts in self.scalars.items()
            },
            "histograms": {
                tag if len(parts) == 1 else f"{tag} ({part})": sorted((step, *bins) for step, bins in found.items())
                for tag, parts in self.histograms.items()
                for part, found in parts.items()
                if found
            },
        }


def _thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """At most about _POINTS of the points, the last one among them."""
    stride = -(-len(points) // _POINTS)
    return points[::-1][::stride][::-1] if stride > 1 else points


def _bins(histogram: Any) -> list[Any] | None:
    """The least and greatest number, and counts in _BINS equal bins between them; None for a damaged histogram."""
    low, high = histogram.min, histogram.max
    if len(histogram.bucket_limit) != len(histogram.bucket) or any(map(math.isnan, histogram.bucket_limit)):
        return None
    if not all(map(math.isfinite, (low, high, high - low, *histogram.bucket))):
        return None
    counts, width = [0.0] * _BINS, (high - low) / _BINS
    start = low
    for limit, count in zip(histogram.bucket_limit, histogram.bucket, strict=True):
        end = min(limit, high)
        if count and width > 0:
            first, last = (min(_BINS - 1, max(0, int((x - low) / width))) for x in (max(start, low), end))
            for i in range(first, last + 1):
                counts[i] += count / (last - first + 1)
        start = max(limit, low)
    return [low, high, [round(c, 1) for c in counts]]


def page() -> bytes:
    """The page, which asks for the state again and again."""
    folder = files("minigraph.viz").joinpath("web")
    parts = {
        "__STYLE__": folder.joinpath("page.css").read_text("utf-8"),
        "__SCRIPT__": "".join(folder.joinpath(f"{name}.js").read_text("utf-8") for name in ("format", "live")),
    }
    text = folder.joinpath("live.html").read_text("utf-8")
    for mark, part in parts.items():
        text = text.replace(mark, part)
    return text.encode("utf-8")


def answers(followed: Followed) -> Answer:
    """The page at `/`; at `/state?N` what the event files say, or "unchanged" if N is their version."""
    content = page()

    def answer(path: str) -> tuple[str, bytes] | None:
        if path == "/":
            return "text/html", content
        place, _, known = path.partition("?")
        if place == "/state":
            unchanged = str(followed.poll()) == known
            return "application/json", json.dumps("unchanged" if unchanged else _finite(followed.state())).encode(
                "utf-8"
            )
        return None

    return answer


def _finite(value: Any) -> Any:
    """The data with None in place of NaN and infinities, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not abs(value) < float("inf") else value


def follow(folder: Path) -> None:
    """Show a run in a browser, if there is a screen, until Ctrl-C."""
    if folder.is_file():
        raise MinigraphError(f"{folder} is a file; --live takes the folder of a run, such as runs/mnist-cnn")
    if not folder.exists():
        click.echo(f"{folder} does not exist yet; the page fills when the run begins", err=True)
    serve(local_server(answers(Followed(folder))), str(folder))
