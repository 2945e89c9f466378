"""Exporters of ops that move data and of arithmetic on shapes. `arrays_import.py` has the importers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.core.dtypes import float32, int32, int64
from minigraph.formats.tensorflow.emit import Exporter, TfExport, const_attributes, through, typed
from minigraph.formats.tensorflow.reductions_export import entry
from minigraph.formats.tensorflow.values import Dims


def _full(e: TfExport) -> None:
    kind = e.op.type
    array = np.broadcast_to(np.array(e.op.value, kind.dtype.np_dtype), kind.static)
    e.give("Const", **const_attributes(array))


def _shape(kind: str) -> Exporter:
    def export(e: TfExport) -> Any:
        more = {} if kind == "Rank" else {"out_type": e.op.dtype}
        if kind == "Rank" and e.op.dtype is not int32:
            found = e.help("Rank", "Rank", e.read(), T=e.dtype())
            return e.give("Cast", found, SrcT=int32, DstT=e.op.dtype)
        return e.same(kind, T=e.dtype(), **more)

    return export


def _transpose(e: TfExport) -> None:
    perm = e.op.axes(e.rank()) if e.op.perm is None else e.op.perm
    e.give("Transpose", e.read(), e.constant(perm, "perm"), T=e.dtype(), Tperm=int32)


def _tile(e: TfExport) -> None:
    e.give("Tile", e.read(), e.constant(e.op.multiples, "multiples"), T=e.dtype(), Tmultiples=int32)


def _tile_grad(e: TfExport) -> None:
    """The sum over the copies: along axes of their own, with the lengths that a run finds."""
    rank = e.rank()
    multiples = e.op.multiples
    parts = []
    shape = e.shape_of(0)
    numbers = e.help("FloorDiv", "lengths", shape, e.constant(multiples, "multiples"), T=int32)
    for axis in range(rank):
        parts.append(e.constant([multiples[axis]], "copies"))
        parts.append(entry(e, numbers, axis))
    split = e.help("ConcatV2", "split", *parts, e.constant(0, "axis"), N=len(parts), T=int32, Tidx=int32)
    apart = e.help("Reshape", "apart", e.read(), split, T=e.dtype(), Tshape=int32)
    axes = e.constant([2 * i for i in range(rank)], "axes")
    e.give("Sum", apart, axes, T=e.dtype(), Tidx=int32, keep_dims=False)


def _pad(e: TfExport) -> None:
    table = e.constant(np.array(e.op.paddings, np.int32).reshape(-1, 2), "paddings")
    if e.op.value:
        value = e.number(e.op.value, e.dtype(), "value")
        e.give("PadV2", e.read(), table, value, T=e.dtype(), Tpaddings=int32)
    else:
        e.give("Pad", e.read(), table, T=e.dtype(), Tpaddings=int32)


def _pad_by(e: TfExport) -> None:
    e.give("PadV2", *e.reads, e.number(e.op.value, e.dtype(), "value"), T=e.dtype(), Tpaddings=e.dtype(1))


def _mirror_pad(kind: str) -> Exporter:
    def export(e: TfExport) -> Any:
        table = e.constant(np.array(e.op.paddings, np.int32).reshape(-1, 2), "paddings")
        return e.give(kind, e.read(), table, T=e.dtype(), Tpaddings=int32, mode=e.op.mode)

    return export


def _concat(e: TfExport) -> None:
    names = [*e.reads, e.constant(e.op.axis, "axis")]
    e.give("ConcatV2", *names, N=len(e.inputs), T=e.dtype(), Tidx=int32)


def _concat_grad(e: TfExport) -> None:
    """Slices of the gradient, at the places and of the sizes of the operands."""
    likes = range(1, len(e.inputs))
    shapes = [e.shape_of(i) for i in likes]
    axis = e.constant(e.op.axis % e.rank(), "axis")
    offset = e.help("ConcatOffset", "offset", axis, *shapes, N=len(shapes))
    places = [offset if i == 0 else f"{offset}:{i}" for i in range(len(shapes))]
    cuts = [
        e.help("Slice", "part", e.read(), place, shape, T=e.dtype(), Index=int32)
        for place, shape in zip(places, shapes, strict=True)
    ]
    e.alias(*cuts)


def _split(e: TfExport) -> None:
    op = e.op
    axis = e.constant(op.axis, "split_dim")
    if op.sizes is None:
        e.give("Split", axis, e.read(), num_split=int(op.count), T=e.dtype())
    else:
        sizes = e.constant(op.sizes, "sizes")
        e.give("SplitV", e.read(), sizes, axis, num_split=len(op.sizes), T=e.dtype(), Tlen=int32)


def _gather(e: TfExport) -> None:
    axis = e.constant(e.op.axis, "axis")
    e.give("GatherV2", *e.reads, axis, Tparams=e.dtype(), Tindices=e.dtype(1), Taxis=int32)


def _gather_grad(e: TfExport) -> None:
    if e.op.axis:
        e.unsupported(f"the gradient of a gather along axis {e.op.axis} has no form in TensorFlow's graphs")
    shape = e.shape_of(2)
    count = e.help("Squeeze", "count", entry(e, shape, 0), T=int32, squeeze_dims=(0,))
    e.give("UnsortedSegmentSum", e.read(), e.read(1), count, T=e.dtype(), Tindices=e.dtype(1), Tnumsegments=int32)


def _segments(e: TfExport) -> None:
    count = e.help("Squeeze", "count", entry(e, e.shape_of(2), 0), T=int32, squeeze_dims=(0,))
    e.give(e.node.type, e.read(), e.read(1), count, T=e.dtype(), Tindices=e.dtype(1), Tnumsegments=int32)


def _scatter_nd(e: TfExport) -> None:
    e.give("ScatterNd", e.read(1), e.read(), e.shape_of(2), T=e.dtype(), Tindices=_same_index(e))


def _same_index(e: TfExport) -> Any:
    """The dtype of the indices, which is that of the shape in TensorFlow."""
    if e.dtype(1) is not int32:
        e.unsupported("its indices must be int32")
    return int32


def _bounds(e: TfExport, spec: Sequence[tuple[Any, ...]]) -> tuple[list[str], dict[str, int]]:
    """The names of begin, end and strides, and the masks."""
    rows, masks = [], dict.fromkeys(("begin", "end", "ellipsis", "new_axis", "shrink_axis"), 0)
    for i, (kind, *args) in enumerate(spec):
        bit = 1 << i
        if kind == "rest":
            masks["ellipsis"] |= bit
            rows.append((0, 0, 1))
        elif kind == "new":
            masks["new_axis"] |= bit
            rows.append((0, 1, 1))
        elif kind == "index":
            masks["shrink_axis"] |= bit
            rows.append((args[0], args[0] + 1, 1))
        else:
            start, stop, step = args
            masks["begin"] |= bit if start is None else 0
            masks["end"] |= bit if stop is None else 0
            rows.append((start or 0, stop or 0, step or 1))
    table = np.array(rows, np.int32).reshape(-1, 3).T
    names = [e.constant(np.ascontiguousarray(r), n) for r, n in zip(table, ("begin", "end", "strides"), strict=True)]
    return names, {f"{n}_mask": m for n, m in masks.items()}


def _strided_slice(e: TfExport) -> None:
    names, masks = _bounds(e, e.op.spec)
    e.give("StridedSlice", e.read(), *names, T=e.dtype(), Index=int32, **masks)


def _strided_slice_grad(e: TfExport) -> None:
    names, masks = _bounds(e, e.op.spec)
    e.give("StridedSliceGrad", e.shape_of(1), *names, e.read(), T=e.dtype(), Index=int32, **masks)


def _put_slice(e: TfExport) -> None:
    names, masks = _bounds(e, e.op.spec)
    shape = e.constant(e.op.shape, "shape")
    e.give("StridedSliceGrad", shape, *names, e.read(), T=e.dtype(), Index=int32, **masks)


def _one_hot(e: TfExport) -> None:
    depth = e.constant(e.op.depth, "depth")
    e.give("OneHot", e.read(), depth, *e.reads[1:], T=e.out.dtype, TI=e.dtype(), axis=int(e.op.axis))


def _top_k(e: TfExport) -> None:
    k = e.constant(e.op.k, "k")
    if e.op.largest:
        e.give("TopKV2", e.read(), k, T=e.dtype(), sorted=bool(e.op.sorted))
        return
    negative = e.help("Neg", "Neg", e.read(), T=e.dtype())
    found = e.help("TopKV2", "TopKV2", negative, k, T=e.dtype(), sorted=True)
    e.alias(e.help("Neg", "values", found, T=e.dtype()), f"{found}:1")


def _flat_places(e: TfExport, places: int, whole: int) -> tuple[str, str]:
    """The places along the last axis as places among all elements, [.., 1]; and the number of all elements, [1]."""
    shape = e.shape_of(whole)
    width, count = ((e.inputs[i].type.shape or (None,))[-1] for i in (whole, places))
    if width is None or count is None:
        e.unsupported("the lengths of rows must be known")
    zero, one, last = (e.constant(v, "number") for v in (0, 1, width))
    size = e.help("Prod", "size", shape, e.constant([0], "axis"), T=int32, Tidx=int32, keep_dims=True)
    rows = e.help("FloorDiv", "rows", e.help("Squeeze", "all", size, T=int32, squeeze_dims=(0,)), last, T=int32)
    starts = e.help("Mul", "starts", e.help("Range", "range", zero, rows, one, Tidx=int32), last, T=int32)
    column = e.help("ExpandDims", "column", starts, one, T=int32, Tdim=int32)
    own = e.help("Cast", "places", e.read(places), SrcT=e.dtype(places), DstT=int32)
    table = e.help("Reshape", "table", own, e.constant([-1, count], "shape"), T=int32, Tshape=int32)
    flat = e.help("AddV2", "flat", table, column, T=int32)
    return e.help("Reshape", "indices", flat, e.constant([-1, 1], "shape"), T=int32, Tshape=int32), size


def _put_along_last(e: TfExport) -> None:
    indices, size = _flat_places(e, 1, 2)
    flat = e.help("Reshape", "updates", e.read(), e.constant([-1], "shape"), T=e.dtype(), Tshape=int32)
    whole = e.help("ScatterNd", "ScatterNd", indices, flat, size, T=e.dtype(), Tindices=int32)
    e.give("Reshape", whole, e.shape_of(2), T=e.dtype(), Tshape=int32)


def _take_along_last(e: TfExport) -> None:
    indices, _ = _flat_places(e, 1, 0)
    flat = e.help("Reshape", "params", e.read(), e.constant([-1], "shape"), T=e.dtype(), Tshape=int32)
    found = e.help("GatherNd", "GatherNd", flat, indices, Tparams=e.dtype(), Tindices=int32)
    e.give("Reshape", found, e.shape_of(1), T=e.dtype(), Tshape=int32)


def _in_top_k(e: TfExport) -> None:
    """TensorFlow's op takes predictions of float32, and targets of 32 or 64 bits. It refuses float64 itself."""
    predictions, targets = e.reads
    kind = e.dtype(1) if e.dtype(1) in (int32, int64) else int64
    if e.dtype().size < 4:
        predictions = e.help("Cast", "predictions", predictions, SrcT=e.dtype(), DstT=float32)
    if e.dtype(1) != kind:
        targets = e.help("Cast", "targets", targets, SrcT=e.dtype(1), DstT=kind)
    e.give("InTopKV2", predictions, targets, e.constant(np.array(e.op.k, kind.np_dtype), "k"), T=kind)


