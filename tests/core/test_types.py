"""Dtypes, shapes with unknown dimensions, broadcasting.

Tests `core/typing.py`.
"""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigraph.core import dtypes
from minigraph.core import types as T
from minigraph.core.dtypes import as_dtype
from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.types import Dimension, TensorShape, TensorType

static = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3)


def blurred(draw: st.DrawFn, shape: tuple[int, ...]) -> T.Shape:
    if draw(st.integers(0, 9)) == 0:
        return None
    return tuple(None if draw(st.booleans()) else d for d in shape)


@st.composite
def related(draw: st.DrawFn) -> tuple[tuple[int, ...], T.Shape]:
    """A shape, and what may be known of it."""
    shape = draw(static)
    return shape, blurred(draw, shape)


@given(static, static)
def test_broadcasting_known_shapes_is_numpys(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    try:
        expected = np.broadcast_shapes(a, b)
    except ValueError:
        with pytest.raises(ShapeError, match="do not broadcast"):
            T.broadcast(a, b)
    else:
        assert T.broadcast(a, b) == expected


@given(related(), related())
def test_broadcasting_unknown_dimensions_never_contradicts(a: Any, b: Any) -> None:
    try:
        exact = np.broadcast_shapes(a[0], b[0])
    except ValueError:
        return
    less = T.broadcast(a[1], b[1])
    assert T.compatible(less, exact)
    assert less == T.broadcast(b[1], a[1])
    assert (less is None) == (a[1] is None or b[1] is None)


@given(related(), st.data())
def test_merge_knows_what_either_knows(a: Any, data: st.DataObject) -> None:
    exact, first = a
    second = blurred(data.draw, exact)
    merged = T.merge(first, second)
    assert T.compatible(merged, exact)
    assert T.merge(second, first) == merged
    assert T.merge(merged, exact) == exact
    assert T.merge(first, first) == first
    if first is not None and second is not None:
        assert merged is not None
        unknown = [one is None and other is None for one, other in zip(first, second, strict=True)]
        assert [d is None for d in merged] == unknown


@given(static, static)
def test_merge_of_a_contradiction(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    assert T.compatible(a, b) is (a == b)
    if a != b:
        with pytest.raises(ShapeError, match="not compatible"):
            T.merge(a, b)
        with pytest.raises(ShapeError):
            TensorShape(a).assert_is_compatible_with(b)


@given(related())
def test_tensor_shape(shapes: Any) -> None:
    exact, known = shapes
    shape = TensorShape(known)
    assert TensorShape(shape) == shape == known
    assert hash(TensorShape(shape)) == hash(shape)
    assert bool(shape) is (known is not None)
    assert shape.is_compatible_with(exact)
    assert shape.merge_with(exact).as_list() == list(exact)
    assert shape.is_fully_defined() is (known is not None and None not in known)
    assert shape.num_elements() == (int(np.prod(exact)) if shape.is_fully_defined() else None)
    if known is None:
        assert (shape.ndims, shape.dims) == (None, None)
        for look in (shape.as_list, lambda: len(shape), lambda: shape[0]):
            with pytest.raises(ValueError):
                look()
        return
    assert shape.as_list() == list(known)
    assert len(shape) == shape.ndims == shape.rank == len(known)
    assert [d.value for d in shape] == list(known)
    assert shape[1:].as_list() == list(known[1:])
    if known:
        assert shape[-1].value == known[-1]


def test_spellings_of_a_shape() -> None:
    spellings: list[Any] = [
        [None, 3], (None, 3), [-1, 3], [Dimension(None), Dimension(3)], TensorShape([None, 3]), [None, np.int64(3)],
        iter([None, 3]),
    ]  # fmt: skip
    assert [T.as_shape(s) for s in spellings] == [(None, 3)] * len(spellings)
    assert T.as_shape(5) == (5,)
    assert T.as_shape(None) is None
    assert T.as_shape([]) == ()
    assert T.as_shape(np.array([2, 3])) == (2, 3)
    for bad in ([-2], [1.5], ["a"], "ab", 2.5):
        with pytest.raises(ShapeError):
            T.as_shape(bad)


def test_how_shapes_are_printed() -> None:
    assert [T.format_shape(s) for s in (None, (), (5,), (None, 3))] == ["<unknown>", "()", "(5,)", "(?, 3)"]
    assert str(TensorShape([None, 3])) == "(?, 3)"
    assert repr(TensorShape([None, 3])) == "TensorShape([Dimension(None), Dimension(3)])"
    assert str(TensorType(dtypes.float32, (None, 3))) == "float32[?,3]"
    assert str(TensorType(dtypes.float32, None)) == "float32[...]"
    assert repr(Dimension(None)) == "Dimension(None)"
    assert (str(Dimension(None)), str(Dimension(4))) == ("?", "4")


def test_dimensions_act_as_integers_where_known() -> None:
    d, unknown = Dimension(6), Dimension(None)
    results = [d + 1, 1 + d, d - 1, 8 - d, d * 2, 2 * d, d // 4, 13 // d, d % 4, d + Dimension(2)]
    assert [r.value for r in results] == [7, 7, 5, 2, 12, 12, 1, 2, 2, 8]
    assert all((unknown + 1).value is None and r.value is None for r in (1 - unknown, d * unknown))
    assert (d > 5, d >= 7, d < 7, d <= 5) == (True, False, True, False)
    assert (unknown > 5, d < unknown) == (None, None)
    assert d == 6
    assert d != 7
    assert hash(d) == hash(6)
    assert (int(d), list(range(10))[d], [0] * d) == (6, 6, [0] * 6)
    with pytest.raises(TypeError, match="unknown dimension"):
        int(unknown)


@given(related())
def test_tensor_types(shapes: Any) -> None:
    exact, known = shapes
    full = TensorType(dtypes.float64, exact)
    assert (full.static, full.rank, full.size, full.nbytes) == (
        exact, len(exact), int(np.prod(exact)), 8 * int(np.prod(exact)),
    )  # fmt: skip
    partial = TensorType(dtypes.float64, known)
    assert partial.is_static is (known == exact)
    if not partial.is_static:
        with pytest.raises(ShapeError, match="not fully known"):
            partial.static  # noqa: B018


@pytest.mark.parametrize("dtype", dtypes.ALL, ids=lambda d: d.name)
def test_dtypes_and_numpys_are_one(dtype: dtypes.DType) -> None:
    assert (
        as_dtype(dtype) is as_dtype(dtype.name) is as_dtype(dtype.np_dtype) is as_dtype(dtype.as_numpy_dtype) is dtype
    )
    assert dtype == dtype.np_dtype
    assert dtype == dtype.name
    assert dtype.base_dtype is dtype
    assert np.zeros(1, dtype.as_numpy_dtype).itemsize == dtype.size
    assert pickle.loads(pickle.dumps(dtype)) is copy.deepcopy(dtype) is dtype
    assert [dtype.is_floating, dtype.is_integer, dtype.is_bool].count(True) == 1
    assert (repr(dtype), str(dtype)) == (f"tf.{dtype.name}", f"<dtype: '{dtype.name}'>")
    assert sum(dtype == other for other in dtypes.ALL) == 1


def test_other_names_of_dtypes() -> None:
    names: list[Any] = ["float", "double", "half", float, int, bool]
    assert [as_dtype(n).name for n in names] == ["float32", "float64", "float16", "float32", "int32", "bool"]
    for bad in (None, "text", str, object, 7, [1]):
        with pytest.raises(DTypeError, match="Cannot convert"):
            as_dtype(bad)
        assert dtypes.float64 != bad
    assert (dtypes.uint8.min, dtypes.uint8.max) == (0, 255)
    assert dtypes.float32.max == np.finfo(np.float32).max
