"""Pointwise work in the place where a kernel stores its result."""

from __future__ import annotations

import numpy as np

from minigraph.core.dtypes import float32
from minigraph.core.scalar import call, operand
from minigraph.core.types import TensorType
from minigraph.loops.builder import Statement
from minigraph.loops.fusion import followed
from minigraph.loops.interpret import interpret
from minigraph.loops.kernel import ADD, Kernel
from minigraph.loops.text import print_kernel


def tensor(*shape: int) -> TensorType:
    return TensorType(float32, shape)


def row_sums(results: int = 1) -> Kernel:
    """The sums of rows [2, 4] → [2, 1], stored in each of some results."""
    k = Statement("rows")
    x, made = k.operand(tensor(2, 4)), [k.result(tensor(2, 1)) for _ in range(results)]
    with k.over(2) as (i,):
        (total,) = k.reduce([4], ADD, [0], [float32], lambda j: [x[i, j]])
        for y in made:
            k.store(y, (i, 0), total)
    return k.done()


def test_what_follows_is_computed_where_the_result_is_stored() -> None:
    x0, x1, x2 = (operand(n, float32) for n in range(3))
    kernel = followed(row_sums(), call("maximum", x0 * x1, x2), [tensor(2, 1), tensor(1)])
    assert kernel is not None
    assert print_kernel(kernel).splitlines() == [
        "kernel rows(in x0: float32[2, 4], in x1: float32[2, 1], in x2: float32[1, 1], out y0: float32[2, 1])",
        "    for i in 0:2",
        "        s = add from 0:float32 over r < 4",
        "            <- x0[i, r]",
        "        y0[i, 0] = maximum(multiply(s, x1[i, 0]), x2[0, 0])",
    ]
    x, scale, least = np.arange(8, dtype="f").reshape(2, 4), np.float32([[2], [-1]]), np.float32([3])
    (found,) = interpret(kernel, [x, scale, least.reshape(1, 1)])
    np.testing.assert_array_equal(found, np.maximum(x.sum(1, keepdims=True) * scale, least))


def test_several_results_and_those_read_again_are_left_alone() -> None:
    x0 = operand(0, float32)
    assert followed(row_sums(2), -x0, []) is None
    k = Statement("running")
    x, y = k.operand(tensor(4)), k.result(tensor(4))
    with k.steps(4) as i:
        k.store(y, (i,), k.padded(y, (i - 1,), 0) + x[i])
    assert followed(k.done(), -x0, []) is None
