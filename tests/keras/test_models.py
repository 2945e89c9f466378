"""Models of Keras beyond what is recorded from TensorFlow in `goldens/cases_keras.py`.

Tests `keras/callbacks/`, `keras/data.py`, `keras/loops.py`, `keras/network.py`, `keras/training.py`,
`keras/datasets/mnist.py` and `keras/preprocessing/image.py`.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigraph as tf
import minigraph.tf1 as tf1
from minigraph import data, keras
from minigraph.keras import backend as K

L = keras.layers


@pytest.fixture(autouse=True)
def _clear() -> Iterator[None]:
    keras.backend.clear_session()
    np.random.seed(0)
    yield
    keras.backend.clear_session()


def line_model() -> Any:
    model = keras.Sequential([L.Dense(1, input_shape=(2,), kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    return model


def line_data(size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(1).normal(size=(size, 2)).astype(np.float32)
    return x, x @ np.array([[2.0], [-1.0]], np.float32) + 0.5


def least_squares() -> list[np.ndarray]:
    x, y = line_data()
    found = np.linalg.lstsq(np.column_stack([x, np.ones(len(x))]), y, rcond=None)[0]
    return [found[:2], found[2]]


class Numbered(keras.utils.Sequence):
    def __getitem__(self, index: int) -> Any:
        x, y = line_data()
        return x[8 * index : 8 * index + 8], y[8 * index : 8 * index + 8]

    def __len__(self) -> int:
        return 8


def forever() -> Iterator[Any]:
    while True:
        for i in range(8):
            yield Numbered()[i]


STREAMS = {
    "arrays": lambda model: model.fit(*line_data(), batch_size=8, epochs=40, verbose=0),
    "generator": lambda model: model.fit_generator(forever(), 8, 40, verbose=0),
    "sequence": lambda model: model.fit(Numbered(), epochs=40, verbose=0),
    "data set": lambda model: model.fit(
        tf1.data.Dataset.from_tensor_slices(line_data()).batch(8), epochs=40, verbose=0
    ),
    "endless data set": lambda model: model.fit(
        tf1.data.Dataset.from_tensor_slices(line_data()).batch(8).repeat(), epochs=40, steps_per_epoch=8, verbose=0
    ),
}


@pytest.mark.parametrize("form", STREAMS)
def test_data_in_all_forms_is_fitted(form: str) -> None:
    model = line_model()
    history = STREAMS[form](model)
    assert len(history.history["loss"]) == 40
    for weight, expected in zip(model.get_weights(), least_squares(), strict=True):
        np.testing.assert_allclose(weight, expected, atol=1e-3)


def test_evaluation_and_prediction_of_streams() -> None:
    model, (x, y) = line_model(), line_data()
    assert model.evaluate(Numbered(), verbose=0) == pytest.approx(float((y**2).mean()), rel=1e-5)
    assert model.predict(Numbered()).shape == (64, 1)
    assert model.evaluate_generator(forever(), 8) == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-5)


class Scale(keras.layers.Layer):
    """A layer of a user, with arguments of its own."""

    def __init__(self, start: float = 1.0, **kwargs: Any) -> None:
        self.start = start
        super().__init__(**kwargs)

    def build(self, input_shape: Any) -> None:
        start = keras.initializers.Constant(self.start)
        self.factor = self.add_weight("factor", (int(input_shape[-1]),), initializer=start)
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        return inputs * self.factor

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "start": self.start}


def test_an_own_layer_and_its_file(tmp_path: Path) -> None:
    model = keras.Sequential([Scale(3.0, input_shape=(2,)), L.Lambda(lambda x: x + 1.0)])
    assert [w.name for w in model.weights] == ["scale/factor:0"]
    assert model.predict(np.array([[1.0, 2.0]])).tolist() == [[4.0, 7.0]]
    keras.Sequential([Scale(3.0, input_shape=(2,))]).save(tmp_path / "m.h5")
    with pytest.raises(ValueError, match="Unknown layer: Scale"):
        keras.models.load_model(tmp_path / "m.h5")
    again = keras.models.load_model(tmp_path / "m.h5", {"Scale": Scale})
    assert again.predict(np.array([[1.0, 2.0]])).tolist() == [[3.0, 6.0]]


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__(name="mine")
        self.hidden = L.Dense(8, activation="relu")
        self.heads = [L.Dense(1), L.Dense(1)]

    def call(self, inputs: Any, training: Any = None) -> Any:
        x = self.hidden(inputs)
        return self.heads[0](x) + self.heads[1](x)


def test_a_model_that_defines_call_learns() -> None:
    model, (x, y) = Subclassed(), line_data()
    model.compile(tf.train.AdamOptimizer(0.05), "mse", metrics=["mae"])
    history = model.fit(x, y, epochs=60, verbose=0).history
    assert history["loss"][-1] < 0.02 * history["loss"][0]
    assert [w.name for w in model.weights] == [
        f"mine/dense{n}/{w}:0" for n in ("", "_1", "_2") for w in ("kernel", "bias")
    ]


def test_ops_between_layers_are_part_of_the_model() -> None:
    x = keras.Input((2,))
    model = keras.Model(x, L.Dense(1, kernel_initializer="ones")(tf.square(x) * 2.0 - 1.0))
    assert model.predict(np.array([[1.0, 2.0]])).tolist() == [[8.0]]
    other = keras.Input((2,))
    assert keras.Model(other, model(other + 1.0)).predict(np.array([[0.0, 1.0]])).tolist() == [[8.0]]


def test_dropout_and_batch_normalization_follow_the_phase() -> None:
    x = keras.Input((1000,))
    model = keras.Model(x, L.Dropout(0.5)(x))
    ones = np.ones((1, 1000), np.float32)
    assert (model.predict(ones) == 1).all()
    trained = K.function([x, K.learning_phase()], [model.output])([ones, 1])[0]
    assert set(np.unique(trained)) == {0.0, 2.0}
    assert 400 < (trained == 0).sum() < 600
    norm = keras.Sequential([L.BatchNormalization(input_shape=(3,), momentum=0.5)])
    norm.compile("sgd", "mse")
    data = np.random.normal(5.0, 2.0, (256, 3))
    norm.fit(data, data, batch_size=256, verbose=0)
    np.testing.assert_allclose(norm.get_weights()[2], 0.5 * data.mean(0), rtol=1e-4)
    np.testing.assert_allclose(norm.get_weights()[3], 0.5 + 0.5 * data.var(0), rtol=1e-4)


def test_functions_between_tensors_of_layers() -> None:
    model = keras.Sequential([L.Dense(3, input_shape=(2,)), L.Activation("relu")])
    inner = keras.Model(model.input, model.layers[0].output)
    first = inner.layers[0]
    assert first.input is first.output is model.input
    assert first.input_shape == (None, 2)
    x = np.array([[1.0, -2.0]], np.float32)
    hidden = K.function([first.input], [inner.output])([x])[0]
    np.testing.assert_array_equal(hidden, inner.predict(x))
    np.testing.assert_array_equal(np.maximum(hidden, 0), model.predict(x))
    count = K.variable(1.0)
    step = K.function([first.input], [K.sum(model.output)], updates=[K.update_add(count, 2.0)])
    step([x])
    assert K.get_value(count) == 3.0


def test_a_frozen_part_is_trained_by_the_model_that_was_compiled_before() -> None:
    """As in generative adversarial networks: the flag counts when a model is compiled."""
    judge = keras.Sequential([L.Dense(4, input_dim=2, activation="relu"), L.Dense(1, activation="sigmoid")])
    judge.compile("sgd", "binary_crossentropy")
    maker = keras.Sequential([L.Dense(2, input_dim=3)])
    judge.trainable = False
    noise = keras.Input((3,))
    both = keras.Model(noise, judge(maker(noise)))
    both.compile("sgd", "binary_crossentropy")
    before = judge.get_weights()
    both.train_on_batch(np.ones((4, 3)), np.ones((4, 1)))
    assert all((a == b).all() for a, b in zip(before, judge.get_weights(), strict=True))
    judge.train_on_batch(np.ones((4, 2)), np.ones((4, 1)))
    assert any((a != b).any() for a, b in zip(before, judge.get_weights(), strict=True))


def test_layers_that_are_not_trained_stay() -> None:
    first, second = L.Dense(3, input_shape=(2,)), L.Dense(1)
    model = keras.Sequential([first, second])
    first.trainable = False
    model.compile("sgd", "mse")
    before = [layer.get_weights() for layer in (first, second)]
    model.fit(*line_data(), verbose=0)
    after = [layer.get_weights() for layer in (first, second)]
    assert all((a == b).all() for a, b in zip(before[0], after[0], strict=True))
    assert any((a != b).any() for a, b in zip(before[1], after[1], strict=True))
    assert len(model.trainable_weights) == 2
    assert len(model.non_trainable_weights) == 2


def test_penalties_and_constraints() -> None:
    dense = L.Dense(2, input_shape=(2,), kernel_regularizer=keras.regularizers.l1(0.5), activity_regularizer="l2",
                    kernel_constraint=keras.constraints.NonNeg())  # fmt: skip
    model = keras.Sequential([dense])
    model.set_weights([np.array([[1.0, -2.0], [3.0, -4.0]]), np.zeros(2)])
    model.compile("sgd", "mse")
    x = np.array([[1.0, 0.0], [0.0, 1.0]])
    y = model.predict(x)
    expected = (y**2).mean() + 0.5 * 10.0 + 0.01 * (y**2).sum() / 2
    assert model.evaluate(x, np.zeros((2, 2)), verbose=0) == pytest.approx(expected, rel=1e-5)
    model.fit(x, np.zeros((2, 2)), verbose=0)
    assert (model.get_weights()[0] >= 0).all()


def test_files_of_callbacks(tmp_path: Path) -> None:
    model, C = line_model(), keras.callbacks
    callbacks = [
        C.CSVLogger(tmp_path / "log.csv"), C.ModelCheckpoint(tmp_path / "m.{epoch:02d}.h5", save_weights_only=True),
        C.ModelCheckpoint(tmp_path / "best.h5", "val_loss", save_best_only=True), C.TensorBoard(tmp_path / "board"),
    ]  # fmt: skip
    x, y = line_data()
    history = model.fit(x, y, epochs=3, validation_data=(x, y), verbose=0, callbacks=callbacks).history
    with open(tmp_path / "log.csv") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["loss"]) for row in rows] == pytest.approx(history["loss"])
    assert sorted(p.name for p in tmp_path.glob("m.*.h5")) == ["m.01.h5", "m.02.h5", "m.03.h5"]
    assert keras.models.load_model(tmp_path / "best.h5").evaluate(x, y, verbose=0) == pytest.approx(
        min(history["val_loss"]), rel=1e-5
    )
    assert list((tmp_path / "board").iterdir())


def test_training_ends_early_and_takes_the_best_weights() -> None:
    model, (x, y) = line_model(), line_data()
    stop = keras.callbacks.EarlyStopping("val_loss", patience=2, mode="max", restore_best_weights=True)
    history = model.fit(x, y, epochs=20, validation_data=(x, y), verbose=0, callbacks=[stop])
    assert len(history.epoch) == 3  # the loss falls, and it is to rise
    assert model.evaluate(x, y, verbose=0) == pytest.approx(history.history["val_loss"][0], rel=1e-5)


def test_progress_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    model, (x, y) = line_model(), line_data()
    model.fit(x, y, epochs=2, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Train on 64 samples"
    assert lines[1] == "Epoch 1/2"
    assert lines[2].startswith("64/64 - ")
    assert " - loss: " in lines[2]


def test_a_session_of_the_user() -> None:
    with tf.Session() as session:
        model = line_model()
        assert K.get_session() is session
        assert model.predict(np.array([[1.0, 2.0]])).tolist() == [[0.0]]
    graph = tf.Graph()
    with graph.as_default():
        assert K.get_session().graph is graph


def test_arrays_of_labels() -> None:
    assert keras.utils.to_categorical([[1], [0], [2]]).tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
    assert keras.utils.to_categorical([1, 0], 3, "int32").dtype == np.int32
    assert keras.utils.normalize(np.array([[3.0, 4.0]])).tolist() == [[0.6, 0.8]]


def test_images(tmp_path: Path) -> None:
    image = keras.preprocessing.image
    array = np.arange(24, dtype=np.float32).reshape(4, 2, 3) * 10
    image.array_to_img(array, scale=False).save(tmp_path / "i.png")
    found = image.img_to_array(image.load_img(tmp_path / "i.png"))
    assert found.tolist() == array.tolist()
    assert image.img_to_array(image.load_img(tmp_path / "i.png", True, target_size=(2, 5))).shape == (2, 5, 1)
    made = image.ImageDataGenerator(horizontal_flip=True, rescale=0.5)
    batch, labels = next(made.flow(np.stack([array] * 40), np.arange(40), 30, seed=3))
    assert len(set(labels)) == len(labels) == 30
    assert {b.tobytes() for b in batch} == {(array * 0.5).tobytes(), (array[:, ::-1] * 0.5).tobytes()}
    with pytest.raises(ValueError, match="rotation_range"):
        image.ImageDataGenerator(rotation_range=10)


def test_the_digits_as_integers(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = data.load()
    monkeypatch.setattr(data, "load", lambda name: {"mnist": sample}[name])
    (x, y), (_, test_labels) = keras.datasets.mnist.load_data()
    assert (x.dtype, x.shape, y.dtype, test_labels.shape) == (np.uint8, (5000, 28, 28), np.uint8, (1000,))
    np.testing.assert_allclose(x.reshape(-1, 784) / 255, sample.train_images, atol=1e-6)


def test_what_tensorflows_imports_find() -> None:
    program = """
