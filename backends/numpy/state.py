"""Assignments to variables, random numbers, constants, and nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from minigraph.backend.base import Launch, Lowered, Types
from minigraph.backends.numpy.common import Array, Kernel, copy, steps_only
from minigraph.core.op import Op
from minigraph.ops.constant import Const
from minigraph.ops.random import philox
from minigraph.ops.random.distributions import (
    RandomOp,
    RandomStandardNormal,
    RandomUniform,
    RandomUniformInt,
    TruncatedNormal,
)
from minigraph.ops.state.variable import Assign, AssignAdd, AssignSub, NoOp


def const(op: Const, in_types: Types, out_types: Types) -> Lowered:
    return steps_only(lambda _, out: [copy(out[0], op.value)])  # type: ignore[arg-type]


def random(op: RandomOp, in_types: Types, out_types: Types) -> Lowered:
    """Philox's values from the cell's counter on. The counter then advances by the values reserved."""
    count = out_types[0].size
    step = np.uint64(philox.reserved(count))

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        cell, values = inputs[0], outputs[0]
        counter = cell[:1]

        def launch() -> None:
            offset, key, stream = cell.tolist()
            if values is not None:
                np.copyto(values, op.draw(count, key, stream, offset).reshape(values.shape))
            np.add(counter, step, counter)

        return launch

    return Lowered(bind)


KERNELS: dict[type[Op], Kernel] = {
    Const: const,
    Assign: lambda op, x, y: steps_only(lambda given, _: [copy(given[0], given[1])]),
    AssignAdd: lambda op, x, y: steps_only(lambda given, _: [partial(np.add, *given, given[0])]),
    AssignSub: lambda op, x, y: steps_only(lambda given, _: [partial(np.subtract, *given, given[0])]),
    RandomUniform: random,
    RandomStandardNormal: random,
    TruncatedNormal: random,
    RandomUniformInt: random,
    NoOp: lambda op, x, y: steps_only(lambda _, __: []),
}
