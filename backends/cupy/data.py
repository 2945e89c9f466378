"""Elements looked up by indices or selected by conditions, gradients of means, constants and assignments."""

from __future__ import annotations

import math

import numpy as np

from minigraph.backend.workspace import BufferRef, ins, outs
from minigraph.backends.cupy.kernel import Code, Constant, Emitter, Launch, Types, per_element, pointer, reads
from minigraph.backends.cupy.moves import gather
from minigraph.backends.cupy.source import literal, summing, total
from minigraph.core.dtypes import DType
from minigraph.core.op import Op
from minigraph.ops.array.joining import GatherGrad, GatherV2
from minigraph.ops.broadcast import BroadcastTo, restore_axes
from minigraph.ops.constant import Const
from minigraph.ops.state.variable import Assign, AssignAdd, AssignSub, NoOp


def broadcast_to(op: BroadcastTo, in_types: Types, out_types: Types) -> Code | None:
    """The gradient of a mean: copies divided by their number."""
    x = in_types[0]
    if not x.dtype.is_floating:
        return None
    kept = restore_axes(x.static, op.axis, op.shape)
    value = f"({{}} / {literal(math.prod(op.shape) // max(x.size, 1) or 1, summing(x.dtype))})"
    return Code(
        (gather(x, lambda a: np.broadcast_to(a.reshape(kept), op.shape), BufferRef("in"), BufferRef("out"), value),)
    )


def take(op: GatherV2, in_types: Types, out_types: Types) -> Code | None:
    """Slices at indices. An index out of range gives zeros, as a kernel cannot raise."""
    x, index = in_types
    axis = op.axis % len(x.static)
    length, inner = x.static[axis], math.prod(x.static[axis + 1 :])
    shape = (math.prod(x.static[:axis]), index.size, inner)
    body = [f"const long long at = (long long)x1[c1]; const bool inside = at >= 0 && at < {length};"]
    body.append(f"y0[i] = inside ? x0[(c0 * {length} + at) * {inner} + c2] : {literal(0, x.dtype)};")
    made = per_element("take", shape, [*reads(in_types), pointer(x.dtype, "y0", False)], body)
    return Code((Launch(made, (*ins(0, 1), *outs(0))),))


def gather_grad(op: GatherGrad, in_types: Types, out_types: Types) -> Code | None:
    """Each element goes through all indices in order and adds the slices that belong to it."""
    grad, index, like = in_types
    axis = op.axis % len(like.static)
    length, inner = like.static[axis], math.prod(like.static[axis + 1 :])
    shape = (math.prod(like.static[:axis]), length, inner)
    body = [total(grad.dtype), f"for (int k = 0; k < {index.size}; ++k)"]
    body.append(f"    if ((long long)x1[k] == c1) total += x0[(c0 * {index.size} + k) * {inner} + c2];")
    parameters = [*reads(in_types[:2]), pointer(grad.dtype, "y0", False)]
    made = per_element("gather_grad", shape, parameters, [*body, "y0[i] = total;"])
    return Code((Launch(made, (*ins(0, 1), *outs(0))),))


def _assign(sign: str) -> Emitter:
    def emit(op: Op, in_types: Types, out_types: Types) -> Code | None:
        dtype: DType = in_types[0].dtype
        body = [f"x0[i] = {f'x0[i] {sign} ' if sign else ''}x1[i];"]
        parameters = [pointer(dtype, "x0", False), pointer(dtype, "x1")]
        return Code((Launch(per_element("assign", (in_types[0].size,), parameters, body), ins(0, 1)),))

    return emit


EMITTERS: dict[type[Op], Emitter] = {
    Const: lambda op, x, y: Code((Constant(op.value, outs(0)),)),  # type: ignore[arg-type]
    BroadcastTo: broadcast_to,
    GatherV2: take,
    GatherGrad: gather_grad,
    Assign: _assign(""),
    AssignAdd: _assign("+"),
    AssignSub: _assign("-"),
    NoOp: lambda op, x, y: Code(()),
}
