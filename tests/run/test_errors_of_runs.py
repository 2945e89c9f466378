"""Errors of runs name the op, the user's line and what was wrong, in the same class on all backends and levels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.misfits import faults_of, sampled_ops

import minigraph as tf

OPS = sampled_ops()
FLOATS = np.arange(6.0, dtype=np.float32).reshape(3, 2)
WAYS: list[tuple[str, Any]] = [(b, level) for b in ("numpy", "llvm") for level in ("O0", "O3")]
Build = Callable[[Any, Any], Any]


def variable(value: Any) -> Any:
    return tf.Variable(tf.constant(FLOATS))


def updated(function: Any) -> Build:
    return lambda x, i: function(tf.Variable(FLOATS), i, 1.0)


# What is built of a tensor [3, 2] and of integers, the integers that do not fit, and what the message says of them.
INTEGERS: dict[str, tuple[Build, Any, str]] = {
    "gather": (tf.gather, [0, 3, -1], r"indices\[1\] = 3 is not in \[0, 3\)"),
    "gather of a matrix": (tf.gather, [[0, 1], [2, -1]], r"indices\[1, 1\] = -1 is not in \[0, 3\)"),
    "gather of one": (tf.gather, 7, r"indices = 7 is not in \[0, 3\)"),
    "gather along an axis": (lambda x, i: tf.gather(x, i, axis=1), [2], r"indices\[0\] = 2 is not in \[0, 2\)"),
    "gradient of gather": (
        lambda x, i: tf.convert_to_tensor(tf.gradients(tf.gather(x, i), x)[0]),
        [0, 4],
        r"indices\[1\] = 4 is not in \[0, 3\)",
    ),
    "gradient of gather along a fed axis": (
        lambda x, i: tf.convert_to_tensor(tf.gradients(tf.gather(x, i, axis=tf.placeholder_with_default(1, [])), x)[0]),
        [1, 2],
        r"indices\[1\] = 2 is not in \[0, 2\)",
    ),
    "embedding_lookup": (tf.nn.embedding_lookup, [5], r"indices\[0\] = 5 is not in \[0, 3\)"),
    "gather_nd": (tf.gather_nd, [[0, 1], [1, 2]], r"indices\[1\] = \[1, 2\] does not index into shape \[3,2\]"),
    "gather_nd of rows": (tf.gather_nd, [[-1]], r"indices\[0\] = \[-1\] does not index into shape \[3,2\]"),
    "gradient of gather_nd": (
        lambda x, i: tf.gradients(tf.gather_nd(x, i), x)[0], [[3]], r"indices\[0\] = \[3\] does not index",
    ),
    "scatter_nd": (
        lambda x, i: tf.scatter_nd(i, x, [3, 2]), [[0], [1], [3]], r"indices\[2\] = \[3\] does not index into",
    ),
    "scatter_update": (updated(tf.scatter_update), [4], r"indices\[0\] = 4 is not in \[0, 3\)"),
    "scatter_add": (updated(tf.scatter_add), [0, -3], r"indices\[1\] = -3 is not in \[0, 3\)"),
    "scatter_sub": (updated(tf.scatter_sub), [3], r"indices\[0\] = 3 is not in \[0, 3\)"),
    "sparse cross entropy": (
        lambda x, i: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=i, logits=x), [0, 1, 2],
        r"labels\[2\] = 2 is not in \[0, 2\)",
    ),
    "gradient of sparse cross entropy": (
        lambda x, i: tf.gradients(tf.losses.sparse_softmax_cross_entropy(i, x), x)[0], [-1, 1, 0],
        r"labels\[0\] = -1 is not in \[0, 2\)",
    ),
    "unsorted_segment_sum": (
        lambda x, i: tf.unsorted_segment_sum(x, i, 3), [0, -1, 3], r"segment_ids\[2\] = 3 is not in \[0, 3\)",
    ),
    "segment_sum": (tf.segment_sum, [0, 2, 1], r"segment_ids\[2\] = 1 after segment_ids\[1\] = 2"),
    "segment_sum below": (tf.segment_sum, [-1, 0, 1], r"segment_ids\[0\] = -1"),
    "confusion_matrix": (
        lambda x, i: tf.confusion_matrix(i, i, num_classes=2), [0, 2], r"labels\[1\] = 2 is not in \[0, 2\)",
    ),
    "mean_iou": (lambda x, i: tf.metrics.mean_iou(i, i, 2)[1], [1, -1], r"labels\[1\] = -1 is not in \[0, 2\)"),
    "mean_per_class_accuracy": (
        lambda x, i: tf.metrics.mean_per_class_accuracy(i, i, 2)[1], [2], r"indices\[0\] = 2 is not in \[0, 2\)",
    ),
    "crop_and_resize": (
        lambda x, i: tf.image.crop_and_resize(x[None, :, :, None], tf.zeros([2, 4]), i, [2, 2]), [0, 1],
        r"box_ind\[1\] = 1 is not in \[0, 1\)",
    ),
    "division": (lambda x, i: tf.constant([6, 7]) // i, [1, 0], r"by zero: the divisor\[1\] = 0"),
    "remainder": (lambda x, i: tf.constant([6, 7]) % i, [0, 1], r"by zero: the divisor\[0\] = 0"),
    "power": (lambda x, i: tf.constant([6, 7]) ** i, [1, -1], r"the exponent\[1\] = -1"),
    "slice": (lambda x, i: tf.slice(x, i, [2, 1]), [2, 0], "slice of 2 from 2 leaves a dimension of size 3"),
}  # fmt: skip


def error_of(build: Build, integers: Any, backend: str, level: Any) -> tuple[Any, Any]:
    """The error of a run, and the node that is fetched."""
    with tf.Graph().as_default(), tf.Session(backend=backend, optimize=level) as session:
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        i = tf.placeholder(tf.int32, np.shape(integers), name="i")
        result = build(x, i)
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        with pytest.raises(tf.errors.OpError) as caught:
            session.run(result, {x: FLOATS, i: integers})
        assert caught.value.op.graph is session.graph
        return caught.value, result


@pytest.mark.parametrize("name", INTEGERS)
def test_integers_out_of_range_are_named(name: str) -> None:
    """The value, its place and the permitted range, the op and the user's line: the same everywhere."""
    build, integers, message = INTEGERS[name]
    errors = [error_of(build, integers, *way)[0] for way in WAYS]
    for error in errors:
        assert type(error) is tf.errors.InvalidArgumentError
        assert error.op.type in str(error)
        assert f"made at {Path(__file__)}:" in str(error)
    # Two scatters of a metric make the same check; which one comes first depends on the memory that a backend needs.
    assert len({str(e).replace("ScatterAdd_1'", "ScatterAdd'") for e in errors}) == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        raise errors[0]


