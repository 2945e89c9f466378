"""Loops with a compiled body: a plan of the body is bound once, and run for each step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigraph.backend.base import Backend, Launch, Lowered, Types
from minigraph.backend.host import HostArray
from minigraph.backends.numpy.common import Array
from minigraph.compile.body_plan import BodyPlan
from minigraph.core.types import TensorType
from minigraph.ir.compiled_loop import CompiledLoop


def looped(op: CompiledLoop, in_types: Types, backend: Backend) -> Lowered:
    """The loop on a backend in host memory."""
    plan = BodyPlan(op.program, backend)
    first, last, length = op.carried, op.carried + op.scanned, in_types[op.carried].static[0]

    def bind(inputs: Sequence[Array], outputs: Sequence[Array | None], workspace: Array) -> Launch:
        state = [_like(t) for t in in_types[:first]]
        rows = [_like(TensorType(t.dtype, t.static[1:])) for t in in_types[first:last]]
        run, results = plan.on([*state, *rows, *inputs[last:]], workspace)
        elements = list(zip(rows, inputs[first:last], strict=True))
        stacked = [(y, r) for y, r in zip(outputs[first:], results[first:], strict=True) if y is not None]
        change = _assignment(state, results[:first])
        order = range(length)[:: -1 if op.reverse else 1]
        before = list(zip(state, inputs, strict=False))
        after = [(y, s) for y, s in zip(outputs, state, strict=False) if y is not None]

        def launch() -> None:
            for s, x in before:
                np.copyto(s, x)
            for t in order:
                for row, x in elements:
                    row[...] = x[t]
                run()
                for y, r in stacked:
                    y[t] = r
                for s, r in change:
                    np.copyto(s, r)
            for y, s in after:
                np.copyto(y, s)

        return launch

    return Lowered(bind, plan.peak, uses_blas=True, prepare=lambda _: plan.prepare())


def _assignment(state: Sequence[Array], results: Sequence[Array]) -> list[tuple[Array, Array]]:
    """Copies, in order, after which the states hold the results."""
    pairs = list(zip(state, results, strict=True))
    if not any(np.may_share_memory(r, s) for own, r in pairs for s in state if s is not own):
        return pairs
    spare = [np.empty_like(s) for s, _ in pairs]
    return [*((x, r) for x, (_, r) in zip(spare, pairs, strict=True)), *zip([s for s, _ in pairs], spare, strict=True)]


def _like(kind: TensorType) -> HostArray:
    return np.empty(kind.static, kind.dtype.np_dtype)
