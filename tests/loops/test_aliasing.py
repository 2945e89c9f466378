"""Which operands a kernel may overwrite, and that doing so changes nothing."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from support.loop_cases import loop_cases

from minigraph.backends.llvm.nest_schedule import launches
from minigraph.core.op import Op
from minigraph.loops.aliasing import overwritable
from minigraph.loops.interpret import Machine, run_on
from minigraph.loops.kernel import Kernel
from minigraph.ops.math.cumulative import Cumsum
from minigraph.ops.nn.softmax import LogSoftmax, Softmax


@cache
def cases() -> list[tuple[Op, list[Any], Kernel]]:
    return [(op, inputs, launches(kernel, 8)[0].kernel) for _, op, inputs, kernel in loop_cases()]


def run(kernel: Kernel, inputs: list[np.ndarray], shared: int | None) -> list[np.ndarray]:
    memory: dict[str, np.ndarray] = {}
    run_on(memory, kernel._replace(body=()), inputs)
    machine = Machine({b: memory[b.name] for b in kernel.buffers})
    results = [b for b in kernel.buffers if b.role == "out"]
    if shared is not None:
        operand = next(b for b in kernel.buffers if b.role == "in" and b.position == shared)
        machine.memory[results[0]] = machine.memory[operand]
    with np.errstate(all="ignore"):
        machine.run(kernel.body)
    return [machine.memory[b] for b in results]


def test_overwriting_an_operand_changes_no_result() -> None:
    shared = 0
    for _, inputs, kernel in cases():
        for position in overwritable(kernel):
            shared += 1
            for a, b in zip(run(kernel, inputs, None), run(kernel, inputs, position), strict=True):
                np.testing.assert_array_equal(a, b)
    assert shared > 10


@pytest.mark.parametrize(("kind", "wanted"), [(Softmax, (0,)), (LogSoftmax, (0,))])
def test_the_softmaxes_overwrite_their_logits(kind: type, wanted: tuple[int, ...]) -> None:
    found = [overwritable(kernel) for op, _, kernel in cases() if type(op) is kind]
    assert set(found) == {wanted}


def test_an_element_that_is_read_after_its_result_is_written_stays() -> None:
    exclusive = [overwritable(kernel) for op, _, kernel in cases() if isinstance(op, Cumsum) and op.exclusive]
    assert set(exclusive) == {()}
