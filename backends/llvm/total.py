"""The sum of the tasks' partial sums."""

from __future__ import annotations

from minigraph.backends.llvm.builder import Frame, at, index, loop, number, offset, reduce_loop, smaller
from minigraph.backends.llvm.compiler import host
from minigraph.backends.llvm.text import F32, IRValue, vector


def write_total(frame: Frame, size: int, count: int, source: int, target: int, adds: bool = False) -> None:
    """Write the kernel "finish" with `total_tasks(size)` tasks.

    It sums `count` arrays of `size` float32, which follow each other at pointer `source`, in order, into pointer
    `target`, or adds them to its content.
    """
    width, chunk = host().lanes, _chunk()
    with frame.tasks("finish") as task:
        b = frame.b
        low = b.mul(task, index(chunk))
        high = smaller(b, b.add(low, index(chunk)), index(size))
        whole = b.add(low, b.mul(b.sdiv(b.sub(high, low), index(width)), index(width)))
        for start, stop, step in ((low, whole, width), (whole, high, 1)):
            with loop(b, start, stop, step) as j:

                def add(part: IRValue, found: IRValue, j: IRValue = j, step: int = step) -> list[IRValue]:
                    address = at(b, frame.pointers[source], offset(b, (part, size), (j, 1)), F32)
                    return [b.fadd(found, b.load(address, vector(F32, step), align=4))]

                place = at(b, frame.pointers[target], j, F32)
                kind = vector(F32, step)
                first = b.load(place, kind, align=4) if adds else number(F32, 0.0, step)
                (found,) = reduce_loop(b, index(0), index(count), 1, [first], add)
                b.store(found, place, align=4)


def total_tasks(size: int) -> int:
    """The number of tasks of "finish"."""
    return -(-size // _chunk())


def _chunk() -> int:
    return 64 * host().lanes
