"""Nests of leaves, taken apart and put together."""

from __future__ import annotations

from typing import Any, NamedTuple

import hypothesis.strategies as st
from hypothesis import given

from minigraph.util import nest


class Pair(NamedTuple):
    a: Any
    b: Any


NESTS = st.recursive(
    st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text("xyz", max_size=2), inner, max_size=3)
        | st.builds(Pair, inner, inner)
    ),
    max_leaves=8,
)


@given(NESTS)
def test_a_nest_is_its_structure_and_its_leaves(value: Any) -> None:
    leaves = nest.flatten(value)
    assert nest.pack(value, leaves) == value
    other = nest.pack(value, [str(leaf) for leaf in leaves])
    assert nest.form(other) == nest.form(value)
    assert nest.flatten(other) == [str(leaf) for leaf in leaves]


def test_leaves_of_a_dictionary_come_by_their_keys() -> None:
    assert nest.flatten({"b": 1, "a": [2, (3, 4)]}) == [2, 3, 4, 1]
    assert nest.flatten((1, [2, 3]), kinds=tuple) == [1, [2, 3]]
    assert nest.form([1, 2]) != nest.form((1, 2))
