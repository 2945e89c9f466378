"""Properties of all derivations: at random numbers and sizes the printed expressions are what other ways compute.

The gradients' expressions are compared with the gradient graph run in NumPy and with finite differences of the
forward run, outputs with SciPy or with formulas in NumPy. The steps of the chain rule check themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.needed import needed

import minigraph as tf

sympy = needed("sympy")
special = needed("scipy.special")
signal = needed("scipy.signal")
layers = needed("minigraph.tools.textbook.derive.layers", "sympy")
problem = needed("minigraph.tools.textbook.derive.problem", "sympy")
pooling = needed("minigraph.tools.textbook.derive.pooling", "sympy")
response = needed("minigraph.tools.textbook.derive.response", "sympy")

few = settings(max_examples=4, deadline=None)
seeds = st.integers(0, 2**16)
sides = st.integers(1, 3)
row = st.integers(1, 3).map(lambda n: (1, n))


@st.composite
def windows(draw: Any) -> dict[str, Any]:
    """Sizes for a sliding window; it fits into the map."""
    kernel = (draw(sides), draw(sides))
    size = tuple(k + draw(st.integers(0, 2)) for k in kernel)
    stride = (draw(st.integers(1, 2)), draw(st.integers(1, 2)))
    return {"size": size, "kernel": kernel, "stride": stride, "padding": draw(st.sampled_from(["VALID", "SAME"]))}


OPTIONS: dict[str, Any] = {
    "avg-pool": windows(),
    "batch-norm": st.fixed_dictionaries({"batch": st.integers(2, 3)}),
    "conv2d": windows(),
    "dense": st.fixed_dictionaries({"size": st.tuples(sides, sides), "batch": st.integers(2, 3)}),
    "dropout": st.fixed_dictionaries({"size": row}),
    "lrn": st.fixed_dictionaries({"size": row}),
    "max-pool": windows(),
    "rbf": st.fixed_dictionaries({"size": st.tuples(sides, sides)}),
    "residual": st.fixed_dictionaries({"size": row}),
    "sigmoid": st.fixed_dictionaries({"size": st.tuples(sides, sides)}),
    "sigmoid-xent": st.fixed_dictionaries({"size": row}),
    "softmax-xent": st.fixed_dictionaries({"size": st.integers(2, 3).map(lambda n: (1, n))}),
}


def test_each_layer_has_its_properties() -> None:
    assert set(OPTIONS) == set(layers.LAYERS)


def numbers(posed: Any, seed: int) -> dict[str, np.ndarray]:
    """Random values, different ones within the first input, so that maxima are unique and stay so near the point."""
    values: dict[str, np.ndarray] = problem.random_numbers(posed, seed)
    first = next(iter(values))
    order = np.random.default_rng(seed).permutation(values[first].size).reshape(values[first].shape)
    values[first] = order + 0.75
    return values


def by_gradient_graph(posed: Any, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    feeds = {t: values[n] for n, (t, _) in posed.inputs.items()} | {posed.delta[0]: values["delta"]}
    with tf.Session(graph=posed.graph, backend="numpy") as session:
        found: dict[str, np.ndarray] = session.run(dict(posed.gradients), feeds)
    return found


@pytest.mark.parametrize("layer", list(OPTIONS))
@few
@given(st.data(), seeds)
def test_expressions_are_the_gradients_at_random_numbers(layer: str, data: Any, seed: int) -> None:
    options = problem.DeriveOptions(**data.draw(OPTIONS[layer]))
    posed = layers.LAYERS[layer].chain(options).problem
    values = numbers(posed, seed)
    point = {s: v for n, (_, a) in posed.inputs.items() for s, v in zip(a.flat, values[n].flat, strict=True)}
    found = problem.solve(posed, point, use_names=False)
    numeric, differences = by_gradient_graph(posed, values), problem.numeric_gradients(posed, values)
    for n, expressions in found.gradients.items():
        got = problem.at(expressions, posed, values)
        np.testing.assert_allclose(got, np.reshape(numeric[n], got.shape), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(got, differences[n], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("layer", [n for n in OPTIONS if n != "dropout"])
@settings(max_examples=2, deadline=None)
@given(st.data())
def test_steps_hold_for_all_sizes(layer: str, data: Any) -> None:
    options = problem.DeriveOptions(**data.draw(OPTIONS[layer]))
    chain = layers.LAYERS[layer].chain(options)
    _, claims = layers.chain_rule(chain, check=True)
    assert len(claims) == 1 + len(chain.problem.gradients)
    assert all(c.holds for c in claims), claims


def sub_sampled(full: np.ndarray, stride: tuple[int, int]) -> np.ndarray:
    return full[:: stride[0], :: stride[1]]


@few
@given(windows(), st.integers(1, 2), st.integers(1, 2), seeds)
def test_many_maps_against_scipy(sizes: dict[str, Any], inputs: int, outputs: int, seed: int) -> None:
    """VALID: each output map is the sum of SciPy's convolutions of all input maps."""
    options = problem.DeriveOptions(**{**sizes, "padding": "VALID", "channels": (inputs, outputs)})
    posed = layers.LAYERS["conv2d"].chain(options).problem
    values = problem.random_numbers(posed, seed)
    got = problem.at(problem.solve(posed).output, posed, values)
    expected = [
        sum(
            sub_sampled(signal.convolve2d(a, w, "valid"), sizes["stride"]) for a, w in zip(values["a"], of, strict=True)
        )
        for of in values["w"]
    ]
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def rbf(v: dict[str, np.ndarray]) -> np.ndarray:
    return np.array([np.sum((v["x"] - w) ** 2) for w in v["w"]])


def lrn(v: dict[str, np.ndarray]) -> np.ndarray:
    a = v["a"][0]
    sums = [sum(a[j] ** 2 for j in range(len(a)) if abs(i - j) <= 1) for i in range(len(a))]
    return np.array([[x / (2 + s / 4) ** 0.75 for x, s in zip(a, sums, strict=True)]])


FORMULAS: dict[str, Callable[[dict[str, np.ndarray]], np.ndarray]] = {
    "dense": lambda v: np.einsum("bi,io->bo", v["x"], v["w"]) + v["b"],
    "lrn": lrn,
    "rbf": rbf,
    "residual": lambda v: v["x"] + np.maximum(v["x"] @ v["w"], 0) @ v["v"],
    "sigmoid": lambda v: special.expit(v["x"] @ v["w"] + v["b"]),
    "sigmoid-xent": lambda v: -v["t"] * special.log_expit(v["z"]) - (1 - v["t"]) * special.log_expit(-v["z"]),
    "softmax-xent": lambda v: -np.sum(v["y"] * special.log_softmax(v["x"], axis=1), axis=1),
    "batch-norm": lambda v: v["gamma"] * (v["x"] - v["x"].mean(0)) / np.sqrt(v["x"].var(0) + 1e-3) + v["beta"],
}


@pytest.mark.parametrize("layer", list(FORMULAS))
@few
@given(st.data(), seeds)
def test_outputs_against_formulas_in_numpy(layer: str, data: Any, seed: int) -> None:
    posed = layers.LAYERS[layer].chain(problem.DeriveOptions(**data.draw(OPTIONS[layer]))).problem
    values = problem.random_numbers(posed, seed)
    point = {s: v for n, (_, a) in posed.inputs.items() for s, v in zip(a.flat, values[n].flat, strict=True)}
    got = problem.at(problem.solve(posed, point, use_names=False).output, posed, values)
    expected = FORMULAS[layer](values)
    np.testing.assert_allclose(got, expected, rtol=1e-12)
