"""Training and evaluation of the models, with checkpoints from which a run goes on exactly."""

from __future__ import annotations

import json
import math
import os
import signal
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import minigraph as tf
from minigraph.core.errors import DataLossError, MinigraphError
from minigraph.core.files import atomic_write
from minigraph.data import Batches, Dataset
from minigraph.models.record import Model
from minigraph.models.registry import get_recipe
from minigraph.tools.data import fingerprint
from minigraph.tools.progress import TrainingProgress

EVALUATION_BATCH = 250  # images; divides both MNIST test sets, so that evaluation needs one plan
FIRST = 256  # test images that a second accuracy is given for
KEPT_CHECKPOINTS = 2


@dataclass(frozen=True, slots=True)
class Settings:
    """All that, with the data, decides a run's numbers."""

    model: str
    batch_size: int
    learning_rate: float
    keep_prob: float
    stddev: float
    seed: int
    backend: str


@dataclass(slots=True)
class History:
    """loss and accuracy of each step's batch, as the step itself saw it; test accuracy after each epoch."""

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    test_accuracy: list[float] = field(default_factory=list)


class Result(NamedTuple):
    """predicted: int64 [M], the class of each test image."""

    predicted: NDArray[np.int64]
    history: History
    steps_per_epoch: int
    checkpoint: Path


class Network(NamedTuple):
    """A model's graph with its inputs, what is measured, and how it is trained."""

    graph: tf.Graph
    images: tf.Tensor
    labels: tf.Tensor
    keep_prob: tf.Tensor
    predicted: tf.Tensor
    accuracy: tf.Tensor
    loss: tf.Tensor
    train_step: Any
    initialise: Any
    saver: tf.train.Saver


class TrainingError(MinigraphError, RuntimeError):
    """Training cannot start, or cannot go on."""


class Interrupted(Exception):
    """Training stopped because the user asked; `checkpoint` holds all that was done."""

    def __init__(self, checkpoint: Path, step: int) -> None:
        super().__init__(f"stopped after step {step}")
        self.checkpoint = checkpoint
        self.step = step


def build_network(model: Model, *, stddev: float, learning_rate: float, seed: int) -> Network:
    """The model with softmax cross-entropy, accuracy, and Adam, in a graph of its own."""
    graph = tf.Graph()
    with graph.as_default():
        tf.set_random_seed(seed)
        images = tf.placeholder(tf.float32, [None, *get_recipe(model).image_shape], name="images")
        labels = tf.placeholder(tf.float32, [None, model.classes], name="labels")
        keep_prob = tf.placeholder(tf.float32, [], name="keep_prob")
        logits, _ = model.build(images, is_training=True, dropout_keep_prob=keep_prob, stddev=stddev)
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits), name="loss")
        predicted = tf.argmax(logits, 1, name="predicted")
        correct = tf.equal(predicted, tf.argmax(labels, 1))
        accuracy = tf.reduce_mean(tf.cast(correct, tf.float32), name="accuracy")
        train_step = tf.train.AdamOptimizer(learning_rate).minimize(
            loss, global_step=tf.train.get_or_create_global_step()
        )
        initialise = tf.global_variables_initializer()
        saver = tf.train.Saver(max_to_keep=KEPT_CHECKPOINTS)
    return Network(graph, images, labels, keep_prob, predicted, accuracy, loss, train_step, initialise, saver)


class _StopRequest:
    """In its `with` block the first SIGINT or SIGTERM only sets `asked`; a second one acts at once.

    So a step is never cut in the middle, which would leave the variables half updated.
    """

    def __init__(self) -> None:
        self.asked = False
        self._old: dict[int, Any] = {}

    def __enter__(self) -> _StopRequest:
        if threading.current_thread() is threading.main_thread():
            self._old = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


