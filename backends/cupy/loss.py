"""Softmax and cross-entropy: a block of threads for each row."""

from __future__ import annotations

import math

import numpy as np

from minigraph.backend.workspace import ins, outs
from minigraph.backends.cupy.kernel import Code, Emitter, Kernel, Launch, Types, kernel, pointer, reads
from minigraph.backends.cupy.source import c_type, library, literal, summing
from minigraph.core.dtypes import DType
from minigraph.core.op import Op
from minigraph.ops.nn import loss as L


def _threads(width: int) -> int:
    """A power of 2, at least a warp."""
    return min(256, max(32, 1 << (width - 1).bit_length()))


def _over(width: int, threads: int, statement: str) -> str:
    return f"for (int j = threadIdx.x; j < {width}; j += {threads}) {statement}"


def _statistics(dtype: DType, width: int, threads: int) -> list[str]:
    """The statistics of a row: `largest`, and `total` = Σ e^(x − largest)."""
    kind, low = c_type(summing(dtype)), literal(-np.inf, summing(dtype))
    return [
        f"__shared__ {kind} part[{threads}];",
        f"const auto row = (long long)blockIdx.x * {width};",
        f"{kind} largest = {low}, total = 0;",
        _over(width, threads, f"largest = mg::maximum<{kind}>(largest, x0[row + j]);"),
        f"largest = mg::block_reduce<{threads}>(largest, part, mg::Maximum());",
        _over(width, threads, f"total += {library('exp', dtype)}(x0[row + j] - largest);"),
        f"total = mg::block_reduce<{threads}>(total, part, mg::Add());",
    ]


def _rows_kernel(family: str, in_types: Types, results: list[str], body: list[str]) -> Kernel:
    x = in_types[0]
    width = x.static[-1]
    threads = _threads(width)
    head = _statistics(x.dtype, width, threads)
    return kernel(family, [*reads(in_types), *results], [*head, *body], math.prod(x.static[:-1]), threads)


def softmax(op: L.Softmax | L.LogSoftmax, in_types: Types, out_types: Types) -> Code | None:
    x = in_types[0]
    if not x.size:
        return Code(())
    width = x.static[-1]
    shifted = "x0[row + j] - largest"
    if isinstance(op, L.LogSoftmax):
        value = f"{shifted} - logs"
        head = [f"const {c_type(summing(x.dtype))} logs = {library('log', x.dtype)}(total);"]
    else:
        value = f"{library('exp', x.dtype)}({shifted}) / total"
        head = []
    body = [*head, _over(width, _threads(width), f"y0[row + j] = {value};")]
    made = _rows_kernel("softmax", in_types, [pointer(x.dtype, "y0", False)], body)
    return Code((Launch(made, (*ins(0), *outs(0))),), inplace=(0,))


def cross_entropy(op: Op, in_types: Types, out_types: Types) -> Code | None:
    """The loss −Σ y·log p and p − y per row. A class number out of range makes both NaN, as a kernel cannot raise."""
    x, labels = in_types
    sparse = isinstance(op, L.SparseSoftmaxCrossEntropyWithLogits)
    if (not sparse and x.shape != labels.shape) or not x.size:
        return None
    width, number = x.static[-1], summing(x.dtype)
    kind = c_type(number)
    threads = _threads(width)
    label = "x1[row + j]"
    body = [f"const {kind} logs = {library('log', x.dtype)}(total);", f"{kind} loss = 0;"]
    if sparse:
        label = f"(j == wanted ? one : {literal(0, number)})"
        body.append("const long long wanted = (long long)x1[blockIdx.x];")
        nan = literal(np.nan, number)
        body.append(f"const {kind} one = wanted >= 0 && wanted < {width} ? {literal(1, number)} : {nan};")
        body.append("if (one != one) loss = one;")
        body.append("if (one != one) total = one;")
    body.append(f"for (int j = threadIdx.x; j < {width}; j += {threads}) {{")
    body.append(f"    const {kind} shifted = x0[row + j] - largest, y = {label};")
    body.append("    loss -= y * (shifted - logs);")
    body.append(f"    if (y1) y1[row + j] = {library('exp', x.dtype)}(shifted) / total - y;")
    body += ["}", f"loss = mg::block_reduce<{threads}>(loss, part, mg::Add());"]
    body.append("if (y0 && threadIdx.x == 0) y0[blockIdx.x] = loss;")
    results = [pointer(x.dtype, "y0", False), pointer(x.dtype, "y1", False)]
    made = _rows_kernel("cross_entropy", in_types, results, body)
    return Code((Launch(made, (*ins(0, 1), *outs(0, 1))),))


EMITTERS: dict[type[Op], Emitter] = {
    L.Softmax: softmax,
    L.LogSoftmax: softmax,
    L.SoftmaxCrossEntropyWithLogits: cross_entropy,
    L.SparseSoftmaxCrossEntropyWithLogits: cross_entropy,
}
