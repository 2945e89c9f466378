"""What the checker refuses."""

from __future__ import annotations

import pytest

from minigraph.core.dtypes import float32, int32, int64
from minigraph.core.errors import InternalError
from minigraph.core.scalar import cast, constant
from minigraph.core.types import TensorType
from minigraph.loops.builder import Statement
from minigraph.loops.check import check
from minigraph.loops.index import Index, Inside, Var
from minigraph.loops.kernel import ADD, Access, Kernel, Name, Store

ROW = TensorType(float32, (8,))


def test_an_access_that_may_lie_outside_is_refused() -> None:
    k = Statement("shift")
    x, y = k.operand(ROW), k.result(ROW)
    with k.over(8) as (i,):
        k.store(y, (i,), x[i + 1])
    with pytest.raises(InternalError, match=r"kernel shift: x0\[i \+ 1\]: i \+ 1 may be outside \[0, 8\)"):
        k.done()


def test_a_guard_or_the_bounds_prove_an_access() -> None:
    k = Statement("shift")
    x, y = k.operand(ROW), k.result(ROW)
    with k.over(8) as (i,):
        k.store(y, (i,), k.padded(x, (i + 1,), 0))
    with k.over(7) as (i,):
        k.store(y, (i,), x[i + 1])
    with k.over(8) as (i,), k.when(Inside(i, 0, 7)):
        k.store(y, (i,), x[i + 1])
    with k.over(1) as (i,), k.when(Inside(i, 1, 1)):  # never
        k.store(y, (i,), x[i - 1])
    k.done()


def test_an_index_that_was_read_has_stated_bounds() -> None:
    def statement(below: int) -> Statement:
        k = Statement("look_up")
        x, at, y = k.operand(ROW), k.operand(TensorType(int32, (3,))), k.result(TensorType(float32, (3,)))
        with k.over(3) as (i,):
            k.store(y, (i,), x[k.index(cast(at[i], int64), below)])
        return k

    statement(8).done()
    with pytest.raises(InternalError, match=r"may be outside \[0, 8\)"):
        statement(9).done()


def test_names_and_variables_must_be_defined() -> None:
    k = Statement("sum")
    x, y = k.operand(ROW), k.result(TensorType(float32, ()))
    at = (Index.of(Var("i")),)
    body = (Store(Access(y, ()), x.get(at, None)),)
    with pytest.raises(InternalError, match="the variable i is not defined here"):
        check(Kernel("sum", (x, y), body))
    with pytest.raises(InternalError, match="s is read before it is made"):
        check(Kernel("sum", (x, y), (Store(Access(y, ()), Name("s", float32)()),)))
    with pytest.raises(InternalError, match="int32 is stored in y0: float32"):
        check(Kernel("sum", (x, y), (Store(Access(y, ()), constant(1, int32)),)))


def test_terms_must_have_the_dtypes_of_their_names() -> None:
    k = Statement("sum")
    x, y = k.operand(ROW), k.result(TensorType(float32, ()))
    (total,) = k.reduce([8], ADD, [0], [int32], lambda i: [x[i]])
    k.store(y, (), total)
    with pytest.raises(InternalError, match=r"terms are \['float32'\], not \['int32'\]"):
        k.done()
