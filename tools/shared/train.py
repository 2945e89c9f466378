"""Training and evaluation of the models, with checkpoints from which a run resumes exactly."""

from __future__ import annotations

import inspect
import json
import math
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import minigraph as tf
from minigraph import distributed as hvd
from minigraph.compile.specialise import RANDOM_STATE
from minigraph.models.record import Model
from minigraph.models.registry import get_recipe
from minigraph.ops.collective.world import WORLD
from minigraph.tools.shared.baseline import Baseline, cross_entropy
from minigraph.tools.shared.data import Images, TrainingData
from minigraph.tools.shared.events import EventFiles
from minigraph.tools.shared.progress import TrainingProgress
from minigraph.tools.shared.running import Best, Checkpoints, Interrupted, StopRequest, TrainingError, recorded
from minigraph.tools.shared.watched import EXAMPLES, look
from minigraph.tools.shared.workers import compare, spread
from minigraph.util.files import atomic_write

EVALUATION_BATCH = 250  # images; divides both MNIST test sets, so that evaluation needs one plan
FIRST = 256  # test images that a second accuracy is given for
KEPT_CHECKPOINTS = 2
HISTOGRAM_STEPS = 100  # steps between histograms of weights and activations, after the first
EVENT_STEPS = 10  # steps between two entries in the event files
SAVE_INTERVAL = 10.0  # least seconds between two checkpoints at ends of epochs


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """The settings that determine, with the data, a run's numbers.

    keep_prob: None without dropout. stddev: None for the network's own.
    """

    model: str
    batch_size: int
    learning_rate: float
    keep_prob: float | None
    stddev: float | None
    seed: int
    backend: str


@dataclass(slots=True)
class History:
    """loss, accuracy: of each step's batch, before the step's update. test_*: of the test images after each epoch."""

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    test_accuracy: list[float] = field(default_factory=list)
    test_loss: list[float] = field(default_factory=list)


class TrainingResult(NamedTuple):
    """The result of a run. logits: float32 [M, classes], of each test image."""

    logits: NDArray[np.float32]
    history: History
    steps_per_epoch: int
    checkpoint: Path


class TrainingNetwork(NamedTuple):
    """A model's graph with its inputs, metrics and training step.

    logits, predicted: for evaluation; with batch normalisation they are by the moving statistics. loss, accuracy: of
    the training batch. normalised: whether there is batch normalisation.
    share: this rank's share of the images of a batch; None if there is one rank.
    """

    graph: tf.Graph
    images: tf.Tensor
    labels: tf.Tensor
    keep_prob: tf.Tensor
    logits: tf.Tensor
    predicted: tf.Tensor
    accuracy: tf.Tensor
    loss: tf.Tensor
    train_step: Any
    initialise: Any
    saver: tf.train.Saver
    share: tf.Tensor | None
    normalised: bool


def build_network(
    model: Model, *, stddev: float | None, learning_rate: float, seed: int, classes: int | None = None
) -> TrainingNetwork:
    """Build the model with softmax cross-entropy, accuracy and Adam in a new graph.

    stddev: of the initial values; None for the model's own. classes: None for the model's.
    """
    initial: dict[str, Any] = {} if stddev is None else {"stddev": stddev}
    count = model.classes if classes is None else classes
    graph = tf.Graph()
    with graph.as_default():
        tf.set_random_seed(seed)
        images = tf.placeholder(tf.float32, [None, *get_recipe(model).image_shape], name="images")
        labels = tf.placeholder(tf.float32, [None, count], name="labels")
        keep_prob = tf.placeholder(tf.float32, [], name="keep_prob")
        if "dropout_keep_prob" in inspect.signature(model.build).parameters:
            initial["dropout_keep_prob"] = keep_prob
        logits, _ = model.build(images, num_classes=count, is_training=True, **initial)
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits), name="loss")
        chosen = tf.argmax(logits, 1, name="predicted")
        correct = tf.equal(chosen, tf.argmax(labels, 1))
        accuracy = tf.reduce_mean(tf.cast(correct, tf.float32), name="accuracy")
        share = tf.placeholder(tf.float32, [], name="share") if WORLD.size > 1 else None
        optimizer: tf.train.Optimizer = tf.train.AdamOptimizer(learning_rate)
        part = loss
        if share is not None:
            part = loss * share
            optimizer = hvd.DistributedOptimizer(optimizer, op=hvd.Sum)
            loss, accuracy = (hvd.allreduce(x * share, op=hvd.Sum) for x in (loss, accuracy))
        updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
        with tf.control_dependencies(updates):
            train_step = optimizer.minimize(part, global_step=tf.train.get_or_create_global_step())
        if updates:
            logits, _ = model.build(images, num_classes=count, is_training=False, reuse=True)
            chosen = tf.argmax(logits, 1, name="predicted")
        initialise = tf.global_variables_initializer()
        saver = tf.train.Saver(max_to_keep=KEPT_CHECKPOINTS)
    return TrainingNetwork(
        graph, images, labels, keep_prob, logits, chosen, accuracy, loss, train_step, initialise, saver, share,
        bool(updates),
    )  # fmt: skip


