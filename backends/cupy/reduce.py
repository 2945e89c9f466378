"""Reductions without atomics. The order in which each result is combined depends on the shapes only."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigraph.backend.workspace import ins, outs, work
from minigraph.backends.cupy.kernel import (
    BLOCK,
    Code,
    Emitter,
    Launch,
    Step,
    Types,
    kernel,
    per_element,
    pointer,
    reads,
)
from minigraph.backends.cupy.source import c_type, coordinates, index_type, literal, offset, summing
from minigraph.core.dtypes import DType
from minigraph.core.moves import c_strides
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ops.broadcast import ReduceLike, SumTo, broadcast_axes, normalise_axes, restore_axes
from minigraph.ops.math import reduce as R
from minigraph.ops.nn.bias import BiasAddGrad
from minigraph.ops.nn.loss import L2Loss

ROW_THREADS = 128
COLUMNS, ROWS = 32, 8  # columns and rows of threads of a block that reduces columns
SHORT = 32  # most elements that one thread combines alone
BLOCKS = 1024  # least number of blocks that fills a GPU

FUNCTORS = {"sum": "Add", "prod": "Multiply", "max": "Maximum", "min": "Minimum", "all": "And", "any": "Or"}


class ReduceTerm(NamedTuple):
    """The term of a reduction: parameters, their operands, and a function from coordinates to statements and an
    expression. reach: the size of the largest operand, if that may be larger than the space."""

    parameters: list[str]
    operands: tuple[int, ...]
    body: Callable[[Sequence[str]], tuple[list[str], str]]
    reach: int = 0


def start(function: str, dtype: DType) -> str:
    """The result of reducing no elements."""
    if function in ("sum", "any"):
        return literal(0, dtype)
    if function in ("prod", "all"):
        return literal(1, dtype)
    low, high = (-np.inf, np.inf) if dtype.is_floating else (dtype.min, dtype.max)
    return literal(low if function == "max" else high, dtype)


def reduction(
    function: str, space: Sequence[int], axes: Sequence[int], term: ReduceTerm, dtype: DType, finish: str = "total"
) -> Code:
    """Result 0 = `finish` of `total`, the combination of a term over `axes` of the space."""
    kept = [a for a in range(len(space)) if a not in axes]
    many = math.prod(space[a] for a in kept)
    count = math.prod(space[a] for a in axes)
    by_rows = not kept or (len(space) - 1 not in kept)
    groups = many if by_rows else -(-many // COLUMNS)
    least = 1024 if by_rows else 64
    pieces = max(1, min(256, count // least, BLOCKS // max(groups, 1)))
    parts = _Parts(function, space, kept, axes, term, dtype, many, count, pieces, finish if pieces == 1 else "total")
    if count <= SHORT:
        return Code((Launch(_serial(parts), (*ins(*term.operands), *outs(0))),))
    first = _rows(parts) if by_rows else _columns(parts)
    if pieces == 1:
        return Code((Launch(first, (*ins(*term.operands), *outs(0))),))
    steps: tuple[Step, ...] = (
        Launch(first, (*ins(*term.operands), work())),
        Launch(_second(function, many, pieces, dtype, finish), (work(), *outs(0))),
    )
    return Code(steps, many * pieces * summing(dtype).size)


class _Parts(NamedTuple):
    function: str
    space: Sequence[int]
    kept: Sequence[int]
    axes: Sequence[int]
    term: ReduceTerm
    dtype: DType
    many: int
    length: int
    pieces: int
    finish: str

    @property
    def parameters(self) -> list[str]:
        return [*self.term.parameters, pointer(self.dtype if self.pieces == 1 else self.sum_dtype, "y0", False)]

    @property
    def sum_dtype(self) -> DType:
        return summing(self.dtype)

    @property
    def kind(self) -> str:
        """The C type of `total`."""
        return c_type(self.sum_dtype)

    @property
    def number(self) -> str:
        return index_type(math.prod(self.space), self.many * self.pieces, self.term.reach)

    def coordinates(self, index: str, axes: Sequence[int]) -> list[str]:
        return coordinates(index, [self.space[a] for a in axes], [f"c{a}" for a in axes], self.number)

    def loop(self, start: str, end: str, step: str) -> list[str]:
        """Combine into `total` the elements at r = start, start + step, … below `end`, for the result o."""
        lines, value = self.term.body([f"c{a}" for a in range(len(self.space))])
        combined = f"total = mg::{FUNCTORS[self.function]}()(total, ({self.kind})({value}));"
        inner = [*self.coordinates("r", self.axes), *lines, combined]
        head = f"for ({self.number} r = {start}; r < {end}; r += {step}) {{"
        return [*self.coordinates("o", self.kept), head, *(f"    {line}" for line in inner), "}"]

    @property
    def total(self) -> str:
        return f"{self.kind} total = {start(self.function, self.sum_dtype)};"


def _serial(p: _Parts) -> Any:
    """A thread per result."""
    head = [f"const {p.number} o = blockIdx.x * ({p.number}){BLOCK} + threadIdx.x;", f"if (o >= {p.many}) return;"]
    body = [*head, p.total, *p.loop("0", str(p.length), "1"), f"y0[o] = {p.finish};"]
    return kernel(p.function, p.parameters, body, -(-p.many // BLOCK))


def _chunk(p: _Parts) -> list[str]:
    """The range of r that a block combines, and its number among the pieces."""
    chunk = -(-p.length // p.pieces)
    lines = [f"const {p.number} piece = blockIdx.x % {p.pieces};", f"const {p.number} first = piece * {chunk};"]
    return [*lines, f"const {p.number} end = first + {chunk} < {p.length} ? first + {chunk} : {p.length};"]


def _rows(p: _Parts) -> Any:
    """A block per result and piece; adjacent threads read adjacent elements."""
    body = [f"__shared__ {p.kind} part[{ROW_THREADS}];", *_chunk(p)]
    body += [f"const {p.number} o = blockIdx.x / {p.pieces};", p.total]
    body += p.loop("first + threadIdx.x", "end", str(ROW_THREADS))
    body.append(f"total = mg::block_reduce<{ROW_THREADS}>(total, part, mg::{FUNCTORS[p.function]}());")
    body.append(f"if (threadIdx.x == 0) y0[piece * {p.many} + o] = {p.finish};")
    return kernel(f"{p.function}_rows", p.parameters, body, p.many * p.pieces, ROW_THREADS)


def _columns(p: _Parts) -> Any:
    """A block per COLUMNS adjacent results and piece; its ROWS rows of threads share each result."""
    functor = f"mg::{FUNCTORS[p.function]}()"
    body = [f"__shared__ {p.kind} part[{ROWS * COLUMNS}];", *_chunk(p)]
    body += [f"const int column = threadIdx.x % {COLUMNS}, row = threadIdx.x / {COLUMNS};"]
    body += [f"const {p.number} o = (blockIdx.x / {p.pieces}) * ({p.number}){COLUMNS} + column;", p.total]
    body += [f"if (o < {p.many}) {{", *(f"    {line}" for line in p.loop("first + row", "end", str(ROWS))), "}"]
    body += ["part[threadIdx.x] = total;", "__syncthreads();", f"if (row == 0 && o < {p.many}) {{"]
    body += [f"    for (int k = 1; k < {ROWS}; ++k) total = {functor}(total, part[k * {COLUMNS} + column]);"]
    body += [f"    y0[piece * {p.many} + o] = {p.finish};", "}"]
    return kernel(f"{p.function}_columns", p.parameters, body, -(-p.many // COLUMNS) * p.pieces, ROWS * COLUMNS)


def _second(function: str, many: int, pieces: int, dtype: DType, finish: str) -> Any:
    """Combine the pieces of each result in order."""
    parameters = [pointer(summing(dtype), "x0"), pointer(dtype, "y0", False)]
    body = [f"{c_type(summing(dtype))} total = x0[i];"]
    at = f"x0[k * ({index_type(many * pieces)}){many} + i]"
    body.append(f"for (int k = 1; k < {pieces}; ++k) total = mg::{FUNCTORS[function]}()(total, {at});")
    return per_element(f"{function}_pieces", (many,), parameters, [*body, f"y0[i] = {finish};"], reach=many * pieces)


def reduce(function: str, x: TensorType, axes: Sequence[int], finish: str = "total", value: str = "{}") -> Code:
    """A reduction of one operand. Adjacent axes are merged if both or neither are reduced."""
    groups: list[tuple[int, bool]] = []
    for axis, size in enumerate(x.static):
        inside = axis in axes
        if groups and groups[-1][1] == inside:
            groups[-1] = (groups[-1][0] * size, inside)
        else:
            groups.append((size, inside))
    space = [size for size, _ in groups] or [1]

    def body(coords: Sequence[str]) -> tuple[list[str], str]:
        lines = [f"const {c_type(x.dtype)} a = x0[{offset(coords, c_strides(space))}];"]
        return lines, value.format("a")

    reduced = [i for i, (_, inside) in enumerate(groups) if inside]
    return reduction(function, space, reduced, ReduceTerm(reads([x]), (0,), body), x.dtype, finish)


def _mean(x: TensorType, count: int) -> str:
    if x.dtype.is_floating:
        number = summing(x.dtype)
        return f"total / {literal(count, number)}" if count else literal(math.nan, number)
    return f"total / ({c_type(x.dtype)}){max(count, 1)}"


def standard(op: R.ReduceOp, in_types: Types, out_types: Types) -> Code | None:
    x = in_types[0]
    axes = normalise_axes(op.axis, len(x.static))
    if isinstance(op, R.Mean):
        return reduce("sum", x, axes, _mean(x, math.prod(x.static[a] for a in axes)))
    return reduce(op.function, x, axes)


def sum_over(x: TensorType, axes: Sequence[int]) -> Code:
    return reduce("sum", x, axes)


def reduce_like(op: ReduceLike, in_types: Types, out_types: Types) -> Code | None:
    x, like = in_types
    axes = broadcast_axes(x.static, restore_axes(like.static, op.axis, x.static))
    if op.mean and not x.dtype.is_floating:
        return None
    return reduce("sum", x, axes, _mean(x, max(x.size // max(like.size, 1), 1)) if op.mean else "total")


def l2_loss(op: L2Loss, in_types: Types, out_types: Types) -> Code | None:
    x = in_types[0]
    return reduce("sum", x, range(len(x.static)), f"total / {literal(2, summing(x.dtype))}", "({0} * {0})")


EMITTERS: dict[type[Op], Emitter] = {
    R.ReduceOp: standard,
    BiasAddGrad: lambda op, x, y: sum_over(x[0], range(len(x[0].static) - 1)),
    SumTo: lambda op, x, y: sum_over(x[0], op.summed_axes(x)),
    ReduceLike: reduce_like,
    L2Loss: l2_loss,
}
