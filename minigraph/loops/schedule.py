"""Schedules: functions from a kernel to one that computes the same in another order.

None of them knows an op or a target; they look at strides, extents and guards only. A target combines them by rules of
its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from minigraph.core.scalar import Scalar, call
from minigraph.loops.index import Bounds, Guard, Index, Inside, Var
from minigraph.loops.kernel import (
    Access,
    Body,
    Buffer,
    For,
    If,
    Kernel,
    Let,
    Local,
    Name,
    Reduce,
    Statement,
    Store,
    TileCall,
    accesses,
    depends,
    guards,
    map_value,
    map_values,
    replaced,
    rewrite,
    shown,
    statements,
    tables,
)


def nest(body: Body) -> tuple[list[For], Body]:
    """The loops that stand around everything, from outside in, and what stands inside them."""
    loops: list[For] = []
    while len(body) == 1 and isinstance(body[0], For) and body[0].mapping != "serial":
        loops.append(body[0])
        body = body[0].body
    return loops, body


def nested(loops: Sequence[For], body: Iterable[Statement]) -> Body:
    """The loops around a body."""
    made = tuple(body)
    for loop in reversed(loops):
        made = (loop._replace(body=made),)
    return made


def bounds_of(body: Body) -> dict[Var, Bounds]:
    """The bounds of all variables; of one that several loops have, the hull."""
    found: dict[Var, Bounds] = {}
    for s in statements(body):
        if isinstance(s, For):
            low, high = found.get(s.var, (s.start, s.stop - 1))
            found[s.var] = (min(low, s.start), max(high, s.stop - 1))
        elif isinstance(s, Reduce):
            found |= {var: (0, extent - 1) for var, extent in s.loops}
        elif isinstance(s, Let) and s.var is not None:
            found[s.var] = (0, s.below - 1)
    return found


def with_body(kernel: Kernel, body: Iterable[Statement]) -> Kernel:
    return kernel._replace(body=tuple(body))


def map_accesses(body: Body, change: Callable[[Access], Access]) -> Body:
    """The statements with other accesses."""

    def leaf(node: Scalar, args: tuple[Scalar, ...]) -> Scalar | None:
        if node.function != "load":
            return None
        made = change(node.value)
        return Scalar("load", args if made.guard else (), node.dtype, made)

    def visit(s: Statement) -> list[Statement]:
        made = map_values(s, lambda v: map_value(v, leaf))
        if isinstance(made, Store):
            made = made._replace(access=change(made.access))
        elif isinstance(made, TileCall):
            made = made._replace(accesses=tuple(map(change, made.accesses)))
        return [made]

    return rewrite(body, visit)


def flatten(kernel: Kernel) -> Kernel:
    """The kernel on arrays of one axis."""
    local = [s.buffer for s in statements(kernel.body) if isinstance(s, Local)]
    flat = {b: b.flat() for b in (*kernel.buffers, *local, *tables(kernel.body))}
    body = map_accesses(kernel.body, lambda a: Access(flat[a.buffer], (a.offset,), a.guard))
    body = rewrite(body, lambda s: [Local(flat[s.buffer])] if isinstance(s, Local) else None)
    return Kernel(kernel.name, tuple(flat[b] for b in kernel.buffers), body)


def map_guards(body: Body, change: Callable[[Guard], Guard]) -> Body:
    """The statements with other guards, whose conditions are some of the old ones."""

    def visit(s: Statement) -> Iterable[Statement] | None:
        if not isinstance(s, If | Reduce) or not s.guard:
            return None
        guard = change(s.guard)
        return s.body if isinstance(s, If) and not guard else [s._replace(guard=guard)]

    with_loads = map_accesses(body, lambda a: a._replace(guard=change(a.guard)) if a.guard else a)
    return rewrite(with_loads, visit)


def tidy(kernel: Kernel) -> Kernel:
    """Without the conditions that always hold."""
    of = bounds_of(kernel.body).__getitem__
    return with_body(kernel, map_guards(kernel.body, lambda guard: tuple(g for g in guard if g.known(of) is not True)))


def strides(body: Body, var: Var) -> set[int | None]:
    """The distances between what neighbouring iterations read and write, in elements; None where they vary."""
    return {a.offset.stride(var) for a in accesses(body)}


def interleaved(body: Body, var: Var) -> list[Store]:
    """The stores at the end of a body, if neighbouring iterations write to adjacent groups of elements through them."""
    found: list[Store] = []
    for s in reversed(body):
        if not isinstance(s, Store) or (found and s.access.buffer is not found[-1].access.buffer):
            break
        found.append(s)
    first = found[-1].access.offset if found else Index({})
    apart = [s.access.offset - first for s in reversed(found)]
    whole = len(found) in (2, 4, 8) and first.stride(var) == len(found)
    return found[::-1] if whole and [d.number for d in apart] == list(range(len(found))) else []


def fuse(kernel: Kernel) -> Kernel:
    """Neighbouring loops of the outer nest as one loop, where each access treats them as one. Needs a flat kernel."""
    loops, body = nest(kernel.body)
    apart = shown(body) | {v for guard in guards(body) for g in guard for v in g.index.variables()}
    n = 0
    while n + 1 < len(loops):
        outer, inner = loops[n], loops[n + 1]
        if not {outer.var, inner.var} & apart and all(_as_one(a.offset, outer, inner) for a in accesses(body)):
            body = replaced(body, {outer.var: 0})
            loops[n : n + 2] = [inner._replace(stop=outer.stop * inner.stop)]
            n = max(n - 1, 0)
        else:
            n += 1
    kept = [f for f in loops if f.stop > 1] or loops[-1:]
    return with_body(kernel, nested(kept, replaced(body, {f.var: 0 for f in loops if f not in kept})))


def flat(kernel: Kernel) -> Kernel:
    """Of flat arrays, without needless conditions, neighbouring loops as one."""
    return fuse(tidy(flatten(kernel)))


def _as_one(offset: Index, outer: For, inner: For) -> bool:
    far, near = offset.stride(outer.var), offset.stride(inner.var)
    return far is not None and near is not None and far == near * inner.stop


def change_loop(kernel: Kernel, var: Var, change: Callable[[For], Iterable[Statement]]) -> Kernel:
    """Other statements for the loops of a variable."""
    return with_body(kernel, rewrite(kernel.body, lambda s: change(s) if isinstance(s, For) and s.var is var else None))


def map_loops(kernel: Kernel, mapping: str, variables: Collection[Var]) -> Kernel:
    """The loops of the variables with a mapping."""
    return with_body(
        kernel,
        rewrite(
            kernel.body, lambda s: [s._replace(mapping=mapping)] if isinstance(s, For) and s.var in variables else None
        ),
    )


def map_reductions(kernel: Kernel, mapping: str, which: Callable[[Reduce], bool]) -> Kernel:
    """The reductions selected by `which` with a mapping."""
    return with_body(
        kernel,
        rewrite(kernel.body, lambda s: [s._replace(mapping=mapping)] if isinstance(s, Reduce) and which(s) else None),
    )


def split(kernel: Kernel, var: Var, by: int) -> tuple[Kernel, Var, Var]:
    """var = by·outer + inner. Returns the kernel and the two variables."""
    outer, inner = Var(f"{var}o"), Var(f"{var}i")
    value = Index.of(outer) * by + inner

    def change(s: For) -> list[Statement]:
        body = replaced(s.body, {var: value})
        if s.stop % by:
            body = (If((Inside(value, s.start, s.stop),), body),)
        return [For(outer, s.start // by, -(-s.stop // by), (For(inner, 0, by, body, s.mapping),), s.mapping)]

    return change_loop(kernel, var, change), outer, inner


def blocks(kernel: Kernel, var: Var, size: int) -> Kernel:
    """The loop in blocks of a size, around its body; the last one may be shorter."""
    outer = Var(f"{var}o")

    def change(s: For) -> list[Statement]:
        whole, rest = divmod(s.stop, size)
        body = replaced(s.body, {var: Index.of(outer) * size + var})
        full = (s._replace(stop=size, body=body),)
        if not rest:
            return [For(outer, 0, whole, full)]
        last = (s._replace(stop=rest, body=body),)
        return [For(outer, 0, whole + 1, (If((Inside(Index.of(outer), 0, whole),), full, last),))]

    return change_loop(kernel, var, change)


def inwards(kernel: Kernel, variables: Collection[Var]) -> Kernel:
    """The loops of the variables as the innermost ones of the outer nest, with the conditions that stand between."""
    loops: list[For] = []
    guard: Guard = ()
    body = kernel.body
    while len(body) == 1 and (isinstance(body[0], For) or (isinstance(body[0], If) and not body[0].otherwise)):
        head = body[0]
        if isinstance(head, For):
            loops.append(head)
        else:
            guard += head.guard
        body = head.body
    if guard:
        body = (If(guard, body),)
    ordered = [f for f in loops if f.var not in variables] + [f for f in loops if f.var in variables]
    return with_body(kernel, nested(ordered, body))


def cut(kernel: Kernel, var: Var, *places: int) -> Kernel:
    """The loop as several ones, one after the other."""

    def change(s: For) -> list[Statement]:
        ends = [s.start, *sorted({min(max(p, s.start), s.stop) for p in places}), s.stop]
        return [s._replace(start=a, stop=b) for a, b in itertools.pairwise(ends) if a < b]

    return change_loop(kernel, var, change)


def interior(body: Body, outer: Collection[Var], unrolled: Mapping[Var, int], of: Mapping[Var, Bounds]) -> Guard | None:
    """Where all guards that depend on the outer variables hold: conditions on these variables only.

    unrolled: inner variables that take each of their values by itself, with their extents. None if there is no such
    place, or some guard never holds.
    """
    found: dict[Index, Bounds] = {}
    for guard in guards(body):
        inner = [v for v in unrolled if any(v in g.index.variables() for g in guard)]
        for at in itertools.product(*(range(unrolled[v]) for v in inner)):
            now = [g.replaced(dict(zip(inner, at, strict=True))) for g in guard]
            free = [g for g in now if not g.index.variables() & set(outer)]
            if any(g.known(of.__getitem__) is False for g in free):
                continue
            for g in now:
                if g in free:
                    continue
                if g.known(of.__getitem__) is False or any(not isinstance(a, Var) for a in g.index.terms):
                    return None
                _narrow(found, g, outer, of)
    conditions = tuple(
        Inside(index, low, high + 1) for index, (low, high) in found.items()
        if Inside(index, low, high + 1).known(of.__getitem__) is not True
    )  # fmt: skip
    return conditions if all(g.known(of.__getitem__) is not False and g.low < g.high for g in conditions) else None


def _narrow(found: dict[Index, Bounds], g: Inside, outer: Collection[Var], of: Mapping[Var, Bounds]) -> None:
    """Add that the condition holds for all values of its other variables."""
    mine = Index({a: c for a, c in g.index.terms.items() if a in outer})
    least, most = (g.index - mine).bounds(of.__getitem__)
    low, high = found.get(mine, (-(1 << 62), 1 << 62))
    found[mine] = (max(low, g.low - least), min(high, g.high - 1 - most))


def without_guards(body: Body, outer: Collection[Var]) -> Body:
    """The body without the conditions that depend on the outer variables."""
    chosen = set(outer)
    return map_guards(body, lambda guard: tuple(g for g in guard if not g.index.variables() & chosen))


def sink(kernel: Kernel, var: Var) -> Kernel:
    """The loop of the outer nest inside the serial loops of its body, around the statements that depend on it.

    So these go along it in each step. Its iterations must not depend on each other.
    """

    along: set[Name] = set()  # the names that depend on the variable

    def inside(body: Body, loop: For) -> Body:
        made: list[Statement] = []
        for s in body:
            if isinstance(s, For) and s.mapping == "serial":
                made.append(s._replace(body=inside(s.body, loop)))
            elif isinstance(s, Let) and not depends(s.value, var, along):
                made.append(s)
            else:
                along.update([s.name] if isinstance(s, Let) else ())
                made.append(loop._replace(body=(s,)))
        return tuple(made)

    return change_loop(kernel, var, lambda loop: inside(loop.body, loop))


def keep(kernel: Kernel) -> Kernel:
    """A value that a reduction computes and a later loop over the same range computes again to store is stored at once.

    The loop then reads it from the result.
    """

    def block(body: Body) -> Body:
        made = list(body)
        for n, s in enumerate(made):
            if isinstance(s, Reduce) and len(s.loops) == 1 and s.terms[0].args and not s.guard:
                for m in range(n + 1, len(made)):
                    if (pair := _kept(s, made[m])) is not None:
                        made[n], made[m] = pair
                        break
        return tuple(made)

    body = rewrite(kernel.body, lambda s: [s._replace(body=block(s.body))] if isinstance(s, For) else None)
    return with_body(kernel, block(body))


def _kept(s: Reduce, loop: Statement) -> tuple[Statement, Statement] | None:
    if not (
        isinstance(loop, For) and loop.mapping == "each" and len(loop.body) == 1 and isinstance(loop.body[0], Store)
    ):
        return None
    (var, extent), store, term = s.loops[0], loop.body[0], s.terms[0]
    target = store.access.buffer
    if (loop.start, loop.stop) != (0, extent) or target.dtype is not term.dtype:
        return None
    known: dict[int, Scalar] = {}
    wanted = _key(term, {var: Index.of(loop.var)})

    def find(node: Scalar) -> Scalar:
        if id(node) not in known:
            if _key(node, {}) == wanted:
                known[id(node)] = Scalar("load", (), node.dtype, store.access)
            else:
                args = tuple(map(find, node.args))
                same = all(a is b for a, b in zip(args, node.args, strict=True))
                known[id(node)] = node if same else Scalar(node.function, args, node.dtype, node.value)
        return known[id(node)]

    value = find(store.value)
    if value is store.value:
        return None
    name = Name(f"{s.names[0].name}_term", term.dtype)
    now = store.access.replaced({loop.var: Index.of(var)})
    before = (*s.before, Let(name, term), Store(now, name()))
    return (
        s._replace(before=before, terms=(name(), *s.terms[1:])),
        loop._replace(body=(store._replace(value=value),)),
    )


def _key(node: Scalar, by: Mapping[Var, Index]) -> object:
    value = node.value.replaced(by) if node.function in ("load", "index") else node.value
    return node.function, node.dtype.name, value, tuple(_key(a, by) for a in node.args)


def chunked(s: Reduce, terms: int, blocks: int = 64) -> Body:
    """A long reduction in blocks of at most `terms` steps, and these in groups of at most `blocks`.

    So a running sum has few terms, which bounds its rounding error. The names of `s` are made by the last statement.
    """
    return tuple(_chunked(s, terms, blocks, ""))


def _chunked(s: Reduce, terms: int, blocks: int, label: str) -> list[Statement]:
    if s.size <= terms:
        return [s]
    n, steps = len(s.loops), 1
    while steps * s.loops[n - 1][1] <= terms:
        n -= 1
        steps *= s.loops[n][1]
    *outer, (var, extent) = s.loops[:n]
    if outer:
        part = _part(s, f"along{label}", var, var, Index.of(var), extent, s.loops[n:])
        whole = _whole(s, s.names, outer, part, _chunked(part, terms, blocks, f"{label}a"))
        return _chunked(whole, blocks, blocks, f"{label}o")
    size = share(extent, terms // steps)
    count, rest = divmod(extent, size)
    block, row = Var(f"{var}o"), Var(f"{var}i")
    part = _part(s, f"part{label}", var, row, Index.of(block) * size + row, size, s.loops[1:])
    if not rest:
        return _chunked(_whole(s, s.names, [(block, count)], part, [part]), blocks, blocks, f"{label}o")
    full = tuple(Name(f"{m.name}_full{label}", m.dtype) for m in s.names)
    tail = _part(s, f"rest{label}", var, row, count * size + Index.of(row), rest, s.loops[1:])
    made = _chunked(_whole(s, full, [(block, count)], part, [part]), blocks, blocks, f"{label}o")
    found = s.monoid.combine([m() for m in full], [m() for m in tail.names])
    return [*made, tail, *(Let(name, value) for name, value in zip(s.names, found, strict=True))]


def _whole(
    s: Reduce, names: tuple[Name, ...], loops: Sequence[tuple[Var, int]], part: Reduce, before: Iterable[Statement]
) -> Reduce:
    """The reduction of parts that `before` makes."""
    terms = tuple(m() for m in part.names)
    return Reduce(names, s.init, tuple(loops), (), tuple(before), terms, s.monoid, (), "serial")


def share(extent: int, most: int) -> int:
    """A part of `extent`, at most `most`: one that divides it, if it is not much shorter."""
    return next((n for n in range(most, most // 2, -1) if extent % n == 0), most)


def _part(
    s: Reduce, stem: str, var: Var, row: Var, place: Index, size: int, inner: Sequence[tuple[Var, int]]
) -> Reduce:
    """The reduction of a part of its steps, under names of its own: `size` of `var` from `place` on."""
    names = tuple(Name(f"{m.name}_{stem}", m.dtype) for m in s.names)
    (made,) = replaced([s._replace(loops=((row, size), *inner), names=names)], {var: place})
    assert isinstance(made, Reduce)
    return made


def in_pieces(kernel: Kernel, reduction: Reduce, size: int, first: int = 0) -> tuple[Kernel, Kernel]:
    """The only reduction of the outer nest in two kernels.

    The first reduces pieces of the outermost reduced axis, of `size` steps each, into workspaces, which are numbered
    from `first` on; the second reduces these.
    """
    loops, body = nest(kernel.body)
    (var, extent), *inner = reduction.loops
    count, rest = divmod(extent, size)
    pieces = count + (rest > 0)
    piece, row, again = Var("piece"), Var("row"), Var("piece")
    kept = tuple(f.stop for f in loops)
    names = enumerate(reduction.names, first)
    work = tuple(Buffer(f"w{i}", n.dtype, (pieces, *kept), "work", i) for i, n in names)
    at = tuple(Index.of(f.var) for f in loops)

    def part(steps: int) -> Body:
        made = _part(reduction, "part", var, row, Index.of(piece) * size + row, steps, inner)
        stores = [Store(Access(w, (Index.of(piece), *at)), n()) for w, n in zip(work, made.names, strict=True)]
        return nested(loops, [made, *stores])

    whole = part(size)
    if rest:
        whole = (If((Inside(Index.of(piece), 0, count),), whole, part(rest)),)
    parts = with_buffers(f"{kernel.name}_pieces", (*kernel.buffers, *work), (For(piece, 0, pieces, whole),))
    terms = tuple(w[(Index.of(again), *at)] for w in work)
    total = reduction._replace(loops=((again, pieces),), guard=(), before=(), terms=terms)
    rewritten = nested(loops, [total if s is reduction else s for s in body])
    return parts, with_buffers(kernel.name, (*kernel.buffers, *work), rewritten)


def with_buffers(name: str, buffers: Iterable[Buffer], body: Body) -> Kernel:
    """The kernel with those of the buffers that its statements use."""
    used = {a.buffer for a in accesses(body)}
    return Kernel(name, tuple(b for b in buffers if b in used), body)


def added(kernel: Kernel, results: Collection[int]) -> Kernel:
    """The kernel that adds the given results to what their buffers hold."""

    def change(s: Statement) -> list[Statement] | None:
        if not (isinstance(s, Store) and s.access.buffer.role == "out" and s.access.buffer.position in results):
            return None
        before = Scalar("load", (), s.access.buffer.dtype, s.access)
        return [s._replace(value=call("add", before, s.value))]

    return with_body(kernel, rewrite(kernel.body, change))


def parts(kernel: Kernel) -> list[Kernel]:
    """A kernel for each of the outermost statements that store something, on the buffers that it touches.

    Several kernels are named after what they store, too.
    """
    found = [s for s in kernel.body if any(isinstance(x, Store | TileCall) for x in statements([s]))]
    if found == list(kernel.body) and len(found) == 1:
        return [kernel]
    made = []
    for s in found:
        stored = next((x.access.buffer for x in statements([s]) if isinstance(x, Store)), "tile")
        made.append(with_buffers(f"{kernel.name}_{stored}", kernel.buffers, (s,)))
    return made


def only(kernel: Kernel, wanted: Sequence[bool]) -> Kernel:
    """The kernel without the results that nobody reads."""
    gone = {b for b in kernel.buffers if b.role == "out" and not wanted[b.position]}
    body = rewrite(kernel.body, lambda s: [] if isinstance(s, Store) and s.access.buffer in gone else None)
    return Kernel(kernel.name, tuple(b for b in kernel.buffers if b not in gone), body)