class TrainingRun:
    """One training run in a folder. `train` continues it to its last step."""

    def __init__(
        self, model: Model, settings: TrainingSettings, data: TrainingData, out: Path, memory_limit: int | None = None
    ) -> None:
        self.settings, self.data, self.out = settings, data, out
        self.network = build_network(
            model,
            stddev=settings.stddev,
            learning_rate=settings.learning_rate,
            seed=settings.seed,
            classes=len(data.classes),
        )
        self.session = tf.Session(graph=self.network.graph, backend=settings.backend, memory_limit=memory_limit)
        self.batches = data.batches(settings.batch_size, settings.seed)
        self.batches.divide(WORLD.rank, WORLD.size)
        self.baseline = Baseline.of(data.train_labels, data.test_labels, data.classes)
        self.history = History()
        identity = {**recorded(settings), **data.identity()}
        compare(identity)
        self._checkpoints = Checkpoints(out, self.network.saver, self.session, identity, "minigraph train")
        self._next_save = 0.0
        self.best = Best(out, model_variables(self.network.graph), identity, "minigraph train")
        self.events: EventFiles | None = None

    @property
    def step(self) -> int:
        """The number of finished steps."""
        return len(self.history.loss)

    def start(self, resume: bool) -> Path | None:
        """Initialise the run, or resume the one in the folder and return its checkpoint; see `Checkpoints.restore`.

        Only rank 0 reads the checkpoint.
        """
        restored = None if WORLD.rank else self._checkpoints.restore(resume, ("batches", "history"))
        if restored is None:
            self.session.run(self.network.initialise)
            if not WORLD.rank:
                self.best.path.unlink(missing_ok=True)  # of the run that this one replaces
        found: tuple[Path, dict[str, Any]] | None = WORLD.broadcast_object(restored)
        self._share_state()
        if found is None:
            return None
        path, state = found
        self.batches.restore(state["batches"])
        self.history = History(**state["history"])
        return path

    def _share_state(self, only: str = "") -> None:
        """Give all ranks the variables and random states of rank 0 whose names begin with `only`."""
        if WORLD.size > 1:
            own = {} if WORLD.rank else self.session.read_state()  # the others' state is not read
            state = {name: value for name, value in own.items() if name.startswith(only)}
            self.session.write_state(WORLD.broadcast_object(state))

    def save(self) -> Path:
        """The checkpoint of this step, written unless it exists; only rank 0 writes it."""
        if WORLD.rank:
            return self.out
        path = self._checkpoints.save(self.step, {"batches": self.batches.state(), "history": asdict(self.history)})
        self._next_save = time.monotonic() + SAVE_INTERVAL
        return path

    @property
    def best_epoch(self) -> int:
        """The epoch with the least validation loss so far, from 1; 0 before the first has ended."""
        losses = self.history.test_loss
        return min(range(len(losses)), key=losses.__getitem__) + 1 if losses else 0

    def is_stuck(self, patience: int | None) -> bool:
        """Whether the validation loss has not become less for `patience` epochs."""
        return patience is not None and len(self.history.test_loss) - self.best_epoch >= patience

    def train(
        self, total: int, checkpoint_every: int | None, progress: TrainingProgress, patience: int | None = None
    ) -> TrainingResult:
        """Train until `total` steps are done, or the validation loss has not become less for `patience` epochs.

        Saves at ends of epochs and every `checkpoint_every` steps, and the variables after the best epoch.

        Raises Interrupted on SIGINT or SIGTERM, TrainingError if the loss is no longer finite.
        """
        each = self.batches.steps_per_epoch
        logits = None
        with StopRequest() as stop:
            while True:
                ended = self.step // each if self.step % each == 0 else 0
                if len(self.history.test_accuracy) < ended:
                    logits = self._end_epoch(ended, stop, progress)
                if self.step >= total or (self.step % each == 0 and self.is_stuck(patience)):
                    break
                self._check(stop)
                self._step(progress)
                if checkpoint_every is not None and self.step % checkpoint_every == 0:
                    self.save()
            checkpoint = self.save()
            if logits is None or self.step % each != 0:
                logits = self._evaluate(stop)
        return TrainingResult(logits, self.history, each, checkpoint)

    def _end_epoch(self, epoch: int, stop: StopRequest, progress: TrainingProgress) -> NDArray[np.float32]:
        if self.network.normalised:
            self._share_state()  # each rank has the moving statistics of its own images
        # Evaluation draws random numbers too: it must not be interrupted unless there is a checkpoint from before it.
        if time.monotonic() >= self._next_save:
            self.save()
            logits = self._evaluate(stop)
        else:
            logits = predict(self.session, self.network, self.data.test_images)
        self._share_state(RANDOM_STATE)  # ranks may have tested other numbers of images
        correct = float(np.mean(logits.argmax(1) == self.data.test_labels.argmax(1)))
        loss = float(np.mean(cross_entropy(logits, self.data.test_labels)))
        self.history.test_accuracy.append(correct)
        self.history.test_loss.append(loss)
        if self.best_epoch == epoch and WORLD.rank == 0:
            self.best.save(self.session, self.step)
        progress.line(f"epoch {epoch}: validation loss {loss:.4g}, accuracy {correct:.4f}")
        if self.events is not None:
            self.events.add("validation", self.step, {"loss": loss, "accuracy": correct})
        return logits

    def _step(self, progress: TrainingProgress) -> None:
        started = time.monotonic()
        images, labels = self.batches.next_batch()
        network = self.network
        feeds = {network.images: images, network.labels: labels, network.keep_prob: self.settings.keep_prob or 1.0}
        if network.share is not None:
            feeds[network.share] = self.batches.share
        _, loss, accuracy = self.session.run([network.train_step, network.loss, network.accuracy], feeds)
        if not math.isfinite(loss):
            kept = f" The checkpoint before it is {self._checkpoints.last}." if self._checkpoints.last else ""
            raise TrainingError(
                f"the loss became {loss} in step {self.step + 1}; try a smaller --learning-rate or --stddev.{kept}"
            )
        self.history.loss.append(float(loss))
        self.history.accuracy.append(float(accuracy))
        if self.events is not None and self.step % EVENT_STEPS == 0:
            rate = self.settings.learning_rate
            self.events.add(
                "train", self.step, {"loss": float(loss), "accuracy": float(accuracy), "learning_rate": rate}
            )
            if self.step == EVENT_STEPS or self.step % HISTOGRAM_STEPS == 0:
                seen = {} if network.share is not None else {network.images: images[:EXAMPLES], network.keep_prob: 1.0}
                self.events.add_histograms("train", self.step, look(self.session, network.logits, seen))
        progress.step(
            self.step, float(loss), float(accuracy), round(len(images) / self.batches.share), time.monotonic() - started
        )

    def _evaluate(self, stop: StopRequest) -> NDArray[np.float32]:
        return predict(self.session, self.network, self.data.test_images, lambda: self._check(stop))

    def _check(self, stop: StopRequest) -> None:
        if WORLD.stops(stop.asked):
            raise Interrupted(self.save(), self.step)


