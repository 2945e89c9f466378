"""Loops over elements: one pass that loads each operand once, computes in registers, stores and sums."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from minigraph.backend.workspace import BufferRef, WorkspaceLayout, ins, outs
from minigraph.backends.llvm.builder import (
    I8,
    Frame,
    Value,
    at,
    element,
    index,
    loop,
    number,
    reduce_loop,
    splat,
    zero,
)
from minigraph.backends.llvm.compiler import host
from minigraph.backends.llvm.native import Call, LoweringContext, Native
from minigraph.backends.llvm.scalar import Printer, add, is_printable, load, register, store, total
from minigraph.core.dtypes import DType
from minigraph.core.scalar import Scalar, operand
from minigraph.core.types import TensorType
from minigraph.ir import program as ir
from minigraph.ir.regions import Loop, collapse, program_batching
from minigraph.ops.math.reduce import Sum

GRAIN = 1 << 15  # least elements of a task: enough to be worth waking a thread
TASKS = 64  # most tasks, so that the partial sums stay few


class Output(NamedTuple):
    """An output of a loop: an expression stored over the space, or summed over `axes` (kept as 1). adds: add the sum to
    the buffer's content."""

    value: Scalar
    axes: tuple[int, ...] | None = None
    adds: bool = False


class Elementwise(NamedTuple):
    """Outputs over an iteration space, from operands whose axes are those of the space or 1."""

    space: tuple[int, ...]
    operands: tuple[TensorType, ...]
    outputs: tuple[Output, ...]
    alone: bool = False  # one task for the whole space

    @property
    def is_printable(self) -> bool:
        if 0 in self.space:
            return False
        fits = all(t.dtype.np_dtype.kind in "fiub" and t.dtype.name != "float16" for t in self.operands)
        return fits and is_printable(*(o.value for o in self.outputs))

    def kept(self, output: Output) -> tuple[int, ...]:
        """The shape of an output."""
        return tuple(1 if a in (output.axes or ()) else d for a, d in enumerate(self.space))

    @property
    def chunk(self) -> int:
        """Rows of a task along axis 0. Depends on the shape only."""
        rows = self.space[0]
        if self.alone:
            return rows
        tasks = max(1, min(TASKS, math.prod(self.space) // GRAIN, rows))
        chunk = -(-rows // tasks)
        return -(-chunk // 64) * 64 if len(self.space) == 1 else chunk  # whole vectors

    @property
    def tasks(self) -> int:
        return -(-self.space[0] // self.chunk)

    def has_parts(self, output: Output) -> bool:
        """Whether each task has its own sum, added to the others' at the end."""
        return output.axes is not None and 0 in output.axes and self.tasks > 1


def elementwise_of(op: Loop, adds: bool = False) -> Elementwise | None:
    """The loop over as few axes as possible; None if an expression has no native code.

    adds: add sums over the batch to the buffers' content.
    """
    program, space = collapse(op)
    how = program_batching(op.program) if adds else None
    sums = how.sums if how is not None else (False,) * len(program.results)
    made: dict[ir.Value, Output] = {}
    for instr in program.instrs:
        value = ir.Value(instr, 0)
        if isinstance(instr.op, ir.Feed):
            made[value] = Output(operand(instr.op.slot, instr.types[0].dtype))
        elif isinstance(instr.op, Sum):
            made[value] = Output(made[instr.inputs[0]].value, instr.op.axis)
        else:
            made[value] = Output(instr.op.expr(*(made[v].value for v in instr.inputs)))
    rank = len(space)
    types = tuple(TensorType(t.dtype, (1,) * (rank - len(t.static)) + t.static) for t in program.feeds)
    results = [made[v]._replace(adds=is_sum) for v, is_sum in zip(program.results, sums, strict=True)]
    found = Elementwise(space, types, tuple(results))
    return found if found.is_printable else None


class _Writer:
    """Writes the kernel of an elementwise loop. Its pointers: the operands, the outputs, the tasks' partial sums."""

    def __init__(self, what: Elementwise) -> None:
        self.what = what
        self.rank = len(what.space)
        self.lanes = host().lanes
        sums = [i for i, o in enumerate(what.outputs) if what.has_parts(o)]
        first = len(what.operands) + len(what.outputs)
        self.parts = {output: first + n for n, output in enumerate(sums)}
        self.frame = Frame(first + len(sums))
        with self.frame.tasks("kernel") as task:
            self._task(task)
        if sums:
            with self.frame.tasks("finish"):
                for output in sums:
                    self._add_up(output)

    def _dtype(self, output: int) -> DType:
        return self.what.outputs[output].value.dtype

    def _task(self, task: Value) -> None:
        b, rows, chunk = self.frame.b, self.what.space[0], self.what.chunk
        low = b.mul(task, index(chunk))
        high = b.add(low, index(chunk))
        high = b.select(b.icmp_signed("<", high, index(rows)), high, index(rows))
        self.bases = self._bases(task)
        for n, output in enumerate(self.what.outputs):
            if output.axes is not None and (not output.adds or n in self.parts):
                size = math.prod(self.what.kept(output)[1:]) * output.value.dtype.size
                whole = 0 in output.axes
                start = index(0) if whole else b.mul(low, index(size))
                length = index(size) if whole else b.mul(b.sub(high, low), index(size))
                zero(b, at(b, self.bases[n], start, I8), length)
        self._axes(0, low, high, ())

    def _bases(self, task: Value) -> list[Value]:
        """The start of each output in this task. A partial sum belongs to the task."""
        b, found = self.frame.b, []
        for n, output in enumerate(self.what.outputs):
            if n in self.parts:
                size = math.prod(self.what.kept(output))
                start = b.mul(task, index(size))
                found.append(at(b, self.frame.pointers[self.parts[n]], start, element(output.value.dtype)))
            else:
                found.append(self.frame.pointers[len(self.what.operands) + n])
        return found

    def _axes(self, axis: int, low: Value, high: Value, outer: tuple[Value, ...]) -> None:
        if axis == self.rank - 1:
            self._row(low, high, outer)
            return
        with loop(self.frame.b, low, high) as i:
            self._axes(axis + 1, index(0), index(self.what.space[axis + 1]), (*outer, i))

    def _offset(self, shape: Sequence[int], outer: Sequence[Value]) -> Value:
        """Elements before the row that the outer indices select."""
        b, offset = self.frame.b, index(0)
        for axis, i in enumerate(outer):
            if shape[axis] != 1:
                offset = b.add(offset, b.mul(i, index(math.prod(shape[axis + 1 :]))))
        return offset

    def _row(self, low: Value, high: Value, outer: tuple[Value, ...]) -> None:
        """Write the last axis: whole vectors, then the rest in smaller and smaller vectors."""
        b, length, lanes = self.frame.b, self.what.space[-1], self.lanes
        self.rows = [self._offset(t.static, outer) for t in self.what.operands]
        self.targets = [self._offset(self.what.kept(o), outer) for o in self.what.outputs]
        self.scalars = {
            i: load(b, at(b, self.frame.pointers[i], self.rows[i], element(t.dtype)), t.dtype, 1)
            for i, t in enumerate(self.what.operands)
            if t.static[-1] == 1
        }
        last = self.rank - 1
        inner = [i for i, o in enumerate(self.what.outputs) if o.axes is not None and last in o.axes]
        whole = length // lanes * lanes
        stop = b.select(b.icmp_signed("<", high, index(whole)), high, index(whole))

        def step(j: Value, *sums: Value) -> list[Value]:
            made = self._vector(j, lanes)
            return [add(b, s, made[i], self._dtype(i)) for i, s in zip(inner, sums, strict=True)]

        empty = [number(register(self._dtype(i)), 0, lanes) for i in inner]
        for i, value in zip(inner, reduce_loop(b, low, stop, lanes, empty, step), strict=True):
            self._accumulate(i, value, lanes)
        if length > whole:
            with b.if_then(b.icmp_signed("==", high, index(length))):
                self._rest(whole, length, inner)

    def _rest(self, start: int, length: int, inner: Sequence[int]) -> None:
        width = self.lanes
        while start < length:
            width //= 2
            if start + width <= length:
                made = self._vector(index(start), width)
                for i in inner:
                    self._accumulate(i, made[i], width)
                start += width

    def _vector(self, j: Value, width: int) -> list[Value]:
        """Write one vector of elements from `j`: all loads, then all expressions, then all stores."""
        b = self.frame.b
        operands = []
        for i, kind in enumerate(self.what.operands):
            if i in self.scalars:
                operands.append(splat(b, self.scalars[i], width))
            else:
                address = at(b, self.frame.pointers[i], b.add(self.rows[i], j), element(kind.dtype))
                operands.append(load(b, address, kind.dtype, width))
        printer = Printer(b, operands, width)
        made = [printer.value(o.value) for o in self.what.outputs]
        for i, output in enumerate(self.what.outputs):
            dtype = output.value.dtype
            if output.axes is None or self.rank - 1 not in output.axes:
                address = at(b, self.bases[i], b.add(self.targets[i], j), element(dtype))
                value = made[i] if output.axes is None else add(b, load(b, address, dtype, width), made[i], dtype)
                store(b, value, address, dtype, width)
        return made

    def _accumulate(self, output: int, value: Value, width: int) -> None:
        """Add a vector's lanes to the element of a sum over the last axis."""
        b, dtype = self.frame.b, self._dtype(output)
        address = at(b, self.bases[output], self.targets[output], element(dtype))
        whole = total(b, value, dtype, width)
        store(b, add(b, load(b, address, dtype, 1), whole, dtype), address, dtype, 1)

    def _add_up(self, output: int) -> None:
        """Write the sum of the tasks' partial sums, in their order."""
        b, dtype = self.frame.b, self._dtype(output)
        size = math.prod(self.what.kept(self.what.outputs[output]))
        part, target = self.frame.pointers[self.parts[output]], self.frame.pointers[len(self.what.operands) + output]
        whole = size // self.lanes * self.lanes
        for start, stop, width in ((0, whole, self.lanes), (whole, size, 1)):
            with loop(b, index(start), index(stop), width) as j:

                def step(task: Value, found: Value, j: Value = j, width: int = width) -> list[Value]:
                    address = at(b, part, b.add(b.mul(task, index(size)), j), element(dtype))
                    return [add(b, found, load(b, address, dtype, width), dtype)]

                place = at(b, target, j, element(dtype))
                adds = self.what.outputs[output].adds
                empty = load(b, place, dtype, width) if adds else number(register(dtype), 0, width)
                (found,) = reduce_loop(b, index(0), index(self.what.tasks), 1, [empty], step)
                store(b, found, place, dtype, width)


def elementwise(what: Elementwise, how: LoweringContext) -> Native:
    """The loop as native code, without outputs that are not read."""
    what = what._replace(alone=how.inside)
    layout = WorkspaceLayout()
    parts = {
        n: layout.reserve(what.tasks * math.prod(what.kept(o)) * o.value.dtype.size)
        for n, o in enumerate(what.outputs)
        if what.has_parts(o)
    }

    @cache
    def calls(wanted: tuple[bool, ...]) -> list[Call]:
        read = [n for n, is_read in enumerate(wanted) if is_read]
        if not read:
            return []
        present = what._replace(outputs=tuple(what.outputs[n] for n in read))
        args: tuple[BufferRef, ...] = (*ins(*range(len(what.operands))), *outs(*read))
        args += tuple(parts[n] for n in read if n in parts)
        writer = _Writer(present)
        found = [Call(writer.frame.text, "kernel", present.tasks, args)]
        return [*found, Call(writer.frame.text, "finish", 1, args)] if writer.parts else found

    return Native(calls, layout.nbytes, _overwritable(what))


def _overwritable(what: Elementwise) -> tuple[int, ...]:
    """The operands that the first output may overwrite: those read at the element being written."""
    first = what.outputs[0]
    if first.axes is not None:
        return ()
    return tuple(i for i, t in enumerate(what.operands) if t.static == what.space and t.dtype is first.value.dtype)
