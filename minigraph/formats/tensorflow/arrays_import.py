"""Importers of ops that move data, of reductions and of arithmetic on shapes. `arrays_export.py` has the exporters."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigraph.core.dtypes import int32, int64
from minigraph.core.graph import Tensor
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.formats.tensorflow.node import Importer, TfNode, same
from minigraph.formats.tensorflow.values import read_shape, read_tensor
from minigraph.ops.array import gathering, joining, late, reshape, slicing
from minigraph.ops.array import shape as shapes
from minigraph.ops.array.arrays import broadcast_to, depth_to_space, space_to_depth
from minigraph.ops.array.dynamic import PadBy, Slice
from minigraph.ops.array.indexing import GatherNd, ScatterNdLike
from minigraph.ops.array.joining import stack
from minigraph.ops.array.known import ShapeOf
from minigraph.ops.array.one_hot import OneHot
from minigraph.ops.array.reshape import squeeze
from minigraph.ops.array.reversal import reverse
from minigraph.ops.array.sequences import reverse_sequence
from minigraph.ops.array.shape import fill
from minigraph.ops.builder import apply
from minigraph.ops.constant import Const, Placeholder, PlaceholderWithDefault, StringArray, StringConst, constant
from minigraph.ops.filling import Full
from minigraph.ops.host.host_ops import Range, Unique, Where
from minigraph.ops.identity import Identity, IdentityN
from minigraph.ops.math import cumulative, linear_algebra, linear_systems, matmul, ranking, reduce
from minigraph.ops.math.argmax import ArgMax, ArgMin
from minigraph.ops.math.casting import cast
from minigraph.ops.math.reduce_extremes import Max, Min
from minigraph.ops.math.reduce_product import Prod
from minigraph.ops.math.segment_reductions import unsorted_segment_max, unsorted_segment_min, unsorted_segment_prod

Tensors = Sequence[Tensor]


def _const(call: TfNode) -> Tensors:
    array = read_tensor(call.raw("value").tensor, call.budget)
    if array.dtype != np.object_:
        return call.add(Const(array))
    if array.shape:
        return call.add(StringArray(tuple(array.ravel()), array.shape))
    return call.add(StringConst(bytes(array.item())))


def _placeholder(call: TfNode) -> Tensors:
    """Before GraphDef's version 24 the shape () stood for a shape that is not known."""
    message = call.raw("shape")
    shape = read_shape(message.shape) if message is not None else None
    if shape == () and 0 < call.producer < 24:
        shape = None
    return call.add(Placeholder(call.dtype("dtype"), shape))


def _with_default(call: TfNode) -> Tensors:
    message = call.raw("shape")
    return call.same(PlaceholderWithDefault(read_shape(message.shape) if message is not None else None))


def like(call: TfNode, index: int, dtype: Any = None) -> Tensor:
    """A tensor of the shape that an input states; only its shape is read."""
    source = call.inputs[index]
    while isinstance(source.node.op, Identity | IdentityN):
        source = source.node.inputs[source.value_index]
    if isinstance(source.node.op, shapes.Shape):
        return source.node.inputs[0]
    kind = dtype or call.inputs[-1].dtype
    known = call.known(index)
    if known is not None:
        return apply(Full(TensorType(kind, tuple(map(int, known))), 0))
    return apply(shapes.Fill(), source, apply(Const(np.zeros((), kind.np_dtype))))


# shapes


def _shape_n(call: TfNode) -> Tensors:
    op = shapes.Shape(call.attr("out_type", int32))
    return call.build(lambda: [apply(op, x) for x in call.inputs])


def _reshape(call: TfNode) -> Tensors:
    known = call.known(1)
    if known is not None:
        return call.add(reshape.Reshape(tuple(map(int, known))), call.x)
    return call.same(reshape.ReshapeTo())


def _squeeze(call: TfNode) -> Tensors:
    axes = call.attr("squeeze_dims", ()) or call.attr("axis", ())
    return call.same(reshape.Squeeze(tuple(map(int, axes))))


def _pad(call: TfNode) -> Tensors:
    value = call.constant(2, "the value").item() if call.kind == "PadV2" else 0.0
    known = call.known(1)
    if known is None:
        return call.add(PadBy(float(value)), *call.inputs[:2])
    pairs = tuple((int(a), int(b)) for a, b in known)
    return call.add(slicing.Pad(pairs, value), call.x)


