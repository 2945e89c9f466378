"""Loops over elements.

All sums over the same axes are one kernel; the last of these kernels stores the other results, too.
"""

from __future__ import annotations

from collections.abc import Sequence

from minigraph.backend.workspace import ins, outs
from minigraph.backends.cupy.kernel import Code, Launch, Step, Types, kernel, pointer, reads
from minigraph.backends.cupy.reduce import ReduceTerm, reduces_rows, reduction, together
from minigraph.backends.cupy.source import (
    broadcast_strides,
    c_type,
    coordinates,
    expression,
    index_type,
    offset,
)
from minigraph.core.moves import c_strides
from minigraph.core.scalar import operand
from minigraph.core.types import TensorType
from minigraph.ir.loop_kernel import collapse
from minigraph.ir.program import Feed, Instr, Program, Value
from minigraph.ir.regions import Loop
from minigraph.ops.identity import Identity
from minigraph.util.alignment import aligned

BLOCK = 256
LANES = 4  # adjacent elements per thread, if all operands allow it


def loop(op: Loop, in_types: Types, out_types: Types) -> Code:
    """The loop over as few axes as possible. Sums run first, as result 0 may take over an operand's buffer; those over
    the same axes are one kernel, or several if their totals take too much shared memory."""
    program, space = collapse(op.program, op.space)
    steps: list[Step] = []
    workspace = 0
    plain: list[int] = []
    sums: dict[tuple[int, ...], list[int]] = {}
    for index, value in enumerate(program.results):
        axes = value.instr.op.summed_axes([v.type for v in value.instr.inputs])
        if axes is None or isinstance(value.instr.op, Feed):
            plain.append(index)
            continue
        sums.setdefault(tuple(axes), []).append(index)
    groups = [
        (axes, [chosen[k] for k in group])
        for axes, chosen in sums.items()
        for group in together([program.results[i].type.dtype for i in chosen], reduces_rows(len(space), axes))
    ]
    for n, (axes, group) in enumerate(groups):
        stored = plain if n == len(groups) - 1 else []
        term = _term(program, group, stored, space)
        code = reduction("sum", space, axes, term, [program.results[i].type.dtype for i in group])
        steps += code.moved(ins(*range(len(in_types))), outs(*group, *stored), workspace)
        workspace += aligned(code.workspace)
    if plain and not groups:
        steps.append(_map(program, space, plain))
    whole = [i for i, t in enumerate(in_types) if t == out_types[0]]
    return Code(tuple(steps), workspace, tuple(whole) if 0 in plain else ())


def _needed(program: Program, results: Sequence[Value]) -> list[Instr]:
    """The pointwise instructions that the results depend on, in order."""
    wanted = {v.instr for v in results}
    for instr in reversed(program.instrs):
        if instr in wanted:
            wanted.update(v.instr for v in instr.inputs)
    return [i for i in program.instrs if i in wanted and not isinstance(i.op, Feed)]


def _statements(members: Sequence[Instr], names: dict[Value, str]) -> list[str]:
    """One statement per instruction. Adds their variables to `names`."""
    lines = []
    for number, instr in enumerate(members):
        result = Value(instr, 0)
        scalars = [operand(i, v.type.dtype) for i, v in enumerate(instr.inputs)]
        given = [names[v] for v in instr.inputs]
        text = given[0] if isinstance(instr.op, Identity) else expression(instr.op.expr(*scalars), given)
        names[result] = f"v{number}"
        lines.append(f"const {c_type(result.type.dtype)} v{number} = {text};  // {_comment(instr)}")
    return lines


def _comment(instr: Instr) -> str:
    """The op and the user's node on one line, whatever characters the node's name has."""
    return f"{type(instr.op).__name__} {instr.name}".encode("ascii", "replace").decode().replace("\\", "/")


