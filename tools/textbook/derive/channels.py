"""A convolution layer of several maps: each output map sums over all input maps."""

from __future__ import annotations

import numpy as np
import sympy

import minigraph as tf
from minigraph.backends.sympy import symbols
from minigraph.tools.textbook.derive.convolution import WindowSizes, geometry
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


def problem(options: DeriveOptions) -> tuple[Problem, WindowSizes]:
    """s_m = Σ_c A_c ∗ W_mc: the maps are the first axis of A and S, and the first two, out and in, of W."""
    sizes, padding = geometry(options)
    inputs, outputs = options.channels or (1, 1)
    graph = tf.Graph()
    with graph.as_default():
        at = placeholders({"a": (inputs, *sizes.size), "w": (outputs, inputs, *sizes.kernel)})
        image = tf.transpose(at["a"], [1, 2, 0])[None]
        kernel = tf.transpose(at["w"][:, :, ::-1, ::-1], [2, 3, 1, 0])
        maps = tf.nn.conv2d(image, kernel, strides=[1, *sizes.stride, 1], padding=padding)
        s = tf.transpose(maps[0], [2, 0, 1])
    given = {n: (at[n], symbols(n, at[n].type.static)) for n in ("a", "w")}
    return pose(graph, given, s, symbols("delta", (outputs, *sizes.out))), sizes


def closed_forms(sizes: WindowSizes, a: Array, w: Array, delta: Array) -> tuple[Array, Array, Array]:
    """s, ∂L/∂w and ∂L/∂a by the index formulas, term by term."""
    s, dw, da = (np.full(shape, sympy.S.Zero) for shape in (delta.shape, w.shape, a.shape))
    for m, c in np.ndindex(*w.shape[:2]):
        for i, j in np.ndindex(*sizes.out):
            for k, l in np.ndindex(*sizes.size):  # noqa: E741
                p, q = sizes.weight(i, j, k, l)
                if 0 <= p < sizes.kernel[0] and 0 <= q < sizes.kernel[1]:
                    s[m, i, j] += a[c, k, l] * w[m, c, p, q]
                    dw[m, c, p, q] += delta[m, i, j] * a[c, k, l]
                    da[c, k, l] += delta[m, i, j] * w[m, c, p, q]
    return s, dw, da


def derive(options: DeriveOptions, check: bool) -> Document:
    posed, sizes = problem(options)
    found = solve(posed)
    a, w, delta = posed.inputs["a"][1], posed.inputs["w"][1], posed.delta[1]
    outputs, inputs = w.shape[:2]
    rows, columns = sizes.kernel
    mixing = " A 1×1 kernel only mixes the maps, at each place by itself." if sizes.kernel == (1, 1) else ""
    blocks: list[Block] = [
        Heading("Forward"),
        Prose(
            f"A has {inputs} maps and S {outputs}. Each map of S is the sum of all maps of A, each convolved with a "
            f"kernel of its own: {outputs}·{inputs}·{rows}·{columns} = {w.size} weights. The first index counts maps: "
            f"of the output, then of the input.{mixing}"
        ),
        name_lines(symbols("s", found.output.shape), found.output),
        Heading("Gradient of the kernels"),
        Prose("A kernel joins one map of A to one map of S, so its gradient has only these two in it:"),
        gradient_lines(w, found.gradients["w"]),
        Heading("Gradient of the input"),
        Prose("A map of A takes part in all maps of S, so its gradient is a sum over them:"),
        gradient_lines(a, found.gradients["a"]),
    ]
    if check:
        s, dw, da = closed_forms(sizes, a, w, delta)
        claims = [
            exact_claim("S is the sum over the index formula", found.output, s),
            exact_claim("∂L/∂W is the sum over the index formula", found.gradients["w"], dw),
            exact_claim("∂L/∂A is the sum over the index formula", found.gradients["a"], da),
            *numeric_claims(posed, found),
        ]
        blocks += [Heading("Checks"), Claims(claims)]
    return Document(f"{inputs} maps to {outputs}, kernels of {rows}×{columns}", blocks)
