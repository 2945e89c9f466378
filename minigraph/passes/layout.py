"""Transposes: they move towards the results until they cancel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from minigraph.core.op import Op
from minigraph.ir.program import Instr, Value
from minigraph.ir.rebuild import Rebuilder
from minigraph.ops.array.joining import ConcatV2
from minigraph.ops.array.reshape import Reshape, Transpose
from minigraph.ops.broadcast import BroadcastTo, normalise_axes
from minigraph.ops.math.matmul import MatMul
from minigraph.ops.math.reduce import ReduceOp
from minigraph.ops.nn.bias import BiasAdd, BiasAddGrad
from minigraph.passes.simplify import MOVES
from minigraph.rewrite.driver import Rule
from minigraph.rewrite.pattern import Match, Pattern
from minigraph.rewrite.pipeline import RulePass

_IMAGE = 4  # axes


def _perm(instr: Instr) -> tuple[int, ...] | None:
    """The permutation that a transpose makes; None for another instruction."""
    if not isinstance(instr.op, Transpose) or instr.control:
        return None
    return instr.op.axes(len(instr.types[0].static))


def _common_perm(values: Sequence[Value], new: Rebuilder) -> tuple[int, ...] | str:
    """How all values that are more than a vector are transposed, or why they are not."""
    perms = {_perm(v.instr) for v in values if not _is_vector(v)}
    if len(perms) != 1:
        return "its operands are not all transposed in the same way"
    (perm,) = perms
    if perm is None:
        return "no operand is transposed"
    if len(perm) < _IMAGE and any(new.count(v) != 1 for v in values if _perm(v.instr)):
        return "something else reads the transposed operand"
    return perm


def _is_vector(value: Value) -> bool:
    """Whether at most one axis is longer than 1."""
    return sum(d != 1 for d in value.type.static) <= 1


def _untransposed(value: Value, perm: tuple[int, ...], new: Rebuilder) -> Value:
    """The value whose transpose by `perm` is `value`, up to broadcasting."""
    if not _is_vector(value):
        return value.instr.inputs[0]
    aligned = (1,) * (len(perm) - len(value.type.static)) + value.type.static
    before = tuple(aligned[perm.index(axis)] for axis in range(len(perm)))
    return value if value.type.static == () else new.add(Reshape(before), value)


def _sink_pointwise(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    root = found.root
    perm = _common_perm(root.inputs, new)
    if isinstance(perm, str):
        return perm
    if len(perm) != len(root.types[0].static):
        return "the transposed operand is broadcast"
    return [new.add(Transpose(perm), new.add(root.op, *(_untransposed(v, perm, new) for v in root.inputs)))]


def _pointwise(instr: Instr) -> str | None:
    return None if instr.is_pointwise and not isinstance(instr.op, BiasAdd) else "it is not pointwise"


def _sink_concat(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    root = found.root
    if any(_is_vector(v) for v in root.inputs):
        return "an operand is a vector"
    perm = _common_perm(root.inputs, new)
    if isinstance(perm, str):
        return perm
    axis = perm[root.op.axis % len(perm)]  # type: ignore[attr-defined]
    return [new.add(Transpose(perm), new.add(ConcatV2(axis), *(v.instr.inputs[0] for v in root.inputs)))]


def _sink_reduction(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    op = found.root.op
    assert isinstance(op, ReduceOp)
    transpose = found["transpose"]
    perm = _perm(transpose)
    assert perm is not None
    axes = normalise_axes(op.axis, len(perm))
    kept = [p for a, p in enumerate(perm) if a not in axes or op.keep_dims]
    before = tuple(sorted(perm[a] for a in axes))
    reduced = new.add(op.replace(axis=before), transpose.inputs[0])
    order = tuple(sorted(kept).index(p) for p in kept)
    return [reduced if order == tuple(range(len(order))) else new.add(Transpose(order), reduced)]


def _broadcast_transposed(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    spread, op = found["spread"], found["spread"].op
    assert isinstance(op, BroadcastTo)
    perm = _perm(found.root)
    assert perm is not None
    added = normalise_axes(op.axis, len(perm))
    kept = [p for p in perm if p not in added]
    if len(spread.inputs[0].type.static) != len(kept) or kept != sorted(kept):
        return "it moves axes that are not broadcast"
    shape = tuple(op.shape[p] for p in perm)
    return [new.add(BroadcastTo(shape, tuple(perm.index(a) for a in added), op.mean), spread.inputs[0])]


def _sum_of_transposed(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    transpose = found["transpose"]
    perm = _perm(transpose)
    if perm is None or perm[-1] != len(perm) - 1:
        return "the channels are not on the last axis before"
    return [new.add(BiasAddGrad(), transpose.inputs[0])]


def _absorb(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    root = found.root
    op = root.op
    assert isinstance(op, MatMul)
    operands = list(root.inputs)
    flags = [op.transpose_a, op.transpose_b]
    for position, value in enumerate(operands):
        perm = _perm(value.instr)
        if perm is not None and perm == (*range(len(perm) - 2), len(perm) - 1, len(perm) - 2):
            operands[position] = value.instr.inputs[0]
            flags[position] = not flags[position]
    if flags == [op.transpose_a, op.transpose_b]:
        return "no operand is a transpose of the last two axes"
    return [new.add(type(op)(*flags), *operands)]


def _moves_nothing(instr: Instr) -> str | None:
    perm = _perm(instr) or ()
    shape = instr.inputs[0].type.static
    long = [p for p in perm if shape[p] != 1]
    return None if long == sorted(long) else "it moves axes of more than one element"


def _as_reshape(found: Match, new: Rebuilder) -> Sequence[Value]:
    return [new.add(Reshape(found.root.types[0].static), found.root.inputs[0])]


_TRANSPOSED = Pattern(Transpose, name="transpose")

RULES: tuple[Rule, ...] = (
    *MOVES,
    Rule("transpose_moves_nothing", Pattern(Transpose, check=_moves_nothing), _as_reshape),
    Rule("broadcast_transposed", Pattern(Transpose, Pattern(BroadcastTo, name="spread")), _broadcast_transposed),
    Rule("matmul_reads_transposed", Pattern(MatMul), _absorb),
    Rule("transpose_behind_reduction", Pattern(ReduceOp, _TRANSPOSED), _sink_reduction),
    Rule("bias_grad_of_transposed", Pattern(BiasAddGrad, _TRANSPOSED), _sum_of_transposed),
    Rule("transpose_behind_concat", Pattern(ConcatV2), _sink_concat),
    Rule("transpose_behind_pointwise", Pattern(Op, check=_pointwise), _sink_pointwise),
)


@dataclass(frozen=True)
class SinkTransposes(RulePass):
    """Transposes move towards the results until they cancel.

    before      f(T(x)), f(T(x), T(y)), f(T(x), vector) with f pointwise; Σ T(x) over axes; concat(T(x), T(y)); T(x)·y
                and x·T(y) where T swaps the last two axes; T₂(T₁(x)); T(broadcast(x)); a T that only moves axes of
                length 1
    after       T(f(x)), …; a transpose of what is left after the sum; T(concat(x, y)); a matrix product that reads its
                operand transposed; one transpose or none; a broadcast to the new shape; a reshape
    conditions  every operand of f is transposed in the same way, or has at most one axis longer than 1. Of tensors with
                fewer than four axes nothing else may read T(x) (images, with four, are transposed on every path that
                leads away from them)
    formula     f(T(x)) = T(f(x)), since f looks at no position
    """

    name: str = field(default="layout", init=False)
    rules: tuple[Rule, ...] = field(default=RULES, init=False, repr=False)


layout = SinkTransposes()
