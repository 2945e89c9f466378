"""The machine of the stand-in: memory, streams, events and graphs of some devices."""

from __future__ import annotations

import ctypes
import itertools
import random
import threading
import time
import weakref
from bisect import bisect_right, insort
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

DEVICE_BIT = 1 << 56  # set in device addresses, so that the host cannot use them, nor a kernel those of the host
POISON = 0xFF
GRAIN = 512  # bytes to which allocations are rounded up
CAPTURING, INVALIDATED, UNJOINED, ISOLATION = 900, 901, 904, 905
NAMES = {
    2: "cudaErrorMemoryAllocation: out of memory",
    400: "cudaErrorInvalidResourceHandle: invalid resource handle",
    700: "cudaErrorIllegalAddress: an illegal memory access was encountered",
    CAPTURING: "cudaErrorStreamCaptureUnsupported: operation not permitted when stream is capturing",
    INVALIDATED: "cudaErrorStreamCaptureInvalidated: operation failed due to a previous error during capture",
    UNJOINED: "cudaErrorStreamCaptureUnjoined: capturing stream has unjoined work",
    ISOLATION: "cudaErrorStreamCaptureIsolation: dependency created on uncaptured work in another stream",
}


class CUDARuntimeError(RuntimeError):
    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(NAMES[status])


class OutOfMemoryError(MemoryError):
    pass


class RuleBrokenError(AssertionError):
    """The program did something that CUDA does not define."""


@dataclass(eq=False)
class Block:
    """Memory of a device or pinned memory of the host."""

    pointer: int
    nbytes: int
    owner: np.ndarray
    asked: int = 0
    live: bool = False
    generation: int = 0


Owned = tuple[tuple[Block, int], ...]


class Work(NamedTuple):
    """Something that a stream does. owned: the memory it uses, with the generations it had when it was enqueued."""

    name: str
    action: Callable[[], Any]
    owned: Owned
    mark: Any = None  # for the wait for an event, the event's own work
    lane: int = 0  # the stream from which it was captured


@dataclass(eq=False)
class Capture:
    """What a stream, and those that wait for its events, are told meanwhile."""

    thread: int
    origin: int
    nodes: list[Work] = field(default_factory=list)
    invalid: bool = False


@dataclass(eq=False)
class Queue:
    """A stream's work that has not run yet."""

    pointer: int
    device: int
    work: deque[Work] = field(default_factory=deque)
    capture: Capture | None = None


class Thread(threading.local):
    """What belongs to a thread: the current device, and for each device the streams of `with` blocks."""

    def __init__(self) -> None:
        self.device = 0
        self.streams: list[Any] = []


