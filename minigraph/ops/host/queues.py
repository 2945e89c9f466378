"""Queues of tensors: runs put elements in, other runs of the session, on other threads, take them out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigraph.core.dtypes import DType, bool_, int32
from minigraph.core.errors import CancelledError, InvalidArgumentError, OutOfRangeError, ShapeError
from minigraph.core.types import Shape, TensorType, compatible, format_shape
from minigraph.ops.host.resources import ResourceOp, Resources
from minigraph.ops.random import philox
from minigraph.util.locks import Condition

_PATIENCE = 0.1  # seconds between looks at whether the session was closed

Element = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class QueueSpec:
    """A queue: its name in the graph, and what it holds.

    capacity: number of elements at most. remain: how many a random queue keeps to draw from. shapes: of an element's
    parts; None where they may differ. seeds: of a random queue, None for one in order. pads: whether parts with unknown
    dimensions are padded when several elements are taken at once.
    """

    name: str
    dtypes: tuple[DType, ...]
    shapes: tuple[Shape, ...] | None
    capacity: int
    remain: int = 0
    seeds: tuple[int, int] | None = None
    pads: bool = False
    kind: str = "FIFOQueue"

    def state(self, resources: Resources) -> QueueState:
        """The queue of a session."""
        return resources.get(("queue", self.name), lambda: QueueState(self, resources))


class QueueState:
    """The elements of a queue in one session."""

    def __init__(self, spec: QueueSpec, resources: Resources) -> None:
        self._spec = spec
        self._resources = resources
        self._changed = Condition()
        self._elements: list[Element] = []
        self._numbers = draws(*spec.seeds) if spec.seeds is not None else None
        self.closed = False

    def __len__(self) -> int:
        return len(self._elements)

    def put(self, elements: Sequence[Element]) -> None:
        """Add elements, each as soon as there is room. CancelledError if the queue is closed."""
        for element in elements:
            with self._changed:
                while len(self._elements) >= self._spec.capacity and not self.closed:
                    self._wait()
                if self.closed:
                    raise CancelledError(f"{self._spec.kind} '{self._spec.name}' is closed.")
                self._elements.append(element)
                self._changed.notify_all()

    def get(self, count: int, fewer: bool = False) -> list[Element]:
        """Take elements. OutOfRangeError if the queue is closed and has too few; with `fewer`, if it has none."""
        with self._changed:
            while not self.closed and len(self._elements) - self._spec.remain < count:
                if self._spec.remain + count > self._spec.capacity:
                    break  # TensorFlow then takes them piece by piece
                self._wait()
            taken: list[Element] = []
            while len(taken) < count:
                while not self.closed and len(self._elements) <= self._spec.remain:
                    self._wait()
                if self.closed and len(self._elements) < count - len(taken):
                    return self._last(taken, count, fewer)
                taken.append(self._take())
                self._changed.notify_all()
            return taken

    def _last(self, taken: list[Element], count: int, fewer: bool) -> list[Element]:
        """The rest of a closed queue."""
        if fewer and (taken or self._elements):
            return [*taken, *(self._take() for _ in range(len(self._elements)))]
        held = len(self._elements)
        self._elements[:0] = taken
        raise OutOfRangeError(
            f"{self._spec.kind} '{self._spec.name}' is closed and has insufficient elements "
            f"(requested {count}, current size {held + len(taken)})"
        )

    def _take(self) -> Element:
        if self._numbers is None:
            return self._elements.pop(0)
        place = next(self._numbers) % len(self._elements)
        self._elements[place], self._elements[-1] = self._elements[-1], self._elements[place]
        return self._elements.pop()

    def _wait(self) -> None:
        self._changed.wait(_PATIENCE)
        self._resources.check_open()

    def close(self) -> None:
        """Let no more elements in. Those that wait to put one in get a CancelledError."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()


def draws(seed: int, second: int) -> Iterator[int]:
    """TensorFlow's random numbers of 32 bits, one after the other, for two seeds, not both 0."""
    block = 0
    while True:
        yield from (int(word) for word in philox.raw(64, seed, second, block).reshape(-1))
        block += 64


def random_seeds() -> tuple[int, int]:
    """Seeds that differ from run to run."""
    import secrets

    return secrets.randbits(63), secrets.randbits(63)


class QueueOp(ResourceOp, abstract=True):
    """An op on a queue."""

    queue: QueueSpec


