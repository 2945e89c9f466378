"""Optimizer steps in place, in blocks that stay in the cache through all calls of the formula."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.backend.base import Launch, Lowered, Types, in_sequence
from minigraph.backends.numpy.common import Array, ArrayLayout, Kernel, block_elements, blocks, steps_only
from minigraph.backends.numpy.expressions import plan_expressions
from minigraph.core.op import Op
from minigraph.core.scalar import operand
from minigraph.ops.state.sparse_update import SparseApply
from minigraph.ops.state.update import Apply


def apply(op: Apply, in_types: Types, out_types: Types) -> Lowered:
    """The op's own formula. What depends on scalars only is computed once, the rest on each block."""
    count, elements = len(in_types), in_types[0].size
    whole = op.whole(count)
    formulas = op.step(*(operand(i, t.dtype) for i, t in enumerate(in_types)))
    plan = plan_expressions(formulas, count, op.writes, set(range(count)) - whole)
    some = min(block_elements(in_types[0].dtype.np_dtype), elements)
    layout = ArrayLayout()
    for kind in plan.singles:
        layout.reserve((), kind)
    for kind in plan.temporaries:
        layout.reserve(some, kind)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        buffers = layout.arrays(workspace)
        singles, temporaries = buffers[: len(plan.singles)], buffers[len(plan.singles) :]
        flat = [a.reshape(-1 if i in whole else ()) for i, a in enumerate(inputs)]
        made = plan.bind_before(flat, singles)
        for part in blocks(elements, some):
            cut = [a[part] if i in whole else a for i, a in enumerate(flat)]
            targets = [cut[i] for i in op.writes]
            made += plan.bind([*cut, *targets], [t[: part.stop - part.start] for t in temporaries], singles)
        return in_sequence(made)

    return Lowered(bind, layout.nbytes)


def sparse_apply(op: SparseApply, in_types: Types, out_types: Types) -> Lowered:
    """The reference's rows, written in place."""

    def steps(inputs: Sequence[Array], outputs: Sequence[Any]) -> list[Launch]:
        def launch() -> None:
            rows, changed = op.changed(np, *inputs)
            for i, new in zip(op.writes, changed, strict=True):
                inputs[i][rows] = new

        return [launch]

    return steps_only(steps)


KERNELS: dict[type[Op], Kernel] = {Apply: apply, SparseApply: sparse_apply}
