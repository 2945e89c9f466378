"""Loop and Scan: numbers of steps known or computed, values from around the body, states that grow, gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

onnx = pytest.importorskip("onnx", reason="needs the onnx package")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from support import onnx_runtime  # noqa: E402

import minigraph as tf  # noqa: E402
from minigraph.onnx import UnsupportedError, load  # noqa: E402

Array = npt.NDArray[Any]
FLOAT, INT, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def info(name: str, kind: int = FLOAT, shape: Any = (None,)) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def model_of(nodes: list[Any], inputs: list[Any], outputs: list[Any], **weights: Any) -> Any:
    arrays = [numpy_helper.from_array(np.asarray(a), n) for n, a in weights.items()]
    graph = helper.make_graph(nodes, "g", inputs, outputs, arrays)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def check(model: Any, **feeds: Array) -> None:
    wanted = onnx_runtime.evaluate(model, feeds)
    with tf.Graph().as_default():
        found = load(model)
        with tf.Session(backend="numpy") as session:
            session.run(tf.global_variables_initializer())
            got = session.run(list(found.outputs.values()), {found.inputs[n]: a for n, a in feeds.items()})
    for mine, theirs in zip(got, wanted, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5)


def loop(more: list[Any], condition: str = "go", steps: str = "steps") -> Any:
    """v = 1.5·v + w each step, w from around the loop; the outputs of the steps are v before."""
    body = helper.make_graph(
        [
            helper.make_node("Mul", ["v", "factor"], ["m"]),
            helper.make_node("Add", ["m", "w"], ["next"]),
            helper.make_node("Identity", ["v"], ["before"]),
            *more,
            helper.make_node("Identity", [condition], ["goes_on"]),
        ],
        "body", [info("n", INT, []), info("go", BOOL, []), info("v")],
        [info("goes_on", BOOL, []), info("next"), info("before")],
    )  # fmt: skip
    return helper.make_node("Loop", [steps, "start", "v0"], ["y", "all"], "turns", body=body)


ENDS = [info("y", shape=[2]), info("all", shape=[None, 2])]
W = np.array([0.5, -1], np.float32)
NUMBERS = {"w": W, "factor": np.float32(1.5), "start": np.array(True)}


def test_a_known_number_of_steps() -> None:
    for steps in (1, 4, 60):
        model = model_of([loop([])], [info("v0", shape=[2])], ENDS, steps=np.int64(steps), **NUMBERS)
        check(model, v0=np.array([1, 2], np.float32))


def test_a_fed_number_of_steps() -> None:
    model = model_of([loop([])], [info("v0", shape=[2]), info("steps", INT, [])], ENDS, **NUMBERS)
    for steps in (3, 1):
        check(model, v0=np.array([1, 2], np.float32), steps=np.array(steps))


def test_a_condition() -> None:
    """Until the sum is above a bound."""
    more = [
        helper.make_node("ReduceSum", ["next"], ["total"], keepdims=0),
        helper.make_node("Less", ["total", "bound"], ["below"]),
    ]
    inputs = [info("v0", shape=[2]), info("bound", shape=[])]
    model = model_of([loop(more, "below", "")], inputs, ENDS, **NUMBERS)
    for bound in (10, 500):
        check(model, v0=np.array([1, 3], np.float32), bound=np.array(bound, np.float32))


def test_a_state_that_grows() -> None:
    body = helper.make_graph(
        [helper.make_node("Concat", ["v", "w"], ["next"], axis=0), helper.make_node("Identity", ["go"], ["goes_on"])],
        "body", [info("n", INT, []), info("go", BOOL, []), info("v")], [info("goes_on", BOOL, []), info("next")],
    )  # fmt: skip
    node = helper.make_node("Loop", ["steps", "", "v0"], ["y"], body=body)
    model = model_of([node], [info("v0", shape=[1]), info("steps", INT, [])], [info("y")], w=W)
    for steps in (2, 5):
        check(model, v0=np.array([7], np.float32), steps=np.array(steps))


def scan(**attributes: Any) -> Any:
    """state = state·x + w; the output of a step is the square of the state."""
    body = helper.make_graph(
        [
            helper.make_node("Mul", ["s", "x"], ["m"]),
            helper.make_node("Add", ["m", "w"], ["next"]),
            helper.make_node("Mul", ["next", "next"], ["square"]),
        ],
        "body", [info("s", shape=[2]), info("x", shape=[2])], [info("next", shape=[2]), info("square", shape=[2])],
    )  # fmt: skip
    return helper.make_node("Scan", ["s0", "xs"], ["y", "all"], num_scan_inputs=1, body=body, **attributes)


@pytest.mark.parametrize("length", [3, 70])
@pytest.mark.parametrize(
    "attributes",
    [{}, {"scan_input_directions": [1]}, {"scan_output_directions": [1]}, {"scan_output_axes": [1]}],
    ids=str,
)
def test_scans(length: int, attributes: dict[str, Any]) -> None:
    ends = [info("y", shape=[2]), info("all", shape=[None, None])]
    model = model_of([scan(**attributes)], [info("s0", shape=[2]), info("xs", shape=[None, 2])], ends, w=W)
    xs = np.random.RandomState(0).uniform(0.2, 0.9, (length, 2)).astype(np.float32)
    check(model, s0=np.array([1, 2], np.float32), xs=xs)


@pytest.mark.parametrize("length", [4, 70])
def test_gradients_of_a_scan(length: int) -> None:
    """Against the recurrence by hand, of first and second order, by finite differences in float64."""
    inputs = [info("s0", TensorProto.DOUBLE, [2]), info("xs", TensorProto.DOUBLE, [None, 2])]
    node = scan()
    for value in (*node.attribute[1].g.input, *node.attribute[1].g.output) if node.attribute[1].HasField("g") else ():
        value.type.tensor_type.elem_type = TensorProto.DOUBLE
    ends = [info("y", TensorProto.DOUBLE, [2]), info("all", TensorProto.DOUBLE, [None, 2])]
    model = model_of([node], inputs, ends, w=W.astype(np.float64))
    random = np.random.RandomState(0)
    s0, xs = random.uniform(0.5, 1, 2), random.uniform(0.2, 0.9, (length, 2))

    def by_hand(s: Array, xs: Array) -> float:
        total = 0.0
        for x in xs:
            s = s * x + W
            total += float((s**2).sum())
        return total + float(s.sum())

    with tf.Graph().as_default():
        found = load(model)
        loss = tf.reduce_sum(found.outputs["y"]) + tf.reduce_sum(found.outputs["all"])
        places = [found.inputs["s0"], found.inputs["xs"]]
        grads = tf.gradients(loss, places)
        (second,) = tf.gradients(tf.reduce_sum(grads[1]), places[0])
        with tf.Session(backend="numpy") as session:
            session.run(tf.global_variables_initializer())

            def at(s: Array, x: Array) -> list[Any]:
                return session.run([loss, *grads, second], {places[0]: s, places[1]: x})  # type: ignore[no-any-return]

            value, ds, dx, dds = at(s0, xs)
            np.testing.assert_allclose(value, by_hand(s0, xs), rtol=1e-10)
            step = 1e-6
            for k in range(2):
                e = np.eye(2)[k] * step
                slope = (by_hand(s0 + e, xs) - by_hand(s0 - e, xs)) / (2 * step)
                np.testing.assert_allclose(ds[k], slope, rtol=1e-5)
                higher = (at(s0 + e, xs)[2].sum() - at(s0 - e, xs)[2].sum()) / (2 * step)
                np.testing.assert_allclose(dds[k], higher, rtol=1e-5)
            moved = np.zeros_like(xs)
            moved[1, 0] = step
            slope = (by_hand(s0, xs + moved) - by_hand(s0, xs - moved)) / (2 * step)
            np.testing.assert_allclose(dx[1, 0], slope, rtol=1e-5)


def test_missing_operators_in_bodies_are_named_with_the_others() -> None:
    body = helper.make_graph(
        [
            helper.make_node("Odd", ["v"], ["next"], "inside", domain="acme"),
            helper.make_node("Identity", ["go"], ["on"]),
        ],
        "body", [info("n", INT, []), info("go", BOOL, []), info("v")], [info("on", BOOL, []), info("next")],
    )  # fmt: skip
    nodes = [
        helper.make_node("Loop", ["steps", "", "v0"], ["y"], body=body),
        helper.make_node("Strange", ["y"], ["z"], "outside", domain="acme"),
    ]
    model = model_of(nodes, [info("v0", shape=[1])], [info("z")], steps=np.int64(2))
    model.opset_import.append(helper.make_opsetid("acme", 1))
    with tf.Graph().as_default(), pytest.raises(UnsupportedError, match="'inside'") as caught:
        load(model)
    assert "'outside'" in str(caught.value)
