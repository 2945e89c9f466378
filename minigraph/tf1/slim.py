"""`tf.contrib.slim`: variables of models, their checkpoints, and the training loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.tf1 import logs
from minigraph.train.saver import read_checkpoint


def get_variables(scope: str | None = None, suffix: str | None = None, collection: str = "variables") -> list[Any]:
    """Variables of a collection whose names begin with `scope` and end with `suffix`."""
    found = tf.get_collection(collection, scope)
    return [v for v in found if suffix is None or v.op.name.endswith(suffix)]


def get_model_variables(scope: str | None = None, suffix: str | None = None) -> list[Any]:
    """The variables created by layers."""
    return get_variables(scope, suffix, tf.GraphKeys.MODEL_VARIABLES)


def get_trainable_variables(scope: str | None = None, suffix: str | None = None) -> list[Any]:
    return get_variables(scope, suffix, tf.GraphKeys.TRAINABLE_VARIABLES)


def get_variables_by_name(given_name: str, scope: str | None = None) -> list[Any]:
    """Variables whose name ends with the part `given_name`."""
    return [v for v in get_variables(scope) if v.op.name.rpartition("/")[2] == given_name]


def get_variables_to_restore(include: Any = None, exclude: Any = None) -> list[Any]:
    """The variables whose names begin with one of `include` (all, by default) and with none of `exclude`."""
    chosen = get_variables()
    if include is not None:
        chosen = list(dict.fromkeys(v for scope in include for v in get_variables(scope)))
    left_out = {v for scope in exclude or [] for v in get_variables(scope)}
    return [v for v in chosen if v not in left_out]


def assign_from_checkpoint_fn(
    model_path: Any, var_list: Any, ignore_missing_vars: bool = False, reshape_variables: bool = False
) -> Callable[[Any], None] | None:
    """A function of a session that restores the variables (a list, or by their names in the checkpoint).

    ignore_missing_vars: skip variables that the checkpoint lacks; returns None if it lacks all. Raises ValueError for
    an empty list, NotFoundError.
    """
    if not var_list:
        raise ValueError("var_list cannot be empty")
    named = dict(var_list) if isinstance(var_list, Mapping) else {v.op.name: v for v in var_list}
    if ignore_missing_vars:
        held = read_checkpoint(model_path)[0]
        for name in [n for n in named if n not in held]:
            logs.warning("Variable %s missing in checkpoint %s", name, model_path)
            del named[name]
        if not named:
            logs.warning("No Variables to restore")
            return None
    saver = tf.train.Saver(named)
    return lambda session: saver.restore(session, model_path)


def create_train_op(
    total_loss: Tensor, optimizer: Any, global_step: Any = 0, update_ops: Iterable[Any] | None = None,
    variables_to_train: Any = None, clip_gradient_norm: float = 0, summarize_gradients: bool = False,
    gradient_multipliers: Mapping[Any, float] | None = None, check_numerics: bool = True, **_ignored: Any,
) -> Tensor:  # fmt: skip
    """A tensor that runs one training step and returns the loss.

    update_ops: run before the step; by default those of UPDATE_OPS. global_step: 0 means the graph's own.
    check_numerics: fail if the loss is not finite.
    """
    if isinstance(global_step, int):
        global_step = tf.train.get_or_create_global_step()
    updates = list(tf.get_collection(tf.GraphKeys.UPDATE_OPS) if update_ops is None else update_ops)
    if updates:
        with tf.control_dependencies(updates):
            total_loss = tf.identity(total_loss)
    pairs = [(g, v) for g, v in optimizer.compute_gradients(total_loss, variables_to_train) if g is not None]
    if gradient_multipliers:
        by_name = {getattr(k, "op", k) if not isinstance(k, str) else k: m for k, m in gradient_multipliers.items()}
        pairs = [(g * float(by_name.get(v.op, by_name.get(v.op.name, 1.0))), v) for g, v in pairs]
    if clip_gradient_norm > 0:
        pairs = [(tf.clip_by_norm(g, clip_gradient_norm), v) for g, v in pairs]
    step = optimizer.apply_gradients(pairs, global_step=global_step)
    with tf.name_scope("train_op"):
        if check_numerics:
            total_loss = tf.check_numerics(total_loss, "LossTensor is inf or nan")
        with tf.control_dependencies([step]):
            made = tf.identity(total_loss, name="control_dependency")
    tf.add_to_collection(tf.GraphKeys.TRAIN_OP, made)
    return made


def train(
    train_op: Any, logdir: Any, number_of_steps: int | None = None, init_op: Any = None, init_fn: Any = None,
    log_every_n_steps: int = 1, summary_op: Any = "default", save_summaries_secs: float = 600,
    save_interval_secs: float = 600, saver: Any = None, global_step: Any = None, session_config: Any = None,
    graph: Any = None, **_ignored: Any,
) -> Any:  # fmt: skip
    """Run `train_op` until the global step is `number_of_steps`; return the last loss.

    logdir: folder for checkpoints and event files; training resumes from its latest checkpoint. None disables both.
    """
    target = graph or tf.get_default_graph()
    with target.as_default():
        step_count = global_step if global_step is not None else tf.train.get_or_create_global_step()
        merged: Any = tf.summary.merge_all() if summary_op == "default" else summary_op
        start = init_op if init_op is not None else tf.global_variables_initializer()
        keeper = saver or tf.train.Saver()
        loss = None
        with tf.Session(graph=target, config=session_config) as session:
            _start(session, start, init_fn, keeper, logdir)
            writer = tf.summary.FileWriter(logdir, target) if logdir and merged is not None else None
            saved = summarised = time.monotonic()
            step = int(session.run(step_count))
            if writer is not None:
                writer.add_summary(session.run(merged), step)
            while number_of_steps is None or step < number_of_steps:
                began = time.monotonic()
                loss = session.run(train_op)
                step = int(session.run(step_count))
                now = time.monotonic()
                if step % log_every_n_steps == 0:
                    logs.info("global step %d: loss = %.4f (%.3f sec/step)", step, loss, now - began)
                if writer is not None and now - summarised >= save_summaries_secs:
                    writer.add_summary(session.run(merged), step)
                    summarised = now
                if logdir and now - saved >= save_interval_secs:
                    keeper.save(session, f"{logdir}/model.ckpt", step)
                    saved = now
            if writer is not None:
                writer.close()
            if logdir:
                keeper.save(session, f"{logdir}/model.ckpt", step)
        return loss


def _start(session: Any, init_op: Any, init_fn: Any, saver: Any, logdir: Any) -> None:
    """Restore the latest checkpoint, or initialise the variables."""
    session.run(init_op)
    latest = tf.train.latest_checkpoint(logdir) if logdir else None
    if latest:
        saver.restore(session, latest)
    elif init_fn is not None:
        init_fn(session)
