"""Threads that fill the queues of input pipelines while the program trains."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from threading import Thread
from typing import Any

from minigraph.core import scopes
from minigraph.core.arguments import refuse
from minigraph.core.collections import GraphKeys
from minigraph.core.default_graph import get_default_graph
from minigraph.core.errors import CancelledError, OpError, OutOfRangeError
from minigraph.util.locks import Lock

__all__ = ["QueueRunner", "add_queue_runner", "start_queue_runners"]


class QueueRunner:
    """Threads that run operations again and again, each of which puts elements into a queue.

    They run beside the program, in a session of their own that shares the queues, readers and iterators of the
    program's session; the random numbers that they draw are their own.

    Args:
        queue: The queue, which is closed when all threads have ended.
        enqueue_ops: The operations, one for each thread.
        close_op: An operation to run in place of `queue.close()` when the input has ended.
        cancel_op: An operation to run in place of `queue.close(cancel_pending_enqueues=True)` when a stop is requested.
        queue_closed_exception_types: The errors that mean the end of the input; by default `OutOfRangeError` and
            `CancelledError`.
        queue_runner_def, import_scope: Refused; they restore the runner of a graph that was read from a file.

    Raises:
        ValueError: There is no queue or no operation.

    Example:
        >>> from minigraph.tf1 import FIFOQueue
        >>> queue = FIFOQueue(10, [tf.float32])
        >>> runner = tf.train.QueueRunner(queue, [queue.enqueue(1.0)] * 2)
        >>> len(runner.enqueue_ops)
        2
    """

    def __init__(
        self, queue: Any = None, enqueue_ops: Sequence[Any] | None = None, close_op: Any = None, cancel_op: Any = None,
        queue_closed_exception_types: Iterable[type[BaseException]] | None = None, queue_runner_def: Any = None,
        import_scope: str | None = None,
    ) -> None:  # fmt: skip
        refuse("tf.train.QueueRunner", queue_runner_def=queue_runner_def, import_scope=import_scope)
        if queue is None or not enqueue_ops:
            raise ValueError("a QueueRunner needs a queue and at least one operation")
        self.queue = queue
        self.enqueue_ops = list(enqueue_ops)
        self.name = queue.name
        self._close = close_op if close_op is not None else queue.close()
        self._cancel = cancel_op if cancel_op is not None else queue.close(cancel_pending_enqueues=True)
        self._ends = tuple(queue_closed_exception_types or (OutOfRangeError, CancelledError))
        self._lock = Lock()
        self._running: dict[int, int] = {}
        self.exceptions_raised: list[BaseException] = []

    def create_threads(self, sess: Any, coord: Any = None, daemon: bool = False, start: bool = False) -> list[Thread]:
        """Make the threads, and one that closes the queue when a stop is requested.

        Args:
            sess: The program's session.
            coord: A `Coordinator`, which is told of errors; without one they are kept in `exceptions_raised`.
            daemon: Whether the threads end with the program.
            start: Whether to start them.

        Returns:
            The threads; none if those for this session still run.
        """
        with self._lock:
            if self._running.get(id(sess), 0):
                return []
            self._running[id(sess)] = len(self.enqueue_ops)
        pipeline = sess.resources.pipeline()
        threads = [Thread(target=self._run, args=(sess, pipeline, op, coord), name=f"QueueRunner-{self.name}")
                   for op in self.enqueue_ops]  # fmt: skip
        if coord is not None:
            threads.append(
                Thread(target=self._await_stop, args=(pipeline, coord), name=f"QueueRunner-{self.name}-stop")
            )
        for thread in threads:
            thread.daemon = daemon
            if coord is not None:
                coord.register_thread(thread)
            if start:
                thread.start()
        return threads

    def _run(self, sess: Any, pipeline: Any, operation: Any, coord: Any) -> None:
        try:
            while coord is None or not coord.should_stop():
                pipeline.run(operation)
        except self._ends:
            pass
        except Exception as error:
            if coord is not None:
                coord.request_stop(error)
            else:
                self.exceptions_raised.append(error)
        finally:
            with self._lock:
                self._running[id(sess)] -= 1
                last = not self._running[id(sess)]
            if last:
                self._end(pipeline, self._close)

    def _await_stop(self, pipeline: Any, coord: Any) -> None:
        coord.wait_for_stop()
        self._end(pipeline, self._cancel)

    def _end(self, pipeline: Any, operation: Any) -> None:
        with suppress(OpError, RuntimeError):  # of a session that is closed already, and its queues with it
            pipeline.run(operation)


def add_queue_runner(qr: QueueRunner, collection: str = GraphKeys.QUEUE_RUNNERS) -> None:
    """Add a `QueueRunner` to those that `start_queue_runners` starts.

    Args:
        qr: The runner.
        collection: Name of the collection.

    Example:
        >>> from minigraph.tf1 import FIFOQueue
        >>> queue = FIFOQueue(10, [tf.float32])
        >>> tf.train.add_queue_runner(tf.train.QueueRunner(queue, [queue.enqueue(1.0)]))
        >>> len(tf.get_collection(tf.GraphKeys.QUEUE_RUNNERS))
        1
    """
    get_default_graph().add_to_collection(collection, qr)


def start_queue_runners(
    sess: Any = None, coord: Any = None, daemon: bool = True, start: bool = True,
    collection: str = GraphKeys.QUEUE_RUNNERS,
) -> list[Thread]:  # fmt: skip
    """Start the threads of the graph's queue runners.

    Args:
        sess: The session; by default the default session.
        coord: A `Coordinator`, which stops the threads and is told of their errors.
        daemon: Whether the threads end with the program.
        start: Whether to start the threads, or only to make them.
        collection: Name of the collection that has the runners.

    Returns:
        The threads.

    Raises:
        ValueError: There is no session.

    Example:
        >>> tf.train.start_queue_runners(tf.Session())
        []
    """
    session = scopes.session_for(sess)
    threads: list[Thread] = []
    for runner in session.graph.get_collection(collection):
        threads += runner.create_threads(session, coord, daemon, start)
    return threads
