"""Scalar expressions as sequences of NumPy calls, each of which writes its result to an array."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from minigraph.backend.base import Launch
from minigraph.backends.numpy.common import Array, copy
from minigraph.core.scalar import Scalar, walk


class ElementStep(NamedTuple):
    """target = function(args). The numbers stand for arrays as in `ElementPlan`."""

    function: str
    args: tuple[int, ...]
    target: int
    scratch: tuple[int, ...] = ()


class ElementPlan(NamedTuple):
    """The calls that compute expressions, in order.

    Arrays are numbered: first the operands, then the outputs, the constants, the singles, and the temporaries. Singles
    are values without elements, computed by the calls `before`, once for any number of blocks.
    """

    operands: int
    outputs: int
    steps: tuple[ElementStep, ...]
    constants: tuple[Array, ...]
    temporaries: tuple[np.dtype[Any], ...]
    before: tuple[ElementStep, ...] = ()
    singles: tuple[np.dtype[Any], ...] = ()

    @property
    def single_ufunc(self) -> np.ufunc | None:
        """The function, if the plan is one call on two operands."""
        if len(self.steps) != 1 or self.steps[0].args != (0, 1) or self.operands != 2:
            return None
        return getattr(np, self.steps[0].function, None)

    def bind(self, arrays: Sequence[Any], temporaries: Sequence[Array], singles: Sequence[Array] = ()) -> list[Launch]:
        """The calls on operands and outputs, all in `arrays`, and temporaries, all of the same shape."""
        return self._launches(self.steps, [*arrays, *self.constants, *singles, *temporaries])

    def bind_before(self, operands: Sequence[Array], singles: Sequence[Array]) -> list[Launch]:
        """The calls that compute the singles."""
        outputs: list[Any] = [None] * self.outputs
        return self._launches(self.before, [*operands, *outputs, *self.constants, *singles])

    def _launches(self, steps: Sequence[ElementStep], known: Sequence[Array]) -> list[Launch]:
        launches: list[Launch] = []
        for step in steps:
            args, target = [known[a] for a in step.args], known[step.target]
            scratch = [known[s] for s in step.scratch]
            if step.function == "where":
                mask, bits = scratch
                launches += _select(args[0], args[1], args[2], target, mask, bits)
            elif step.function == "keep":
                launches += _keep(args[0], args[1], target, scratch[0])
            elif step.function == "cast":
                launches.append(copy(target, args[0]))
            elif step.function in ("maximum", "minimum"):  # these deprecate an output by position
                launches.append(partial(getattr(np, step.function), *args, out=target))
            else:
                launches.append(partial(getattr(np, step.function), *args, target))
        return launches


def _keep(test: Array, x: Array, target: Array, mask: Array) -> list[Launch]:
    """x where the test holds, else 0, by bits: x & mask."""
    return [_spread(test, mask), partial(np.bitwise_and, x.view(mask.dtype), mask, target.view(mask.dtype))]


def _select(test: Array, x: Array, y: Array, target: Array, mask: Array, bits: Array) -> list[Launch]:
    """x where the test holds, else y, by bits: y ^ ((x ^ y) & mask). NumPy's masked copy takes three times as long."""
    x, y, target = (a.view(mask.dtype) for a in (x, y, target))
    return [
        _spread(test, mask),
        partial(np.bitwise_xor, x, y, bits),
        partial(np.bitwise_and, bits, mask, bits),
        partial(np.bitwise_xor, bits, y, target),
    ]


def _spread(test: Array, mask: Array) -> Launch:
    """All bits of the mask set where the test holds."""
    return partial(np.negative, test.view(np.int8), mask)


def _is_zero(node: Scalar) -> bool:
    """Whether a node is the constant whose bits are all 0."""
    return node.function == "constant" and not np.array(node.value, node.dtype.np_dtype).tobytes().strip(b"\0")


def plan_expression(expression: Scalar, operands: int) -> ElementPlan:
    """The calls for an expression of `operands` operands. The output may share its buffer with any of them."""
    return _Planner([expression], operands, [range(operands)], ()).plan()


def plan_expressions(
    expressions: Sequence[Scalar], operands: int, shared: Sequence[int], singles: Collection[int]
) -> ElementPlan:
    """The calls for several expressions. Output i may share its buffer with operand shared[i].

    singles: the operands without elements.
    """
    return _Planner(expressions, operands, [(s,) for s in shared], singles).plan()


