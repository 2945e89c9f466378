"""LlvmBackend: arrays in host memory as NumpyBackend has them, and native code for what has a lowering here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigraph.backend import Lowered
from minigraph.backends.llvm import blocked, conv, depthwise, matmul, pool, random, update, winograd
from minigraph.backends.llvm.compiler import require_host
from minigraph.backends.llvm.loop import elementwise, elementwise_of
from minigraph.backends.llvm.native import How, Native, Packing, always, ins, lowered, outs
from minigraph.backends.llvm.team import TEAM
from minigraph.backends.numpy.backend import NumpyBackend
from minigraph.backends.numpy.common import Types
from minigraph.core.dtypes import float32
from minigraph.core.ir import Builder, Feed, Program, Value, reachable
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ops import winograd as W
from minigraph.ops.conv2d import Conv2D, Conv2DFilterGrad, Conv2DInputGrad
from minigraph.ops.matmul import MatMul
from minigraph.ops.pool import AvgPool, AvgPoolInputGrad, MaxPool, MaxPoolInputGrad
from minigraph.ops.random import RandomUniform
from minigraph.ops.update import Apply
from minigraph.passes.multi_tensor import Together
from minigraph.rewrite.prepared import OnPrepared, Prepared
from minigraph.rewrite.region import Blocked, Epilogue, Loop

KERNELS: dict[type[Op], Callable[[Any, Types, Types, How], Native | None]] = {
    MatMul: matmul.matmul,
    Conv2D: conv.conv2d,
    Conv2DInputGrad: conv.input_grad,
    Conv2DFilterGrad: conv.filter_grad,
    RandomUniform: random.uniform,
    MaxPool: pool.max_pool,
    MaxPoolInputGrad: pool.max_pool_grad,
    AvgPool: pool.avg_pool,
    AvgPoolInputGrad: pool.avg_pool_grad,
    W.WinogradFilter: winograd.filters,
    W.WinogradFilterAdjoint: winograd.filters,
}

WINOGRAD = {
    W.WinogradConv2D: winograd.conv2d,
    W.WinogradInputGrad: winograd.gradients,
    W.WinogradFilterGrad: winograd.gradients,
    W.WinogradGrads: winograd.gradients,
}


PACKS: dict[type[Op], Callable[[Any, Types], Packing | None]] = {
    Conv2D: conv.packs,
    MatMul: matmul.packs,
    W.WinogradConv2D: winograd.packs,
}


class LlvmBackend(NumpyBackend):
    """Compiles ops to machine code for this CPU, all sizes constant; an op without a lowering runs as NumPy calls."""

    name = "llvm"

    def __init__(self) -> None:
        super().__init__()
        require_host()

    def lower(self, op: Op, in_types: Types, out_types: Types) -> Lowered:
        """Native code where there is some, else what NumpyBackend does."""
        native = lower(op, in_types, out_types, How(TEAM.size))
        return lowered(native, TEAM.size) if native else super().lower(op, in_types, out_types)

    def prepares(self, op: Op, in_types: Types) -> dict[int, TensorType]:
        """The operand that `PACKS` says, packed."""
        pack = _packing(op, in_types)
        return {pack.position: TensorType(float32, (pack.floats,))} if pack else {}

    def _lower_inside(self, op: Op, in_types: Types, out_types: Types) -> Lowered:
        native = lower(op, in_types, out_types, How(1, True))
        return lowered(native, 1) if native else super()._lower_inside(op, in_types, out_types)


def lower(op: Op, in_types: Types, out_types: Types, how: How) -> Native | None:
    """Native code for an op; None where there is none."""
    if isinstance(op, OnPrepared):
        return lower(op.op, op.types, out_types, how._replace(packed=True))
    if isinstance(op, Prepared):
        return _packed(op)
    if type(op) in KERNELS:
        found = KERNELS[type(op)](op, in_types, out_types, how)
        if found is None and isinstance(op, Conv2D) and not how.tail:
            return depthwise.conv2d(op, in_types, out_types, how)
        return found
    if type(op) in WINOGRAD:
        return WINOGRAD[type(op)](op, in_types, out_types, how, lower)  # type: ignore[arg-type]
    if isinstance(op, Blocked):
        return blocked.blocked(op, lower, how)
    if isinstance(op, Epilogue):
        return blocked.epilogue(op, lower, how)
    if isinstance(op, Together):
        return update.together(op, in_types, how)
    if isinstance(op, Apply):
        return update.apply(op, in_types, how)
    what = None
    if isinstance(op, Loop):
        what = elementwise_of(op, how.adds)
    elif in_types and out_types[0].size and op.is_pointwise(in_types):
        what = elementwise_of(_single(op, in_types, out_types[0]))
    return None if what is None else elementwise(what, how)


def _packing(op: Op, in_types: Types) -> Packing | None:
    return PACKS[type(op)](op, in_types) if type(op) in PACKS else None


def _packed(op: Prepared) -> Native:
    pack = _packing(op.op, op.types)
    assert pack is not None
    return Native(always(lambda: [pack.call((*ins(0), *outs(0)))]))


def _single(op: Op, in_types: Types, out: TensorType) -> Loop:
    """A pointwise op as a loop of its own."""
    builder = Builder()
    feeds = [Value(builder.add(Feed(slot, t)), 0) for slot, t in enumerate(in_types)]
    result = Value(builder.add(op, feeds), 0)
    return Loop(Program(reachable([result.instr]), (result,), tuple(in_types)), out.static)
