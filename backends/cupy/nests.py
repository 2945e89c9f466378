"""Kernels of the loop language as CUDA C.

Mappings: "thread" and "block" (the outermost loops: one thread, or one block of threads, for each iteration), "lanes"
(the threads of a block share a loop or a reduction), "each" and "serial".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from minigraph.backend.workspace import BufferRef, work
from minigraph.backends.cupy.kernel import BLOCK, Code, Launch, Verdict, kernel, per_element, pointer
from minigraph.backends.cupy.source import c_type, coordinates, expression, index_type, literal
from minigraph.core.op import Op
from minigraph.core.scalar import Scalar, operand, walk
from minigraph.core.types import TensorType
from minigraph.loops import schedule
from minigraph.loops.aliasing import overwritable
from minigraph.loops.index import Bounds, Div, Guard, Index, Var
from minigraph.loops.kernel import (
    LEAVES,
    Body,
    Buffer,
    For,
    If,
    Let,
    Local,
    Reduce,
    Statement,
    Store,
    loads,
    statements,
    tables,
)
from minigraph.loops.kernel import Kernel as Nest
from minigraph.loops.text import print_kernel
from minigraph.util.alignment import aligned

LONG = 32  # more steps of a reduction than this are shared by the threads of a block


def from_loops(op: Op, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Code | None:
    """The code of an op's kernel; None if the op states none."""
    nest = op.loops(in_types, out_types)
    if nest is None:
        return None
    made = code(nest) if all(t.size for t in out_types) else Code(())
    return made._replace(verdict=_verdict(op, in_types)) if op.tells else made


def _verdict(op: Op, in_types: Sequence[TensorType]) -> Verdict | None:
    """The kernel that tells whether the op refuses its operands."""
    refusal = op.refusal(in_types)
    if refusal is None:
        return None
    types = [TensorType(b.dtype, b.shape) for b in refusal.buffers if b.role == "out"]
    return Verdict(code(refusal).steps, types, partial(op.refused, in_types))


def code(nest: Nest) -> Code:
    """The launches of a kernel."""
    offsets, size = {}, 0
    for b in nest.buffers:
        if b.role == "work":
            offsets[b.position] = size
            size += aligned(b.size * b.dtype.size)

    def place(b: Buffer) -> BufferRef:
        return (
            work(offsets[b.position]) if b.role == "work" else BufferRef("out" if b.role == "out" else "in", b.position)
        )

    made = list(map(scheduled, schedule.parts(nest)))
    steps = (Launch(CudaPrinter(part).kernel, tuple(map(place, part.buffers))) for part in made)
    return Code(tuple(steps), size, overwritable(made[0]) if len(made) == 1 else ())


def kernel_text(nest: Nest) -> dict[str, str]:
    """The schedule of a kernel and its code, by title."""
    made = list(map(scheduled, schedule.parts(nest)))
    return {
        f"schedule of {nest.name}": "\n".join(map(print_kernel, made)),
        f"CUDA C of {nest.name}": "\n".join(CudaPrinter(part).kernel.source for part in made),
    }


def scheduled(nest: Nest) -> Nest:
    """A thread for each result; a block where a reduction is long and its elements are adjacent."""
    nest = schedule.flat(nest)
    loops, body = schedule.nest(nest.body)
    variables = {f.var for f in loops}
    shared = [
        s for s in body if (isinstance(s, For) and s.mapping == "each") or (isinstance(s, Reduce) and _is_long(s))
    ]
    if not shared:
        return schedule.map_loops(nest, "thread", variables)
    nest = schedule.map_reductions(nest, "lanes", _is_long)
    nest = schedule.map_loops(nest, "lanes", {s.var for s in shared if isinstance(s, For)})
    return schedule.map_loops(nest, "block", variables)


def _is_long(s: Reduce) -> bool:
    stores = any(isinstance(x, Store) for x in statements(s.before)) or bool(s.after)
    adjacent = any(load.value.offset.stride(s.loops[-1][0]) == 1 for load in loads(*s.terms))
    return s.size > LONG and adjacent and s.monoid.commutes and not stores


