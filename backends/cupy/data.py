"""Moving elements: everything that is a view with strides in NumPy is one of two kernels, a gather or a scatter."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigraph.backends.cupy.kernel import (
    Code,
    Constant,
    Emitter,
    Launch,
    Ref,
    Types,
    ins,
    outs,
    per_element,
    pointer,
    reads,
)
from minigraph.backends.cupy.source import c_type, literal, offset, total
from minigraph.core.dtypes import DType
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ops.array.joining import ConcatV2, GatherGrad, GatherV2, OneHot, Pack, SplitV, Unpack
from minigraph.ops.array.shape import Tile, Transpose
from minigraph.ops.array.slicing import Pad, PutSlice, StridedSlice
from minigraph.ops.broadcast import BroadcastTo, _with_axes
from minigraph.ops.constant import Const
from minigraph.ops.filling import Full
from minigraph.ops.identity import Identity
from minigraph.ops.math.selection import Select
from minigraph.ops.state.variable import Assign, AssignAdd, AssignSub, NoOp

View = Callable[[Any], Any]  # of an array


def _strided(shape: Sequence[int], view: View) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Shape, strides and first element, in elements, of a view of an array in C order (of which no byte is touched)."""
    base = np.empty(tuple(shape), np.uint8)
    seen = view(base)
    return seen.shape, seen.strides, seen.ctypes.data - base.ctypes.data


def gather(
    x: TensorType, view: View, source: Ref, target: Ref, value: str = "{}", loaded: str = "", stored: str = ""
) -> Launch:
    """target = the view of the source, each element put through `value`. loaded, stored: the elements' types in C,
    where they are not that of x."""
    shape, strides, start = _strided(x.static, view)
    names = [f"c{a}" for a in range(len(shape))]
    body = [f"y0[i] = {value.format(f'x0[{offset(names, strides, start)}]')};"]
    kind = c_type(x.dtype)
    made = per_element("gather", shape, [f"const {loaded or kind}* x0", f"{stored or kind}* y0"], body)
    return Launch(made, (source, target))


def scatter(out: TensorType, view: View, source: Ref, target: Ref) -> Launch:
    """The view of the target = source, in C order."""
    shape, strides, start = _strided(out.static, view)
    names = [f"c{a}" for a in range(len(shape))]
    body = [f"y0[{offset(names, strides, start)}] = x0[i];"]
    made = per_element("scatter", shape, [*reads([out]), pointer(out.dtype, "y0", False)], body)
    return Launch(made, (source, target))


def fill(out: TensorType, value: Any, target: Ref) -> Launch:
    body = [f"y0[i] = {literal(value, out.dtype)};"]
    return Launch(per_element("fill", (out.size,), [pointer(out.dtype, "y0", False)], body), (target,))


def _viewed(view: View, types: Types) -> Code:
    return Code((gather(types[0], view, Ref("in"), Ref("out")),))


def broadcast_to(op: BroadcastTo, in_types: Types, out_types: Types) -> Code | None:
    x = in_types[0]
    kept = _with_axes(x.static, op.axis, op.shape)
    value = "{}"
    if op.mean:
        copies = math.prod(op.shape) // max(x.size, 1) or 1
        value = f"({{}} / {literal(copies, x.dtype)})"
    if op.mean and not x.dtype.is_floating:
        return None
    view = gather(x, lambda a: np.broadcast_to(a.reshape(kept), op.shape), Ref("in"), Ref("out"), value)
    return Code((view,))


def tile(op: Tile, in_types: Types, out_types: Types) -> Code | None:
    dims = in_types[0].static
    apart = [d for n in dims for d in (1, n)]
    spread = [d for n, m in zip(dims, op.multiples, strict=True) for d in (m, n)]
    return _viewed(lambda a: np.broadcast_to(a.reshape(apart), spread), in_types)


def _slice(axis: int, number: int) -> View:
    """One slice along an axis, without that axis."""
    return lambda a: np.moveaxis(a, axis, 0)[number, ...]


def _part(axis: int, begin: int, end: int) -> View:
    return lambda a: a[(*[slice(None)] * axis, slice(begin, end))]


def split(op: SplitV, in_types: Types, out_types: Types) -> Code | None:
    """A kernel a piece; a piece that nobody reads is left out."""
    steps = []
    begin = 0
    axis = op.axis % len(in_types[0].static)
    for number, piece in enumerate(out_types):
        end = begin + piece.static[axis]
        steps.append(gather(in_types[0], _part(axis, begin, end), Ref("in"), Ref("out", number)))
        begin = end
    return Code(tuple(steps))


def unpack(op: Unpack, in_types: Types, out_types: Types) -> Code | None:
    numbers = range(len(out_types))
    return Code(tuple(gather(in_types[0], _slice(op.axis, n), Ref("in"), Ref("out", n)) for n in numbers))


def concat(op: ConcatV2, in_types: Types, out_types: Types) -> Code | None:
    axis = op.axis % len(out_types[0].static)
    steps = []
    begin = 0
    for number, piece in enumerate(in_types):
        end = begin + piece.static[axis]
        steps.append(scatter(out_types[0], _part(axis, begin, end), Ref("in", number), Ref("out")))
        begin = end
    return Code(tuple(steps))


