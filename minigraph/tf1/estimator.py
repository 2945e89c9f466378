"""`tf.estimator`: a model as a function, trained, evaluated and used for predictions from its checkpoints."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import minigraph as tf
from minigraph.core.arguments import refuse
from minigraph.core.graph import Tensor
from minigraph.tf1 import logs, saving, training
from minigraph.tf1.datasets import GraphDataset


class ModeKeys:
    """What a model function builds."""

    TRAIN, EVAL, PREDICT = "train", "eval", "infer"


class EstimatorSpec(NamedTuple):
    """What a model function returns."""

    mode: str
    predictions: Any = None
    loss: Any = None
    train_op: Any = None
    eval_metric_ops: Any = None
    export_outputs: Any = None
    training_chief_hooks: Any = None
    training_hooks: Any = None
    scaffold: Any = None
    evaluation_hooks: Any = None
    prediction_hooks: Any = None


class RunConfig(NamedTuple):
    """How an estimator runs: the seed, and how often it saves and logs."""

    model_dir: Any = None
    tf_random_seed: int | None = None
    save_summary_steps: int | None = 100
    save_checkpoints_steps: int | None = None
    save_checkpoints_secs: float | None = 600
    session_config: Any = None
    keep_checkpoint_max: int = 5
    keep_checkpoint_every_n_hours: float = 10000
    log_step_count_steps: int | None = 100


@dataclass(frozen=True)
class TrainSpec:
    """How `train_and_evaluate` trains."""

    input_fn: Callable[[], Any]
    max_steps: int | None = None
    hooks: Any = None


@dataclass(frozen=True)
class EvalSpec:
    """How `train_and_evaluate` evaluates."""

    input_fn: Callable[[], Any]
    steps: int | None = 100
    name: str | None = None
    hooks: Any = None


class Estimator:
    """A model with its checkpoints.

    model_fn: a function of `features`, and as its parameters ask for them `labels`, `mode`, `params` and `config`, that
    returns an EstimatorSpec. model_dir: the folder of checkpoints; by default a temporary one.
    """

    def __init__(
        self, model_fn: Callable[..., EstimatorSpec], model_dir: Any = None, config: RunConfig | None = None,
        params: Any = None, warm_start_from: Any = None,
    ) -> None:  # fmt: skip
        refuse("tf.estimator.Estimator", warm_start_from=warm_start_from)
        self._model_fn = model_fn
        self.config = config or RunConfig()
        self.params = dict(params) if isinstance(params, Mapping) else params
        self.model_dir = str(model_dir or self.config.model_dir or tempfile.mkdtemp())

    def latest_checkpoint(self) -> str | None:
        """The path of the last checkpoint, None before training."""
        return tf.train.latest_checkpoint(self.model_dir)

    def get_variable_names(self) -> list[str]:
        """The names of the variables in the last checkpoint."""
        return sorted(_values(self.latest_checkpoint()))

    def get_variable_value(self, name: str) -> np.ndarray:
        """The value of a variable in the last checkpoint."""
        return _values(self.latest_checkpoint())[name]

    def train(
        self, input_fn: Callable[..., Any], hooks: Any = None, steps: int | None = None, max_steps: int | None = None,
        saving_listeners: Any = None,
    ) -> Estimator:  # fmt: skip
        """Train for `steps` more steps, to `max_steps` in all, or to the end of the input."""
        refuse("tf.estimator.Estimator.train", saving_listeners=saving_listeners)
        if steps is not None and max_steps is not None:
            raise ValueError("Can not provide both steps and max_steps.")
        with tf.Graph().as_default():
            spec = self._build(input_fn, ModeKeys.TRAIN)
            step = tf.train.get_or_create_global_step()
            latest = self.latest_checkpoint()
            if max_steps is not None and latest and int(_values(latest)[step.op.name]) >= max_steps:
                logs.info("Skipping training since max_steps has already been reached.")
                return self
            chosen = [*(hooks or ()), *(spec.training_hooks or ()), *(spec.training_chief_hooks or ())]
            chosen.append(training.NanTensorHook(spec.loss))
            chosen.append(training.LoggingTensorHook({"loss": spec.loss, "step": step}, every_n_iter=100))
            if steps is not None or max_steps is not None:
                chosen.append(training.StopAtStepHook(steps, max_steps))
            if not any(t.op.name.rpartition("/")[2] == "loss" for t in tf.get_collection(tf.GraphKeys.SUMMARIES)):
                tf.summary.scalar("loss", spec.loss)
            saver = saving.Saver(
                max_to_keep=self.config.keep_checkpoint_max,
                keep_checkpoint_every_n_hours=self.config.keep_checkpoint_every_n_hours,
            )
            scaffold = spec.scaffold or training.Scaffold(saver=saver)
            with training.MonitoredTrainingSession(
                checkpoint_dir=self.model_dir, hooks=chosen, scaffold=scaffold, config=self.config.session_config,
                save_checkpoint_secs=None if self.config.save_checkpoints_steps else self.config.save_checkpoints_secs,
                save_checkpoint_steps=self.config.save_checkpoints_steps,
                save_summaries_steps=self.config.save_summary_steps,
                log_step_count_steps=self.config.log_step_count_steps,
            ) as session:  # fmt: skip
                while not session.should_stop():
                    session.run([spec.train_op, spec.loss])
        return self

    def evaluate(
        self, input_fn: Callable[..., Any], steps: int | None = None, hooks: Any = None, checkpoint_path: Any = None,
        name: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """The metrics over `steps` batches, or all, with the mean loss and the global step. name: for the log."""
        with tf.Graph().as_default():
            spec = self._build(input_fn, ModeKeys.EVAL)
            step = tf.train.get_or_create_global_step()
            metrics = dict(spec.eval_metric_ops or {})
            metrics["loss"] = tf.metrics.mean(spec.loss)
            values = {key: value for key, (value, _) in metrics.items()}
            updates = [update for _, update in metrics.values()]
            with self._restored(spec, checkpoint_path, [*(hooks or ()), *(spec.evaluation_hooks or ())]) as session:
                for _ in range(steps) if steps is not None else iter(int, 1):
                    try:
                        session.run(updates)
                    except tf.errors.OutOfRangeError:
                        break
                results = session._session.run({**values, "global_step": step})
            logs.info("Evaluation%s: %s", f" of {name}" if name else "", results)
            return dict(results)

    def predict(
        self, input_fn: Callable[..., Any], predict_keys: Any = None, hooks: Any = None, checkpoint_path: Any = None,
        yield_single_examples: bool = True,
    ) -> Iterator[Any]:  # fmt: skip
        """The predictions for each example, or batch by batch."""
        with tf.Graph().as_default():
            spec = self._build(input_fn, ModeKeys.PREDICT)
            wanted = spec.predictions
            if predict_keys is not None:
                wanted = {key: value for key, value in wanted.items() if key in predict_keys}
            session = self._restored(spec, checkpoint_path, [*(hooks or ()), *(spec.prediction_hooks or ())])
        with session:
            while True:
                try:
                    batch = session.run(wanted)
                except tf.errors.OutOfRangeError:
                    return
                if not yield_single_examples:
                    yield batch
                elif isinstance(batch, Mapping):
                    for i in range(len(next(iter(batch.values())))):
                        yield {key: value[i] for key, value in batch.items()}
                else:
                    yield from batch

    def _restored(self, spec: EstimatorSpec, path: Any, hooks: list[Any]) -> Any:
        """A session with a checkpoint's values. ValueError if there is no checkpoint."""
        found = path or self.latest_checkpoint()
        if not found:
            raise ValueError(f"Could not find trained model in model_dir: {self.model_dir}.")
        scaffold = (spec.scaffold or training.Scaffold()).finalize()
        session = training.MonitoredSession(scaffold=scaffold, hooks=hooks, config=self.config.session_config)
        scaffold.saver.restore(session._session, found)
        return session

    def _build(self, input_fn: Callable[..., Any], mode: str) -> EstimatorSpec:
        """The model on the input, in the default graph."""
        if self.config.tf_random_seed is not None:
            tf.set_random_seed(self.config.tf_random_seed)
        tf.train.get_or_create_global_step()
        if mode == ModeKeys.TRAIN:
            tf.get_default_graph().reserve_ids(11)  # a guarded read of the step
        given = {"mode": mode, "params": self.params, "config": self.config}
        features, labels = _input(_called(input_fn, given), mode)
        return _called(self._model_fn, {**given, "labels": labels}, features)  # type: ignore[no-any-return]


