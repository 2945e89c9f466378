"""Constant folding.

before      y = f(c₁, c₂, …) with every operand a constant
after       y = constant
conditions  f is pure, has no control inputs, and its results have at most LIMIT elements
formula     y = f(c₁, c₂, …), computed once by the op's reference
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigraph.core.ir import Cell, Feed, Instr, Value
from minigraph.core.op import Op
from minigraph.ops.constant import Const
from minigraph.ops.filling import Full
from minigraph.rewrite.driver import Rebuilder, Rule
from minigraph.rewrite.pattern import Match, Pattern
from minigraph.rewrite.pipeline import RulePass

LIMIT = 1024  # elements of a result; larger constants cost more memory than the work they save


_CONSTANT = (Const, Full)
_SOURCE = (Const, Cell, Feed)


def _foldable(instr: Instr) -> str | None:
    for value in instr.inputs:
        if not isinstance(value.instr.op, _CONSTANT):
            return "an operand is not constant"
    if isinstance(instr.op, _SOURCE):
        return "it is a source"
    if instr.op.stateful:
        return "it is stateful"
    if any(t.size > LIMIT for t in (*instr.types, *(v.type for v in instr.inputs))):
        return f"a constant has more than {LIMIT} elements"
    return None


def _fold(found: Match, new: Rebuilder) -> Sequence[Value]:
    instr = found.root
    operands = [v.instr.op.forward(np)[v.output] for v in instr.inputs]
    with np.errstate(all="ignore"):
        results = instr.op.forward(np, *operands)
    return [
        new.add(Const(np.array(r, t.dtype.np_dtype).reshape(t.static)))
        for r, t in zip(results, instr.types, strict=True)
    ]


constant_folding = RulePass("constant_folding", Rule("fold", Pattern(Op, check=_foldable), _fold))
