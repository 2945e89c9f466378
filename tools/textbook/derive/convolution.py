"""A convolution layer with the flipped kernel of signal processing, its gradients, and the theorem about them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import sympy

import minigraph as tf
from minigraph.backends.sympy import symbols
from minigraph.core.typing import Padding
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
    Solution,
    exact_claim,
    numeric_claims,
    placeholders,
    pose,
    solve,
)

CORRELATED = operator("⋆", r"\star")
CONVOLVED = operator("∗", "*")


class WindowSizes(NamedTuple):
    """Sizes of input, kernel and output; strides; zeros above and to the left of the input."""

    size: tuple[int, int]
    kernel: tuple[int, int]
    out: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]

    def weight(self, i: int, j: int, k: int, l: int) -> tuple[int, int]:  # noqa: E741
        """The index, from 0, of the kernel's element that connects input (k, l) to output (i, j)."""
        rows, columns = (
            self.kernel[axis] - 1 - (position - (place * self.stride[axis] - self.pad[axis]))
            for axis, (place, position) in enumerate(((i, k), (j, l)))
        )
        return rows, columns


def geometry(options: DeriveOptions) -> tuple[WindowSizes, Padding]:
    """The sizes and the padding that the options select."""
    size, kernel, stride = options.size or (3, 3), options.kernel or (2, 2), options.stride or (1, 1)
    padding = options.padding or "VALID"
    window = Window(kernel, stride, (1, 1), padding)
    rows, columns = window.out(*size)
    (top, _), (left, _) = window.pads(*size)
    return WindowSizes(size, kernel, (int(rows or 0), int(columns or 0)), stride, (top, left)), padding


def problem(options: DeriveOptions) -> tuple[Problem, WindowSizes]:
    """s = A ∗ W: the layer cross-correlates with the flipped kernel, and the flip is part of the graph."""
    sizes, padding = geometry(options)
    graph = tf.Graph()
    with graph.as_default():
        at = placeholders({"a": sizes.size, "w": sizes.kernel})
        image = tf.reshape(at["a"], [1, *sizes.size, 1])
        kernel = tf.reshape(at["w"][::-1, ::-1], [*sizes.kernel, 1, 1])
        maps = tf.nn.conv2d(image, kernel, strides=[1, *sizes.stride, 1], padding=padding)
        s = tf.reshape(maps, sizes.out)
    inputs = {n: (at[n], symbols(n, at[n].type.static)) for n in ("a", "w")}
    return pose(graph, inputs, s, symbols("delta", sizes.out)), sizes


def closed_forms(sizes: WindowSizes, a: Array, w: Array, delta: Array) -> tuple[Array, Array, Array]:
    """s, ∂L/∂w and ∂L/∂a by the index formulas, term by term."""
    s, dw, da = (np.full(shape, sympy.S.Zero) for shape in (sizes.out, sizes.kernel, sizes.size))
    for i, j in np.ndindex(*sizes.out):
        for k, l in np.ndindex(*sizes.size):  # noqa: E741
            m, n = sizes.weight(i, j, k, l)
            if 0 <= m < sizes.kernel[0] and 0 <= n < sizes.kernel[1]:
                s[i, j] += a[k, l] * w[m, n]
                dw[m, n] += delta[i, j] * a[k, l]
                da[k, l] += delta[i, j] * w[m, n]
    return s, dw, da


def correlate(x: Array, h: Array) -> Array:
    """y_pq = Σ_rs x_(p+r)(q+s)·h_rs wherever h lies inside x."""
    rows, columns = x.shape[0] - h.shape[0] + 1, x.shape[1] - h.shape[1] + 1
    y = np.full((rows, columns), sympy.S.Zero)
    for p, q in np.ndindex(rows, columns):
        for r, s in np.ndindex(*h.shape):
            y[p, q] += x[p + r, q + s] * h[r, s]
    return y


