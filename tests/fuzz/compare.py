"""What a program's results must be: those of float64 without passes, as closely as rounding allows.

How far rounding moves each result is measured, not assumed. The program runs in float32 without passes, and in float64
with small random errors on every value that float32 would round. A gradient that is truly zero, or a comparison of
nearly equal numbers, then shows itself as a result that moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from support.evaluate import evaluate

import minigraph as tf
from fuzz.program import UNIT, Built, Program
from minigraph.ops.pointwise import Pointwise

Runs = list[list[Any]]
ORACLE: dict[str, Any] = {"backend": "numpy", "optimize": "O0"}
SLACK = 8.0  # other orders of summation, and the maximum of few samples
LIGHT, STRONG, WINOGRAD = 4.0, 16.0, 512.0  # amplitudes of the errors in roundings; the last from docs/passes.md
STATEFUL = {"update", "dropout", "draws"}  # kinds of steps
DOUBLE = 2.0**-20  # float64's tolerance in float32's: the ratio of their roundings is 2⁻²⁹


@dataclass
class Oracle:
    """The results of a program in float64, and how far float32's may be from them."""

    program: Program
    samples: dict[float, list[Runs]] = field(default_factory=dict)

    @cached_property
    def single(self) -> Built:
        return Built(self.program)

    @cached_property
    def double(self) -> Built:
        return Built(self.program, tf.float64, tf.float64)

    @cached_property
    def right(self) -> Runs:
        return self.double.run(**ORACLE)

    @cached_property
    def plain(self) -> Runs:
        return self.single.run(**ORACLE)

    @cached_property
    def exact(self) -> bool:
        """Whether nothing is rounded: every value on the way is the same in float32 as in float64."""
        if not self.program.exact:
            return False
        names = [n for s in self.program.steps for n, t in zip(s.names, s.tags, strict=True) if t != "op"]
        names += self.program.fetches
        ways = [built.run(names, **ORACLE) for built in (self.single, self.double)]
        pairs = [pair for runs in zip(*ways, strict=True) for pair in zip(*runs, strict=True)]
        return all(a is None or np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)

    @cached_property
    def infinite(self) -> bool:
        """Whether a value on the way is infinite or NaN."""
        names = [leaf.name for leaf in self.program.leaves if leaf.tag in UNIT]
        names += [n for s in self.program.steps for n, t in zip(s.names, s.tags, strict=True) if t in UNIT]
        runs = [*self.double.run(names, **ORACLE), *self.single.run(names, **ORACLE)]
        return not all(np.isfinite(value).all() for values in runs for value in values)

    def moved(self, noise: float, count: int) -> list[Runs]:
        """The results of runs with errors."""
        found = self.samples.setdefault(noise, [])
        while len(found) < count:
            seed = 1000 * (len(found) + 1) + int(noise)
            found.append(Built(self.program, tf.float64, tf.float64, noise, seed).run(**ORACLE))
        return found

    def complaint(self, got: Runs, wide: bool = False, winograd: bool = False) -> str | None:
        """What is wrong with the results of another way to run the program; None if nothing is.

        wide: they are float64's. winograd: convolutions may have Winograd's errors.
        """
        if self.exact and not winograd:
            return self._against([], got, wide, self.plain)
        trials = [(LIGHT, 3), (STRONG, 8), *([(WINOGRAD, 8)] if winograd else [])]
        return self._tried(trials, got, wide, self.plain)

    def _tried(self, trials: Sequence[tuple[float, int]], got: Runs, wide: bool, base: Runs) -> str | None:
        """What is wrong after all trials; they end when nothing is."""
        used: list[Runs] = []
        found = None
        for noise, count in trials:
            used = used + self.moved(noise, count)
            found = self._against(used, got, wide, base)
            if found is None:
                return None
        return found

    def complaint_of_plain(self) -> str | None:
        """What is wrong with float32 without passes, whose own errors the other complaints allow."""
        if self.exact:
            return self._against([], self.plain, False, self.plain)
        pairs = [zip(*runs, strict=True) for runs in zip(self.right, self.plain, strict=True)]
        rounded = [[None if p is None else _in_range(np.asarray(r), np.asarray(p)) for r, p in run] for run in pairs]
        found = self._tried([(STRONG, 3), (WINOGRAD, 8)], self.plain, False, rounded)
        if found is None or STATEFUL & {step.kind for step in self.program.steps}:
            return None  # the evaluator below knows no state
        moved = [shaken(self.double, STRONG, seed) for seed in range(8)]
        return self._against([*self.moved(WINOGRAD, 8), *moved], self.plain, False, rounded)

    def _against(self, moved: Sequence[Runs], got: Runs, wide: bool, base: Runs) -> str | None:
        for run, values in enumerate(got):
            for i, value in enumerate(values):
                if value is None:
                    continue
                unit = self._unit(self.program.fetches[i])
                others = [m[run][i] for m in moved]
                found = disagreement(value, self.right[run][i], base[run][i], others, unit, wide, not moved)
                if found:
                    return f"{self.program.fetches[i]} of run {run}: {found}"
        return None

    def _unit(self, name: str) -> float:
        tags = {n: t for s in self.program.steps for n, t in zip(s.names, s.tags, strict=True)}
        return UNIT.get(tags.get(name, "F"), 0.0)


