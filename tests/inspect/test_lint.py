"""Warnings about what a program most likely does not mean: they come, with the user's line, and only then."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigraph as tf

KINDS = (
    tf.SameBatchWarning, tf.DoubleSoftmaxWarning, tf.DropoutInEvaluationWarning, tf.UnorderedUpdatesWarning,
    tf.EmptyBatchWarning, tf.LostPixelsWarning,
)  # fmt: skip
DATA = np.random.RandomState(0).uniform(size=(400, 3)).astype(np.float32)


def caught(program: Callable[[], Any]) -> list[warnings.WarningMessage]:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        program()
    return [w for w in found if issubclass(w.category, KINDS)]


def regression(keep_prob: Any = None) -> tuple[Any, Any, Any, tf.Variable]:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    w = tf.Variable(tf.ones([3, 2]), name="w")
    y = tf.matmul(x if keep_prob is None else tf.nn.dropout(x, keep_prob), w)
    train = tf.train.GradientDescentOptimizer(0.01).minimize(tf.reduce_mean(tf.square(y)))
    return x, y, train, w


def train_on(batch: Callable[[int], np.ndarray], **options: Any) -> None:
    x, _, train, _ = regression()
    with tf.Session(**options) as session:
        session.run(tf.global_variables_initializer())
        for step in range(20):
            session.run(train, {x: batch(step)})


def test_the_same_batch_again_and_again() -> None:
    (warning,) = caught(lambda: train_on(lambda step: DATA[:32]))
    assert warning.category is tf.SameBatchWarning
    assert warning.filename == __file__
    assert "the same 32 rows of an array of 400" in str(warning.message)
    assert 'x = tf.placeholder(tf.float32, [None, 3], name="x")' in str(warning.message)


@pytest.mark.parametrize(
    "batch",
    [
        lambda step: DATA,
        lambda step: DATA[:300],
        lambda step: DATA[step * 20 : step * 20 + 20],
        lambda step: DATA[np.arange(32) + step],
        lambda step: DATA[:32] if step % 10 else DATA[32:64],
    ],
)
def test_batches_that_change_and_whole_data(batch: Any) -> None:
    assert not caught(lambda: train_on(batch))


def test_a_batch_beyond_the_end_of_the_data() -> None:
    """Batches run out late: after 13 of 32 rows."""
    (warning,) = caught(lambda: train_on(lambda step: DATA[step * 32 : (step + 1) * 32]))
    assert warning.category is tf.EmptyBatchWarning
    assert "no rows" in str(warning.message)
    assert 'x = tf.placeholder(tf.float32, [None, 3], name="x")' in str(warning.message)


@pytest.mark.parametrize(
    ("x_rows", "rows", "told"),
    [(32, 0, ""), (32, 2, ""), (0, 2, "'x:0'"), (0, 0, "'x:0'")],
)
def test_an_index_vector_may_be_empty(x_rows: int, rows: int, told: str) -> None:
    """Rows of a matrix whose weights are punished: none of them is an ordinary case."""
    x, y, _, w = regression()
    chosen = tf.placeholder(tf.int32, [None], name="chosen")
    loss = tf.reduce_mean(tf.square(y)) + tf.reduce_sum(tf.square(tf.gather(w, chosen)))
    train = tf.train.GradientDescentOptimizer(0.01).minimize(loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        found = caught(lambda: session.run(train, {chosen: np.arange(rows, dtype=np.int32), x: DATA[:x_rows]}))
    assert [w.category for w in found] == [tf.EmptyBatchWarning] * bool(told)
    assert all(told in str(w.message) for w in found)


def test_a_batch_of_classes_beyond_the_end_of_the_data() -> None:
    """All that is fed is empty, though it is whole numbers."""
    classes = tf.placeholder(tf.int32, [None], name="classes")
    w = tf.Variable(tf.ones([3, 2]))
    train = tf.train.GradientDescentOptimizer(0.01).minimize(tf.reduce_mean(tf.gather(w, classes)))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        (warning,) = caught(lambda: session.run(train, {classes: np.zeros(0, np.int32)}))
    assert warning.category is tf.EmptyBatchWarning


def test_empty_arrays_in_evaluation_are_not_told() -> None:
    x, y, _, _ = regression()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert not caught(lambda: session.run(y, {x: DATA[:0]}))


def train_on_pictures(pictures: np.ndarray) -> None:
    x = tf.placeholder(tf.float32, [None, *pictures.shape[1:]], name="x")
    w = tf.Variable(tf.ones([pictures[0].size, 1]))
    y = tf.matmul(tf.reshape(x, [-1, pictures[0].size]), w)
    train = tf.train.GradientDescentOptimizer(1e-9).minimize(tf.reduce_mean(tf.square(y)))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(8):
            session.run(train, {x: pictures})


PICTURES = np.random.RandomState(0).randint(0, 256, (6, 5, 5, 3)).astype(np.uint8)


def test_pictures_cast_back_to_whole_numbers() -> None:
    (warning,) = caught(lambda: train_on_pictures((PICTURES / 255.0).astype(np.uint8)))
    assert warning.category is tf.LostPixelsWarning
    assert "are whole numbers (uint8)" in str(warning.message)


@pytest.mark.parametrize(
    "pictures",
    [
        PICTURES,
        (PICTURES / 255.0).astype(np.float32),
        (PICTURES / 255.0).round().astype(np.uint8),  # black and white, about half of each
        (PICTURES[..., :1] / 255.0).astype(np.uint8),  # a mask
        np.zeros_like(PICTURES),
        -(PICTURES / 255.0).astype(np.int8),
        (PICTURES / 255.0).astype(np.int8) - 100 * (PICTURES < 5).astype(np.int8),
    ],
)
def test_pictures_with_their_pixels(pictures: np.ndarray) -> None:
    assert not caught(lambda: train_on_pictures(pictures))


def test_all_lints_are_switched_off_together_and_each_alone() -> None:
    assert not caught(lambda: train_on(lambda step: DATA[:32], lint=False))
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", tf.SameBatchWarning)
        with tf.Graph().as_default():
            train_on(lambda step: DATA[:32])
    assert not found


LOSSES = {
    "softmax": lambda z, y: tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=z),
    "sparse": lambda z, y: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.argmax(y, 1), logits=z),
    "sigmoid": lambda z, y: tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=z),
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", [tf.nn.softmax, tf.nn.sigmoid, tf.nn.relu, tf.identity])
def test_softmax_before_a_loss_of_logits(loss: str, activation: Any) -> None:
    logits = activation(tf.constant(DATA[:4]))
    value = LOSSES[loss](tf.reshape(logits, [4, 3]), tf.constant(np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]))

    def program() -> None:
        with tf.Session() as session:
            for _ in range(3):
                session.run(value)

    found = caught(program)
    if activation in (tf.nn.softmax, tf.nn.sigmoid):
        (warning,) = found
        assert warning.category is tf.DoubleSoftmaxWarning
        assert (warning.filename, "logits = activation" in str(warning.message)) == (__file__, True)
    else:
        assert not found


def evaluate_with(keep_prob: Any, value: float | None, trains: bool = True) -> None:
    x, y, train, _ = regression(keep_prob)
    feeds = {x: DATA}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        if trains:
            session.run(train, feeds if value is None else feeds | {keep_prob: 0.5})
        session.run(y, feeds if value is None else feeds | {keep_prob: value})


def test_dropout_in_evaluation() -> None:
    for keep_prob, value in ((tf.placeholder(tf.float32), 0.5), (0.5, None), (tf.constant(0.5), None)):
        (warning,) = caught(lambda k=keep_prob, v=value: evaluate_with(k, v))
        assert warning.category is tf.DropoutInEvaluationWarning
        assert "a share of 0.5" in str(warning.message)
        assert warning.filename == __file__


def test_no_dropout_in_evaluation() -> None:
    assert not caught(lambda: evaluate_with(tf.placeholder(tf.float32), 1.0))
    assert not caught(lambda: evaluate_with(tf.placeholder_with_default(1.0, []), 1.0))
    assert not caught(lambda: evaluate_with(tf.placeholder(tf.float32), 0.5, trains=False))


def test_dropout_in_a_branch_that_evaluation_does_not_take() -> None:
    x, trains = tf.placeholder(tf.float32, [None, 3]), tf.placeholder(tf.bool, [])
    dropped = tf.cond(trains, lambda: tf.nn.dropout(x, 0.5), lambda: tf.identity(x))
    y = tf.layers.dense(dropped, 1)
    train = tf.train.AdamOptimizer().minimize(tf.reduce_mean(y))

    def program(in_evaluation: bool) -> None:
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            session.run(train, {x: DATA[:10], trains: True})
            session.run(y, {x: DATA[:10], trains: in_evaluation})

    assert not caught(lambda: program(False))
    assert [w.category for w in caught(lambda: program(True))] == [tf.DropoutInEvaluationWarning]


def test_two_unordered_writes_of_a_variable() -> None:
    x, y, train, w = regression()
    clip = w.assign(tf.clip_by_value(w, -1.0, 1.0))
    zero = w.assign(tf.zeros([3, 2]))
    add, sub = w.assign_add(tf.ones([3, 2])), w.assign_sub(tf.ones([3, 2]))
    with tf.control_dependencies([train]):
        after = w.assign(tf.clip_by_value(w, -1.0, 1.0))

    def program(fetches: Any) -> None:
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for _ in range(2):
                session.run(fetches, {x: DATA})

    for fetches, effect in (
        ([train, clip], "happens first, and"),
        ({"a": zero, "b": [clip]}, "overwrites the value of"),
        ([add, zero], "happens first, and"),
    ):
        (warning,) = caught(lambda f=fetches: program(f))
        assert warning.category is tf.UnorderedUpdatesWarning
        assert "the variable 'w' twice" in str(warning.message)
        assert effect in str(warning.message)
        assert warning.filename == __file__
    for fetches in ([w, train], [w.value(), train], [y, train], [train, after], [add, sub], [w]):
        assert not caught(lambda f=fetches: program(f))


def test_a_summary_of_a_variable_and_the_global_step_may_be_fetched_with_the_update() -> None:
    x = tf.placeholder(tf.float32, [None, 3])
    w = tf.Variable(tf.ones([3, 2]))
    step = tf.train.get_or_create_global_step()
    train = tf.train.GradientDescentOptimizer(0.01).minimize(tf.reduce_sum(tf.matmul(x, w)), global_step=step)
    summary = tf.summary.histogram("w", w)

    def program() -> None:
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            session.run([summary, step, train], {x: DATA})

    assert not caught(program)
