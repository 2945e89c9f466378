"""All passes on random graphs: values, effects and idempotence."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from support.random_graphs import Case, evaluate, random_graphs

import minigraph as tf
from minigraph.compile.specialise import specialise
from minigraph.core.types import TensorType
from minigraph.ir.printer import format_program
from minigraph.ir.verifier import verify_program
from minigraph.passes import ALL

QUICK = settings(max_examples=60)


@QUICK
@given(random_graphs())
def test_passes_keep_values_and_effects(case: Case) -> None:
    plain, optimised = evaluate(case, optimize="O0"), evaluate(case, optimize="O3")
    for a, b in zip(plain, optimised, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


@QUICK
@given(random_graphs(stateful=False))
def test_passes_are_idempotent(case: Case) -> None:
    program = specialise(
        [f for f in case.fetches if isinstance(f, tf.Tensor)],
        [],
        list(case.feeds),
        [TensorType(h.dtype, a.shape) for h, a in case.feeds.items()],
    )
    for each in ALL:
        once = each.run(program).program
        verify_program(once)
        again = each.run(once)
        assert not again.applied
        assert format_program(again.program) == format_program(once)
        program = once
