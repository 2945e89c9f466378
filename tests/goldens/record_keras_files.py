"""Write Keras models and weights as `.h5` files, and what the models compute: ``tf1_keras_files.zip``.

With TensorFlow (see ``record.py``), in this folder: python record_keras_files.py. `tests/keras/test_saving.py` reads
them with minigraph; with `check FOLDER` TensorFlow reads what minigraph has written by `write`.
"""

from __future__ import annotations

import os
import sys
import tempfile
import zipfile
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np  # noqa: E402

X = np.sin(np.arange(6 * 64.0)).reshape(6, 8, 8, 1).astype(np.float32)
Y = np.eye(3, dtype=np.float32)[np.arange(6) % 3]


def line(keras: Any) -> Any:
    """A model whose layers stand in a line, trained a little."""
    L = keras.layers
    model = keras.Sequential([
        L.Conv2D(4, 3, activation="relu", input_shape=(8, 8, 1)), L.BatchNormalization(), L.MaxPooling2D(),
        L.SeparableConv2D(3, 2, activation="elu"), L.DepthwiseConv2D(2, padding="same"), L.PReLU(), L.LeakyReLU(),
        L.Flatten(), L.Dropout(0.5),
        L.Dense(3, activation="softmax", kernel_regularizer="l2", kernel_constraint="max_norm"),
    ])  # fmt: skip
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, Y, epochs=2, verbose=0, batch_size=2)
    return model


def branched(keras: Any) -> Any:
    """A model with two outputs, a shared layer and a model in it, trained a little."""
    L = keras.layers
    x = keras.Input((8, 8, 1))
    first = L.Conv2D(4, 3, padding="same")(x)
    second = L.add([first, L.Conv2D(4, 1)(x)])
    inner = keras.Sequential([L.Dense(5, input_shape=(256,)), L.BatchNormalization()], name="inner")
    z = L.concatenate([inner(L.Flatten()(second)), inner(L.Flatten()(first))])
    model = keras.Model(x, [L.Dense(3, activation="softmax", name="a")(z), L.Dense(1, name="b")(z)])
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), {"a": "categorical_crossentropy", "b": "mse"},
                  metrics={"a": ["acc"], "b": ["mae"]}, loss_weights=[1, 0.5])  # fmt: skip
    model.fit(X, [Y, Y[:, :1]], epochs=1, verbose=0, shuffle=False)
    return model


def recurrent(keras: Any) -> Any:
    """A model of recurrent layers, trained a little."""
    L = keras.layers
    model = keras.Sequential([
        L.TimeDistributed(L.Conv1D(3, 2), input_shape=(8, 8, 1)), L.TimeDistributed(L.Flatten()),
        L.Bidirectional(L.LSTM(3, return_sequences=True)), L.GRU(4, return_sequences=True, reset_after=True),
        L.RNN([L.GRUCell(3), L.SimpleRNNCell(2)], return_sequences=True), L.SimpleRNN(3, activation="softmax"),
    ])  # fmt: skip
    model.compile("adam", "categorical_crossentropy")
    model.fit(X, Y, epochs=1, verbose=0, shuffle=False)
    return model


def write(keras: Any, folder: str) -> None:
    """All models, the first one's weights, and what they compute; of the second also a step of training."""
    model = line(keras)
    model.save(os.path.join(folder, "line.h5"))
    model.save_weights(os.path.join(folder, "line_weights.h5"))
    other = branched(keras)
    other.save(os.path.join(folder, "branched.h5"))
    outputs = [model.predict(X)] + other.predict(X) + [np.array(other.train_on_batch(X, [Y, Y[:, :1]]))]
    np.savez(os.path.join(folder, "expected.npz"), *outputs)
    model = recurrent(keras)
    model.save(os.path.join(folder, "recurrent.h5"))
    np.savez(os.path.join(folder, "recurrent.npz"), y=model.predict(X), loss=model.train_on_batch(X, Y))


def check(keras: Any, folder: str) -> None:
    """AssertionError if the models of a folder do not compute what was written beside them."""
    stored = np.load(os.path.join(folder, "expected.npz"))
    expected = [stored["arr_%d" % i] for i in range(len(stored.files))]
    model = keras.models.load_model(os.path.join(folder, "line.h5"))
    np.testing.assert_allclose(model.predict(X), expected[0], rtol=1e-5, atol=1e-6)
    fresh = keras.models.model_from_json(model.to_json())
    fresh.load_weights(os.path.join(folder, "line_weights.h5"))
    np.testing.assert_allclose(fresh.predict(X), expected[0], rtol=1e-5, atol=1e-6)
    assert int(model.optimizer.get_weights()[0]) == 6
    other = keras.models.load_model(os.path.join(folder, "branched.h5"))
    found = other.predict(X) + [np.array(other.train_on_batch(X, [Y, Y[:, :1]]))]
    for a, b in zip(found, expected[1:]):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    stored = np.load(os.path.join(folder, "recurrent.npz"))
    model = keras.models.load_model(os.path.join(folder, "recurrent.h5"))
    np.testing.assert_allclose(model.predict(X), stored["y"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.train_on_batch(X, Y), stored["loss"], rtol=1e-5, atol=1e-6)


def main() -> None:
    import tensorflow as tf

    if sys.argv[1:2] == ["check"]:
        check(tf.keras, sys.argv[2])
        print("TensorFlow reads them")
        return
    with tempfile.TemporaryDirectory() as folder:
        write(tf.keras, folder)
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tf1_keras_files.zip")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(os.listdir(folder)):
                archive.write(os.path.join(folder, name), name)


if __name__ == "__main__":
    main()
