"""Batch normalisation, with gradients through the batch's mean and variance."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

import minigraph as tf
from minigraph.backends.sympy import symbols
from minigraph.tools.textbook.derive.document import (
    Block,
    Claim,
    Claims,
    Document,
    Equations,
    Heading,
    Prose,
    name,
    operator,
    partial,
)
from minigraph.tools.textbook.derive.problem import (
    Array,
    DeriveOptions,
    Problem,
    Solution,
    equal,
    exact_claim,
    numeric_claims,
    placeholders,
    pose,
    solve,
)
from minigraph.tools.textbook.derive.steps import Chain

EPSILON = sympy.Rational(1, 1000)
MU, R, GAMMA, BETA = sympy.symbols("mu r gamma beta", real=True)
VARIANCE = sympy.Symbol("v", positive=True)  # of the batch, biased
MEAN, ALONG = sympy.symbols("deltabar k")  # the means of δ and of δ·x̂


def problem(batch: int, stop: bool = False) -> Problem:
    """y = γ·(x − μ)/√(σ² + ε) + β for one feature of a batch. stop: treat μ and σ² as constants."""
    graph = tf.Graph()
    with graph.as_default():
        at = placeholders({"x": (batch, 1), "gamma": (1,), "beta": (1,)})
        mean, variance = tf.nn.moments(at["x"], [0], keepdims=True)
        if stop:
            mean, variance = tf.stop_gradient(mean), tf.stop_gradient(variance)
        y = tf.nn.batch_normalization(at["x"], mean, variance, at["beta"], at["gamma"], float(EPSILON))
    named = {
        "mu": (mean, np.full((1, 1), MU)),
        "v": (variance, np.full((1, 1), VARIANCE)),
        "r": (graph.get_tensor_by_name("batchnorm/Rsqrt:0"), np.full((1, 1), R)),
    }
    given = {n: (t, np.reshape(symbols(n, t.type.static), t.type.static)) for n, t in at.items()}
    return pose(graph, given, y, symbols("delta", (batch, 1)), **named)


def chain(options: DeriveOptions) -> Chain:
    """The steps: the mean μ, the variance v, r = 1/√(v + ε), and y."""
    return Chain(problem(options.batch or 3), "y", {}, sympy.simplify)


def closed_form(x: Array, delta: Array) -> tuple[Array, Any, Any]:
    """∂L/∂x, ∂L/∂γ and ∂L/∂β in μ and r = 1/√(σ² + ε)."""
    normalised = (x - MU) * R
    along = sum((delta * normalised).flat) / x.size
    dx = GAMMA * R * (delta - sum(delta.flat) / x.size - normalised * along)
    return dx, sum((delta * normalised).flat), sum(delta.flat)


def derive(options: DeriveOptions, check: bool) -> Document:
    """One feature, a batch of 3 by default."""
    posed = problem(options.batch or 3)
    found = solve(posed)
    x = posed.inputs["x"][1]
    hats = symbols("xhat", x.shape)
    blocks: list[Block] = [
        Heading("Forward"),
        Prose(
            "The mean and the biased variance are the batch's; r stands for 1/√(σ² + ε). γ and β are the only "
            "parameters that are learned."
        ),
        _forward(x, hats),
        Heading("Gradients"),
        Prose("The gradient graph, run with symbols for the values of μ and r, gives with means over the batch"),
        _gradients(posed, found, hats),
        Prose(
            "The normalised values add up to 0, and with them the first term, which stems from the variance's "
            "derivative by the mean. There remains γ·r·(δ − mean(δ) − x̂·mean(δ·x̂))."
        ),
    ]
    if check:
        blocks += [Heading("Checks"), Claims(_checks(posed, found))]
    return Document(f"Batch normalisation of a batch of {x.size}", blocks)


def _forward(x: Array, hats: Array) -> Equations:
    names, m = symbols("y", x.shape), x.size
    return Equations([
        (name(MU), sum(x.flat) / m),
        (operator("σ²", r"\sigma^2"), sum((s - MU) ** 2 for s in x.flat) / m),
        *[(name(h), (s - MU) * R) for h, s in zip(hats.flat, x.flat, strict=True)],
        *[(name(n), GAMMA * h + BETA) for n, h in zip(names.flat, hats.flat, strict=True)],
    ])  # fmt: skip


def _gradients(posed: Problem, found: Solution, hats: Array) -> Equations:
    x, delta = posed.inputs["x"][1], posed.delta[1]
    m = x.size
    to_hats = {s: h / R + MU for s, h in zip(x.flat, hats.flat, strict=True)}
    gradient = found.gradients["x"]
    along = sum((delta * hats).flat) / m
    return Equations([
        (name(MEAN), sum(delta.flat) / m),
        (name(ALONG), along),
        (partial(GAMMA), sympy.expand(found.gradients["gamma"][0].xreplace(to_hats))),
        (partial(BETA), sympy.expand(found.gradients["beta"][0])),
        *[
            (partial(s), _split(g.xreplace(to_hats), d, h, along, sum(delta.flat) / m))
            for s, g, d, h in zip(x.flat, gradient.flat, delta.flat, hats.flat, strict=True)
        ],
    ])  # fmt: skip


def _checks(posed: Problem, found: Solution) -> list[Claim]:
    x, delta = posed.inputs["x"][1], posed.delta[1]
    m, gradient = x.size, found.gradients["x"]
    dx, dgamma, dbeta = closed_form(x, delta)
    mean = {MU: sum(x.flat) / m}
    return [
        exact_claim(
            "∂L/∂x is γ·r·(δ − mean(δ) − x̂·mean(δ·x̂))",
            [g.subs(mean) for g in gradient.flat],
            [g.subs(mean) for g in dx.flat],
        ),
        exact_claim("∂L/∂γ = Σ δ·x̂", found.gradients["gamma"], [dgamma]),
        exact_claim("∂L/∂β = Σ δ", found.gradients["beta"], [dbeta]),
        *numeric_claims(posed, solve(posed, use_names=False)),
        *_corrections(m, found.gradients["x"]),
    ]


def _split(gradient: Any, delta: Any, hat: Any, along: Any, mean: Any) -> Any:
    """The gradient as the closed form plus the graph's remaining term, written in the two means."""
    rest = sympy.cancel((gradient - GAMMA * R * (delta - mean - hat * along)) / (GAMMA * R * along))
    return sympy.Add(GAMMA * R * (delta - MEAN - hat * ALONG), GAMMA * R * ALONG * rest, evaluate=False)


def _corrections(m: int, gradient: Array) -> list[Any]:
    stopped = problem(m, stop=True)
    constant = solve(stopped)
    delta = stopped.delta[1]
    return [
        exact_claim("were μ and σ² constants, ∂L/∂x would be γ·r·δ", constant.gradients["x"], GAMMA * R * delta),
        Claim(
            "gradients flow through μ and σ², which are no learned parameters (printed: they are)",
            not equal(constant.gradients["x"], gradient),
            "the gradient above differs from that",
        ),
    ]
