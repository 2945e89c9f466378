"""Values of a graph's tensors that no input decides."""

from __future__ import annotations

import numpy as np
import pytest

import minigraph as tf
from minigraph import quantization
from minigraph.core.errors import GraphError
from minigraph.graphs.known import Known, add_known


def test_constants_variables_and_what_is_computed_from_them() -> None:
    x = tf.placeholder(tf.float32, [2])
    v = tf.Variable([1.0, 2.0], name="v")
    product, total = 3.0 * v, v + x
    known: Known = {}
    add_known(tf.get_default_graph().nodes, known, {"v": np.array([5.0, 7.0], np.float32)})
    np.testing.assert_array_equal(known[product], [15.0, 21.0])
    assert total not in known


def test_a_given_value_makes_others_known() -> None:
    x = tf.placeholder(tf.float32, [2])
    y = tf.square(x)
    known: Known = {x: np.array([2.0, 3.0], np.float32)}
    add_known(tf.get_default_graph().nodes, known, {})
    np.testing.assert_array_equal(known[y], [4.0, 9.0])


def test_dequantised_integers_stay_integers() -> None:
    y = tf.square(quantization.dequantize_linear(np.ones(3, np.int8), np.float32(0.5), np.int8(0)))
    known: Known = {}
    add_known(tf.get_default_graph().nodes, known, {})
    assert y not in known


def test_a_variable_without_a_value_is_named() -> None:
    tf.Variable(1.0, name="v")
    with pytest.raises(GraphError, match="no value for the variable 'v'"):
        add_known(tf.get_default_graph().nodes, {}, {})
