"""Exporters of reductions, of broadcasting, and of their gradients. `arrays_import.py` has the importers."""

from __future__ import annotations

from typing import Any

from minigraph.core.dtypes import int32
from minigraph.formats.tensorflow.emit import Exporter, TfExport


def entry(e: TfExport, vector: str, index: int) -> str:
    """The name of a vector of one element of another."""
    begin, size = e.constant([index], "begin"), e.constant([1], "size")
    return e.help("Slice", "entry", vector, begin, size, T=int32, Index=int32)


def _axes(e: TfExport, axis: Any) -> str:
    """The name of a vector of axes; all of them for None."""
    if axis is not None:
        return e.constant(tuple(axis), "reduction_indices")
    if e.inputs[0].type.rank is not None:
        return e.constant(tuple(range(e.rank())), "/Const")
    rank = e.help("Rank", "Rank", e.read(), T=e.dtype())
    bounds = e.constant(0, "start"), rank, e.constant(1, "delta")
    return e.help("Range", "range", *bounds, Tidx=int32)


def _reduction(kind: str) -> Exporter:
    def export(e: TfExport) -> Any:
        typed = {} if kind in ("All", "Any") else {"T": e.dtype()}
        return e.give(kind, e.read(), _axes(e, e.op.axis), Tidx=int32, keep_dims=bool(e.op.keep_dims), **typed)

    return export


def _arg(kind: str) -> Exporter:
    def export(e: TfExport) -> Any:
        axis = e.constant(e.op.axis, "dimension")
        return e.give(kind, e.read(), axis, T=e.dtype(), Tidx=int32, output_type=e.op.output_type)

    return export


def _cumulative(kind: str) -> Exporter:
    def export(e: TfExport) -> Any:
        flags = {"exclusive": bool(e.op.exclusive), "reverse": bool(e.op.reverse)}
        return e.give(kind, e.read(), e.constant(e.op.axis, "axis"), T=e.dtype(), Tidx=int32, **flags)

    return export


def _prod_of_others(e: TfExport) -> None:
    axis = e.constant(e.op.axis, "axis")
    sides = [
        e.help("Cumprod", label, e.read(), axis, T=e.dtype(), Tidx=int32, exclusive=True, reverse=back)
        for label, back in (("before", False), ("after", True))
    ]
    e.give("Mul", *sides, T=e.dtype())


def _sum_to(e: TfExport, shape: str) -> str:
    """The name of the first input, summed over what broadcasting added to a shape."""
    args = e.help("BroadcastGradientArgs", "BroadcastGradientArgs", e.shape_of(0), shape, T=int32)
    total = e.help("Sum", "Sum", e.read(), f"{args}:1", T=e.dtype(), Tidx=int32, keep_dims=False)
    return e.help("Reshape", "Reshape", total, shape, T=e.dtype(), Tshape=int32)


def _kept_shape(e: TfExport, x: int, axis: Any, ranks: tuple[int | None, int | None]) -> str:
    """The name of the shape of input `x` with ones in place of the axes that were reduced."""
    rank, full = ranks
    if axis == () or (rank is not None and rank == full):
        return e.shape_of(x)
    if full is None:
        e.unsupported("the rank of the tensor that was reduced must be known")
    axes = sorted(range(full) if axis is None else {a % full for a in axis})
    if rank is not None and rank not in (full, full - len(axes)):
        e.unsupported("its operand is neither reduced nor whole")
    if len(axes) == full:
        return e.constant((1,) * full, "kept")
    shape = e.shape_of(x)
    parts, at = [], 0
    for i in range(full):
        if i in axes:
            parts.append(e.constant([1], "one"))
        else:
            parts.append(entry(e, shape, at))
            at += 1
    return e.help("ConcatV2", "kept", *parts, e.constant(0, "axis"), N=full, T=int32, Tidx=int32)


def _count(e: TfExport, large: str, small: str, dtype: Any) -> str:
    """The name of a number: how often elements of a tensor of a small shape are in a large one."""
    sizes = [
        e.help("Prod", "size", s, e.constant([0], "axis"), T=int32, Tidx=int32, keep_dims=False) for s in (large, small)
    ]
    count = e.help("FloorDiv", "count", *sizes, T=int32)
    return e.help("Cast", "Cast", count, SrcT=int32, DstT=dtype)


def _broadcast(e: TfExport, shape: str, full: int | None) -> None:
    kept = _kept_shape(e, 0, e.op.axis, (e.inputs[0].type.rank, full))
    value = e.help("Reshape", "Reshape", e.read(), kept, T=e.dtype(), Tshape=int32)
    if e.op.mean:
        value = e.help("RealDiv", "truediv", value, _count(e, shape, kept, e.dtype()), T=e.dtype())
    e.give("BroadcastTo", value, shape, T=e.dtype(), Tidx=int32)


def _reduce_like(e: TfExport) -> None:
    like = e.inputs[1].type
    kept = _kept_shape(e, 1, e.op.axis, (like.rank, e.inputs[0].type.rank))
    total = e.help("Reshape", "total", _sum_to(e, kept), e.shape_of(1), T=e.dtype(), Tshape=int32)
    if e.op.mean:
        total = e.help("RealDiv", "truediv", total, _count(e, e.shape_of(0), e.shape_of(1), e.dtype()), T=e.dtype())
    e.alias(total)


EXPORT: dict[str, Exporter] = {
    **{name: _reduction(name) for name in ("All", "Max", "Mean", "Min", "Prod", "Sum")},
    "Any_": _reduction("Any"),
    "ArgMax": _arg("ArgMax"),
    "ArgMin": _arg("ArgMin"),
    "BroadcastLike": lambda e: _broadcast(e, e.shape_of(1), e.inputs[1].type.rank),
    "BroadcastTo": lambda e: _broadcast(e, e.constant(e.op.shape, "shape"), len(e.op.shape)),
    "Cumprod": _cumulative("Cumprod"),
    "Cumsum": _cumulative("Cumsum"),
    "ProdOfOthers": _prod_of_others,
    "ReduceLike": _reduce_like,
    "SumLike": lambda e: e.alias(_sum_to(e, e.shape_of(1))),
    "SumTo": lambda e: e.alias(_sum_to(e, e.constant(e.op.shape, "shape"))),
}
