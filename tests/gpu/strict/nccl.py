"""The stand-in's functions of NCCL, on the GPUs of several ranks."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from gpu.strict.machine import DEVICE_BIT, Machine
from minigraph.ops.collective.half import from_bfloat16, to_bfloat16

Array = np.ndarray[Any, Any]
Gather = Callable[[Any], list[Any]]  # a value of each rank, by rank, from that of this one
KINDS = [np.int8, np.uint8, np.int32, np.uint32, np.int64, np.uint64, np.float16, np.float32, np.float64, np.uint16]
BFLOAT16 = 9
SUM, MAX, MIN, AVERAGE = 0, 2, 3, 4
OK, INVALID_ARGUMENT, INVALID_USAGE = 0, 4, 5
NAMES = {INVALID_ARGUMENT: b"invalid argument", INVALID_USAGE: b"invalid usage"}


class Nccl:
    """The functions of NCCL on one machine. Ranks that do not call the same, in the same order, break a rule.

    calls: the collectives of this rank in the order in which they ran: name, number of elements, type, what follows.
    streams: those they were given.
    """

    def __init__(self, machine: Machine, gather: Gather) -> None:
        self.machine, self.gather = machine, gather
        self.calls: list[tuple[Any, ...]] = []
        self.streams: set[int] = set()
        self.device = self.size = -1
        self.ncclGetErrorString = _Text()

    def ncclGetVersion(self, version: Any) -> int:
        version._obj.value = 22304
        return OK

    def ncclGetUniqueId(self, unique: Any) -> int:
        unique._obj.internal[:] = [n - 60 for n in range(128)]
        return OK

    def ncclCommInitRank(self, communicator: Any, size: int, unique: Any, rank: int) -> int:
        if any(q.capture is not None for q in self.machine.queues.values()):
            self.machine.violation("NCCL: a communicator is made during a capture")
        self.device, self.size = self.machine.thread.device, size
        found = self.gather((bytes(unique), rank, size, self.device))
        if [(n, s) for _, n, s, _ in found] != [(n, size) for n in range(size)] or len({f[0] for f in found}) != 1:
            self.machine.violation(f"NCCL: the ranks make different communicators: {found}")
        if len({f[3] for f in found}) != size:  # all are on one host
            return INVALID_USAGE
        communicator._obj.value = 0x90
        return OK

    def ncclAllReduce(self, source: Any, out: Any, count: Any, kind: int, op: int, *rest: Any) -> int:
        return self._enqueue("all-reduce", source, out, count, kind, op, *rest)

    def ncclBroadcast(self, source: Any, out: Any, count: Any, kind: int, root: int, *rest: Any) -> int:
        return self._enqueue("broadcast", source, out, count, kind, root, *rest)

    def _enqueue(
        self, name: str, source: Any, out: Any, count: Any, kind: int, more: int, communicator: Any, stream: Any
    ) -> int:
        machine = self.machine
        if communicator.value != 0x90 or kind not in range(len(KINDS)):
            return INVALID_ARGUMENT
        if machine.thread.device != self.device:
            machine.violation("NCCL is called for another device than the current one")
        nbytes = count.value * np.dtype(KINDS[kind]).itemsize
        ends = [p.value + at for p in (source, out) for at in (0, nbytes - 1)]
        owned = machine.owned(ends, name)
        self.streams.add(stream.value)

        def run() -> None:
            machine.check(owned, name)
            call = name, count.value, kind, more
            self.calls.append(call)
            mine = _array(source.value, count.value, kind)
            found = self.gather((call, mine.copy()))
            if any(other != call for other, _ in found):
                machine.violation(f"NCCL: the ranks' collectives differ: {[other for other, _ in found]}")
            arrays = [array for _, array in found]
            result = arrays[more] if name == "broadcast" else _reduced(arrays, kind, more)
            _array(out.value, count.value, kind)[...] = result

        machine.enqueue(machine.queues[stream.value], "nccl", run, ends)
        return OK


class _Text:
    restype: Any = None

    def __call__(self, status: int) -> bytes:
        return NAMES[status]


def _reduced(arrays: list[Array], kind: int, op: int) -> Array:
    if kind == BFLOAT16:
        return to_bfloat16(np.sum([from_bfloat16(a) for a in arrays], 0, np.float32))
    made = {MAX: np.max, MIN: np.min}.get(op, np.sum)(arrays, 0)
    return np.asarray(made / len(arrays) if op == AVERAGE else made).astype(KINDS[kind])


def _array(pointer: int, count: int, kind: int) -> Array:
    dtype = np.dtype(KINDS[kind])
    memory = (ctypes.c_char * (count * dtype.itemsize)).from_address(pointer & ~DEVICE_BIT)
    return np.frombuffer(memory, dtype, count)
