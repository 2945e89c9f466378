"""Workspaces, and the buffers that a launch's pointers refer to: one vocabulary for all backends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from minigraph.util.alignment import aligned


class BufferRef(NamedTuple):
    """A pointer of a launch: operand or result `position` of the op, or its workspace, plus a byte offset."""

    kind: Literal["in", "out", "work"]
    position: int = 0
    offset: int = 0

    def shifted(self, nbytes: int) -> BufferRef:
        """The pointer `nbytes` further on."""
        return self._replace(offset=self.offset + nbytes)


def ins(*positions: int) -> tuple[BufferRef, ...]:
    """Pointers to operands."""
    return tuple(BufferRef("in", i) for i in positions)


def outs(*positions: int) -> tuple[BufferRef, ...]:
    """Pointers to results."""
    return tuple(BufferRef("out", i) for i in positions)


def work(offset: int = 0) -> BufferRef:
    """A pointer into the workspace."""
    return BufferRef("work", 0, offset)


def relocated(
    args: Sequence[BufferRef], inputs: Sequence[BufferRef], outputs: Sequence[BufferRef], workspace: BufferRef
) -> tuple[BufferRef, ...]:
    """The pointers of a part of an op, whose operands, results and workspace lie in the given buffers."""

    def move(ref: BufferRef) -> BufferRef:
        base = workspace if ref.kind == "work" else (inputs if ref.kind == "in" else outputs)[ref.position]
        return base.shifted(ref.offset)

    return tuple(move(ref) for ref in args)


class WorkspaceLayout:
    """The parts of a launch's workspace, each aligned to ALIGNMENT bytes."""

    def __init__(self) -> None:
        self.nbytes = 0

    def reserve(self, nbytes: int) -> BufferRef:
        """Add a part of `nbytes`."""
        ref = work(self.nbytes)
        self.nbytes += aligned(nbytes)
        return ref
