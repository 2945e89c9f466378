"""TensorFlow 1's count of a graph's nodes, from which the default seeds of random ops come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class OpCount:
    """The count. `last_id` is the number of nodes that TensorFlow 1 would have made so far."""

    def __init__(self) -> None:
        self.last_id = 0

    def reserve_ids(self, count: int) -> None:
        """Count nodes that TensorFlow 1 would have made here and that this graph does not need.

        Seeds of random ops depend by default on the count of nodes, so this keeps random numbers equal to TensorFlow's.

        Args:
            count: The number of nodes.
        """
        self.last_id += count

    @contextmanager
    def counted_as(self, count: int) -> Iterator[None]:
        """Count the nodes made in a `with` block as another number; see `reserve_ids`.

        Args:
            count: The number.

        Yields:
            None.
        """
        start = self.last_id
        yield
        self.last_id = start + count

    @property
    def version(self) -> int:
        """A number that grows with each node."""
        return self.last_id