def convolve(x: Array, h: Array) -> Array:
    """y_pq = Σ_kl x_kl·h_(p−k)(q−l), wherever h lies inside x."""
    rows, columns = x.shape[0] - h.shape[0] + 1, x.shape[1] - h.shape[1] + 1
    y = np.full((rows, columns), sympy.S.Zero)
    for p, q in np.ndindex(rows, columns):
        for k, l in np.ndindex(*h.shape):  # noqa: E741
            y[p, q] += x[p + k, q + l] * h[h.shape[0] - 1 - k, h.shape[1] - 1 - l]
    return y


def spread(delta: Array, sizes: WindowSizes) -> Array:
    """δ with stride − 1 zeros between its elements."""
    rows, columns = ((n - 1) * s + 1 for n, s in zip(sizes.out, sizes.stride, strict=True))
    out = np.full((rows, columns), sympy.S.Zero)
    out[:: sizes.stride[0], :: sizes.stride[1]] = delta
    return out


def padded(a: Array, sizes: WindowSizes) -> Array:
    """The part of the padded input that the outputs read."""
    seen = [(n - 1) * s + k for n, s, k in zip(sizes.out, sizes.stride, sizes.kernel, strict=True)]
    whole = np.full([max(v, p + n) for v, p, n in zip(seen, sizes.pad, sizes.size, strict=True)], sympy.S.Zero)
    whole[sizes.pad[0] : sizes.pad[0] + sizes.size[0], sizes.pad[1] : sizes.pad[1] + sizes.size[1]] = a
    return whole[: seen[0], : seen[1]]


def input_gradient(delta: Array, w: Array, sizes: WindowSizes) -> Array:
    """∂L/∂A in matrix form: W cross-correlated in full with the spread δ, cut to the input."""
    spread_out = spread(delta, sizes)
    border = [(n - 1, max(n - 1, size + p - d)) for n, size, p, d in
              zip(w.shape, sizes.size, sizes.pad, spread_out.shape, strict=True)]  # fmt: skip
    full = correlate(np.pad(spread_out, border, constant_values=sympy.S.Zero), w)
    top, left = sizes.pad
    return full[top : top + sizes.size[0], left : left + sizes.size[1]]


def derive(options: DeriveOptions, check: bool) -> Document:
    """The document. check: append proofs and comparisons."""
    posed, sizes = problem(options)
    found = solve(posed)
    a, w, delta = posed.inputs["a"][1], posed.inputs["w"][1], posed.delta[1]
    blocks = [*_forward(sizes, a, w, found.output), *_backward(sizes, a, w, delta, found)]
    if check:
        blocks += _checked(posed, sizes, found)
    rows, columns = sizes.size
    return Document(f"A {rows}×{columns} map and a {w.shape[0]}×{w.shape[1]} kernel", blocks)


def _forward(sizes: WindowSizes, a: Array, w: Array, s: Array) -> list[Block]:
    names = symbols("s", sizes.out)
    stride = "" if sizes.stride == (1, 1) else f" The kernel moves by {sizes.stride[0]} and {sizes.stride[1]}."
    zeros = "" if sizes.pad == (0, 0) and padded(a, sizes).shape <= a.shape else " Zeros surround A where it ends."
    return [
        Heading("Forward"),
        Prose(
            "S is A convolved with the kernel W, wherever W lies inside A. Convolution flips the kernel: the output "
            f"sums products of A's elements with W turned by half a turn.{stride}{zeros}"
        ),
        MatrixEquation([name(sympy.Symbol("S")), EQUALS, padded(a, sizes), CONVOLVED, w]),
        Equations([(name(n), value) for n, value in zip(names.flat, s.flat, strict=True)]),
    ]