def pack(op: Pack, in_types: Types, out_types: Types) -> Code | None:
    numbers = range(len(in_types))
    return Code(tuple(scatter(out_types[0], _slice(op.axis, n), Ref("in", n), Ref("out")) for n in numbers))


def put_slice(op: PutSlice, in_types: Types, out_types: Types) -> Code | None:
    index = StridedSlice(op.spec).index
    put = scatter(out_types[0], lambda a: a[(*index, ...) if ... not in index else index], Ref("in"), Ref("out"))
    return Code((fill(out_types[0], 0, Ref("out")), put))


def strided_slice(op: StridedSlice, in_types: Types, out_types: Types) -> Code | None:
    index = op.index
    return _viewed(lambda a: a[(*index, ...) if ... not in index else index], in_types)


def pad(op: Pad, in_types: Types, out_types: Types) -> Code | None:
    inner = tuple(slice(b, b + n) for (b, _), n in zip(op.paddings, in_types[0].static, strict=True))
    put = scatter(out_types[0], lambda a: a[(*inner, ...)], Ref("in"), Ref("out"))
    return Code((fill(out_types[0], op.value, Ref("out")), put))


def take(op: GatherV2, in_types: Types, out_types: Types) -> Code | None:
    """Out of range, an index gives zeros: a kernel cannot raise."""
    x, index = in_types
    axis = op.axis % len(x.static)
    length, inner = x.static[axis], math.prod(x.static[axis + 1 :])
    shape = (math.prod(x.static[:axis]), index.size, inner)
    body = [f"const long long at = (long long)x1[c1]; const bool inside = at >= 0 && at < {length};"]
    body.append(f"y0[i] = inside ? x0[(c0 * {length} + at) * {inner} + c2] : {literal(0, x.dtype)};")
    made = per_element("take", shape, [*reads(in_types), pointer(x.dtype, "y0", False)], body)
    return Code((Launch(made, (*ins(0, 1), *outs(0))),))


def gather_grad(op: GatherGrad, in_types: Types, out_types: Types) -> Code | None:
    """Each element looks through all indices, in order, for what is added to it."""
    grad, index, like = in_types
    axis = op.axis % len(like.static)
    length, inner = like.static[axis], math.prod(like.static[axis + 1 :])
    shape = (math.prod(like.static[:axis]), length, inner)
    body = [total(grad.dtype), f"for (int k = 0; k < {index.size}; ++k)"]
    body.append(f"    if ((long long)x1[k] == c1) total += x0[(c0 * {index.size} + k) * {inner} + c2];")
    parameters = [*reads(in_types[:2]), pointer(grad.dtype, "y0", False)]
    made = per_element("gather_grad", shape, parameters, [*body, "y0[i] = total;"])
    return Code((Launch(made, (*ins(0, 1), *outs(0))),))


def one_hot(op: OneHot, in_types: Types, out_types: Types) -> Code | None:
    index = in_types[0]
    axis = op.axis % (len(index.static) + 1)
    inner = math.prod(index.static[axis:])
    shape = (math.prod(index.static[:axis]), op.depth, inner)
    body = [f"y0[i] = (long long)x0[c0 * {inner} + c2] == c1 ? x1[0] : x2[0];"]
    made = per_element("one_hot", shape, [*reads(in_types), pointer(out_types[0].dtype, "y0", False)], body)
    return Code((Launch(made, (*ins(0, 1, 2), *outs(0))),))


def select_rows(op: Select, in_types: Types, out_types: Types) -> Code | None:
    """The condition is one a row."""
    x = in_types[1]
    body = [f"y0[i] = x0[i / {math.prod(x.static[1:])}] ? x1[i] : x2[i];"]
    made = per_element("select", (x.size,), [*reads(in_types), pointer(x.dtype, "y0", False)], body)
    return Code((Launch(made, (*ins(0, 1, 2), *outs(0))),), inplace=(1, 2))


def _assign(sign: str) -> Emitter:
    def emit(op: Op, in_types: Types, out_types: Types) -> Code | None:
        dtype: DType = in_types[0].dtype
        body = [f"x0[i] = {f'x0[i] {sign} ' if sign else ''}x1[i];"]
        parameters = [pointer(dtype, "x0", False), pointer(dtype, "x1")]
        return Code((Launch(per_element("assign", (in_types[0].size,), parameters, body), ins(0, 1)),))

    return emit


EMITTERS: dict[type[Op], Emitter] = {
    Const: lambda op, x, y: Code((Constant(op.value, outs(0)),)),  # type: ignore[arg-type]
    Full: lambda op, x, y: Code((fill(y[0], op.value, Ref("out")),)),
    Identity: lambda op, x, y: _viewed(lambda a: a.reshape(-1), x),
    Transpose: lambda op, x, y: _viewed(lambda a: np.transpose(a, op.perm), x),
    BroadcastTo: broadcast_to,
    Tile: tile,
    SplitV: split,
    Unpack: unpack,
    ConcatV2: concat,
    Pack: pack,
    PutSlice: put_slice,
    StridedSlice: strided_slice,
    Pad: pad,
    GatherV2: take,
    GatherGrad: gather_grad,
    OneHot: one_hot,
    Select: select_rows,
    Assign: _assign(""),
    AssignAdd: _assign("+"),
    AssignSub: _assign("-"),
    NoOp: lambda op, x, y: Code(()),
}