class QueueEnqueue(QueueOp):
    """Adds the operands as one element, or with `many` as one for each index of the first axis."""

    many: bool = False

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        for position, (given, dtype) in enumerate(zip(types, self.queue.dtypes, strict=True)):
            if given.dtype is not dtype:
                raise InvalidArgumentError(f"component {position} is {given.dtype.name}, the queue's {dtype.name}")
            shape = given.shape[1:] if self.many and given.shape is not None else given.shape
            if self.queue.shapes is not None and not compatible(shape, self.queue.shapes[position]):
                wanted = format_shape(self.queue.shapes[position])
                raise ShapeError(f"Shape of component {position} is {format_shape(shape)}, not the queue's {wanted}")
        return ()

    def act(self, resources: Resources, *arrays: Any) -> tuple[Any, ...]:
        state = self.queue.state(resources)
        if not self.many:
            state.put([tuple(map(np.array, arrays))])
            return ()
        if len({len(array) for array in arrays}) > 1:
            raise InvalidArgumentError(f"components have {[len(array) for array in arrays]} elements")
        state.put([tuple(np.array(array[i]) for array in arrays) for i in range(len(arrays[0]))])
        return ()


class QueueDequeue(QueueOp):
    """Takes one element."""

    def infer(self) -> tuple[TensorType, ...]:
        shapes = self.queue.shapes or (None,) * len(self.queue.dtypes)
        return tuple(TensorType(d, s) for d, s in zip(self.queue.dtypes, shapes, strict=True))

    def act(self, resources: Resources, *arrays: Any) -> tuple[Any, ...]:
        return self.queue.state(resources).get(1)[0]


class QueueDequeueMany(QueueOp):
    """Takes n elements, the operand, and stacks them; at a closed queue's end with `fewer` as many as there are."""

    fewer: bool = False
    count: int | None = None  # where it is known

    def infer(self, n: TensorType) -> tuple[TensorType, ...]:
        if self.queue.shapes is None:
            raise ShapeError(f"the queue '{self.queue.name}' needs shapes to take several elements at once")
        lead = None if self.fewer else self.count
        pairs = zip(self.queue.dtypes, self.queue.shapes, strict=True)
        return tuple(TensorType(d, None if s is None else (lead, *s)) for d, s in pairs)

    def act(self, resources: Resources, *arrays: Any) -> tuple[Any, ...]:
        (n,) = arrays
        elements = self.queue.state(resources).get(int(n), self.fewer)
        return tuple(stacked(part, self.queue.pads) for part in zip(*elements, strict=True))


def stacked(parts: Sequence[np.ndarray], pads: bool) -> np.ndarray:
    """The arrays, stacked; with `pads` filled up with zeros, or empty strings, to the largest. InvalidArgumentError."""
    if len({part.shape for part in parts}) == 1:
        return np.stack(parts)
    if not pads:
        raise InvalidArgumentError(f"elements differ in shape: {sorted({part.shape for part in parts})}")
    shape = tuple(max(sizes) for sizes in zip(*(part.shape for part in parts), strict=True))
    fill: Any = b"" if parts[0].dtype == object else 0
    out = np.full((len(parts), *shape), fill, parts[0].dtype)
    for number, part in enumerate(parts):
        where: tuple[Any, ...] = (number, *(slice(0, size) for size in part.shape))
        out[where] = part
    return out


class QueueClose(QueueOp):
    """Closes the queue: what it holds can still be taken."""

    def infer(self) -> tuple[TensorType, ...]:
        return ()

    def act(self, resources: Resources, *arrays: Any) -> tuple[Any, ...]:
        self.queue.state(resources).close()
        return ()


class QueueSize(QueueOp):
    """The number of elements now."""

    def infer(self) -> tuple[TensorType, ...]:
        return (TensorType(int32, ()),)

    def act(self, resources: Resources, *arrays: Any) -> tuple[Any, ...]:
        return (np.array(len(self.queue.state(resources)), np.int32),)


class QueueIsClosed(QueueOp):
    """Whether the queue is closed."""

    def infer(self) -> tuple[TensorType, ...]:
        return (TensorType(bool_, ()),)

    def act(self, resources: Resources, *arrays: Any) -> tuple[Any, ...]:
        return (np.array(self.queue.state(resources).closed),)
