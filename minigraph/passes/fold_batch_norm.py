"""Batch normalisation at inference: it becomes a part of the filter and bias before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from minigraph.core.op import Op
from minigraph.ir.hoist import Fixed
from minigraph.ir.program import Instr, Program, Value
from minigraph.ir.rebuild import Rebuilder
from minigraph.ops.array.reshape import Reshape
from minigraph.ops.math.arithmetic import Add, Mul, Neg, RealDiv, Sub
from minigraph.ops.math.matmul import MatMul
from minigraph.ops.nn.bias import BiasAdd
from minigraph.ops.nn.conv2d import Conv2D
from minigraph.rewrite.driver import Outcome, Rule, rewrite
from minigraph.rewrite.pattern import Match, Pattern
from minigraph.rewrite.pipeline import Replayable

_ROOT = (Conv2D, MatMul)
Replace = Callable[[Match, Rebuilder], Sequence[Value] | str]


@dataclass(frozen=True)
class FoldBatchNorm(Replayable):
    """Folding of batch normalisation at inference into the convolution or matrix product before it.

    before      conv(x, w)·s + t, with or without a bias before it, where s and t are numbers for each output channel;
                also (conv(x, w) − m) / d
    after       conv(x, w·s) + t; conv(x, w/d) + (−m/d)
    conditions  s and t depend on variables and constants only (inference: not on this batch); s is one number, or one
                for each channel, and t one for each channel; nothing else reads the convolution's result, or its filter
    formula     Σ x·(w·s) = s·Σ x·w. Batch normalisation is y = γ·(x − μ)/√(σ² + ε) + β: s = γ/√(σ² + ε), t = β − μ·s
                (Ioffe and Szegedy 2015, algorithm 2)
    """

    name: str = field(default="fold_batch_norm", init=False)

    def run(self, program: Program) -> Outcome:
        return rewrite(program, _rules(Fixed()))


def _rules(fixed: Fixed) -> list[Rule]:
    root = Pattern(_ROOT, name="root", single_use=True)
    biased = Pattern(BiasAdd, root, name="bias", single_use=True)
    scales: list[tuple[type[Op], bool]] = [(Mul, True), (RealDiv, False)]
    rules = []
    for op, commutes in scales:
        of_root, of_bias = (Pattern(op, p, None, commutes=commutes) for p in (root, biased))
        rules.append(Rule(f"{op.__name__}_into_filter", of_root, _into_filter(fixed, op)))
        rules.append(Rule(f"{op.__name__}_before_bias", of_bias, _before_bias(fixed, op)))
    rules += [
        Rule("Add_as_bias", Pattern(Add, root, None, commutes=True), _as_bias(fixed, lambda new, t: t)),
        Rule("Add_into_bias", Pattern(Add, biased, None, commutes=True), _into_bias(fixed, Add)),
        Rule("Sub_as_bias", Pattern(Sub, root), _as_bias(fixed, lambda new, t: new.add(Neg(), t))),
        Rule("Sub_into_bias", Pattern(Sub, biased), _into_bias(fixed, Sub)),
        Rule("BiasAdd_into_bias", Pattern(BiasAdd, biased), _into_bias(fixed, Add)),
    ]
    return rules


def _per_channel(found: Match, inner: Instr, fixed: Fixed, new: Rebuilder) -> Value | str:
    """The operand beside `inner`, as a vector over the channels."""
    other = next((v for v in found.root.inputs if v.instr is not inner), None)
    result = found.root.types[0]
    if other is None or inner.types[0] != result:
        return "both operands are the same, or it is broadcast"
    if not fixed(other):
        return "the other operand depends on the batch"
    *leading, last = (1, *other.type.static)
    if any(d != 1 for d in leading) or last not in (1, result.static[-1]):
        return "the other operand is not one number for each channel"
    flat = (last,)
    return other if other.type.static == flat else new.add(Reshape(flat), other)


def _into_filter(fixed: Fixed, op: type[Op]) -> Replace:
    def replace(found: Match, new: Rebuilder) -> Sequence[Value] | str:
        root = found["root"]
        x, w = root.inputs
        if (isinstance(root.op, MatMul) and root.op.transpose_b) or len(w.type.static) not in (2, 4):
            return "the filter's last axis is not the channels"
        if not fixed(w):
            return "the filter depends on the batch"
        if new.count(w) != 1:
            return f"the filter has {new.count(w)} readers"
        scale = _per_channel(found, root, fixed, new)
        return scale if isinstance(scale, str) else [new.add(root.op, x, new.add(op(), w, scale))]

    return replace


def _before_bias(fixed: Fixed, op: type[Op]) -> Replace:
    def replace(found: Match, new: Rebuilder) -> Sequence[Value] | str:
        bias = found["bias"]
        scale = _per_channel(found, bias, fixed, new)
        if isinstance(scale, str):
            return scale
        if not fixed(bias.inputs[1]):
            return "the bias depends on the batch"
        scaled = new.add(op(), bias.inputs[0], scale)
        return [new.add(BiasAdd(), scaled, new.add(op(), bias.inputs[1], scale))]

    return replace


def _as_bias(fixed: Fixed, term: Callable[[Rebuilder, Value], Value]) -> Replace:
    def replace(found: Match, new: Rebuilder) -> Sequence[Value] | str:
        root = found["root"]
        shift = _per_channel(found, root, fixed, new)
        if isinstance(shift, str):
            return shift
        if shift.type.static != root.types[0].static[-1:]:
            return "the other operand is one number for all channels"
        return [new.add(BiasAdd(), Value(root, 0), term(new, shift))]

    return replace


def _into_bias(fixed: Fixed, op: type[Op]) -> Replace:
    def replace(found: Match, new: Rebuilder) -> Sequence[Value] | str:
        bias = found["bias"]
        shift = _per_channel(found, bias, fixed, new)
        if isinstance(shift, str):
            return shift
        if not fixed(bias.inputs[1]):
            return "the bias depends on the batch"
        return [new.add(BiasAdd(), bias.inputs[0], new.add(op(), bias.inputs[1], shift))]

    return replace


fold_batch_norm = FoldBatchNorm()
