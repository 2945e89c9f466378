"""Constants: what depends on constants alone is computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigraph.core.op import Op
from minigraph.ir.program import Cell, Feed, Instr, Value
from minigraph.ir.rebuild import Rebuilder
from minigraph.ops.constant import Const, computed
from minigraph.ops.filling import Full
from minigraph.ops.math.quantization import DequantizeLinear
from minigraph.rewrite.driver import Rule
from minigraph.rewrite.pattern import Match, Pattern
from minigraph.rewrite.pipeline import RulePass

LIMIT = 1024  # elements of a result; larger constants cost more memory than the work they save
_NOT_CONSTANT = "an operand is not constant"
_REFUSED = "it refuses its operands, which is for the run to say"
_CONSTANT = (Const, Full)
_SOURCE = (Const, Cell, Feed)


def _foldable(instr: Instr) -> str | None:
    for value in instr.inputs:
        if not isinstance(value.instr.op, _CONSTANT):
            return _NOT_CONSTANT
    if isinstance(instr.op, _SOURCE):
        return "it is a source"
    if instr.op.stateful:
        return "it is stateful"
    if isinstance(instr.op, DequantizeLinear):
        return "integer_products looks for it"
    if instr.op.on_host:
        return "it is computed on the host, by the run"
    if any(t.size > LIMIT for t in (*instr.types, *(v.type for v in instr.inputs))):
        return f"a constant has more than {LIMIT} elements"
    return None


def _fold(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    instr = found.root
    results = computed(instr.op, [v.instr.op.reference()[v.output] for v in instr.inputs])
    if results is None:
        return _REFUSED
    return [
        new.add(Const(np.array(r, t.dtype.np_dtype).reshape(t.static)))
        for r, t in zip(results, instr.types, strict=True)
    ]


def filled_with(value: Value) -> Any:
    """The one number, or truth value, that all elements of a constant are, else None."""
    op = value.instr.op
    if isinstance(op, Full):
        return op.value
    if isinstance(op, Const) and op.value.size:
        first = op.value.flat[0]
        if op.value.size == 1 or (bool(np.all(op.value == first)) and _is_of_one_sign(op.value)):
            return first
    return None


def _is_of_one_sign(array: np.ndarray) -> bool:
    """Whether no element differs in sign from another; 0 equals −0 otherwise."""
    return array.dtype.kind != "f" or len(np.unique(np.signbit(array))) == 1


def constant_value(value: Value) -> float | None:
    """The one number that all elements of a constant are, as a float, else None."""
    number = None if value.type.dtype.is_bool else filled_with(value)
    return None if number is None else float(number)


def _large(instr: Instr) -> str | None:
    if not instr.is_pointwise:
        return "it is not pointwise"
    if instr.types[0].size <= LIMIT:
        return "it is small"
    if not all(isinstance(v.instr.op, _CONSTANT) for v in instr.inputs):
        return _NOT_CONSTANT
    return None if all(filled_with(v) is not None for v in instr.inputs) else "an operand has several numbers"


def _fill(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    instr = found.root
    operands = [np.full((1,) * len(v.type.static), filled_with(v), v.type.dtype.np_dtype) for v in instr.inputs]
    results = computed(instr.op, operands)
    return _REFUSED if results is None else [new.add(Full(instr.types[0], np.asarray(results[0]).flat[0]))]


FOLD = Rule("fold", Pattern(Op, check=_foldable), _fold)
FOLD_FULL = Rule("fold_full", Pattern(Op, check=_large), _fill)

RULES: tuple[Rule, ...] = (FOLD, FOLD_FULL)


@dataclass(frozen=True)
class ConstantFolding(RulePass):
    """Constant folding.

    before      y = f(c₁, c₂, …) with every operand a constant
    after       y = constant
    conditions  f is pure, has no control inputs and accepts the operands (if not, the run reports it); operands and
                results have at most LIMIT elements; f does not dequantise, which integer_products looks for. Or f works
                element by element and every operand holds one number throughout: then y is a tensor filled with one
                number
    formula     y = f(c₁, c₂, …), computed once by the op's reference
    """

    name: str = field(default="constant_folding", init=False)
    rules: tuple[Rule, ...] = field(default=RULES, init=False, repr=False)


constant_folding = ConstantFolding()
