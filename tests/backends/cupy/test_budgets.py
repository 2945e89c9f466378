"""Limits on the work of a network's run on a GPU: device operations, small ones, bytes moved.

The limits are figures of today: a change that needs more is looked at, one that needs less lowers them.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest
from gpu.launch_list import SMALL, operations, plan_of


class Budget(NamedTuple):
    model: str
    batch: int
    inference: bool
    operations: int
    small: int
    gigabytes: float


BUDGETS = [
    Budget("lenet5-modern", 64, False, 42, 25, 0.02),
    Budget("mnist-cnn", 128, False, 41, 14, 0.48),
    Budget("vgg16", 32, False, 129, 7, 17.9),
    Budget("resnet50", 1, True, 64, 3, 0.23),
    Budget("resnet50", 32, False, 441, 6, 23.3),
]


@pytest.mark.parametrize("budget", [pytest.param(b, id=f"{b.model} {b.batch}") for b in BUDGETS])
def test_a_run_stays_within_its_budget(budget: Budget) -> None:
    plan = plan_of(budget.model, budget.batch, budget.inference)
    found = operations(plan)
    assert plan.missed is None
    assert len(found) <= budget.operations
    assert sum(o.nbytes < SMALL for o in found) <= budget.small
    assert sum(o.nbytes for o in found) <= budget.gigabytes * 1e9
