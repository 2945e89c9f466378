"""Kernels of fused loops, by the interpreter, against the members' references."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigraph.backends.llvm.nest_schedule import launches
from minigraph.core.dtypes import as_dtype
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ir.loop_kernel import expression_of
from minigraph.ir.program import Builder, Feed, Program, Value, reachable
from minigraph.ir.regions import Loop
from minigraph.loops.interpret import interpret, run_on
from minigraph.loops.text import print_kernel
from minigraph.ops.math.arithmetic import Add, Mul, Sub
from minigraph.ops.math.extremes import Maximum
from minigraph.ops.math.reduce import Sum


class Region:
    """A loop under construction."""

    def __init__(self, space: tuple[int, ...], shapes: list[tuple[int, ...]], dtype: str = "float32") -> None:
        self.space, self.builder = space, Builder()
        self.types = tuple(TensorType(as_dtype(dtype), s) for s in shapes)
        self.values = [Value(self.builder.add(Feed(n, t)), 0) for n, t in enumerate(self.types)]

    def add(self, op: Op, *args: Value) -> Value:
        self.values.append(Value(self.builder.add(op, list(args)), 0))
        return self.values[-1]

    def loop(self, *results: Value) -> Loop:
        return Loop(Program(reachable(v.instr for v in results), results, self.types), self.space)


def kernel_of(loop: Loop):  # type: ignore[no-untyped-def]
    return loop.loops(loop.program.feeds, [v.type for v in loop.program.results])


@settings(max_examples=60)
@given(data=st.data())
def test_a_loop_computes_what_its_members_do(data: st.DataObject) -> None:
    space = tuple(data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)))
    broadcast = st.tuples(*(st.sampled_from([1, d]) for d in space))
    region = Region(space, [space, data.draw(broadcast), data.draw(broadcast)])
    pointwise = [region.add(Add(), *region.values[:2])]
    for kind in data.draw(st.lists(st.sampled_from([Add, Mul, Sub, Maximum]), max_size=4)):
        other = data.draw(st.sampled_from([*region.values[:3], *pointwise]))
        pointwise.append(region.add(kind(), pointwise[-1], other))
    axes = st.sets(st.integers(0, len(space) - 1))
    sums = [
        region.add(Sum(tuple(sorted(found)), data.draw(st.booleans())), data.draw(st.sampled_from(pointwise)))
        for found in data.draw(st.lists(axes, max_size=3))
    ]
    results = data.draw(st.permutations([*dict.fromkeys(sums), pointwise[-1]]))
    loop = region.loop(*results)
    arrays = [np.random.RandomState(n).randint(-3, 4, t.static).astype("f") for n, t in enumerate(region.types)]
    wanted = loop.forward(np, *arrays)
    kernel = kernel_of(loop)
    memory: dict[str, np.ndarray] = {}
    for s in launches(kernel, 4):
        run_on(memory, s.kernel, arrays)
    for found in (interpret(kernel, arrays), [memory[f"y{n}"] for n in range(len(results))]):
        for got, want in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(got.reshape(np.shape(want)), want)


def test_sums_over_the_same_axes_take_one_pass_and_shared_values_have_names() -> None:
    region = Region((4, 3), [(4, 3), (3,)])
    x, b = region.values
    y = region.add(Mul(), x, b)
    loop = region.loop(region.add(Sum((0,), False), y), region.add(Sum((0,), True), region.add(Mul(), y, y)), y)
    text = print_kernel(kernel_of(loop)).partition("\n")[2]
    assert (
        text
        == """\
    for i in 0:3
        s, s1 = add from 0:float32, 0:float32 over r < 4
            t = multiply(x0[r, i], x1[0, i])
            y2[r, i] = t
            <- t, multiply(t, t)
        y0[0, i] = s
        y1[0, i] = s1
"""
    )


def test_float16_is_added_up_in_float32() -> None:
    region = Region((5000,), [(5000,)], "float16")
    loop = region.loop(region.add(Sum((0,), False), region.add(Add(), region.values[0], region.values[0])))
    (total,) = interpret(kernel_of(loop), [np.ones(5000, np.float16)])
    assert total.dtype == np.float16
    assert total.reshape(()) == 10_000


@pytest.mark.parametrize("summed", [False, True])
def test_one_result_without_sums_is_an_expression(summed: bool) -> None:
    region = Region((4,), [(4,), (4,)])
    y = region.add(Add(), *region.values)
    assert repr(expression_of(region.loop(y).program)) == "add(x0, x1)"
    assert expression_of(region.loop(y, y).program) is None
    assert expression_of(region.loop(region.add(Sum((0,), False), y)).program) is None
