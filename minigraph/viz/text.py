"""Formats of shapes, costs and names in pictures."""

from __future__ import annotations

from minigraph.viz.amount import amount, milliseconds
from minigraph.viz.picture import Box


def shape_of(type: str) -> str:
    """`256×28×28×64`, preceded by the dtype unless it is float32; empty for scalars."""
    dtype, _, rest = type.partition("[")
    dims = rest.rstrip("]").replace(",", "×")  # noqa: RUF001
    if not dims:
        return ""
    return dims if dtype == "float32" else f"{dtype} {dims}"


def costs(box: Box) -> list[str]:
    """The lines under a box's name."""
    lines = []
    if box.seconds is not None:
        lines.append(milliseconds(box.seconds))
    if box.words:
        lines.append(box.words)
    elif box.count > 1 and not box.parameters:
        lines.append(f"{box.count} operations")
    if box.types:
        lines.append(shape_of(box.types[0]) or box.types[0].partition("[")[0] + " scalar")
    parts = []
    if box.parameters:
        parts.append(f"{amount(box.parameters, '').strip()} parameter" + "s" * (box.parameters != 1))
    if box.flops:
        parts.append(("≥ " if box.partial else "") + amount(box.flops, "FLOP"))
    if parts:
        lines.append(", ".join(parts))
    if any(box.changes) and box.count > 1:
        lines.append(f"+{box.changes[0]} -{box.changes[1]}")
    return lines


def wrap(op: str, length: int = 40) -> list[str]:
    """`A+B+C…` in lines of about `length` characters."""
    lines = [""]
    for part in op.replace("+", "+\n").split("\n"):
        if lines[-1] and len(lines[-1]) + len(part) > length:
            lines.append("")
        lines[-1] += part
    return lines
