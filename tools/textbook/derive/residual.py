"""A residual unit: the input is added to what two layers make of it."""

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
    DeriveOptions,
    Problem,
    exact_claim,
    numeric_claims,
    placeholders,
    pose,
    random_numbers,
    solve,
)
from minigraph.tools.textbook.derive.steps import Chain


def problem(options: DeriveOptions) -> Problem:
    """y = x + f, f = r·v, r = ReLU(h), h = x·w: one example of 2 units by default."""
    units = (options.size or (1, 2))[1]
    graph = tf.Graph()
    with graph.as_default():
        at = placeholders({"x": (1, units), "w": (units, units), "v": (units, units)})
        h = tf.matmul(at["x"], at["w"])
        r = tf.nn.relu(h)
        f = tf.matmul(r, at["v"])
        y = at["x"] + f
    given = {n: (t, symbols(n, t.type.static)) for n, t in at.items()}
    named = {n: (t, symbols(n, (1, units))) for n, t in (("h", h), ("r", r), ("f", f))}
    return pose(graph, given, y, symbols("delta", (1, units)), **named)


def active_point(posed: Problem) -> dict[Any, Any]:
    """A point at which all ReLU units are active: everything is positive."""
    values = random_numbers(posed)
    pairs = [(array, values[n]) for n, (_, array) in posed.inputs.items()]
    pairs += [(array, np.ones(array.shape)) for _, array in posed.named.values()]
    return {s: float(v) for array, value in pairs for s, v in zip(array.flat, value.flat, strict=True)}


def chain(options: DeriveOptions) -> Chain:
    """The steps h, r, f and y, where all ReLU units are active."""
    posed = problem(options)
    return Chain(posed, "y", active_point(posed))


def derive(options: DeriveOptions, check: bool) -> Document:
    posed = problem(options)
    point = active_point(posed)
    found = solve(posed, point, use_names=False)
    x, w, v = (posed.inputs[n][1] for n in ("x", "w", "v"))
    delta = posed.delta[1]
    blocks: list[Block] = [
        Heading("Forward"),
        Prose("y = x + ReLU(x·w)·v. Here all ReLU units are active; where one is not, its terms are 0."),
        name_lines(symbols("y", found.output.shape), found.output),
        Heading("Gradients"),
        gradient_lines(x, found.gradients["x"]),
        Prose(
            "The first term is δ itself: the sum hands the gradient on as it is, however small that of the two layers "
            "becomes. So networks of many such units can be trained."
        ),
        *[gradient_lines(array, found.gradients[n]) for n, array in (("w", w), ("v", v))],
    ]
    if check:
        inner = delta.dot(v.T)
        claims = [
            exact_claim("∂L/∂x = δ + δ·vᵀ·wᵀ", found.gradients["x"], delta + inner.dot(w.T)),
            exact_claim("∂L/∂w = xᵀ·δ·vᵀ", found.gradients["w"], x.T.dot(inner)),
            exact_claim("∂L/∂v = ReLU(x·w)ᵀ·δ", found.gradients["v"], x.dot(w).T.dot(delta)),
            exact_claim("without the two layers the gradient is δ", _silent(found.gradients["x"], v), delta),
            *numeric_claims(posed, found),
        ]
        blocks += [Heading("Checks"), Claims(claims)]
    return Document("A residual unit", blocks)


def _silent(gradient: Any, v: Any) -> Any:
    """The gradient for v = 0."""
    zero = dict.fromkeys(v.flat, sympy.S.Zero)
    return np.vectorize(lambda g: sympy.expand(g).subs(zero))(gradient)
