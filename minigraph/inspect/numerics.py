"""The origin of NaN and infinity: plans that check the outputs of each launch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigraph.backend.base import Array, Launch
from minigraph.compile.assignment import Step
from minigraph.compile.plan import Plan
from minigraph.core.errors import InvalidArgumentError
from minigraph.ir.program import Cell, Feed, Instr, Program, Value
from minigraph.ir.regions import Region
from minigraph.ops.constant import Const


class ValueSummary(NamedTuple):
    """The numbers in an array: the least and greatest finite ones (NaN if there are none), and counts."""

    low: float
    high: float
    nans: int
    infinities: int
    size: int

    @property
    def finite(self) -> bool:
        return not self.nans and not self.infinities

    def __str__(self) -> str:
        counts = [f"{n} {what}" for n, what in ((self.nans, "NaN"), (self.infinities, "Inf")) if n]
        extent = f"min {self.low:.6g}, max {self.high:.6g}" if self.low == self.low else "no finite number"
        return f"{extent}, {' and '.join(counts)} of {self.size}" if counts else f"{extent}, finite"


def summarise(array: np.ndarray) -> ValueSummary:
    """The summary of an array: two passes, without temporary arrays if all numbers are finite."""
    if not array.size:
        return ValueSummary(np.nan, np.nan, 0, 0, 0)
    low, high = float(array.min()), float(array.max())
    if np.isfinite(low) and np.isfinite(high):
        return ValueSummary(low, high, 0, 0, array.size)
    good = array[np.isfinite(array)]
    nans = int(np.isnan(array).sum())
    low, high = (float(good.min()), float(good.max())) if good.size else (np.nan, np.nan)
    return ValueSummary(low, high, nans, array.size - good.size - nans, array.size)


class _Found(BaseException):
    """Carries the error out of `Plan.run`, which takes any Exception for a failed kernel."""

    def __init__(self, error: InvalidArgumentError) -> None:
        self.error = error


class CheckedPlan(Plan):
    """A plan that raises InvalidArgumentError at the first floating-point value that is not finite.

    A failed run leaves variables and random states unchanged, so that it can be inspected and repeated.

    A failed run is repeated with the program before the passes, `original`, so that the error names the same op at
    all levels; passes merge, move and replace ops.
    """

    keeps = False  # so that these values are checked too

    def run(self, arrays: Sequence[np.ndarray], as_device: bool = False) -> list[np.ndarray]:
        self._check_feeds(arrays)
        saved = self.save()
        try:
            return self.watch(arrays, self._check, as_device)
        except _Found as found:
            self.restore(saved)
            error = found.error
        if self.original is not self.program:
            self._run_original(arrays, saved)
        raise error

    def _run_original(self, arrays: Sequence[np.ndarray], saved: Sequence[tuple[Array, np.ndarray]]) -> None:
        """Run the program before the passes for its error. If all its values are finite, there is none."""
        plan = CheckedPlan(self.original, self.backend, self.store)
        try:
            plan.run(arrays)
        finally:
            self.restore(saved)

    def _check_feeds(self, arrays: Sequence[np.ndarray]) -> None:
        for instr in self.program.instrs:
            if isinstance(instr.op, Feed) and is_float(Value(instr, 0)):
                array = arrays[instr.op.slot]
                if array.dtype.kind in "fiub":
                    summary = summarise(np.asarray(array, instr.op.type.dtype.np_dtype))
                    if not summary.finite:
                        raise InvalidArgumentError(
                            f"the value fed for '{instr.name}' is not finite: {instr.op.type}, {summary}"
                            f" (made at {_where(instr)})"
                        )

    def _check(self, index: int, launch: Launch) -> None:
        step = self.steps[index]
        inputs = self.views(step.inputs)
        region = isinstance(step.instr.op, Region)
        # What the launch overwrites must be looked at before; to search a region, its numbers are needed.
        before: dict[int, Any] = {}
        for i in self.overwritten(step):
            if i in _floats(step):
                before[i] = np.array(self._host(inputs[i])) if region else summarise(self._host(inputs[i]))
        launch()
        for value, array in zip(step.outputs, self.views(step.outputs), strict=True):
            if value is None or not is_float(value):
                continue
            summary = summarise(self._host(array))
            if not summary.finite:
                if region:
                    arrays = [before[i] if i in before else self._host(a) for i, a in enumerate(inputs)]
                    raise _Found(self._error_inside(step, value, summary, arrays))
                shown = {i: before[i] if i in before else summarise(self._host(inputs[i])) for i in _floats(step)}
                raise _Found(self._error(step.instr, value, summary, step.inputs, shown))

    def _host(self, array: Array) -> np.ndarray:
        return array if isinstance(array, np.ndarray) else np.asarray(self.backend.read(array))

    def _error_inside(
        self, step: Step, value: Value, summary: ValueSummary, arrays: Sequence[np.ndarray]
    ) -> InvalidArgumentError:
        """The error for the first instruction of a fused region whose result is not finite, by the references."""
        inner: Program = step.instr.op.program  # type: ignore[attr-defined]
        values: dict[Value, Any] = {}
        for instr in inner.instrs:
            if isinstance(instr.op, Feed):
                values[Value(instr, 0)] = arrays[instr.op.slot]
                continue
            results = instr.op.reference(*(values[v] for v in instr.inputs))
            for index, result in enumerate(results):
                made = Value(instr, index)
                values[made] = np.asarray(result)
                if is_float(made) and not (found := summarise(values[made])).finite:
                    names = [step.inputs[v.instr.op.slot] if isinstance(v.instr.op, Feed) else v for v in instr.inputs]
                    shown = {i: summarise(values[v]) for i, v in enumerate(instr.inputs) if is_float(v)}
                    return self._error(instr, made, found, names, shown)
        shown = {i: summarise(arrays[i]) for i in _floats(step)}
        return self._error(step.instr, value, summary, step.inputs, shown)

    def _error(
        self,
        instr: Instr,
        value: Value,
        summary: ValueSummary,
        operands: Sequence[Value],
        shown: Mapping[int, ValueSummary],
    ) -> InvalidArgumentError:
        node = f"{type(instr.op).__name__} node '{instr.name}'"
        bad = next((operands[i] for i, s in shown.items() if not s.finite), None)
        if bad is None:
            cause = f"{node} made a value that is not finite out of finite inputs"
        else:
            cause = f"{self._describe(bad)} was not finite before the run; {node} is the first to hand this on"
        lines = [f"{cause} (made at {_where(instr)})", f"  result: {value.type}, {summary}"]
        for i, operand in enumerate(operands):
            text = f", {shown[i]}" if i in shown else ""
            lines.append(f"  input {i}: {self._describe(operand)}, {operand.type}{text}")
        return InvalidArgumentError("\n".join(lines))

    def _describe(self, value: Value) -> str:
        """`the variable 'w'`, or the name of the node that computed the value."""
        instr = value.instr
        while instr.op.is_view:
            instr = instr.inputs[0].instr
        if isinstance(instr.op, Cell):
            return f"the variable '{instr.op.name}'"
        return f"the constant '{instr.name}'" if isinstance(instr.op, Const) else f"'{value.instr.name}'"


def is_float(value: Value) -> bool:
    """Whether a value has a floating dtype."""
    return value.type.dtype.np_dtype.kind == "f"


def _floats(step: Step) -> list[int]:
    """The floating-point inputs whose values matter. A variable that is only written does not."""
    blind = set(step.instr.op.writes) - set(step.instr.op.reads)
    return [i for i, v in enumerate(step.inputs) if is_float(v) and i not in blind]


def _where(instr: Instr) -> str:
    return instr.source.describe() if instr.source else "an unknown line"
