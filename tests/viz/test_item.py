"""The part of a training step that a node belongs to, by its name."""

from __future__ import annotations

import pytest

from minigraph.viz.item import differentiated, is_gradient


@pytest.mark.parametrize(
    ("name", "node"),
    [
        ("gradients/conv1/Relu_grad/ReluGrad", "conv1/Relu"),
        ("gradients_1/loss_grad/BroadcastLike", "loss"),
        ("tower/gradients/fc/MatMul_grad_1/MatMul", "tower/fc/MatMul"),
        ("gradients/AddN_3", ""),
    ],
)
def test_the_node_that_a_gradient_differentiates(name: str, node: str) -> None:
    assert is_gradient(name)
    assert differentiated(name) == node


def test_what_only_looks_like_a_gradient() -> None:
    assert not is_gradient("gradients")
    assert not is_gradient("conv1/Relu")