def predict(
    session: tf.Session, network: TrainingNetwork, images: Images, between: Any = lambda: None
) -> NDArray[np.float32]:
    """The logits, float32 [M, classes], of images [M, ...], to which all ranks contribute.

    `between` is called before each batch.
    """

    def logits(start: int) -> NDArray[np.float32]:
        between()
        batch = images[start : start + EVALUATION_BATCH]
        return session.run(network.logits, {network.images: batch, network.keep_prob: 1.0})

    return np.concatenate(spread(logits, range(0, len(images), EVALUATION_BATCH)))


def summarise(result: TrainingResult, data: TrainingData, baseline: Baseline) -> str:
    """A report: the accuracy, the baseline, and a message if the network is no better."""
    lines = [describe_accuracy(result.logits, data.test_labels), baseline.describe()]
    accuracy = float(np.mean(result.logits.argmax(1) == data.test_labels.argmax(1)))
    loss = float(np.mean(cross_entropy(result.logits, data.test_labels)))
    verdict = baseline.verdict(accuracy, loss, float(np.mean(result.history.loss[-result.steps_per_epoch :])))
    return "\n".join(lines if verdict is None else [*lines, verdict])


def evaluate_checkpoint(model: Model, checkpoint: Path, data: TrainingData, backend: str | None) -> NDArray[np.float32]:
    """The logits, float32 [M, classes], of the test images for a checkpoint's variables."""
    recipe = get_recipe(model)
    network = build_network(
        model, stddev=recipe.stddev, learning_rate=recipe.learning_rate, seed=0, classes=len(data.classes)
    )
    with tf.Session(graph=network.graph, backend=backend) as session:
        with network.graph.as_default():
            tf.train.Saver(model_variables(network.graph)).restore(session, checkpoint)
        return predict(session, network, data.test_images)


def model_variables(graph: tf.Graph) -> list[tf.Variable]:
    """A network's variables without the optimizer's: the trained ones, and the moving statistics."""
    with graph.as_default():
        moving = [v for v in tf.global_variables() if v.op.name.endswith(("/moving_mean", "/moving_variance"))]
        return [*tf.trainable_variables(), *moving]


def describe_accuracy(logits: NDArray[np.float32], labels: NDArray[np.float32]) -> str:
    """Two lines: accuracy on all images and on the first 256. logits, one-hot labels: [M, classes]."""
    right = logits.argmax(1) == labels.argmax(1)
    lines = [f"test accuracy  {right.mean():.4f}  ({right.sum():,} of {len(right):,})"]
    if len(right) > FIRST:
        first = right[:FIRST]
        lines.append(f"first {FIRST}      {first.mean():.4f}  ({first.sum()} of {FIRST})")
    return "\n".join(lines)


def write_history(path: Path, settings: TrainingSettings, result: TrainingResult) -> None:
    """Write history.json: the settings, steps_per_epoch, and the lists of `History`."""
    content = {**recorded(settings), "steps_per_epoch": result.steps_per_epoch, **asdict(result.history)}
    with atomic_write(path, "w") as file:
        json.dump(content, file, indent=1)
        file.write("\n")
