"""Units that follow a full connection: sigmoids, their cross-entropy, and LeNet-5's radial basis functions."""

from __future__ import annotations

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


def logistic(z: Array) -> Array:
    """1/(1 + e^−z) of each element."""
    values: Array = 1 / (1 + np.vectorize(sympy.exp, otypes=[object])(-z))
    return values


def sigmoid_problem(options: DeriveOptions) -> Problem:
    """y = σ(z) for z = x·w + b: one example, by default 2 inputs and 1 unit."""
    inputs, outputs = options.size or (2, 1)
    graph = tf.Graph()
    with graph.as_default():
        at = placeholders({"x": (1, inputs), "w": (inputs, outputs), "b": (outputs,)})
        z = tf.nn.bias_add(tf.matmul(at["x"], at["w"]), at["b"])
        y = tf.sigmoid(z)
    given = {n: (t, symbols(n, t.type.static)) for n, t in at.items()}
    return pose(graph, given, y, symbols("delta", (1, outputs)), z=(z, symbols("z", (1, outputs))))


def derive_sigmoid(options: DeriveOptions, check: bool) -> Document:
    posed = sigmoid_problem(options)
    found, whole = solve(posed), solve(posed, use_names=False)
    x, w = posed.inputs["x"][1], posed.inputs["w"][1]
    z, delta = posed.named["z"][1], posed.delta[1]
    sigma = logistic(z)
    error = delta * sigma * (1 - sigma)
    blocks: list[Block] = [
        Heading("Forward"),
        Prose("z = x·w + b, and y = σ(z) = 1/(1 + e^−z)."),
        name_lines(symbols("y", whole.output.shape), whole.output),
        Heading("Gradients"),
        Prose(
            "With z for the sum: the slope of the sigmoid is y·(1 − y), at most ¼, so each layer of sigmoids makes "
            "the gradient smaller."
        ),
        *[gradient_lines(array, found.gradients[n]) for n, (_, array) in posed.inputs.items()],
    ]
    if check:
        claims = [
            exact_claim("∂L/∂b = δ·y·(1 − y)", found.gradients["b"], error[0], sympy.simplify),
            exact_claim("∂L/∂w = xᵀ·δ·y·(1 − y)", found.gradients["w"], x.T.dot(error), sympy.simplify),
            exact_claim("∂L/∂x = δ·y·(1 − y)·wᵀ", found.gradients["x"], error.dot(w.T), sympy.simplify),
            *numeric_claims(posed, whole),
        ]
        blocks += [Heading("Checks"), Claims(claims)]
    return Document("Sigmoid units", blocks)


def cross_entropy_problem(options: DeriveOptions, fused: bool) -> Problem:
    """c = −t·log p − (1 − t)·log(1 − p) for p = σ(z): by one op, or by the steps that it replaces."""
    units = (options.size or (1, 1))[1]
    graph = tf.Graph()
    with graph.as_default():
        at = placeholders({"z": (1, units), "t": (1, units)})
        z, t = at["z"], tf.stop_gradient(at["t"])
        p = tf.sigmoid(z)
        if fused:
            cost = tf.nn.sigmoid_cross_entropy_with_logits(labels=t, logits=z)
        else:
            cost = -t * tf.log(p) - (1.0 - t) * tf.log(1.0 - p)
    given = {n: (tensor, symbols(n, (1, units))) for n, tensor in at.items()}
    named = {} if fused else {"p": (p, symbols("p", (1, units)))}
    return pose(graph, given, cost, symbols("delta", (1, units)), **named)


def _logarithms(t: Array, p: Array) -> Array:
    costs = [-a * sympy.log(b) - (1 - a) * sympy.log(1 - b) for a, b in zip(t.flat, p.flat, strict=True)]
    return np.reshape(np.array(costs, object), t.shape)


def derive_cross_entropy(options: DeriveOptions, check: bool) -> Document:
    posed, steps = cross_entropy_problem(options, True), cross_entropy_problem(options, False)
    point = dict.fromkeys(posed.inputs["z"][1].flat, 1)
    found, by_steps = solve(posed, point), solve(steps)
    z, t = posed.inputs["z"][1], posed.inputs["t"][1]
    p, whole = symbols("p", z.shape), solve(steps, use_names=False)
    error = posed.delta[1] * (logistic(z) - t)
    blocks: list[Block] = [
        Heading("Forward"),
        Prose("p = σ(z) is the probability of the class, t the label, 0 or 1. The cost of one unit is"),
        name_lines(symbols("c", z.shape), _logarithms(t, p)),
        Heading("Gradient"),
        Prose("By the steps, with p for the sigmoid's value in the gradient graph:"),
        gradient_lines(z, by_steps.gradients["z"]),
        Prose("The slope p·(1 − p) cancels. There remains δ·(p − t), so a saturated unit still learns."),
    ]
    if check:
        claims = [
            exact_claim("∂L/∂z = δ·(p − t), from the one op", found.gradients["z"], error, sympy.simplify),
            exact_claim("the steps give the same", whole.gradients["z"], error, sympy.simplify),
            *numeric_claims(posed, found),
            *numeric_claims(steps, whole),
        ]
        blocks += [Heading("Checks"), Claims(claims)]
    return Document("Sigmoid and cross-entropy", blocks)


def rbf_problem(options: DeriveOptions) -> Problem:
    """y_i = Σ_j (x_j − w_ij)²: by default 2 inputs and 2 units."""
    inputs, outputs = options.size or (2, 2)
    graph = tf.Graph()
    with graph.as_default():
        at = placeholders({"x": (inputs,), "w": (outputs, inputs)})
        y = tf.reduce_sum(tf.square(at["x"][None, :] - at["w"]), 1)
    given = {n: (t, symbols(n, t.type.static)) for n, t in at.items()}
    return pose(graph, given, y, symbols("delta", (outputs,)))


def derive_rbf(options: DeriveOptions, check: bool) -> Document:
    posed = rbf_problem(options)
    found = solve(posed)
    x, w = posed.inputs["x"][1], posed.inputs["w"][1]
    delta = posed.delta[1]
    blocks: list[Block] = [
        Heading("Forward"),
        Prose(
            "Each unit measures the squared distance of the input x from its own code w: y_i = Σ_j (x_j − w_ij)². In "
            "LeNet-5 the codes are fixed pictures of the classes, and the class with the smallest distance wins."
        ),
        name_lines(symbols("y", found.output.shape), found.output),
        Heading("Gradients"),
        *[gradient_lines(array, found.gradients[n]) for n, (_, array) in posed.inputs.items()],
        Prose("A positive δ moves x and the code towards each other. With fixed codes only ∂L/∂x is used."),
    ]
    if check:
        apart = x[None, :] - w
        weighted = 2 * delta[:, None] * apart
        claims = [
            exact_claim("y_i = Σ_j (x_j − w_ij)²", found.output, (apart**2).sum(axis=1)),
            exact_claim("∂L/∂x_j = Σ_i 2·δ_i·(x_j − w_ij)", found.gradients["x"], weighted.sum(axis=0)),
            exact_claim("∂L/∂w_ij = −2·δ_i·(x_j − w_ij)", found.gradients["w"], -weighted),
            *numeric_claims(posed, found),
        ]
        blocks += [Heading("Checks"), Claims(claims)]
    return Document("Radial basis units", blocks)
