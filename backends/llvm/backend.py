"""LlvmBackend: native code for ops on buffers in host memory; NumPy kernels for ops without native code."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from minigraph.backend.base import Lowered, Types
from minigraph.backend.host import HostBackend
from minigraph.backend.workspace import ins, outs
from minigraph.backends.llvm import (
    blocked,
    conv,
    depthwise,
    folded,
    grouped,
    integers,
    join,
    matmul,
    update,
    winograd,
)
from minigraph.backends.llvm.alternatives import alternatives
from minigraph.backends.llvm.compiler import assembly_code, host, require_host, with_needs
from minigraph.backends.llvm.moves import moving
from minigraph.backends.llvm.native import LoweringContext, Native, Packing, always, lowered
from minigraph.backends.llvm.nest_native import from_loops, kernel_text
from minigraph.backends.llvm.team import TEAM
from minigraph.backends.numpy import kernels
from minigraph.backends.numpy.scan import looped
from minigraph.core.dtypes import uint16
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ir.compiled_loop import CompiledLoop
from minigraph.ir.multi_tensor_apply import MultiTensorApply
from minigraph.ir.packed import OnPacked, Packed
from minigraph.ir.regions import Blocked, Epilogue, Join, Loop, Region, kernel_of
from minigraph.ops.math.matmul import BatchMatMulV2, MatMul
from minigraph.ops.nn import winograd as W
from minigraph.ops.nn.conv2d import Conv2D, Conv2DFilterGrad, Conv2DInputGrad
from minigraph.ops.nn.integer_products import IntegerConv2D, IntegerMatMul
from minigraph.ops.nn.winograd_costs import Costs

Kernel = Callable[[Any, Types, Types, LoweringContext], Native | None]


def _by_parts(kernel: Callable[[Any, Types, Types, LoweringContext, blocked.Lower], Native | None]) -> Kernel:
    """A kernel that lowers parts of its op by `lower`."""
    return lambda op, in_types, out_types, how: kernel(op, in_types, out_types, how, lower)


# The kernels of each op; the first that takes the types and attributes is used.
KERNELS: dict[type[Op], Sequence[Kernel]] = {
    MatMul: [matmul.matmul],
    BatchMatMulV2: [matmul.batched],
    Conv2D: [conv.conv2d, depthwise.conv2d, grouped.conv2d],
    IntegerConv2D: [integers.conv2d],
    IntegerMatMul: [integers.matmul],
    Conv2DInputGrad: [folded.input_grad, depthwise.input_grad, grouped.input_grad],
    Conv2DFilterGrad: [conv.filter_grad, depthwise.filter_grad, grouped.filter_grad],
    W.WinogradFilter: [winograd.filters],
    W.WinogradFilterAdjoint: [winograd.filters],
    W.WinogradConv2D: [_by_parts(winograd.conv2d)],
    W.WinogradInputGrad: [_by_parts(winograd.gradients)],
    W.WinogradFilterGrad: [_by_parts(winograd.gradients)],
    W.WinogradGrads: [_by_parts(winograd.gradients)],
    Blocked: [lambda op, in_types, out_types, how: blocked.blocked(op, lower, how)],
    Epilogue: [lambda op, in_types, out_types, how: blocked.epilogue(op, lower, how)],
    Join: [lambda op, in_types, out_types, how: join.join(op, lower, how)],
    MultiTensorApply: [update.together],
}

# Given whether panels may be bfloat16, the packed layout of an operand.
PACKS: dict[type[Op], Callable[[Any, Types, bool], Packing | None]] = {
    Conv2D: conv.packs,
    IntegerConv2D: lambda op, in_types, _: integers.conv2d_packs(op, in_types),
    IntegerMatMul: lambda op, in_types, _: integers.matmul_packs(op, in_types),
    MatMul: matmul.packs,
    W.WinogradConv2D: lambda op, in_types, _: winograd.packs(op, in_types),
}


class LlvmBackend(HostBackend):
    """Compiles ops to machine code for this CPU. Ops without native code run as NumPy calls.

    Sizes are constants in the code, except in the tiles of packed products and convolutions, which kernels share.
    """

    name = "llvm"

    precisions = ("float32", "bfloat16")

    def __init__(self, precision: str = "float32") -> None:
        require_host()
        self.precision = precision
        self._others: dict[str, LlvmBackend] = {precision: self}
        costs = Costs(tiles=1.75, filters=3, columns=1, full=8, multiple=host().lanes)
        self.pass_settings = {
            "winograd": {"costs": costs},
            "fuse_epilogue": {"others": blocked.OTHERS},
            "fuse_concat": {"makers": join.MAKERS},
            "fuse_blocks": {"max_whole": 4 << 20},  # bytes: about one core's share of the last-level cache
        }

    def in_precision(self, precision: str) -> LlvmBackend:
        """The backend that stores operands packed between runs in that precision."""
        super().in_precision(precision)
        if precision not in self._others:
            self._others[precision] = LlvmBackend(precision)
        return self._others[precision]

    def lower(self, op: Op, in_types: Types, out_types: Types) -> Lowered:
        if isinstance(op, CompiledLoop):
            return looped(op, in_types, self)
        native = lower(op, in_types, out_types, LoweringContext(TEAM.size))
        if native:
            return lowered(native, TEAM.size)
        other = kernels.lower(op, in_types, out_types, self.lower, self._lower_part)
        return other._replace(not_native=why_not(op, in_types, out_types))

    def _lower_part(self, op: Op, in_types: Types, out_types: Types) -> Lowered:
        """Code for a member of a region, which runs on one thread."""
        native = lower(op, in_types, out_types, LoweringContext(1, True))
        if native:
            return lowered(native, 1)
        return kernels.lower_part(op, in_types, out_types, self._lower_part)

    def packs(self, op: Op, in_types: Types) -> dict[int, TensorType]:
        pack = _packing(op, in_types, self.precision == "bfloat16")
        return {pack.position: TensorType(pack.dtype, (pack.size,))} if pack else {}

    def speed(self) -> str:
        return f"{host().cpu} {host().features} llvmlite {version('llvmlite')} {TEAM.size} threads {self.precision}"

    def kernel_text(self, op: Op, in_types: Types, out_types: Types, assembly: bool = False) -> Mapping[str, str]:
        """The schedule of a kernel of the loop language, and the IR of each function called; else NumPy calls."""
        kernel, how = kernel_of(op, in_types, out_types), LoweringContext(TEAM.size)
        native = lower(op, in_types, out_types, how)
        if native is None:
            return kernels.texts(op)
        if kernel is not None and from_loops(op, in_types, out_types, how) is not None:
            found = kernel_text(kernel)
        else:
            calls = native.calls((True,) * len(out_types))
            modules = with_needs(m for call in calls for m in (call.text, *(text for text, _ in call.functions)))
            found = {}
            for i, text in enumerate(map(str, modules), 1):
                functions = ", ".join(re.findall(r'^define void @"(\w+)"', text, re.MULTILINE))
                part = f", part {i}: {functions}" if len(modules) > 1 else ""
                found[f"LLVM IR of {type(op).__name__}{part}"] = text
        code = {
            t.replace("LLVM IR", "assembly"): assembly_code(x)
            for t, x in found.items()
            if assembly and t.startswith("LLVM IR")
        }
        return {**found, **code}

    def alternatives(self, op: Op, in_types: Types, out_types: Types) -> dict[str, Callable[[], Lowered]]:
        """The alternative ways to lower a region."""
        return alternatives(op, lower, LoweringContext(TEAM.size))


def lower(op: Op, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """Native code for an op, or None if there is none."""
    if isinstance(op, OnPacked):
        narrow = any(t.dtype is uint16 for t in in_types)
        return lower(op.op, op.types, out_types, how._replace(packed=True, narrow=narrow))
    if isinstance(op, Packed):
        return _packed(op)
    if (moves := op.moves(in_types, out_types)) is not None:
        return moving(moves, out_types, how)
    if type(op) in KERNELS:
        found = (kernel(op, in_types, out_types, how) for kernel in KERNELS[type(op)])
        return next((native for native in found if native), None)
    return from_loops(op, in_types, out_types, how)


def _packing(op: Op, in_types: Types, narrow: bool) -> Packing | None:
    return PACKS[type(op)](op, in_types, narrow) if type(op) in PACKS else None


def _packed(op: Packed) -> Native:
    pack = _packing(op.op, op.types, op.to.dtype is uint16)
    assert pack is not None
    return Native(always(lambda: [pack.call((*ins(0), *outs(0)))]))


def why_not(op: Op, in_types: Types, out_types: Types) -> str:
    """The reason why an op has no native code."""
    if isinstance(op, Region) and not isinstance(op, Loop):
        parts = [(i.op, [v.type for v in i.inputs], i.types) for i in op.members]
        found = {type(p[0]).__name__: why_not(*p) for p in parts if lower(*p, LoweringContext(1)) is None}
        return (
            "; ".join(f"{name}: {why}" for name, why in found.items())
            or "its members have native code, but not as one region"
        )
    if any(t.size == 0 for t in (*in_types, *out_types)):
        return "nothing to compute"
    rules = (op.moves(in_types, out_types), kernel_of(op, in_types, out_types))
    if type(op) in KERNELS or any(rule is not None for rule in rules):
        given = ", ".join(f"{t.dtype.name}[{','.join(map(str, t.static))}]" for t in in_types)
        return f"no native code for {given} with these attributes"
    return "this op has no native code"
