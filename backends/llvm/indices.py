"""Class numbers and slice indices that come as data: reading them, and reporting those out of range."""

from __future__ import annotations

from minigraph.backend.host import HostArray
from minigraph.backend.workspace import WorkspaceLayout, ins
from minigraph.backends.llvm.builder import I8, I64, Frame, Value, at, element, index, loop
from minigraph.backends.llvm.native import Call, Native
from minigraph.core.types import TensorType


def write_index(frame: Frame, indices: TensorType, pointer: int, number: Value) -> Value:
    """Index `number` of the indices at a pointer, as i64."""
    b, kind = frame.b, element(indices.dtype)
    value = b.load(at(b, frame.pointers[pointer], number, kind), typ=kind, align=1)
    if indices.dtype.size == 8:
        return value
    return b.sext(value, I64) if indices.dtype.np_dtype.kind == "i" else b.zext(value, I64)


def checked(native: Native, indices: TensorType, operand: int, length: int, message: str) -> Native:
    """Native code that raises IndexError if any of the indices, an operand, is not below `length`."""
    layout = WorkspaceLayout()
    layout.reserve(native.workspace)
    flag = layout.reserve(1)
    frame = Frame(2)
    with frame.tasks("check"):
        b = frame.b
        b.store(I8(0), frame.pointers[1])
        with loop(b, index(0), index(indices.size)) as i:
            value = write_index(frame, indices, 0, i)
            with b.if_then(b.icmp_unsigned(">=", value, index(length))):
                b.store(I8(1), frame.pointers[1])
    checking = Call(frame.text, "check", 1, (*ins(operand), flag))

    def check(workspace: HostArray) -> None:
        if workspace[flag.offset]:
            raise IndexError(message)

    return Native(lambda wanted: [checking, *native.calls(wanted)], layout.nbytes, check=check)
