"""Optimizer steps: one kernel for all variables that a pass joined."""

from __future__ import annotations

from minigraph.backend.workspace import BufferRef
from minigraph.backends.cupy.kernel import BLOCK, Code, Emitter, Launch, Types, kernel, pointer
from minigraph.backends.cupy.source import c_type, index_type, shared, summing
from minigraph.core.op import Op
from minigraph.core.scalar import operand
from minigraph.ir.multi_tensor_apply import MultiTensorApply
from minigraph.ops.state import update as U

POINTERS = 400  # most pointers of a launch, whose parameters are limited to 4 KB


def _launch(op: U.Apply, pieces: list[Types], first: int) -> Launch:
    """One kernel for several updates, whose operands follow each other from operand `first` on. Each has its own
    blocks."""
    dtype = pieces[0][0].dtype
    names = [f"a{k}" for k in range(len(pieces[0]))]
    lines, results = shared(op.step(*(operand(k, summing(dtype)) for k in range(len(names)))), names)
    kind = c_type(dtype)
    slots = len(op.writes)
    index = index_type(*(p[0].size for p in pieces))
    body = [f"typedef {kind} E;", f"typedef {c_type(summing(dtype))} T;", f"{index} i = threadIdx.x;"]
    body += [f"E* {n}_;" for n in names[:slots]] + [f"const E* {n}_;" for n in names[slots:]]
    begin = 0
    for number, piece in enumerate(pieces):
        blocks = -(-piece[0].size // BLOCK)
        pointers = " ".join(f"{n}_ = p{number * len(names) + k};" for k, n in enumerate(names))
        head = "" if number == 0 else "else "
        body.append(f"{head}if (blockIdx.x < {begin + blocks}) {{")
        body.append(f"    i += (blockIdx.x - {begin}) * ({index}){BLOCK};")
        body += [f"    if (i >= {piece[0].size}) return;", f"    {pointers}", "}"]
        begin += blocks
    body.append("else return;")
    element = op.whole(len(names))
    body += [f"const T {n} = {n}_[{'i' if k in element else 0}];" for k, n in enumerate(names)]
    body += [*lines, *(f"{n}_[i] = {value};" for n, value in zip(names, results, strict=False))]
    parameters = [
        pointer(dtype, f"p{number * len(names) + k}", k >= slots)
        for number in range(len(pieces))
        for k in range(len(names))
    ]
    made = kernel(type(op).__name__.lower(), parameters, body, begin)
    return Launch(made, tuple(BufferRef("in", first + k) for k in range(len(parameters))))


def apply(op: U.Apply, in_types: Types, out_types: Types) -> Code | None:
    return Code((_launch(op, [in_types], 0),))


def together(op: MultiTensorApply, in_types: Types, out_types: Types) -> Code | None:
    pieces = op.pieces(in_types)
    width = len(in_types) // op.count
    some = max(1, POINTERS // width)
    return Code(tuple(_launch(op.op, pieces[i : i + some], i * width) for i in range(0, op.count, some)))


EMITTERS: dict[type[Op], Emitter] = {U.Apply: apply, MultiTensorApply: together}