import minigraph.tf1
minigraph.tf1.install()
import tensorflow as tf
import tensorflow.keras as keras
from tensorflow.keras.layers import Conv2D
from tensorflow.python.keras import backend
assert Conv2D is keras.layers.Conv2D and backend is keras.backend and tf.keras is keras is minigraph.keras
try:
    import tensorflow.keras.nothing
except ModuleNotFoundError as error:
    assert "tensorflow.keras.nothing" in str(error)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_bidirectional_layer_has_the_given_weights_and_two_directions() -> None:
    layers = tf.keras.layers
    x = tf.zeros([2, 5, 4])
    plain = layers.Bidirectional(layers.GRU(3))
    plain(x)
    weights = [w + i for i, w in enumerate(plain.get_weights())]
    given = layers.Bidirectional(layers.GRU(3), weights=weights)
    given(x)
    for found, want in zip(given.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(found, want)
    with pytest.raises(ValueError, match="go_backwards"):
        layers.Bidirectional(layers.GRU(3), backward_layer=layers.GRU(3))


@pytest.mark.parametrize("stacked", [False, True])
def test_a_cell_of_a_user_learns_whether_it_is_training(stacked: bool) -> None:
    class Cell(tf.keras.layers.Layer):
        state_size = output_size = 1

        def call(self, inputs: Any, states: Any, training: Any = None) -> Any:
            new = states[0] + (10.0 if training else 1.0)
            return new, [new]

    cell = tf.keras.layers.StackedRNNCells([Cell()]) if stacked else Cell()
    layer = tf.keras.layers.RNN(cell)
    results = [layer(tf.zeros([1, 3, 1]), training=training) for training in (True, False)]
    assert [float(y[0, 0]) for y in tf.Session().run(results)] == [30.0, 3.0]
