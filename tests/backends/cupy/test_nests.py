"""Kernels of the loop language as CUDA C, run on the CPU, against the ops' references."""

from __future__ import annotations

import pytest
from gpu.some_device import has_device, some_device
from gpu.trials import trials
from support.loop_cases import loop_cases

from minigraph.backends.cupy import nests
from minigraph.backends.cupy.backend import CupyBackend
from minigraph.loops import schedule
from minigraph.loops.kernel import For, Reduce, statements

pytestmark = pytest.mark.skipif(not has_device(), reason="neither g++ nor a GPU is there")


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