class Run:
    """One training run in a folder; `train` brings it from where it stands to its last step."""

    def __init__(self, model: Model, settings: Settings, data: Dataset, out: Path) -> None:
        self.settings, self.data, self.out = settings, data, out
        self.network = build_network(
            model, stddev=settings.stddev, learning_rate=settings.learning_rate, seed=settings.seed
        )
        self.session = tf.Session(graph=self.network.graph, backend=settings.backend)
        self.batches = Batches(data.train_images, data.train_labels, batch_size=settings.batch_size, seed=settings.seed)
        self.history = History()
        self._identity = {**asdict(settings), "data": fingerprint(data)}
        self._saved: tuple[int, Path] | None = None
        self._replaced: list[Path] = []

    @property
    def step(self) -> int:
        """Steps done."""
        return len(self.history.loss)

    def start(self, resume: bool) -> Path | None:
        """Initialise, or take up the run in the folder and return its checkpoint.

        With resume=False an earlier run in the folder is replaced once there is a checkpoint of this one.
        Raises TrainingError if the run in the folder has other settings.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        found = find_checkpoints(self.out)
        if not found or not resume:
            self.session.run(self.network.initialise)
            self._replaced = found
            return None
        latest = found[-1]
        metadata = _read_state(latest)
        _check_identity(metadata["settings"], self._identity, latest)
        self.network.saver.restore(self.session, latest)
        self.batches.restore(metadata["batches"])
        self.history = History(**metadata["history"])
        self.network.saver.last_checkpoints = [os.fspath(path) for path in found]
        self._saved = self.step, latest
        return latest

    def save(self) -> Path:
        """The checkpoint of this step, written unless it is there."""
        if self._saved is None or self._saved[0] != self.step:
            state = {"settings": self._identity, "batches": self.batches.state(), "history": asdict(self.history)}
            metadata = {key: json.dumps(value) for key, value in state.items()}
            path = self.network.saver.save(self.session, self.out / "checkpoint", self.step, metadata=metadata)
            self._saved = self.step, Path(path)
            while self._replaced:
                if (old := self._replaced.pop()) != self._saved[1]:
                    old.unlink(missing_ok=True)
        return self._saved[1]

    def train(self, total: int, checkpoint_every: int | None, progress: TrainingProgress) -> Result:
        """Train until `total` steps are done, with a checkpoint at each epoch's end and every so many steps.

        Raises Interrupted on SIGINT or SIGTERM, TrainingError if the loss is no longer finite.
        """
        each = self.batches.steps_per_epoch
        predicted = None
        with _StopRequest() as stop:
            while True:
                ended = self.step // each if self.step % each == 0 else 0
                if len(self.history.test_accuracy) < ended:
                    # Saved before, not after: evaluation draws random numbers too, and may be interrupted.
                    self.save()
                    predicted = self._evaluate(stop)
                    correct = float(np.mean(predicted == self.data.test_labels.argmax(1)))
                    self.history.test_accuracy.append(correct)
                    progress.line(f"epoch {ended}: test accuracy {correct:.4f}")
                if self.step >= total:
                    break
                self._check(stop)
                self._step(progress)
                if checkpoint_every is not None and self.step % checkpoint_every == 0:
                    self.save()
            checkpoint = self.save()
            if predicted is None or self.step % each != 0:
                predicted = self._evaluate(stop)
        return Result(predicted, self.history, each, checkpoint)

    def _step(self, progress: TrainingProgress) -> None:
        started = time.monotonic()
        images, labels = self.batches.next_batch()
        network = self.network
        feeds = {network.images: images, network.labels: labels, network.keep_prob: self.settings.keep_prob}
        _, loss, accuracy = self.session.run([network.train_step, network.loss, network.accuracy], feeds)
        if not math.isfinite(loss):
            kept = f" The checkpoint before it is {self._saved[1]}." if self._saved else ""
            raise TrainingError(
                f"the loss became {loss} in step {self.step + 1}; try a smaller --learning-rate or --stddev.{kept}"
            )
        self.history.loss.append(float(loss))
        self.history.accuracy.append(float(accuracy))
        progress.step(self.step, float(loss), float(accuracy), len(images), time.monotonic() - started)

    def _evaluate(self, stop: _StopRequest) -> NDArray[np.int64]:
        return predict(self.session, self.network, self.data.test_images, lambda: self._check(stop))

    def _check(self, stop: _StopRequest) -> None:
        if stop.asked:
            raise Interrupted(self.save(), self.step)


def find_checkpoints(folder: Path) -> list[Path]:
    """The files `checkpoint-<step>.safetensors` in a folder, by step."""
    found = [(path.stem.removeprefix("checkpoint-"), path) for path in folder.glob("checkpoint-*.safetensors")]
    return [path for _, path in sorted((int(step), path) for step, path in found if step.isdecimal())]


def predict(
    session: tf.Session, network: Network, images: NDArray[np.float32], between: Any = lambda: None
) -> NDArray[np.int64]:
    """The class of each of images [M, ...], int64 [M]. `between` is called before each batch."""
    found = [np.empty(0, np.int64)]
    for start in range(0, len(images), EVALUATION_BATCH):
        between()
        batch = images[start : start + EVALUATION_BATCH]
        found.append(session.run(network.predicted, {network.images: batch, network.keep_prob: 1.0}))
    return np.concatenate(found)


def evaluate_checkpoint(model: Model, checkpoint: Path, data: Dataset, backend: str | None) -> NDArray[np.int64]:
    """The class, int64 [M], that the model with a checkpoint's variables gives each test image."""
    recipe = get_recipe(model)
    network = build_network(model, stddev=recipe.stddev, learning_rate=recipe.learning_rate, seed=0)
    with tf.Session(graph=network.graph, backend=backend) as session:
        network.saver.restore(session, checkpoint)
        return predict(session, network, data.test_images)


def describe_accuracy(predicted: NDArray[np.int64], labels: NDArray[np.float32]) -> str:
    """Two lines: accuracy on all images, and on the first 256. predicted: [M]; labels: one-hot [M, classes]."""
    right = predicted == labels.argmax(1)
    lines = [f"test accuracy  {right.mean():.4f}  ({right.sum():,} of {len(right):,})"]
    if len(right) > FIRST:
        first = right[:FIRST]
        lines.append(f"first {FIRST}      {first.mean():.4f}  ({first.sum()} of {FIRST})")
    return "\n".join(lines)


def write_history(path: Path, settings: Settings, result: Result) -> None:
    """history.json: the settings, steps_per_epoch, and the lists of `History`."""
    content = {**asdict(settings), "steps_per_epoch": result.steps_per_epoch, **asdict(result.history)}
    with atomic_write(path, "w") as file:
        json.dump(content, file, indent=1)
        file.write("\n")


def _read_state(checkpoint: Path) -> dict[str, Any]:
    metadata = tf.train.read_metadata(checkpoint)
    try:
        return {key: json.loads(metadata[key]) for key in ("settings", "batches", "history")}
    except (KeyError, ValueError):
        raise DataLossError(
            f"{checkpoint}: not a checkpoint of `minigraph train`, so there is nothing to resume; choose another --out"
        ) from None


def _check_identity(theirs: dict[str, Any], ours: dict[str, Any], checkpoint: Path) -> None:
    other = [key for key in ours if theirs.get(key) != ours[key]]
    if other:
        differences = ", ".join(f"{key.replace('_', '-')} {theirs.get(key)} instead of {ours[key]}" for key in other)
        raise TrainingError(
            f"{checkpoint} is from a run with {differences}."
            " Choose another --out, give that run's options to go on with it, or --no-resume to replace it"
        )