@pytest.mark.parametrize("dtype", [tf.uint8, tf.int8, tf.int32, tf.int64])
@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_the_offending_value_is_shown_in_any_integer_dtype(backend: str, dtype: Any) -> None:
    largest = int(np.iinfo(dtype.np_dtype).max)
    i = tf.placeholder(dtype, [2])
    with (
        tf.Session(backend=backend) as session,
        pytest.raises(tf.errors.InvalidArgumentError, match=rf"indices\[1\] = {largest} is not in"),
    ):
        session.run(tf.gather(tf.constant(FLOATS), i), {i: np.array([0, largest], dtype.np_dtype)})


@pytest.mark.parametrize("width", [2, 300])
@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_classes_beyond_the_range_of_the_labels_dtype_take_part(backend: str, width: int) -> None:
    """Class 256 is not class 0, though it has the same last 8 bits."""
    logits = np.random.RandomState(0).randn(3, width).astype(np.float32)
    labels = np.array([0, 1, min(255, width - 1)], np.uint8)
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.constant(labels), logits=logits)
    found = tf.Session(backend=backend).run(loss)
    shifted = np.exp(logits.astype(np.float64))
    expected = -np.log(shifted[np.arange(3), labels] / shifted.sum(axis=1))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize(("backend", "level"), WAYS)
