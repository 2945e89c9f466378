"""A small graph for a derivation, run on symbols and checked with numbers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import sympy

import minigraph as tf
from minigraph.backends.sympy import branches_at
from minigraph.core.typing import Padding
from minigraph.tools.textbook.derive.document import Claim

Array = np.ndarray[Any, Any]

NUMERIC_TOLERANCE = 1e-10
_STEPS = 0.05 / 2.0 ** np.arange(5)


class DeriveOptions(NamedTuple):
    """The command line's options; None uses the layer's default.

    size, kernel, stride: (rows, columns). padding: VALID or SAME. values: numbers for the layer's input. channels:
    numbers of input and output maps.
    """

    size: tuple[int, int] | None = None
    kernel: tuple[int, int] | None = None
    stride: tuple[int, int] | None = None
    padding: Padding | None = None
    batch: int | None = None
    values: Array | None = None
    channels: tuple[int, int] | None = None


class Problem(NamedTuple):
    """A graph with L = Σ δ·output, ready to run.

    inputs: by name, the placeholder and its symbols. output: the tensor, whose symbols for ∂L/∂output are `delta`.
    named: inner tensors shown as symbols in results, for readability.
    """

    graph: tf.Graph
    inputs: Mapping[str, tuple[tf.Tensor, Array]]
    output: tf.Tensor
    delta: tuple[tf.Tensor, Array]
    gradients: Mapping[str, tf.Tensor]
    named: Mapping[str, tuple[tf.Tensor, Array]] = {}


class Solution(NamedTuple):
    """Arrays of expressions: the output, and ∂L/∂input by the input's name."""

    output: Array
    gradients: Mapping[str, Array]


def pose(
    graph: tf.Graph, inputs: Mapping[str, tuple[tf.Tensor, Array]], output: tf.Tensor, delta: Array, **named: Any
) -> Problem:
    """The problem with its gradient graph."""
    with graph.as_default():
        weights = tf.placeholder(output.dtype, delta.shape, name="delta")
        found = tf.gradients(output, [t for t, _ in inputs.values()], grad_ys=[weights])
    gradients = {n: tf.convert_to_tensor(g) for n, g in zip(inputs, found, strict=True) if g is not None}
    return Problem(graph, inputs, output, (weights, delta), gradients, named)


def solve(problem: Problem, point: Mapping[Any, Any] | None = None, use_names: bool = True) -> Solution:
    """Run the graph and its gradient graph on symbols. `point` decides the branches of max and ReLU."""
    fed = [*problem.inputs.values(), problem.delta, *(problem.named.values() if use_names else ())]
    with tf.Session(graph=problem.graph, backend="sympy", optimize="O0") as session, branches_at(point or {}):
        output = session.run(problem.output, dict([*problem.inputs.values()]))
        gradients = session.run(dict(problem.gradients), dict(fed))
    return Solution(output, gradients)


def random_numbers(problem: Problem, seed: int = 0) -> dict[str, Array]:
    """Values between 0.5 and 2 for the inputs, and under "delta" for ∂L/∂output."""
    random = np.random.default_rng(seed)
    shapes = {n: s.shape for n, (_, s) in problem.inputs.items()} | {"delta": problem.delta[1].shape}
    return {n: random.uniform(0.5, 2.0, shape) for n, shape in shapes.items()}


def numeric_gradients(problem: Problem, values: Mapping[str, Array]) -> dict[str, Array]:
    """∂L/∂input by central differences of the graph's forward run in float64, extrapolated to step 0 (Richardson)."""
    with tf.Session(graph=problem.graph, backend="numpy") as session:

        def loss(point: Mapping[str, Array]) -> float:
            out = session.run(problem.output, {t: point[n] for n, (t, _) in problem.inputs.items()})
            return float(np.sum(out * values["delta"]))

        return {n: _differences(loss, values, n) for n in problem.gradients}


def _differences(loss: Callable[[Mapping[str, Array]], float], values: Mapping[str, Array], name: str) -> Array:
    out = np.empty_like(values[name])
    for index in np.ndindex(*out.shape):
        slopes = []
        for step in _STEPS:
            above, below = values[name].copy(), values[name].copy()
            above[index] += step
            below[index] -= step
            slopes.append((loss({**values, name: above}) - loss({**values, name: below})) / (2 * step))
        for order in itertools.count(1):  # each pass takes away the error's next even power of the step
            if len(slopes) == 1:
                break
            factor = 4.0**order
            slopes = [(factor * b - a) / (factor - 1) for a, b in itertools.pairwise(slopes)]
        out[index] = slopes[0]
    return out


def at(expressions: Array, problem: Problem, values: Mapping[str, Array]) -> Array:
    """Expressions as float64 numbers, with `values` for the symbols."""
    point = {s: v for n, (_, array) in problem.inputs.items() for s, v in zip(array.flat, values[n].flat, strict=True)}
    point |= dict(zip(problem.delta[1].flat, values["delta"].flat, strict=True))
    exact = {s: sympy.Float(float(v), 30) for s, v in point.items()}
    array = np.asarray(expressions, object)
    return np.reshape([float(sympy.sympify(e).xreplace(exact).evalf(30)) for e in array.flat], array.shape)


def numeric_claims(problem: Problem, solution: Solution, values: Mapping[str, Array] | None = None) -> list[Claim]:
    """The gradients' expressions, with numbers put in, against differences of the graph's forward run."""
    point = random_numbers(problem) if values is None else values
    claims = []
    for n, numeric in numeric_gradients(problem, point).items():
        error = float(np.max(np.abs(at(solution.gradients[n], problem, point) - numeric)))
        text = f"∂L/∂{n} agrees with numeric gradients in float64"
        claims.append(Claim(text, error < NUMERIC_TOLERANCE, f"largest difference {error:.1e}"))
    return claims


def equal(a: Any, b: Any, simplify: Callable[[Any], Any] = sympy.expand) -> bool:
    """Whether all differences of two arrays of expressions simplify to 0."""
    pairs = zip(np.asarray(a, object).flat, np.asarray(b, object).flat, strict=True)
    return all(simplify(x - y) == 0 for x, y in pairs)


def exact_claim(text: str, a: Any, b: Any, simplify: Callable[[Any], Any] = sympy.expand) -> Claim:
    """The claim that two arrays of expressions are equal."""
    holds = equal(a, b, simplify)
    return Claim(text, holds, "exact" if holds else "the expressions differ")


def placeholders(shapes: Mapping[str, Sequence[int]]) -> dict[str, tf.Tensor]:
    """float64 placeholders in the default graph, which is new."""
    return {n: tf.placeholder(tf.float64, list(shape), name=n) for n, shape in shapes.items()}
