"""Constants, and ops that compute nothing."""

from __future__ import annotations

from minigraph.backend.workspace import outs
from minigraph.backends.cupy.kernel import Code, Constant, Emitter
from minigraph.core.op import Op
from minigraph.ops.constant import Const
from minigraph.ops.state.variable import NoOp

EMITTERS: dict[type[Op], Emitter] = {
    Const: lambda op, x, y: Code((Constant(op.value, outs(0)),)),  # type: ignore[arg-type]
    NoOp: lambda op, x, y: Code(()),
}
