"""Max and average pooling, and the routing of their gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy

import minigraph as tf
from minigraph.backends.sympy import exact, symbols
from minigraph.ops.window import Window
from minigraph.tools.textbook.derive.document import (
    EQUALS,
    Block,
    Claim,
    Claims,
    Document,
    Equations,
    Heading,
    MatrixEquation,
    Prose,
    name,
    operator,
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
    random_numbers,
    solve,
)
from minigraph.tools.textbook.derive.steps import Chain

EXAMPLE = np.array([[1, 3, 2, 2], [4, 2, 2, 2], [0, 5, 7, 1], [6, 1, 8, 8]])  # the windows on the right have ties
_GRADIENT = operator("∂L/∂A", r"\frac{\partial L}{\partial A}")


def _window(options: DeriveOptions) -> tuple[tuple[int, int], Window]:
    kernel = options.kernel or (2, 2)
    size = options.values.shape if options.values is not None else options.size or (4, 4)
    return size, Window(kernel, options.stride or kernel, (1, 1), options.padding or "VALID")


def problem(options: DeriveOptions, kind: str) -> Problem:
    """s = max_pool(A) or avg_pool(A), depending on `kind`."""
    size, window = _window(options)
    graph = tf.Graph()
    with graph.as_default():
        a = placeholders({"a": size})["a"]
        pool = getattr(tf.nn, kind)
        sizes, strides = [1, *window.kernel, 1], [1, *window.strides, 1]
        s = tf.squeeze(pool(tf.reshape(a, [1, *size, 1]), sizes, strides, window.padding), [0, 3])
    return pose(graph, {"a": (a, symbols("a", size))}, s, symbols("delta", s.type.static))


def members(options: DeriveOptions) -> Iterator[tuple[tuple[int, int], list[tuple[int, int]]]]:
    """Each output's index with the indices in A that its window covers, row by row."""
    size, window = _window(options)
    (top, _), (left, _) = window.pads(*size)
    for place in np.ndindex(*(int(n or 0) for n in window.out(*size))):
        first = (place[0] * window.strides[0] - top, place[1] * window.strides[1] - left)
        inside = [(first[0] + r, first[1] + c) for r, c in np.ndindex(*window.kernel)]
        yield place, [(r, c) for r, c in inside if 0 <= r < size[0] and 0 <= c < size[1]]


def routed(options: DeriveOptions, values: Array, delta: Array) -> Array:
    """δ at the first largest element of each window."""
    out = np.full(values.shape, sympy.S.Zero)
    for place, covered in members(options):
        best = covered[0]
        for candidate in covered[1:]:
            if values[candidate] > values[best]:
                best = candidate
        out[best] += delta[place]
    return out


def _values(options: DeriveOptions, shape: tuple[int, ...]) -> Array:
    """The map of the example with numbers."""
    if options.values is not None:
        return options.values
    return EXAMPLE if shape == EXAMPLE.shape else _some(shape)


def chain_max(options: DeriveOptions) -> Chain:
    """The steps of max pooling where the map has the example's values, which say what is the maximum."""
    posed = problem(options, "max_pool")
    a = posed.inputs["a"][1]
    point = zip(a.flat, _values(options, a.shape).flat, strict=True)
    return Chain(posed, "s", {s: float(v) for s, v in point})


def derive_max(options: DeriveOptions, check: bool) -> Document:
    """Max pooling: in general, and for numbers."""
    posed = problem(options, "max_pool")
    a, delta = posed.inputs["a"][1], posed.delta[1]
    values = _values(options, a.shape)
    found = solve(posed)
    maxima, gradient = _numbers(posed, exact(values))
    blocks: list[Block] = [
        Heading("Forward"),
        Equations([(name(n), v) for n, v in _lines(symbols("s", found.output.shape), found.output)]),
        Heading("Gradient"),
        Prose(
            "The whole gradient goes to the place of the maximum; to the first one, row by row, where there are more."
        ),
        Equations([(partial(x), g) for x, g in _lines(a, found.gradients["a"])]),
        Heading("With numbers"),
        MatrixEquation([name(sympy.Symbol("A")), EQUALS, exact(values)]),
        MatrixEquation([name(sympy.Symbol("S")), EQUALS, maxima]),
        MatrixEquation([_GRADIENT, EQUALS, gradient]),
    ]
    if check:
        best = np.full(maxima.shape, sympy.S.Zero)
        for place, covered in members(options):
            best[place] = max(exact(values)[c] for c in covered)
        blocks += [
            Heading("Checks"),
            Claims([
                exact_claim("each output is the largest element of its window", maxima, best),
                exact_claim("δ goes to the first maximum of its window", gradient, routed(options, values, delta)),
                _nothing_lost(gradient, delta),
                *_numeric(posed),
            ]),
        ]  # fmt: skip
    return Document("Max pooling", blocks)


def _some(shape: tuple[int, ...]) -> Array:
    return np.arange(np.prod(shape)).reshape(shape) * 7 % 10


def _lines(left: Array, right: Array) -> list[tuple[Any, Any]]:
    return list(zip(left.flat, right.flat, strict=True))


def _numbers(posed: Problem, values: Array) -> tuple[Array, Array]:
    """Output and gradient of a map of numbers, δ as symbols."""
    with tf.Session(graph=posed.graph, backend="sympy", optimize="O0") as session:
        out, grad = session.run(
            [posed.output, posed.gradients["a"]], dict([(posed.inputs["a"][0], values), posed.delta])
        )
    return out, grad


def _nothing_lost(gradient: Array, delta: Array) -> Claim:
    return exact_claim("the elements of ∂L/∂A add up to those of δ", [sum(gradient.flat)], [sum(delta.flat)])


def _numeric(posed: Problem) -> list[Claim]:
    """Numeric gradients at a point without ties, where the pooling is differentiable."""
    values = random_numbers(posed)
    size = values["a"].size
    values["a"] = np.random.default_rng(1).permutation(size).reshape(values["a"].shape).astype(float)
    point = dict(zip(posed.inputs["a"][1].flat, values["a"].flat, strict=True))
    return numeric_claims(posed, solve(posed, point), values)


def derive_average(options: DeriveOptions, check: bool) -> Document:
    """Average pooling: each input gets an equal share."""
    posed = problem(options, "avg_pool")
    found = solve(posed)
    a, delta = posed.inputs["a"][1], posed.delta[1]
    gradient = found.gradients["a"]
    share = "a quarter" if all(len(covered) == 4 for _, covered in members(options)) else "an equal share"
    blocks: list[Block] = [
        Heading("Forward"),
        Equations([(name(n), v) for n, v in _lines(symbols("s", found.output.shape), found.output)]),
        Heading("Gradient"),
        Prose(f"Each element that the window covers gets {share} of the gradient. Padding is not counted."),
        MatrixEquation([_GRADIENT, EQUALS, gradient]),
    ]
    if check:
        means, shares = np.full(delta.shape, sympy.S.Zero), np.full(a.shape, sympy.S.Zero)
        for place, covered in members(options):
            means[place] = sum((a[c] for c in covered), sympy.S.Zero) / len(covered)
            for c in covered:
                shares[c] += delta[place] / len(covered)
        claims = [
            exact_claim("each output is the mean of its window", found.output, means),
            exact_claim("each element gets its share", gradient, shares),
            _nothing_lost(gradient, delta),
            *numeric_claims(posed, found),
        ]
        blocks += [Heading("Checks"), Claims(claims)]
    return Document("Average pooling", blocks)