class CudaPrinter:
    """Prints a scheduled kernel."""

    def __init__(self, nest: Nest) -> None:
        reach = max(b.size for b in nest.buffers)
        self.integer = index_type(reach)
        self.bounds: dict[Var, Bounds] = {}
        self.vars: dict[Var, str] = {}
        self.several = sum(b.role == "out" for b in nest.buffers) > 1
        self.count = 0
        self.lines: list[str] = []
        loops, _ = schedule.nest(nest.body)
        loops = [f for f in loops if f.mapping in ("thread", "block")]
        body = loops[-1].body
        for n, f in enumerate(loops):
            self.vars[f.var], self.bounds[f.var] = f"c{n}", (0, f.stop - 1)
        shape = [f.stop for f in loops]
        for table in tables(nest.body):
            numbers = ", ".join(literal(v, table.dtype) for v in table.content.ravel())
            self.lines.append(f"static const {c_type(table.dtype)} {table}[{table.size}] = {{{numbers}}};")
        parameters = [pointer(b.dtype, b.name, b.role == "in") for b in nest.buffers]
        if loops[-1].mapping == "thread":
            self.threads = BLOCK
            self.run(body)
            self.kernel = per_element(nest.name, shape, parameters, self.lines, reach=reach)
        else:
            self.threads = _threads(body)
            head = coordinates("blockIdx.x", shape, [f"c{n}" for n in range(len(shape))], self.integer)
            self.run(body)
            self.kernel = kernel(nest.name, parameters, [*head, *self.lines], math.prod(shape), self.threads)

    def block(self, body: Body) -> list[str]:
        """The lines of statements inside braces."""
        outside, self.lines = self.lines, []
        self.run(body)
        inside, self.lines = self.lines, outside
        return [f"    {line}" for line in inside]

    # indices

    def index(self, i: Index) -> str:
        text = ""
        for atom, c in i.terms.items():
            term = self.vars[atom] if isinstance(atom, Var) else self._quotient(atom)
            sign = "-" if c < 0 else "+"
            term = term if abs(c) == 1 else f"{term} * {abs(c)}"
            text += f" {sign} {term}" if text else f"-{term}" if c < 0 else term
        if not text:
            return str(i.const)
        return f"{text} {'-' if i.const < 0 else '+'} {abs(i.const)}" if i.const else text

    def _quotient(self, atom: Any) -> str:
        low, _ = atom.index.bounds(self.bound)
        shift = -(low // atom.by) if low < 0 else 0
        sign = "/" if isinstance(atom, Div) else "%"
        text = f"({self.index(atom.index + shift * atom.by)}) {sign} {atom.by}"
        return f"({text} - {shift})" if shift and sign == "/" else f"({text})"

    def bound(self, var: Var) -> Bounds:
        return self.bounds[var]

    def condition(self, guard: Guard) -> str:
        """C's condition; empty if the guard always holds."""
        found: list[str] = []
        for g in guard:
            holds = g.known(self.bound)
            if holds is False:
                return "false"
            if holds is None:
                low, high = g.index.bounds(self.bound)
                text = self.index(g.index)
                if g.high - g.low == 1:
                    found.append(f"{text} == {g.low}")
                    continue
                found += [f"{text} >= {g.low}"] * (low < g.low) + [f"{text} < {g.high}"] * (high >= g.high)
        return " && ".join(dict.fromkeys(found))

    # values

    def value(self, value: Scalar) -> str:
        """A C expression; parts that it needs several times become variables first."""
        uses: dict[int, int] = {}
        nodes = walk(value)
        for node in nodes:
            for a in node.args if node.function != "load" else ():
                uses[id(a)] = uses.get(id(a), 0) + 1
        guarded = {id(a) for node in nodes if node.function == "load" for a in walk(*node.args)}
        made: dict[int, str] = {}
        for node in nodes:
            if id(node) in guarded and uses.get(id(node), 0) == 0:
                continue
            text = self._leaf(node) if node.function in LEAVES else self._call(node, [made[id(a)] for a in node.args])
            if uses.get(id(node), 0) > 1 and node.function not in ("name", "constant", "index"):
                self.count += 1
                name = f"u{self.count}"
                self.lines.append(f"const {c_type(node.dtype)} {name} = {text};")
                text = name
            made[id(node)] = text
        return made[id(value)]

    def _call(self, node: Scalar, args: list[str]) -> str:
        operands = [operand(n, a.dtype) for n, a in enumerate(node.args)]
        return expression(Scalar(node.function, operands, node.dtype, node.value), args)

    def _leaf(self, node: Scalar) -> str:
        if node.function == "name":
            return str(node.value.name)
        if node.function == "index":
            return f"(({c_type(node.dtype)})({self.index(node.value)}))"
        access = node.value
        text, test = f"{access.buffer}[{self.index(access.offset)}]", self.condition(access.guard)
        if test == "false":
            return self.value(node.args[0])
        return f"({test} ? {text} : {self.value(node.args[0])})" if test else text

    # statements

    def run(self, body: Body) -> None:
        for s in body:
            self.statement(s)

    def statement(self, s: Statement) -> None:
        if isinstance(s, For):
            self._for(s)
        elif isinstance(s, If):
            self._if(s)
        elif isinstance(s, Let):
            text = self.value(s.value)
            self.lines.append(f"const {c_type(s.name.dtype)} {s.name.name} = {text};")
            if s.var is not None:
                wide = self.integer if self.integer != "int" else ""
                self.vars[s.var] = f"({wide}){s.name.name}" if wide else s.name.name
                self.bounds[s.var] = (0, s.below - 1)
        elif isinstance(s, Store):
            text, target = self.value(s.value), s.access.buffer
            wanted = f"if ({target}) " if self.several and target.role == "out" else ""
            self.lines.append(f"{wanted}{target}[{self.index(s.access.offset)}] = {text};")
        elif isinstance(s, Local):
            self.lines.append(f"{c_type(s.buffer.dtype)} {s.buffer}[{s.buffer.size}];")
        elif isinstance(s, Reduce):
            self._reduce(s)
        else:
            raise TypeError(f"{s} has no code for GPUs")

    def _if(self, s: If) -> None:
        test = self.condition(s.guard)
        if not test:
            self.run(s.body)
            return
        self.lines += [f"if ({test}) {{", *self.block(s.body)]
        self.lines += ["} else {", *self.block(s.otherwise), "}"] if s.otherwise else ["}"]

    def _for(self, s: For) -> None:
        name = self.vars[s.var] = s.var.name
        self.bounds[s.var] = (s.start, s.stop - 1)
        start, step = str(s.start), 1
        if s.mapping == "lanes":
            self.lines.append("__syncthreads();")  # the loop may overwrite what other threads still read
            start, step = f"{s.start} + threadIdx.x", self.threads
        head = f"for ({self.integer} {name} = {start}; {name} < {s.stop}; {name} += {step}) {{"
        self.lines += [head, *self.block(s.body), "}"]

    def _reduce(self, s: Reduce) -> None:
        names = [n.name for n in s.names]
        for n, i in zip(s.names, s.init, strict=True):
            text = self.value(i)
            self.lines.append(f"{c_type(n.dtype)} {n.name} = {text};")
        for var, extent in s.loops:
            self.vars[var], self.bounds[var] = var.name, (0, extent - 1)
        outside, self.lines = self.lines, []
        if s.mapping == "lanes":
            extents = [extent for _, extent in s.loops]
            step = f"step_{names[0]}"
            heads = [f"for ({self.integer} {step} = threadIdx.x; {step} < {s.size}; {step} += {self.threads}) {{"]
            self.lines += coordinates(step, extents, [var.name for var, _ in s.loops], self.integer)
        else:
            heads = [f"for ({self.integer} {var} = 0; {var} < {extent}; ++{var}) {{" for var, extent in s.loops]
        if test := self.condition(s.guard):
            self.lines.append(f"if (!({test})) continue;")
        self.run(s.before)
        self._combine(s, names, [self.value(t) for t in s.terms], names)
        self.run(s.after)
        inside, self.lines = self.lines, outside
        for depth, head in enumerate(heads):
            self.lines.append("    " * depth + head)
        self.lines += ["    " * len(heads) + line for line in inside]
        self.lines += ["    " * depth + "}" for depth in reversed(range(len(heads)))]
        if s.mapping == "lanes":
            self._across(s, names)

    def _combine(self, s: Reduce, left: Sequence[str], right: Sequence[str], into: Sequence[str]) -> None:
        """into = left · right, all components from the old values."""
        self.count += 1
        given = [f"v{self.count}_{n}" for n in range(len(left))]
        for name, text, n in zip(given, right, s.names, strict=True):
            self.lines.append(f"const {c_type(n.dtype)} {name} = {text};")
        count = len(s.names)
        trees = [[operand(i + first, n.dtype) for i, n in enumerate(s.names)] for first in (0, count)]
        texts = [expression(tree, [*left, *given]) for tree in s.monoid.combine(*trees)]
        if count > 1:
            results = [f"w{self.count}_{n}" for n in range(count)]
            for name, text, n in zip(results, texts, s.names, strict=True):
                self.lines.append(f"const {c_type(n.dtype)} {name} = {text};")
            texts = results
        self.lines += [f"{name} = {text};" for name, text in zip(into, texts, strict=True)]

    def _across(self, s: Reduce, names: Sequence[str]) -> None:
        """Combine the threads' values in pairs, in an order that depends on the block's size only."""
        for n in s.names:
            self.lines += [
                f"__shared__ {c_type(n.dtype)} s_{n.name}[{self.threads}];",
                f"s_{n.name}[threadIdx.x] = {n.name};",
            ]
        mine, other = ([f"s_{n}[threadIdx.x{more}]" for n in names] for more in ("", " + half"))
        outside, self.lines = self.lines, []
        self._combine(s, mine, other, mine)
        inside, self.lines = self.lines, outside
        self.lines += ["__syncthreads();", f"for (int half = {self.threads // 2}; half > 0; half /= 2) {{"]
        self.lines += ["    if (threadIdx.x < half) {", *(f"        {line}" for line in inside), "    }"]
        self.lines += ["    __syncthreads();", "}", *(f"{n} = s_{n}[0];" for n in names), "__syncthreads();"]


def _threads(body: Body) -> int:
    """The size of a block: the longest shared loop, as a power of two from 32 to BLOCK."""
    sizes = [s.size if isinstance(s, Reduce) else s.stop for s in statements(body) if isinstance(s, Reduce | For)]
    return min(BLOCK, max(32, 1 << (max(sizes) - 1).bit_length()))
