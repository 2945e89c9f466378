"""Epilogues: pointwise work on a product, or on another kernel's result, becomes a part of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from minigraph.core.op import Op
from minigraph.ir.program import Builder, Feed, Instr, Program, Value, copy_instr, reachable, readers_of
from minigraph.ir.regions import Epilogue, Loop, values_of
from minigraph.rewrite.driver import Missed, Outcome
from minigraph.rewrite.grouping import Fused, fuse
from minigraph.rewrite.pipeline import Replayable


@dataclass(frozen=True)
class FuseEpilogue(Replayable):
    """Fusion of what follows a convolution, a matrix product or one of `others`, ops whose kernels can do it.

    before      y = conv(x, w), z = f(y, b, …), where f works element by element: bias, activation, a residual to add
    after       one instruction that works on each part of y when it has been made, and never stores y
    conditions  nothing else reads y or another result of what makes it, and all operands of f broadcast to its shape;
                no control inputs. Where f adds two such results, the one made last takes it in
    formula     z[i] = f(y[i], b[i], …)
    """

    others: tuple[type[Op], ...] = ()
    name: str = field(default="fuse_epilogue", init=False)

    def run(self, program: Program) -> Outcome:
        readers = readers_of(program)
        controls = {c for i in program.instrs for c in i.control}
        missed: list[Missed] = []
        found: dict[Instr, Fused] = {}  # by what follows; the last of several that it follows wins
        for root in program.instrs:
            if not (root.op.contracts or isinstance(root.op, self.others)):
                continue
            reason = _unfit(root, [r for v in values_of(root) for r in readers.get(v, [])], controls)
            if isinstance(reason, str):
                missed.append(Missed(self.name, root.name, root.name, reason))
                continue
            found[reason] = _fused(root, reason)
        fused = list(found.values())
        if not fused:
            return Outcome(program, [], missed, 1)
        return Outcome(fuse(program, fused), [f.applied(self.name) for f in fused], missed, 1)


def _unfit(root: Instr, readers: list[Instr | None], controls: set[Instr]) -> Instr | str:
    """The instruction that can follow `root` at once, or why there is none."""
    if root.control or root in controls:
        return "it has control inputs, or orders others"
    if len(readers) != 1:
        return f"its result has {len(readers)} readers"
    (tail,) = readers
    if tail is None:
        return "it is a result of the run"
    if tail.control or tail in controls:
        return "what follows has control inputs, or orders others"
    if isinstance(tail.op, Loop):
        fits = tail.op.space == root.types[0].static and all(t.static == tail.op.space for t in tail.types)
    else:
        fits = tail.is_pointwise and tail.types[0].shape == root.types[0].shape
    return tail if fits else f"{type(tail.op).__name__} does not go through it element by element"


def _fused(root: Instr, tail: Instr) -> Fused:
    result = Value(root, 0)
    inputs = list(dict.fromkeys((*root.inputs, *(v for v in tail.inputs if v != result))))
    builder = Builder()
    values = {v: Value(builder.add(Feed(slot, v.type)), 0) for slot, v in enumerate(inputs)}
    copy_instr(root, builder, values)
    if isinstance(tail.op, Loop):
        for instr in tail.op.program.instrs:
            if isinstance(instr.op, Feed):
                values[Value(instr, 0)] = values[tail.inputs[instr.op.slot]]
            else:
                copy_instr(instr, builder, values)
        made = tuple(values[v] for v in tail.op.program.results)
    else:
        copy_instr(tail, builder, values)
        made = (values[Value(tail, 0)],)
    program = Program(reachable(v.instr for v in made), made, tuple(v.type for v in inputs))
    return Fused([root, tail], inputs, [Value(tail, i) for i in range(len(tail.types))], Epilogue(program))


fuse_epilogue = FuseEpilogue()