def _mirror_pad(call: TfNode) -> Tensors:
    mode = call.attr("mode")
    pairs = tuple((int(a), int(b)) for a, b in call.constant(1, "the paddings"))
    kind = slicing.MirrorPadGrad if call.kind.endswith("Grad") else slicing.MirrorPad
    return call.add(kind(pairs, mode), call.x)


def _broadcast_args(call: TfNode) -> Tensors:
    return call.build(lambda: [apply(late.BroadcastGradientArgs(side), *call.inputs) for side in (0, 1)])


def _concat_offset(call: TfNode) -> Tensors:
    count = len(call.inputs) - 1
    return call.build(lambda: [apply(late.ConcatOffset(i), *call.inputs) for i in range(count)])


def _range(call: TfNode) -> Tensors:
    known = [call.known(i) for i in range(3)]
    if all(t.dtype.is_integer for t in call.inputs) and any(k is None for k in known):
        return call.same(Range())
    values = [call.constant(i, "a bound").item() for i in range(3)]
    start, limit, delta = values
    count = max(math.ceil((limit - start) / delta), 0)
    call.budget.take("a range", (count,), call.x.dtype.np_dtype.itemsize)
    return call.add(Const(np.arange(*values, dtype=call.x.dtype.np_dtype)))


# joining and cutting


def _axis(call: TfNode, index: int) -> int:
    return int(call.constant(index, "the axis").item())


def _concat(call: TfNode) -> Tensors:
    if call.kind == "Concat":
        return call.add(joining.ConcatV2(_axis(call, 0)), *call.inputs[1:])
    return call.add(joining.ConcatV2(_axis(call, -1 % len(call.inputs))), *call.inputs[:-1])


def _split(call: TfNode) -> Tensors:
    if call.kind == "SplitV":
        sizes = [int(n) for n in call.constant(1, "the sizes")]
        axis, x = _axis(call, 2), call.x
        if -1 in sizes:
            length = (x.type.shape or ())[axis] if x.type.shape else None
            if length is None:
                call.unsupported("a size of -1 needs an axis of known length")
            sizes[sizes.index(-1)] = length - sum(sizes) - 1
        return call.add(joining.SplitV(tuple(sizes), axis), x)
    return call.add(joining.SplitV(None, _axis(call, 0), int(call.attr("num_split"))), call.inputs[1])


def _gather(call: TfNode) -> Tensors:
    if call.attr("batch_dims", 0):
        call.unsupported("batch_dims is not read")
    axis = _axis(call, 2) if call.kind == "GatherV2" else 0
    return call.add(gathering.GatherV2(axis), *call.inputs[:2])


def _slice(call: TfNode) -> Tensors:
    begin, size = call.known(1), call.known(2)
    if begin is None or size is None:
        return call.same(Slice())
    spec = tuple(("slice", int(b), None if s == -1 else int(b + s), None) for b, s in zip(begin, size, strict=True))
    return call.add(slicing.StridedSlice(spec, whole=True), call.x)


