"""The symbolic backend: every op against its reference, symbols through sessions, branches, limits, errors.

Tests `backends/sympy/`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.needed import needed

import minigraph as tf
from minigraph.core.dtypes import as_dtype
from minigraph.core.errors import BackendError, InvalidArgumentError
from minigraph.core.op import REGISTRY, Sample
from minigraph.core.types import TensorType

sympy = needed("sympy")
symbolic = needed("minigraph.backends.sympy", "sympy")
SAMPLES = [
    pytest.param(sample, id=f"{name}-{i}")
    for name, kind in sorted(REGISTRY.items())
    for i, sample in enumerate(kind.samples())
]


@pytest.fixture(scope="module")
def xs() -> Any:
    """Three symbols."""
    return symbolic.symbols("x", (3,))


def compute(sample: Sample, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """The sample's results in the backend, as numbers."""
    types = [TensorType(as_dtype(a.dtype), a.shape) for a in inputs]
    op, kept = sample.op, tuple(range(len(inputs)))
    if not op.draws:
        op, kept = op.specialise(types, inputs)
    types = [types[i] for i in kept]
    backend = symbolic.SympyBackend()
    arrays = [symbolic.exact(inputs[i]) for i in kept]
    out_types = op.infer(*types)
    pure = len(out_types) - len(op.writes)
    outputs = [np.empty(t.static, object) for t in out_types[:pure]] + [arrays[w] for w in op.writes]
    backend.lower(op, types, out_types).bind(arrays, outputs, backend.allocate(0))()
    return [as_numbers(a) for a in outputs]


def as_numbers(array: Any) -> Any:
    flat = [float(e) if e not in (sympy.true, sympy.false) else float(bool(e)) for e in np.asarray(array).flat]
    return np.reshape(flat, np.shape(array))


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_op_gives_its_references_numbers(sample: Sample) -> None:
    inputs = [np.asarray(a) for a in sample.inputs]
    expected = sample.op.forward(np, *inputs)
    for result, wanted in zip(compute(sample, inputs), expected, strict=True):
        assert result.shape == np.shape(wanted)
        np.testing.assert_allclose(result, np.asarray(wanted, float), rtol=2e-6, atol=1e-12)


def run(fetches: Any, feeds: Any = None, **options: Any) -> Any:
    with tf.Session(backend="sympy", **options) as session:
        return session.run(fetches, feeds)


def test_feeds_are_arrays_lists_or_single_symbols(xs: Any) -> None:
    x, scale = tf.placeholder(tf.float32, [3]), tf.placeholder(tf.float32, [])
    y = x * scale + 0.1
    s = sympy.Symbol("s")
    for fed in (xs, list(xs)):
        assert list(run(y, {x: fed, scale: s})) == [a * s + sympy.Rational(1, 10) for a in xs]
    assert list(run(y, {x: [1, 2.5, xs[0]], scale: 2})) == [
        sympy.Rational(21, 10), sympy.Rational(51, 10), 2 * xs[0] + sympy.Rational(1, 10),
    ]  # fmt: skip


def test_constants_stay_exact() -> None:
    e = sympy.exp(1) + sympy.exp(sympy.Rational(1, 10))
    p = run(tf.nn.softmax(tf.constant([[1.0, 0.1]])))
    assert [sympy.simplify(a) for a in p[0] - [sympy.exp(1) / e, sympy.exp(sympy.Rational(1, 10)) / e]] == [0, 0]


def test_a_training_step_on_symbols() -> None:
    """Gradient descent on (w·x − t)², by hand: w − 2·rate·(w·x − t)·x."""
    x, t = tf.placeholder(tf.float64, []), tf.placeholder(tf.float64, [])
    w = tf.Variable(tf.constant(3.0, tf.float64))
    step = tf.train.GradientDescentOptimizer(0.5).minimize(tf.square(w * x - t))
    a, b = sympy.symbols("a b")
    with tf.Session(backend="sympy") as session:
        session.run(tf.global_variables_initializer())
        session.run(step, {x: a, t: b})
        assert sympy.expand(session.run(w) - (3 - (3 * a - b) * a)) == 0


def test_the_branch_of_relu_follows_the_point(xs: Any) -> None:
    x = tf.placeholder(tf.float32, [3])
    y = tf.nn.relu(x)
    (g,) = tf.gradients(y, x)
    values, gradient = run([y, g], {x: xs})
    assert list(values) == [sympy.Max(0, a) for a in xs]
    assert list(gradient) == [sympy.Piecewise((1, a > 0), (0, True)) for a in xs]
    with symbolic.branches_at({xs[0]: 1.5, xs[1]: -2}):
        values, gradient = run([y, g], {x: xs})
    assert list(values) == [xs[0], 0, sympy.Max(0, xs[2])]
    assert list(gradient[:2]) == [1, 0]
    positive = sympy.Symbol("p", positive=True)
    assert list(run(g, {x: [positive, -positive, 1]})) == [1, 0, 1]


def test_equal_shapes_with_numbers_and_symbols_share_a_plan(xs: Any) -> None:
    x = tf.placeholder(tf.float32, [3])
    y = tf.nn.relu(x)
    with tf.Session(backend="sympy") as session:
        for fed in (xs, [1, -2, 3], list(xs)):
            session.run(y, {x: fed})
        assert session.stats.compiled == 1


def test_random_numbers_are_those_of_the_other_backends() -> None:
    u = tf.random_uniform([4], seed=3, dtype=tf.float64)
    with tf.Session() as session:
        expected = session.run(u)
    np.testing.assert_array_equal(as_numbers(run(u)), expected)


def test_too_large() -> None:
    x = tf.placeholder(tf.float32, [40, 40])
    with pytest.raises(BackendError, match=r"small graphs: Exp has a tensor float32\[40,40\] of 1,600 .* limit is"):
        run(tf.exp(x), {x: np.zeros((40, 40))})


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda x: tf.cast(x, tf.int32), "what is cast to an integer type must be known numbers.*x1.*node 'Cast'"),
        (lambda x: tf.round(x), "operand of round must be known numbers"),
        (lambda x: tf.gather(tf.constant([1.0, 2.0]), tf.cast(x > 0, tf.int32)), "must be known numbers"),
    ],
)
def test_symbols_where_numbers_are_needed(build: Any, message: str, xs: Any) -> None:
    x = tf.placeholder(tf.float32, [3], name="x")
    with pytest.raises(InvalidArgumentError, match=message):
        run(build(x), {x: xs})


def test_what_is_no_number() -> None:
    x = tf.placeholder(tf.float32, [1], name="x")
    with pytest.raises(InvalidArgumentError, match="expected numbers or SymPy expressions, got 'b'"):
        run(x + 1.0, {x: ["b"]})


@pytest.mark.parametrize("option", ["debug", "check_numerics"])
def test_numeric_checks_are_refused(option: str) -> None:
    with pytest.raises(ValueError, match="need numbers"):
        tf.Session(backend="sympy", **{option: True})


def test_names_of_symbols() -> None:
    assert [str(s) for s in symbolic.symbols("a", (1, 2, 1, 2)).ravel()] == ["a11", "a12", "a21", "a22"]
    assert str(symbolic.symbols("b", (2, 11))[1, 10]) == "b2,11"
    assert str(symbolic.symbols("c", ())[()]) == "c"
