"""`tf.train.Supervisor`: a session with checkpoints and summaries, without hooks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import minigraph as tf
from minigraph.core.arguments import refuse, refuse_remote
from minigraph.tf1.training import NAME, Scaffold, Timer


class Supervisor:
    """Starts a session from the latest checkpoint in `logdir` or from initial values.

    It starts no threads but those that fill queues. `should_stop()` saves a checkpoint once `save_model_secs` have
    passed, and writes the summary `summary_op` (by default all of the graph) once `save_summaries_secs` have. A
    checkpoint is saved at the end, too.
    ready_op, ready_for_local_init_op, recovery_wait_secs, stop_grace_secs and local_init_run_options have no effect.
    """

    def __init__(
        self, graph: Any = None, ready_op: Any = None, ready_for_local_init_op: Any = None, is_chief: bool = True,
        init_op: Any = None, init_feed_dict: Any = None, local_init_op: Any = None, logdir: Any = None,
        summary_op: Any = 0, saver: Any = None, global_step: Any = None, save_summaries_secs: float = 120,
        save_model_secs: float = 600, recovery_wait_secs: float = 30, stop_grace_secs: float = 120,
        checkpoint_basename: str = NAME, session_manager: Any = None, summary_writer: Any = 0, init_fn: Any = None,
        local_init_run_options: Any = None,
    ) -> None:  # fmt: skip
        refuse("tf.train.Supervisor", session_manager=session_manager)
        if not is_chief:
            raise ValueError("tf.train.Supervisor: is_chief=False is not supported")
        self.graph = graph or tf.get_default_graph()
        with self.graph.as_default():
            self._scaffold = Scaffold(init_op, init_feed_dict, saver=saver, local_init_op=local_init_op).finalize()
            self.summary_op = tf.summary.merge_all() if isinstance(summary_op, int) else summary_op
            self.global_step = global_step if global_step is not None else tf.train.get_global_step()
        self._init_fn, self._logdir, self._name = init_fn, logdir, checkpoint_basename
        self._timer, self._saves = Timer(None, save_model_secs or None), bool(save_model_secs)
        self._summaries = Timer(None, save_summaries_secs or None)
        self._own_writer = isinstance(summary_writer, int)
        self.summary_writer: Any = None if self._own_writer else summary_writer
        self.coord = tf.train.Coordinator()
        self._session: Any = None

    @property
    def saver(self) -> Any:
        return self._scaffold.saver

    @property
    def save_path(self) -> str | None:
        """The path prefix of checkpoints."""
        return f"{self._logdir}/{self._name}" if self._logdir else None

    USE_DEFAULT = 0

    def prepare_or_wait_for_session(
        self, master: str = "", config: Any = None, wait_for_checkpoint: bool = False, max_wait_secs: float = 7200,
        start_standard_services: bool = True,
    ) -> Any:  # fmt: skip
        """A session with initialised variables. max_wait_secs has no effect.

        start_standard_services: whether to start the graph's queue runners.
        """
        refuse_remote("tf.train.Supervisor", master=master)
        refuse("tf.train.Supervisor", wait_for_checkpoint=wait_for_checkpoint)
        self._session = tf.Session(graph=self.graph, config=config)
        self._session.run(self._scaffold.init_op, self._scaffold.init_feed_dict)
        self._session.run(self._scaffold.local_init_op)
        latest = tf.train.latest_checkpoint(self._logdir) if self._logdir else None
        if latest:
            self.saver.restore(self._session, latest)
        elif self._init_fn is not None:
            self._init_fn(self._session)
        if (
            self._logdir
            and self._own_writer
            and self.summary_writer is None
            and self.graph.get_collection(tf.GraphKeys.SUMMARIES)
        ):
            self.summary_writer = tf.summary.FileWriter(self._logdir, self.graph)
        self._timer.due(0)
        self._summaries.due(0)
        if start_standard_services:
            self.start_queue_runners(self._session)
        return self._session

    def start_queue_runners(self, sess: Any, queue_runners: Any = None) -> list[Any]:
        """Start the threads of queue runners, by default the graph's."""
        runners = self.graph.get_collection(tf.GraphKeys.QUEUE_RUNNERS) if queue_runners is None else queue_runners
        return [t for runner in runners for t in runner.create_threads(sess, self.coord, daemon=True, start=True)]

    @contextmanager
    def managed_session(
        self, master: str = "", config: Any = None, start_standard_services: bool = True,
        close_summary_writer: bool = True,
    ) -> Iterator[Any]:  # fmt: skip
        """`prepare_or_wait_for_session` as a context manager that saves a checkpoint at its end."""
        with self.prepare_or_wait_for_session(
            master, config, start_standard_services=start_standard_services
        ) as session:
            yield session
            self._save()
            self.stop(close_summary_writer=close_summary_writer)

    def _save(self) -> None:
        if self._logdir and self.saver is not None and self._saves:
            self.saver.save(self._session, self.save_path, self.global_step)

    def should_stop(self) -> bool:
        stopped = self.coord.should_stop()
        if not stopped and self._timer.due(0):
            self._save()
        if not stopped and self.summary_op is not None and self.summary_writer is not None and self._summaries.due(0):
            self.summary_computed(self._session, self._session.run(self.summary_op))
        return stopped

    def request_stop(self, ex: Any = None) -> None:
        """Request a stop; `ex` is the exception that is the cause, which `stop` raises."""
        self.coord.request_stop(ex)

    def stop(self, threads: Any = None, close_summary_writer: bool = True, ignore_live_threads: bool = False) -> None:
        """Stop, wait for `threads`, and close the event file."""
        self.coord.request_stop()
        self.coord.join(threads, ignore_live_threads=ignore_live_threads)
        if self.summary_writer is not None and close_summary_writer:
            self.summary_writer.close()

    def summary_computed(self, sess: Any, summary: bytes, global_step: Any = None) -> None:
        """Write a summary."""
        if self.summary_writer is None:
            raise RuntimeError("Writing a summary requires a summary writer.")
        if global_step is None and self.global_step is not None:
            global_step = int(sess.run(self.global_step))
        self.summary_writer.add_summary(summary, global_step)
