"""Weights of losses and metrics may repeat along the values, but not enlarge them, whatever is known of shapes.

Tests `losses/`, `metrics/` and `tf1/contrib_losses.py`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import minigraph as tf
from minigraph.core.errors import ShapeError
from minigraph.tf1 import contrib_losses

ROWS, COLUMNS = 4, 3
Call = Callable[..., Any]


def weighted(module: ModuleType) -> list[Call]:
    """The functions of a module that take weights."""
    functions = [getattr(module, name) for name in sorted(dir(module)) if not name.startswith("_")]
    own = [f for f in functions if inspect.isfunction(f) and f.__module__.startswith(module.__name__)]
    return [f for f in own if "weights" in inspect.signature(f).parameters]


FUNCTIONS = [f for m in (tf.losses, tf.metrics, contrib_losses) for f in weighted(m)]
EXTRA = {
    "axis": 1, "dim": 1, "thresholds": [0.5], "threshold": 0.5, "num_classes": COLUMNS,
    "normalizer": np.ones((ROWS, COLUMNS), np.float32),
}  # fmt: skip
CLASSES = ("sparse_softmax_cross_entropy", "mean_iou", "mean_per_class_accuracy")
PER_ROW = ("sparse_softmax_cross_entropy", "softmax_cross_entropy")


class Case:
    """A loss or metric of values [ROWS, COLUMNS], or of [ROWS], with weights of an unknown shape."""

    def __init__(self, function: Call, weights_dims: Any, dims: Any) -> None:
        self.name = function.__name__
        self.flat = self.name in CLASSES
        parameters = inspect.signature(function).parameters
        self.feeds: dict[Any, Any] = {}
        arguments: dict[str, Any] = {}
        random = np.random.RandomState(0)
        for name, parameter in parameters.items():
            if name in ("labels", "predictions", "logits", "values", "losses", "multi_class_labels", "onehot_labels"):
                is_class = self.flat and name != "logits"
                shape = (ROWS,) if is_class else (ROWS, COLUMNS)
                array = random.randint(0, COLUMNS, shape) if is_class else random.rand(*shape).astype(np.float32)
                if not self.flat and "label" in name:
                    array = np.eye(COLUMNS, dtype=np.float32)[:1].repeat(ROWS, axis=0)
                arguments[name] = tf.placeholder(array.dtype, dims(shape))
                self.feeds[arguments[name]] = array
            elif name in EXTRA and parameter.default in (inspect.Parameter.empty, None):
                arguments[name] = EXTRA[name]
        if {"axis", "dim"} <= set(arguments):
            del arguments["dim"]
        self.weights = tf.placeholder(tf.float32, weights_dims)
        self.result = function(weights=self.weights, **arguments)
        self.session = tf.Session()
        self.session.run(tf.local_variables_initializer())

    def run(self, weights: Any) -> Any:
        return self.session.run(self.result, {**self.feeds, self.weights: weights})


def value_shape(name: str) -> tuple[int, ...]:
    """The shape of the values that the weights go to."""
    if "cosine" in name:
        return (ROWS, 1)
    return (ROWS,) if name in CLASSES + PER_ROW else (ROWS, COLUMNS)


def each(reason: Callable[[Call], bool] = lambda f: True) -> pytest.MarkDecorator:
    chosen = [f for f in FUNCTIONS if reason(f)]
    ids = [f"{f.__module__.rpartition('.')[2]}.{f.__name__}" for f in chosen]
    return pytest.mark.parametrize("function", chosen, ids=ids)


def test_the_functions_are_found() -> None:
    assert len(FUNCTIONS) > 30


def is_contrib(function: Call) -> bool:
    return function.__module__ == contrib_losses.__name__


@each()
def test_weights_that_enlarge_the_values_are_an_error_of_the_run(function: Call) -> None:
    """A batch of 1 with weights for a batch of 4: the product would have 4 rows."""
    shape = value_shape(function.__name__)
    if is_contrib(function):
        shape = shape[:1]
    case = Case(function, [None] * len(shape), lambda dims: [None, *dims[1:]])
    case.feeds = {t: a[:1] for t, a in case.feeds.items()}
    if "normalizer" in inspect.signature(function).parameters:
        pytest.skip("the normalizer has a fixed number of rows")
    if function.__name__ == "mean_iou":
        pytest.skip("its weights are a column of a matrix product, whose shapes are checked")
    with pytest.raises(tf.errors.InvalidArgumentError, match="weights can not be broadcast to values") as caught:
        case.run(np.ones(shape, np.float32))
    assert "test_weights.py" in str(caught.value)
    assert caught.value.op.type == "BroadcastableWeights"
    for each in (str(shape), "values.shape=(1"):
        assert each in str(caught.value)


@each(lambda f: not is_contrib(f) and f.__name__ != "mean_iou")
def test_known_shapes_decide_as_much_when_the_graph_is_built(function: Call) -> None:
    shape = value_shape(function.__name__)
    wrong = [2 * ROWS, *shape[1:]]
    with pytest.raises(ShapeError, match="weights can not be broadcast to values"):
        Case(function, wrong, list)


@each()
def test_weights_that_fit_give_the_same_however_little_is_known(function: Call) -> None:
    """Scalars, one weight per row, and one per value; the values, the weights, or both of unknown size or rank."""
    shape = value_shape(function.__name__)
    random = np.random.RandomState(1)
    shapes = [(), shape[:1]] if is_contrib(function) else [(), (shape[0], *[1] * (len(shape) - 1)), shape]
    for dims in shapes:
        weights = np.asarray(random.rand(*dims), np.float32)
        expected = Case(function, dims, list).run(weights)
        forms: list[tuple[Any, Any]] = [([None] * len(dims), list), ([None] * len(dims), lambda d: [None, *d[1:]])]
        if not is_contrib(function):
            forms.append((None, list))
        for weights_dims, values_dims in forms:
            found = Case(function, weights_dims, values_dims).run(weights)
            for part, wanted in zip(*(v if isinstance(v, tuple) else (v,) for v in (found, expected)), strict=True):
                np.testing.assert_allclose(part, wanted, rtol=1e-6)


def test_weights_of_unknown_rank_lose_or_gain_a_last_axis_of_metrics() -> None:
    values = tf.placeholder(tf.float32)
    weights = tf.placeholder(tf.float32)
    _, update = tf.metrics.mean(values, weights)
    for given, of in (([1.0, 0.0], [3.0, 5.0]), ([[1.0], [0.0]], [3.0, 5.0]), ([1.0, 0.0], [[3.0], [5.0]])):
        with tf.Session() as session:
            session.run(tf.local_variables_initializer())
            assert session.run(update, {weights: given, values: of}) == 3.0
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError, match="its size is not 1"):
            session.run(update, {weights: np.ones((2, 3)), values: np.ones(2)})


def test_gradients_flow_through_checked_weights() -> None:
    weights = tf.placeholder(tf.float32, [None])
    values = tf.placeholder(tf.float32, [None])
    loss = tf.losses.compute_weighted_loss(values, weights, reduction=tf.losses.Reduction.SUM)
    (slope,) = tf.gradients(loss, weights)
    assert tf.Session().run(slope, {weights: [1.0, 2.0], values: [5.0, 7.0]}).tolist() == [5.0, 7.0]


def test_classes_and_weights_of_unknown_rank_may_have_a_last_axis_of_size_1() -> None:
    labels, logits, weights = tf.placeholder(tf.int32), tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    loss = tf.losses.sparse_softmax_cross_entropy(labels, logits, weights)
    scores = np.array([[1.0, 0.0, -1.0], [0.5, 0.5, 2.0]])
    chosen = np.log(np.exp(scores).sum(1)) - scores[[0, 1], [2, 1]]
    for classes, given in (([2, 1], [1.0, 3.0]), ([[2], [1]], [[1.0], [3.0]]), ([[2], [1]], 2.0)):
        want = np.sum(chosen * np.ravel(given)) / 2
        got = tf.Session().run(loss, {labels: classes, logits: scores, weights: given})
        np.testing.assert_allclose(got, want, rtol=1e-6)
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.Session().run(loss, {labels: [[2, 1]], logits: scores, weights: 1.0})