class _Planner:
    def __init__(
        self, roots: Sequence[Scalar], operands: int, shared: Sequence[Iterable[int]], singles: Collection[int]
    ) -> None:
        self.roots = roots
        self.operands = operands
        self.places: dict[int, int] = {}
        self.constants: list[Array] = []
        self.order: list[Scalar] = []
        self.once: list[Scalar] = []
        self._number(singles)
        self.last = {id(a): step for step, node in enumerate(self.order) for a in node.args}
        read = {a.value: step for step, node in enumerate(self.order) for a in node.args if a.function == "operand"}
        # The steps after which each output may be written: the last reads of the operands that share its buffer.
        self.writable = [max((read.get(i, -1) for i in some), default=-1) for some in shared]
        self.last.update({id(root): len(self.order) for root in roots})
        self.written: set[int] = set()
        self.singles: list[np.dtype[Any]] = []
        self.temporaries: list[np.dtype[Any]] = []
        self.free: list[int] = []

    def _number(self, singles: Collection[int]) -> None:
        """Number the operands and constants, and list the calls in order: on elements, and on singles."""
        varies: set[int] = set()
        for node in walk(*self.roots):
            if node.function == "operand":
                self.places[id(node)] = node.value
                if node.value not in singles:
                    varies.add(id(node))
            elif node.function == "constant":
                self.places[id(node)] = self.operands + len(self.roots) + len(self.constants)
                self.constants.append(np.array(node.value, node.dtype.np_dtype))
            elif singles and varies.isdisjoint(map(id, node.args)):
                self.once.append(node)
            else:
                varies.add(id(node))
                self.order.append(node)

    def plan(self) -> ElementPlan:
        """The plan. Temporaries are reused as soon as nothing reads them any more."""
        before = [self._single_step(node) for node in self.once]
        steps = [self._step(number, node) for number, node in enumerate(self.order)]
        for n, root in enumerate(self.roots):
            if n not in self.written:
                steps.append(ElementStep("cast", (self.places[id(root)],), self.operands + n))
        return ElementPlan(
            self.operands,
            len(self.roots),
            tuple(steps),
            tuple(self.constants),
            tuple(self.temporaries),
            tuple(before),
            tuple(self.singles),
        )

    def _single_step(self, node: Scalar) -> ElementStep:
        function, args, kinds = self._call(node)
        *scratch, target = (self._first_single + len(self.singles) + n for n in range(len(kinds) + 1))
        self.singles += [*kinds, node.dtype.np_dtype]
        self.places[id(node)] = target
        return ElementStep(function, args, target, tuple(scratch))

    def _call(self, node: Scalar) -> tuple[str, tuple[int, ...], list[np.dtype[Any]]]:
        """The function that computes a node, its arguments, and the dtypes of its scratch arrays."""
        args = tuple(self.places[id(a)] for a in node.args)
        if node.function != "where":
            return node.function, args, []
        bits = np.dtype(f"i{node.dtype.size}")
        return ("keep", args[:2], [bits]) if _is_zero(node.args[2]) else ("where", args, [bits, bits])

    def _step(self, number: int, node: Scalar) -> ElementStep:
        function, args, kinds = self._call(node)
        scratch = tuple(map(self._temporary, kinds))
        over = {self.places[id(a)] for a in node.args if self.last[id(a)] == number}
        self.free += [p for p in sorted(over) if p >= self._first_temporary]
        target = self._target(number, node)
        self.free += scratch
        self.places[id(node)] = target
        return ElementStep(function, args, target, scratch)

    def _target(self, number: int, node: Scalar) -> int:
        """An output that may be written by now, otherwise a temporary."""
        for n, root in enumerate(self.roots):
            if node is root and self.writable[n] <= number:
                self.written.add(n)
                return self.operands + n
        if len(self.roots) == 1 and node.dtype is self.roots[0].dtype and self.writable[0] <= number:
            self.writable[0] = self.last[id(node)]
            return self.operands
        return self._temporary(node.dtype.np_dtype)

    @property
    def _first_single(self) -> int:
        return self.operands + len(self.roots) + len(self.constants)

    @property
    def _first_temporary(self) -> int:
        return self._first_single + len(self.singles)

    def _temporary(self, dtype: np.dtype[Any]) -> int:
        for place in self.free:
            if self.temporaries[place - self._first_temporary] == dtype:
                self.free.remove(place)
                return place
        self.temporaries.append(dtype)
        return self._first_temporary + len(self.temporaries) - 1
