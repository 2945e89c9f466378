"""Which operands a kernel's first result may overwrite, read off the statements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from minigraph.core.scalar import Scalar
from minigraph.loops import schedule
from minigraph.loops.index import Index
from minigraph.loops.kernel import (
    Body,
    Buffer,
    For,
    Kernel,
    Reduce,
    Statement,
    Store,
    accesses,
    children,
    loads,
    values,
)


def overwritable(kernel: Kernel) -> tuple[int, ...]:
    """Positions of the operands whose memory result 0 can take over. Needs a flat kernel.

    An operand qualifies if each iteration of the outer loop reads and writes a part of its own, and nothing of the
    operand is read after the result has been written, except each element by the statement that overwrites it.
    """
    results = [b for b in kernel.buffers if b.role == "out"]
    if not results or results[0].position != 0:
        return ()
    y = results[0]
    loops, body = schedule.nest(kernel.body)
    same = [b for b in kernel.buffers if b.role == "in" and b.dtype is y.dtype and b.size == y.size]
    return tuple(x.position for x in same if _apart(loops, body, x, y) and _read_before(body, x, y))


def _apart(loops: Sequence[For], body: Body, x: Buffer, y: Buffer) -> bool:
    found = [a for a in accesses(body) if a.buffer in (x, y)]
    if len({a.offset for a in found}) == 1:
        return all(a.offset.stride(f.var) != 0 or f.stop == 1 for a in found[:1] for f in loops)
    varying = [f for f in loops if f.stop > 1]
    if len(varying) != 1:
        return not varying
    of, var = schedule.bounds_of(schedule.nested(loops, body)), varying[0].var
    steps = {a.offset.stride(var) for a in found}
    step = steps.pop()
    if steps or not step:
        return False
    inner = [(a.offset - Index.of(var) * step).bounds(of.__getitem__) for a in found]
    return all(low >= 0 and high < step for low, high in inner)


def _read_before(body: Body, x: Buffer, y: Buffer) -> bool:
    written = False
    for s in body:
        events = list(_events([s], x, y))
        reads = [at for kind, at in events if kind == "read"]
        writes = [n for n, (kind, _) in enumerate(events) if kind == "write"]
        if written and reads:
            return False
        if writes:
            target = events[writes[0]][1]
            at_once = len(writes) == 1 and all(at == target for at in reads)
            if not at_once or any(kind == "read" for kind, _ in events[writes[0] :]):
                return False
            written = True
    return True


def _events(body: Iterable[Statement], x: Buffer, y: Buffer) -> Iterator[tuple[str, Index]]:
    """Reads of the operand and writes of the result, in the order of one step of each loop."""

    def reads(*found: Scalar) -> Iterator[tuple[str, Index]]:
        return (("read", load.value.offset) for load in loads(*found) if load.value.buffer is x)

    for s in body:
        if isinstance(s, Reduce):
            yield from reads(*s.init)
            yield from _events(s.before, x, y)
            yield from reads(*s.terms)
            yield from _events(s.after, x, y)
            continue
        yield from reads(*values(s))
        if isinstance(s, Store) and s.access.buffer is y:
            yield "write", s.access.offset
        yield from _events(children(s), x, y)
