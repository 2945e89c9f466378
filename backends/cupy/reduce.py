"""Reductions without atomics. The order in which each result is combined depends on the shapes only."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigraph.backend.workspace import WorkspaceLayout, ins, outs
from minigraph.backends.cupy.kernel import (
    BLOCK,
    Code,
    Emitter,
    Launch,
    Types,
    kernel,
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
SHARED = (48 << 10) - 16  # most bytes of shared memory that a kernel can declare, but for a flag

FUNCTORS = {"sum": "Add", "prod": "Multiply", "max": "Maximum", "min": "Minimum", "all": "And", "any": "Or"}


class ReduceTerm(NamedTuple):
    """The terms of reductions over one space: parameters, their operands, and a function from coordinates to statements
    and an expression for each reduction. reach: the size of the largest operand, if that may be larger than the
    space. written: the parameters of further results, which the statements store."""

    parameters: list[str]
    operands: tuple[int, ...]
    body: Callable[[Sequence[str]], tuple[list[str], list[str]]]
    reach: int = 0
    written: Sequence[str] = ()


def start(function: str, dtype: DType) -> str:
    """The result of reducing no elements."""
    if function in ("sum", "any"):
        return literal(0, dtype)
    if function in ("prod", "all"):
        return literal(1, dtype)
    low, high = (-np.inf, np.inf) if dtype.is_floating else (dtype.min, dtype.max)
    return literal(low if function == "max" else high, dtype)


def together(dtypes: Sequence[DType], by_rows: bool) -> list[list[int]]:
    """The numbers of results in turn, cut into groups whose shared arrays one kernel can declare."""
    threads = ROW_THREADS if by_rows else ROWS * COLUMNS
    groups: list[list[int]] = [[]]
    used = 0
    for k, dtype in enumerate(dtypes):
        nbytes = threads * summing(dtype).size
        if used + nbytes > SHARED:
            groups.append([])
            used = 0
        groups[-1].append(k)
        used += nbytes
    return groups


def reduces_rows(rank: int, axes: Sequence[int]) -> bool:
    """Whether adjacent threads combine adjacent elements, of one result; otherwise they have a result each."""
    return rank - 1 in axes or len(axes) == rank


def reduction(
    function: str,
    space: Sequence[int],
    axes: Sequence[int],
    term: ReduceTerm,
    dtypes: Sequence[DType],
    finish: str = "{}",
) -> Code:
    """Results 0, 1, … = `finish` of the combinations of the terms over `axes` of the space. One kernel reads the
    operands of all, which must be `together`. The results that the terms store follow.

    A long reduction is cut into pieces, a block for each. The block that ends last combines them in their order."""
    kept = [a for a in range(len(space)) if a not in axes]
    many = math.prod(space[a] for a in kept)
    count = math.prod(space[a] for a in axes)
    by_rows = reduces_rows(len(space), axes)
    groups = many if by_rows else -(-many // COLUMNS)
    least = 1024 if by_rows else 64
    pieces = max(1, min(256, count // least, BLOCKS // max(groups, 1)))
    parts = _Parts(function, space, kept, axes, term, dtypes, many, count, pieces, finish)
    results = outs(*range(len(dtypes) + len(term.written)))
    layout = WorkspaceLayout()
    places = [layout.reserve(many * pieces * summing(d).size) for d in dtypes] if pieces > 1 else []
    made = _serial(parts) if count <= SHORT else _rows(parts) if by_rows else _columns(parts)
    return Code((Launch(made, (*ins(*term.operands), *results, *places)),), layout.nbytes)


class _Parts(NamedTuple):
    function: str
    space: Sequence[int]
    kept: Sequence[int]
    axes: Sequence[int]
    term: ReduceTerm
    dtypes: Sequence[DType]
    many: int
    length: int
    pieces: int
    finish: str

    @property
    def parameters(self) -> list[str]:
        own = [pointer(d, f"y{k}", False) for k, d in enumerate(self.dtypes)]
        pieces = [pointer(summing(d), f"w{k}", False) for k, d in enumerate(self.dtypes)] if self.pieces > 1 else []
        return [*self.term.parameters, *own, *self.term.written, *pieces]

    @property
    def kinds(self) -> list[str]:
        """The C types of the totals."""
        return [c_type(summing(d)) for d in self.dtypes]

    @property
    def number(self) -> str:
        return index_type(math.prod(self.space), self.many * self.pieces, self.term.reach)

    @property
    def functor(self) -> str:
        return f"mg::{FUNCTORS[self.function]}()"

    def coordinates(self, index: str, axes: Sequence[int]) -> list[str]:
        return coordinates(index, [self.space[a] for a in axes], [f"c{a}" for a in axes], self.number)

    def loop(self, start: str, end: str, step: str) -> list[str]:
        """Combine into the totals the elements at r = start, start + step, … below `end`, for the results o."""
        lines, values = self.term.body([f"c{a}" for a in range(len(self.space))])
        combined = [
            f"total{k} = {self.functor}(total{k}, ({kind})({value}));"
            for k, (kind, value) in enumerate(zip(self.kinds, values, strict=True))
        ]
        inner = [*self.coordinates("r", self.axes), *lines, *combined]
        head = f"for ({self.number} r = {start}; r < {end}; r += {step}) {{"
        return [*self.coordinates("o", self.kept), head, *(f"    {line}" for line in inner), "}"]

    @property
    def totals(self) -> list[str]:
        return [
            f"{c_type(summing(d))} total{k} = {start(self.function, summing(d))};" for k, d in enumerate(self.dtypes)
        ]

    def shared(self, size: int) -> list[str]:
        return [f"__shared__ {kind} part{k}[{size}];" for k, kind in enumerate(self.kinds)]

    def stores(self, place: str) -> list[str]:
        """The statements that write the totals; of several results some may not be read, and have no memory."""
        many = len(self.dtypes) + len(self.term.written) > 1
        return [
            f"{f'if (y{k}) ' if many else ''}y{k}[{place}] = {self.finish.format(f'total{k}')};"
            for k in range(len(self.dtypes))
        ]

    def end(self, is_one: str, group: str) -> list[str]:
        """What the threads with a total do with it, where the condition holds: they write it, or write the piece's, and
        in the group's last block combine the pieces."""
        if self.pieces == 1:
            return [f"if ({is_one}) {{", *_indented(self.stores("o")), "}"]
        lines = [f"w{k}[piece * {self.many} + o] = total{k};" for k in range(len(self.dtypes))]
        lines = [f"if ({is_one}) {{", *_indented(lines), "}"]
        lines.append(f"if (!mg::comes_last({group}, {self.pieces})) return;")
        inner = [f"const volatile {kind}* v{k} = w{k};" for k, kind in enumerate(self.kinds)]
        inner += [f"total{k} = v{k}[o];" for k in range(len(self.dtypes))]
        at = f"({self.number})k * {self.many} + o"
        inner.append(f"for (int k = 1; k < {self.pieces}; ++k) {{")
        inner += [f"    total{k} = {self.functor}(total{k}, ({kind})v{k}[{at}]);" for k, kind in enumerate(self.kinds)]
        return [*lines, f"if ({is_one}) {{", *_indented([*inner, "}", *self.stores("o")]), "}"]


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _serial(p: _Parts) -> Any:
    """A thread per result."""
    head = [f"const {p.number} o = blockIdx.x * ({p.number}){BLOCK} + threadIdx.x;", f"if (o >= {p.many}) return;"]
    body = [*head, *p.totals, *p.loop("0", str(p.length), "1"), *p.stores("o")]
    return kernel(p.function, p.parameters, body, -(-p.many // BLOCK))


def _chunk(p: _Parts) -> list[str]:
    """The range of r that a block combines, and its number among the pieces."""
    chunk = -(-p.length // p.pieces)
    lines = [f"const {p.number} piece = blockIdx.x % {p.pieces};", f"const {p.number} first = piece * {chunk};"]
    return [*lines, f"const {p.number} end = first + {chunk} < {p.length} ? first + {chunk} : {p.length};"]


def _rows(p: _Parts) -> Any:
    """A block per result and piece; adjacent threads read adjacent elements."""
    body = [*p.shared(ROW_THREADS), *_chunk(p)]
    body += [f"const {p.number} o = blockIdx.x / {p.pieces};", *p.totals]
    body += p.loop("first + threadIdx.x", "end", str(ROW_THREADS))
    for k in range(len(p.dtypes)):
        body.append(f"total{k} = mg::block_reduce<{ROW_THREADS}>(total{k}, part{k}, {p.functor});")
    body += p.end("threadIdx.x == 0", "o")
    return kernel(f"{p.function}_rows", p.parameters, body, p.many * p.pieces, ROW_THREADS)


def _columns(p: _Parts) -> Any:
    """A block per COLUMNS adjacent results and piece; its ROWS rows of threads share each result."""
    body = [*p.shared(ROWS * COLUMNS), *_chunk(p)]
    body += [f"const int column = threadIdx.x % {COLUMNS}, row = threadIdx.x / {COLUMNS};"]
    body += [f"const {p.number} o = (blockIdx.x / {p.pieces}) * ({p.number}){COLUMNS} + column;", *p.totals]
    body += [f"if (o < {p.many}) {{", *(f"    {line}" for line in p.loop("first + row", "end", str(ROWS))), "}"]
    body += [f"part{k}[threadIdx.x] = total{k};" for k in range(len(p.dtypes))]
    body += ["__syncthreads();", "if (row == 0) {", f"    for (int k = 1; k < {ROWS}; ++k) {{"]
    for k in range(len(p.dtypes)):
        body.append(f"        total{k} = {p.functor}(total{k}, part{k}[k * {COLUMNS} + column]);")
    body += ["    }", "}", *p.end(f"row == 0 && o < {p.many}", f"blockIdx.x / {p.pieces}")]
    return kernel(f"{p.function}_columns", p.parameters, body, -(-p.many // COLUMNS) * p.pieces, ROWS * COLUMNS)


def reduce(function: str, x: TensorType, axes: Sequence[int], finish: str = "{}", value: str = "{}") -> Code:
    """A reduction of one operand. Adjacent axes are merged if both or neither are reduced."""
    groups: list[tuple[int, bool]] = []
    for axis, size in enumerate(x.static):
        inside = axis in axes
        if groups and groups[-1][1] == inside:
            groups[-1] = (groups[-1][0] * size, inside)
        else:
            groups.append((size, inside))
    space = [size for size, _ in groups] or [1]

    def body(coords: Sequence[str]) -> tuple[list[str], list[str]]:
        lines = [f"const {c_type(x.dtype)} a = x0[{offset(coords, c_strides(space))}];"]
        return lines, [value.format("a")]

    reduced = [i for i, (_, inside) in enumerate(groups) if inside]
    return reduction(function, space, reduced, ReduceTerm(reads([x]), (0,), body), [x.dtype], finish)


def _mean(x: TensorType, count: int) -> str:
    if x.dtype.is_floating:
        number = summing(x.dtype)
        return f"{{}} / {literal(count, number)}" if count else literal(math.nan, number)
    return f"{{}} / ({c_type(x.dtype)}){max(count, 1)}"


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
    return reduce("sum", x, axes, _mean(x, max(x.size // max(like.size, 1), 1)) if op.mean else "{}")


def l2_loss(op: L2Loss, in_types: Types, out_types: Types) -> Code | None:
    x = in_types[0]
    return reduce("sum", x, range(len(x.static)), f"{{}} / {literal(2, summing(x.dtype))}", "({0} * {0})")


EMITTERS: dict[type[Op], Emitter] = {
    R.ReduceOp: standard,
    BiasAddGrad: lambda op, x, y: sum_over(x[0], range(len(x[0].static) - 1)),
    SumTo: lambda op, x, y: sum_over(x[0], op.summed_axes(x)),
    ReduceLike: reduce_like,
    L2Loss: l2_loss,
}
