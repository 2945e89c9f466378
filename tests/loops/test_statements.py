"""The kernels that ops state, run by the interpreter, against the ops' references; and their schedules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from support.loop_cases import loop_cases

from minigraph.backends.llvm.nest_schedule import launches
from minigraph.core.op import Op
from minigraph.loops import schedule
from minigraph.loops.check import check
from minigraph.loops.interpret import interpret, run_on
from minigraph.loops.kernel import Kernel

CASES = [
    pytest.param(op, inputs, kernel, id=f"{name}-{n}") for n, (name, op, inputs, kernel) in enumerate(loop_cases())
]


def assert_equal(op: Op, inputs: Sequence[Any], got: Sequence[np.ndarray]) -> None:
    with np.errstate(all="ignore"):
        wanted = op.forward(np, *inputs)
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a.reshape(np.shape(b)).astype(float), b, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(("op", "inputs", "kernel"), CASES)
def test_a_statement_computes_what_the_reference_does(op: Op, inputs: list[Any], kernel: Kernel) -> None:
    assert_equal(op, inputs, interpret(check(kernel), inputs))


@pytest.mark.parametrize("lanes", [4, 16])
@pytest.mark.parametrize(("op", "inputs", "kernel"), CASES)
def test_a_schedule_computes_the_same(op: Op, inputs: list[Any], kernel: Kernel, lanes: int) -> None:
    memory: dict[str, np.ndarray] = {}
    for s in launches(kernel, lanes):
        run_on(memory, s.kernel, inputs)
    assert_equal(op, inputs, [memory[b.name] for role in ("out", "var") for b in kernel.buffers if b.role == role])


def test_each_kernel_states_its_types_and_its_results_once() -> None:
    for name, op, inputs, kernel in loop_cases():
        roles = [b.role for b in kernel.buffers]
        assert roles.count("in") + roles.count("var") <= len(inputs), name
        assert [b.position for b in kernel.buffers if b.role == "var"] == list(op.writes), name
        assert roles.count("out") + roles.count("var") == len(op.forward(np, *inputs)), name
        flat = schedule.flatten(kernel)
        assert [b.size for b in flat.buffers] == [b.size for b in kernel.buffers]