def _backward(sizes: WindowSizes, a: Array, w: Array, delta: Array, found: Solution) -> list[Block]:
    dw, da = found.gradients["w"], found.gradients["a"]
    spread_out = spread(delta, sizes)
    flipped_left = operator("flip(∂L/∂W)", r"\operatorname{flip}\left(\frac{\partial L}{\partial W}\right)")
    return [
        Heading("Gradient of the kernel"),
        Prose("With δ = ∂L/∂S, the gradient graph of the same layer gives"),
        Equations([(partial(x), g) for x, g in zip(w.flat, dw.flat, strict=True)]),
        Prose(
            "In matrix form the gradient, flipped, is A cross-correlated (⋆) with δ; that is A convolved (∗) with the "
            "flipped δ." + ("" if sizes.stride == (1, 1) else " A stride puts zeros between the elements of δ.")
        ),
        MatrixEquation([flipped_left, EQUALS, dw[::-1, ::-1]]),
        MatrixEquation([flipped_left, EQUALS, padded(a, sizes), CORRELATED, spread_out]),
        MatrixEquation([flipped_left, EQUALS, padded(a, sizes), CONVOLVED, spread_out[::-1, ::-1]]),
        Prose(_index_formula(sizes)),
        Heading("Gradient of the input"),
        Equations([(partial(x), g) for x, g in zip(a.flat, da.flat, strict=True)]),
        Prose(
            "In matrix form: δ with zeros around it, cross-correlated with W. (A layer that cross-correlates in the "
            "forward direction convolves here, and the other way round.)"
        ),
    ]


def _index_formula(sizes: WindowSizes) -> str:
    (p, q), (r, t) = sizes.kernel, sizes.stride
    if (r, t) == (1, 1) and sizes.pad == (0, 0):
        return f"By index: ∂L/∂w_ij = Σ_mn δ_mn·a_(m+{p}−i)(n+{q}−j)."
    row, column = p - sizes.pad[0], q - sizes.pad[1]
    return (
        f"By index: ∂L/∂w_ij = Σ_mn δ_mn·a_(({r}(m−1)+1)+{row}−i)(({t}(n−1)+1)+{column}−j), with a = 0 outside the map."
    )


def _checked(posed: Problem, sizes: WindowSizes, found: Solution) -> list[Block]:
    a, w, delta = posed.inputs["a"][1], posed.inputs["w"][1], posed.delta[1]
    s, dw, da = closed_forms(sizes, a, w, delta)
    seen, spread_out = padded(a, sizes), spread(delta, sizes)
    flipped = found.gradients["w"][::-1, ::-1]
    claims = [
        exact_claim("S is the sum over the index formula", found.output, s),
        exact_claim("∂L/∂W is the sum over the index formula", found.gradients["w"], dw),
        exact_claim("∂L/∂A is the sum over the index formula", found.gradients["a"], da),
        exact_claim("flip(∂L/∂W) = A ⋆ δ", flipped, correlate(seen, spread_out)),
        exact_claim("flip(∂L/∂W) = A ∗ flip(δ)", flipped, convolve(seen, spread_out[::-1, ::-1])),
        exact_claim("∂L/∂A = δ, with zeros around it, ⋆ W", found.gradients["a"], input_gradient(delta, w, sizes)),
        *numeric_claims(posed, found),
    ]
    return [Heading("Checks"), Claims(claims), *_corrections(sizes, found)]


def _corrections(sizes: WindowSizes, found: Solution) -> list[Block]:
    """Misprints in the literature for the 3×3 map, and the derivation's results."""
    if sizes != geometry(DeriveOptions())[0]:
        return []
    a, w, delta = symbols("a", (3, 3)), symbols("w", (2, 2)), symbols("delta", (2, 2))
    by_index = [
        sum(delta[m - 1, n - 1] * a[m + 2 - i - 1, n + 2 - j - 1] for m in (1, 2) for n in (1, 2))
        for i in (1, 2)
        for j in (1, 2)
    ]
    s22 = found.output[1, 1]
    claims = [
        Claim(
            "s22 contains w21·a23 (printed: w23·a22; a 2×2 kernel has no w23)",
            s22.coeff(a[1, 2]) == w[1, 0],
            f"the factor of a23 is {s22.coeff(a[1, 2])}",
        ),
        exact_claim(
            "∂L/∂w_ij = Σ_mn δ_mn·a_(m+2−i)(n+2−j) (printed with other indices)",
            found.gradients["w"],
            np.reshape(by_index, (2, 2)),
        ),
        Claim("∂L/∂A, which is left out there, is given above", bool(np.all(found.gradients["a"] != 0)), "9 elements"),
    ]
    return [Prose("Corrections to the printed chapter that this settles:"), Claims(claims)]
