"""Errors of ops that were given operands of shapes that do not fit, told apart from defects of the compiler.

Ops check their operands when types are inferred. If one does not, NumPy, Python or a backend finds that something is
wrong, and says so in terms of its own. Then the op's reference is asked whether it takes operands of these shapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.core.errors import InternalError, MinigraphError, ShapeError, in_run
from minigraph.core.graph import Graph, Node
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ir.program import Cell, Feed, Program
from minigraph.ops.constant import Const


def takes(op: Op, types: Sequence[TensorType], consts: Sequence[Any] = ()) -> bool:
    """Whether the op's reference computes with operands of static `types`.

    consts: the values of those that are known; for the others zeros stand.
    """
    known = [*consts, *[None] * (len(types) - len(consts))]
    arrays = [
        np.broadcast_to(np.zeros((), t.dtype.np_dtype), t.static) if value is None else np.asarray(value)
        for t, value in zip(types, known, strict=True)
    ]
    try:
        with np.errstate(all="ignore"):
            op.reference(*arrays)
    except MinigraphError:  # about the zeros
        return True
    except Exception:
        return False
    return True


def explained(
    error: Exception, where: str, node: Any, op: Op, types: Sequence[TensorType], consts: Sequence[Any] = ()
) -> MinigraphError:
    """The error of a run for an exception of `op`, whose operands have the static `types`.

    where: the node and the line that made it. node: the node, or its name.
    """
    is_ours = isinstance(error, MinigraphError | MemoryError | OSError)
    if not is_ours and not takes(op, types, consts):
        error = ShapeError(f"{type(op).__name__} does not take operands of the shapes {_listed(types)}")
    return in_run(error, where, node)


def blamed(program: Program, error: Exception) -> MinigraphError:
    """The error of a run for an exception while `program` was compiled."""
    for instr in program.instrs:
        types = [v.type for v in instr.inputs]
        if isinstance(instr.op, Feed | Cell | Const) or instr.op.checks:
            continue
        consts = [v.instr.op.value if isinstance(v.instr.op, Const) else None for v in instr.inputs]
        if not takes(instr.op, types, consts):
            return explained(error, instr.where, instr.name, instr.op, types, consts)
    return InternalError(f"the compiler failed with {type(error).__name__}: {error}")


def node_of(graph: Graph, name: str) -> Node | None:
    """The node that an error names. If the node was spelled out by others, their names have its name as their scope."""
    while name:
        if (node := graph.find_node(name)) is not None:
            return node
        name = name.rpartition("/")[0]
    return None


def _listed(types: Sequence[TensorType]) -> str:
    return ", ".join(str(t) for t in types)
