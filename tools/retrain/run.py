"""One retraining run: the network, its bottlenecks, the steps and the measurements."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import minigraph as tf
from minigraph.data import Distortions, ImageFolder, Prefetch, load_image
from minigraph.data.images import load_distorted
from minigraph.models.pretrained import load_pretrained
from minigraph.models.record import Model
from minigraph.ops.collective.world import WORLD
from minigraph.tools.retrain.bottlenecks import Bottlenecks, weights_key
from minigraph.tools.retrain.events import Evaluation, Events
from minigraph.tools.retrain.network import SCOPE, RetrainPlan, build_network
from minigraph.tools.retrain.split import Split, split_images
from minigraph.tools.shared.baseline import Baseline, cross_entropy
from minigraph.tools.shared.progress import Counter
from minigraph.tools.shared.running import Checkpoints, Interrupted, StopRequest, TrainingError, recorded
from minigraph.util.lazy import lazy_property

SAVE_INTERVAL = 60.0  # seconds between checkpoints
_AT_ONCE = 16  # images in a run of the frozen part, or of a test


@dataclass(frozen=True, slots=True)
class RetrainSettings:
    """The settings that, with the images and the weights, determine a run's numbers."""

    model: str
    backend: str
    train_batch_size: int
    validation_batch_size: int
    eval_step_interval: int
    testing_percentage: float
    validation_percentage: float
    seed: int
    split_seed: int


class Stopped(Exception):
    """The computation of bottlenecks was interrupted; `done` of `total` are in files."""

    def __init__(self, done: int, total: int) -> None:
        super().__init__(f"stopped after {done} of {total} bottlenecks")
        self.done, self.total = done, total


class Test(NamedTuple):
    """rows: the images. logits: float32 [len(rows), classes]. right: bool [len(rows)]."""

    rows: NDArray[np.intp]
    logits: NDArray[np.float32]
    right: NDArray[np.bool_]


