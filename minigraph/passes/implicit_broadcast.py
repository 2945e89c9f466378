"""Gradients of means and variances without large arrays of repeated numbers, or of sums that are 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from minigraph.core.dtypes import float16
from minigraph.ir.program import Instr, Value
from minigraph.ir.rebuild import Rebuilder
from minigraph.ops.array.reshape import Reshape
from minigraph.ops.broadcast import BroadcastTo, SumTo, broadcasts, restore_axes
from minigraph.ops.constant import Const
from minigraph.ops.math.add_n import AddN
from minigraph.ops.math.arithmetic import Add, Mul, Neg, RealDiv, Square, SquaredDifference, Sub
from minigraph.ops.math.reduce import Mean, Sum
from minigraph.rewrite.driver import Rule
from minigraph.rewrite.pattern import Match, Pattern
from minigraph.rewrite.pipeline import RulePass

ARITHMETIC = (Add, Sub, Mul, RealDiv, SquaredDifference, Neg, Square, AddN)


def _has_broadcast(instr: Instr) -> str | None:
    return None if any(map(_is_broadcast, instr.inputs)) else "no operand is a broadcast"


def _is_broadcast(value: Value) -> bool:
    op = value.instr.op
    return isinstance(op, BroadcastTo) and not value.instr.control and not (op.mean and value.type.dtype is float16)


def _small(value: Value, new: Rebuilder) -> Value:
    """The elements that a broadcast repeats, in a shape that broadcasts to the same."""
    if not _is_broadcast(value):
        return value
    op, x = value.instr.op, value.instr.inputs[0]
    assert isinstance(op, BroadcastTo)
    kept = restore_axes(x.type.static, op.axis, op.shape)
    if kept != x.type.static:
        x = new.add(Reshape(kept), x)
    copies = value.type.size // max(x.type.size, 1)
    if op.mean and copies > 1:
        x = new.add(RealDiv(), x, new.add(Const(np.array(copies, x.type.dtype.np_dtype))))
    return x


def _on_small(found: Match, new: Rebuilder) -> Sequence[Value]:
    root = found.root
    first, *rest = (_small(v, new) for v in root.inputs)
    if isinstance(root.op, AddN):
        result = first
        for other in rest:
            result = new.add(Add(), result, other)
    else:
        result = new.add(root.op, first, *rest)
    kind = root.types[0]
    return [result if result.type == kind else new.add(BroadcastTo(kind.static), result)]


def _deviations(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    root = found.root
    x = root.inputs[0]
    axes = root.op.summed_axes([x.type])
    total = None if axes is None else _nothing(x, tuple(axes), new)
    if total is None:
        return "it is no sum of differences from the mean over its axes"
    kind = root.types[0]
    return [total if total.type == kind else new.add(Reshape(kind.static), total)]


def _nothing(x: Value, axes: tuple[int, ...], new: Rebuilder) -> Value | None:
    """Σ x over axes, for differences from a mean over these axes times factors that are the same along them: 0, or NaN
    where the mean or a factor is not finite."""
    instr, kept = x.instr, tuple(1 if i in axes else d for i, d in enumerate(x.type.static))
    if instr.control:
        return None
    if isinstance(instr.op, Sub):
        given, mean = instr.inputs
        if not (isinstance(mean.instr.op, Mean) and mean.instr.inputs[0] == given and mean.type.static == kept):
            return None
        return new.add(Mul(), mean, new.add(Const(np.array(0, x.type.dtype.np_dtype))))
    if isinstance(instr.op, Neg):
        inner = _nothing(instr.inputs[0], axes, new)
        return None if inner is None else new.add(Neg(), inner)
    if isinstance(instr.op, Mul):
        for factor, other in (instr.inputs, instr.inputs[::-1]):
            if other.type == x.type and broadcasts(factor.type.static, kept):
                inner = _nothing(other, axes, new)
                return None if inner is None else new.add(Mul(), inner, factor)
    return None


RULES = (
    Rule("implicit_broadcast", Pattern(ARITHMETIC, check=_has_broadcast), _on_small),
    Rule("sum_of_deviations", Pattern((Sum, SumTo), Pattern((Sub, Neg, Mul))), _deviations),
)


@dataclass(frozen=True)
class ImplicitBroadcast(RulePass):
    """Implicit broadcasts.

    before      y = f(broadcast(x), z) for arithmetic f, also with the mean's gradient, broadcast(x) / count;
                Σ (x − mean x)·c, as in the gradient of a variance
    after       y = f(x, z), or y = broadcast(f(x, z)) if z is as small as x, with the sum of several tensors in pairs;
                (0·mean x)·c
    conditions  no control inputs; no mean's gradient in float16, where the count may be out of range; mean and sum are
                over the same axes, along which c is the same
    formula     f takes the same numbers in the same order, so each element has the same bits. Σ (x − mean x) = 0, from
                which the computed sum differs by rounding errors only; it stays NaN where the mean or c is not finite
    """

    name: str = field(default="implicit_broadcast", init=False)
    rules: tuple[Rule, ...] = field(default=RULES, init=False, repr=False)


implicit_broadcast = ImplicitBroadcast()
