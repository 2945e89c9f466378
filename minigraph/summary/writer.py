"""Event files, which TensorBoard reads."""

from __future__ import annotations

import itertools
import os
import socket
import time
import warnings
from typing import TYPE_CHECKING, Any, SupportsInt

from minigraph.core.graph import Graph
from minigraph.core.protos import proto, tensorboard_module
from minigraph.core.typing import PathLike
from minigraph.summary.graph import graph_message
from minigraph.util.locks import Lock

if TYPE_CHECKING:
    from minigraph.run.session import Session

_uid = itertools.count()


class FileWriter:
    """Writes summaries, graphs and traces to an event file, for `tensorboard --logdir`. Needs TensorBoard.

    Several threads may use a writer. A `with` block closes it.

    Args:
        logdir: The folder of the file, which is made if it does not exist.
        graph: A graph to write at once.
        max_queue: The number of events after which they are flushed to the file.
        flush_secs: The time in seconds after which the next event flushes.
        graph_def: A graph to write at once, as a `tf.GraphDef`.
        filename_suffix: Ending of the file's name.
        session: A session whose graph to write at once, if `graph` is None.

    Raises:
        TypeError: `graph` or `graph_def` is no graph.

    Example:
        >>> loss = tf.summary.scalar("loss", tf.constant(2.0))
        >>> with tf.Session() as sess, tf.summary.FileWriter("logs", sess.graph) as writer:
        ...     for step in range(3):
        ...         writer.add_summary(sess.run(loss), step)
    """

    def __init__(
        self,
        logdir: PathLike,
        graph: Graph | None = None,
        max_queue: int = 10,
        flush_secs: float = 120,
        graph_def: Any = None,
        filename_suffix: str | None = None,
        session: Session | None = None,
    ) -> None:
        self._logdir = os.fspath(logdir)
        self._max_queue = max_queue
        self._flush_seconds = flush_secs
        self._suffix = filename_suffix or ""
        self._lock = Lock()
        self._file: Any = None
        self._flushed = time.monotonic()
        self._closed = False
        self._trace_tags: set[str] = set()
        self._open()
        if graph is None and session is not None:
            graph = session.graph
        if graph is not None or graph_def is not None:
            self.add_graph(graph, graph_def=graph_def)

    def _open(self) -> None:
        os.makedirs(self._logdir, exist_ok=True)
        # TensorBoard reads a folder's files in the order of their names.
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{next(_uid):05d}"
        records = tensorboard_module("summary.writer.record_writer").RecordWriter
        self._file = open(os.path.join(self._logdir, name + self._suffix), "wb")  # noqa: SIM115  (closed by `close`)
        self._records = records(self._file)
        self._pending = 0
        self._write(proto("event", "Event")(wall_time=time.time(), file_version="brain.Event:2"))
        self.flush()

    def _write(self, event: Any) -> None:
        self._records.write(event.SerializeToString())
        self._pending += 1
        if self._pending >= self._max_queue or time.monotonic() - self._flushed > self._flush_seconds:
            self.flush()

    def get_logdir(self) -> str:
        """Give the folder of the file.

        Returns:
            The path.
        """
        return self._logdir

    def add_event(self, event: Any) -> None:
        """Write an `Event` message. A closed writer only warns.

        Args:
            event: The message.
        """
        with self._lock:
            if self._closed:
                warnings.warn(
                    "Attempting to use a closed FileWriter. The operation will be a noop unless the FileWriter is "
                    "explicitly reopened.",
                    stacklevel=3,
                )
                return
            self._write(event)

    def _add(self, global_step: Any, **content: Any) -> None:
        step = {} if global_step is None else {"step": int(global_step)}
        self.add_event(proto("event", "Event")(wall_time=time.time(), **step, **content))

    def add_summary(self, summary: Any, global_step: SupportsInt | None = None) -> None:
        """Write a summary.

        Args:
            summary: A `Summary` message, or the bytes that a summary op makes.
            global_step: The number of the training step, which TensorBoard shows on the horizontal axis.
        """
        if isinstance(summary, bytes):
            summary = proto("summary", "Summary").FromString(summary)
        self._add(global_step, summary=summary)

    def add_graph(self, graph: Any, global_step: SupportsInt | None = None, graph_def: Any = None) -> None:
        """Write a graph, for TensorBoard's tab Graphs.

        Args:
            graph: The `tf.Graph` or `tf.GraphDef`. Large constants of a `tf.Graph` are left out.
            global_step: The number of the training step.
            graph_def: The graph, if `graph` is None.

        Raises:
            TypeError: Neither argument is a graph.
        """
        chosen = graph if graph is not None else graph_def
        if isinstance(chosen, Graph):
            message = graph_message(chosen.as_records())
        elif getattr(getattr(chosen, "DESCRIPTOR", None), "name", "") == "GraphDef":
            message = chosen
        else:
            raise TypeError(f"The passed graph must be an instance of `Graph` or `GraphDef`, not {chosen!r}")
        self._add(global_step, graph_def=message.SerializeToString())

    def add_session_log(self, session_log: Any, global_step: SupportsInt | None = None) -> None:
        """Write a `SessionLog` message.

        Args:
            session_log: The message.
            global_step: The number of the training step.
        """
        self._add(global_step, session_log=session_log)

    def add_run_metadata(self, run_metadata: Any, tag: str, global_step: SupportsInt | None = None) -> None:
        """Write the times of a run, for TensorBoard's tab Graphs.

        Args:
            run_metadata: The `tf.RunMetadata` that `Session.run` filled.
            tag: Name of the run.
            global_step: The number of the training step.

        Raises:
            ValueError: The tag was used before.
        """
        if tag in self._trace_tags:
            raise ValueError("The provided tag was already used for this event type")
        self._trace_tags.add(tag)
        content = {"tag": tag, "run_metadata": run_metadata.SerializeToString()}
        self._add(global_step, tagged_run_metadata=proto("event", "TaggedRunMetadata")(**content))

    def flush(self) -> None:
        """Write all events to the file."""
        with self._lock:
            if not self._closed:
                self._file.flush()
                self._pending = 0
                self._flushed = time.monotonic()

    def close(self) -> None:
        """Flush, and close the file."""
        with self._lock:
            if not self._closed:
                self.flush()
                self._file.close()
                self._closed = True

    def reopen(self) -> None:
        """Continue after `close`, in a new file in the same folder."""
        with self._lock:
            if self._closed:
                self._closed = False
                self._open()

    def __enter__(self) -> FileWriter:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class FileWriterCache:
    """One writer for each folder.

    Example:
        >>> writer = tf.summary.FileWriterCache.get("logs")
        >>> writer is tf.summary.FileWriterCache.get("logs")
        True
        >>> tf.summary.FileWriterCache.clear()
    """

    _writers: dict[str, FileWriter] = {}  # noqa: RUF012
    _lock = Lock()

    @classmethod
    def get(cls, logdir: str) -> FileWriter:
        """Find the writer of a folder, and make it if there is none.

        Args:
            logdir: The folder.

        Returns:
            The writer.
        """
        with cls._lock:
            if logdir not in cls._writers:
                cls._writers[logdir] = FileWriter(logdir)
            return cls._writers[logdir]

    @classmethod
    def clear(cls) -> None:
        """Close all writers and forget them."""
        with cls._lock:
            for writer in cls._writers.values():
                writer.close()
            cls._writers.clear()