class Retraining:
    """A run in the folder `out`. `train` continues it to its last step."""

    def __init__(
        self, model: Model, folder: ImageFolder, plan: RetrainPlan, settings: RetrainSettings, distortions: Distortions,
        weights: Path | None, out: Path, bottleneck_dir: Path, final_tensor_name: str = "final_result",
    ) -> None:  # fmt: skip
        self.model, self.folder, self.settings, self.distortions = model, folder, settings, distortions
        self.plan = plan
        self.network = build_network(model, len(folder.classes), plan, final_tensor_name, settings.seed)
        self.session = tf.Session(graph=self.network.graph, backend=settings.backend)
        self.session.run(self.network.initialise)
        self.preprocessing = model.preprocessing
        if weights is not None:
            self.preprocessing = load_pretrained(self.session, model, weights, scope=_scope(self.network.graph))
        key = weights_key(weights, settings.seed)
        where = bottleneck_dir / f"{model.name}-{plan.cut}-{key}".replace("/", "_")
        self.bottlenecks = None if plan.cut is None else Bottlenecks(folder, where, self._load, self._forward)
        identity = {
            **recorded(settings), **plan._asdict(), "weights": key, "classes": list(folder.classes),
            "images": folder.checksum(), **asdict(distortions),
        }  # fmt: skip
        self._checkpoints = Checkpoints(out, self.network.saver, self.session, identity, "minigraph retrain")
        self._one_hot = folder.one_hot()
        self.step = 0
        self.history: list[Evaluation] = []

    @lazy_property
    def split(self) -> Split:
        """The images for training, validation and testing. Raises the errors of `split_images`."""
        settings = self.settings
        return split_images(
            self.folder, settings.testing_percentage, settings.validation_percentage, settings.split_seed
        )

    @property
    def baseline(self) -> Baseline:
        """The baseline for the test accuracy."""
        train, test = (self._one_hot[self.split.every(part)] for part in ("training", "testing"))
        return Baseline.of(train, test, self.folder.classes)

    def start(self, resume: bool) -> Path | None:
        """Resume the run in the folder, if any, and return its checkpoint; see `Checkpoints.restore`."""
        restored = self._checkpoints.restore(resume, ("step", "history"))
        if restored is None:
            return None
        path, state = restored
        self.step = state["step"]
        self.history = [Evaluation(*values) for values in state["history"]]
        return path

    def save(self) -> Path:
        """The checkpoint of this step, written unless it exists."""
        return self._checkpoints.save(self.step, {"step": self.step, "history": self.history})

    def cache(self, counter: Counter) -> int:
        """Compute the missing bottlenecks, each rank a part, and return their number.

        Raises Stopped on SIGINT or SIGTERM.
        """
        if self.bottlenecks is None:
            return 0
        rows, total = WORLD.broadcast_object(self.bottlenecks.missing()), len(self.folder.files)
        before = total - len(rows)
        counter.start(before)
        made = 0
        with StopRequest() as stop:

            def done(count: int) -> None:
                nonlocal made
                made = count
                counter.update(before + count * WORLD.size, total)
                if stop.asked:
                    raise Stopped(before + count, total)

            with suppress(Stopped):
                self.bottlenecks.create(rows[WORLD.rank :: WORLD.size], done)
            parts = WORLD.all_gather_object((made, stop.asked))
        if any(asked for _, asked in parts):
            raise Stopped(before + sum(count for count, _ in parts), total)
        return len(rows)

    def features(self) -> NDArray[np.float32]:
        """The undistorted input of the trained part for each image."""
        return self._values(np.arange(len(self.folder.files)))

    def train(self, total: int, events: Events, counter: Counter) -> Path:
        """Train until `total` steps are done, and return the last checkpoint.

        Raises Interrupted on SIGINT or SIGTERM, TrainingError if the loss is no longer finite.
        """
        counter.start(self.step)
        saved = time.monotonic()
        with StopRequest() as stop, self._batches(total) as batches:
            for rows, images in batches:
                if stop.asked:
                    raise Interrupted(self.save(), self.step)
                values = self._values(rows) if images is None else self._to_cut(images)
                self._train_step(values, rows)
                if (self.step - 1) % self.settings.eval_step_interval == 0 or self.step == total:
                    self._report(values, rows, events, counter)
                counter.update(self.step, total)
                if time.monotonic() - saved > SAVE_INTERVAL:
                    self.save()
                    saved = time.monotonic()
        return self.save()

    def test(self, count: int) -> Test:
        """The predictions for `count` random test images, or for all if `count` is −1."""
        rows = self.split.sample("testing", count, self.settings.seed, self.step)
        logits = self._logits(self._values(rows))
        return Test(rows, logits, logits.argmax(1) == self.folder.labels[rows])

    def _train_step(self, values: NDArray[np.float32], rows: NDArray[np.intp]) -> None:
        feeds = {self.network.cut: values, self.network.labels: self._one_hot[rows]}
        _, loss = self.session.run([self.network.train, self.network.loss], feeds)
        if not math.isfinite(loss):
            raise TrainingError(f"the loss became {loss} in step {self.step}; try a smaller --learning-rate")
        self.step += 1

    def _report(self, values: NDArray[np.float32], rows: NDArray[np.intp], events: Events, counter: Counter) -> None:
        train = self._measure(values, rows)
        chosen = self.split.sample("validation", self.settings.validation_batch_size, self.settings.seed, self.step)
        validation = self._measure(self._values(chosen), chosen)
        found = Evaluation(self.step - 1, *train, *validation, len(chosen))
        self.history.append(found)
        events.add(found, self.session)
        for line in found.lines(datetime.now()):
            counter.line(line)

    def _measure(self, values: NDArray[np.float32], rows: NDArray[np.intp]) -> tuple[float, float]:
        logits = self._logits(values)
        right = logits.argmax(1) == self.folder.labels[rows]
        return float(right.mean()), float(cross_entropy(logits, self._one_hot[rows]).mean())

    @contextmanager
    def _batches(self, total: int) -> Iterator[Iterator[tuple[NDArray[np.intp], NDArray[np.float32] | None]]]:
        """For each remaining step, the rows of its images and, unless cached at the cut, the images."""

        def load(step: int) -> tuple[NDArray[np.intp], NDArray[np.float32] | None]:
            rows = self.split.sample("training", self.settings.train_batch_size, self.settings.seed, step)
            if self.bottlenecks is not None and not self.distortions:
                return rows, None
            return rows, np.stack([self._distorted(int(row), step, place) for place, row in enumerate(rows)])

        with Prefetch(load, range(self.step, total), workers=2, ahead=3) as batches:
            yield batches

    def _distorted(self, row: int, step: int, place: int) -> NDArray[np.float32]:
        size = (self.model.image_size,) * 2
        image = load_distorted(self.folder.files[row], size, self.distortions, self.settings.seed, step, place)
        return self.preprocessing.apply(image)

    def _load(self, path: Path) -> NDArray[np.float32]:
        return self.preprocessing.apply(load_image(path, (self.model.image_size,) * 2))

    def _values(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """The undistorted input of the trained part for these images."""
        if self.bottlenecks is not None:
            return self.bottlenecks.get(rows)
        with Prefetch(self._load, [self.folder.files[row] for row in rows], workers=2, ahead=8) as images:
            return np.stack(list(images))

    def _to_cut(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        return images if self.bottlenecks is None else self._forward(images)

    def _forward(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._in_parts(self.network.cut, self.network.images, images)

    def _logits(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._in_parts(self.network.logits, self.network.cut, values)

    def _in_parts(self, fetch: tf.Tensor, feed: tf.Tensor, values: NDArray[np.float32]) -> NDArray[np.float32]:
        size = len(values) if values[0].size <= 1 << 14 else _AT_ONCE  # vectors need no parts
        parts = [values[start : start + size] for start in range(0, len(values), size)]
        return np.concatenate([self.session.run(fetch, {feed: part}) for part in parts])


def _scope(graph: tf.Graph) -> str:
    """The prefix of the names of the network's own variables."""
    with graph.as_default():
        names = [v.op.name for v in tf.trainable_variables() if not v.op.name.startswith(f"{SCOPE}/")]
    tops = {name.partition("/")[0] for name in names}
    return tops.pop() if len(tops) == 1 else ""
