"""The roofline model: what it counts of PyTorch, by hand for one network, and how its times depend on a GPU."""

from __future__ import annotations

import pytest
from gpu.roofline import FLOOR, GPUS, Gpu, Work, ours, seconds, theirs


def test_an_operation_takes_the_longest_of_arithmetic_traffic_and_launch() -> None:
    gpu = Gpu("some", bandwidth=1e9, arithmetic=1e12)
    assert seconds([Work("copy", 2e9, 0)], gpu) == 2.0
    assert seconds([Work("product", 2e9, 5e12)], gpu) == 5.0
    assert seconds([Work("small", 4, 4)] * 3, gpu) == pytest.approx(3 * FLOOR)


@pytest.mark.slow
def test_both_lists_of_lenet5_have_the_work_of_its_layers() -> None:
    """Products of a step: forward, and for each layer but the first the gradients of operand and weights."""
    pytest.importorskip("torch")
    layers = [28 * 28 * 6 * 25, 10 * 10 * 16 * 150, 400 * 120, 120 * 84, 84 * 10]
    flops = 2 * 64 * (3 * sum(layers) - layers[0])
    mine, other = ours("lenet5-modern", 64), theirs("lenet5-modern", 64)
    assert sum(w.flops for w in mine) == flops
    assert sum(w.flops for w in other) == flops
    assert sum(w.nbytes for w in mine) < sum(w.nbytes for w in other)
    for gpu in GPUS:
        assert seconds(mine, gpu) < 1.15 * seconds(other, gpu)
