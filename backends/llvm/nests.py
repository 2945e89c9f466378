"""Kernels of the loop language as LLVM IR.

The printer knows, at each place, the constants and bounds of the variables, so it drops the tests that cannot fail, and
prints as scalars the parts of values that do not depend on the vector variable. Mappings: "task" (the outermost loops),
"unroll", "vector" and "vector:N" (N registers side by side), "each" and "serial"; of reductions also "unroll",
"vector:N" (lanes share the innermost loop) and "serial".
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

from minigraph.backends.llvm import scalar
from minigraph.backends.llvm.builder import (
    I32,
    I64,
    POINTER,
    VOID,
    Frame,
    Value,
    at,
    element,
    function,
    index,
    intrinsic,
    loop,
    number,
    reduce_loop,
    smaller,
    splat,
    vector,
)
from minigraph.backends.llvm.tile import parts
from minigraph.core.dtypes import DType
from minigraph.core.scalar import Scalar, operand, walk
from minigraph.loops.index import Bounds, Div, Guard, Index, Inside, Mod, Var
from minigraph.loops.kernel import (
    ADD,
    LEAVES,
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
    Store,
    TileCall,
    accesses,
    statements,
    tables,
    values,
)

UNKNOWN: Bounds = (-(1 << 62), 1 << 62)


class LlvmPrinter:
    """Prints a scheduled kernel; its outermost loops with the mapping "task" are shared out by `grain` iterations."""

    def __init__(self, kernel: Kernel, lanes: int, grain: int = 1) -> None:
        self.kernel, self.lanes = kernel, lanes
        self.constant = {b for b in kernel.buffers if b.role == "in"}
        self.replacements: dict[Var, Index | int] = {}  # numbers of unrolled loops, and indices read last
        self.vars: dict[Var, Value] = {}
        self.bounds: dict[Var, Bounds] = {}
        self.names: dict[Name, tuple[Value, int]] = {}
        self.scopes: list[dict[Any, Any]] = [{}]
        self.lane_var: Var | None = None
        self.width = 1
        self.masks: list[Inside] = []
        shared, body = _shared(kernel.body)
        count = math.prod(f.stop for f in shared)
        self.tasks = -(-count // grain)
        self.frame = Frame(len(kernel.buffers))
        with self.frame.tasks("kernel") as task:
            self.b = self.frame.b
            self.pointers = dict(zip(kernel.buffers, self.frame.pointers, strict=True))
            self.pointers |= {t: self._table(t) for t in tables(kernel.body)}
            if grain == 1:
                self._task(shared, task, body)
            else:
                low = self.b.mul(task, index(grain))
                high = smaller(self.b, self.b.add(low, index(grain)), index(count))
                with loop(self.b, low, high) as i, self.scope():
                    self._task(shared, i, body)

    def _table(self, table: Buffer) -> Value:
        """The address of a constant array of the module."""
        kind = ir.ArrayType(element(table.dtype), table.size)
        made = ir.GlobalVariable(self.frame.module, kind, f"table_{table.name}")
        made.global_constant, made.linkage = True, "private"
        made.initializer = ir.Constant(kind, table.content.ravel().tolist())
        return self.b.bitcast(made, POINTER)

    @property
    def text(self) -> str:
        return self.frame.text

    def _task(self, shared: Sequence[For], task: Value, body: Body) -> None:
        for n, f in enumerate(reversed(shared)):
            outermost = n == len(shared) - 1
            self.vars[f.var] = task if outermost else self.b.urem(task, index(f.stop))
            self.bounds[f.var] = (0, f.stop - 1)
            task = task if outermost else self.b.udiv(task, index(f.stop))
        self.run(body)

    # scopes: what is known at this place of the code

    @contextmanager
    def scope(self) -> Iterator[None]:
        self.scopes.append({})
        yield
        self.scopes.pop()

    def once(self, key: Any, make: Callable[[], Value]) -> Value:
        for known in self.scopes:
            if key in known:
                return known[key]
        made = self.scopes[-1][key] = make()
        return made

    @contextmanager
    def known(self, var: Var, value: int) -> Iterator[None]:
        """A variable that is a number here."""
        self.replacements[var] = value
        yield
        del self.replacements[var]

    # indices

    def bound(self, var: Var) -> Bounds:
        return self.bounds.get(var, UNKNOWN)

    def integer(self, i: Index) -> Value:
        """An index that is the same in all lanes, as i64."""

        def make() -> Value:
            b, total = self.b, None
            for atom, c in sorted(i.terms.items(), key=self._depth):
                v = self.vars[atom] if isinstance(atom, Var) else self._quotient(atom)
                v = v if c == 1 else b.mul(v, index(c))
                total = v if total is None else b.add(total, v)
            if total is None:
                return index(i.const)
            return b.add(total, index(i.const)) if i.const else total

        return self.once(("integer", i), make)

    def _depth(self, term: tuple[Any, int]) -> int:
        """Outer variables first, so that partial sums can leave the inner loops."""
        variables = [term[0]] if isinstance(term[0], Var) else list(term[0].index.variables())
        order = list(self.vars)
        return max((order.index(v) for v in variables if v in self.vars), default=0)

    def _quotient(self, atom: Div | Mod) -> Value:
        low, _ = atom.index.bounds(self.bound)
        shift = -(low // atom.by) if low < 0 else 0
        v = self.integer(atom.index + shift * atom.by)
        if isinstance(atom, Mod):
            return self.b.urem(v, index(atom.by))
        whole = self.b.udiv(v, index(atom.by))
        return self.b.sub(whole, index(shift)) if shift else whole

    def _lanes(self, i: Index, kind: Any) -> Value:
        """An index in all lanes, as integers of a kind."""
        step = i.stride(self.lane_var) if self.lane_var is not None else 0
        assert step is not None, f"{i} varies irregularly along {self.lane_var}"
        first = self.integer(i)
        if kind != I64:
            first = self.b.trunc(first, kind)
        if self.width == 1 or step == 0:
            return splat(self.b, first, self.width)
        steps = ir.Constant(vector(kind, self.width), [step * n for n in range(self.width)])
        return self.b.add(splat(self.b, first, self.width), steps)

    def varies(self, i: Index) -> bool:
        return self.width > 1 and self.lane_var in i.variables()

    # guards

    def test(self, guard: Guard) -> tuple[bool, list[Inside], list[Inside]]:
        """Whether the guard can hold here, and the conditions left to test: for all lanes at once, and lane by lane."""
        together: list[Inside] = []
        apart: list[Inside] = []
        for g in guard:
            g = g.replaced(self.replacements)
            holds = g.known(self.bound)
            if holds is False:
                return False, [], []
            if holds is None:
                (apart if self.varies(g.index) else together).append(g)
        return True, together, apart

    def condition(self, guard: Sequence[Inside], lanes: bool) -> Value:
        """All of the conditions, as a bit or a bit for each lane."""
        b, found = self.b, None
        kind, width = (I32, self.width) if lanes else (I64, 1)
        for g in guard:
            low, high = g.index.bounds(self.bound)
            value = self._lanes(g.index, I32) if lanes else self.integer(g.index)
            for sign, limit, needed in ((">=", g.low, low < g.low), ("<", g.high, high >= g.high)):
                if needed:
                    holds = b.icmp_signed(sign, value, number(kind, limit, width))
                    found = holds if found is None else b.and_(found, holds)
        assert found is not None
        return found

    def branch(self, condition: Value, otherwise: Sequence[Value], make: Callable[[], Sequence[Value]]) -> list[Value]:
        """make() where the condition holds, else the other values."""
        b = self.b
        before, then, after = b.block, b.append_basic_block("then"), b.append_basic_block("after")
        b.cbranch(condition, then, after)
        b.position_at_end(then)
        with self.scope():
            made = make()
        end = b.block
        b.branch(after)
        b.position_at_end(after)
        results = []
        for old, new in zip(otherwise, made, strict=True):
            phi = b.phi(new.type)
            phi.add_incoming(old, before)
            phi.add_incoming(new, end)
            results.append(phi)
        return results

    # values

    def value(self, value: Scalar) -> Value:
        """A value in all lanes."""
        made, width = self._printed(value)
        return made if width == self.width else splat(self.b, made, self.width)

    def _printed(self, value: Scalar) -> tuple[Value, int]:
        """A value, and the number of its lanes: 1 if it is the same in all lanes."""
        operands: dict[int, list[Value]] = {1: [], self.width: []}
        printers = {w: scalar.Printer(self.b, found, w) for w, found in operands.items()}
        trees: dict[int, tuple[Scalar, int]] = {}

        def given(made: Value, width: int, dtype: DType) -> Scalar:
            operands[width].append(made)
            return operand(len(operands[width]) - 1, dtype)

        def widened(node: Scalar) -> Scalar:
            tree, width = trees[id(node)]
            if width == self.width or tree.function == "constant":
                return tree
            return given(splat(self.b, printers[1].value(tree), self.width), self.width, node.dtype)

        for node in walk(value):
            if node.function in LEAVES:
                made, width = self._leaf(node)
                trees[id(node)] = given(made, width, node.dtype), width
            else:
                width = max((trees[id(a)][1] for a in node.args), default=1)
                args = [trees[id(a)][0] if width == 1 else widened(a) for a in node.args]
                trees[id(node)] = Scalar(node.function, args, node.dtype, node.value), width
        tree, width = trees[id(value)]
        return printers[width].value(tree), width

    def _leaf(self, node: Scalar) -> tuple[Value, int]:
        if node.function == "name":
            return self.names[node.value]
        if node.function == "index":
            i, kind = node.value.replaced(self.replacements), scalar.register(node.dtype)
            if node.dtype.is_floating:
                raise TypeError("an index is an integer; cast it")
            if not self.varies(i):
                first = self.integer(i)
                return (first if kind == I64 else self.b.trunc(first, kind)), 1
            return self._lanes(i, kind), self.width
        return self._load(node.value.replaced(self.replacements), node.args[0] if node.args else None)

    def _load(self, access: Access, other: Scalar | None) -> tuple[Value, int]:
        # An element that all lanes share is there if any lane is in use.
        masks = self.masks if self.varies(access.offset) else []
        possible, together, apart = self.test((*access.guard, *masks))
        if not possible:
            assert other is not None or masks
            if other is None:
                return number(scalar.register(access.buffer.dtype), 0, 1), 1
            return self._printed(other)
        varying = bool(apart) or self.varies(access.offset)

        def fill() -> Value:
            return self._fill(access.buffer.dtype, other, varying)

        if together:
            width = self.width if varying else 1
            made = self.branch(self.condition(together, False), [fill()], lambda: [self._read(access, apart, fill)])
            return made[0], width
        if (access.buffer in self.constant or access.buffer.role == "table") and not apart:
            key = ("load", access.buffer, access.offset, self.width if varying else 1, self.lane_var)
            return self.once(key, lambda: self._read(access, (), fill)), self.width if varying else 1
        return self._read(access, apart, fill), self.width if varying else 1

    def _fill(self, dtype: DType, other: Scalar | None, varying: bool) -> Value:
        width = self.width if varying else 1
        if other is None:
            return number(scalar.register(dtype), 0, width)
        made, found = self._printed(other)
        return made if found == width else splat(self.b, made, width)

    def _address(self, access: Access) -> Value:
        """The address in the first lane. The constant part goes last, so that neighbours share the rest."""
        base, offset, kind = self.pointers[access.buffer], access.offset, element(access.buffer.dtype)
        rest = Index(offset.terms)
        if rest.terms:
            base = self.once(("at", access.buffer, rest), lambda: at(self.b, base, self.integer(rest), kind))
        return at(self.b, base, index(offset.const), kind) if offset.const else base

    def _lane_addresses(self, access: Access) -> Iterator[Value]:
        step = access.offset.stride(self.lane_var) if self.lane_var is not None else 0
        assert step is not None, f"{access} varies irregularly along {self.lane_var}"
        first, kind = self._address(access), element(access.buffer.dtype)
        for n in range(self.width):
            yield at(self.b, first, index(n * step), kind)

    def _read(self, access: Access, apart: Sequence[Inside], fill: Callable[[], Value]) -> Value:
        b, dtype = self.b, access.buffer.dtype
        varying = self.varies(access.offset)
        step = access.offset.stride(self.lane_var) if varying and self.lane_var is not None else 0
        if not apart:
            if not varying:
                return scalar.load(b, self._address(access), dtype, 1)
            if step == 1:
                return scalar.load(b, self._address(access), dtype, self.width)
            made: Value = ir.Constant(vector(scalar.register(dtype), self.width), ir.Undefined)
            for n, address in enumerate(self._lane_addresses(access)):
                made = b.insert_element(made, scalar.load(b, address, dtype, 1), I32(n))
            return made
        mask = self.condition(apart, True)
        kind = vector(element(dtype), self.width)
        if step == 1 and not dtype.is_bool:
            masked = function(b, f"llvm.masked.load.{_suffix(kind)}.p0", kind, [POINTER, I32, mask.type, kind])
            return b.call(masked, [self._address(access), I32(dtype.size), mask, fill()])
        made = fill()
        for n, address in enumerate(self._lane_addresses(access)):
            here = address
            old = b.extract_element(made, I32(n))
            bit = b.extract_element(mask, I32(n))
            (one,) = self.branch(bit, [old], lambda here=here: [scalar.load(b, here, dtype, 1)])  # type: ignore[misc]
            made = b.insert_element(made, one, I32(n))
        return made

    # statements

    def run(self, body: Body) -> None:
        for s in body:
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
            masked = function(b, f"llvm.masked.store.{_suffix(kind)}.p0", VOID, [kind, POINTER, I32, mask.type])
            b.call(masked, [made, self._address(access), I32(dtype.size), mask])
        elif self.width == 1 or (step == 1 and not apart):
            scalar.store(b, made, self._address(access), dtype, self.width)
        else:
            mask = self.condition(apart, True) if apart else None
            for n, address in enumerate(self._lane_addresses(access)):
                one = b.extract_element(made, I32(n))
                if mask is None:
                    scalar.store(b, one, address, dtype, 1)
                else:
                    with b.if_then(b.extract_element(mask, I32(n))):
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

    def _branches(self, condition: Value, s: If) -> None:
        b = self.b
        then, after = b.append_basic_block("then"), b.append_basic_block("after")
        other = b.append_basic_block("else") if s.otherwise else after
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
        if mapping == "unroll" or s.stop - s.start == 1:
            for i in range(s.start, s.stop):
                with self.known(s.var, i):
                    self.run(s.body)
        elif mapping == "vector":
            self._vector(s, self.lanes * int(many or 1))
        else:
            with loop(self.b, index(s.start), index(s.stop)) as i, self.scope():
                self.vars[s.var], self.bounds[s.var] = i, (s.start, s.stop - 1)
                self.run(s.body)

    @contextmanager
    def _in_lanes(self, var: Var, first: Value, width: int, bounds: Bounds) -> Iterator[None]:
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
        if start < s.stop and width <= self.lanes and _has_masks(s.body) and s.stop - start > 1:
            with self._in_lanes(s.var, index(start), self.lanes, (start, start + self.lanes - 1)):
                self._if(If((Inside(Index.of(s.var), start, s.stop),), s.body))
            return
        if start < s.stop and width > self.lanes:
            self._vector(s._replace(start=start), self.lanes)
        elif start < s.stop:
            for offset, rest in parts(s.stop - start):
                first = start + offset
                with self._in_lanes(s.var, index(first), rest, (first, first + rest - 1)):
                    self.run(s.body)

    # reductions

    def _reduce(self, s: Reduce) -> None:
        mapping, _, many = s.mapping.partition(":")
        if mapping == "vector" and self.width == 1:
            self._by_lanes(s, int(many or 1))
            return
        made = list(map(self.value, s.init))
        if mapping == "unroll":
            for place in itertools.product(*(range(extent) for _, extent in s.loops)):
                self.replacements |= dict(zip((var for var, _ in s.loops), place, strict=True))
                made = self._step(s, made)
            for var, _ in s.loops:
                del self.replacements[var]
        elif s.size:
            made = self._serial(s.loops, made, lambda values: self._step(s, values))
        self.names |= {n: (v, self.width) for n, v in zip(s.names, made, strict=True)}

    def _serial(
        self, loops: Sequence[tuple[Var, int]], values: list[Value], step: Callable[[list[Value]], list[Value]]
    ) -> list[Value]:
        if not loops:
            return step(values)
        (var, extent), *rest = loops

        def body(i: Value, *carried: Value) -> list[Value]:
            self.vars[var], self.bounds[var] = i, (0, extent - 1)
            with self.scope():
                return self._serial(rest, list(carried), step)

        return reduce_loop(self.b, index(0), index(extent), 1, values, body)

    def _step(self, s: Reduce, carried: list[Value]) -> list[Value]:
        possible, together, apart = self.test(s.guard)
        if not possible:
            return carried

        def make() -> list[Value]:
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

    def _added(self, s: Reduce, carried: list[Value]) -> list[Value]:
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

    def _combine(self, s: Reduce, left: Sequence[Value], right: Sequence[Value], width: int) -> list[Value]:
        count = len(s.names)
        trees = [[operand(i + first, n.dtype) for i, n in enumerate(s.names)] for first in (0, count)]
        printer = scalar.Printer(self.b, [*left, *right], width)
        return [printer.value(tree) for tree in s.monoid.combine(*trees)]

    def _by_lanes(self, s: Reduce, many: int) -> None:
        """Each lane reduces its share of the innermost loop; then the lanes are combined in pairs."""
        *outer, (var, extent) = s.loops
        rest = extent % self.lanes
        if rest and _has_masks((*s.before, s)) and (rest & (rest - 1) or _is_costly(s)):
            self._by_masked_lanes(s, many)
            return
        runs: list[tuple[int, int, int]] = []  # start, stop, width
        start = 0
        for wide in dict.fromkeys((self.lanes * many, self.lanes)):
            if whole := (extent - start) // wide * wide:
                runs.append((start, start + whole, wide))
                start += whole
        runs += [(start + offset, start + offset + w, w) for offset, w in parts(extent - start)]
        count = len(s.names)
        initial = [splat(self.b, self.value(i), w) for _, _, w in runs for i in s.init]

        def body(values: list[Value]) -> list[Value]:
            made: list[Value] = []
            for n, (first, stop, w) in enumerate(runs):
                mine = values[n * count : (n + 1) * count]

                def once(i: Value, *carried: Value, first: int = first, stop: int = stop, w: int = w) -> list[Value]:
                    with self._in_lanes(var, i, w, (first, stop - 1)):
                        return self._step(s, list(carried))

                if stop - first == w:
                    made += once(index(first), *mine)
                else:
                    made += reduce_loop(self.b, index(first), index(stop), w, mine, once)
            return made

        values = self._serial(outer, initial, body)
        total: list[Value] | None = None
        for n, (_, _, w) in enumerate(runs):
            mine = self._across(s, values[n * count : (n + 1) * count], w)
            total = mine if total is None else self._combine(s, total, mine, 1)
        assert total is not None
        self.names |= {n: (v, 1) for n, v in zip(s.names, total, strict=True)}

    def _by_masked_lanes(self, s: Reduce, many: int) -> None:
        """The same where the last vector has lanes that are not used."""
        *outer, (var, extent) = s.loops
        whole = extent // self.lanes * self.lanes
        runs: list[tuple[int, int, int]] = []
        start = 0
        for wide in dict.fromkeys((self.lanes * many, self.lanes)):
            if stop := (whole - start) // wide * wide:
                runs.append((start, start + stop, wide))
                start += stop
        count = len(s.names)
        widths = [w for *_, w in runs]
        if self.lanes not in widths:
            widths.append(self.lanes)
        last = Inside(Index.of(var), 0, extent)
        initial = [splat(self.b, self.value(i), w) for w in widths for i in s.init]

        def body(values: list[Value]) -> list[Value]:
            made = [values[n * count : (n + 1) * count] for n in range(len(widths))]
            for n, (first, stop, w) in enumerate(runs):

                def once(i: Value, *carried: Value, first: int = first, stop: int = stop, w: int = w) -> list[Value]:
                    with self._in_lanes(var, i, w, (first, stop - 1)):
                        return self._step(s, list(carried))

                if stop - first == w:
                    made[n] = list(once(index(first), *made[n]))
                else:
                    made[n] = reduce_loop(self.b, index(first), index(stop), w, made[n], once)
            n = widths.index(self.lanes)
            with self._in_lanes(var, index(whole), self.lanes, (whole, whole + self.lanes - 1)):
                made[n] = self._step(s._replace(guard=(*s.guard, last)), made[n])
            return [v for values in made for v in values]

        values = self._serial(outer, initial, body)
        total: list[Value] | None = None
        for n, w in enumerate(widths):
            mine = self._across(s, values[n * count : (n + 1) * count], w)
            total = mine if total is None else self._combine(s, total, mine, 1)
        assert total is not None
        self.names |= {n: (v, 1) for n, v in zip(s.names, total, strict=True)}

    def _across(self, s: Reduce, values: list[Value], width: int) -> list[Value]:
        b = self.b
        while width > 1:
            width //= 2
            halves = [
                [
                    b.shuffle_vector(v, v, ir.Constant(ir.VectorType(I32, width), list(range(p, p + width))))
                    for v in values
                ]
                for p in (0, width)
            ]
            values = self._combine(s, halves[0], halves[1], width)
            if width == 1:
                values = [b.extract_element(v, I32(0)) if isinstance(v.type, ir.VectorType) else v for v in values]
        return values


def _has_masks(body: Body) -> bool:
    """Whether all elements that statements read and write can be masked in vectors."""
    kinds = {a.buffer.dtype for a in accesses(body)}
    return all(kind.size in (4, 8) for kind in kinds)


def _is_costly(s: Reduce) -> bool:
    """Whether it computes functions that cost as much on few lanes as on many."""
    found = [s, *statements(s.before)]
    return any(node.function in scalar.COSTLY for x in found for v in values(x) for node in walk(v))


def _shared(body: Body) -> tuple[list[For], Body]:
    """The outermost loops that are shared out as tasks, and what is inside them."""
    loops: list[For] = []
    while len(body) == 1 and isinstance(body[0], For) and body[0].mapping == "task":
        loops.append(body[0])
        body = body[0].body
    return loops, body


def _suffix(kind: Any) -> str:
    name = {"float": "f32", "double": "f64"}.get(str(kind.element), str(kind.element))
    return f"v{kind.count}{name}"
