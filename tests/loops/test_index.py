"""Index expressions against integers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from minigraph.loops.index import Index, Inside, Var

VARS = [Var(name) for name in "abc"]
numbers = st.integers(-6, 6)


@st.composite
def indices(draw: st.DrawFn) -> tuple[Index, str]:
    """An index, and the same as a Python expression of a, b and c."""
    index, text = Index.of(draw(numbers)), ""
    text = f"({index.const})"
    for _ in range(draw(st.integers(1, 5))):
        operation = draw(st.sampled_from("+*/%"))
        if operation == "+":
            var, factor = draw(st.sampled_from(VARS)), draw(numbers)
            index, text = index + Index.of(var) * factor, f"({text} + {var} * {factor})"
        elif operation == "*":
            factor = draw(numbers)
            index, text = index * factor, f"({text} * {factor})"
        else:
            by = draw(st.integers(1, 5))
            index, text = (index // by, f"({text} // {by})") if operation == "/" else (index % by, f"({text} % {by})")
    return index, text


@given(case=indices(), at=st.tuples(numbers, numbers, numbers))
def test_an_index_has_the_value_of_its_formula(case: tuple[Index, str], at: tuple[int, int, int]) -> None:
    index, text = case
    of = dict(zip(VARS, at, strict=True))
    assert index.value(of.__getitem__) == eval(text, dict(zip("abc", at, strict=True)))


@given(case=indices(), at=st.tuples(numbers, numbers, numbers), other=indices())
def test_replacing_a_variable_replaces_its_value(
    case: tuple[Index, str], at: tuple[int, int, int], other: tuple[Index, str]
) -> None:
    of = dict(zip(VARS, at, strict=True))
    inner = other[0].value(of.__getitem__)
    found = case[0].replaced({VARS[0]: other[0]})
    assert found.value(of.__getitem__) == case[0].value((of | {VARS[0]: inner}).__getitem__)


@given(case=indices(), at=st.tuples(*[st.integers(0, 4)] * 3))
def test_bounds_hold(case: tuple[Index, str], at: tuple[int, int, int]) -> None:
    low, high = case[0].bounds(lambda _: (0, 4))
    value = case[0].value(dict(zip(VARS, at, strict=True)).__getitem__)
    assert low <= value <= high
    holds = Inside(case[0], -2, 9).known(lambda _: (0, 4))
    assert holds in (None, -2 <= value < 9)


@given(case=indices(), at=st.tuples(numbers, numbers, numbers))
def test_a_stride_is_the_growth_along_a_variable(case: tuple[Index, str], at: tuple[int, int, int]) -> None:
    index = case[0]
    step = index.stride(VARS[0])
    if step is not None:
        here, there = (dict(zip(VARS, (at[0] + more, *at[1:]), strict=True)) for more in (0, 1))
        assert index.value(there.__getitem__) - index.value(here.__getitem__) == step


def test_division_drops_what_it_can() -> None:
    i, j = (Index.of(v) for v in VARS[:2])
    assert repr((i * 4 + j + 5) // 4) == "a + ((b + 1) // 4) + 1"
    assert (i * 4 + 2) % 2 == Index.of(0)
    assert (i * 2 + 1) % 2 == Index.of(1)
    assert i // 3 != i % 3
