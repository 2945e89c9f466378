"""Sessions of the LLVM backend whose filters and matrices are kept as bfloat16."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigraph as tf
from minigraph.ops.collective.half import from_bfloat16, to_bfloat16

pytest.importorskip("llvmlite", reason="needs llvmlite")

SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, 3.4e38, 1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-8 + 2**-20]


def results(build: Any, x: np.ndarray, w: np.ndarray, precision: Any, optimize: str = "O3") -> np.ndarray:
    """What `build(x, w)` gives for a variable w that no run changes."""
    tf.reset_default_graph()
    given = tf.placeholder(tf.float32, x.shape)
    variable = tf.get_variable("w", w.shape)
    y = build(given, variable)
    with tf.Session(backend="llvm", precision=precision, optimize=optimize) as session:
        variable.load(w, session)
        return np.asarray(session.run(y, {given: x}))


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).standard_normal(shape, np.float32)


@pytest.mark.parametrize(
    ("build", "x", "w"),
    [
        pytest.param(tf.matmul, (rows, 70), (70, 45), id=f"{rows} rows") for rows in (1, 8, 50)
    ] + [
        pytest.param(lambda x, w: tf.nn.relu(tf.matmul(x, w, transpose_b=True)), (1, 2100), (33, 2100), id="long"),
        pytest.param(lambda x, w: tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME"), (2, 7, 5, 18), (1, 1, 18, 37), id="1x1"),
        pytest.param(lambda x, w: tf.nn.conv2d(x, w, [1, 2, 2, 1], "SAME"), (2, 7, 5, 18), (3, 3, 18, 37), id="3x3"),
    ],
)  # fmt: skip
def test_products_are_those_with_rounded_weights(build: Any, x: Any, w: Any) -> None:
    image, weights = normal(*x), normal(*w)
    weights.flat[:30] += np.float32(2.0**-8)
    found = results(build, image, weights, "bfloat16")
    exact = results(build, image, from_bfloat16(to_bfloat16(weights)), "float32", "O0")
    np.testing.assert_allclose(found, exact, rtol=1e-5, atol=1e-5 * np.abs(exact).max())
    assert np.abs(found - results(build, image, weights, "float32")).max() > 1e-4  # they are rounded indeed


def test_numbers_are_rounded_to_the_nearest() -> None:
    """Of the product with 1, what is seen is the packed number itself."""
    weights = np.resize(np.float32(SPECIAL), (1, 40))
    found = results(tf.matmul, np.ones((1, 1), np.float32), weights, "bfloat16")
    np.testing.assert_array_equal(found, from_bfloat16(to_bfloat16(weights)) * np.float32(1))


def test_training_has_the_bits_of_float32() -> None:
    """A run that changes variables packs nothing."""

    def trained(precision: Any) -> list[np.ndarray]:
        tf.reset_default_graph()
        tf.set_random_seed(1)
        x = tf.placeholder(tf.float32, [4, 20])
        loss = tf.reduce_mean(tf.square(tf.layers.dense(x, 3)))
        step = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
        with tf.Session(backend="llvm", precision=precision) as session:
            session.run(tf.global_variables_initializer())
            for _ in range(3):
                session.run(step, {x: normal(4, 20)})
            found: list[np.ndarray] = session.run(tf.global_variables())
            return found

    for narrow, wide in zip(trained("bfloat16"), trained("float32"), strict=True):
        np.testing.assert_array_equal(narrow, wide)


def test_a_changed_variable_is_rounded_anew() -> None:
    x = tf.placeholder(tf.float32, [1, 2])
    w = tf.get_variable("w", [2, 3])
    y = tf.matmul(x, w)
    with tf.Session(backend="llvm", precision="bfloat16") as session:
        for value in (1.0, 2.0):
            w.load(np.full((2, 3), value, np.float32), session)
            assert session.run(y, {x: [[1.0, 1.0]]}).tolist() == [[2 * value] * 3]


def test_other_precisions_are_refused() -> None:
    with pytest.raises(tf.errors.BackendError, match="llvm has the precision float32 or bfloat16, not 'tf32'"):
        tf.Session(backend="llvm", precision="tf32")
