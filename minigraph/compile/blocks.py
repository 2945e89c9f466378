"""Blocks of a region: the number of images of a block, and the layout of the values inside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from minigraph.compile.memory import Lifetime, plan_memory
from minigraph.ir.program import Instr, Value
from minigraph.ir.regions import Blocked, inner_types, values_of

TARGET = 800 << 10  # bytes of the largest value inside a block, so that a block's values stay in the L2 cache


class HasWorkspace(Protocol):
    """Code for an op, of whatever kind a backend uses, with the bytes of workspace it needs."""

    @property
    def workspace(self) -> int: ...


Code = TypeVar("Code", bound=HasWorkspace)


class BlockMember(NamedTuple, Generic[Code]):
    """A member of a region with its code for one block size.

    wanted: for each of its results, whether it is read inside the region or returned. workspace: byte offset of the
    member's workspace in that of the block.
    """

    instr: Instr
    code: Code
    wanted: tuple[bool, ...]
    workspace: int


class BlockLayout(Generic[Code]):
    """A region lowered for one block size, with the layout of a block's workspace.

    offsets: byte offset of each value that lies in the workspace: those that only members read and, with
    `buffer_sums`, each block's share of results that are sums.
    """

    def __init__(self, op: Blocked, size: int, codes: Sequence[Code], buffer_sums: bool = False) -> None:
        self.op = op
        self.size = size
        self.types = inner_types(op, size)
        results = set(op.program.results)
        sums = {v for v, is_sum in zip(op.program.results, op.sums, strict=True) if is_sum}
        last = {v: step for step, i in enumerate(op.members) for v in i.inputs}
        lifetimes: list[Lifetime] = []
        buffered: list[Value] = []
        for step, instr in enumerate(op.members):
            for value in values_of(instr):
                if (buffer_sums and value in sums) or (value in last and value not in results):
                    buffered.append(value)
                    lifetimes.append(Lifetime(self.types[value].nbytes, step, last.get(value, step)))
        lifetimes += [Lifetime(code.workspace, step, step) for step, code in enumerate(codes)]
        layout = plan_memory(lifetimes)
        self.nbytes = layout.peak
        self.offsets = dict(zip(buffered, layout.offsets, strict=False))
        self.members = [
            BlockMember(instr, code, tuple(v in last or v in results for v in values_of(instr)), workspace)
            for instr, code, workspace in zip(op.members, codes, layout.offsets[len(buffered) :], strict=True)
        ]


def block_size(op: Blocked, blocks: int = 1) -> int:
    """Images in a block: as many as keep the largest value inside the region within TARGET bytes.

    blocks: the least number of blocks where the batch has as many images.
    """
    inside = [v for i in op.members for v in values_of(i) if v not in op.program.results]
    largest = max((v.type.nbytes for v in inside), default=1)
    most = max(1, min(-(-op.batch // blocks), TARGET * op.batch // max(largest, 1)))
    return -(-op.batch // max(1, -(-op.batch // most)))
