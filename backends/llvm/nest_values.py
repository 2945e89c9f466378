"""Indices, guards and values of the loop language as LLVM IR.

What is known at a place of the code, the constants and bounds of variables, decides guards there, so a test that cannot
fail is not printed. The parts of a value that are the same in all lanes are printed as scalars.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from minigraph.backends.llvm import scalar
from minigraph.backends.llvm.builder import at, element, function, index, number, splat
from minigraph.backends.llvm.text import I32, I64, POINTER, IRBuilder, IRValue, constants, undefined, vector
from minigraph.core.dtypes import DType
from minigraph.core.scalar import Scalar, operand, walk
from minigraph.loops.index import Bounds, Div, Guard, Index, Inside, Mod, Var
from minigraph.loops.kernel import (
    LEAVES,
    Access,
    Buffer,
    Kernel,
    Name,
)

UNKNOWN: Bounds = (-(1 << 62), 1 << 62)


class ValuePrinter:
    """Prints values at a place of the code, in `width` lanes along a variable.

    b: the builder. vars: the variables whose values are in registers. replacements: numbers of unrolled loops, and
    indices that were read. bounds: of all variables. names: values that were named, with their lanes. masks: conditions
    on lanes that hold for all statements here.
    """

    b: IRBuilder

    def __init__(self, kernel: Kernel, lanes: int) -> None:
        self.lanes = lanes
        self.constant = {b for b in kernel.buffers if b.role == "in"}
        self.pointers: dict[Buffer, IRValue] = {}
        self.replacements: dict[Var, Index | int] = {}
        self.vars: dict[Var, IRValue] = {}
        self.bounds: dict[Var, Bounds] = {}
        self.names: dict[Name, tuple[IRValue, int]] = {}
        self.scopes: list[dict[Any, IRValue]] = [{}]
        self.lane_var: Var | None = None
        self.width = 1
        self.masks: list[Inside] = []

    @contextmanager
    def scope(self) -> Iterator[None]:
        self.scopes.append({})
        yield
        self.scopes.pop()

    def once(self, key: Any, make: Callable[[], IRValue]) -> IRValue:
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

    def integer(self, i: Index) -> IRValue:
        """An index that is the same in all lanes, as i64."""

        def make() -> IRValue:
            b = self.b
            total: IRValue | None = None
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

    def _quotient(self, atom: Div | Mod) -> IRValue:
        low, _ = atom.index.bounds(self.bound)
        shift = -(low // atom.by) if low < 0 else 0
        v = self.integer(atom.index + shift * atom.by)
        if isinstance(atom, Mod):
            return self.b.urem(v, index(atom.by))
        whole = self.b.udiv(v, index(atom.by))
        return self.b.sub(whole, index(shift)) if shift else whole

    def _lanes(self, i: Index, kind: Any) -> IRValue:
        """An index in all lanes, as integers of a kind."""
        step = i.stride(self.lane_var) if self.lane_var is not None else 0
        assert step is not None, f"{i} varies irregularly along {self.lane_var}"
        first = self.integer(i)
        if kind != I64:
            first = self.b.trunc(first, kind)
        if self.width == 1 or step == 0:
            return splat(self.b, first, self.width)
        steps = constants(kind, tuple(step * n for n in range(self.width)))
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

    def condition(self, guard: Sequence[Inside], lanes: bool) -> IRValue:
        """All of the conditions, as a bit or a bit for each lane."""
        b = self.b
        found: IRValue | None = None
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

    def branch(
        self, condition: IRValue, otherwise: Sequence[IRValue], make: Callable[[], Sequence[IRValue]]
    ) -> list[IRValue]:
        """make() where the condition holds, else the other values."""
        b = self.b
        before, then, after = b.block, b.append_basic_block(), b.append_basic_block()
        b.cbranch(condition, then, after)
        b.position_at_end(then)
        with self.scope():
            made = make()
        end = b.block
        b.branch(after)
        b.position_at_end(after)
        results: list[IRValue] = []
        for old, new in zip(otherwise, made, strict=True):
            phi = b.phi(new.type)
            phi.add_incoming(old, before)
            phi.add_incoming(new, end)
            results.append(phi)
        return results

    # values

    def value(self, value: Scalar) -> IRValue:
        """A value in all lanes."""
        made, width = self._printed(value)
        return made if width == self.width else splat(self.b, made, self.width)

    def _printed(self, value: Scalar) -> tuple[IRValue, int]:
        """A value, and the number of its lanes: 1 if it is the same in all lanes."""
        operands: dict[int, list[IRValue]] = {1: [], self.width: []}
        printers = {w: scalar.Printer(self.b, found, w) for w, found in operands.items()}
        trees: dict[int, tuple[Scalar, int]] = {}

        def given(made: IRValue, width: int, dtype: DType) -> Scalar:
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

    def _leaf(self, node: Scalar) -> tuple[IRValue, int]:
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

    def _load(self, access: Access, other: Scalar | None) -> tuple[IRValue, int]:
        # An element that all lanes share is there if any lane is in use.
        masks = self.masks if self.varies(access.offset) else []
        possible, together, apart = self.test((*access.guard, *masks))
        if not possible:
            assert other is not None or masks
            if other is None:
                return number(scalar.register(access.buffer.dtype), 0, 1), 1
            return self._printed(other)
        varying = bool(apart) or self.varies(access.offset)

        def fill() -> IRValue:
            return self._fill(access.buffer.dtype, other, varying)

        if together:
            width = self.width if varying else 1
            made = self.branch(self.condition(together, False), [fill()], lambda: [self._read(access, apart, fill)])
            return made[0], width
        if (access.buffer in self.constant or access.buffer.role == "table") and not apart:
            key = ("load", access.buffer, access.offset, self.width if varying else 1, self.lane_var)
            return self.once(key, lambda: self._read(access, (), fill)), self.width if varying else 1
        return self._read(access, apart, fill), self.width if varying else 1

    def _fill(self, dtype: DType, other: Scalar | None, varying: bool) -> IRValue:
        width = self.width if varying else 1
        if other is None:
            return number(scalar.register(dtype), 0, width)
        made, found = self._printed(other)
        return made if found == width else splat(self.b, made, width)

    def _address(self, access: Access) -> IRValue:
        """The address in the first lane. The constant part goes last, so that neighbours share the rest."""
        base, offset, kind = self.pointers[access.buffer], access.offset, element(access.buffer.dtype)
        rest = Index(offset.terms)
        if rest.terms:
            base = self.once(("at", access.buffer, rest), lambda: at(self.b, base, self.integer(rest), kind))
        return at(self.b, base, index(offset.const), kind) if offset.const else base

    def _lane_addresses(self, access: Access) -> Iterator[IRValue]:
        step = access.offset.stride(self.lane_var) if self.lane_var is not None else 0
        assert step is not None, f"{access} varies irregularly along {self.lane_var}"
        first, kind = self._address(access), element(access.buffer.dtype)
        for n in range(self.width):
            yield at(self.b, first, index(n * step), kind)

    def _read(self, access: Access, apart: Sequence[Inside], fill: Callable[[], IRValue]) -> IRValue:
        b, dtype = self.b, access.buffer.dtype
        varying = self.varies(access.offset)
        step = access.offset.stride(self.lane_var) if varying and self.lane_var is not None else 0
        if not apart:
            if not varying:
                return scalar.load(b, self._address(access), dtype, 1)
            if step == 1:
                return scalar.load(b, self._address(access), dtype, self.width)
            made: IRValue = undefined(vector(scalar.register(dtype), self.width))
            for n, address in enumerate(self._lane_addresses(access)):
                made = b.insert_element(made, scalar.load(b, address, dtype, 1), I32(n))
            return made
        mask = self.condition(apart, True)
        kind = vector(element(dtype), self.width)
        if step == 1 and not dtype.is_bool:
            masked = function(b, f"llvm.masked.load.{kind.suffix}.p0", kind, [POINTER, I32, mask.type, kind])
            return b.call(masked, [self._address(access), I32(dtype.size), mask, fill()])
        made = fill()
        for n, address in enumerate(self._lane_addresses(access)):
            here = address
            old = b.extract_element(made, I32(n))
            bit = b.extract_element(mask, I32(n))
            (one,) = self.branch(bit, [old], lambda here=here: [scalar.load(b, here, dtype, 1)])  # type: ignore[misc]
            made = b.insert_element(made, one, I32(n))
        return made
