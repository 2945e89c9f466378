"""A full connection, and softmax with cross-entropy."""

from __future__ import annotations

import numpy as np
import sympy

import minigraph as tf
from minigraph.backends.sympy import symbols
from minigraph.tools.textbook.derive.document import (
    EQUALS,
    Block,
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
    solve,
)
from minigraph.tools.textbook.derive.steps import Chain

DELTA = sympy.Symbol("delta", real=True)  # of a single row


def dense_problem(options: DeriveOptions) -> Problem:
    """y = x·W + b for a batch of rows x."""
    inputs, outputs = options.size or (3, 2)
    batch = options.batch or 2
    graph = tf.Graph()
    with graph.as_default():
        at = placeholders({"x": (batch, inputs), "w": (inputs, outputs), "b": (outputs,)})
        y = tf.nn.bias_add(tf.matmul(at["x"], at["w"]), at["b"])
    given = {n: (t, symbols(n, t.type.static)) for n, t in at.items()}
    return pose(graph, given, y, symbols("delta", (batch, outputs)))


def derive_dense(options: DeriveOptions, check: bool) -> Document:
    posed = dense_problem(options)
    found = solve(posed)
    x, w, b = (posed.inputs[n][1] for n in ("x", "w", "b"))
    delta = posed.delta[1]
    names = symbols("y", found.output.shape)
    blocks: list[Block] = [
        Heading("Forward"),
        Prose("Each row of x is one example; Y = x·W + b."),
        Equations([(name(n), v) for n, v in zip(names.flat, found.output.flat, strict=True)]),
        Heading("Gradients"),
    ]
    for n, array in (("w", w), ("x", x), ("b", b)):
        blocks.append(
            Equations([(partial(s), g) for s, g in zip(array.flat, found.gradients[n].flat, strict=True)]),
        )
    product = operator("·", r"\cdot")
    blocks += [
        Prose("In matrix form: the transposed input times δ, and δ times the transposed weights."),
        MatrixEquation([operator("∂L/∂W", r"\frac{\partial L}{\partial W}"), EQUALS, x.T, product, delta]),
        MatrixEquation([operator("∂L/∂x", r"\frac{\partial L}{\partial x}"), EQUALS, delta, product, w.T]),
    ]
    if check:
        ones = np.full(len(x), sympy.S.One)
        claims = [
            exact_claim("Y = x·W + b", found.output, x.dot(w) + b),
            exact_claim("∂L/∂W is the transposed x times δ", found.gradients["w"], x.T.dot(delta)),
            exact_claim("∂L/∂x is δ times the transposed W", found.gradients["x"], delta.dot(w.T)),
            exact_claim("∂L/∂b is the sum of δ over the batch", found.gradients["b"], ones.dot(delta)),
            *numeric_claims(posed, found),
        ]
        blocks += [Heading("Checks"), Claims(claims)]
    return Document("A full connection", blocks)


def softmax_problem(classes: int, fused: bool) -> Problem:
    """L = −Σ y·log p for p = softmax(x): by one op, or by the steps that it replaces."""
    graph = tf.Graph()
    named: dict[str, tuple[tf.Tensor, Array]] = {}
    with graph.as_default():
        at = placeholders({"x": (1, classes), "y": (1, classes)})
        if fused:
            loss = tf.nn.softmax_cross_entropy_with_logits(labels=at["y"], logits=at["x"])
        else:
            p = tf.nn.softmax(at["x"])
            loss = -tf.reduce_sum(tf.stop_gradient(at["y"]) * tf.log(p), 1)
            named["p"] = (p, symbols("p", (1, classes), positive=True))
    given = {n: (t, symbols(n, (1, classes))) for n, t in at.items()}
    return pose(graph, given, loss, symbols("delta", (1,)), **named)


def softmax_chain(options: DeriveOptions) -> Chain:
    """The steps: the probabilities p, and the cost c."""
    return Chain(softmax_problem((options.size or (1, 3))[1], fused=False), "c", {}, sympy.simplify)


def derive_softmax(options: DeriveOptions, check: bool) -> Document:
    classes = (options.size or (1, 3))[1]
    posed, steps = softmax_problem(classes, fused=True), softmax_problem(classes, fused=False)
    found, by_steps = solve(posed), solve(steps, use_names=False)
    x, y, delta = posed.inputs["x"][1], posed.inputs["y"][1], posed.delta[1]
    p = symbols("p", (1, classes))
    e = np.array([[sympy.exp(v) for v in x[0]]])
    probabilities = e / sum(e[0])
    blocks: list[Block] = [
        Heading("Forward"),
        Equations([(name(n), v) for n, v in zip(p[0], probabilities[0], strict=True)]),
        Equations([(operator("L", "L"), -sum(a * sympy.log(b) for a, b in zip(y[0], p[0], strict=True)))]),
        Heading("Gradient"),
        Prose("The graph of the steps softmax, logarithm, product and sum, differentiated step by step, gives"),
        _in_p(by_steps.gradients["x"], x, p),
        Prose("For labels that sum to 1 this is p − y, which is what the op for both together computes:"),
        _in_p(found.gradients["x"], x, p),
    ]
    if check:
        last = 1 - sum(y[0][:-1])
        one = {y[0][-1]: last}
        stepwise = [g.subs(one) for g in by_steps.gradients["x"][0]]
        claims = [
            exact_claim("∂L/∂x = δ·(p − y)", found.gradients["x"], delta[0] * (probabilities - y), sympy.simplify),
            exact_claim(
                "the steps give the same where the labels sum to 1",
                stepwise,
                [(delta[0] * v).subs(one) for v in (probabilities - y)[0]],
                sympy.simplify,
            ),
            exact_claim("softmax(x + c) = softmax(x)", _shifted(x), probabilities, sympy.simplify),
            *numeric_claims(steps, by_steps),
        ]
        blocks += [Heading("Checks"), Claims(claims)]
    return Document("Softmax and cross-entropy", blocks)


def _in_p(gradient: Array, x: Array, p: Array) -> Equations:
    """The gradient of one row, where δ = 1, written with p_i for e^x_i / Σ e^x."""
    total = sympy.Symbol("total", positive=True)
    powers = {sympy.exp(v): q * total for v, q in zip(x[0], p[0], strict=True)}
    lines = []
    for symbol, expression in zip(x[0], gradient[0], strict=True):
        short = expression.subs(DELTA, 1).subs(powers).subs(sum(q * total for q in p[0]), total)
        lines.append((partial(symbol), sympy.simplify(short.subs(sum(p[0]), 1)).expand()))
    return Equations(lines)


def _shifted(x: Array) -> Array:
    graph = tf.Graph()
    with graph.as_default():
        logits = tf.placeholder(tf.float64, x.shape)
        p = tf.nn.softmax(logits)
        with tf.Session(backend="sympy") as session:
            result: Array = session.run(p, {logits: x + sympy.Symbol("c", real=True)})
    return result
