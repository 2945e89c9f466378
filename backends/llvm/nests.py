"""Kernels of the loop language as LLVM IR.

Mappings of loops: "task" (the outermost ones), "unroll", "vector" and "vector:N" (N registers side by side), "each" and
"serial"; of reductions "unroll", "vector:N" (lanes share the innermost loop) and "serial".
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from minigraph.backends.llvm import scalar
from minigraph.backends.llvm.builder import (
    Frame,
    element,
    function,
    index,
    intrinsic,
    loop,
    reduce_loop,
    smaller,
    splat,
)
from minigraph.backends.llvm.nest_schedule import is_costly, shared_loops
from minigraph.backends.llvm.nest_values import ValuePrinter
from minigraph.backends.llvm.text import I32, POINTER, VOID, IRValue, vector
from minigraph.backends.llvm.tile import parts
from minigraph.core.scalar import Scalar, operand
from minigraph.loops import schedule
from minigraph.loops.index import Bounds, Index, Inside, Var
from minigraph.loops.kernel import (
    ADD,
    Access,
    Body,
    Buffer,
    For,
    If,
    Kernel,
    Let,
    Local,
    Reduce,
    Store,
    TileCall,
    accesses,
    tables,
)


class LlvmPrinter(ValuePrinter):
    """Prints a scheduled kernel; its outermost loops with the mapping "task" are shared out by `grain` iterations."""

    def __init__(self, kernel: Kernel, lanes: int, grain: int = 1) -> None:
        super().__init__(kernel, lanes)
        shared, body = shared_loops(kernel.body)
        count = math.prod(f.stop for f in shared)
        self.tasks = -(-count // grain)
        self.frame = Frame(len(kernel.buffers))
        with self.frame.tasks("kernel") as task:
            self.b = self.frame.b
            self.pointers |= dict(zip(kernel.buffers, self.frame.pointers, strict=True))
            self.pointers |= {t: self._table(t) for t in tables(kernel.body)}
            if grain == 1:
                self._task(shared, task, body)
            else:
                low = self.b.mul(task, index(grain))
                high = smaller(self.b, self.b.add(low, index(grain)), index(count))
                with loop(self.b, low, high) as i, self.scope():
                    self._task(shared, i, body)

    def _table(self, table: Buffer) -> IRValue:
        """The address of a constant array of the module."""
        return self.frame.module.table(f"table_{table.name}", element(table.dtype), table.content.ravel().tolist())

    @property
    def text(self) -> str:
        return self.frame.text

    def _task(self, shared: Sequence[For], task: IRValue, body: Body) -> None:
        for n, f in enumerate(reversed(shared)):
            outermost = n == len(shared) - 1
            self.vars[f.var] = task if outermost else self.b.urem(task, index(f.stop))
            self.bounds[f.var] = (0, f.stop - 1)
            task = task if outermost else self.b.udiv(task, index(f.stop))
        self.run(body)

    # statements

    def run(self, body: Body) -> None:
        together = []
        if self.width > 1 and self.lane_var is not None and not self.masks:
            together = schedule.interleaved(body, self.lane_var)
        for s in body[: len(body) - len(together)]:
            if isinstance(s, For):
                self._for(s)
            elif isinstance(s, If):
                self._if(s)
            elif isinstance(s, Let):
                self._let(s)
            elif isinstance(s, Store):
                self._store(s.access.replaced(self.replacements), s.value)
            elif isinstance(s, Reduce):
                self._reduce(s)
            elif isinstance(s, Local):
                kind = element(s.buffer.dtype)
                self.pointers[s.buffer] = self.frame.stack_array(s.buffer.name, s.buffer.size, kind)
            elif isinstance(s, TileCall):
                s.tile.write(self, [a.replaced(self.replacements) for a in s.accesses])
        if together:
            self._store_interleaved(together)

    def _store_interleaved(self, stores: Sequence[Store]) -> None:
        """Lane by lane the values of several stores, as one vector."""
        b, access = self.b, stores[0].access.replaced(self.replacements)
        joined, count = [self.value(s.value) for s in stores], self.width * len(stores)
        places = tuple(j * self.width + i for i in range(self.width) for j in range(len(stores)))
        while len(joined) > 1:
            both = tuple(range(2 * joined[0].type.count))
            joined = [b.shuffle_vector(x, y, both) for x, y in zip(joined[::2], joined[1::2], strict=True)]
        made = b.shuffle_vector(joined[0], joined[0], places)
        scalar.store(b, made, self._address(access), access.buffer.dtype, count)

    def _let(self, s: Let) -> None:
        made, width = self._printed(s.value)
        self.names[s.name] = made, width
        if s.var is not None:
            assert width == 1, "an index that was read is the same in all lanes"
            # A new variable each time: unrolled code comes here several times, and what it knows goes by variables.
            fresh = Var(s.var.name)
            self.vars[fresh], self.bounds[fresh] = made, (0, s.below - 1)
            self.replacements[s.var] = Index.of(fresh)

    def _store(self, access: Access, value: Scalar) -> None:
        b, dtype = self.b, access.buffer.dtype
        made = self.value(value)
        possible, together, apart = self.test(tuple(self.masks))
        assert possible
        assert not together
        step = access.offset.stride(self.lane_var) if self.lane_var is not None and self.width > 1 else 0
        if apart and step == 1:
            mask, kind = self.condition(apart, True), vector(element(dtype), self.width)
            if dtype.is_bool:
                made = b.zext(made, kind)
            masked = function(b, f"llvm.masked.store.{kind.suffix}.p0", VOID, [kind, POINTER, I32, mask.type])
            b.call(masked, [made, self._address(access), I32(dtype.size), mask])
        elif self.width == 1 or (step == 1 and not apart):
            scalar.store(b, made, self._address(access), dtype, self.width)
        else:
            lanes = self.condition(apart, True) if apart else None
            for n, address in enumerate(self._lane_addresses(access)):
                one = b.extract_element(made, I32(n))
                if lanes is None:
                    scalar.store(b, one, address, dtype, 1)
                else:
                    with b.if_then(b.extract_element(lanes, I32(n))):
                        scalar.store(b, one, address, dtype, 1)

    def _if(self, s: If) -> None:
        possible, together, apart = self.test(s.guard)
        if not possible:
            self.run(s.otherwise)
            return
        assert not (apart and s.otherwise)
        self.masks += apart
        if not together:
            self.run(s.body)
        else:
            self._branches(self.condition(together, False), s)
        del self.masks[len(self.masks) - len(apart) :]

    def _branches(self, condition: IRValue, s: If) -> None:
        b = self.b
        then, after = b.append_basic_block(), b.append_basic_block()
        other = b.append_basic_block() if s.otherwise else after
        b.cbranch(condition, then, other)
        for block, body in ((then, s.body), (other, s.otherwise))[: 2 if s.otherwise else 1]:
            b.position_at_end(block)
            with self.scope():
                self.run(body)
            b.branch(after)
        b.position_at_end(after)

    def _for(self, s: For) -> None:
        mapping, _, many = s.mapping.partition(":")
        if s.stop <= s.start:
            return
        if mapping == "unroll" and isinstance(s.body[0], Reduce) and s.body[0].mapping == "unroll":
            self._side_by_side(s, s.body[0])
        elif mapping == "unroll" or s.stop - s.start == 1:
            for n in range(s.start, s.stop):
                with self.known(s.var, n):
                    self.run(s.body)
        elif mapping == "vector":
            self._vector(s, self.lanes * int(many or 1))
        else:
            with loop(self.b, index(s.start), index(s.stop)) as i, self.scope():
                self.vars[s.var], self.bounds[s.var] = i, (s.start, s.stop - 1)
                self.run(s.body)

    @contextmanager
    def _in_lanes(self, var: Var, first: IRValue, width: int, bounds: Bounds) -> Iterator[None]:
        before = self.lane_var, self.width
        self.lane_var, self.width = var, width
        self.vars[var], self.bounds[var] = first, bounds
        with self.scope():
            yield
        self.lane_var, self.width = before

    def _vector(self, s: For, width: int) -> None:
        """Whole vectors, then the rest in smaller and smaller ones."""
        while width > self.lanes and width > s.stop - s.start:
            width //= 2
        whole = (s.stop - s.start) // width * width
        if whole == width:
            with self._in_lanes(s.var, index(s.start), width, (s.start, s.start + width - 1)):
                self.run(s.body)
        elif whole:
            bounds = (s.start, s.start + whole - 1)
            with (
                loop(self.b, index(s.start), index(s.start + whole), width) as i,
                self._in_lanes(s.var, i, width, bounds),
            ):
                self.run(s.body)
        start = s.start + whole
        rest = s.stop - start
        if width <= self.lanes and rest & (rest - 1) and _has_masks(s.body):
            some = 1 << rest.bit_length()  # the smallest vector that holds the rest
            with self._in_lanes(s.var, index(start), some, (start, start + some - 1)):
                self._if(If((Inside(Index.of(s.var), start, s.stop),), s.body))
            return
        if start < s.stop and width > self.lanes:
            self._vector(s._replace(start=start), self.lanes)
        elif start < s.stop:
            for offset, some in parts(rest):
                first = start + offset
                with self._in_lanes(s.var, index(first), some, (first, first + some - 1)):
                    self.run(s.body)

    # reductions

    def _reduce(self, s: Reduce) -> None:
        mapping, _, many = s.mapping.partition(":")
        if mapping == "vector" and self.width == 1:
            self._by_lanes(s, int(many or 1))
            return
        made = list(map(self.value, s.init))
        if mapping == "unroll":
            for _ in self._places(s):
                made = self._step(s, made)
        elif s.size:
            made = self._serial(s.loops, made, lambda values: self._step(s, values))
        self.names |= {n: (v, self.width) for n, v in zip(s.names, made, strict=True)}

    def _places(self, s: Reduce) -> Iterator[None]:
        """The steps of an unrolled reduction, in each of which its variables are known."""
        for place in itertools.product(*(range(extent) for _, extent in s.loops)):
            self.replacements |= dict(zip((var for var, _ in s.loops), place, strict=True))
            yield
        for var, _ in s.loops:
            del self.replacements[var]

    def _side_by_side(self, s: For, first: Reduce) -> None:
        """An unrolled loop over unrolled reductions, which take their steps in turn.

        A value that several of them load is then loaded once, and its register is soon free again.
        """
        made: list[list[IRValue]] = []
        for n in range(s.start, s.stop):
            with self.known(s.var, n):
                made.append(list(map(self.value, first.init)))
        for _ in self._places(first):
            for n in range(s.start, s.stop):
                with self.known(s.var, n):
                    made[n - s.start] = self._step(first, made[n - s.start])
        for n in range(s.start, s.stop):
            with self.known(s.var, n):
                self.names |= {name: (v, self.width) for name, v in zip(first.names, made[n - s.start], strict=True)}
                self.run(s.body[1:])

    def _serial(
        self, loops: Sequence[tuple[Var, int]], values: list[IRValue], step: Callable[[list[IRValue]], list[IRValue]]
    ) -> list[IRValue]:
        if not loops:
            return step(values)
        (var, extent), *rest = loops

        def body(i: IRValue, *carried: IRValue) -> list[IRValue]:
            self.vars[var], self.bounds[var] = i, (0, extent - 1)
            with self.scope():
                return self._serial(rest, list(carried), step)

        return reduce_loop(self.b, index(0), index(extent), 1, values, body)

    def _step(self, s: Reduce, carried: list[IRValue]) -> list[IRValue]:
        possible, together, apart = self.test(s.guard)
        if not possible:
            return carried

        def make() -> list[IRValue]:
            self.names |= {n: (v, self.width) for n, v in zip(s.names, carried, strict=True)}
            self.masks += apart
            self.run(s.before)
            made = self._added(s, carried)
            if apart:
                mask = self.condition(apart, True)
                made = [self.b.select(mask, new, old) for new, old in zip(made, carried, strict=True)]
            self.names |= {n: (v, self.width) for n, v in zip(s.names, made, strict=True)}
            self.run(s.after)
            del self.masks[len(self.masks) - len(apart) :]
            return made

        return self.branch(self.condition(together, False), carried, make) if together else make()

    def _added(self, s: Reduce, carried: list[IRValue]) -> list[IRValue]:
        """The next values. A product added to a running sum is rounded once."""
        if s.monoid is not ADD:
            return self._combine(s, carried, list(map(self.value, s.terms)), self.width)
        made = []
        for value, term, name in zip(carried, s.terms, s.names, strict=True):
            if term.function == "multiply" and term.dtype.is_floating:
                made.append(intrinsic(self.b, "fma", *map(self.value, term.args), value))
            else:
                made.append(scalar.add(self.b, value, self.value(term), name.dtype))
        return made

    def _combine(self, s: Reduce, left: Sequence[IRValue], right: Sequence[IRValue], width: int) -> list[IRValue]:
        count = len(s.names)
        trees = [[operand(i + first, n.dtype) for i, n in enumerate(s.names)] for first in (0, count)]
        printer = scalar.Printer(self.b, [*left, *right], width)
        return [printer.value(tree) for tree in s.monoid.combine(*trees)]

    def _by_lanes(self, s: Reduce, many: int) -> None:
        """Each lane reduces its share of the innermost loop; then the lanes are combined in pairs.

        What is left of whole vectors goes to smaller ones, or to one with lanes that are not used.
        """
        *outer, (var, extent) = s.loops
        whole, rest = extent // self.lanes * self.lanes, extent % self.lanes
        masked = rest > 0 and is_costly((s,)) and _has_masks((*s.before, s))
        runs: list[tuple[int, int, int]] = []  # start, stop, width
        start = 0
        for wide in dict.fromkeys((self.lanes * many, self.lanes)):
            if length := (whole - start) // wide * wide:
                runs.append((start, start + length, wide))
                start += length
        if not masked:
            runs += [(start + offset, start + offset + w, w) for offset, w in parts(rest)]
        widths = [w for *_, w in runs]
        if masked and self.lanes not in widths:
            widths.append(self.lanes)
        count = len(s.names)

        def along(values: list[IRValue]) -> list[IRValue]:
            made = [values[n * count : (n + 1) * count] for n in range(len(widths))]
            for n, (first, stop, w) in enumerate(runs):

                def once(
                    i: IRValue, *carried: IRValue, first: int = first, stop: int = stop, w: int = w
                ) -> list[IRValue]:
                    with self._in_lanes(var, i, w, (first, stop - 1)):
                        return self._step(s, list(carried))

                if stop - first == w:
                    made[n] = list(once(index(first), *made[n]))
                else:
                    made[n] = reduce_loop(self.b, index(first), index(stop), w, made[n], once)
            if masked:
                n = widths.index(self.lanes)
                guarded = s._replace(guard=(*s.guard, Inside(Index.of(var), 0, extent)))
                with self._in_lanes(var, index(whole), self.lanes, (whole, whole + self.lanes - 1)):
                    made[n] = self._step(guarded, made[n])
            return [v for values in made for v in values]

        initial = [splat(self.b, self.value(i), w) for w in widths for i in s.init]
        values = self._serial(outer, initial, along)
        total: list[IRValue] | None = None
        for n, w in enumerate(widths):
            mine = self._across(s, values[n * count : (n + 1) * count], w)
            total = mine if total is None else self._combine(s, total, mine, 1)
        assert total is not None
        self.names |= {n: (v, 1) for n, v in zip(s.names, total, strict=True)}

    def _across(self, s: Reduce, values: list[IRValue], width: int) -> list[IRValue]:
        b = self.b
        while width > 1:
            width //= 2
            halves = [[b.shuffle_vector(v, v, tuple(range(p, p + width))) for v in values] for p in (0, width)]
            values = self._combine(s, halves[0], halves[1], width)
        return values


def _has_masks(body: Body) -> bool:
    """Whether all elements that statements read and write can be masked in vectors."""
    kinds = {a.buffer.dtype for a in accesses(body)}
    return all(kind.size in (4, 8) for kind in kinds)