def shaken(built: Built, noise: float, seed: int) -> Runs:
    """The results of ops' references, node by node, with errors on the result of each, also of those inside gradients.

    The program must have no state but variables that do not change.
    """
    random = np.random.RandomState(seed)
    halves = any("H" in step.tags for step in built.program.steps)
    amplitude = noise * UNIT["H" if halves else "F"]

    def shake(node: Any, array: np.ndarray) -> np.ndarray:
        if array.dtype.kind != "f" or node.type in ("Const", "Placeholder"):
            return array
        size = np.max(np.abs(array), initial=0.0, where=np.isfinite(array))
        relative, absolute = amplitude * random.uniform(-1, 1, (2, *array.shape))
        return np.asarray(array * (1 + relative) + (0.0 if isinstance(node.op, Pointwise) else size * absolute))

    runs = []
    for batch in built.program.sizes:
        leaves = [leaf for leaf in built.program.leaves if leaf.role != "constant"]
        feeds = {
            tf.convert_to_tensor(built.env[leaf.name]): leaf.array(
                batch if leaf.role == "feed" else built.program.sizes[0], built.F, built.H
            )
            for leaf in leaves
        }
        runs.append(evaluate([tf.convert_to_tensor(built.env[name]) for name in built.program.fetches], feeds, shake))
    return runs


def disagreement(
    got: Any, right: Any, plain: Any, moved: Sequence[Any], unit: float, wide: bool = False, exact: bool = False
) -> str | None:
    """Where an array differs from the right one by more than rounding explains.

    right: float64's result. plain: float32's, without passes. moved: float64's with errors. unit: one rounding.
    """
    if got.shape != right.shape or got.dtype != (right if wide else plain).dtype:
        return f"{got.dtype}{list(got.shape)} instead of {plain.dtype}{list(right.shape)}"
    if got.dtype.kind not in "f":
        firm = plain == right
        for other in moved:
            firm &= other == right
        return _report(firm & (got != right), got, right, 0)
    got, right, plain = (np.asarray(a, np.float64) for a in (got, right, plain))
    if exact:
        return _report(~((got == right) | (np.isnan(got) & np.isnan(right))), got, right, 0)
    with np.errstate(all="ignore"):
        spread = np.zeros_like(right)
        firm = _alike(plain, right)
        for other in moved:
            firm &= _alike(other, right)
            spread = np.fmax(spread, np.abs(other - right))
        finite = np.isfinite(right)
        base = np.max(np.abs(plain - right), initial=0.0, where=finite & np.isfinite(plain))
        allowed = SLACK * (spread + base + unit * np.abs(right)) + 1e-37
        if wide:
            allowed = allowed * DOUBLE
        wrong = np.where(finite, ~(np.abs(got - right) <= allowed), ~_alike(got, right))
    return _report(firm & wrong, got, right, allowed)


def _in_range(right: Any, plain: Any) -> Any:
    """The right result in the dtype of the plain one; where that is not finite, which it may be because it has left its
    range on the way, the plain one's opposite, so that nothing is said."""
    rounded = right.astype(plain.dtype)
    if plain.dtype.kind != "f":
        return rounded
    return np.where(np.isfinite(plain), rounded, np.where(np.isfinite(right), np.nan, 0.0).astype(plain.dtype))


def _alike(a: Any, b: Any) -> Any:
    """Whether both are finite, both are NaN, or both are the same infinity."""
    return np.where(np.isfinite(b), np.isfinite(a), (a == b) | (np.isnan(a) & np.isnan(b)))


def _report(wrong: Any, got: Any, right: Any, allowed: Any) -> str | None:
    wrong = np.asarray(wrong)
    if not wrong.any():
        return None
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    limit = np.broadcast_to(allowed, wrong.shape)[place]
    return f"{got[place]} instead of {right[place]} at {list(place)}, {wrong.sum()} such; allowed is {limit:.2g}"


def bits_differ(got: Runs, want: Runs) -> str | None:
    """Where two results are not equal to the bit. All NaN are one."""
    for run, (a, b) in enumerate(zip(got, want, strict=True)):
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            if x is None:
                continue
            if x.shape != y.shape or x.dtype != y.dtype:
                return f"fetch {i} of run {run}: {x.dtype}{list(x.shape)} and {y.dtype}{list(y.shape)}"
            same = x == y
            if x.dtype.kind == "f":
                same = (same & (np.signbit(x) == np.signbit(y))) | (np.isnan(x) & np.isnan(y))
            if not np.all(same):
                place = tuple(int(p) for p in np.argwhere(~np.asarray(same))[0])
                return f"fetch {i} of run {run}: {x[place]!r} and {y[place]!r} at {list(place)}"
    return None
