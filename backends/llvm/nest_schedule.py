"""How kernels of the loop language run on a CPU: rules that look at strides, extents and guards, never at the op."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

from minigraph.backends.llvm.scalar import COSTLY
from minigraph.core.scalar import walk
from minigraph.loops import schedule
from minigraph.loops.index import Mod, Var
from minigraph.loops.kernel import (
    ADD,
    Body,
    For,
    If,
    Kernel,
    Let,
    Reduce,
    Statement,
    Store,
    children,
    depends,
    guards,
    loads,
    rewrite,
    statements,
    values,
)

UNROLLED = 49  # most steps of an unrolled reduction whose terms have guards
LOOKED_UP = 16  # of one that reads its indices from tables
PLAIN = 8  # and of any other
COLUMNS = 4  # vectors side by side where columns are reduced
ROWS = 4  # and along a row
LONG = 16  # statements of a body that fills two vectors side by side instead
BLOCK = 256  # elements of a block of columns, or a multiple
CARRIED = 8  # most vectors that a loop over rows carries
GRAIN = 1 << 15  # least steps of a task: enough to be worth waking a thread
COST = 4  # steps that take as long as one with an exponential or the like
TASKS = 64  # tasks, if there are many iterations
TERMS = 64  # most terms of a running sum
PIECE = 1 << 15  # elements of a piece of a long reduction; a piece has at least TERMS terms of each sum
FEW = 16  # iterations of the outer loops, too few to be shared out
NEAR = 1 << 15  # bytes that stay in the nearest cache
WINDOWS = 8  # most vectors of neighbouring windows that are computed together


class Scheduled(NamedTuple):
    """A kernel with mappings. Its outermost loops are shared out by `grain` iterations."""

    kernel: Kernel
    grain: int

    @property
    def tasks(self) -> int:
        """The number of tasks."""
        return -(-math.prod(f.stop for f in shared_loops(self.kernel.body)[0]) // self.grain)


def shared_loops(body: Body) -> tuple[list[For], Body]:
    """The outermost loops that are shared out as tasks, and what is inside them."""
    loops: list[For] = []
    while len(body) == 1 and isinstance(body[0], For) and body[0].mapping == "task":
        loops.append(body[0])
        body = body[0].body
    return loops, body


def launches(kernel: Kernel, lanes: int) -> Sequence[Scheduled]:
    """The nests of a kernel, scheduled. They run one after the other; a long reduction takes two."""
    found: list[Scheduled] = []
    works = sum(b.role == "work" for b in kernel.buffers)
    for nest in schedule.parts(kernel):
        flat = schedule.flat(nest)
        reduction, size = _long_reduction(flat)
        if reduction is None:
            found.append(_scheduled(flat, lanes))
        else:
            found += [scheduled(part, lanes) for part in schedule.in_pieces(flat, reduction, size, works)]
            works += len(reduction.names)
    return found


def _long_reduction(kernel: Kernel) -> tuple[Reduce | None, int]:
    """The reduction that is to be cut into pieces, as the loops around it have too few iterations to be shared out;
    and the steps of a piece."""
    loops, body = schedule.nest(kernel.body)
    found = [s for s in body if isinstance(s, Reduce)]
    if not loops or len(found) != 1 or not all(isinstance(s, Reduce | Store) for s in body) or found[0].size <= TERMS:
        return None, 0
    (s,) = found
    around = loops[:-1] if _is_vector(loops[-1], body) else loops
    extent = s.loops[0][1]
    row = math.prod(f.stop for f in loops) * s.size // extent
    if s.after or _reads_itself(s) or math.prod(f.stop for f in around) >= FEW or row * extent < 2 * GRAIN:
        return None, 0
    size = schedule.share(extent, max(-(-TERMS * extent // s.size), PIECE // row))
    return (s, size) if size < extent else (None, 0)


def scheduled(kernel: Kernel, lanes: int) -> Scheduled:
    """The kernel with the loops over adjacent results in vectors, short reductions unrolled, borders apart from the
    interior, and the outer loops as tasks."""
    return _scheduled(schedule.flat(kernel), lanes)


def _scheduled(kernel: Kernel, lanes: int) -> Scheduled:
    """The schedule of a flat kernel."""
    kernel = schedule.keep(kernel)
    kernel = schedule.map_reductions(kernel, "unroll", _is_short)
    loops, body = schedule.nest(kernel.body)
    work = math.prod(f.stop for f in loops) * _inner_work(body) * (COST if is_costly(body) else 1)
    last = loops[-1].var
    if any(isinstance(s, For) and s.mapping == "serial" for s in body):
        return _in_steps(kernel, loops[-1], work)
    columns = _is_vector(loops[-1], body)
    inner: list[Var] = []
    far = columns and len(loops) > 2 and _overlaps(body, loops[-2].var) and _sweep(body, loops[-1]) > NEAR
    if columns and len(loops) > 1:
        kernel, inner = _blocked(kernel, loops[:-1], body, far)
    many = f"vector:{WINDOWS // _together(loops[-2])}" if far else _side_by_side(body)
    kernel = schedule.map_loops(kernel, many, {last}) if columns else _inner_vectors(kernel, body)
    if columns and len(loops) == 1:
        kernel = _in_blocks(kernel, loops[0], work)
    if columns:
        kernel = _interior_vectors(kernel, last, lanes)
    kernel = _short_sums(kernel, lanes)
    kernel = _peeled(kernel, last if columns else None, inner, far)
    return _tasks(kernel, columns, work)


def _side_by_side(body: Body) -> str:
    """The mapping of a loop over columns: several vectors side by side where each carries a value along its rows."""
    carried = max(
        (len(s.names) for s in statements(body) if isinstance(s, Reduce) and s.mapping != "unroll"), default=0
    )
    return f"vector:{min(COLUMNS, max(CARRIED // carried, 1))}" if carried else "vector"


def _short_sums(kernel: Kernel, lanes: int) -> Kernel:
    """Sums in blocks, so that no running sum has more than TERMS terms."""

    def change(s: Statement) -> Body | None:
        if not (isinstance(s, Reduce) and s.monoid is ADD and s.names[0].dtype.is_floating) or s.mapping == "unroll":
            return None
        _, _, many = s.mapping.partition(":")
        terms = TERMS * lanes * int(many) if many else TERMS
        return None if s.size <= terms or s.after or _reads_itself(s) else schedule.chunked(s, terms, TERMS)

    return schedule.with_body(kernel, rewrite(kernel.body, change))


def _in_steps(kernel: Kernel, last: For, work: int) -> Scheduled:
    """Serial loops, each step of which goes along the last axis by vectors."""
    if any(isinstance(s, Let) and s.var is not None and depends(s.value, last.var) for s in statements(kernel.body)):
        return _tasks(kernel, False, work)
    kernel = schedule.sink(kernel, last.var)
    found = {
        s.var for s in statements(kernel.body) if isinstance(s, For) and s.var is last.var and _is_vector(s, s.body)
    }
    return _tasks(schedule.map_loops(kernel, f"vector:{ROWS}", found), False, work)


def _is_short(s: Reduce) -> bool:
    guarded = bool(s.guard) or any(load.value.guard for load in loads(*s.terms)) or not s.monoid.commutes
    looks_up = any(isinstance(x, Let) and x.var is not None for x in s.before)
    return s.size <= (UNROLLED if guarded else LOOKED_UP if looks_up else PLAIN)


def _inner_work(body: Body) -> int:
    """Steps of the longest reduction or loop inside, for one iteration of the outer nest."""
    total = 1
    for s in body:
        inside = _inner_work(children(s))
        if isinstance(s, Reduce | For):
            inside *= s.size if isinstance(s, Reduce) else s.stop - s.start
        total = max(total, inside)
    return total


def is_costly(body: Body) -> bool:
    """Whether statements compute functions that cost as much on few lanes as on many."""
    found = (node.function for s in statements(body) for v in values(s) for node in walk(v))
    return any(function in COSTLY for function in found)


def _is_vector(loop: For, body: Body) -> bool:
    """Whether neighbouring iterations write adjacent elements and read adjacent or equal ones."""
    interleaved = schedule.interleaved(body, loop.var)
    writes = interleaved or any(
        isinstance(s, Store) and s.access.offset.stride(loop.var) == 1 for s in statements(body)
    )
    indices = [s for s in statements(body) if isinstance(s, Let) and s.var is not None]
    reads_indices = any(depends(s.value, loop.var) for s in indices)
    irregular = [g for guard in guards(body) for g in guard if g.index.stride(loop.var) is None]
    inner_loops = any(isinstance(s, For) and s.mapping != "serial" for s in body)
    return (
        writes and loop.stop > 1 and not (reads_indices or irregular or inner_loops)
        and schedule.strides(body[: len(body) - len(interleaved)], loop.var) <= {0, 1}
    )  # fmt: skip


def _blocked(kernel: Kernel, outer: list[For], body: Body, far: bool) -> tuple[Kernel, list[Var]]:
    """Blocks of outer iterations unrolled inside: so that remainders of them become constants, or so that windows which
    overlap share what they load. Returns the unrolled variables, too.

    far: whether what neighbouring windows share has left the nearest cache by the time it is read again.
    """
    inner: list[Var] = []
    for f in outer:
        for by in _remainders(body, f.var):
            kernel, high, low = schedule.split(kernel, f.var, by)
            inner += [high, low]
    if not inner and _overlaps(body, outer[-1].var):
        kernel, high, low = schedule.split(kernel, outer[-1].var, _together(outer[-1]) if far else 2)
        inner = [high, low]
    unrolled = inner[1::2]
    kernel = schedule.map_loops(kernel, "unroll", unrolled)
    return schedule.inwards(kernel, unrolled) if unrolled else kernel, unrolled


def _in_blocks(kernel: Kernel, loop: For, work: int) -> Kernel:
    """The only loop in blocks, which can be shared out."""
    size = max(BLOCK, -(-loop.stop // TASKS // BLOCK) * BLOCK)
    guarded = any(loop.var in g.index.variables() for guard in guards(loop.body) for g in guard)
    return kernel if guarded or loop.stop < 2 * size or work < 2 * GRAIN else schedule.blocks(kernel, loop.var, size)


def _interior_vectors(kernel: Kernel, var: Var, lanes: int) -> Kernel:
    """The vector loop in three, so that whole vectors in the middle have no lanes to test."""
    _, body = schedule.nest(kernel.body)
    unrolled = {v: n for s in statements(body) if isinstance(s, Reduce) and s.mapping == "unroll" for v, n in s.loops}
    where = schedule.interior(body, {var}, unrolled, schedule.bounds_of(kernel.body))
    if not where:
        return kernel
    (loop,) = (s for s in statements(kernel.body) if isinstance(s, For) and s.var is var)
    rising = [(g, g.index.terms[var]) for g in where if g.index.terms[var] > 0]
    low = max((-(-(g.low - g.index.const) // step) for g, step in rising), default=0)
    high = min(((g.high - 1 - g.index.const) // step + 1 for g, step in rising), default=loop.stop)
    low, high = -(-max(low, 0) // lanes) * lanes, min(high, loop.stop) // lanes * lanes
    return schedule.cut(kernel, var, low, high) if low < high else kernel


def _remainders(body: Body, var: Var) -> list[int]:
    """The small numbers by which guards take a remainder of the variable."""
    found = {
        atom.by
        for guard in guards(body) for g in guard for atom in g.index.terms
        if isinstance(atom, Mod) and atom.index.terms.get(var) == 1 and atom.by <= 4
    }  # fmt: skip
    return sorted(found)[:1]


def _overlaps(body: Body, var: Var) -> bool:
    """Whether neighbouring iterations read at least half of each other's elements."""
    for s in statements(body):
        if isinstance(s, Reduce) and s.mapping == "unroll":
            for load in loads(*s.terms):
                far = load.value.offset.stride(var)
                for v, extent in s.loops:
                    near = load.value.offset.stride(v)
                    if far and near and far % near == 0 and 0 < 2 * abs(far // near) <= extent:
                        return True
    return False


def _together(windows: For) -> int:
    """How many of a line's windows are computed together: all if they are few, as their borders are constants then."""
    return windows.stop if windows.stop <= WINDOWS else WINDOWS // 2


def _sweep(body: Body, loop: For) -> int:
    """Bytes that a sweep along the loop loads."""
    total = 0
    for s in statements(body):
        if isinstance(s, Reduce):
            steps = s.size * loop.stop
            total += sum(steps * x.dtype.size for x in loads(*s.terms) if x.value.offset.stride(loop.var))
    return total


def _inner_vectors(kernel: Kernel, body: Body) -> Kernel:
    """Reductions along adjacent elements, and loops that write adjacent ones, by vectors."""

    def by_lanes(s: Reduce) -> bool:
        terms = (*s.before, *(Let(s.names[0], t) for t in s.terms))
        flat = schedule.strides(terms, s.loops[-1][0]) <= {0, 1}
        regular = not any(s.loops[-1][0] in g.index.variables() for g in s.guard)
        inside = any(isinstance(x, Reduce | For) for x in s.before)
        ordered = bool(s.after) or inside or not s.monoid.commutes or _reads_itself(s)
        return s.mapping == "serial" and not ordered and flat and regular

    kernel = schedule.map_reductions(kernel, f"vector:{ROWS}", by_lanes)
    found = [s for s in statements(body) if isinstance(s, For) and s.mapping == "each" and _is_vector(s, s.body)]
    long = {s.var for s in found if len(s.body) > LONG}
    kernel = schedule.map_loops(kernel, "vector:2", long)
    return schedule.map_loops(kernel, f"vector:{ROWS}", {s.var for s in found} - long)


def _reads_itself(s: Reduce) -> bool:
    """Whether its steps read the values so far, so that they must be taken in order."""
    found = (v for x in (*statements(s.before), s) for v in (x.terms if x is s else values(x)))
    return any(node.function == "name" and node.value in s.names for v in found for node in walk(v))


def _peeled(kernel: Kernel, vector: Var | None, inner: Collection[Var], far: bool) -> Kernel:
    """The interior, where no guard fails, apart from the border: an If around the innermost loops.

    far: with the vector loop outside the loop over windows, so that these find in the nearest cache what their
    neighbours have loaded.
    """
    loops, _ = schedule.nest(kernel.body)
    around = [f for f in loops if f.var is not vector and f.var not in inner]
    inside = [f for f in loops if f.var is vector or f.var in inner]
    _, body = schedule.nest(kernel.body)
    if far:
        around[-1:] = [*(f for f in inside if f.var is vector), around[-1]]
        inside = [f for f in inside if f.var in inner]
    of = schedule.bounds_of(kernel.body)
    outer = {f.var for f in around if f.var is not vector}
    unrolled = {
        v: extent for s in statements(body) if isinstance(s, Reduce) and s.mapping == "unroll" for v, extent in s.loops
    }
    unrolled |= {f.var: f.stop for f in loops if f.var in inner}
    where = schedule.interior(body, outer, unrolled, of)
    if where is None and far:  # each block of windows reaches over the border
        outer.remove(around[-1].var)
        where = schedule.interior(body, outer, unrolled, of)
    if isinstance(body[0], If) and body[0].otherwise:
        return kernel
    if not where:
        return schedule.with_body(kernel, schedule.nested([*around, *inside], body)) if far else kernel
    ordered = [f for f in inside if f.var in inner] + [f for f in inside if f.var not in inner]
    plain = schedule.nested(_jammed(inside, inner), schedule.without_guards(body, outer))
    guarded = schedule.nested(ordered, body)
    return schedule.with_body(kernel, schedule.nested(around, [If(where, plain, guarded)]))


def _jammed(inside: list[For], inner: Collection[Var]) -> list[For]:
    """Vector loop outside, unrolled blocks inside, so that these share loads."""
    return [f for f in inside if f.var not in inner] + [f for f in inside if f.var in inner]


def _tasks(kernel: Kernel, columns: bool, work: int) -> Scheduled:
    """The outer loops as tasks, but for the innermost one around vectors."""
    loops, _ = schedule.nest(kernel.body)
    free = [f for f in loops if f.mapping == "each"]
    bound = free[:-1] if len(free) > 1 and columns else free
    count = math.prod(f.stop for f in bound)
    per_iteration = max(1, work // max(count, 1))
    grain = max(-(-count // TASKS) if count > TASKS * TASKS else 1, GRAIN // per_iteration, 1)
    kernel = schedule.map_loops(kernel, "task", {f.var for f in bound})
    return Scheduled(kernel, min(grain, max(count, 1)))
