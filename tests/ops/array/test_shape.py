"""Shape, joining and slicing ops against NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.evaluate import Case, check_gradients, evaluate

import minigraph as tf
from minigraph.autodiff.gradients import gradients
from minigraph.core.errors import DTypeError, InvalidArgumentError, ShapeError
from minigraph.core.graph import Graph
from minigraph.ops.array import joining as J
from minigraph.ops.array import reshape as R
from minigraph.ops.array import shape as S
from minigraph.ops.array import slicing as C
from minigraph.ops.array.gathering import gather
from minigraph.ops.array.one_hot import one_hot
from minigraph.ops.constant import constant, placeholder, placeholder_with_default, range_

shapes = hnp.array_shapes(min_dims=1, max_dims=4, max_side=4)


def agree(build: Any, expected: Any, *arrays: Any, gradient: bool = True) -> None:
    """`build` gives `expected`, whatever is known of the input shapes; and its gradients are right."""
    expected = [np.asarray(e) for e in (expected if isinstance(expected, list) else [expected])]
    for dims in (np.shape, lambda a: [None] * a.ndim):
        case = Case(build, arrays, dims=dims)
        with case.graph.as_default():
            built = build(*case.inputs)
        built = built if isinstance(built, list) else [built]
        for value, right, tensor in zip(case.values(built), expected, built, strict=True):
            assert value.shape == right.shape
            np.testing.assert_array_equal(value, right)
            if dims is np.shape:
                assert tensor.shape.as_list() == list(right.shape)
        if gradient:
            check_gradients(build, arrays, dims=dims)


def numbers(shape: tuple[int, ...]) -> np.ndarray:
    return np.arange(math.prod(shape), dtype=np.float64).reshape(shape)


@settings(max_examples=40)
@given(st.data(), hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
def test_reshape(data: st.DataObject, shape: tuple[int, ...]) -> None:
    x = numbers(shape)
    target = list(data.draw(st.permutations([1, *shape])))
    known = math.prod(target)
    agree(lambda t: R.reshape(t, target), x.reshape(target), x)
    at = data.draw(st.integers(0, len(target) - 1))
    if known:
        hole = [*target[:at], -1, *target[at + 1 :]]
        agree(lambda t: R.reshape(t, hole), x.reshape(target), x)


@settings(max_examples=30)
@given(st.data(), shapes)
def test_transpose(data: st.DataObject, shape: tuple[int, ...]) -> None:
    x = numbers(shape)
    perm = data.draw(st.permutations(range(len(shape))))
    agree(lambda t: R.transpose(t, perm), x.transpose(perm), x)
    agree(R.transpose, x.T, x)


@settings(max_examples=30)
@given(st.data(), shapes)
def test_expand_and_squeeze(data: st.DataObject, shape: tuple[int, ...]) -> None:
    x = numbers(shape)
    axis = data.draw(st.integers(-len(shape) - 1, len(shape)))
    wide = np.expand_dims(x, axis)
    agree(lambda t: R.expand_dims(t, axis), wide, x)
    agree(lambda t: R.squeeze(t, [axis]), x, wide)
    agree(R.squeeze, np.squeeze(wide), wide)


@settings(max_examples=30)
@given(st.data(), shapes)
def test_tile_and_pad(data: st.DataObject, shape: tuple[int, ...]) -> None:
    x = numbers(shape)
    multiples = data.draw(st.lists(st.integers(0, 3), min_size=x.ndim, max_size=x.ndim))
    agree(lambda t: R.tile(t, multiples), np.tile(x, multiples), x)
    pads = data.draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=x.ndim, max_size=x.ndim))
    agree(lambda t: C.pad(t, pads, constant_values=7), np.pad(x, pads, constant_values=7), x)
    for mode, border in (("REFLECT", 1), ("SYMMETRIC", 0)):
        near = [tuple(min(p, n - border) for p in pair) for pair, n in zip(pads, shape, strict=True)]
        agree(lambda t, m=mode, p=near: C.pad(t, p, m), np.pad(x, near, mode=mode.lower()), x)  # type: ignore[call-overload]


def test_negative_multiples_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Expected multiples\[1\] >= 0, but got -2"):
        tf.tile(tf.zeros([3, 2]), [1, -2])
    x, multiples = tf.placeholder(tf.float32, [3, 2]), tf.placeholder(tf.int32, [2])
    tiled = tf.tile(x, multiples)
    with tf.Session() as session:
        for fetch in (tiled, tf.gradients(tiled, x, tf.zeros([3, 2]))[0]):
            with pytest.raises(tf.errors.InvalidArgumentError, match=r"Expected multiples\[0\] >= 0, but got -1"):
                session.run(fetch, {x: np.zeros((3, 2)), multiples: [-1, 1]})


@settings(max_examples=40)
@given(st.data(), shapes)
def test_concat_split_stack(data: st.DataObject, shape: tuple[int, ...]) -> None:
    x = numbers(shape)
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    cuts = sorted(data.draw(st.lists(st.integers(0, shape[axis]), max_size=3)))
    pieces = np.split(x, cuts, axis)
    sizes = [p.shape[axis] for p in pieces]
    agree(lambda *t: J.concat(t, axis), x, *pieces)
    agree(lambda t: J.split(t, sizes, axis), pieces, x)
    agree(lambda t: J.split(t, shape[axis], axis), np.split(x, shape[axis], axis), x)
    new = data.draw(st.integers(-x.ndim - 1, x.ndim))
    agree(lambda a, b: J.stack([a, b], new), np.stack([x, -x], new), x, -x)
    agree(lambda t: J.unstack(t, shape[axis], axis), list(np.moveaxis(x, axis, 0)), x)


@settings(max_examples=150)
@given(st.data(), shapes)
def test_slices_are_pythons(data: st.DataObject, shape: tuple[int, ...]) -> None:
    x = numbers(shape)
    key = data.draw(hnp.basic_indices(shape, allow_newaxis=True, max_dims=6))
    agree(lambda t: t[key], x[key], x)


@settings(max_examples=30)
@given(st.data(), shapes)
def test_slice_and_gather(data: st.DataObject, shape: tuple[int, ...]) -> None:
    x = numbers(shape)
    begin = [data.draw(st.integers(0, n)) for n in shape]
    size = [data.draw(st.integers(-1, n - b)) for b, n in zip(begin, shape, strict=True)]
    key = tuple(slice(b, None if s < 0 else b + s) for b, s in zip(begin, size, strict=True))
    agree(lambda t: C.slice_(t, begin, size), x[key], x)
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    index = data.draw(
        hnp.arrays(np.int32, hnp.array_shapes(min_dims=0, max_dims=2), elements=st.integers(0, shape[axis] - 1))
    )
    agree(lambda t, i: gather(t, i, axis=axis), np.take(x, index, axis), x, index)


def test_strided_slice() -> None:
    x = numbers((5, 4))
    agree(lambda t: C.strided_slice(t, [1, 3], [5, 0], [2, -1]), x[1:5:2, 3:0:-1], x)


def test_one_hot() -> None:
    case = Case(lambda t: [], [np.array([0, 2, -1, 3, 7], np.int32)])
    with case.graph.as_default():
        (i,) = case.inputs
        found = case.values([one_hot(i, 4), one_hot(i, 2, 5.0, -1.0, axis=0), one_hot(i, 4, dtype="int64")])
    expected = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]])
    assert [f.dtype for f in found] == [np.float32, np.float32, np.int64]
    np.testing.assert_array_equal(found[0], expected)
    np.testing.assert_array_equal(found[1], [[5, -1, -1, -1, -1], [-1, -1, -1, -1, -1]])
    np.testing.assert_array_equal(found[2], expected)


def test_shapes_from_the_graph() -> None:
    with Graph().as_default():
        x = placeholder("float32", [None, 2, 3])
        shape, size, rank = S.shape(x), S.size(x, out_type="int64"), S.rank(x)
        flat = R.reshape(x, [shape[0], 6])
        ones = S.fill([shape[0], 2], 1.0)
        (grad,) = gradients(flat * 2.0, x)
        assert grad is not None
        found = evaluate([shape, size, rank, flat, ones, S.ones([shape[0]]), grad], {x: np.ones((4, 2, 3))})
        assert [f.tolist() for f in found[:3]] == [[4, 2, 3], 24, 3]
        assert [f.shape for f in found[3:]] == [(4, 6), (4, 2), (4,), (4, 2, 3)]
        assert found[1].dtype == np.int64
        assert flat.shape.ndims == 2


def test_constants() -> None:
    with Graph().as_default():
        tensors = [constant(1), constant(1.5), constant([True]), constant(np.float64(1)), constant(2**40), constant([])]
        assert [t.dtype.name for t in tensors] == ["int32", "float32", "bool", "float64", "int64", "float32"]
        filled = evaluate(
            [constant([1, 2], shape=[2, 2]), S.zeros([2]), S.ones(2, "int32"), range_(2, 8, 3), range_(3.0)]
        )
        assert [f.tolist() for f in filled] == [[[1, 2], [2, 2]], [0, 0], [1, 1], [2, 5], [0, 1, 2]]
        assert [f.dtype.name for f in filled] == ["int32", "float32", "int32", "int32", "float32"]
        nested = constant([[1, 2], [3, 4]], dtype="float64")
        assert (nested.dtype.name, nested.shape.as_list()) == ("float64", [2, 2])
        for bad in (object(), {1: 2}):
            with pytest.raises(DTypeError):
                constant(bad)
        with pytest.raises(ShapeError, match="its rows differ in length"):
            constant([[1, 2], [3]])
        with pytest.raises(DTypeError):
            constant(1.5, "int32")
        with pytest.raises(ValueError):
            constant([1, 2, 3], shape=[2])


def test_a_default_is_used_unless_fed() -> None:
    with Graph().as_default():
        x = placeholder_with_default([1.0, 2.0], [None])
        assert evaluate([x])[0].tolist() == [1, 2]
        assert evaluate([x * 2.0], {x: [5.0]})[0].tolist() == [10]
        with pytest.raises(ShapeError):
            placeholder_with_default([1.0, 2.0], [3])


def test_misfits_are_told() -> None:
    with Graph().as_default():
        x = placeholder("float32", [2, 3])
        i = placeholder("int32", [2])
        bad: list[Any] = [
            lambda: R.reshape(x, [4]), lambda: R.reshape(x, [-1, 4]), lambda: R.reshape(x, [-1, -1]),
            lambda: R.reshape(x, [-2, 3]), lambda: R.reshape(x, i[0]), lambda: R.reshape(x, x[0]),
            lambda: R.transpose(x, [0, 0]), lambda: R.transpose(x, [0]), lambda: R.squeeze(x, [0]),
            lambda: R.squeeze(x, [2]), lambda: R.squeeze(x, [-3]), lambda: R.expand_dims(x, 3),
            lambda: R.tile(x, [2]), lambda: S.fill([2], [1.0, 2.0]), lambda: S.fill(i, x),
            lambda: J.concat([x, placeholder("float32", [3, 2])], 0), lambda: J.concat([x], 2), lambda: J.concat([], 0),
            lambda: J.split(x, 2, 1), lambda: J.split(x, [1, 1], 1), lambda: J.stack([x, x[0]]),
            lambda: J.unstack(x, 3), lambda: J.unstack(placeholder("float32")), lambda: gather(x, [0], axis=2),
            lambda: one_hot([1], 3, [1.0, 2.0], 0.0), lambda: C.pad(x, [[1, 1]]), lambda: C.slice_(x, [0, 2], [2, 2]),
            lambda: x[2], lambda: x[0, 0, 0], lambda: x[..., ..., 0],
        ]  # fmt: skip
        for build in bad:
            with pytest.raises(ShapeError, match=r"test_shape\.py|concat needs|infer num|leaves|takes a scalar"):
                build()
        with pytest.raises(DTypeError):
            gather(x, [0.5])
        with pytest.raises(DTypeError):
            J.concat([x, placeholder("float64", [2, 3])], 0)
        with pytest.raises(TypeError, match="gather"):
            x[i]
        with pytest.raises(ValueError, match="mode"):
            C.pad(x, [[0, 0], [0, 0]], "WRAP")
        with pytest.raises(InvalidArgumentError, match=r"indices\[0\] = 2 is not in \[0, 2\)"):
            evaluate([gather(x, [2])], {x: np.ones((2, 3))})


def test_a_range_of_tensors_has_the_dtype_that_is_asked_for() -> None:
    x = tf.placeholder(tf.float32, [None, 2])
    count = tf.shape(x)[0]
    with tf.Session() as session:
        for dtype in (None, tf.int64, tf.float32, tf.float16):
            cases = {tf.range(count, dtype=dtype): [0, 1, 2, 3, 4, 5], tf.range(1, count, 2, dtype=dtype): [1, 3, 5]}
            for made, expected in cases.items():
                assert made.dtype is (dtype or tf.int32)
                assert session.run(made, {x: np.zeros((6, 2))}).tolist() == expected
        both = tf.range(count, tf.constant(9, tf.int64))
        assert both.dtype is tf.int64
        assert session.run(both, {x: np.zeros((6, 2))}).tolist() == [6, 7, 8]


def test_a_range_needs_a_step_towards_its_limit() -> None:
    """As TensorFlow 1.15 demands, whether the numbers are known or not."""
    x = tf.placeholder(tf.float32, [None])
    count = tf.shape(x)[0]
    for start, limit, delta in ((0, 5, 0), (5, 1, 1), (1, 5, -1)):
        with pytest.raises(ValueError, match="range: requires"):
            tf.range(start, limit, delta)
        late = tf.range(start + count, limit + count, delta)
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"range: requires .*made at .*test_shape\.py"):
            tf.Session().run(late, {x: np.zeros(3)})
    assert tf.range(3, 3).shape.as_list() == [0]


@pytest.mark.parametrize("shape", [[None], [None, 3], [2.5], [2, None], ["2"]])
def test_a_shape_that_is_no_shape_is_told(shape: Any) -> None:
    for function in (tf.random_normal, tf.random_uniform, tf.truncated_normal, tf.zeros, tf.ones):
        with pytest.raises(ValueError, match=r"integer|known"):
            function(shape)


def test_sizes_that_do_not_depend_on_the_input_are_known() -> None:
    """As in TensorFlow: sizes of a slice other than −1, and axes that are repeated 0 times."""
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, None])
        assert tf.slice(x, [0, 1], [2, -1]).shape.as_list() == [2, None]
        assert tf.slice(tf.placeholder(tf.float32), [0, 1], [-1, 0]).shape.as_list() == [None, 0]
        assert tf.tile(x, [0, 2]).shape.as_list() == [0, None]


def test_the_gradient_of_a_lookup_of_empty_rows() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        table = tf.placeholder(tf.float32, [4, 0, 3])
        (found,) = tf.gradients(tf.gather(table, [[1, 0], [0, 1]]), table)
        assert session.run(tf.convert_to_tensor(found), {table: np.zeros((4, 0, 3))}).shape == (4, 0, 3)


def test_a_default_that_may_be_fed_is_no_known_shape() -> None:
    with tf.Graph().as_default(), tf.Session(backend="numpy") as session:
        n = tf.placeholder_with_default(3, [])
        results = [tf.zeros([n, 2]), tf.reshape(tf.zeros([30]), [n, 2, -1]), tf.tile(tf.zeros([1, 2]), [n + 0, 1])]
        assert all(r.shape.rank is None or r.shape.as_list()[0] is None for r in results)
        for count in (3, 5):
            feeds = {} if count == 3 else {n: count}
            assert [r.shape[0] for r in session.run(results, feeds)] == [count] * 3


@pytest.mark.parametrize("values", [[3, 1, 3], [3.0, 1.0, 3.0], ["c", "a", "c"]])
@pytest.mark.parametrize(
    "sized",
    [
        lambda n: tf.zeros([n]), tf.range, lambda n: tf.one_hot([0, 1], n), lambda n: tf.tile([1.0], [n]),
        lambda n: tf.unsorted_segment_sum([1.0], [0], n),
    ],
)  # fmt: skip
def test_sizes_may_be_made_of_what_the_host_computes(values: list[Any], sized: Any) -> None:
    """From constants, too, whose results no feed tells."""
    with tf.Graph().as_default(), tf.Session() as session:
        count = tf.reduce_max(tf.unique(values)[1]) + 1
        assert session.run(tf.shape(sized(count)))[-1] == 2
