"""The part of a training step that a node belongs to, by its name; and what a loop consists of."""

from __future__ import annotations

import numpy as np
import pytest

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.ir.scan import element
from minigraph.ir.scan_gradient import make_region, scan_region
from minigraph.viz.item import differentiated, is_gradient
from minigraph.viz.stages import trace, trace_plan


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


def test_a_loop_lists_the_operations_of_a_step() -> None:
    x = tf.placeholder(tf.float32, [400, 3, 4], name="x")
    w = tf.constant(np.ones((4, 4), np.float32), name="w")
    h = tf.constant(np.zeros((3, 4), np.float32))

    def body(h: Tensor, e: Tensor, w: Tensor) -> list[Tensor]:
        return [tf.tanh(e + tf.matmul(h, w, name="product"), name="new")]

    types = [h.type, element(x.type), w.type]
    (last,) = scan_region(make_region(types, body), [h], [x], [w])
    before = trace(last.graph, [last]).pictures[0]
    with tf.Session(backend="numpy") as session:
        after = trace_plan(session.plan_for([last], {x: np.zeros((400, 3, 4), np.float32)})[0]).pictures[-1]
    for picture in (before, after):
        (loop,) = (box for box in picture.boxes if box.title)
        assert loop.title == "loop of matMul + add + tanh"
        assert [line.split()[0] for line in loop.inner] == ["MatMul", "AddV2", "Tanh"]
        assert loop.inner[0].endswith("96 FLOP")
        assert [box.title for box in picture.boxes if box is not loop] == [""] * (len(picture.boxes) - 1)