def _matmul(e: TfExport) -> None:
    e.same("MatMul", T=e.dtype(), transpose_a=bool(e.op.transpose_a), transpose_b=bool(e.op.transpose_b))


def _batch_matmul(e: TfExport) -> None:
    e.same("BatchMatMulV2", T=e.dtype(), adj_x=bool(e.op.transpose_a), adj_y=bool(e.op.transpose_b))


def _aligned_rank(e: TfExport) -> None:
    x, like = (t.type for t in e.inputs)
    if x.rank is None or like.rank is None:
        e.unsupported("the ranks of weights and values must be known")
    if x.rank - like.rank == 1 and x.rank:
        e.give("Squeeze", e.read(), T=e.dtype(), squeeze_dims=(-1,))
    elif x.rank - like.rank == -1 and x.rank:
        e.give("ExpandDims", e.read(), e.constant(-1, "dim"), T=e.dtype(), Tdim=int32)
    else:
        through(e)


def _late(e: TfExport) -> None:
    """An op with a tensor for an attribute, as TensorFlow has it."""
    op, others = e.op, dict(e.op.others)
    flags = {n: bool(v) for n, v in others.items() if isinstance(v, bool)}
    if "output_type" in others:
        flags["output_type"] = others["output_type"]
    label = {"Tile": "Tmultiples", "Transpose": "Tperm", "ExpandDims": "Tdim"}.get(op.kind, "Tidx")
    kind = "Any" if op.kind == "Any_" else op.kind
    typed = {} if kind in ("All", "Any") else {"T": e.dtype()}
    e.same(kind, **typed, **{label: e.dtype(-1)}, **flags)


