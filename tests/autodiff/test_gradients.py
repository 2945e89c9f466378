"""Reverse-mode differentiation as a graph transformation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.evaluate import check_gradients, evaluate
from support.verify_graph import verify_graph

from minigraph.autodiff.gradients import cut_at, gradients
from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import GradientError, GraphError
from minigraph.core.graph import Graph, Tensor
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ops.array import joining as J
from minigraph.ops.array.gathering import gather
from minigraph.ops.builder import apply, apply_all
from minigraph.ops.constant import constant, placeholder
from minigraph.ops.identity import stop_gradient
from minigraph.ops.math.argmax import argmax
from minigraph.ops.math.arithmetic import add, multiply, negative, square, squared_difference, subtract
from minigraph.ops.math.casting import cast
from minigraph.ops.math.exponential import exp
from minigraph.ops.math.reduce import reduce_mean, reduce_sum
from minigraph.ops.math.rounding import ceil
from minigraph.ops.math.trigonometric import cos, sin, tanh
from minigraph.ops.nn.activation import Relu, sigmoid
from minigraph.ops.nn.avg_pool import avg_pool
from minigraph.ops.nn.conv2d import conv2d
from minigraph.ops.nn.cross_entropy import softmax_cross_entropy_with_logits
from minigraph.ops.nn.loss import l2_loss
from minigraph.ops.nn.max_pool import max_pool
from minigraph.ops.nn.norm import batch_normalization
from minigraph.ops.nn.statistics import moments

RANDOM = np.random.RandomState(0)


class Opaque(Op, abstract=True):
    """x, without a gradient."""

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return (x,)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (x,)


@pytest.fixture
def x() -> Any:
    """A float64 vector of three in a fresh default graph, which is verified in the end."""
    with Graph().as_default() as graph:
        yield placeholder("float64", [3], name="x")
    verify_graph(graph)


X = np.array([1.0, 2.0, -3.0])


def values(tensors: Any, x: Tensor) -> list[list[float]]:
    assert all(t is not None for t in tensors)
    return [v.tolist() for v in evaluate(tensors, {x: X})]


def test_a_tensor_used_twice_sums_its_gradients(x: Tensor) -> None:
    assert values(gradients(x * x + x, x), x) == [(2 * X + 1).tolist()]
    assert values(gradients(x + x + x, [x, x]), x) == [[3, 3, 3]] * 2


def test_no_path_gives_none(x: Tensor) -> None:
    other = placeholder("float64", [3])
    assert gradients(x * 2.0, [other]) == [None]
    assert gradients(x * 2.0, [other, x])[1] is not None
    assert gradients(stop_gradient(x), x) == [None]
    assert gradients(cast(cast(x, "int32"), "float64"), x) == [None]
    assert gradients(cast(argmax(x), "float64"), x) == [None]
    assert gradients(x, []) == []
    later = x * 2.0
    assert gradients(x * 3.0, later) == [None]


def test_gradient_of_a_tensor_by_itself_and_by_an_intermediate(x: Tensor) -> None:
    middle = square(x)
    y = square(middle)
    assert values(gradients(y, y), x) == [[1, 1, 1]]
    assert values(gradients(y, middle), x) == [(2 * X**2).tolist()]
    assert values(gradients(y, [x, middle, y]), x) == [(4 * X**3).tolist(), (2 * X**2).tolist(), [1, 1, 1]]
    assert values(gradients([y, middle], [x, middle]), x) == [(4 * X**3 + 2 * X).tolist(), (2 * X**2 + 1).tolist()]


def test_several_ys_are_summed_with_their_weights(x: Tensor) -> None:
    ys = [x * 2.0, reduce_sum(square(x))]
    assert values(gradients(ys, x), x) == [(2 + 2 * X).tolist()]
    weights = [np.array([1.0, 0, -1]), None]
    assert values(gradients(ys, x, grad_ys=weights), x) == [(2 * np.array([1, 0, -1]) + 2 * X).tolist()]
    assert values(gradients(ys[0], x, grad_ys=x), x) == [(2 * X).tolist()]
    assert values(gradients([ys[0], ys[0]], x), x) == [[4, 4, 4]]


def test_stop_gradients_are_taken_as_constants(x: Tensor) -> None:
    a = x * 2.0
    b = a * x
    assert values(gradients(b, [x, a], stop_gradients=[a]), x) == [(2 * X).tolist(), X.tolist()]
    assert values(gradients(b, x), x) == [(4 * X).tolist()]
    assert gradients(a, x, stop_gradients=[x])[0] is not None
    assert gradients(a * 1.0, x, stop_gradients=a) == [None]


def test_one_output_of_several(x: Tensor) -> None:
    first, second = J.split(x, [1, 2])
    assert values(gradients(first, x), x) == [[1, 0, 0]]
    assert values(gradients(second * 2.0, [x, second]), x) == [[0, 2, 2], [2, 2]]
    assert gradients(second, first) == [None]


def test_an_integer_input_gets_none(x: Tensor) -> None:
    index = placeholder("int32", [2])
    picked, none = gradients(gather(x, index), [x, index])
    assert none is None
    assert picked is not None
    assert evaluate([convert_to_tensor(picked)], {x: X, index: [1, 1]})[0].tolist() == [0, 2, 0]


def test_misuse_is_told(x: Tensor) -> None:
    with pytest.raises(TypeError, match="floating"):
        gradients(cast(x, "int32"), x)
    with pytest.raises(ValueError, match="at least one y"):
        gradients([], x)
    with pytest.raises(ValueError, match="2 entries for 1"):
        gradients([x], x, grad_ys=[x, x])
    with pytest.raises(GradientError, match=r"\(2,\) for a y of shape \(3,\)"):
        gradients(x, x, grad_ys=np.ones(2))
    with Graph().as_default():
        foreign = placeholder("float64", [3])
    with pytest.raises(GraphError, match="same graph"):
        gradients(x, foreign)


def test_an_op_without_a_gradient_is_named_with_its_line(x: Tensor) -> None:
    wall = apply(Opaque(), x * 2.0, name="wall")  # the wall
    with pytest.raises(GradientError, match=r"Opaque.*'wall'.*test_gradients\.py.*# the wall"):
        gradients(wall + x, x)
    assert gradients(wall, placeholder("float64", [3])) == [None]


def test_what_cut_a_path_can_be_asked(x: Tensor) -> None:
    stopped = stop_gradient(x * 2.0, name="stopped")
    ceiling = ceil(x, name="ceiling")
    assert {n.name for n in cut_at(stopped * ceiling, [x])} == {"stopped", "ceiling"}
    assert cut_at(x * 2.0, [x]) == []


def test_gradient_nodes_inherit_the_source_of_their_forward_node(x: Tensor) -> None:
    y = square(sin(x), name="squared")
    source = y.node.source
    before = len(x.graph)
    (grad,) = gradients(y * y, x)
    assert grad is not None
    made = x.graph.nodes[before:]
    assert any(n.source == source for n in made)
    assert grad.node.source == source
    assert all(n.source.file == __file__ for n in made)
    assert any("gradients/squared_grad/" in n.name for n in made)
    assert x.graph.get_operation_by_name("gradients/squared_grad/Mul").source == source


def test_gradient_nodes_take_no_control_inputs(x: Tensor) -> None:
    y = square(x) * x  # two paths, so gradients are added up
    with x.graph.control_dependencies([x]):
        before = len(x.graph)
        gradients(y, x)
    assert any("AddN" in n.name for n in x.graph.nodes[before:])
    assert all(not n.control_inputs for n in x.graph.nodes[before:])


def test_higher_orders(x: Tensor) -> None:
    ys: Any = x**4.0
    for expected in (4 * X**3, 12 * X**2, 24 * X, np.full(3, 24.0)):
        ys = gradients(ys, x)
        np.testing.assert_allclose(values(ys, x), [expected])


IMAGE = RANDOM.randn(2, 5, 4, 2)
FILTER = RANDOM.randn(3, 3, 2, 3)


def test_second_order_through_a_network() -> None:
    """Convolution, batch statistics, activation, pooling and softmax cross-entropy in one."""
    labels = np.eye(3)[[2, 0]]

    def network(x: Tensor, w: Tensor, offset: Tensor, scale: Tensor) -> Tensor:
        y = conv2d(x, w, [1, 1, 1, 1], "SAME")
        mean, variance = moments(y, [0, 1, 2])
        y = apply(Relu(), batch_normalization(y, mean, variance, offset, scale, 1e-3))
        logits = reduce_mean(avg_pool(max_pool(y, 2, 1, "SAME"), 2, 2, "VALID"), [1, 2])
        return reduce_mean(softmax_cross_entropy_with_logits(labels=labels, logits=logits))

    arrays = [IMAGE, FILTER, RANDOM.randn(3), 1 + RANDOM.rand(3)]
    check_gradients(network, arrays, tolerance=1e-5)
    check_gradients(network, arrays, tolerance=1e-5, dims=lambda a: [None, *a.shape[1:]] if a.ndim == 4 else a.shape)


def test_second_order_with_unknown_image_sizes() -> None:
    check_gradients(
        lambda x, w: l2_loss(avg_pool(conv2d(x, w, 2, "SAME"), 2, 1, "SAME")),
        [IMAGE, FILTER],
        dims=lambda a: [None, None, None, a.shape[3]] if a.shape[0] == 2 else a.shape,
    )


UNARY = [square, sin, cos, tanh, sigmoid, negative, exp, lambda t: reduce_sum(t, 0, keepdims=True)]
BINARY = [add, subtract, multiply, squared_difference, lambda a, b: a / (b * b + 2.0)]


@settings(max_examples=30)
@given(st.data())
def test_random_graphs_with_several_consumers(data: st.DataObject) -> None:
    """Each step takes any tensors made so far, so most are used more than once."""
    steps = []
    for position in range(2, data.draw(st.integers(3, 9))):
        earlier = st.integers(0, position - 1)
        function = data.draw(st.sampled_from([*UNARY, *BINARY]))
        steps.append((function, data.draw(earlier), data.draw(earlier) if function in BINARY else None))

    def build(x: Tensor, w: Tensor) -> Tensor:
        made = [x, w]
        for function, first, second in steps:
            # bounded, so that towers of exponentials do not drown the differences
            operands = [sin(made[i]) for i in (first, second) if i is not None]
            made.append(function(*operands))
        return sin(made[-1]) + made[-2] * made[-1]

    check_gradients(build, [RANDOM.randn(2, 3), RANDOM.randn(3)], tolerance=1e-5)


def test_an_output_nobody_wants_costs_nothing(x: Tensor) -> None:
    first, _ = apply_all(J.SplitV((1, 2), 0), x)
    before = len(x.graph)
    gradients(first, first)
    assert len(x.graph) - before == 1


def test_constants_are_not_differentiated(x: Tensor) -> None:
    grads = gradients(x * constant([1.0, 2.0, 3.0], dtype="float64"), x)
    assert values(grads, x) == [[1, 2, 3]]
