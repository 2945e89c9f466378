"""TensorBoard's event files of a retraining run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

import minigraph as tf
from minigraph.tools.shared.events import EventFiles


class Evaluation(NamedTuple):
    """Accuracy and mean cross-entropy after a step, on its batch and on a sample of validation images."""

    step: int
    train_accuracy: float
    train_loss: float
    validation_accuracy: float
    validation_loss: float
    validation_images: int

    def lines(self, now: datetime) -> list[str]:
        """The lines that TensorFlow's tool prints."""
        start = f"{now}: Step {self.step}:"
        return [
            f"{start} Train accuracy = {self.train_accuracy:.1%}",
            f"{start} Cross entropy = {self.train_loss:f}",
            f"{start} Validation accuracy = {self.validation_accuracy:.1%} (N={self.validation_images})",
        ]


class Events:
    """The `EventFiles` of a retraining run. Use in a `with` block.

    Both contain accuracy and cross-entropy; train also contains the graph and histograms of `variables`. problem: the
    reason why there are no files, if any.
    """

    def __init__(self, folder: Path, graph: tf.Graph, variables: Sequence[tf.Variable]) -> None:
        self._files = EventFiles(folder, graph)
        self.problem = self._files.problem
        if self._files:
            with graph.as_default():
                self._histograms = tf.summary.merge([tf.summary.histogram(v.op.name, v) for v in variables])

    def add(self, found: Evaluation, session: tf.Session) -> None:
        """Write the measurements after a step."""
        if not self._files:
            return
        self._files.add_summary("train", found.step, session.run(self._histograms))
        for part, accuracy, loss in (
            ("train", found.train_accuracy, found.train_loss),
            ("validation", found.validation_accuracy, found.validation_loss),
        ):
            self._files.add(part, found.step, {"accuracy_1": accuracy, "cross_entropy_1": loss})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        self._files.__exit__(*error)
