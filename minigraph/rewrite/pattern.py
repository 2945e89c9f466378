"""Patterns over instructions, and the reasons why a candidate does not match."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from minigraph.core.op import Op
from minigraph.ir.program import Instr, Value

Check = Callable[[Instr], str | None]


class Pattern:
    """Matches an instruction of one of `kinds` whose inputs match `inputs`, and binds it to `name`.

    inputs: a pattern for each input; None matches anything, and inputs without a pattern are free.
    single_use: nothing outside the match may read the result. commutes: two inputs may match in either order.
    check: returns the reason why the instruction does not fit, or None.
    """

    __slots__ = ("check", "commutes", "inputs", "kinds", "name", "single_use")

    def __init__(
        self,
        kinds: type[Op] | tuple[type[Op], ...],
        *inputs: Pattern | None,
        name: str = "",
        single_use: bool = False,
        commutes: bool = False,
        check: Check | None = None,
    ) -> None:
        self.kinds = kinds if isinstance(kinds, tuple) else (kinds,)
        self.inputs = inputs
        self.name = name
        self.single_use = single_use
        self.commutes = commutes
        self.check = check


class Failure(NamedTuple):
    """The reason why a pattern does not match at an instruction. wrong_op: whether the op itself is another one."""

    instr: Instr
    reason: str
    wrong_op: bool = False


class Match:
    """The instructions that a pattern's names are bound to."""

    def __init__(self, root: Instr) -> None:
        self.root = root
        self.bound: dict[str, Instr] = {}

    def bind(self, name: str, instr: Instr) -> None:
        """Let `name` stand for the instruction, unless the name is empty."""
        if name:
            self.bound[name] = instr

    def __getitem__(self, name: str) -> Instr:
        return self.bound[name]


def match(pattern: Pattern, root: Instr, uses: Callable[[Value], int]) -> Match | Failure:
    """Match `pattern` at `root`. `uses` counts the readers of a value; the program's results count as readers."""
    failure = _unfit(pattern, root)
    if failure is not None:
        return failure
    found = Match(root)
    failure = _match_inputs(pattern, root, uses, found)
    found.bind(pattern.name, root)
    return failure or found


def _unfit(pattern: Pattern, instr: Instr) -> Failure | None:
    """The reason why the instruction itself does not fit, or None."""
    if not isinstance(instr.op, pattern.kinds):
        wanted = " or ".join(k.__name__ for k in pattern.kinds)
        return Failure(instr, f"{type(instr.op).__name__} is not {wanted}", wrong_op=True)
    if instr.control:
        return Failure(instr, "it has control inputs")
    reason = None if pattern.check is None else pattern.check(instr)
    if reason is not None:
        return Failure(instr, reason)
    if len(instr.inputs) < len(pattern.inputs):
        return Failure(instr, f"it has {len(instr.inputs)} inputs, not {len(pattern.inputs)}")
    return None


def _match(pattern: Pattern, instr: Instr, uses: Callable[[Value], int], found: Match) -> Failure | None:
    failure = _unfit(pattern, instr)
    if failure is not None:
        return failure
    if pattern.single_use:
        count = sum(uses(Value(instr, i)) for i in range(len(instr.types)))
        if count != 1:
            return Failure(instr, f"its result has {count} readers")
    failure = _match_inputs(pattern, instr, uses, found)
    found.bind(pattern.name, instr)
    return failure


def _match_inputs(pattern: Pattern, instr: Instr, uses: Callable[[Value], int], found: Match) -> Failure | None:
    if not any(pattern.inputs):
        return None
    orders = [pattern.inputs]
    if pattern.commutes and len(pattern.inputs) == 2:
        orders.append(pattern.inputs[::-1])
    closest: Failure | None = None
    for order in orders:
        bound = dict(found.bound)
        failure = None
        for sub, value in zip(order, instr.inputs, strict=False):
            if sub is not None:
                failure = _match(sub, value.instr, uses, found)
                if failure is not None:
                    break
        if failure is None:
            return None
        found.bound = bound
        if closest is None or closest.wrong_op:
            closest = failure
    return closest
