"""Ops that state a kernel in the loop language as native code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from minigraph.backend.base import Types
from minigraph.backend.host import HostArray
from minigraph.backend.workspace import BufferRef, WorkspaceLayout, ins, outs
from minigraph.backends.llvm.builder import has_code
from minigraph.backends.llvm.compiler import LazyModule, host
from minigraph.backends.llvm.native import Call, LoweringContext, Native
from minigraph.backends.llvm.nest_schedule import Scheduled, launches
from minigraph.backends.llvm.nests import LlvmPrinter
from minigraph.backends.llvm.scalar import is_printable
from minigraph.core.dtypes import float16, int16
from minigraph.core.errors import InternalError
from minigraph.core.op import Op
from minigraph.core.scalar import Scalar, operand, walk
from minigraph.core.types import TensorType
from minigraph.ir.regions import Loop, kernel_of
from minigraph.loops.aliasing import overwritable
from minigraph.loops.fusion import followed, pitched
from minigraph.loops.kernel import LEAVES, Buffer, Kernel, Reduce, accesses, map_value, statements, values
from minigraph.loops.schedule import added, only
from minigraph.loops.text import print_kernel


def from_loops(op: Op, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """The op's kernel as calls; None if it states none, or one that has no code here."""
    kernel = kernel_of(op, in_types, out_types)
    if kernel is not None and _moves_float16(kernel):
        kernel = op.loops(*([_as_bits(t) for t in types] for types in (in_types, out_types)))
    if kernel is not None and how.epilogue is not None:
        out_types = out_types[:1]
        first = only(kernel, [b.position == 0 for b in kernel.buffers if b.role == "out"])
        whole, stored = out_types[0].static, next(b.shape for b in first.buffers if b.role == "out")
        others = how.epilogue.types(whole)  # a kernel may store without the axes of length 1
        others = [TensorType(t.dtype, stored) if t.static == whole else t for t in others]
        kernel = followed(first, how.epilogue.value, others)
    if kernel is not None and how.pitch is not None:
        kernel = pitched(kernel, how.pitch)
    if kernel is None or not _is_printable(kernel, isinstance(op, Loop) or op.is_pointwise(in_types)):
        return None
    if how.adds and (batching := op.batching(in_types, out_types)) is not None:
        kernel = added(kernel, [n for n, is_sum in enumerate(batching.sums) if is_sum])

    @cache
    def made(wanted: tuple[bool, ...]) -> Sequence[Scheduled]:
        return launches(only(kernel, wanted), host().lanes)

    every = made((True,) * len(out_types))
    layout = WorkspaceLayout()
    work = _reserved(every, layout)

    @cache
    def calls(wanted: tuple[bool, ...]) -> list[Call]:
        return [_call(s, work) for s in made(wanted)]

    refusal = op.refusal(in_types)
    if refusal is not None:
        refusal = _flags_of(refusal)
        if not _is_printable(refusal):
            return None
        flags = next(b for b in refusal.buffers if b.role == "out")
        found = layout.reserve(flags.size)
        tried = launches(refusal, host().lanes)
        own = _reserved(tried, layout)
        trial = [_call(s, own) for s in tried]
    native = Native(calls, layout.nbytes, _overwritable([s.kernel for s in every]))
    if refusal is None:
        return native

    def check(operands: Sequence[HostArray], workspace: HostArray) -> None:
        if workspace[found.offset : found.offset + flags.size].any():
            op.reference(*operands)
            raise InternalError(f"{op!r} refuses operands that its reference takes")

    return native._replace(trial=tuple(call.on({BufferRef("out"): found}) for call in trial), check=check)


def _overwritable(kernels: Sequence[Kernel]) -> tuple[int, ...]:
    """The operands that result 0 may take over, if only the last kernel writes it."""
    first = [b for k in kernels[:-1] for b in k.buffers if b.role == "out" and b.position == 0]
    return () if first else overwritable(kernels[-1])


def _flags_of(refusal: Kernel) -> Kernel:
    """The kernel without the evidence, its results but the first."""
    return only(refusal, [b.position == 0 for b in refusal.buffers if b.role == "out"])


def kernel_text(kernel: Kernel) -> dict[str, str]:
    """The schedules of a kernel for this CPU and their code, by title."""
    texts: dict[str, str] = {}
    for s in launches(kernel, host().lanes):
        texts[f"schedule of {s.kernel.name}: {s.tasks} tasks"] = print_kernel(s.kernel)
        texts[f"LLVM IR of {s.kernel.name}"] = LlvmPrinter(s.kernel, host().lanes, s.grain).text
    return texts


def _call(s: Scheduled, work: Mapping[int, BufferRef]) -> Call:
    lanes = host().lanes
    module = LazyModule(
        f"{lanes} {s.grain}\n{print_kernel(s.kernel)}", lambda: LlvmPrinter(s.kernel, lanes, s.grain).text
    )
    return Call(module, "kernel", s.tasks, tuple(_place(b, work) for b in s.kernel.buffers))


def _reserved(every: Sequence[Scheduled], layout: WorkspaceLayout) -> dict[int, BufferRef]:
    """Room for the buffers that kernels share, by position."""
    buffers = dict.fromkeys(b for s in every for b in s.kernel.buffers if b.role == "work")
    return {b.position: layout.reserve(b.size * b.dtype.size) for b in buffers}


def _place(buffer: Buffer, work: Mapping[int, BufferRef]) -> BufferRef:
    if buffer.role == "work":
        return work[buffer.position]
    (place,) = (outs if buffer.role == "out" else ins)(buffer.position)
    return place


def _is_printable(kernel: Kernel, is_pointwise: bool = False) -> bool:
    """Whether the kernel can be written as LLVM IR. A pointwise one may read, cast and write float16."""
    touched = {a.buffer for a in accesses(kernel.body)}
    halves = is_pointwise and host().halves
    if any(not has_code(b.dtype) or (b.dtype is float16 and not halves) for b in touched):
        return False
    sums = [n for s in statements(kernel.body) if isinstance(s, Reduce) for n in s.names]
    if any(not b.size for b in touched) or any(n.dtype is float16 for n in sums):
        return False
    return is_printable(*(_without_leaves(v) for s in statements(kernel.body) for v in values(s)))


def _moves_float16(kernel: Kernel) -> bool:
    """Whether a kernel has elements of float16, but computes nothing with them."""
    nodes = [node for s in statements(kernel.body) for v in values(s) for node in walk(v)]
    found = [n for n in nodes if n.dtype is float16 or any(a.dtype is float16 for a in n.args)]
    combined = [n for s in statements(kernel.body) if isinstance(s, Reduce) for n in s.names if n.dtype is float16]
    moved = ("load", "name", "where")
    plain = all(n.function in moved or (n.function == "constant" and n.value == 0) for n in found)
    return bool(found) and plain and not combined


def _as_bits(type: TensorType) -> TensorType:
    return TensorType(int16, type.shape) if type.dtype is float16 else type


def _without_leaves(value: Scalar) -> Scalar:
    return map_value(value, lambda node, args: operand(0, node.dtype) if node.function in LEAVES else None)
