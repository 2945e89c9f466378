"""The kernels that ops state, run by the interpreter, against the ops' references; and their schedules.

Tests `loops/axes.py` and `loops/refusal.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from support.kernel_cases import type_of
from support.loop_cases import loop_cases

from minigraph.backends.llvm.nest_schedule import launches
from minigraph.core.dtypes import float32
from minigraph.core.op import Op
from minigraph.loops import schedule
from minigraph.loops.check import check
from minigraph.loops.interpret import interpret, run_on
from minigraph.loops.kernel import Kernel
from minigraph.ops.random import kernels
from minigraph.ops.random.distributions import RandomStandardNormal, RandomUniform

FEW = 5000  # elements; the interpreter takes a millisecond for a random one, and code is checked on more
CASES = [
    pytest.param(op, inputs, kernel, id=f"{name}-{n}")
    for n, (name, op, inputs, kernel) in enumerate(loop_cases())
    if not op.draws or all(b.size < FEW for b in kernel.buffers)
]


def assert_equal(op: Op, inputs: Sequence[Any], got: Sequence[np.ndarray]) -> None:
    with np.errstate(all="ignore"):
        wanted = op.forward(np, *inputs)
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a.reshape(np.shape(b)).astype(float), b, rtol=2e-5, atol=2e-6)


def scheduled(kernel: Kernel, inputs: list[Any], lanes: int) -> list[np.ndarray]:
    """The results of a kernel's launches."""
    memory: dict[str, np.ndarray] = {}
    for s in launches(kernel, lanes):
        run_on(memory, s.kernel, inputs)
    return [memory[b.name] for role in ("out", "var") for b in kernel.buffers if b.role == role]


@pytest.mark.parametrize(("op", "inputs", "kernel"), CASES)
def test_a_statement_computes_what_the_reference_does(op: Op, inputs: list[Any], kernel: Kernel) -> None:
    assert_equal(op, inputs, interpret(check(kernel), inputs))


@pytest.mark.parametrize("lanes", [4, 16])
@pytest.mark.parametrize(("op", "inputs", "kernel"), CASES)
def test_a_schedule_computes_the_same(op: Op, inputs: list[Any], kernel: Kernel, lanes: int) -> None:
    assert_equal(op, inputs, scheduled(kernel, inputs, lanes))


@pytest.mark.parametrize("draw", [RandomUniform, RandomStandardNormal])
def test_random_numbers_in_several_chunks(draw: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two whole chunks, a part of one, and numbers that are worked on one by one."""
    monkeypatch.setattr(kernels, "CHUNK", 2 * kernels.TOGETHER)
    op, cell = draw(float32, (2 * 4 * kernels.CHUNK + 67,), 7, 3), np.array([2**32 - 3, 7, 3], np.uint64)
    kernel = op.loops([type_of(cell)], op.infer(type_of(cell)))
    assert_equal(op, [cell], interpret(check(kernel), [cell]))
    assert_equal(op, [cell], scheduled(kernel, [cell], lanes=4))


def test_each_kernel_states_its_types_and_its_results_once() -> None:
    for name, op, inputs, kernel in loop_cases():
        roles = [b.role for b in kernel.buffers]
        assert roles.count("in") + roles.count("var") <= len(inputs), name
        assert [b.position for b in kernel.buffers if b.role == "var"] == list(op.writes), name
        assert roles.count("out") + roles.count("var") == len(op.forward(np, *inputs)), name
        flat = schedule.flatten(kernel)
        assert [b.size for b in flat.buffers] == [b.size for b in kernel.buffers]
