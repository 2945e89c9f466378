"""Changes of what a kernel stores, and where: pointwise work on it, and places in a larger array."""

from __future__ import annotations

from collections.abc import Sequence

from minigraph.core.scalar import Scalar
from minigraph.core.types import TensorType
from minigraph.loops.check import check
from minigraph.loops.index import Index
from minigraph.loops.kernel import Buffer, Kernel, Statement, Store, loads, map_value, rewrite, statements, values
from minigraph.loops.schedule import map_accesses


def followed(kernel: Kernel, value: Scalar, others: Sequence[TensorType]) -> Kernel | None:
    """The kernel that stores `value` instead of its result.

    value: an expression whose operand 0 is the element that the kernel stores; the further ones are elements of
    `others`, which broadcast to the result and become the kernel's last operands. None unless the kernel has one
    result, which it stores in one place and does not read.
    """
    results = [b for b in kernel.buffers if b.role == "out"]
    found = list(statements(kernel.body))
    if len(results) != 1 or sum(isinstance(s, Store) and s.access.buffer is results[0] for s in found) != 1:
        return None
    if any(load.value.buffer is results[0] for s in found for load in loads(*values(s))):
        return None
    (old,) = results
    new = Buffer(old.name, value.dtype, old.shape, "out")
    given = [b for b in kernel.buffers if b.role in ("in", "var")]
    more = [
        Buffer(f"x{n}", t.dtype, (1,) * (len(old.shape) - len(t.static)) + t.static, "in", n)
        for n, t in enumerate(others, len(given))
    ]

    def change(s: Statement) -> list[Statement] | None:
        if not (isinstance(s, Store) and s.access.buffer is old):
            return None
        elements = [s.value, *(_element(x, s.access.at) for x in more)]
        made = map_value(value, lambda node, _: elements[node.value] if node.function == "operand" else None)
        return [Store(s.access._replace(buffer=new), made)]

    rest = [b for b in kernel.buffers if b not in given and b is not old]
    return check(Kernel(kernel.name, (*given, *more, new, *rest), rewrite(kernel.body, change)))


def pitched(kernel: Kernel, pitch: int) -> Kernel:
    """The kernel whose rows of result 0, along its last axis, begin `pitch` elements apart."""
    old = next(b for b in kernel.buffers if b.role == "out" and b.position == 0)
    new = Buffer(old.name, old.dtype, (*old.shape[:-1], pitch), "out")
    body = map_accesses(kernel.body, lambda a: a._replace(buffer=new) if a.buffer is old else a)
    return check(Kernel(kernel.name, tuple(new if b is old else b for b in kernel.buffers), body))


def _element(x: Buffer, at: Sequence[Index]) -> Scalar:
    return x[tuple(Index({}) if length == 1 else i for i, length in zip(at, x.shape, strict=True))]
