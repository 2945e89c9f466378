"""TensorBoard's event files of a run: one folder for the training batches, one for validation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import numpy as np

import minigraph as tf
from minigraph.core.errors import MissingPackageError
from minigraph.ops.host.summary import histogram

_FLUSH = 2.0  # seconds after which the next entry writes the earlier ones, so that others can follow the run


class EventFiles:
    """Event files in `folder`/train, with the graph, and in `folder`/validation. Use in a `with` block.

    problem: the reason why there are no files, if any: TensorBoard, which has their format, is an optional package.
    first: the next step of each part, "train" and "validation", by default 1. TensorBoard drops what earlier files
        hold from there on: all that is from another run, or what a resumed run does again.
    """

    def __init__(self, folder: Path, graph: tf.Graph | None, first: Mapping[str, int] = MappingProxyType({})) -> None:
        self.problem: str | None = None
        self._writers: dict[str, Any] = {}
        try:
            for name, drawn in (("train", graph), ("validation", None)):
                earlier = any((folder / name).glob("events.out.tfevents.*"))
                self._writers[name] = tf.summary.FileWriter(folder / name, drawn, flush_secs=_FLUSH)
                if earlier:
                    log = tf.SessionLog(status=tf.SessionLog.START)
                    self._writers[name].add_session_log(log, first.get(name, 1))
        except MissingPackageError as error:
            self.problem = str(error)

    def __bool__(self) -> bool:
        """Whether there are files."""
        return self.problem is None

    def add(self, part: str, step: int, values: Mapping[str, float]) -> None:
        """Write numbers by their tags. part: "train" or "validation"."""
        if self:
            summary = tf.summary.Summary()
            for tag, value in values.items():
                summary.value.add(tag=tag, simple_value=value)
            self._writers[part].add_summary(summary, step)

    def add_histograms(self, part: str, step: int, values: Mapping[str, np.ndarray]) -> None:
        """Write histograms of finite numbers by their tags."""
        if self:
            summary = tf.summary.Summary()
            for tag, array in values.items():
                numbers = np.asarray(array, np.float64).ravel()
                if numbers.size and np.isfinite(numbers).all():
                    summary.value.add(tag=tag, histo=histogram(numbers))
            self._writers[part].add_summary(summary, step)

    def add_summary(self, part: str, step: int, summary: Any) -> None:
        """Write what a summary op made."""
        if self:
            self._writers[part].add_summary(summary, step)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self._writers.values():
            writer.close()
