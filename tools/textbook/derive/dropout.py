"""Dropout: its gradient, and the mean over the ensemble of all thinned networks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy

import minigraph as tf
from minigraph.backends.sympy import symbols
from minigraph.core.errors import InvalidArgumentError
from minigraph.ops.math.casting import Cast
from minigraph.tools.textbook.derive.document import (
    Block,
    Claim,
    Claims,
    Document,
    Equations,
    Heading,
    Prose,
    name,
    partial,
)
from minigraph.tools.textbook.derive.problem import (
    Array,
    DeriveOptions,
    Problem,
    exact_claim,
    numeric_claims,
    placeholders,
    pose,
    solve,
)

KEEP = sympy.Symbol("p", positive=True)
MOST_UNITS = 5  # 32 networks, each run on symbols


class Ensemble:
    """A softmax layer fed by dropout: x (1 row of `units`), weights w, kept with probability p."""

    def __init__(self, units: int, classes: int = 2) -> None:
        self.graph = tf.Graph()
        with self.graph.as_default():
            at = placeholders({"x": (1, units), "w": (units, classes), "p": ()})
            self.x, self.w, self.keep = at["x"], at["w"], at["p"]
            self.dropped = tf.nn.dropout(self.x, keep_prob=self.keep)
            self.mask = next(n.outputs[0] for n in self.graph.nodes if isinstance(n.op, Cast))
            self.logits = tf.matmul(self.dropped, self.w)
            self.softmax = tf.nn.softmax(self.logits)
        self.symbols = {self.x: symbols("x", (1, units)), self.w: symbols("w", (units, classes)), self.keep: KEEP}

    def thinned(self, fetch: Any) -> Iterator[tuple[Any, Any]]:
        """The probability and the exact value of `fetch` for each of the 2^N masks."""
        units = self.x.type.static[1]
        with tf.Session(graph=self.graph, backend="sympy", optimize="O0") as session:
            for mask in itertools.product([0, 1], repeat=units):
                probability = KEEP ** sum(mask) * (1 - KEEP) ** (units - sum(mask))
                yield probability, session.run(fetch, {**self.symbols, self.mask: [mask]})

    def scaled(self, fetch: Any) -> Any:
        """`fetch` of the whole network at test time: nothing dropped, nothing scaled."""
        units = self.x.type.static[1]
        with tf.Session(graph=self.graph, backend="sympy", optimize="O0") as session:
            return session.run(fetch, {**self.symbols, self.mask: np.ones((1, units)), self.keep: 1})


def mean(parts: Iterator[tuple[Any, Any]]) -> Array:
    """The arithmetic mean over all masks."""
    total: Any = sum(probability * value for probability, value in parts)
    return np.asarray(total, object)


def log_ratio(parts: Iterator[tuple[Any, Any]]) -> Any:
    """log of the ratio of the first two classes in the renormalised geometric mean of softmax outputs."""
    return sum(q * (sympy.log(p[0, 0]) - sympy.log(p[0, 1])) for q, p in parts)


def _ensemble(options: DeriveOptions) -> Ensemble:
    units = (options.size or (1, 3))[1]
    if units > MOST_UNITS:
        raise InvalidArgumentError(f"dropout is derived for at most {MOST_UNITS} units, not {units}")
    return Ensemble(units)


def _posed(ensemble: Ensemble) -> Problem:
    x = ensemble.symbols[ensemble.x]
    delta, mask = symbols("delta", x.shape), symbols("m", x.shape)
    given = {"x": (ensemble.x, x), "m": (ensemble.mask, mask), "p": (ensemble.keep, np.array(KEEP, object))}
    return pose(ensemble.graph, given, ensemble.dropped, delta)


def problem(options: DeriveOptions) -> Problem:
    """y = m·x/p for a mask m."""
    return _posed(_ensemble(options))


def derive(options: DeriveOptions, check: bool) -> Document:
    ensemble = _ensemble(options)
    posed = _posed(ensemble)
    found = solve(posed)
    x, mask, delta = posed.inputs["x"][1], posed.inputs["m"][1], posed.delta[1]
    units = x.size
    output, gradient = found.output, found.gradients["x"]
    blocks: list[Block] = [
        Heading("Forward"),
        Prose(
            f"Each of the {units} units is kept with probability p and divided by p, so that nothing is left to do at "
            "test time; m is 1 for a unit that is kept, else 0. Dividing by p in training is the same as to multiply "
            "the weights by p at test time."
        ),
        Equations([(name(n), v) for n, v in zip(symbols("y", x.shape).flat, output.flat, strict=True)]),
        Heading("Gradient"),
        Equations([(partial(s), g) for s, g in zip(x.flat, gradient.flat, strict=True)]),
        Heading("The ensemble"),
        Prose(
            f"There are 2^N = {2**units} thinned networks for N = {units} units. Averaged over them, each with its "
            "probability, a linear layer gives what the whole network gives. Softmax outputs are averaged "
            "geometrically: if dropout feeds one softmax layer, their geometric mean, made to sum to 1, is the softmax "
            "of the whole network; with a nonlinear layer behind the dropout, that is only approximately so."
        ),
    ]
    if check:
        claims = [
            exact_claim("y = m·x/p", output, mask * x / KEEP),
            exact_claim("∂L/∂x = m·δ/p", gradient, mask * delta / KEEP),
            numeric_claims(posed, found)[0],
            *_ensemble_claims(ensemble, x),
        ]
        blocks += [Heading("Checks"), Claims(claims)]
    return Document("Dropout", blocks)


def _ensemble_claims(ensemble: Ensemble, x: Array) -> list[Claim]:
    units = x.size
    count = sum(1 for _ in ensemble.thinned(ensemble.dropped))
    whole = ensemble.scaled(ensemble.logits)
    linear = mean(ensemble.thinned(ensemble.logits))
    geometric = log_ratio(ensemble.thinned(ensemble.softmax))
    return [
        exact_claim("the expectation of y is x", mean(ensemble.thinned(ensemble.dropped)), x),
        exact_claim("the mean of a linear layer's outputs is the whole network's", linear, whole),
        exact_claim(
            "the geometric mean of one softmax layer's outputs is the whole network's",
            [geometric],
            [whole[0, 0] - whole[0, 1]],
            lambda e: sympy.expand(sympy.expand_log(sympy.simplify(e), force=True)),
        ),
        Claim(f"there are 2^N thinned networks (printed: N^2 = {units**2})", count == 2**units, f"{count} were run"),
        _deeper(units),
    ]  # fmt: skip


def _deeper(units: int) -> Claim:
    """With a nonlinear layer between dropout and softmax, numbers show a difference."""
    gap = deeper_gap(units)
    return Claim("with tanh units behind the dropout it is only approximately so", gap > 1e-3, f"differs by {gap:.3g}")


def deeper_gap(units: int, keep: float = 0.5, seed: int = 0) -> float:
    """The largest difference between the renormalised geometric mean over all masks and the whole network."""
    random = np.random.default_rng(seed)
    with tf.Graph().as_default():
        mask = tf.placeholder(tf.float64, [1, units])
        hidden = tf.tanh(tf.matmul(mask * random.normal(size=(1, units)) / keep, random.normal(size=(units, 4))))
        p = tf.nn.softmax(tf.matmul(hidden, random.normal(size=(4, 2))))
        with tf.Session(backend="numpy") as session:
            whole = session.run(p, {mask: np.full((1, units), keep)})
            logs = np.zeros_like(whole)
            for m in itertools.product([0.0, 1.0], repeat=units):
                weight = keep ** sum(m) * (1 - keep) ** (units - sum(m))
                logs += weight * np.log(session.run(p, {mask: [m]}))
    geometric = np.exp(logs) / np.exp(logs).sum()
    return float(np.max(np.abs(geometric - whole)))
