"""The part of a session that runs in parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minigraph.core.graph import Graph
from minigraph.run.feeds import flat_feeds
from minigraph.run.options import SessionOptions
from minigraph.run.partial_run import PartialRuns
from minigraph.run.request import Request
from minigraph.run.session_base import Feeds, SessionBase


class PartialSession(SessionBase):
    """A session whose runs can be fed and fetched in parts. `run` is the session's."""

    run: Callable[..., Any]

    def __init__(self, graph: Graph, options: SessionOptions) -> None:
        super().__init__(graph, options)
        self._partial_runs = PartialRuns()

    def partial_run_setup(self, fetches: Any, feeds: Sequence[Any] | None = None) -> str:
        """Set up a run in parts, for `partial_run`.

        Args:
            fetches: what the parts will fetch, and operations that run as soon as they can, as in `run`.
            feeds: the tensors that the parts will feed.

        Returns:
            A handle for `partial_run`.

        Raises:
            InvalidArgumentError: `fetches` is empty, or a tensor is both fed and fetched.
            TypeError: a fetch or a feed is not part of a graph.
            ValueError: a fetch is not in the session's graph.

        Example:
            >>> a, b = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])
            >>> double, total = 2.0 * a, 2.0 * a + b
            >>> session = tf.Session()
            >>> handle = session.partial_run_setup([double, total], [a, b])
            >>> value = session.partial_run(handle, double, {a: 3.0})
            >>> float(session.partial_run(handle, total, {b: value + 1.0}))
            13.0
        """
        with self._lock:
            self._check_open()
            return self._partial_runs.set_up(Request(self.graph, self.backend, fetches, list(feeds or ())))

    def partial_run(self, handle: str, fetches: Any, feed_dict: Feeds = None) -> Any:
        """Run the next part of a run. What the whole run computes is computed once, as soon as its feeds are there.

        Args:
            handle: from `partial_run_setup`.
            fetches: tensors that were named there and not fetched since, as in `run`.
            feed_dict: the values of tensors that were named there and not fed since.

        Returns:
            The values, in the structure of `fetches`.

        Raises:
            InvalidArgumentError: there is no such run or all of it was fetched, a fetch or feed was not named or comes
                a second time, or a fetch depends on tensors that have not been fed.
            RuntimeError: a fetch is an operation, or the session is closed.
        """
        with self._lock:
            self._check_open()
            feeds = flat_feeds(feed_dict) if feed_dict else {}
            request = Request(self.graph, self.backend, fetches, list(feeds))
            return self.run(fetches, self._partial_runs.run(handle, request, feeds, self.run))
