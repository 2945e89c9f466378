"""The cost of an operation, from its attributes and static types alone: FLOPs, bytes, and the name to show."""

from __future__ import annotations

from collections.abc import Sequence

from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ir.multi_tensor_apply import MultiTensorApply
from minigraph.ir.program import Cell, Feed, Program

Types = Sequence[TensorType]


def flops(op: Op, in_types: Types, out_types: Types) -> int | None:
    """Floating-point operations of one application; None if a type is not static or the op does not count them."""
    if not all(t.is_static for t in (*in_types, *out_types)):
        return None
    return op.flops(in_types, out_types)


def op_name(op: Op) -> str:
    """The op's type. For an op that stands for several, their types."""
    if isinstance(op, MultiTensorApply):
        return f"{op.count} × {type(op.op).__name__}"  # noqa: RUF001
    names = [type(part.op).__name__ for part in op.made_of((), ())]
    return "+".join(names) if names else type(op).__name__


def moved_bytes(op: Op, in_types: Types, out_types: Types) -> int | None:
    """Bytes read and written if nothing stays in a cache; for feeds, variables and constants the bytes they hold.

    None if a type is not static.
    """
    if not all(t.is_static for t in (*in_types, *out_types)):
        return None
    if op.is_view:
        return 0
    read = sum(t.nbytes for i, t in enumerate(in_types) if i not in op.writes or i in op.reads)
    return read + sum(t.nbytes for t in out_types)


def least_work(before: Program, after: Program) -> tuple[int, int]:
    """What no schedule of a program saves: its FLOPs, and the bytes it reads and writes if all else stays in caches.

    before: the variables as the user has them; each is read once, and written once if it is updated.
    after: the algorithms that the passes have chosen.
    """
    held = sum(i.types[0].nbytes for i in before.instrs if isinstance(i.op, Cell | Feed))
    written = {i.inputs[at] for i in before.instrs for at in i.op.writes}
    updated = sum(v.type.nbytes for v in written)
    arithmetic = sum(i.op.arithmetic([v.type for v in i.inputs], i.types) for i in after.instrs)
    return arithmetic, held + updated + sum(v.type.nbytes for v in before.results)