def _term(program: Program, sums: Sequence[int], stored: Sequence[int], space: Sequence[int]) -> ReduceTerm:
    """The summands of some results, and the other results to store, as functions of the coordinates."""
    feeds = _feeds(program)
    summands = [program.results[i].instr.inputs[0] for i in sums]
    plain = [program.results[i] for i in stored]
    members = _needed(program, [*summands, *plain])
    used = {v for i in members for v in i.inputs} | {*summands, *plain}

    def body(coords: Sequence[str]) -> tuple[list[str], list[str]]:
        names: dict[Value, str] = {}
        lines = []
        for slot, feed in feeds.items():
            if feed in used:
                at = offset(coords, broadcast_strides(feed.type.static, space))
                names[feed] = f"a{slot}"
                lines.append(f"const {c_type(feed.type.dtype)} a{slot} = x{slot}[{at}];")
        lines += _statements(members, names)
        place = offset(coords, c_strides(space))
        lines += [f"if (z{k}) z{k}[{place}] = {names[v]};" for k, v in enumerate(plain)]
        return lines, [names[v] for v in summands]

    written = [pointer(v.type.dtype, f"z{k}", False) for k, v in enumerate(plain)]
    return ReduceTerm(reads(program.feeds), tuple(range(len(program.feeds))), body, written=written)


def _feeds(program: Program) -> dict[int, Value]:
    return {i.op.slot: Value(i, 0) for i in program.instrs if isinstance(i.op, Feed)}


def _map(program: Program, space: tuple[int, ...], plain: Sequence[int]) -> Launch:
    """A kernel with a thread per element, or per LANES adjacent elements if LANES divides the last axis."""
    feeds = _feeds(program)
    results = [program.results[i] for i in plain]
    lanes = LANES if space[-1] % LANES == 0 else 1
    shape = (*space[:-1], space[-1] // lanes)
    size = TensorType(results[0].type.dtype, shape).size
    kind = index_type(size * lanes)
    names = [f"c{a}" for a in range(len(shape))]
    body = [f"const {kind} i = blockIdx.x * ({kind}){BLOCK} + threadIdx.x;", f"if (i >= {size}) return;"]
    body += coordinates("i", shape, names, kind)
    loads: list[str] = []
    values: dict[Value, str] = {}
    for slot, feed in feeds.items():
        strides = broadcast_strides(feed.type.static, space)
        text = c_type(feed.type.dtype)
        if lanes > 1 and strides[-1] == 1:
            at = offset(names, [s if a == len(strides) - 1 else s // lanes for a, s in enumerate(strides)])
            body.append(f"const auto p{slot} = reinterpret_cast<const mg::Pack<{text}, {lanes}>*>(x{slot})[{at}];")
            loads.append(f"const {text} a{slot} = p{slot}.v[j];")
        else:
            body.append(f"const {text} a{slot} = x{slot}[{offset(names, strides)}];")
        values[feed] = f"a{slot}"
    inner = [*loads, *_statements(_needed(program, results), values)]
    if lanes > 1:
        body += [f"mg::Pack<{c_type(v.type.dtype)}, {lanes}> r{k};" for k, v in enumerate(results)]
        body += ["#pragma unroll", f"for (int j = 0; j < {lanes}; ++j) {{"]
        body += [f"    {line}" for line in inner]
        body += [f"    r{k}.v[j] = {values[v]};" for k, v in enumerate(results)]
        body.append("}")
        stores = [
            f"reinterpret_cast<mg::Pack<{c_type(v.type.dtype)}, {lanes}>*>(y{k})[i] = r{k};"
            for k, v in enumerate(results)
        ]
    else:
        body += inner
        stores = [f"y{k}[i] = {values[v]};" for k, v in enumerate(results)]
    body += [s if len(results) == 1 else f"if (y{k}) {s}" for k, s in enumerate(stores)]
    parameters = [*reads(program.feeds), *(pointer(v.type.dtype, f"y{k}", False) for k, v in enumerate(results))]
    made = kernel("loop", parameters, body, -(-size // BLOCK), BLOCK)
    return Launch(made, (*ins(*range(len(program.feeds))), *outs(*plain)))
