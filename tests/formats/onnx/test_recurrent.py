"""RNN, GRU and LSTM over directions, lengths, activations and layouts, as ONNX Runtime; gradients as PyTorch's."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

onnx = pytest.importorskip("onnx", reason="needs the onnx package")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from support import onnx_runtime  # noqa: E402
from support.needed import needed  # noqa: E402

import minigraph as tf  # noqa: E402
from minigraph.onnx import UnsupportedError, load  # noqa: E402

Array = npt.NDArray[Any]
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
T, B, INPUT, SIZE = 5, 3, 4, 6


def case(
    kind: str, direction: str = "forward", lengths: bool = False, initial: bool = False, peepholes: bool = False,
    unknown: bool = False, steps: int = T, **attributes: Any,
) -> tuple[Any, dict[str, Array]]:  # fmt: skip
    """A model with random weights, and its feeds."""
    random, count = np.random.RandomState(1), 2 if direction == "bidirectional" else 1
    gates, states = GATES[kind], 2 if kind == "LSTM" else 1
    names = ["x", "w", "r", "b", "l" if lengths else "", *["h", "c"][: states if initial else 0]]
    names += ["p"] if peepholes else []
    weights = {
        "w": random.randn(count, gates * SIZE, INPUT), "r": random.randn(count, gates * SIZE, SIZE) / 2,
        "b": random.randn(count, 2 * gates * SIZE),
        **({n: random.randn(count, B, SIZE) for n in names if n in "hc" and n}),
        **({"p": random.randn(count, 3 * SIZE)} if peepholes else {}),
    }  # fmt: skip
    node = helper.make_node(
        kind, names, ["y", "y_h", "y_c"][: 1 + states], direction=direction, hidden_size=SIZE, **attributes
    )
    shapes: list[Any] = [None, None, INPUT] if unknown else [steps, B, INPUT]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shapes)]
    inputs += [helper.make_tensor_value_info("l", TensorProto.INT32, [B])] if lengths else []
    graph = helper.make_graph(
        [node], "g", inputs,
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None] * (4 if n == "y" else 3)) for n in node.output],
        [numpy_helper.from_array(a.astype(np.float32), n) for n, a in weights.items()],
    )  # fmt: skip
    feeds = {"x": random.randn(steps, B, INPUT).astype(np.float32)}
    feeds |= {"l": np.array([steps, 2, 3], np.int32)} if lengths else {}
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), feeds


def check(model: Any, feeds: dict[str, Array], backend: str = "numpy") -> None:
    wanted = onnx_runtime.evaluate(model, feeds)
    with tf.Graph().as_default():
        found = load(model)
        with tf.Session(backend=backend) as session:
            session.run(tf.global_variables_initializer())
            got = session.run(list(found.outputs.values()), {found.inputs[n]: a for n, a in feeds.items()})
    for mine, theirs in zip(got, wanted, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_directions_lengths_and_initial_states(kind: str, direction: str) -> None:
    for lengths, initial in product([False, True], repeat=2):
        check(*case(kind, direction, lengths, initial))


@pytest.mark.parametrize("kind", GATES)
def test_one_graph_for_all_lengths(kind: str) -> None:
    for steps in (1, 9, 40):  # unrolled, and as a loop
        check(*case(kind, unknown=True, steps=steps))
    check(*case(kind, "bidirectional", unknown=True, steps=30), backend="llvm")


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "GRU", "linear_before_reset": 1},
        {"kind": "LSTM", "peepholes": True, "initial": True},
        {"kind": "LSTM", "input_forget": 1},
        {"kind": "LSTM", "clip": 0.5},
        {"kind": "GRU", "clip": 0.5},
        {"kind": "RNN", "activations": ["Relu"]},
        {"kind": "LSTM", "activations": ["HardSigmoid", "Softsign", "Relu"]},
        {"kind": "RNN", "activations": ["LeakyRelu"], "activation_alpha": [0.2]},
        {"kind": "RNN", "activations": ["Affine"], "activation_alpha": [0.5], "activation_beta": [0.1]},
    ],
    ids=lambda o: "-".join(map(str, o)),
)
def test_attributes(options: dict[str, Any]) -> None:
    check(*case(**options))


def test_a_state_of_another_batch_is_refused() -> None:
    model, _ = case("GRU", initial=True)
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1
    with tf.Graph().as_default(), pytest.raises(UnsupportedError, match=r"float32\[3,6\], but must be float32\[1,6\]"):
        load(model)


def test_an_unknown_activation_is_refused() -> None:
    with tf.Graph().as_default(), pytest.raises(UnsupportedError, match="the activation Magic is unknown"):
        load(case("RNN", activations=["Magic"])[0])


@pytest.mark.parametrize("steps", [3, 40])
def test_gradients_as_pytorchs(steps: int) -> None:
    """Of an LSTM's inputs and weights, unrolled and as a loop; its gates are in another order in PyTorch."""
    torch = needed("torch")
    model, feeds = case("LSTM", initial=True, steps=steps)
    weights = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    net = torch.nn.LSTM(INPUT, SIZE)
    order = [0, 2, 3, 1]  # torch: i f g o; ONNX: i o f c

    def turned(array: Array) -> Any:
        parts = array.reshape(4, SIZE, -1)
        return torch.tensor(parts[order].reshape(array.shape))

    with torch.no_grad():
        net.weight_ih_l0.copy_(turned(weights["w"][0]))
        net.weight_hh_l0.copy_(turned(weights["r"][0]))
        net.bias_ih_l0.copy_(turned(weights["b"][0, : 4 * SIZE]))
        net.bias_hh_l0.copy_(turned(weights["b"][0, 4 * SIZE :]))
    x = torch.tensor(feeds["x"], requires_grad=True)
    y, (h, c) = net(x, (torch.tensor(weights["h"]), torch.tensor(weights["c"])))
    ((y**2).sum() + (h * c).sum()).backward()
    wanted = [x.grad, net.weight_ih_l0.grad, net.weight_hh_l0.grad]
    with tf.Graph().as_default():
        found = load(model)
        y, h, c = found.outputs.values()
        loss = tf.reduce_sum(tf.square(y)) + tf.reduce_sum(h * c)
        variables = {v.op.name: v for v in tf.trainable_variables()}
        grads = tf.gradients(loss, [found.inputs["x"], variables["w"], variables["r"]])
        with tf.Session(backend="numpy") as session:
            session.run(tf.global_variables_initializer())
            got = session.run(grads, {found.inputs["x"]: feeds["x"]})
    np.testing.assert_allclose(got[0], wanted[0].numpy(), rtol=1e-3, atol=1e-4)
    for mine, theirs in zip(got[1:], wanted[1:], strict=True):
        np.testing.assert_allclose(turned(mine[0]).numpy(), theirs.numpy(), rtol=1e-3, atol=1e-3)
