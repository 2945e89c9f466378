"""What an operation costs, from its attributes and static types alone.

FLOPs count every addition, multiplication, comparison and elementary function of the mathematical operation as one, on
full windows: what padding or Winograd's form spares is not taken off. Integer work, such as drawing random bits, is
not counted.
Bytes are what an operation reads and writes if nothing stays in a cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ir.multi_tensor_apply import MultiTensorApply
from minigraph.ir.packed import OnPacked
from minigraph.ir.program import Feed, Program
from minigraph.ops import broadcast as like
from minigraph.ops.array import joining, shape, slicing
from minigraph.ops.filling import ZerosLike
from minigraph.ops.identity import Identity, StopGradient
from minigraph.ops.math import reduce
from minigraph.ops.math.arithmetic import AddN
from minigraph.ops.math.casting import Cast
from minigraph.ops.math.matmul import MatMul
from minigraph.ops.math.selection import Select
from minigraph.ops.nn import conv2d, loss, lrn, pool, winograd
from minigraph.ops.nn.bias import BiasAdd, BiasAddGrad
from minigraph.ops.pointwise import Pointwise
from minigraph.ops.random import distributions as random
from minigraph.ops.state import update
from minigraph.ops.state.variable import Assign, NoOp, ReadVariable, Update

Types = Sequence[TensorType]
Formula = Callable[[Any, Types, Types], int]


def _nothing(op: Op, ins: Types, outs: Types) -> int:
    return 0


def _each(count: int) -> Formula:
    """`count` for each element of the result."""
    return lambda op, ins, outs: count * outs[0].size


def _each_input(count: int) -> Formula:
    return lambda op, ins, outs: count * ins[0].size


def _convolution(op: conv2d.Conv2D, ins: Types, outs: Types) -> int:
    return _taps(outs[0], ins[1].static)


def _input_gradient(op: Op, ins: Types, outs: Types) -> int:
    return _taps(ins[-1], ins[-2].static)  # the filter and δ come last, with or without the image before them


def _filter_gradient(op: Op, ins: Types, outs: Types) -> int:
    return _taps(ins[-1], outs[0].static)


def _taps(y: TensorType, filter_shape: tuple[int, ...]) -> int:
    """Two for each element of `y` and each of the taps KH·KW·C/groups: the same for all three convolutions."""
    return 2 * y.size * math.prod(filter_shape[:3])


def _winograd(op: winograd.WinogradConvolution, ins: Types, outs: Types) -> int:
    """What the convolution, or its gradients, cost by definition."""
    y = outs[0] if isinstance(op, winograd.WinogradConv2D) else ins[-1]
    transformed = next(t for t in (*ins, *outs) if len(t.static) == 3)
    return len(outs) * _taps(y, (op.kernel, op.kernel, transformed.static[1]))


def _matmul(op: MatMul, ins: Types, outs: Types) -> int:
    return 2 * outs[0].size * ins[0].static[-2 if op.transpose_a else -1]


def _windows(op: pool.Pool, ins: Types, outs: Types) -> int:
    return math.prod(op.ksize) * outs[0].size


def _spread(op: pool.Pool, ins: Types, outs: Types) -> int:
    return math.prod(op.ksize) * ins[-1].size


def _scatter(op: Op, ins: Types, outs: Types) -> int:
    return ins[-1].size


def _normalisation(op: lrn.LRN, ins: Types, outs: Types) -> int:
    return (2 * op.depth_radius + 5) * ins[0].size  # squares, their sums, times α, plus bias, the power, the product


def _window_sum(op: lrn.WindowSum, ins: Types, outs: Types) -> int:
    return 2 * op.radius * ins[0].size


def _sum_of_all(op: Op, ins: Types, outs: Types) -> int:
    return (len(ins) - 1) * outs[0].size


def _momentum(op: update.ApplyMomentum, ins: Types, outs: Types) -> int:
    return (6 if op.use_nesterov else 4) * ins[0].size


def _adam(op: update.ApplyAdam, ins: Types, outs: Types) -> int:
    return (15 if op.use_nesterov else 12) * ins[0].size


_MOVES: tuple[type[Op], ...] = (
    Assign, Identity, NoOp, ReadVariable, StopGradient, ZerosLike, joining.ConcatGrad, joining.ConcatV2,
    joining.GatherV2, joining.OneHot, joining.Pack, joining.SplitV, joining.Unpack, like.BroadcastLike,
    like.BroadcastTo, pool.MaxPoolGather, random.RandomOp, Cast, shape.ExpandDims, shape.Fill, shape.Reshape,
    shape.ReshapeLike, shape.ReshapeTo, shape.ShapeOf, shape.Squeeze, shape.Tile, shape.Transpose, slicing.MirrorPad,
    slicing.Pad, slicing.PutSlice, slicing.StridedSlice, slicing.StridedSliceGrad, winograd.WinogradFilter,
    winograd.WinogradFilterAdjoint,
)  # fmt: skip

FORMULAS: dict[type[Op], Formula] = {
    **dict.fromkeys(_MOVES, _nothing),
    conv2d.Conv2D: _convolution,
    conv2d.Conv2DBackpropInput: _input_gradient,
    conv2d.Conv2DInputGrad: _input_gradient,
    conv2d.Conv2DBackpropFilter: _filter_gradient,
    conv2d.Conv2DFilterGrad: _filter_gradient,
    winograd.WinogradConvolution: _winograd,
    MatMul: _matmul,
    BiasAdd: _each(1),
    BiasAddGrad: _each_input(1),
    Pointwise: _each(1),
    Select: _each(1),
    AddN: _sum_of_all,
    pool.MaxPool: _windows,
    pool.AvgPool: _windows,
    pool.MaxPoolGrad: _scatter,
    pool.MaxPoolInputGrad: _scatter,
    pool.AvgPoolGrad: _spread,
    pool.AvgPoolInputGrad: _spread,
    lrn.LRN: _normalisation,
    lrn.WindowSum: _window_sum,
    reduce.ReduceOp: _each_input(1),
    reduce.ArgMax: _each_input(1),
    reduce.ProdOfOthers: _each_input(2),
    like.SumTo: _each_input(1),
    like.SumLike: _each_input(1),
    like.ReduceLike: _each_input(1),
    joining.GatherGrad: _scatter,
    shape.TileGrad: _each_input(1),
    slicing.MirrorPadGrad: _each_input(1),
    loss.Softmax: _each_input(5),  # maximum, difference, exponential, sum, quotient
    loss.LogSoftmax: _each_input(5),
    loss.SoftmaxCrossEntropyWithLogits: _each_input(8),  # softmax, product with the labels and its sum, p − y
    loss.SparseSoftmaxCrossEntropyWithLogits: _each_input(5),
    loss.L2Loss: _each_input(2),
    Update: _each_input(1),
    update.ApplyGradientDescent: _each_input(2),
    update.ApplyMomentum: _momentum,
    update.ApplyAdagrad: _each_input(6),
    update.ApplyAdadelta: _each_input(15),
    update.ApplyFtrl: _each_input(17),
    update.ApplyRMSProp: _each_input(11),
    update.ApplyCenteredRMSProp: _each_input(16),
    update.ApplyAdam: _adam,
}


def flops(op: Op, ins: Types, outs: Types) -> int | None:
    """Floating-point operations of one application; None where a type is not static or the op has no formula.

    An op that stands for several costs what they do.
    """
    if not all(t.is_static for t in (*ins, *outs)):
        return None
    if not ins:
        return 0
    formula = next((FORMULAS[kind] for kind in type(op).__mro__ if kind in FORMULAS), None)
    if formula is not None:
        return formula(op, ins, outs)
    costs = [flops(*part) for part in parts(op, ins, outs)]
    return None if not costs or None in costs else sum(c for c in costs if c is not None)


def parts(op: Op, ins: Types, outs: Types) -> list[tuple[Op, Types, Types]]:
    """What an op that stands for several is made of, with the types of each; nothing for any other op."""
    inner = getattr(op, "program", None)
    if isinstance(inner, Program):
        return [(i.op, [v.type for v in i.inputs], i.types) for i in inner.instrs if not isinstance(i.op, Feed)]
    if isinstance(op, MultiTensorApply):
        return [(op.op, piece, piece[:1]) for piece in op.pieces(ins)]
    if isinstance(op, OnPacked):
        return [(op.op, op.types, outs)]
    return []


def op_name(op: Op) -> str:
    """The op's type; for one that stands for several, theirs."""
    names = [type(part).__name__ for part, _, _ in parts(op, (), ())]
    if isinstance(op, MultiTensorApply):
        return f"{op.count} × {type(op.op).__name__}"  # noqa: RUF001
    return "+".join(names) if names else type(op).__name__


def moved_bytes(op: Op, ins: Types, outs: Types) -> int | None:
    """Bytes read and written; for what has no inputs (feeds, variables, constants) the bytes it holds."""
    if not all(t.is_static for t in (*ins, *outs)):
        return None
    if op.is_view:
        return 0
    read = sum(t.nbytes for i, t in enumerate(ins) if i not in op.writes or i in op.reads)
    return read + sum(t.nbytes for t in outs)