def _one_of(e: TfExport, kind: str, which: int, **attributes: Any) -> None:
    """One of the results of TensorFlow's op."""
    made = e.help(kind, kind, *e.reads, **attributes)
    e.give("Identity", made if not which else f"{made}:{which}", T=e.out.dtype)


def _permutation(e: TfExport) -> None:
    op = e.op
    count = e.constant(np.arange(op.shape[0], dtype=op.dtype.np_dtype), "range")
    e.give("RandomShuffle", count, T=op.dtype, seed=int(op.seed or 0), seed2=int(op.seed2 or 0))


def _multinomial(e: TfExport) -> None:
    op = e.op
    number, seeds = e.constant(op.num, "num_samples"), {"seed": int(op.seed or 0), "seed2": int(op.seed2 or 0)}
    e.give("Multinomial", e.read(), number, T=e.dtype(), output_dtype=op.dtype, **seeds)


def _window_sum(e: TfExport) -> None:
    """The product with a matrix of ones around the diagonal."""
    width = e.inputs[0].type.shape[-1] if e.inputs[0].type.shape else None
    if width is None:
        e.unsupported("the number of channels must be known")
    places = np.arange(width)
    band = (abs(places[:, None] - places) <= e.op.radius).astype(e.dtype().np_dtype)
    rows = e.help("Reshape", "rows", e.read(), e.constant([-1, width], "flat"), T=e.dtype(), Tshape=int32)
    total = e.help("MatMul", "MatMul", rows, e.constant(band, "band"), T=e.dtype())
    e.give("Reshape", total, e.shape_of(0), T=e.dtype(), Tshape=int32)


