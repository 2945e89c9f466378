"""ReLU before max-pooling: it moves behind, where there is less to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from minigraph.ir.program import Instr, Program, Value, readers_of
from minigraph.ir.rebuild import Rebuilder, rebuild
from minigraph.ops.nn.activation import Relu, ReluGrad
from minigraph.ops.nn.bias import BiasAddGrad
from minigraph.ops.nn.max_pool import MaxPool, MaxPoolInputGrad
from minigraph.rewrite.driver import Applied, Missed, Outcome, Rule, rewrite
from minigraph.rewrite.pattern import Match, Pattern
from minigraph.rewrite.pipeline import Replayable


class _Site(NamedTuple):
    relu: Instr
    pool: Instr
    unpools: list[Instr]  # max_pool_grad of this pooling
    gates: list[Instr]  # relu_grad of those


def _site(relu: Instr, readers: dict[Value, list[Instr | None]]) -> _Site | str:
    users = readers.get(Value(relu, 0), [])
    pools = [u for u in users if u is not None and isinstance(u.op, MaxPool)]
    gates = [u for u in users if u is not None and isinstance(u.op, ReluGrad) and u.inputs[1].instr is relu]
    if len(pools) != 1 or len(pools) + len(gates) != len(users):
        return "relu(x) is read by more than one pooling and its own gradient"
    unpools = readers.get(Value(pools[0], 1), [])
    for unpool in unpools:
        if unpool is None or not isinstance(unpool.op, MaxPoolInputGrad):
            return "the positions of the maxima are read by more than the gradient"
        if any(r not in gates for r in readers.get(Value(unpool, 0), [])):
            return "the pooling's gradient is read by more than ReLU's"
    if {g.inputs[0].instr for g in gates} != set(unpools):
        return "ReLU's gradient has another source than the pooling"
    if any(i is not None and i.control for i in (relu, pools[0], *unpools, *gates)):
        return "it has control inputs"
    return _Site(relu, pools[0], [u for u in unpools if u is not None], gates)


def _move(program: Program) -> Outcome:
    if not any(isinstance(i.op, MaxPool) for i in program.instrs):
        return Outcome(program, [], [], 1)
    readers = readers_of(program)
    applied: list[Applied] = []
    missed: list[Missed] = []
    by_instr: dict[Instr, _Site] = {}
    for instr in program.instrs:
        if isinstance(instr.op, Relu):
            site = _site(instr, readers)
            if isinstance(site, str):
                missed.append(Missed("relu_after_pool", instr.name, instr.name, site))
                continue
            by_instr |= dict.fromkeys((site.pool, *site.gates), site)
            applied.append(Applied("relu_after_pool", site.pool.name, str(site.pool.source), "MaxPool, Relu"))
    if not applied:
        return Outcome(program, [], missed, 1)

    def replace(old: Instr, new: Rebuilder) -> Sequence[Value] | None:
        site = by_instr.get(old)
        if site is None:
            return None
        if old is site.pool:
            pool = new.add_instr(old.op, new.values[site.relu.inputs[0]])
            return [new.add(Relu(), Value(pool, 0)), Value(pool, 1)]
        unpool = old.inputs[0].instr
        where, delta = (new.values[v] for v in unpool.inputs)
        gate = new.add(ReluGrad(), delta, new.values[Value(site.pool, 0)])
        return [new.add(unpool.op, where, gate)]

    return Outcome(rebuild(program, replace), applied, missed, 1)


def _sum_of_pooled(found: Match, new: Rebuilder) -> Sequence[Value]:
    return [new.add(BiasAddGrad(), found["unpool"].inputs[1])]


_BIAS = Rule("bias_grad_of_pool_grad", Pattern(BiasAddGrad, Pattern(MaxPoolInputGrad, name="unpool")), _sum_of_pooled)


@dataclass(frozen=True)
class ReluAfterPool(Replayable):
    """ReLU after max-pooling.

    before      p, w = max_pool(relu(x)); in the gradient relu_grad(max_pool_grad(w, δ), relu(x)); and the bias gradient
                Σ max_pool_grad(w, δ)
    after       q, w = max_pool(x), p = relu(q); max_pool_grad(w, relu_grad(δ, p)); Σ δ
    conditions  relu(x) has no other readers than the pooling and its own gradient, and w none but that gradient, so
                that where a whole window is at most 0, it does not matter which element counts as the largest; no
                control inputs
    formula     max_i max(x_i, 0) = max(max_i x_i, 0); the gradient passes where the maximum is above 0, in both forms:
                where it is NaN, it does not.
                Each δ lands in exactly one place, so the sum stays
    """

    name: str = field(default="relu_after_pool", init=False)

    def run(self, program: Program) -> Outcome:
        moved = _move(program)
        summed = rewrite(moved.program, [_BIAS])
        return Outcome(
            summed.program,
            moved.applied + summed.applied,
            moved.missed + summed.missed,
            moved.sweeps + summed.sweeps,
            summed.changes,
        )


relu_after_pool = ReluAfterPool()
