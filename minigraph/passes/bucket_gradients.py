"""All-reduces of several tensors become one exchange, which the rest of the run hides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from minigraph.ir.buckets import AllReduceStart, AllReduceWait
from minigraph.ir.program import Instr, Program, Value
from minigraph.ir.rebuild import Rebuilder, rebuild_in_order
from minigraph.ops.collective.all_reduce import AllReduce
from minigraph.ops.collective.collective import Collective
from minigraph.rewrite.driver import Applied, Outcome


@dataclass(frozen=True)
class BucketGradients:
    """Buckets of gradients.

    before      y₁ = all_reduce(g₁), y₂ = all_reduce(g₂), …: one exchange with the other ranks for each tensor
    after       bucket = all_reduce_start(g₁, g₂, …); y₁, y₂, … = all_reduce_wait(bucket); the scheduler puts the start
                as early and the wait as late as it can
    conditions  neighbours in the order of collectives, with the same reduction and dtype; none depends on another of
                them; a bucket of several has at most `max_bytes`; a bucket that is half full takes no tensor that is
                made later than its last one
    formula     the same sums; the order of summation over ranks is MPI's choice, and may depend on the message's size
                from three ranks on
    """

    max_bytes: int = 25 << 20
    name: str = field(default="bucket_gradients", init=False)

    def run(self, program: Program) -> Outcome:
        buckets = self._buckets(program)
        if not buckets:
            return Outcome(program, [], [], 1)
        starts: dict[Instr, Instr] = {}

        def emit(members: Sequence[Instr], new: Rebuilder) -> dict[Value, Value]:
            return _emit(members, new, starts)

        applied = [
            Applied(self.name, b[0].name, str(b[0].source), f"{len(b)} tensors, {_bytes(b) / 1e6:.2f} MB")
            for b in buckets
        ]
        return Outcome(rebuild_in_order(program, buckets, emit), applied, [], 1)

    def _buckets(self, program: Program) -> list[list[Instr]]:
        """The all-reduces of each bucket, in the order of collectives."""
        buckets: list[list[Instr]] = []
        is_open, ready = False, 0  # ready: where the last member's tensor is made
        behind: dict[Instr, int] = {}  # bits of the collectives that an instruction depends on by more than their order
        bit: dict[Instr, int] = {}
        place: dict[Instr, int] = {}
        for instr in program.instrs:
            place[instr] = len(place)
            before = [p for p in instr.predecessors if not (p in instr.control and p in bit)]
            past = 0
            for p in before:
                past |= behind[p] | bit.get(p, 0)
            behind[instr] = past
            if not isinstance(instr.op, Collective):
                continue
            bit[instr] = 1 << len(bit)
            if not isinstance(instr.op, AllReduce):
                is_open = False
                continue
            made = place[instr.inputs[0].instr]
            if is_open and self._takes(buckets[-1], ready, instr, made) and not any(bit[m] & past for m in buckets[-1]):
                buckets[-1].append(instr)
                ready = max(ready, made)
            else:
                buckets.append([instr])
                ready = made
            is_open = True
        return buckets

    def _takes(self, bucket: Sequence[Instr], ready: int, instr: Instr, made: int) -> bool:
        alike = instr.op == bucket[0].op and instr.types[0].dtype is bucket[0].types[0].dtype
        return alike and takes(_bytes(bucket), ready, instr.types[0].nbytes, made, self.max_bytes)


def takes(size: int, ready: float, more: int, made: float, most: int) -> bool:
    """Whether a bucket of `size` bytes, whole at the time `ready`, takes a tensor of `more` bytes, made at `made`."""
    return size + more <= most and not (size >= most / 2 and made > ready)


def _bytes(bucket: Sequence[Instr]) -> int:
    return sum(instr.types[0].nbytes for instr in bucket)


def _emit(members: Sequence[Instr], new: Rebuilder, starts: dict[Instr, Instr]) -> dict[Value, Value]:
    """Add the two halves of a bucket. starts: the first half by the second; the next bucket follows the first alone."""
    op = members[0].op
    assert isinstance(op, AllReduce)
    ordered = [starts.get(c, c) for c in new.control(*members)]
    operands = [new.values[m.inputs[0]] for m in members]
    start = new.builder.add(AllReduceStart(op.reduction), operands, ordered, members[0].name, members[0].source)
    start.names.extend(m.name for m in members[1:])
    wait = AllReduceWait(op.reduction, tuple(m.types[0] for m in members))
    made = new.builder.add(wait, [Value(start, 0)], (), members[0].name, members[0].source)
    made.names.extend(m.name for m in members[1:])
    starts[made] = start
    return {Value(m, 0): Value(made, i) for i, m in enumerate(members)}


bucket_gradients = BucketGradients()
