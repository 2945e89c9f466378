"""Passes tested as text: the program before, the program after, and the reasons for what a pass leaves alone.

Texts are those of `parse_program`, with three short forms: `feed %x float32[2,3]`, `cell %v float32[3]` for a variable
and `const %c float32[](2.0)`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from minigraph.core.types import TensorType
from minigraph.inspect.interpret import interpret
from minigraph.ir.parser import parse_program
from minigraph.ir.printer import format_program
from minigraph.ir.program import Cell, Program
from minigraph.ir.rebuild import rebuild
from minigraph.rewrite.driver import Outcome
from minigraph.rewrite.pipeline import Pass, run_pipeline

SPECIAL = (-0.0, 0.0, 1.0, -1.0, np.inf, -np.inf, np.nan)


def program(text: str) -> Program:
    """The program of a text with short forms."""
    lines, slots = [], [0]  # the next slot, for each of the nested programs
    for line in text.strip().splitlines():
        short = re.fullmatch(r"\s*(feed|cell|const) %(\w+) (.+)", line)
        if short is None:
            lines.append(line)
            if line.endswith("{"):
                slots.append(0)
            elif line.strip() == "}":
                slots.pop()
            continue
        form, name, rest = short.groups()
        if form == "feed":
            lines.append(f"%{name} = Feed() {{slot={slots[-1]}, type={rest}}}")
            slots[-1] += 1
        elif form == "cell":
            lines.append(f"%{name} = Cell() {{name={name!r}, type={rest}}}  # {name}")
        else:
            lines.append(f"%{name} = Const() {{value={rest}}}")
    return parse_program("\n".join(lines))


def run(each: Pass, text: str) -> Outcome:
    """The outcome of one pass on a text; the pipeline verifies the program."""
    final, (stage,) = run_pipeline(program(text), [each])
    return Outcome(final, stage.applied, stage.missed, stage.sweeps)


def check(each: Pass, before: str, after: str, exact: bool = True) -> None:
    """The pass makes `after` of `before`, and both compute the same.

    exact: to the bit, for NaN, infinities and both zeros as well; otherwise up to rounding, for ordinary numbers.
    """
    found = run(each, before).program
    assert format_program(found, names=False) == format_program(program(after), names=False)
    assert not each.run(found).applied, "the pass applies to its own result"
    for seed in range(4):
        a, b = (_evaluated(p, seed, exact and seed % 2 == 1) for p in (program(before), found))
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            if exact:
                np.testing.assert_array_equal(np.isnan(x), np.isnan(y))
                np.testing.assert_array_equal(x, y)
                zeros = (x == 0) & (y == 0)
                np.testing.assert_array_equal(np.signbit(x[zeros].astype(float)), np.signbit(y[zeros].astype(float)))
            else:
                np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5)


def check_missed(each: Pass, text: str, reason: str) -> None:
    """The pass leaves the program as it is, and says why."""
    check_unchanged(each, text)
    reasons = {m.reason for m in run(each, text).missed}
    assert reason in reasons, f"the reasons are {sorted(reasons)}"


def check_unchanged(each: Pass, text: str) -> None:
    """The pass leaves the program as it is, up to instructions that nothing needs."""
    outcome = run(each, text)
    assert not outcome.applied
    before, after = (rebuild(p, lambda old, new: None) for p in (program(text), outcome.program))
    assert format_program(after, names=False) == format_program(before, names=False)


def _evaluated(given: Program, seed: int, special: bool) -> Sequence[np.ndarray]:
    """Results and variables after a run on random numbers, or on NaN, infinities and both zeros."""
    random = np.random.RandomState(seed)

    def draw(kind: TensorType) -> np.ndarray:
        if kind.dtype.is_floating:
            values = random.choice(SPECIAL, kind.static) if special else random.randn(*kind.static)
        else:
            values = random.randint(0, 2, kind.static)
        return np.asarray(values, kind.dtype.np_dtype)

    feeds = [draw(kind) for kind in given.feeds]
    cells = {i.op.name: draw(i.op.type) for i in given.instrs if isinstance(i.op, Cell)}
    with np.errstate(all="ignore"):
        results, state = interpret(given, feeds, cells)
    return [*results, *(state[name] for name in sorted(state))]
