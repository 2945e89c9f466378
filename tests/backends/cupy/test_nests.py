"""Kernels of the loop language as CUDA C, run on the CPU, against the ops' references."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from gpu.some_device import has_device, some_device
from gpu.trials import trials
from support.loop_cases import loop_cases
from support.programs import program_of

import minigraph as tf
from minigraph.backends.cupy import nests
from minigraph.backends.cupy.backend import CupyBackend
from minigraph.backends.cupy.emit import emit
from minigraph.backends.cupy.kernel import Launch
from minigraph.loops import schedule
from minigraph.loops.kernel import For, Reduce, statements
from minigraph.ops.constant import Const

needs_device = pytest.mark.skipif(not has_device(), reason="neither g++ nor a GPU is there")


@needs_device
def test_kernels_against_the_references() -> None:
    backend = CupyBackend(some_device())
    made = [(name, t) for name, op, inputs, _ in loop_cases() for t in trials(backend, op, inputs, 2e-5)]
    wrong = []
    for name, trial in made:
        try:
            trial.run()
        except AssertionError as error:
            wrong.append(f"{name}: {error}")
    assert not wrong, "\n".join(wrong)


def test_long_adjacent_reductions_are_shared_by_a_block() -> None:
    for name, _, _, kernel in loop_cases():
        made = nests.scheduled(kernel)
        outer = {f.mapping for f in schedule.nest(made.body)[0]}
        shared = [s for s in statements(made.body) if isinstance(s, Reduce | For) and s.mapping == "lanes"]
        assert outer == ({"block"} if shared else {"thread"}) or not outer, name


def depthwise() -> tuple[Any, list[Any]]:
    x, w = tf.placeholder(tf.float32, [1 << 15, 224, 224, 16]), tf.placeholder(tf.float32, [1, 2, 16, 1])
    y = tf.nn.depthwise_conv2d(x, w, [1, 4, 4, 1], "VALID")
    return [y, *tf.gradients(y, [x, w])], [x, w]


def pooled(pool: Any) -> tuple[Any, list[Any]]:
    x = tf.placeholder(tf.float32, [1024, 224, 224, 64])
    y = pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    return [y, *tf.gradients(y, x)], [x]


def gathered() -> tuple[Any, list[Any]]:
    table, at = tf.placeholder(tf.float32, [1 << 22, 1024]), tf.placeholder(tf.int32, [8])
    y = tf.gather(table, at)
    return [y, tf.convert_to_tensor(tf.gradients(y * y, table)[0])], [table, at]


def products() -> tuple[Any, list[Any]]:
    a, b = tf.placeholder(tf.int32, [70_000, 70_000]), tf.placeholder(tf.int32, [70_000, 8])
    return [tf.matmul(a, b)], [a, b]


def argmax() -> tuple[Any, list[Any]]:
    x = tf.placeholder(tf.float32, [1 << 22, 1024])
    return [tf.argmax(x, 1), tf.reduce_max(x, 0), tf.nn.softmax(x)], [x]


@pytest.mark.parametrize(
    "build",
    [
        lambda: pooled(tf.nn.max_pool), lambda: pooled(tf.nn.avg_pool), gathered, products, argmax, depthwise,
    ],
)  # fmt: skip
def test_indices_into_large_operands_have_64_bits(build: Callable[[], tuple[Any, list[Any]]]) -> None:
    """Of kernels whose own space is small, too. No memory is needed: the code is looked at."""
    fetches, feeds = build()
    seen = 0
    for instr in program_of(fetches, feeds).instrs:
        types = [v.type for v in instr.inputs]
        code = None if isinstance(instr.op, Const) or not types else emit(instr.op, types, instr.types)
        if code is None or max(t.size for t in (*types, *instr.types)) < 1 << 31:
            continue
        for step in code.steps:
            if isinstance(step, Launch) and all(r.kind != "work" for r in step.args):  # those have parts of operands
                seen += 1
                assert first_indices(step.kernel.source) <= {"long long"}, step.kernel.source
    assert seen


def first_indices(source: str) -> set[str]:
    """The types of the variables that subscripts begin with. Those behind are less than the length of an axis."""
    subscripts = re.findall(r"\b[xy]\d+\[[(]*(\w+) \*", source)
    return {kind for kind, name in re.findall(r"\b(int|long long) (\w+) = ", source) if name in subscripts}
