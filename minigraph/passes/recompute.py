"""Recomputation: values that wait long for their next reader are computed again instead of being kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, NamedTuple

from minigraph.ir.buffers import is_source, roots_of
from minigraph.ir.program import Instr, Program, Value, readers_of
from minigraph.ir.rebuild import Rebuilder, rebuild
from minigraph.ops.control.recompute import Recompute
from minigraph.rewrite.driver import Applied, Missed, Outcome

FLOPS, BANDWIDTH = 5e10, 1e10  # a core's, per second, to compare instructions with each other
FUSED = 0.1  # the share of its time that a pointwise instruction takes where it is computed with its reader
DENSE = 16  # least FLOPs for an element of the result of a contraction
ROUNDS = 4  # most cuts
NEAR = 20  # instructions before the peak; the copies wait for the one with the smallest result
# Tried in order: of how many contractions one has to be kept, and how many bytes are worth a second (λ).
TRIALS = ((1, 1e11), (1, 1e10), (1, 1e9), (1, 1e8), *((kept, 1e7) for kept in (2, 3, 4, 6, 8, 12, 16)))


@dataclass(frozen=True)
class Recomputation:
    """Recomputation chosen by minimum cuts.

    before      x = f(a), which is read soon, and again after many other values have been made
    after       the late readers read f(again(a)), where `again` waits for the value made at the peak
    conditions  `save` bytes are to be saved; f has no effect, draws no number and waits for no control input
    formula     the same; the values kept at the peak are those of the least (bytes kept + λ·seconds spent again), a
                minimum cut. Every n-th contraction is kept, so that what is computed again is itself computed from
                near (T. Chen et al., "Training deep nets with sublinear memory cost", 2016). The first of a list of
                (n, λ), from little to much work, that saves enough is taken.
    """

    save: int | None = None
    name: str = field(default="recompute", init=False)

    def run(self, program: Program) -> Outcome:
        applied: list[Applied] = []
        missed: list[Missed] = []
        rest = self.save or 0
        for _ in range(ROUNDS):
            if rest <= 0:
                break
            trial = _best_trial(program, rest)
            if trial is None:
                break
            applied += [
                Applied(self.name, i.name, str(i.source), "computed again") for i in trial.again if not i.op.is_view
            ]
            rest -= trial.saved
            program = trial.program
        if rest > 0:
            missed.append(Missed(self.name, "", "", f"no recomputation saves the last {rest} bytes"))
        return Outcome(program, applied, missed, 1)


class _Trial(NamedTuple):
    """A program that computes some instructions again, and the bytes by which its peak is lower."""

    program: Program
    again: frozenset[Instr]
    saved: int


def _repeatable(instr: Instr) -> bool:
    op = instr.op
    return bool(instr.inputs) and not (op.has_effect or op.stateful or op.draws or op.reads or instr.control)


def _seconds(instr: Instr) -> float:
    if instr.op.is_view:
        return 0.0
    given = [v.type for v in instr.inputs]
    nbytes = sum(t.nbytes for t in (*given, *instr.types))
    whole = (instr.op.flops(given, instr.types) or 0) / FLOPS + nbytes / BANDWIDTH
    return FUSED * whole if instr.is_pointwise else whole


def _is_contraction(instr: Instr) -> bool:
    given = [v.type for v in instr.inputs]
    return (instr.op.flops(given, instr.types) or 0) > DENSE * sum(t.size for t in (*given, *instr.types))


def _best_trial(program: Program, save: int) -> _Trial | None:
    """The first trial that saves enough, or else the one that saves most, if any does."""
    network = _Network(program)
    most: _Trial | None = None
    seen = set()
    for kept, worth in TRIALS:
        again = network.cut(kept, worth)
        if not again or again in seen:
            continue
        seen.add(again)
        made = _rewritten(program, again, network.peak)
        trial = _Trial(made, again, network.most - _Lives(made).most)
        if trial.saved > (most.saved if most else 0):
            most = trial
        if trial.saved >= save:
            break
    return most


class _Lives:
    """The buffers that wait for a reader, position by position, in the order in which the instructions were made.

    peak: the position behind which most bytes wait, `most`.
    """

    def __init__(self, program: Program) -> None:
        self.position = {instr: n for n, instr in enumerate(program.instrs)}
        self.roots = roots_of(program)
        self.last = _last_readers(program, self.position, self.roots)
        change = [0] * (len(program.instrs) + 1)
        for value, end in self.last.items():
            change[self.position[value.instr]] += value.type.nbytes
            change[end] -= value.type.nbytes
        live = list(accumulate(change))
        self.most = max(live)
        self.peak = live.index(self.most)


class _Network(_Lives):
    """The flow network of the values that are needed behind the peak.

    An instruction on the side of the source is computed once; on the side of the sink it is computed again. A value
    whose instruction is on the side of the source and which is itself on the side of the sink is kept.
    """

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.late = [v for v, end in self.last.items() if self.position[v.instr] <= self.peak < end]
        self.needed = self._ancestors()
        dense = sorted((i for i in self.needed if _is_contraction(i)), key=lambda i: self.position[i])
        self.number = {instr: n for n, instr in enumerate(dense)}  # of each contraction

    def _ancestors(self) -> list[Instr]:
        """The instructions that may have to be computed again, and those whose values can only be kept."""
        found: dict[Instr, None] = {}
        stack = [v.instr for v in self.late]
        while stack:
            instr = stack.pop()
            if instr in found:
                continue
            found[instr] = None
            if _repeatable(instr):
                stack += [self.roots[v].instr for v in instr.inputs if not is_source(self.roots[v].instr)]
        return list(found)

    def cut(self, kept: int, worth: float) -> frozenset[Instr]:
        """The instructions to compute again where one of `kept` contractions is kept, and a second costs `worth`."""
        import networkx as nx

        graph: Any = nx.DiGraph()
        graph.add_nodes_from(("source", "sink"))
        for instr in self.needed:
            if _repeatable(instr) and (instr not in self.number or self.number[instr] % kept):
                graph.add_edge("source", instr, capacity=max(1.0, worth * _seconds(instr)))
                for value in instr.inputs:
                    root = self.roots[value]
                    if not is_source(root.instr):
                        graph.add_edge(root, instr)  # an edge without a capacity is never cut
            else:
                graph.add_edge("source", instr)
            for n, kind in enumerate(instr.types):
                graph.add_edge(instr, Value(instr, n), capacity=float(kind.nbytes))
        for value in self.late:
            graph.add_edge(value, "sink")
        _, (_, behind) = nx.minimum_cut(graph, "source", "sink", flow_func=nx.algorithms.flow.boykov_kolmogorov)
        return frozenset(i for i in self.needed if i in behind)


def _last_readers(program: Program, position: Mapping[Instr, int], roots: Mapping[Value, Value]) -> dict[Value, int]:
    """The position of the last reader of each buffer that a run makes and that no result of the run keeps."""
    last: dict[Value, int] = {}
    results = {roots[v] for v in program.results}
    for value, readers in readers_of(program).items():
        root = roots[value]
        if not is_source(root.instr) and root not in results:
            last[root] = max(last.get(root, 0), *(position[r] for r in readers if r is not None), 0)
    return last


def _rewritten(program: Program, chosen: Iterable[Instr], peak: int) -> Program:
    """The program whose instructions behind the peak read copies of the instructions to compute again."""
    position = {instr: n for n, instr in enumerate(program.instrs)}
    near = [i for i in program.instrs[: peak + 1] if i.types and not is_source(i)][-NEAR:]
    gate = Value(min(near, key=lambda i: i.types[0].nbytes), 0)  # it lives until the last copy is made
    copies: dict[Value, Value] = {}

    def late(value: Value, new: Rebuilder) -> Value:
        """The value for a reader behind the peak."""
        stack = [value]
        while stack:
            v = stack[-1]
            pending = [a for a in v.instr.inputs if v.instr in again and a not in copies]
            if v not in copies and pending:
                stack += pending
                continue
            stack.pop()
            if v in copies:
                continue
            if v.instr not in again:
                kept = new.values[v]
                copies[v] = kept if is_source(v.instr) else new.add(Recompute(), kept, new.values[gate])
                continue
            operands = [copies[a] for a in v.instr.inputs]
            if all(is_source(a.instr) for a in v.instr.inputs):
                operands[0] = new.add(Recompute(), operands[0], new.values[gate])
            made = new.builder.add(v.instr.op, operands, (), f"{v.instr.name}/again", v.instr.source)
            copies.update({Value(v.instr, n): Value(made, n) for n in range(len(made.types))})
        return copies[value]

    again = _with_views(program, chosen, position, peak)

    def replace(old: Instr, new: Rebuilder) -> Any:
        if position[old] <= peak or not any(v.instr in again for v in old.inputs):
            return None
        inputs = [late(v, new) if v.instr in again else new.values[v] for v in old.inputs]
        control = tuple(dict.fromkeys(c for p in old.control if (c := new.instrs.get(p)) is not None))
        made = new.builder.add(old.op, inputs, control, None, old.source, old.types)
        made.names += [n for n in old.names if n not in made.names]
        return [Value(made, n) for n in range(len(made.types))]

    return rebuild(program, replace)


def _with_views(program: Program, again: Iterable[Instr], position: Mapping[Instr, int], peak: int) -> set[Instr]:
    """The instructions, and the views before the peak of values that they make."""
    found = set(again)
    for instr in program.instrs[: peak + 1]:
        if instr.op.is_view and instr.inputs and instr.inputs[0].instr in found and _repeatable(instr):
            found.add(instr)
    return found


recompute = Recomputation()
