"""`tf.contrib.slim`: variables of models, their checkpoints, and the training loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import minigraph as tf
from minigraph.core.arguments import refuse, refuse_remote
from minigraph.core.graph import Tensor
from minigraph.tf1 import logs
from minigraph.tf1.saving import Saver
from minigraph.train.stored import read_any


def get_variables(scope: str | None = None, suffix: str | None = None, collection: str = "variables") -> list[Any]:
    """Variables of a collection whose names begin with `scope` and end with `suffix`."""
    found = tf.get_collection(collection, scope)
    return [v for v in found if suffix is None or v.op.name.endswith(suffix)]


def variable(
    name: str, shape: Any = None, dtype: Any = None, initializer: Any = None, regularizer: Any = None,
    trainable: bool = True, collections: Any = None, caching_device: Any = None, device: Any = None,
    partitioner: Any = None, custom_getter: Any = None, use_resource: Any = None, synchronization: Any = None,
    aggregation: Any = None,
) -> Any:  # fmt: skip
    """`tf.get_variable` on a device: a session has one, so `device` must be None."""
    refuse("slim.variable", device=device)
    return tf.get_variable(
        name, shape, dtype, initializer, regularizer, trainable, collections, caching_device, partitioner, True,
        use_resource, custom_getter, None, synchronization, aggregation,
    )  # fmt: skip


def model_variable(
    name: str, shape: Any = None, dtype: Any = None, initializer: Any = None, regularizer: Any = None,
    trainable: bool = True, collections: Any = None, caching_device: Any = None, device: Any = None,
    partitioner: Any = None, custom_getter: Any = None, use_resource: Any = None, synchronization: Any = None,
    aggregation: Any = None,
) -> Any:  # fmt: skip
    """`variable`, also in MODEL_VARIABLES. collections: further ones."""
    kept = [*(collections or []), tf.GraphKeys.GLOBAL_VARIABLES, tf.GraphKeys.MODEL_VARIABLES]
    return variable(
        name, shape, dtype, initializer, regularizer, trainable, list(dict.fromkeys(kept)), caching_device, device,
        partitioner, custom_getter, use_resource, synchronization, aggregation,
    )  # fmt: skip


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

    ignore_missing_vars: skip variables that the checkpoint lacks; returns None if it lacks all. reshape_variables:
    reshape values that have another shape but as many elements as their variable. Raises ValueError for
    an empty list, NotFoundError.
    """
    if not var_list:
        raise ValueError("var_list cannot be empty")
    named = dict(var_list) if isinstance(var_list, Mapping) else {v.op.name: v for v in var_list}
    if ignore_missing_vars:
        held = read_any(model_path)
        for name in [n for n in named if n not in held]:
            logs.warning("Variable %s missing in checkpoint %s", name, model_path)
            del named[name]
        if not named:
            logs.warning("No Variables to restore")
            return None
    saver = Saver(named, reshape=reshape_variables)
    return lambda session: saver.restore(session, model_path)


