"""`tf.fit`: the steps are those of a loop written by hand, and callbacks act."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigraph as tf

POINTS = np.random.RandomState(0).rand(20, 3).astype(np.float32)
SUMS = POINTS.sum(1, keepdims=True)


class Line:
    """A linear model with gradient descent."""

    def __init__(self, rate: Any = 0.1) -> None:
        tf.reset_default_graph()
        self.x, self.y = tf.placeholder(tf.float32, [None, 3]), tf.placeholder(tf.float32, [None, 1])
        self.weights = tf.Variable(tf.zeros([3, 1]))
        self.scale = tf.placeholder_with_default(1.0, [])
        self.loss = tf.reduce_mean(tf.square(self.scale * tf.matmul(self.x, self.weights) - self.y))
        self.rate = tf.Variable(rate, trainable=False, name="rate")
        self.step = tf.train.GradientDescentOptimizer(self.rate).minimize(self.loss)
        self.data = {self.x: POINTS, self.y: SUMS}

    def fit(self, **options: Any) -> Any:
        return tf.fit(self.step, self.data, {"loss": self.loss}, verbose=0, **options)


def test_the_steps_are_those_of_gradient_descent() -> None:
    """Batches of 8, 8 and 4 in order; losses are means over examples; by hand in NumPy."""
    line = Line()
    with tf.Session() as session:
        history = line.fit(
            validation_data={line.x: POINTS[:5], line.y: SUMS[:5]}, epochs=2, batch_size=8, shuffle=False
        )
        found = session.run(line.weights)
    weights = np.zeros((3, 1))
    losses, held = [], []
    for _ in range(2):
        total = 0.0
        for start in (0, 8, 16):
            x, y = POINTS[start : start + 8].astype(float), SUMS[start : start + 8].astype(float)
            error = x @ weights - y
            total += float((error**2).sum())
            weights -= 0.1 * 2 * x.T @ error / len(x)
        losses.append(total / 20)
        held.append(float(np.mean((POINTS[:5] @ weights - SUMS[:5]) ** 2)))
    np.testing.assert_allclose(found, weights, rtol=1e-5)
    np.testing.assert_allclose(history.history["loss"], losses, rtol=1e-5)
    np.testing.assert_allclose(history.history["val_loss"], held, rtol=1e-5)


def test_shuffling_draws_from_numpy() -> None:
    results = []
    for seed in (1, 1, 2):
        line = Line()
        np.random.seed(seed)
        with tf.Session():
            results.append(line.fit(epochs=1, batch_size=4).history["loss"][0])
    assert results[0] == results[1] != results[2]


def test_variables_with_values_keep_them() -> None:
    line = Line()
    with tf.Session() as session:
        line.fit(epochs=2)
        first = session.run(line.loss, line.data)
        assert line.fit(epochs=4, initial_epoch=2).epoch == [2, 3]
        assert session.run(line.loss, line.data) < first


def test_other_feeds_in_training_and_validation() -> None:
    line = Line()
    with tf.Session():
        history = line.fit(
            validation_data=line.data, feed_dict={line.scale: 0.0}, validation_feed_dict={line.scale: 1.0}, epochs=1
        )
    mean = float(np.mean(SUMS**2))
    np.testing.assert_allclose(history.history["loss"][0], mean, rtol=1e-5)  # the weights are not seen
    np.testing.assert_allclose(history.history["val_loss"][0], mean, rtol=1e-5)  # they stay 0


def test_callbacks(tmp_path: Path) -> None:
    callbacks = tf.keras.callbacks
    line = Line(rate=2.5)  # diverges
    epochs: list[int] = []
    with tf.Session() as session:
        stop = callbacks.EarlyStopping("loss", patience=2, restore_best_weights=True)
        history = line.fit(
            epochs=9,
            callbacks=[
                stop,
                callbacks.CSVLogger(tmp_path / "log.csv"),
                callbacks.ModelCheckpoint(tmp_path / "epoch-{epoch}"),
                callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: epochs.append(epoch)),
            ],
        )
        assert epochs == [0, 1, 2]
        assert history.history["loss"] == sorted(history.history["loss"])
        with open(tmp_path / "log.csv", newline="") as file:
            assert [float(row["loss"]) for row in csv.DictReader(file)] == pytest.approx(history.history["loss"])
        after = session.run(line.weights)
        tf.train.Saver().restore(session, tmp_path / "epoch-1.safetensors")
        np.testing.assert_array_equal(session.run(line.weights), after)


def test_the_learning_rate_follows_a_schedule() -> None:
    line = Line()
    schedule = tf.keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1))
    with tf.Session() as session:
        line.fit(epochs=4, callbacks=[schedule], learning_rate=line.rate)
        assert session.run(line.rate) == np.float32(0.1 / 4)
        with pytest.raises(ValueError, match="pass its variable as learning_rate="):
            line.fit(epochs=1, callbacks=[schedule])


def test_mistakes() -> None:
    line = Line()
    with pytest.raises(RuntimeError, match="there is no session"):
        line.fit()
    with tf.Session():
        with pytest.raises(ValueError, match="expected at least one metric"):
            tf.fit(line.step, line.data, {})
        with pytest.raises(ValueError, match="expected Placeholder to have shape"):
            tf.fit(line.step, {line.x: POINTS[:, :2], line.y: SUMS}, {"loss": line.loss})
        with pytest.raises(ValueError, match=r"samples .* found 20 for Placeholder, 4 for Placeholder_1"):
            tf.fit(line.step, {line.x: POINTS, line.y: SUMS[:4]}, {"loss": line.loss})
        with pytest.raises(ValueError, match="expected an array for the placeholder Placeholder_1"):
            tf.fit(line.step, line.data, {"loss": line.loss}, validation_data={line.x: POINTS})
        shaped = tf.placeholder_with_default(np.ones(3, np.float32), None, name="shaped")
        for options, message in (
            (
                {"validation_data": {**line.data, line.scale: np.ones(20)}},
                "validation_data has .* PlaceholderWithDefault,",
            ),
            ({"validation_data": {line.x: POINTS[:5], line.y: SUMS}}, "found 5 for Placeholder, 20 for Placeholder_1"),
            ({"data": {**line.data, line.scale: 1.0}}, "data has a scalar for the placeholder PlaceholderWithDefault;"),
            ({"batch_size": 0}, "batch_size must be a whole number of at least 1, not 0"),
            ({"batch_size": -3}, "at least 1, not -3"),
            ({"batch_size": 2.5}, "at least 1, not 2.5"),
            (
                {"metrics": {"loss": line.loss, "error": line.x - line.y}},
                r"scalar for the metric 'error', but sub_1:0 has",
            ),
            (
                {"metrics": {"loss": line.loss, "late": shaped}},
                r"scalar for the metric 'late', got an array of shape \(3,\)",
            ),
        ):
            given: Any = {"data": line.data, "metrics": {"loss": line.loss}, "verbose": 0, **options}
            with pytest.raises(ValueError, match=message):
                tf.fit(line.step, **given)


def test_a_model_of_keras_tells_the_lengths_and_the_batch_size() -> None:
    keras = tf.keras
    first, second = (keras.layers.Input((3,), name=name) for name in ("first", "second"))
    model = keras.models.Model([first, second], keras.layers.Dense(1, name="sum")(keras.layers.add([first, second])))
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="found 20 for first, 5 for second, 20 for sum"):
        model.fit([POINTS, POINTS[:5]], SUMS, verbose=0)
    with pytest.raises(ValueError, match="found 5 for first, 20 for second"):
        model.predict([POINTS[:5], POINTS])
    with pytest.raises(ValueError, match="batch_size must be a whole number of at least 1, not -1"):
        model.fit([POINTS, POINTS], SUMS, batch_size=-1, verbose=0)