def _values(path: str | None) -> dict[str, np.ndarray]:
    """The values of a checkpoint by name."""
    if path is None:
        raise ValueError("there is no checkpoint yet")
    reader = tf.train.NewCheckpointReader(path)
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def _called(function: Callable[..., Any], given: dict[str, Any], *first: Any) -> Any:
    """The function's result with those of the given arguments that it takes."""
    names = inspect.signature(function).parameters
    return function(*first, **{name: value for name, value in given.items() if name in names and value is not None})


def _input(made: Any, mode: str) -> tuple[Any, Any]:
    """Features and labels of what an input function returned: tensors, or a dataset of them."""
    if isinstance(made, GraphDataset):
        iterator = made.make_initializable_iterator()
        tf.add_to_collection(tf.GraphKeys.TABLE_INITIALIZERS, iterator.initializer)
        made = iterator.get_next()
    if isinstance(made, tuple | list) and len(made) == 2:
        return made[0], made[1]
    if mode != ModeKeys.PREDICT and not isinstance(made, Tensor | Mapping):
        raise ValueError(f"input_fn should return features and labels, not {made!r}")
    return made, None


def numpy_input_fn(
    x: Any, y: Any = None, batch_size: int = 128, num_epochs: int | None = 1, shuffle: bool | None = None,
    queue_capacity: int = 1000, num_threads: int = 1,
) -> Callable[[], Any]:  # fmt: skip
    """An input function that gives batches of arrays, which share their first dimension.

    queue_capacity: the number of examples that wait to be drawn where `shuffle`. num_threads: no effect.
    """
    if not isinstance(shuffle, bool):
        raise ValueError(f"shuffle must be provided and explicitly set as boolean (it is: {shuffle!r})")

    def input_fn() -> Any:
        parts = (x,) if y is None else (x, y)
        with tf.get_default_graph().counted_as(19):  # the queue that TensorFlow makes
            dataset = GraphDataset.from_tensor_slices(parts)
            if shuffle:
                dataset = dataset.shuffle(queue_capacity)
            batches = dataset.repeat(num_epochs).batch(batch_size).make_one_shot_iterator().get_next()
        return batches[0] if y is None else batches

    return input_fn


def train_and_evaluate(estimator: Estimator, train_spec: TrainSpec, eval_spec: EvalSpec) -> tuple[Any, None]:
    """Train, then evaluate; the metrics."""
    estimator.train(train_spec.input_fn, train_spec.hooks, max_steps=train_spec.max_steps)
    found = estimator.evaluate(eval_spec.input_fn, eval_spec.steps, eval_spec.hooks, name=eval_spec.name)
    return found, None
