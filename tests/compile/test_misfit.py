"""An op that does not check its operands: the error tells shapes that do not fit from a defect."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigraph as tf
from minigraph.compile.misfit import explained, takes
from minigraph.core.op import Op
from minigraph.core.types import TensorType

FLOAT = tf.float32


class Careless(Op, abstract=True):
    """x + y for shapes that NumPy broadcasts. It takes all shapes when types are inferred."""

    fails: bool = False

    def infer(self, x: TensorType, y: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(x.dtype, x.shape),)

    def forward(self, xp: Any, x: Any, y: Any) -> tuple[Any, ...]:
        if self.fails and x.any():
            raise KeyError("a defect")
        return (x + y,)


class Breaking(Careless, abstract=True):
    """It fails while it is specialised."""

    def specialise(self, types: Any, consts: Any) -> tuple[Op, tuple[int, ...]]:
        raise ZeroDivisionError("no such thing")


def test_the_reference_decides_which_shapes_fit() -> None:
    two, three = TensorType(FLOAT, (2,)), TensorType(FLOAT, (3,))
    assert takes(Careless(), [two, two])
    assert not takes(Careless(), [two, three])
    assert not takes(Careless(), [two, two], [np.zeros(3), None])
    assert isinstance(
        explained(ValueError("text"), "here", "x", Careless(), [two, three]), tf.errors.InvalidArgumentError
    )
    assert isinstance(explained(ValueError("text"), "here", "x", Careless(), [two, two]), tf.errors.InternalError)
    assert isinstance(explained(MemoryError(), "here", "x", Careless(), [two, three]), tf.errors.ResourceExhaustedError)


@pytest.mark.parametrize("level", ["O0", "O3"])
@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("kind", [Careless, Breaking])
def test_shapes_that_do_not_fit_are_told_without_numpys_words(kind: Any, backend: str, level: Any) -> None:
    x, y = tf.placeholder(FLOAT, [None]), tf.placeholder(FLOAT, [None])
    (result,) = tf.get_default_graph().add(kind(), (x, y), "mine").outputs
    session = tf.Session(backend=backend, optimize=level)
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        session.run(result, {x: [1.0, 2.0], y: [1.0, 2.0, 3.0]})
    text = str(caught.value)
    assert f"{kind.__name__} does not take operands of the shapes float32[2], float32[3]" in text
    assert "node 'mine', made at" in text
    assert "test_misfit.py" in text
    assert "broadcast" not in text
    assert caught.value.op is result.op


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("op", [Careless(True), Breaking()])
def test_a_defect_is_an_internal_error_that_names_the_node(op: Op, backend: str) -> None:
    x = tf.placeholder(FLOAT, [None])
    (result,) = tf.get_default_graph().add(op, (x, x), "mine").outputs
    with tf.Session(backend=backend) as session, pytest.raises(tf.errors.InternalError, match=r"Error: .*'mine'"):
        session.run(result, {x: [1.0, 2.0]})


def test_debug_mode_names_the_node_that_fails() -> None:
    x = tf.placeholder(FLOAT, [None])
    wrong = tf.gather(x, tf.constant([4])) + 0.0 * 2.0
    with tf.Session(debug=True) as session, pytest.raises(tf.errors.InvalidArgumentError, match=r"node 'GatherV2'"):
        session.run(wrong * 1.0, {x: [1.0]})
