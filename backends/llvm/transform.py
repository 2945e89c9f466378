"""A constant matrix applied to both axes of a small square of vectors: M·d·Mᵀ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from minigraph.backends.llvm.builder import Frame, at, index, intrinsic, loop, number
from minigraph.backends.llvm.compiler import host
from minigraph.backends.llvm.text import F32, IRBuilder, IRValue, vector
from minigraph.ops.nn.winograd import Matrix

Load = Callable[[int, IRValue], IRValue]  # loads element (i, j); j is a run-time value
Store = Callable[[IRValue, int, IRValue], None]  # stores element (a, j); a is a run-time value


def both(frame: Frame, matrix: Matrix, load: Load, store: Store) -> None:
    """Write M·d·Mᵀ: first the columns, into memory on the stack, then the rows."""
    b, lanes = frame.b, host().lanes
    rows, size = len(matrix), len(matrix[0])
    middle = frame.stack_array("transform", 10 * 10 * lanes)
    with loop(b, index(0), index(size)) as j:
        for n, value in enumerate(applied(b, matrix, [load(i, j) for i in range(size)], lanes)):
            place = b.add(b.mul(j, index(lanes)), index(n * size * lanes))
            b.store(value, at(b, middle, place, F32), align=4)
    with loop(b, index(0), index(rows)) as a:
        line = at(b, middle, b.mul(a, index(size * lanes)), F32)
        values = [b.load(at(b, line, index(j * lanes), F32), vector(F32, lanes), align=4) for j in range(size)]
        for n, value in enumerate(applied(b, matrix, values, lanes)):
            store(a, n, value)


def applied(b: IRBuilder, matrix: Matrix, values: Sequence[IRValue], lanes: int) -> list[IRValue]:
    """The matrix times a column of vectors.

    Two rows that differ only in signs share their work: one is the sum, the other the difference of the same two
    halves.
    """
    out: dict[int, IRValue] = {}
    for i, row in enumerate(matrix):
        if i in out:
            continue
        partner = next((k for k in range(i + 1, len(matrix)) if k not in out and _is_mirror(row, matrix[k])), None)
        if partner is None:
            out[i] = _combined(b, row, values, lanes)
            continue
        alike = [p if p == q else Fraction(0) for p, q in zip(row, matrix[partner], strict=True)]
        other = [p if p != q else Fraction(0) for p, q in zip(row, matrix[partner], strict=True)]
        one, two = (_combined(b, part, values, lanes) for part in (alike, other))
        out[i], out[partner] = b.fadd(one, two), b.fsub(one, two)
    return [out[i] for i in range(len(matrix))]


def _is_mirror(row: Sequence[Fraction], other: Sequence[Fraction]) -> bool:
    signs = {p == q for p, q in zip(row, other, strict=True) if p}
    return all(abs(p) == abs(q) for p, q in zip(row, other, strict=True)) and signs == {True, False}


def _combined(b: IRBuilder, row: Sequence[Fraction], values: Sequence[IRValue], lanes: int) -> IRValue:
    """Σ coefficient·value."""
    total = None
    for weight, value in sorted(zip(row, values, strict=True), key=lambda pair: abs(pair[0]) != 1):
        if not weight:
            continue
        if total is None:
            total = value if weight == 1 else b.fmul(value, number(F32, float(weight), lanes))
        elif abs(weight) == 1:
            total = b.fadd(total, value) if weight > 0 else b.fsub(total, value)
        else:
            total = intrinsic(b, "fma", value, number(F32, float(weight), lanes), total)
    return number(F32, 0.0, lanes) if total is None else total