def test_an_op_without_effects_is_computed_where_it_is_the_target(backend: str, level: Any) -> None:
    i = tf.placeholder(tf.int32, [1])
    picked = tf.gather(tf.constant(FLOATS), i)
    shown = tf.summary.histogram("h", tf.log(tf.to_float(i)))
    with tf.Session(backend=backend, optimize=level) as session:
        for target in (picked.op, tf.group(picked), tf.group(tf.group(picked.op))):
            assert session.run(target, {i: [1]}) is None
            with pytest.raises(tf.errors.InvalidArgumentError, match=r"indices\[0\] = 3"):
                session.run(target, {i: [3]})
        assert session.run([picked.op, picked], {i: [1]})[1].tolist() == FLOATS[1:2].tolist()
        assert session.run(picked.op, {picked: FLOATS[:1]}) is None
        assert session.run(shown.op, {i: [1]}) is None
        with pytest.raises(tf.errors.InvalidArgumentError, match="Infinity in summary histogram"):
            session.run(shown.op, {i: [0]})


def test_an_op_on_the_host_says_where_it_failed() -> None:
    x = tf.placeholder(tf.float32, [None, None])
    wrong = tf.py_func(lambda a: a[0], [x], tf.float32, name="mine")
    wrong.set_shape([5])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"shape \(2,\), not \(5,\).*PyFunc node 'mine'"):
        tf.Session().run(wrong, {x: FLOATS})
    ids = tf.placeholder(tf.int32, [None])
    total = tf.segment_sum(x, ids)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"same size as dimension 0.*SegmentSum node"):
        tf.Session().run(total, {x: FLOATS, ids: [0, 1]})


def test_memory_that_no_machine_has_is_exhausted() -> None:
    size = tf.placeholder(tf.float32, [None])
    n = tf.shape(size)[0] * 2**20
    huge = tf.zeros([n, n, n])
    with pytest.raises(tf.errors.ResourceExhaustedError, match="out of memory"):
        tf.Session(optimize="O0").run(huge + tf.reduce_sum(size), {size: np.zeros(2, np.float32)})


def faults(kind: Any, of_values: list[tuple[str, Any]], of_shapes: list[tuple[str, Any]]) -> list[str]:
    return [fault for s in kind.samples() for fault in faults_of(s, of_values, of_shapes, "misfits.py")]


@pytest.mark.parametrize("name", OPS)
def test_operands_that_do_not_fit_any_op(name: str) -> None:
    """Wrong shapes, empty operands, integers out of range: results as the reference's, or an error of the run.

    The error is no InternalError, names op and line, has none of NumPy's words, and is the same on all ways.
    """
    assert not faults(OPS[name], WAYS, [("numpy", "O0"), ("numpy", "O3")])


@pytest.mark.slow
@pytest.mark.parametrize("name", OPS)
def test_operands_that_do_not_fit_any_op_in_native_code(name: str) -> None:
    assert not faults(OPS[name], WAYS, WAYS)


@pytest.mark.parametrize(("backend", "level"), WAYS)
def test_a_reduction_over_no_axes_gives_its_operand(backend: str, level: Any) -> None:
    with tf.Session(backend=backend, optimize=level) as session:
        for value in (np.float32(3.0), FLOATS):
            x = tf.placeholder(tf.float32)
            for reduce in (tf.reduce_max, tf.reduce_min, tf.reduce_prod, tf.reduce_sum):
                axis: Any = None if np.ndim(value) == 0 else []
                assert session.run(reduce(x, axis), {x: value}).tolist() == value.tolist()
