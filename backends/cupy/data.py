"""Elements looked up by indices or selected by conditions, gradients of means, constants and assignments."""

from __future__ import annotations

import math

import numpy as np

from minigraph.backend.workspace import BufferRef, ins, outs
from minigraph.backends.cupy.kernel import Code, Constant, Emitter, Launch, Types, per_element, pointer
from minigraph.backends.cupy.moves import gather
from minigraph.backends.cupy.source import literal, summing
from minigraph.core.dtypes import DType
from minigraph.core.op import Op
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
    Assign: _assign(""),
    AssignAdd: _assign("+"),
    AssignSub: _assign("-"),
    NoOp: lambda op, x, y: Code(()),
}
