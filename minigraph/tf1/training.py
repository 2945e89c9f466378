"""Managed sessions: `MonitoredTrainingSession` with hooks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import minigraph as tf
from minigraph.core.arguments import refuse, refuse_remote
from minigraph.core.errors import OpError
from minigraph.tf1 import logs
from minigraph.tf1.saving import Saver

NAME = "model.ckpt"


class SessionRunArgs(NamedTuple):
    """A hook's additional fetches, feeds and options for a run."""

    fetches: Any = None
    feed_dict: Any = None
    options: Any = None


class SessionRunValues(NamedTuple):
    """The results of a hook's `SessionRunArgs`."""

    results: Any
    options: Any = None
    run_metadata: Any = None


class SessionRunContext:
    """The context of a run, for hooks."""

    def __init__(self, original_args: SessionRunArgs, session: Any) -> None:
        self.original_args = original_args
        self.session = session
        self.stop_requested = False

    def request_stop(self) -> None:
        """Make `should_stop()` true."""
        self.stop_requested = True


class SessionRunHook:
    """A hook around the runs of a monitored session. By default, all methods do nothing."""

    def begin(self) -> None:
        """Called once before the session is created; may add nodes."""

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Called once after the variables are initialised."""

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Called before each run; returns additional fetches and feeds."""

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Called after each run."""

    def end(self, session: Any) -> None:
        """Called once at the end, unless an error ended the session."""


class _StepHook(SessionRunHook):
    """A hook that reads the global step after each run."""

    def begin(self) -> None:
        self._step = tf.train.get_global_step()
        if self._step is None:
            raise RuntimeError(f"Global step should be created to use {type(self).__name__}.")

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        self.at_step(run_context, int(run_context.session.run(self._step)))

    def at_step(self, context: SessionRunContext, step: int) -> None:
        raise NotImplementedError


class StopAtStepHook(_StepHook):
    """Stops `num_steps` steps after the start, or at `last_step`."""

    def __init__(self, num_steps: int | None = None, last_step: int | None = None) -> None:
        if (num_steps is None) == (last_step is None):
            raise ValueError("Exactly one of num_steps or last_step should be specified.")
        self._count, self._last = num_steps, last_step

    def after_create_session(self, session: Any, coord: Any) -> None:
        if self._last is None:
            self._last = int(session.run(self._step)) + (self._count or 0)

    def at_step(self, context: SessionRunContext, step: int) -> None:
        if self._last is not None and step >= self._last:
            context.request_stop()


class CheckpointSaverHook(_StepHook):
    """Saves a checkpoint every `save_secs` seconds or `save_steps` steps, and at the end."""

    def __init__(
        self, checkpoint_dir: Any, save_secs: float | None = None, save_steps: int | None = None, saver: Any = None,
        checkpoint_basename: str = NAME, scaffold: Any = None, listeners: Any = None,
    ) -> None:  # fmt: skip
        refuse("tf.train.CheckpointSaverHook", listeners=listeners or None)
        self._prefix = f"{checkpoint_dir}/{checkpoint_basename}"
        self._timer = Timer(save_steps, save_secs)
        self._saver: Any = saver or getattr(scaffold, "saver", None)

    def after_create_session(self, session: Any, coord: Any) -> None:
        self._saver = self._saver or Saver()
        self._timer.due(int(session.run(self._step)))

    def at_step(self, context: SessionRunContext, step: int) -> None:
        if self._timer.due(step):
            self._saver.save(context.session, self._prefix, step)

    def end(self, session: Any) -> None:
        self._saver.save(session, self._prefix, int(session.run(self._step)))


class SummarySaverHook(SessionRunHook):
    """Writes a summary every `save_steps` steps or `save_secs` seconds."""

    def __init__(
        self, save_steps: int | None = None, save_secs: float | None = None, output_dir: Any = None,
        summary_writer: Any = None, scaffold: Any = None, summary_op: Any = None,
    ) -> None:  # fmt: skip
        self._timer = Timer(save_steps, save_secs)
        self._dir, self._writer, self._op, self._scaffold = output_dir, summary_writer, summary_op, scaffold
        self._runs = 0

    def begin(self) -> None:
        self._step = tf.train.get_global_step()
        self._op = self._op if self._op is not None else tf.summary.merge_all()

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        self._now = self._op is not None and self._timer.due(self._runs)
        return SessionRunArgs(self._op) if self._now else None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        self._runs += 1
        if self._now:
            self._writer = self._writer or tf.summary.FileWriterCache.get(self._dir)
            step = self._runs if self._step is None else int(run_context.session.run(self._step))
            self._writer.add_summary(run_values.results, step)

    def end(self, session: Any = None) -> None:
        if self._writer is not None:
            self._writer.flush()


class LoggingTensorHook(SessionRunHook):
    """Logs tensors (a list, or by name) every `every_n_iter` runs or `every_n_secs` seconds."""

    def __init__(
        self, tensors: Any, every_n_iter: int | None = None, every_n_secs: float | None = None, at_end: bool = False,
        formatter: Any = None,
    ) -> None:  # fmt: skip
        if (every_n_iter is None) + (every_n_secs is None) != 1 and not at_end:
            raise ValueError("either at_end and/or exactly one of every_n_iter and every_n_secs must be provided.")
        self._tensors = tensors if isinstance(tensors, dict) else {getattr(t, "name", t): t for t in tensors}
        self._timer = Timer(every_n_iter, every_n_secs)
        self._format, self._at_end, self._runs = formatter, at_end, 0

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        self._now = self._timer.due(self._runs)
        return SessionRunArgs(self._tensors) if self._now else None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        self._runs += 1
        if self._now:
            self._log(run_values.results)

    def end(self, session: Any) -> None:
        if self._at_end:
            self._log(session.run(self._tensors))

    def _log(self, values: dict[str, Any]) -> None:
        text = self._format(values) if self._format else ", ".join(f"{k} = {v}" for k, v in values.items())
        logs.info("%s", text)


class StepCounterHook(_StepHook):
    """Logs steps per second, and writes them as a summary if there is a folder or a writer for it."""

    def __init__(
        self, every_n_steps: int | None = 100, every_n_secs: float | None = None, output_dir: Any = None,
        summary_writer: Any = None,
    ) -> None:  # fmt: skip
        self._timer = Timer(every_n_steps, every_n_secs)
        self._dir, self._writer = output_dir, summary_writer
        self._last = (0, time.monotonic())

    def at_step(self, context: SessionRunContext, step: int) -> None:
        if self._timer.due(step):
            now = time.monotonic()
            before, then = self._last
            if now > then and step > before:
                self._report((step - before) / (now - then), step)
            self._last = step, now

    def _report(self, rate: float, step: int) -> None:
        logs.info("global_step/sec: %g", rate)
        if self._writer is None and self._dir:
            self._writer = tf.summary.FileWriterCache.get(self._dir)
        if self._writer is not None:
            value = tf.Summary.Value(tag="global_step/sec", simple_value=rate)
            self._writer.add_summary(tf.Summary(value=[value]), step)


class NanLossDuringTrainingError(RuntimeError):
    """The loss is NaN."""


class NanTensorHook(SessionRunHook):
    """Stops the session, or raises an error, when a tensor is NaN."""

    def __init__(self, loss_tensor: Any, fail_on_nan_loss: bool = True) -> None:
        self._loss, self._fails = loss_tensor, fail_on_nan_loss

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        return SessionRunArgs(self._loss)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        if run_values.results != run_values.results:
            logs.error("Model diverged with loss = NaN.")
            if self._fails:
                raise NanLossDuringTrainingError("NaN loss during training.")
            run_context.request_stop()


class FinalOpsHook(SessionRunHook):
    """Runs fetches at the end; see `final_ops_values`."""

    def __init__(self, final_ops: Any, final_ops_feed_dict: Any = None) -> None:
        self._ops, self._feeds = final_ops, final_ops_feed_dict
        self.final_ops_values: Any = None

    def end(self, session: Any) -> None:
        self.final_ops_values = session.run(self._ops, self._feeds)


class FeedFnHook(SessionRunHook):
    """Feeds the values that a function returns."""

    def __init__(self, feed_fn: Any) -> None:
        self._feed = feed_fn

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        return SessionRunArgs(feed_dict=self._feed())


class Timer:
    """A timer that is due the first time, and then every given number of steps or seconds."""

    def __init__(self, steps: int | None, seconds: float | None) -> None:
        self._steps, self._seconds = steps, seconds
        self._last: tuple[int, float] | None = None

    def due(self, step: int) -> bool:
        now = time.monotonic()
        if self._last is not None:
            before, then = self._last
            waited = self._steps is not None and step >= before + self._steps
            if not waited and not (self._seconds is not None and now >= then + self._seconds):
                return False
        elif self._steps is None and self._seconds is None:
            return False
        self._last = step, now
        return True


class Scaffold:
    """The set-up of a monitored session. By default: initial values, and a saver of all variables."""

    def __init__(
        self, init_op: Any = None, init_feed_dict: Any = None, init_fn: Any = None, ready_op: Any = None,
        ready_for_local_init_op: Any = None, local_init_op: Any = None, summary_op: Any = None, saver: Any = None,
        copy_from_scaffold: Any = None, local_init_feed_dict: Any = None,
    ) -> None:  # fmt: skip
        refuse("tf.train.Scaffold", copy_from_scaffold=copy_from_scaffold)
        self.init_op, self.init_feed_dict, self.init_fn, self.saver = init_op, init_feed_dict, init_fn, saver
        self.local_init_op, self.summary_op = local_init_op, summary_op
        self.local_init_feed_dict = local_init_feed_dict

    def finalize(self) -> Scaffold:
        """Create the missing parts."""
        if self.init_op is None:
            self.init_op = tf.global_variables_initializer()
        if self.local_init_op is None:
            others = tf.get_collection(tf.GraphKeys.TABLE_INITIALIZERS)
            self.local_init_op = tf.group(tf.local_variables_initializer(), *others)
        if self.saver is None and tf.global_variables():
            self.saver = Saver()
        return self


class MonitoredSession:
    """A session with hooks. It finalizes the graph and initialises the variables."""

    def __init__(
        self, session_creator: Any = None, hooks: Sequence[SessionRunHook] | None = None,
        stop_grace_period_secs: float = 120, *, scaffold: Any = None, directory: Any = None, config: Any = None,
    ) -> None:  # fmt: skip
        refuse("tf.train.MonitoredSession", session_creator=session_creator)
        self._hooks = list(hooks or ())
        self._stop = self._closed = False
        for hook in self._hooks:
            hook.begin()
        chosen = (scaffold or Scaffold()).finalize()
        self.graph = tf.get_default_graph()
        self.graph.finalize()
        self._session = tf.Session(graph=self.graph, config=config)
        latest = tf.train.latest_checkpoint(directory) if directory else None
        self._session.run(chosen.init_op, chosen.init_feed_dict)
        self._session.run(chosen.local_init_op, chosen.local_init_feed_dict)
        if latest:
            chosen.saver.restore(self._session, latest)
        elif chosen.init_fn is not None:
            chosen.init_fn(chosen, self._session)
        self._coord = tf.train.Coordinator()
        tf.train.start_queue_runners(self._session, self._coord)
        for hook in self._hooks:
            hook.after_create_session(self._session, self._coord)

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """`Session.run` with hooks before and after, and their fetches and feeds."""
        if self._closed:
            raise RuntimeError("Run called even after should_stop requested.")
        self._coord.raise_requested_exception()
        context = SessionRunContext(SessionRunArgs(fetches, feed_dict, options), self._session)
        wanted = [hook.before_run(context) or SessionRunArgs() for hook in self._hooks]
        feeds = dict(feed_dict or {})
        for args in wanted:
            feeds |= args.feed_dict or {}
        extra = [[] if args.fetches is None else args.fetches for args in wanted]
        values, *others = self._session.run([fetches, *extra], feeds, options, run_metadata)
        for hook, found in zip(self._hooks, others, strict=True):
            hook.after_run(context, SessionRunValues(found, options, run_metadata))
        self._stop |= context.stop_requested
        return values

    def run_step_fn(self, step_fn: Any) -> Any:
        """Call a function with an object that has the plain `session` and `run_with_hooks`."""
        self.session, self.run_with_hooks = self._session, self.run
        return step_fn(self)

    def should_stop(self) -> bool:
        return self._stop or self._closed or self._coord.should_stop()

    def close(self) -> None:
        """End the hooks and close the session."""
        self._close(ended=True)

    def _close(self, ended: bool) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            for hook in self._hooks if ended else []:
                hook.end(self._session)
        finally:
            self._coord.request_stop()
            self._session.close()

    def __enter__(self) -> MonitoredSession:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        over = type(error).__name__ == "OutOfRangeError" and isinstance(error, OpError)
        self._close(ended=error is None or over)
        return over


def MonitoredTrainingSession(
    master: str = "", is_chief: bool = True, checkpoint_dir: Any = None, scaffold: Any = None,
    hooks: Sequence[SessionRunHook] | None = None, chief_only_hooks: Sequence[SessionRunHook] | None = None,
    save_checkpoint_secs: float | None = 600, save_summaries_steps: int | None = 100,
    save_summaries_secs: float | None = None, config: Any = None, stop_grace_period_secs: float = 120,
    log_step_count_steps: int | None = 100, max_wait_secs: float = 7200, save_checkpoint_steps: int | None = None,
    summary_dir: Any = None,
) -> MonitoredSession:  # fmt: skip
    """A monitored session that resumes from the latest checkpoint in `checkpoint_dir`, saves checkpoints and summaries
    there, and logs steps per second. stop_grace_period_secs and max_wait_secs have no effect, as nothing is waited for.
    """
    refuse_remote("tf.train.MonitoredTrainingSession", master=master)
    if not is_chief:
        raise ValueError("tf.train.MonitoredTrainingSession: is_chief=False is not supported")
    own: list[SessionRunHook] = []
    scaffold = scaffold or Scaffold()
    folder = summary_dir or checkpoint_dir
    if log_step_count_steps and tf.train.get_global_step() is not None:
        own.append(StepCounterHook(log_step_count_steps, output_dir=folder))
    if folder and (save_summaries_steps or save_summaries_secs):
        own.append(SummarySaverHook(save_summaries_steps, save_summaries_secs, folder, scaffold=scaffold))
    if checkpoint_dir and (save_checkpoint_secs or save_checkpoint_steps):
        seconds = None if save_checkpoint_steps else save_checkpoint_secs
        own.append(CheckpointSaverHook(checkpoint_dir, seconds, save_checkpoint_steps, scaffold=scaffold))
    return MonitoredSession(
        hooks=[*(hooks or []), *(chief_only_hooks or []), *own],
        scaffold=scaffold,
        directory=checkpoint_dir,
        config=config,
    )


def SingularMonitoredSession(hooks: Any = None, scaffold: Any = None, master: str = "", config: Any = None,
                             checkpoint_dir: Any = None, stop_grace_period_secs: float = 120,
                             checkpoint_filename_with_path: Any = None) -> MonitoredSession:  # fmt: skip
    """A monitored session with only the given hooks. stop_grace_period_secs has no effect."""
    refuse_remote("tf.train.SingularMonitoredSession", master=master)
    refuse("tf.train.SingularMonitoredSession", checkpoint_filename_with_path=checkpoint_filename_with_path)
    return MonitoredSession(hooks=hooks, scaffold=scaffold, directory=checkpoint_dir, config=config)