class Machine:
    """Some devices with memory of `limit` bytes each.

    seed: by default, work runs as late as it may. With a seed, work that is ready runs at random moments, too.
    violations: the rules that were broken, also those broken where an exception would get lost.
    """

    def __init__(self, devices: int = 1, limit: int = 4 << 30, seed: int | None = None) -> None:
        self.devices, self.memory, self.limit = devices, limit, limit  # the pool's limit may be lower
        self.random = None if seed is None else random.Random(seed)
        self.lock = threading.RLock()
        self.thread = Thread()
        self.violations: list[str] = []
        self.counts: Counter[str] = Counter()
        self.queues: dict[int, Queue] = {}
        self.used, self.peak = [0] * devices, [0] * devices  # bytes held of each device's memory
        self.free: dict[tuple[int, int, int], list[Block]] = {}  # by device, stream and size
        self.pinned: dict[int, Block] = {}
        self.spare_pinned: list[Block] = []
        self.unpinnable = False  # whether the host can pin no more memory
        self.fail: str | None = None  # the kernel at which the device fails for good
        self.dead: CUDARuntimeError | None = None
        self._starts: list[int] = []
        self._blocks: dict[int, Block] = {}
        self._serial = itertools.count(0x5000, 16)
        self.clock = 0.0  # ms of device time

    def violation(self, text: str) -> None:
        self.violations.append(text)
        raise RuleBrokenError(text)

    def enter(self, name: str) -> None:
        """Begin of each call: others get their turn, and a dead context does nothing any more."""
        time.sleep(0)
        self.counts[name] += 1
        if self.dead is not None:
            raise CUDARuntimeError(self.dead.status)

    # memory

    def allocate(self, nbytes: int, queue: Queue) -> Block:
        self.enter("allocate")
        size = max(GRAIN, -(-nbytes // GRAIN) * GRAIN)
        device = self.thread.device
        if queue.device != device:
            self.violation(f"memory of device {device} is allocated for a stream of device {queue.device}")
        with self.lock:
            if queue.capture is not None:
                self.violation(f"{nbytes} bytes are allocated during a capture")
            waiting = self.free.get((device, queue.pointer, size))
            block = waiting.pop() if waiting else self._new_block(size, device)
            for other in self.queues.values():
                if other is not queue and not self._waits_for(queue, other, block):
                    self.violation("memory is used anew for a stream, and another stream has work on it")
            block.live, block.asked, block.generation = True, nbytes, block.generation + 1
            address = block.pointer & ~DEVICE_BIT
            queue.work.append(Work("poison", lambda: ctypes.memset(address, POISON, size), ()))
        return block

    def _waits_for(self, queue: Queue, other: Queue, block: Block) -> bool:
        """Whether all work of `other` on the block comes before new work of `queue`."""
        uses = [n for n, w in enumerate(other.work) if any(block is b for b, _ in w.owned)]
        marks = [w.mark for w in queue.work if w.mark is not None]
        ends = [n for n, w in enumerate(other.work) if any(w is mark for mark in marks)]
        return not uses or (bool(ends) and max(ends) > max(uses))

    def _new_block(self, size: int, device: int) -> Block:
        if self.used[device] + size > self.limit:
            self.give_back(device)
        if self.used[device] + size > self.limit:
            raise OutOfMemoryError(f"Out of memory allocating {size:,} bytes (allocated so far: {self.used[device]:,})")
        owner = np.full(size + GRAIN, POISON, np.uint8)
        start = owner.ctypes.data + -owner.ctypes.data % GRAIN
        block = Block(start | DEVICE_BIT, size, owner)
        insort(self._starts, block.pointer)
        self._blocks[block.pointer] = block
        self.used[device] += size
        self.peak[device] = max(self.peak[device], self.used[device])
        return block

    def release(self, block: Block, device: int, stream: int) -> None:
        with self.lock:
            block.live = False
            self.free.setdefault((device, stream, block.nbytes), []).append(block)

    def give_back(self, device: int) -> None:
        """Give the free memory of the device's pool back to the system, after all work on it."""
        with self.lock:
            for key in [k for k in self.free if k[0] == device]:
                for queue in self.queues.values():
                    self.advance(queue)
                for block in self.free.pop(key):
                    self._starts.remove(block.pointer)
                    del self._blocks[block.pointer]
                    self.used[device] -= block.nbytes

    def owned(self, pointers: Iterable[int], what: str) -> Owned:
        """The live blocks that device pointers lie in."""
        found = []
        for pointer in pointers:
            if not pointer:
                continue
            if not pointer & DEVICE_BIT:
                self.violation(f"{what}: the address {pointer:#x} is one of the host")
            at = bisect_right(self._starts, pointer)
            block = self._blocks[self._starts[at - 1]] if at else None
            if block is None or pointer >= block.pointer + max(block.asked, 1) or not block.live:
                self.violation(f"{what}: the address {pointer:#x} is in no live memory")
            assert block is not None
            found.append((block, block.generation))
        return tuple(found)

    def check(self, owned: Owned, what: str) -> None:
        for block, generation in owned:
            if not block.live or block.generation != generation:
                self.violation(f"{what} uses memory that was freed")

    def pin(self, nbytes: int) -> Block:
        self.enter("pin")
        with self.lock:
            if self.unpinnable:
                raise CUDARuntimeError(2)
            size = 1 << max(9, (nbytes - 1).bit_length())  # as CuPy's pool does
            found = next((b for b in self.spare_pinned if b.nbytes == size), None)
            if found is None:
                owner = np.full(size, POISON, np.uint8)
                found = self.pinned[owner.ctypes.data] = Block(owner.ctypes.data, size, owner)
            else:
                self.spare_pinned.remove(found)
            found.live, found.generation = True, found.generation + 1
            return found

    def unpin(self, block: Block) -> None:
        with self.lock:
            block.live = False
            self.spare_pinned.append(block)

    def free_pinned(self) -> None:
        with self.lock:
            for block in self.spare_pinned:
                del self.pinned[block.pointer]
            self.spare_pinned.clear()

    def pinned_block(self, address: int) -> Block | None:
        return next((b for b in self.pinned.values() if b.pointer <= address < b.pointer + b.nbytes), None)

    # streams

    def new_queue(self) -> Queue:
        self.enter("stream")
        queue = Queue(next(self._serial), self.thread.device)
        self.queues[queue.pointer] = queue
        return queue

    def enqueue(
        self, queue: Queue, name: str, action: Callable[[], Any], pointers: Iterable[int] = (), mark: Any = None
    ) -> None:
        self.enter(name.split(" ")[0])
        with self.lock:
            work = Work(name, action, self.owned(pointers, name), mark)
            if queue.capture is None:
                queue.work.append(work)
                self._run_some()
                return
            if threading.get_ident() != queue.capture.thread:
                self.violation(f"{name} of another thread is captured")
            queue.capture.nodes.append(work._replace(lane=queue.pointer))

    def _run_some(self) -> None:
        """Run work at random, if the machine does so."""
        while self.random is not None and self.random.random() < 0.5:
            ready = [q for q in self.queues.values() if q.work]
            if ready:
                self._step(self.random.choice(ready))

    def _step(self, queue: Queue) -> None:
        work = queue.work.popleft()
        if self.dead is not None:
            return
        if self.fail and work.name.startswith(f"kernel {self.fail}"):
            self.dead = CUDARuntimeError(700)
            return
        self.clock += 1.0 if work.name.startswith(("kernel", "gemm")) else 0.001
        work.action()

    def advance(self, queue: Queue) -> None:
        """Run all work of a stream."""
        while queue.work:
            self._step(queue)

    def advance_to(self, queue: Queue, work: Work | None) -> None:
        """Run a stream's work up to and with `work`, if that has not run yet."""
        if work is not None and any(w is work for w in queue.work):
            last = None
            while last is not work:
                last = queue.work[0]
                self._step(queue)

    def refuse_in_capture(self, queue: Queue, status: int = CAPTURING) -> None:
        """What must not happen to a stream that is captured also ends the capture."""
        if queue.capture is not None:
            queue.capture.invalid = True
            raise CUDARuntimeError(status)

    def synchronize(self, queue: Queue) -> None:
        self.enter("synchronize")
        with self.lock:
            self.refuse_in_capture(queue)
            self.advance(queue)
            if self.dead is not None:
                raise CUDARuntimeError(self.dead.status)

    def begin_capture(self, queue: Queue) -> None:
        self.enter("begin_capture")
        with self.lock:
            self.refuse_in_capture(queue)
            queue.capture = Capture(threading.get_ident(), queue.pointer)

    def end_capture(self, queue: Queue) -> list[Work]:
        self.enter("end_capture")
        with self.lock:
            capture = queue.capture
            if capture is None or capture.origin != queue.pointer:
                raise CUDARuntimeError(400)
            for each in self.queues.values():
                each.capture = None if each.capture is capture else each.capture
            if capture.invalid:
                raise CUDARuntimeError(INVALIDATED)
            if has_loose_ends(capture):
                raise CUDARuntimeError(UNJOINED)
            return capture.nodes

    def launch(self, nodes: list[Work], queue: Queue) -> None:
        """Enqueue a graph."""
        with self.lock:
            for node in nodes:
                self.check(node.owned, f"a graph's {node.name}")

        def run() -> None:
            for node in some_order(nodes, self.random):
                if self.fail and node.name.startswith(f"kernel {self.fail}"):
                    self.dead = CUDARuntimeError(700)
                if self.dead is None:
                    node.action()

        self.enqueue(queue, "graph", run)

    def kept(self, owner: Any, free: Callable[..., None], *args: Any) -> None:
        """Call `free` when the owner is gone, but not at the end of the process."""
        weakref.finalize(owner, free, *args).atexit = False


def has_loose_ends(capture: Capture) -> bool:
    """Whether the first stream of a capture does not wait for all that the others do."""
    waited = {id(n.mark) for n in capture.nodes if n.mark is not None}
    ends = {node.lane: node for node in capture.nodes}
    return any(lane != capture.origin and id(end) not in waited for lane, end in ends.items())


def some_order(nodes: Sequence[Work], chance: random.Random | None) -> Iterator[Work]:
    """The nodes of a graph in an order that it allows: at random, or other streams' as late as they may."""
    lanes: dict[int, deque[Work]] = {}
    for node in nodes:
        lanes.setdefault(node.lane, deque()).append(node)
    captured, done = {id(n) for n in nodes}, set()
    while lanes:
        heads = {lane: rest[0] for lane, rest in lanes.items()}
        free = [n for n, head in heads.items() if id(head.mark) in done or id(head.mark) not in captured]
        lane = free[0] if chance is None else chance.choice(free)
        node = lanes[lane].popleft()
        if not lanes[lane]:
            del lanes[lane]
        done.add(id(node))
        yield node
