"""Scalar expressions as sequences of NumPy calls, each of which writes its result to an array."""

from __future__ import annotations

from collections.abc import Sequence
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
    """The calls that compute an expression, in order.

    Arrays are numbered: first the operands, then the output, the constants, and the temporaries. Nothing is written to
    the output before the last read of an operand, so the output may share its buffer with an operand.
    """

    operands: int
    steps: tuple[ElementStep, ...]
    constants: tuple[Array, ...]
    temporaries: tuple[np.dtype[Any], ...]

    @property
    def single_ufunc(self) -> np.ufunc | None:
        """The function, if the plan is one call on two operands."""
        if len(self.steps) != 1 or self.steps[0].args != (0, 1) or self.operands != 2:
            return None
        return getattr(np, self.steps[0].function, None)

    def bind(self, arrays: Sequence[Any], temporaries: Sequence[Array]) -> list[Launch]:
        """The calls on operands, output and temporaries of the same shape, all given in `arrays`."""
        known = [*arrays, *self.constants, *temporaries]
        launches: list[Launch] = []
        for step in self.steps:
            args, target = [known[a] for a in step.args], known[step.target]
            if step.function == "where":
                mask, bits = (known[s] for s in step.scratch)
                otherwise = step.args[2] - self.operands - 1  # among the constants, if it is one
                is_zero = 0 <= otherwise < len(self.constants) and not self.constants[otherwise].tobytes().strip(b"\0")
                launches += _select(args[0], args[1], None if is_zero else args[2], target, mask, bits)
            elif step.function == "cast":
                launches.append(copy(target, args[0]))
            elif step.function in ("maximum", "minimum"):  # these deprecate an output by position
                launches.append(partial(getattr(np, step.function), *args, out=target))
            else:
                launches.append(partial(getattr(np, step.function), *args, target))
        return launches


def _select(test: Array, x: Array, y: Array | None, target: Array, mask: Array, bits: Array) -> list[Launch]:
    """x where the test holds, else y, or 0 for None, by bits: y ^ ((x ^ y) & mask).

    NumPy's masked copy takes three times as long.
    """
    x, target = x.view(mask.dtype), target.view(mask.dtype)
    spread = partial(np.negative, test.view(np.int8), mask)  # 1 becomes all bits set
    if y is None:
        return [spread, partial(np.bitwise_and, x, mask, target)]
    y = y.view(mask.dtype)
    return [
        spread,
        partial(np.bitwise_xor, x, y, bits),
        partial(np.bitwise_and, bits, mask, bits),
        partial(np.bitwise_xor, bits, y, target),
    ]


def plan_expression(expression: Scalar, operands: int) -> ElementPlan:
    """The calls for an expression of `operands` operands."""
    return _Planner(expression, operands).plan()


class _Planner:
    def __init__(self, root: Scalar, operands: int) -> None:
        self.root = root
        self.output = operands
        self.places: dict[int, int] = {}
        self.constants: list[Array] = []
        self.order: list[Scalar] = []
        self._number()
        self.last = {id(a): step for step, node in enumerate(self.order) for a in node.args}
        reads = [self.last[id(a)] for node in self.order for a in node.args if a.function == "operand"]
        self.last_operand = max(reads, default=-1)
        self.output_read = -1  # the step with the last read of the output
        self.temporaries: list[np.dtype[Any]] = []
        self.free: list[int] = []

    def _number(self) -> None:
        """Number the operands and constants, and list the calls in order."""
        for node in walk(self.root):
            if node.function == "operand":
                self.places[id(node)] = node.value
            elif node.function == "constant":
                self.places[id(node)] = self.output + 1 + len(self.constants)
                self.constants.append(np.array(node.value, node.dtype.np_dtype))
            else:
                self.order.append(node)

    def plan(self) -> ElementPlan:
        """The plan. Temporaries are reused as soon as nothing reads them any more."""
        steps = [self._step(number, node) for number, node in enumerate(self.order)]
        if not steps:  # the expression is just an operand
            steps = [ElementStep("cast", (self.places[id(self.root)],), self.output)]
        return ElementPlan(self.output, tuple(steps), tuple(self.constants), tuple(self.temporaries))

    def _step(self, number: int, node: Scalar) -> ElementStep:
        args = tuple(self.places[id(a)] for a in node.args)
        scratch: tuple[int, ...] = ()
        if node.function == "where":
            kind = np.dtype(f"i{node.dtype.size}")
            scratch = (self._temporary(kind), self._temporary(kind))
        over = {self.places[id(a)] for a in node.args if self.last[id(a)] == number}
        self.free += [p for p in sorted(over) if p > self.output + len(self.constants)]
        target = self._target(number, node)
        self.free += scratch
        self.places[id(node)] = target
        return ElementStep(node.function, args, target, scratch)

    def _target(self, number: int, node: Scalar) -> int:
        """The output if it may already be written, otherwise a temporary."""
        if node is self.root:
            return self.output
        if node.dtype is self.root.dtype and max(self.last_operand, self.output_read) <= number:
            self.output_read = self.last[id(node)]
            return self.output
        return self._temporary(node.dtype.np_dtype)

    def _temporary(self, dtype: np.dtype[Any]) -> int:
        first = self.output + 1 + len(self.constants)
        for place in self.free:
            if self.temporaries[place - first] == dtype:
                self.free.remove(place)
                return place
        self.temporaries.append(dtype)
        return first + len(self.temporaries) - 1
