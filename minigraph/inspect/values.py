"""The values of one run: statistics of every result, and where NaN or infinity began."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigraph.backend.base import Launch
from minigraph.compile.plan import Plan
from minigraph.inspect.numerics import ValueSummary, is_float, summarise
from minigraph.ir.program import Cell, Feed, Instr, Value
from minigraph.ops.constant import Const

BINS = 24  # of a histogram
_PIECE = 1 << 16  # numbers counted at once, so that counting takes little memory


class Statistics(NamedTuple):
    """The numbers in an array.

    summary: extremes and counts of what is not finite. mean, std: of the finite numbers; NaN if there are none. zeros:
    the number of zeros. histogram: counts of the finite numbers in BINS equal bins from the least to the greatest.
    """

    summary: ValueSummary
    mean: float
    std: float
    zeros: int
    histogram: tuple[int, ...]

    @property
    def bad(self) -> int:
        """How many are NaN or infinite."""
        return self.summary.nans + self.summary.infinities


def statistics(array: np.ndarray) -> Statistics:
    """The statistics of an array of numbers or truth values.

    >>> found = statistics(np.array([0.0, 1.0, 3.0, np.inf]))
    >>> found.mean, found.zeros, found.bad
    (1.3333333333333333, 1, 1)
    """
    numbers = array.astype(np.float64 if array.dtype.itemsize > 4 else np.float32, copy=False)
    summary = summarise(numbers)
    finite = numbers if summary.finite else numbers[np.isfinite(numbers)]
    if not finite.size:
        return Statistics(summary, math.nan, math.nan, 0, ())
    low, high = summary.low, summary.high
    mean, std = float(finite.mean(dtype=np.float64)), float(finite.std(dtype=np.float64))
    counts: Any = np.zeros(0, int)
    if 0 < high - low < math.inf:
        flat = finite.ravel()
        counts = sum(_counts(flat[i : i + _PIECE], low, high) for i in range(0, flat.size, _PIECE))
    return Statistics(summary, mean, std, int((finite == 0).sum()), tuple(counts.tolist()))


def _counts(numbers: np.ndarray, low: float, high: float) -> np.ndarray:
    places = (numbers.astype(np.float64) - low) / (high - low) * BINS
    return np.bincount(np.minimum(places, BINS - 1).astype(int), minlength=BINS)


class Origin(NamedTuple):
    """The node where NaN, or else infinity, began. kind: "NaN" or "infinity". node: its name. says: a sentence."""

    kind: str
    node: str
    says: str


class RecordedPlan(Plan):
    """A plan that shows every value of a run, without passes that merge or remove some. Variables stay as they are."""

    keeps = False

    def record(
        self, arrays: Sequence[np.ndarray], visit: Callable[[Instr, np.ndarray, Statistics], None]
    ) -> list[Origin]:
        """Run once, and call `visit` with each instruction's first result, while it is there, and its statistics.

        The values of feeds, variables and constants are those from before the run. Returns where NaN and infinity
        began, if they did.
        """
        found = _Origins()
        saved = self.save()

        def see(instr: Instr, results: Sequence[np.ndarray | None]) -> None:
            known = [None if a is None or a.dtype.kind not in "fiub" else statistics(a) for a in results]
            found.add(instr, known)
            if known and known[0] is not None and results[0] is not None:
                visit(instr, results[0], known[0])

        def begin() -> None:
            for instr in self.program.instrs:
                if isinstance(instr.op, Feed | Cell | Const):
                    see(instr, self._read([Value(instr, 0)]))

        def around(index: int, launch: Launch) -> None:
            if not index:
                begin()
            launch()
            step = self.steps[index]
            see(step.instr, self._read(step.outputs))

        try:
            with np.errstate(all="ignore"):
                self.watch(arrays, around)
                if not self.steps:
                    begin()
        finally:
            self.restore(saved)
        return list(found)

    def _read(self, values: Sequence[Value | None]) -> list[np.ndarray | None]:
        views = self.views(values)
        return [None if v is None else np.asarray(self.backend.read(a)) for v, a in zip(values, views, strict=True)]


class _Origins:
    """The first instruction that made NaN, and the first that made an infinity, out of inputs that have none."""

    def __init__(self) -> None:
        self._known: dict[Value, ValueSummary] = {}
        self._first: dict[str, tuple[Instr, ValueSummary]] = {}

    def add(self, instr: Instr, results: Sequence[Statistics | None]) -> None:
        summaries = [known for v in instr.inputs if (known := self._known.get(_root(v))) is not None]
        for output, result in enumerate(results):
            if result is None or not is_float(Value(instr, output)):
                continue
            self._known[Value(instr, output)] = result.summary
            for kind in ("nans", "infinities"):
                made = getattr(result.summary, kind) and not any(getattr(s, kind) for s in summaries)
                if made and kind not in self._first:
                    self._first[kind] = (instr, result.summary)

    def __iter__(self) -> Iterator[Origin]:
        for kind, word in (("nans", "NaN"), ("infinities", "infinity")):
            if kind in self._first:
                instr, summary = self._first[kind]
                where = f", made at {instr.source.describe()}" if instr.source else ""
                yield Origin(
                    word, instr.name, f"{word} began in '{instr.name}' ({type(instr.op).__name__}): {summary}{where}"
                )


def _root(value: Value) -> Value:
    """The value whose numbers a view shows."""
    while value.instr.op.is_view:
        value = value.instr.inputs[0]
    return value