EXPORT: dict[str, Exporter] = {
    "BroadcastGradientArgs": lambda e: _one_of(e, "BroadcastGradientArgs", e.op.side, T=e.dtype()),
    "ConcatOffset": lambda e: _one_of(e, "ConcatOffset", e.op.which, N=len(e.inputs) - 1),
    "DynamicStitch": lambda e: e.same("DynamicStitch", N=len(e.inputs) // 2, T=e.dtype(-1)),
    "AlignedRank": _aligned_rank,
    "BatchMatMulV2": _batch_matmul,
    "BroadcastableWeights": through,
    "ConcatGrad": _concat_grad,
    "ConcatV2": _concat,
    "Const": lambda e: e.give("Const", **const_attributes(e.op.value)),
    "ExpandDims": lambda e: e.give("ExpandDims", e.read(), e.constant(e.op.axis, "dim"), T=e.dtype(), Tdim=int32),
    "Fill": lambda e: e.same("Fill", T=e.dtype(1), index_type=e.dtype()),
    "Full": _full,
    "GatherGrad": _gather_grad,
    "GatherNd": lambda e: e.same("GatherNd", Tparams=e.dtype(), Tindices=e.dtype(1)),
    "GatherV2": _gather,
    "InTopKV2": _in_top_k,
    "InvertPermutation": typed("InvertPermutation"),
    **{kind: typed(kind) for kind in ("Cholesky", "MatrixDeterminant", "MatrixInverse")},
    "Late": _late,
    "MatMul": _matmul,
    "MatrixSolve": lambda e: e.same("MatrixSolve", T=e.dtype(), adjoint=e.op.adjoint),
    "MatrixTriangularSolve": lambda e: e.same(
        "MatrixTriangularSolve", T=e.dtype(), lower=e.op.lower, adjoint=e.op.adjoint
    ),
    "MirrorPad": _mirror_pad("MirrorPad"),
    "MirrorPadGrad": _mirror_pad("MirrorPadGrad"),
    "Multinomial": _multinomial,
    "OneHot": _one_hot,
    "Pack": lambda e: e.same("Pack", N=len(e.inputs), T=e.dtype(), axis=int(e.op.axis)),
    "Pad": _pad,
    "PadBy": _pad_by,
    "Placeholder": lambda e: e.give("Placeholder", dtype=e.op.dtype, shape=Dims(e.op.shape)),
    "PlaceholderWithDefault": lambda e: e.same("PlaceholderWithDefault", dtype=e.dtype(), shape=Dims(e.out.shape)),
    "PutAlongLast": _put_along_last,
    "PutSlice": _put_slice,
    "RandomPermutation": _permutation,
    "Range": lambda e: e.same("Range", Tidx=e.dtype()),
    "Rank": _shape("Rank"),
    "Reshape": lambda e: e.give("Reshape", e.read(), e.constant(e.op.shape, "shape"), T=e.dtype(), Tshape=int32),
    "ReshapeLike": lambda e: e.give("Reshape", e.read(), e.shape_of(1), T=e.dtype(), Tshape=int32),
    "ReshapeTo": lambda e: e.same("Reshape", T=e.dtype(), Tshape=e.dtype(1)),
    "ScatterNdLike": _scatter_nd,
    "SelfAdjointEig": lambda e: e.same("SelfAdjointEigV2", T=e.dtype(), compute_v=True),
    "Shape": _shape("Shape"),
    "Size": _shape("Size"),
    "Slice": lambda e: e.same("Slice", T=e.dtype(), Index=e.dtype(1)),
    "SplitV": _split,
    "Squeeze": lambda e: e.same("Squeeze", T=e.dtype(), squeeze_dims=tuple(e.op.axis)),
    "StridedSlice": _strided_slice,
    "StridedSliceGrad": _strided_slice_grad,
    "TakeAlongLast": _take_along_last,
    "Tile": _tile,
    "TileGrad": _tile_grad,
    "TopKV2": _top_k,
    "Transpose": _transpose,
    "Unique": lambda e: e.same("Unique", T=e.dtype(), out_idx=e.op.out_idx),
    "Unpack": lambda e: e.same("Unpack", num=int(e.op.num), T=e.dtype(), axis=int(e.op.axis)),
    "Where": typed("Where"),
    "WindowSum": _window_sum,
    **{f"UnsortedSegment{kind}": _segments for kind in ("Max", "Min", "Prod")},
}  # fmt: skip
