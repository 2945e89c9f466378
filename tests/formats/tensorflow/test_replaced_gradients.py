"""Functions that replace gradients, by their names in TensorFlow's files (`importing`, `emit`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.needed import needed

import minigraph.tf1 as tf
from minigraph.formats.tensorflow.values import GRADIENT, UnreadableError

special = needed("scipy.special")
X, Y = np.array([0.5, 2.0], np.float32), np.array([3.0, -4.0], np.float32)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minigraph.autodiff.registry._REGISTERED", {})
    tf.RegisterGradient("Sevenfold")(lambda op, grad: [7.0 * grad] + [None] * (len(op.inputs) - 1))


def written(kind: str, inputs: int) -> Any:
    """A message with a node of a kind that reads placeholders, and whose gradient is replaced."""
    message = tf.GraphDef()
    for i in range(inputs):
        message.node.add(name=f"x{i}", op="Placeholder").attr["dtype"].type = 1
    node = message.node.add(name="y", op=kind, input=[f"x{i}" for i in range(inputs)])
    node.attr["T"].type = 1
    node.attr[GRADIENT].s = b"Sevenfold"
    return message


def again(message: Any) -> Any:
    """The message that a graph writes which is read from a message."""
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(message, name="")
        return graph.as_graph_def()


def own_names(message: Any) -> dict[str, tuple[str, str]]:
    return {n.name: (n.op, n.attr[GRADIENT].s.decode()) for n in message.node if GRADIENT in n.attr}


FORMULAS: dict[str, tuple[int, Callable[..., Any]]] = {
    "Exp": (1, np.exp),
    "Div": (2, np.divide),
    "RealDiv": (2, np.divide),
    "TruncateDiv": (2, np.divide),
    "Erfc": (1, lambda x: special.erfc(x)),
    "Xlogy": (2, lambda x, y: special.xlogy(x, np.abs(y))),
}
COMPOSED = ("Erfc", "Xlogy")  # minigraph has no one node for them


@pytest.mark.parametrize("kind", FORMULAS)
def test_a_replaced_gradient_is_that_of_the_function_or_refused(kind: str) -> None:
    count, formula = FORMULAS[kind]
    message, arrays = written(kind, count), [X, np.abs(Y) if kind == "Xlogy" else Y][:count]
    for _ in range(3):
        with tf.Graph().as_default(), tf.Session(backend="numpy") as session:
            inputs = [tf.constant(a) for a in arrays]
            (y,) = tf.import_graph_def(message, {f"x{i}": x for i, x in enumerate(inputs)}, ["y:0"])
            np.testing.assert_allclose(session.run(y), formula(*arrays), rtol=1e-5)
            if kind not in COMPOSED:
                np.testing.assert_array_equal(session.run(tf.gradients(y, inputs[0])[0]), [7.0, 7.0])
            elif message.node[-1].op == kind:
                with pytest.raises(tf.errors.UnimplementedError, match=f"'Sevenfold', which is for {kind}"):
                    tf.gradients(y, inputs[0])
            else:
                with pytest.raises(LookupError, match=rf"Sevenfold \(of {kind}\)"):
                    tf.gradients(y, inputs[0])
        message = again(message)


def test_the_name_of_a_function_is_written_again() -> None:
    """As it was, where TensorFlow's node is written as it was; elsewhere so that no function gets another's node."""
    for kind, (count, _) in FORMULAS.items():
        once = own_names(again(written(kind, count)))
        assert once == own_names(again(again(written(kind, count))))
        name = f"Sevenfold (of {kind})" if kind in COMPOSED else "Sevenfold"
        assert once["y"][1] == name
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [2, 3])
        with graph.gradient_override_map({"Sum": "Sevenfold"}):
            tf.reduce_sum(x, axis=1, name="y")
        message = graph.as_graph_def()
    # TensorFlow's node has the axes as an input, minigraph's as an attribute.
    assert own_names(message) == own_names(again(message)) == {"y": ("Sum", "Sevenfold")}


@pytest.mark.parametrize(
    "damage",
    [
        lambda a: setattr(a, "s", b"\xff\xfe"),
        lambda a: setattr(a, "i", 3),
        lambda a: a.list.s.append(b"Sevenfold"),
        lambda a: a.Clear(),
        lambda a: setattr(a, "type", 1000),
    ],
)
def test_a_name_that_is_no_text_is_refused(damage: Callable[[Any], None]) -> None:
    message = written("Exp", 1)
    damage(message.node[-1].attr[GRADIENT])
    with tf.Graph().as_default() as graph:
        with pytest.raises(UnreadableError, match=r"node 'y' \(Exp\)"):
            tf.import_graph_def(message)
        assert not graph.nodes