def _masks(call: TfNode) -> dict[str, int]:
    """The masks of a strided slice by name: bit i of each is about entry i."""
    return {n: int(call.attr(f"{n}_mask", 0)) for n in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")}


def _spec(call: TfNode) -> slicing.Spec:
    """The entries of a strided slice, or of the gradient of one."""
    begin, end, strides = (call.constant(i, "where a slice begins and ends") for i in (1, 2, 3))
    masks = _masks(call)
    spec: list[tuple[Any, ...]] = []
    for i, (start, stop, step) in enumerate(zip(begin, end, strides, strict=True)):
        bit = 1 << i
        if masks["ellipsis"] & bit:
            spec.append(("rest",))
        elif masks["new_axis"] & bit:
            spec.append(("new",))
        elif masks["shrink_axis"] & bit:
            spec.append(("index", int(start)))
        else:
            ends = (None if masks["begin"] & bit else int(start), None if masks["end"] & bit else int(stop))
            spec.append(("slice", *ends, None if step == 1 else int(step)))
    return tuple(spec)


def _strided_slice(call: TfNode) -> Tensors:
    if all(call.known(i) is not None for i in (1, 2, 3)):
        return call.add(slicing.StridedSlice(_spec(call)), call.x)
    return call.build(lambda: _moving_slice(call))


def _moving_slice(call: TfNode) -> Tensor:
    """A slice with steps of 1 whose bounds follow from shapes."""
    masks = _masks(call)
    rank, count = call.x.type.rank, call.inputs[1].type.shape
    plain = call.known(3) is None or bool(np.all(call.constant(3, "the strides") == 1))
    if not plain or masks["ellipsis"] or masks["new_axis"] or rank is None or not count or count[0] is None:
        call.unsupported("a slice whose bounds are not constants has steps of 1, and neither '...' nor new axes")
    begins, sizes = [], []
    for i in range(count[0]):
        bit = 1 << i
        start = constant(0) if masks["begin"] & bit else cast(call.inputs[1][i], int32)
        stop = cast(call.inputs[2][i], int32)
        size = constant(1) if masks["shrink_axis"] & bit else constant(-1) if masks["end"] & bit else stop - start
        begins.append(start)
        sizes.append(size)
    rest = rank - count[0]
    begin = stack(begins + [constant(0)] * rest)
    cut = apply(Slice(), call.x, begin, stack(sizes + [constant(-1)] * rest))
    dropped = [i for i in range(count[0]) if masks["shrink_axis"] >> i & 1]
    return squeeze(cut, dropped) if dropped else cut


def _strided_slice_grad(call: TfNode) -> Tensors:
    grad = call.inputs[4]
    return call.add(slicing.StridedSliceGrad(_spec(call)), grad, like(call, 0))


def _reverse(call: TfNode) -> Tensors:
    return call.build(lambda: reverse(call.x, [int(a) for a in call.constant(1, "the axes").ravel()]))


def _reverse_sequence(call: TfNode) -> Tensors:
    x, lengths = call.inputs
    along, across = int(call.attr("seq_dim")), int(call.attr("batch_dim", 0))
    return call.build(lambda: reverse_sequence(x, lengths, along, across))


def _one_hot(call: TfNode) -> Tensors:
    inputs = [call.x, *call.inputs[2:]]
    depth = call.constant(1, "the depth")
    return call.add(OneHot(int(depth), int(call.attr("axis", -1))), *inputs)


def _unsorted_segment_sum(call: TfNode) -> Tensors:
    """The gradient of a gather along the first axis."""
    data, ids = call.inputs[:2]
    inner = data.type.shape[ids.type.rank :] if data.type.shape is not None and ids.type.rank is not None else None
    if inner is None or None in inner:
        call.unsupported("the shape of the data must be known")
    dims: Any = [call.inputs[2], *inner]
    zero = data.dtype.np_dtype.type(0)
    return call.build(lambda: apply(gathering.GatherGrad(0), data, ids, fill(dims, zero)))


def _segments(function: Callable[..., Tensor]) -> Importer:
    def build(call: TfNode) -> Tensors:
        data, ids, count = call.inputs[:3]
        known = call.known(2)
        return call.build(lambda: function(data, ids, count if known is None else int(known)))

    return build


def _scatter_nd(call: TfNode) -> Tensors:
    indices, updates, _ = call.inputs
    return call.add(ScatterNdLike(), updates, indices, like(call, 2, updates.dtype))


def _inverse(call: TfNode) -> Tensors:
    if not call.attr("adjoint", False):
        return call.same(linear_algebra.MatrixInverse())
    return call.build(lambda: linear_algebra.matrix_inverse(call.x, adjoint=True))


# reductions


def _reduction(kind: type[Op]) -> Importer:
    def build(call: TfNode) -> Tensors:
        return call.with_value(kind, "axis", 1, "numbers", keep_dims=bool(call.attr("keep_dims", False)))

    return build


def _arg(kind: type[Op]) -> Importer:
    def build(call: TfNode) -> Tensors:
        return call.with_value(kind, "axis", 1, "number", output_type=call.attr("output_type", int64))

    return build


def _cumulative(kind: type[Op]) -> Importer:
    def build(call: TfNode) -> Tensors:
        exclusive, backwards = (bool(call.attr(n, False)) for n in ("exclusive", "reverse"))
        return call.with_value(kind, "axis", 1, "number", exclusive=exclusive, reverse=backwards)

    return build


def _matmul(call: TfNode) -> Tensors:
    return call.same(matmul.MatMul(bool(call.attr("transpose_a", False)), bool(call.attr("transpose_b", False))))


def _batch_matmul(call: TfNode) -> Tensors:
    return call.same(matmul.BatchMatMulV2(bool(call.attr("adj_x", False)), bool(call.attr("adj_y", False))))


def _top_k(call: TfNode) -> Tensors:
    k = int(call.constant(1, "k")) if call.kind == "TopKV2" else int(call.attr("k"))
    return call.add(ranking.TopKV2(k, bool(call.attr("sorted", True))), call.x)


def _in_top_k(call: TfNode) -> Tensors:
    k = int(call.constant(2, "k")) if call.kind == "InTopKV2" else int(call.attr("k"))
    return call.add(ranking.InTopKV2(k), *call.inputs[:2])


def _shape_op(kind: type[ShapeOf]) -> Importer:
    return lambda call: call.same(kind(call.attr("out_type", int32)))


def _blocks(function: Any) -> Importer:
    """Rearrangements of blocks of pixels, by their function."""

    def build(call: TfNode) -> Tensors:
        if call.channels_first:
            call.unsupported("data_format NCHW is not read")
        return call.build(lambda: function(call.x, int(call.attr("block_size"))))

    return build


IMPORT: dict[str, Importer] = {
    "All": _reduction(reduce.All),
    "Any": _reduction(reduce.Any_),
    "ArgMax": _arg(ArgMax),
    "ArgMin": _arg(ArgMin),
    "BatchMatMul": _batch_matmul,
    "BatchMatMulV2": _batch_matmul,
    "BroadcastGradientArgs": _broadcast_args,
    "BroadcastTo": lambda call: call.build(lambda: broadcast_to(call.x, call.inputs[1])),
    "Concat": _concat,
    "ConcatOffset": _concat_offset,
    "ConcatV2": _concat,
    "Const": _const,
    "Cumprod": _cumulative(cumulative.Cumprod),
    "Cholesky": same(linear_algebra.Cholesky()),
    "Cumsum": _cumulative(cumulative.Cumsum),
    "DepthToSpace": _blocks(depth_to_space),
    "DynamicStitch": same(late.DynamicStitch()),
    "ExpandDims": lambda call: call.with_value(reshape.ExpandDims, "axis", 1, "number"),
    "Fill": same(shapes.Fill()),
    "Gather": _gather,
    "GatherNd": same(GatherNd()),
    "GatherV2": _gather,
    "InTopK": _in_top_k,
    "InTopKV2": _in_top_k,
    "InvertPermutation": same(late.InvertPermutation()),
    "MatrixDeterminant": same(linear_algebra.MatrixDeterminant()),
    "MatrixSolve": lambda call: call.same(linear_systems.MatrixSolve(call.attr("adjoint", False))),
    "MatrixTriangularSolve": lambda call: call.same(
        linear_systems.MatrixTriangularSolve(call.attr("adjoint", False), call.attr("lower", True))
    ),
    "SelfAdjointEigV2": same(linear_systems.SelfAdjointEig()),
    "MatrixInverse": _inverse,
    "MatMul": _matmul,
    "Max": _reduction(Max),
    "Mean": _reduction(reduce.Mean),
    "Min": _reduction(Min),
    "MirrorPad": _mirror_pad,
    "MirrorPadGrad": _mirror_pad,
    "OneHot": _one_hot,
    "Pack": lambda call: call.same(joining.Pack(int(call.attr("axis", 0)))),
    "Pad": _pad,
    "PadV2": _pad,
    "Placeholder": _placeholder,
    "PlaceholderV2": _placeholder,
    "PlaceholderWithDefault": _with_default,
    "Prod": _reduction(Prod),
    "Range": _range,
    "Rank": _shape_op(shapes.Rank),
    "Reshape": _reshape,
    "ResourceGather": _gather,
    "ReverseSequence": _reverse_sequence,
    "ReverseV2": _reverse,
    "ScatterNd": _scatter_nd,
    "Shape": _shape_op(shapes.Shape),
    "ShapeN": _shape_n,
    "Size": _shape_op(shapes.Size),
    "Slice": _slice,
    "SpaceToDepth": _blocks(space_to_depth),
    "Split": _split,
    "SplitV": _split,
    "Squeeze": _squeeze,
    "StridedSlice": _strided_slice,
    "StridedSliceGrad": _strided_slice_grad,
    "Sum": _reduction(reduce.Sum),
    "Tile": lambda call: call.with_value(reshape.Tile, "multiples", 1, "numbers"),
    "TopK": _top_k,
    "TopKV2": _top_k,
    "Transpose": lambda call: call.with_value(reshape.Transpose, "perm", 1, "numbers"),
    "Unique": lambda call: call.same(Unique(call.attr("out_idx", int32))),
    "Unpack": lambda call: call.same(joining.Unpack(int(call.attr("num")), int(call.attr("axis", 0)))),
    "UnsortedSegmentMax": _segments(unsorted_segment_max),
    "UnsortedSegmentMin": _segments(unsorted_segment_min),
    "UnsortedSegmentProd": _segments(unsorted_segment_prod),
    "UnsortedSegmentSum": _unsorted_segment_sum,
    "Where": same(Where()),
}
