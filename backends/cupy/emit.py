"""From ops to code, and from code to a module's text."""

from __future__ import annotations

from collections.abc import Iterable

from minigraph.backend.workspace import BufferRef, ins, outs, work
from minigraph.backends.cupy import data, grouped, image, loop, matmul, moments, nests, reduce, update
from minigraph.backends.cupy.kernel import Code, CudaKernel, Emitter, Launch, Step, Types, joined
from minigraph.backends.cupy.ladder import Ladder
from minigraph.backends.cupy.moves import moving
from minigraph.backends.cupy.prelude import PRELUDE
from minigraph.core.op import Op
from minigraph.ir.joint import Joint
from minigraph.ir.packed import OnPacked, Packed
from minigraph.ir.regions import Epilogue, Loop, single_op_loop
from minigraph.util.alignment import aligned

EMITTERS: dict[type[Op], Emitter] = {}
for _module in (reduce, moments, data, matmul, grouped, update, image):
    EMITTERS |= _module.EMITTERS


def emit(op: Op, in_types: Types, out_types: Types, ladder: Ladder | None = None) -> Code | None:
    """The op's code on these static types; None if it is a host call. ladder: emits convolutions by cuDNN."""
    if op.on_host:
        return None
    if ladder and isinstance(op, Packed):
        return ladder.packing(op)
    if ladder and isinstance(op, OnPacked):
        return ladder.packed(op, in_types)
    if isinstance(op, Loop):
        return loop.loop(op, in_types, out_types)
    if isinstance(op, Joint):
        return joint(op, in_types)
    if isinstance(op, Epilogue):
        return (ladder and ladder.fused(op)) or epilogue(op, ladder)
    if ladder and (code := ladder.plain(op, in_types, out_types)):
        return code
    if op.is_pointwise(in_types):
        return loop.loop(single_op_loop(op, in_types, out_types[0].static), in_types, out_types)
    if (moves := op.moves(in_types, out_types)) is not None:
        return moving(moves, out_types)
    for kind in type(op).__mro__:
        if kind in EMITTERS:
            return EMITTERS[kind](op, in_types, out_types)
    return nests.from_loops(op, in_types, out_types)


def epilogue(op: Epilogue, ladder: Ladder | None) -> Code | None:
    """The contraction, computed into the first result's buffer if that has its type, then the pointwise part."""
    root = op.root
    kind = root.types[0]
    after, read = op.pointwise
    first = emit(root.op, [v.type for v in root.inputs], root.types, ladder)
    rest = loop.loop(after, after.program.feeds, [v.type for v in after.program.results])
    if first is None:
        return None
    in_place = op.program.results[0].type == kind
    space = aligned(max(first.workspace, rest.workspace))
    made = BufferRef("out") if in_place else work(space)
    results = outs(*range(len(op.program.results)))
    steps = first.moved(ins(*op.root_slots), [made]) + rest.moved([made, *ins(*read)], results)
    return Code(tuple(steps), space if in_place else space + aligned(kind.nbytes))


def joint(op: Joint, in_types: Types) -> Code:
    """The launches of all its loops as one."""
    steps: list[Step] = []
    read = made = 0
    for each, given in op.pieces(in_types):
        types = each.infer(*given)
        inputs, results = ins(*range(read, read + len(given))), outs(*range(made, made + len(types)))
        steps += loop.loop(each, given, types).moved(inputs, results)
        read, made = read + len(given), made + len(types)
    return Code((joined("joint", [s for s in steps if isinstance(s, Launch)]),))


def module(kernels: Iterable[CudaKernel]) -> str:
    """The text of a module with these kernels."""
    return "\n".join([PRELUDE, *(k.source for k in kernels)])
