"""A slow, plain interpreter of programs by the ops' references. Debug mode compares rewrites with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigraph.compile.schedule import schedule
from minigraph.core.errors import VerificationError, in_run
from minigraph.ir.program import Cell, Feed, Program, Value
from minigraph.ops.constant import Const
from minigraph.rewrite.pipeline import Hook, Stage

_MENDS = {"stabilise"}  # passes that make finite numbers of infinities and NaN; else they are held to the old result
_ROUNDING = 1e-14  # what is left where numbers about 1 cancel in float64
_TOLERANCE = {2: 2e-2, 4: 2e-4, 8: 1e-9}  # relative, by bytes of a floating-point number


def interpret(
    program: Program, feeds: Sequence[np.ndarray], cells: Mapping[str, np.ndarray], wide: bool = False
) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
    """The program's results, and its variables and random states after the run. wide: compute all
    floating-point numbers as float64."""

    def kept(array: np.ndarray) -> np.ndarray:
        return array.astype(np.float64) if wide and array.dtype.kind == "f" else array

    state = {name: kept(np.asarray(cell)) for name, cell in cells.items()}
    values: dict[Value, Any] = {}
    for instr in program.instrs:
        if isinstance(instr.op, Feed):
            values[Value(instr, 0)] = kept(np.asarray(feeds[instr.op.slot], instr.types[0].dtype.np_dtype))
        elif isinstance(instr.op, Const):
            values[Value(instr, 0)] = kept(instr.op.value)
    for instr in schedule(program).order:
        op = instr.op
        operands = [state[v.instr.op.name] if isinstance(v.instr.op, Cell) else values[v] for v in instr.inputs]
        try:
            with np.errstate(all="ignore"):
                results = op.reference(*operands)
        except Exception as error:
            raise in_run(error, instr.where, instr.name) from error
        for index, result in enumerate(results):
            values[Value(instr, index)] = kept(np.asarray(result))
        first = len(instr.types) - len(op.writes)
        for offset, position in enumerate(op.writes):
            cell = instr.inputs[position].instr.op
            assert isinstance(cell, Cell)
            state[cell.name] = values[Value(instr, first + offset)]
    return [values[v] for v in program.results], state


def numeric_check(feeds: Sequence[np.ndarray], cells: Mapping[str, np.ndarray]) -> Hook:
    """A hook that runs the program before and after each pass, and raises VerificationError if results differ.

    It compares in float64: in float32, different rounding may flip a maximum or a ReLU, and in float16 a product may
    overflow on one side only.
    """

    def check(before: Program, stage: Stage) -> None:
        if not stage.applied:
            return
        old, old_state = interpret(before, feeds, cells, wide=True)
        new, new_state = interpret(stage.program, feeds, cells, wide=True)
        for value, a, b in zip(before.results, old, new, strict=True):
            _compare(stage, f"the result '{value.instr.name}'", a, b, value.type.dtype.np_dtype)
        for name, a in old_state.items():
            _compare(stage, f"the variable '{name}'", a, new_state[name], cells[name].dtype)

    return check


def _compare(stage: Stage, what: str, a: np.ndarray, b: np.ndarray, dtype: np.dtype[Any]) -> None:
    if stage.name in _MENDS and a.dtype.kind == "f":
        a = np.where(np.isfinite(a) | ~np.isfinite(b), a, b)
    rtol = _TOLERANCE[dtype.itemsize] if a.dtype.kind == "f" else 0.0
    scale = float(np.max(np.abs(a[np.isfinite(a)]), initial=0.0)) if a.dtype.kind == "f" else 0.0
    if not np.allclose(a, b, rtol=rtol, atol=max(rtol * scale, _ROUNDING), equal_nan=True):
        rules = ", ".join(sorted({f"{r.rule} at '{r.node}' ({r.source})" for r in stage.applied})[:5])
        raise VerificationError(f"the pass '{stage.name}' changed {what}: {a} became {b}. It applied {rules}.")