def create_train_op(
    total_loss: Tensor, optimizer: Any, global_step: Any = 0, update_ops: Iterable[Any] | None = None,
    variables_to_train: Any = None, clip_gradient_norm: float = 0, summarize_gradients: bool = False,
    gate_gradients: Any = None, aggregation_method: Any = None, colocate_gradients_with_ops: bool = False,
    gradient_multipliers: Mapping[Any, float] | None = None, check_numerics: bool = True,
) -> Tensor:  # fmt: skip
    """A tensor that runs one training step and returns the loss.

    update_ops: run before the step; by default those of UPDATE_OPS. global_step: 0 means the graph's own.
    summarize_gradients: make a histogram and the norm of each gradient that is applied. check_numerics: fail if the
    loss is not finite. gate_gradients, aggregation_method and colocate_gradients_with_ops have no effect.
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
        pairs = [(tf.scalar_mul(float(by_name.get(v.op, by_name.get(v.op.name, 1.0))), g), v) for g, v in pairs]
    if clip_gradient_norm > 0:
        pairs = [(tf.clip_by_norm(g, clip_gradient_norm), v) for g, v in pairs]
    if summarize_gradients:
        with tf.name_scope("summarize_grads"):
            for gradient, variable in pairs:
                tf.summary.histogram(f"{variable.op.name}_gradient", gradient)
                tf.summary.scalar(f"{variable.op.name}_gradient_norm", tf.global_norm([gradient]))
    step = optimizer.apply_gradients(pairs, global_step=global_step)
    with tf.name_scope("train_op"):
        if check_numerics:
            total_loss = tf.check_numerics(total_loss, "LossTensor is inf or nan")
        with tf.control_dependencies([step]):
            made = tf.identity(total_loss, name="control_dependency")
    tf.add_to_collection(tf.GraphKeys.TRAIN_OP, made)
    return made


def train_step(sess: Any, train_op: Any, global_step: Any, train_step_kwargs: Mapping[str, Any]) -> tuple[Any, bool]:
    """Run one training step; return the loss, and whether to stop.

    train_step_kwargs: tensors `should_stop` and `should_log`, which are run after the step.
    """
    began = time.monotonic()
    loss, step = sess.run([train_op, global_step])
    seconds = time.monotonic() - began
    if "should_log" in train_step_kwargs and sess.run(train_step_kwargs["should_log"]):
        logs.info("global step %d: loss = %.4f (%.3f sec/step)", step, loss, seconds)
    return loss, bool("should_stop" in train_step_kwargs and sess.run(train_step_kwargs["should_stop"]))


def train(
    train_op: Any, logdir: Any, train_step_fn: Callable[..., tuple[Any, Any]] = train_step,
    train_step_kwargs: Any = "default", log_every_n_steps: int = 1, graph: Any = None, master: str = "",
    is_chief: bool = True, global_step: Any = None, number_of_steps: int | None = None, init_op: Any = "default",
    init_feed_dict: Any = None, local_init_op: Any = "default", init_fn: Any = None, ready_op: Any = None,
    summary_op: Any = "default", save_summaries_secs: float = 600, summary_writer: Any = "default",
    startup_delay_steps: int = 0, saver: Any = None, save_interval_secs: float = 600, sync_optimizer: Any = None,
    session_config: Any = None, session_wrapper: Any = None, trace_every_n_steps: int | None = None,
    ignore_live_threads: bool = False,
) -> Any:  # fmt: skip
    """Run `train_op` until the global step is `number_of_steps`; return the last loss.

    logdir: folder for checkpoints and event files; training resumes from its latest checkpoint. None disables both.
    train_step_fn: called as `train_step`, with train_step_kwargs. session_wrapper: a function from the session to the
    object whose `run` is used in its place. ready_op, startup_delay_steps and ignore_live_threads have no effect, as
    there is one process without threads; master, sync_optimizer, trace_every_n_steps and is_chief=False are refused.
    """
    refuse_remote("slim.learning.train", master=master)
    refuse("slim.learning.train", sync_optimizer=sync_optimizer, trace_every_n_steps=trace_every_n_steps)
    if not is_chief:
        raise ValueError("slim.learning.train: is_chief=False is not supported")
    target = graph or tf.get_default_graph()
    with target.as_default():
        step_count = global_step if global_step is not None else tf.train.get_or_create_global_step()
        merged: Any = tf.summary.merge_all() if isinstance(summary_op, str) else summary_op
        initials = [
            tf.global_variables_initializer() if isinstance(init_op, str) else init_op,
            tf.local_variables_initializer() if isinstance(local_init_op, str) else local_init_op,
        ]
        keeper = saver or Saver()
        if isinstance(train_step_kwargs, str):
            train_step_kwargs = _step_arguments(step_count, number_of_steps, log_every_n_steps)
        loss = None
        with tf.Session(graph=target, config=session_config) as session:
            _start(session, initials, init_feed_dict, init_fn, keeper, logdir)
            coord = tf.train.Coordinator()
            tf.train.start_queue_runners(session, coord)
            session = session if session_wrapper is None else session_wrapper(session)
            writer = summary_writer
            if isinstance(writer, str):
                writer = tf.summary.FileWriter(logdir, target) if logdir and merged is not None else None
            summaries = writer if logdir and merged is not None else None
            saved = summarised = time.monotonic()
            step = int(session.run(step_count))
            if summaries is not None:
                summaries.add_summary(session.run(merged), step)
            should_stop = number_of_steps is not None and step >= number_of_steps
            while not should_stop:
                coord.raise_requested_exception()
                loss, should_stop = train_step_fn(session, train_op, step_count, train_step_kwargs)
                step = int(session.run(step_count))
                now = time.monotonic()
                if summaries is not None and now - summarised >= save_summaries_secs:
                    summaries.add_summary(session.run(merged), step)
                    summarised = now
                if logdir and now - saved >= save_interval_secs:
                    keeper.save(session, f"{logdir}/model.ckpt", step)
                    saved = now
            coord.request_stop()
            if writer is not None:
                writer.close()
            if logdir:
                keeper.save(session, f"{logdir}/model.ckpt", step)
        return loss


def _step_arguments(step_count: Any, number_of_steps: int | None, log_every_n_steps: int) -> dict[str, Any]:
    """The tensors that `train_step` runs after the step."""
    with tf.name_scope("train_step"):
        tests = {}
        if number_of_steps:
            tests["should_stop"] = tf.greater_equal(step_count, number_of_steps)
        if log_every_n_steps > 0:
            tests["should_log"] = tf.equal(tf.mod(step_count, log_every_n_steps), 0)
    return tests


def _start(session: Any, initials: list[Any], feeds: Any, init_fn: Any, saver: Any, logdir: Any) -> None:
    """Restore the latest checkpoint, or initialise the variables."""
    session.run([op for op in initials[:1] if op is not None], feeds)
    session.run([op for op in initials[1:] if op is not None])
    latest = tf.train.latest_checkpoint(logdir) if logdir else None
    if latest:
        saver.restore(session, latest)
    elif init_fn is not None:
        init_fn(session)
