"""The builder that ops state their kernels with.

k = Statement("pad")
x, y = k.operand(in_types[0]), k.result(out_types[0])
with k.over(*y.shape) as at:
    k.store(y, at, k.padded(x, [i - a for i, (a, _) in zip(at, paddings)], 0.0))
return k.done()
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigraph.core.dtypes import DType, float32, int64
from minigraph.core.scalar import Scalar, call, cast, constant, where
from minigraph.core.types import TensorType
from minigraph.loops.check import check
from minigraph.loops.index import Guard, Index, Var
from minigraph.loops.kernel import Buffer, For, If, Kernel, Let, Monoid, Name, Reduce, Store, map_value
from minigraph.loops.kernel import Statement as AnyStatement

At = Sequence[Index]
Term = Callable[..., Any]


def accumulator(dtype: DType) -> DType:
    """The dtype in which elements are added up: float32 for float16."""
    return float32 if dtype.name == "float16" else dtype


class Statement:
    """A kernel under construction."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._buffers: list[Buffer] = []
        self._open: list[list[AnyStatement]] = [[]]
        self._counts: dict[str, int] = {}
        self._tables = 0

    def _fresh(self, stem: str) -> str:
        self._counts[stem] = n = self._counts.get(stem, -1) + 1
        return f"{stem}{n}" if n or len(stem) > 1 else stem

    def _buffer(self, role: str, stem: str, type: TensorType, shape: Sequence[int] | None) -> Buffer:
        roles = ("in", "var") if role in ("in", "var") else (role,)
        n = sum(b.role in roles for b in self._buffers)
        made = Buffer(f"{stem}{n}", type.dtype, type.static if shape is None else shape, role, n)
        self._buffers.append(made)
        return made

    def operand(self, type: TensorType, shape: Sequence[int] | None = None) -> Buffer:
        """The next operand. shape: the shape the statement sees, of as many elements."""
        return self._buffer("in", "x", type, shape)

    def variable(self, type: TensorType, shape: Sequence[int] | None = None) -> Buffer:
        """The next operand, which the kernel changes in place."""
        return self._buffer("var", "x", type, shape)

    def result(self, type: TensorType, shape: Sequence[int] | None = None) -> Buffer:
        """The next result."""
        return self._buffer("out", "y", type, shape)

    def workspace(self, dtype: DType, shape: Sequence[int]) -> Buffer:
        """Memory for values between two passes."""
        return self._buffer("work", "w", TensorType(dtype, tuple(shape)), None)

    def table(self, content: Any, dtype: DType) -> Buffer:
        """A table of constants, such as weights that depend on shapes only."""
        array = np.ascontiguousarray(content, dtype.np_dtype)
        self._tables += 1
        return Buffer(f"k{self._tables - 1}", dtype, array.shape, "table", self._tables - 1, array)

    @contextmanager
    def over(self, *extents: int, names: str = "ijklmn") -> Iterator[list[Index]]:
        """For all indices below the extents: the statements of the `with` block."""
        variables = [Var(self._fresh(names[i % len(names)])) for i in range(len(extents))]
        self._open.append([])
        yield [Index.of(v) for v in variables]
        body = tuple(self._open.pop())
        for var, extent in reversed(list(zip(variables, extents, strict=True))):
            body = (For(var, 0, extent, body),)
        self._open[-1] += body

    @contextmanager
    def steps(self, extent: int, name: str = "s") -> Iterator[Index]:
        """For all indices below the extent, one after the other: the statements of the `with` block."""
        var = Var(self._fresh(name))
        self._open.append([])
        yield Index.of(var)
        self._open[-2].append(For(var, 0, extent, tuple(self._open.pop()), "serial"))

    @contextmanager
    def when(self, *guard: Any) -> Iterator[None]:
        """Where the guard holds: the statements of the `with` block."""
        self._open.append([])
        yield
        body = tuple(self._open.pop())
        self._open[-1].append(If(guard, body))

    def let(self, value: Scalar) -> Scalar:
        """The value under a name, computed once."""
        name = Name(self._fresh("t"), value.dtype)
        self._open[-1].append(Let(name, _spelled(value)))
        return name()

    def index(self, value: Scalar, below: int) -> Index:
        """An integer value as an index. It must lie in [0, below)."""
        name, var = Name(self._fresh("v"), int64), Var(self._fresh("at"))
        self._open[-1].append(Let(name, cast(_spelled(value), int64), var, below))
        return Index.of(var)

    @staticmethod
    def number(index: Index | Var | int, dtype: DType) -> Scalar:
        """An index as a value."""
        return Scalar("index", (), dtype, Index.of(index))

    @staticmethod
    def padded(x: Buffer, at: At, other: Any) -> Scalar:
        """The element at the indices, `other` outside the array."""
        fill = other if isinstance(other, Scalar) else constant(other, x.dtype)
        return x.get(tuple(at), fill, x.inside(*at))

    def reduce(
        self, extents: Sequence[int], monoid: Monoid, init: Sequence[Any], dtypes: Sequence[DType], term: Term,
        before: Term | None = None, after: Term | None = None,
    ) -> list[Scalar]:  # fmt: skip
        """Combine terms over all indices below the extents; returns one value for each of `init`.

        term(*indices) returns the terms, or (terms, guard) if those where the guard does not hold are left out.
        before(values, *indices) and after(values, *indices) state what else is done at each step, given the values
        so far.
        """
        variables = [Var(self._fresh("r")) for _ in extents]
        indices = [Index.of(v) for v in variables]
        names = tuple(Name(self._fresh("s"), d) for d in dtypes)
        given = [n() for n in names]

        def block(write: Term | None) -> tuple[Any, tuple[AnyStatement, ...]]:
            self._open.append([])
            made = write(*indices) if write is not None else None
            return made, tuple(self._open.pop())

        _, first = block(before and (lambda *at: before(given, *at)))
        made, more = block(term)
        terms, guard = made if isinstance(made, tuple) else (made, ())
        _, last = block(after and (lambda *at: after(given, *at)))
        start = tuple(i if isinstance(i, Scalar) else constant(i, d) for i, d in zip(init, dtypes, strict=True))
        loops = tuple(zip(variables, extents, strict=True))
        found = tuple(map(_spelled, terms))
        self._open[-1].append(Reduce(names, start, loops, tuple(guard), (*first, *more), found, monoid, last))
        return given

    def store(self, buffer: Buffer, at: At, value: Scalar) -> None:
        """Write an element; the value is cast to the buffer's dtype."""
        load = buffer[tuple(at)]
        self._open[-1].append(Store(load.value, cast(_spelled(value), buffer.dtype)))

    def done(self) -> Kernel:
        """The kernel, checked. Raises InternalError for an access that is not proved to lie in its buffer."""
        return check(Kernel(self.name, tuple(self._buffers), tuple(self._open[0])))


def looked_up(k: Statement, value: Scalar, below: int) -> tuple[Scalar, Index]:
    """Whether an integer that was read lies in [0, below), and the place it names; 0 where it does not."""
    number = k.let(cast(value, int64))
    valid = call("logical_and", call("greater_equal", number, 0), call("less", number, below))
    return valid, k.index(where(valid, number, 0), below)


def located(k: Statement, vectors: Buffer, shape: Sequence[int], *row: Index) -> tuple[Scalar, list[Index]]:
    """Whether a vector of integers lies in an array of the shape, and the place it names; 0 where it does not, axis by
    axis. row: the vector's place in the buffer."""
    found = [looked_up(k, vectors[(*row, d)], length) for d, length in enumerate(shape)]
    valid = found[0][0]
    for inside, _ in found[1:]:
        valid = call("logical_and", valid, inside)
    return valid, [place for _, place in found]


def _spelled(value: Scalar) -> Scalar:
    return map_value(value, lambda node, args: None)


__all__ = ["At", "Guard", "Statement", "accumulator"]
