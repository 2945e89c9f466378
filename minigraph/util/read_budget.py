"""What reading one file may cost: memory, entries, work and nesting, each limited by the file's size."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

LEAST = 128 << 20  # bytes that any file may take in memory, however small it is
RATIO = 25  # a larger file may take this many times its size, up to MOST
MOST = 4 << 30
OWN = 4  # a file may always take this many times its size: bfloat16 doubles, packed integers grow more
VARIABLE = "MINIGRAPH_READ_LIMIT"

MOST_DIMS = 32
_DEPTH = 32
_BYTES_PER_ENTRY = 8192
_BYTES_PER_STEP = 128  # a step takes about a microsecond


class Damaged(ValueError):
    """An error in a file's content. Readers add the file's name."""


def allowance(file_size: int) -> int:
    """The bytes that a file of this size may take in memory. MINIGRAPH_READ_LIMIT, in bytes, replaces the rule."""
    if said := os.environ.get(VARIABLE):
        if not said.isdecimal():
            raise ValueError(f"{VARIABLE} must be a number of bytes, not {said!r}")
        return int(said)
    return max(LEAST, min(RATIO * file_size, MOST), OWN * file_size)


class Budget:
    """What the reader of one file may still use. It asks before it allocates, and at each entry that it visits.

    Compressed and repetitive files may unpack to more than they hold, but only up to a limit. All limits grow with that
    of the bytes, so MINIGRAPH_READ_LIMIT raises them together; the depth is fixed.

    file_size: bytes, or a function that tells them, which is only called if an empty file's limits do not suffice. The
    size of a message of protobuf is found by writing it.
    """

    def __init__(self, file_size: int | Callable[[], int]) -> None:
        self._measure = None if isinstance(file_size, int) else file_size
        self.limit = allowance(file_size if isinstance(file_size, int) else 0)
        self._bytes = self._entries = self._steps = 0  # used so far
        self._depth = _DEPTH

    def _exceeds(self, used: int) -> bool:
        """Whether `used` bytes are more than the file may take. Measures the file if that has not been done."""
        if used > self.limit and self._measure is not None:
            self.limit = allowance(self._measure())
            self._measure = None
        return used > self.limit

    def take(self, what: str, shape: Sequence[int], itemsize: int) -> int:
        """The bytes of an array of this shape. Raises Damaged for an invalid shape or a request beyond the limit."""
        check_shape(what, shape)
        size = math.prod(shape) * itemsize
        self._bytes += size
        if self._exceeds(self._bytes):
            raise Damaged(
                f"'{what}' of shape {list(shape)} is too large: with it, the file would unpack to more than "
                f"{self.limit:,} bytes; {VARIABLE} raises the limit"
            )
        return size

    def check(self, what: str, size: int) -> None:
        """Raise Damaged if a buffer that is freed again exceeds the bytes that are left."""
        if self._exceeds(self._bytes + size):
            raise Damaged(f"'{what}' needs a buffer of {size:,} bytes: the file may take {self.limit:,}; {VARIABLE} "
                          "raises the limit")  # fmt: skip

    def visit(self, what: str, count: int = 1) -> None:
        """Count entries: arrays, groups, records, nodes that are read again."""
        self._entries += count
        if self._exceeds(self._entries * _BYTES_PER_ENTRY):
            raise Damaged(f"{what}: it has more entries than a file of its size should; {VARIABLE} raises the limit")

    def work(self, what: str, steps: int) -> None:
        """Count work of about `steps` microseconds."""
        self._steps += steps
        if self._exceeds(self._steps * _BYTES_PER_STEP):
            raise Damaged(f"{what}: reading takes more work than it should for a file of its size; {VARIABLE} raises "
                          "the limit")  # fmt: skip

    @contextmanager
    def nested(self, what: str) -> Iterator[None]:
        """The `with` block reads what lies one level deeper."""
        if not self._depth:
            raise Damaged(f"{what}: more than {_DEPTH} levels lie in each other")
        self._depth -= 1
        try:
            yield
        finally:
            self._depth += 1


def check_shape(what: str, shape: Sequence[int]) -> None:
    """Raise Damaged if NumPy cannot have an array of this shape."""
    fits = len(shape) <= MOST_DIMS and all(isinstance(n, int) and n >= 0 for n in shape)
    if not fits or math.prod(max(n, 1) for n in shape) > 2**48:
        raise Damaged(f"'{what}' has the shape {list(shape[:MOST_DIMS])}, which is impossible")
