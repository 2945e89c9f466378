"""Ops that only move data: one kernel copies all parts of a result with a thread per element."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigraph.backend.workspace import BufferRef, ins
from minigraph.backends.cupy.kernel import BLOCK, Code, Launch, Types, kernel, per_element, pointer
from minigraph.backends.cupy.source import c_type, coordinates, index_type, literal, offset
from minigraph.core.moves import Move, Moves, Strided, View, c_strides, read
from minigraph.core.types import TensorType

MOST = 32  # most parts in one kernel; each adds to its text


def moving(moves: Moves, out_types: Types) -> Code:
    """The fill and the parts of each result."""
    steps = []
    for n, out in enumerate(out_types):
        target, kind = BufferRef("out", n), c_type(out.dtype)
        if moves.fill is not None:
            steps.append(fill(out, moves.fill, target))
        parts = [p for p in moves.parts if p.target.position == n]
        for chosen in (parts[i : i + MOST] for i in range(0, len(parts), MOST)):
            read_from = ins(*sorted({p.source.position for p in chosen}))
            steps.append(_copying(chosen, read_from, target, kind, kind))
    return Code(tuple(steps))


def fill(out: TensorType, value: Any, target: BufferRef) -> Launch:
    """A fill of all elements with one value."""
    body = [f"y0[i] = {literal(value, out.dtype)};"]
    return Launch(per_element("fill", (out.size,), [pointer(out.dtype, "y0", False)], body), (target,))


def gather(
    x: TensorType,
    view: View,
    source: BufferRef,
    target: BufferRef,
    value: str = "{}",
    loaded: str = "",
    stored: str = "",
) -> Launch:
    """target = the view of the source, with `value` applied to each element.

    loaded, stored: the C types of the elements if they differ from that of x.
    """
    kind = c_type(x.dtype)
    return _copying(read(x, view).parts, [source], target, loaded or kind, stored or kind, value)


def _copying(
    parts: Sequence[Move], sources: Sequence[BufferRef], target: BufferRef, loaded: str, stored: str, value: str = "{}"
) -> Launch:
    """A kernel that copies parts of arrays into one array. sources: those arrays, in the order of their positions."""
    total = sum(p.size for p in parts)
    kind = index_type(total, *(_reach(p.shape, view) for p in parts for view in (p.source, p.target)))
    names = {position: f"x{n}" for n, position in enumerate(sorted({p.source.position for p in parts}))}
    body = [f"const {kind} i = blockIdx.x * ({kind}){BLOCK} + threadIdx.x;", f"if (i >= {total}) return;"]
    begin = 0
    for part in parts:
        lines = _copy("i" if len(parts) == 1 else "j", part, names[part.source.position], kind, value)
        if len(parts) > 1:
            head = [f"if (i < {begin + part.size}) {{", f"    const {kind} j = i - {begin};"]
            lines = [*head, *(f"    {line}" for line in lines), "    return;", "}"]
        begin += part.size
        body += lines
    parameters = [*(f"const {loaded}* x{n}" for n in range(len(sources))), f"{stored}* y0"]
    return Launch(kernel("move", parameters, body, -(-total // BLOCK)), (*sources, target))


def _copy(i: str, part: Move, source: str, kind: str, value: str) -> list[str]:
    """The statements that copy element i of a part."""
    shape, sources, targets = zip(*part.merged(), strict=True)
    names = [f"c{a}" for a in range(len(shape))]
    places = [
        offset([i], [1], view.offset) if strides == c_strides(shape) else offset(names, strides, view.offset)
        for view, strides in ((part.source, sources), (part.target, targets))
    ]
    assignment = f"y0[{places[1]}] = {value.format(f'{source}[{places[0]}]')};"
    return [*coordinates(i, shape, names, kind), assignment]


def _reach(shape: Sequence[int], view: Strided) -> int:
    """A bound above the offset of every element of a view."""
    return 1 + view.offset + sum((d - 1) * max(s, 0) for d, s in zip(shape, view.strides, strict=True))
