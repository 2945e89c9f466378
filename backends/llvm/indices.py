"""Class numbers and slice indices that come as data: reading them, and reporting those out of range."""

from __future__ import annotations

import numpy as np

from minigraph.backend.host import HostArray
from minigraph.backend.workspace import WorkspaceLayout, ins
from minigraph.backends.llvm.builder import I64, Frame, Value, at, element, index, loop, printed
from minigraph.backends.llvm.native import Call, Native
from minigraph.core.indices import out_of_range
from minigraph.core.types import TensorType


def write_index(frame: Frame, indices: TensorType, pointer: int, number: Value) -> Value:
    """Index `number` of the indices at a pointer, as i64."""
    b, kind = frame.b, element(indices.dtype)
    value = b.load(at(b, frame.pointers[pointer], number, kind), typ=kind, align=1)
    if indices.dtype.size == 8:
        return value
    return b.sext(value, I64) if indices.dtype.np_dtype.kind == "i" else b.zext(value, I64)


def checked(native: Native, indices: TensorType, operand: int, length: int, what: str) -> Native:
    """Native code that raises InvalidArgumentError if any of the indices, an operand, is not in [0, length).

    what: what the indices are, for the message. The kernel leaves the position and value of the first one that is out
    of range in the workspace.
    """
    layout = WorkspaceLayout()
    layout.reserve(native.workspace)
    found = layout.reserve(16)
    module = printed(_check_module, TensorType(indices.dtype, (indices.size,)), length)
    checking = Call(module, "check", 1, (*ins(operand), found))

    def check(workspace: HostArray) -> None:
        position, value = workspace[found.offset : found.offset + 16].view(np.int64).tolist()
        if position >= 0:
            known = int(np.array(value).astype(indices.dtype.np_dtype))
            raise out_of_range(what, indices.static, position, known, length)

    return Native(lambda wanted: [checking, *native.calls(wanted)], layout.nbytes, check=check)


def _check_module(indices: TensorType, length: int) -> Frame:
    frame = Frame(2)
    with frame.tasks("check"):
        b = frame.b
        position, offender = (at(b, frame.pointers[1], index(i), I64) for i in (0, 1))
        b.store(index(-1), position)
        with loop(b, index(0), index(indices.size)) as i:
            value = write_index(frame, indices, 0, i)
            is_outside = b.icmp_unsigned(">=", value, index(length))
            with b.if_then(is_outside), b.if_then(b.icmp_signed("<", b.load(position, typ=I64), index(0))):
                b.store(i, position)
                b.store(value, offender)
    return frame
