"""Local response normalisation, as in AlexNet: each map is divided by what it and its neighbours amount to."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

import minigraph as tf
from minigraph.backends.sympy import symbols
from minigraph.tools.textbook.derive.document import (
    Block,
    Claims,
    Document,
    Heading,
    Prose,
    gradient_lines,
    name_lines,
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

BIAS, ALPHA, BETA = sympy.Integer(2), sympy.Rational(1, 4), sympy.Rational(3, 4)  # exact in binary; AlexNet's α is 1e-4
RADIUS = 1


def neighbours(maps: int) -> Array:
    """1 where two maps are at most RADIUS apart: [maps, maps]."""
    places = np.arange(maps)
    near: Array = (np.abs(places[:, None] - places) <= RADIUS).astype(np.float64)
    return near


def problem(options: DeriveOptions) -> Problem:
    """y_i = a_i·d_i^−β with d_i = k + α·Σ_j a_j² over the neighbours of i: one place of 3 maps by default."""
    maps = (options.size or (1, 3))[1]
    graph = tf.Graph()
    with graph.as_default():
        a = placeholders({"a": (1, maps)})["a"]
        sums = tf.matmul(tf.square(a), tf.constant(neighbours(maps), tf.float64))
        d = float(BIAS) + float(ALPHA) * sums
        y = a * tf.pow(d, -float(BETA))
    letters = np.array([[sympy.Symbol(f"d{i + 1}", positive=True) for i in range(maps)]], object)
    return pose(graph, {"a": (a, symbols("a", (1, maps)))}, y, symbols("delta", (1, maps)), d=(d, letters))


def by_op(a: Array, delta: Array) -> tuple[Array, Array]:
    """Output and gradient of the one op that does the same."""
    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(tf.float64, a.shape)
        g = tf.placeholder(tf.float64, a.shape)
        y = tf.nn.local_response_normalization(x[None, :, None, :], RADIUS, float(BIAS), float(ALPHA), float(BETA))
        y = tf.reshape(y, a.shape)
        dx = tf.gradients(y, x, grad_ys=g)[0]
        with tf.Session(backend="sympy", optimize="O0") as session:
            out, gradient = session.run([y, dx], {x: a, g: delta})
    return out, gradient


def derive(options: DeriveOptions, check: bool) -> Document:
    posed = problem(options)
    whole = solve(posed, use_names=False)
    a, delta, d = posed.inputs["a"][1], posed.delta[1], posed.named["d"][1]
    with_d = a * d**-BETA
    blocks: list[Block] = [
        Heading("Forward"),
        Prose(
            f"Map i is divided by d_i^β, where d_i = k + α·Σ a_j² over the maps at most {RADIUS} away. Here "
            f"k = {BIAS}, α = {ALPHA} and β = {BETA}; AlexNet has maps up to 2 away and α = 1/10000."
        ),
        name_lines(d, BIAS + ALPHA * (a**2).dot(neighbours(a.size).astype(int))),
        name_lines(symbols("y", a.shape), with_d),
        Heading("Gradient"),
        Prose("Each map takes part in its own output and, by d, in those of its neighbours:"),
        gradient_lines(a, _in_d(whole.gradients["a"], a, d)),
    ]
    if check:
        output, gradient = by_op(a, delta)
        closed = [
            delta[0, i] * d[0, i] ** -BETA
            - 2 * ALPHA * BETA * a[0, i] * sum(delta[0, j] * a[0, j] * d[0, j] ** (-BETA - 1) for j in _near(a.size, i))
            for i in range(a.size)
        ]
        claims = [
            exact_claim("y as from the one op", whole.output, output, one_form),
            exact_claim("∂L/∂a as from the one op", whole.gradients["a"], gradient, one_form),
            exact_claim(
                "∂L/∂a_i = δ_i·d_i^−β − 2·α·β·a_i·Σ_j δ_j·a_j·d_j^(−β−1)",
                _in_d(whole.gradients["a"], a, d),
                [closed],
                one_form,
            ),
            *numeric_claims(posed, whole),
        ]
        blocks += [Heading("Checks"), Claims(claims)]
    return Document("Local response normalisation", blocks)


def one_form(expression: Any) -> Any:
    """The expression expanded, with each power of a sum written by the sum with whole coefficients.

    Equal expressions of this layer then look equal, which SymPy's general simplification does not achieve for roots.
    """

    def split(power: Any) -> Any:
        content, whole = sympy.expand(power.base).as_content_primitive()
        return content**power.exp * whole**power.exp

    return sympy.expand(sympy.expand(expression).replace(lambda e: e.is_Pow and e.base.is_Add, split))


def _near(maps: int, i: int) -> list[int]:
    return [j for j in range(maps) if abs(i - j) <= RADIUS]


def _in_d(gradient: Array, a: Array, d: Array) -> Array:
    """The expressions with d_i for its value."""
    sums = BIAS + ALPHA * (a**2).dot(neighbours(a.size).astype(int))
    letters = {sympy.expand(value): letter for value, letter in zip(sums.flat, d.flat, strict=True)}

    def short(expression: Any) -> Any:
        found = expression.replace(lambda e: e.is_Pow and sympy.expand(e.base) in letters,
                                   lambda e: letters[sympy.expand(e.base)] ** e.exp)  # fmt: skip
        return sympy.expand(found)

    return np.reshape([short(g) for g in gradient.flat], gradient.shape)
