"""Masks in tf.keras: which layers hand them on, what recurrent layers, losses and metrics make of them.

Tests `keras/masks.py`. See ``cases.py`` for the rules of these files.
"""

# ruff: noqa: UP035, UP006  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from cases import CASES, Case, Results, case
from cases_keras import filled, fresh, layer_case
from cases_ops import normal

_PADDED = np.where(np.array([[0, 1, 1, 0, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]])[..., None], normal(3, 5, 3), 0)
_WORDS = np.array([[3, 1, 0, 2, 0], [0, 0, 4, 5, 6], [1, 2, 3, 0, 0]])


def _masked(name: str, make: Callable[[Any], Any], *inputs: Any) -> None:
    """The result of a layer behind masks, its own mask, and the gradients. make: from layers to a function."""

    def run(tf: Any) -> Results:
        keras = fresh(tf)
        K = keras.backend
        given = [keras.Input(x.shape[1:]) for x in inputs]
        masked = [keras.layers.Masking()(x) for x in given]
        layer = make(keras.layers)
        found = layer(masked if len(inputs) > 1 else masked[0])
        found = list(found) if isinstance(found, (list, tuple)) else [found]
        layer.set_weights(filled(layer.get_weights()))
        grads = K.gradients(sum(K.sum(y * y) for y in found), given + layer.trainable_weights)
        values = K.function(given, found + grads)(list(inputs))
        results: Results = {"v%d" % i: v for i, v in enumerate(values)}
        masks = layer.output_mask
        masks = list(masks) if isinstance(masks, (list, tuple)) else [masks]
        kept = [m for m in masks if m is not None]
        results["kinds"] = [m is not None for m in masks]
        results.update(("m%d" % i, m) for i, m in enumerate(K.function(given, kept)(list(inputs)) if kept else []))
        return results

    CASES["keras_masked_" + name] = Case(run, 2e-5, 2e-5)


for _kind in ("SimpleRNN", "GRU", "LSTM"):
    _masked(_kind.lower(), lambda layers, k=_kind: getattr(layers, k)(4), _PADDED)
    _masked(_kind.lower() + "_steps", lambda layers, k=_kind: getattr(layers, k)(
        3, return_sequences=True, return_state=True, go_backwards=True), _PADDED)  # fmt: skip
_masked("cells", lambda layers: layers.RNN([layers.LSTMCell(4), layers.GRUCell(2)], return_sequences=True), _PADDED)
for _mode in ("concat", None):
    _masked("bidirectional_%s" % _mode, lambda layers, m=_mode: layers.Bidirectional(
        layers.LSTM(3, return_sequences=True), merge_mode=m), _PADDED)  # fmt: skip
_masked("bidirectional_last", lambda layers: layers.Bidirectional(layers.GRU(3)), _PADDED)
_masked("dense", lambda layers: layers.Dense(2), _PADDED)
_masked("time_distributed", lambda layers: layers.TimeDistributed(layers.Dense(2)), _PADDED)
_masked("mean", lambda layers: layers.GlobalAveragePooling1D(), _PADDED[:2])
_masked("flatten", lambda layers: layers.Flatten(), _PADDED)
_masked("add", lambda layers: layers.Add(), _PADDED, _PADDED[::-1])
_masked("concatenate", lambda layers: layers.Concatenate(), _PADDED, _PADDED[::-1])
_masked("concatenate_steps", lambda layers: layers.Concatenate(1), _PADDED, _PADDED[::-1, :2])
_masked("lambda", lambda layers: layers.Lambda(lambda x: x * 2.0, mask=lambda x, m: m[:, ::-1]), _PADDED)
for _padding in ("same", "valid"):
    layer_case("conv_lstm_" + _padding, lambda keras, p=_padding: keras.layers.ConvLSTM2D(
        2, (3, 2), padding=p, strides=2, return_sequences=True, go_backwards=p == "same"),
        normal(2, 3, 5, 4, 2))  # fmt: skip


@case(1e-4, 1e-5)
def keras_masked_training(tf: Any) -> Results:
    """Losses and metrics of sequences under masks, with and without weights; a masked model in a model."""
    keras = fresh(tf)
    L, results = keras.layers, {}  # type: Any, Results
    for name, loss, options in (("rnn", "sparse_categorical_crossentropy", {}),
                                ("weighted", keras.losses.CategoricalCrossentropy(), {"sample_weight": True}),
                                ("mse", "mse", {"metrics": True})):  # fmt: skip
        inner = keras.Sequential([L.Embedding(7, 4, mask_zero=True, input_length=5), L.LSTM(3, return_sequences=True)])
        words = keras.Input((5,))
        model = keras.Model(words, L.Dense(2, activation="softmax")(inner(words)))
        model.set_weights(filled(model.get_weights()))
        metrics = ["mae", keras.metrics.MeanSquaredError()] if "metrics" in options else ["accuracy"]
        model.compile(keras.optimizers.SGD(0.5, momentum=0.5), loss, metrics=metrics, weighted_metrics=["mse"])
        truth = np.arange(15).reshape(3, 5, 1) % 2
        truth = truth if name == "rnn" else np.concatenate([truth, 1 - truth], -1).astype(np.float32)
        weights = {"sample_weight": np.array([0.5, 1.0, 2.0])} if "sample_weight" in options else {}
        history = model.fit(_WORDS, truth, epochs=3, batch_size=2, shuffle=False, verbose=0, **weights)
        results.update((name + " " + k, np.array(v, np.float32)) for k, v in history.history.items())
        results[name + " y"] = model.predict(_WORDS)
        results[name + " evaluated"] = np.array(model.evaluate(_WORDS, truth, verbose=0), np.float32)
    return results


@case(1e-4, 1e-5)
def keras_masks_of_own_layers(tf: Any) -> Results:
    """A layer whose `call` takes the mask and whose `compute_mask` ends it; one that supports none."""
    keras = fresh(tf)
    K, L = keras.backend, keras.layers

    class Attention(L.Layer):
        def build(self, shape: Any) -> None:
            self.w = self.add_weight("w", [int(shape[-1]), 1])
            super().build(shape)

        def call(self, x: Any, mask: Any = None) -> Any:
            shares = K.exp(K.dot(x, self.w))
            shares *= K.expand_dims(K.cast(mask, "float32"))
            return K.sum(x * shares, 1) / K.sum(shares + 1e-3, 1)

        def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
            return None

    words = keras.Input((5,))
    model = keras.Model(words, L.Dense(2)(Attention()(L.Dropout(0.3)(L.Embedding(7, 3, mask_zero=True)(words)))))
    model.set_weights(filled(model.get_weights()))
    twin = keras.Model(words, model(words))
    try:
        keras.layers.Flatten(name="f").compute_mask(words, words)
    except TypeError as error:
        said = str(error)[:60]
    return {"y": model.predict(_WORDS), "twin": twin.predict(_WORDS), "said": said}


@case()
def keras_supports_masking(tf: Any) -> Results:
    """Which layers hand masks on."""
    L, known = fresh(tf).layers, {}
    arguments = {"Dense": [1], "Activation": ["relu"], "Dropout": [0.1], "Flatten": [], "Reshape": [(2,)], "LSTM": [1],
                 "Permute": [(1,)], "RepeatVector": [1], "Embedding": [2, 2], "ActivityRegularization": [], "GRU": [1],
                 "SpatialDropout1D": [0.1], "SpatialDropout2D": [0.1], "GaussianNoise": [0.1], "SimpleRNN": [1],
                 "GaussianDropout": [0.1], "Conv1D": [1, 1], "Conv2D": [1, 1], "MaxPooling1D": [], "Masking": [],
                 "AveragePooling2D": [], "GlobalMaxPooling1D": [], "GlobalAveragePooling1D": [], "ZeroPadding1D": [],
                 "GlobalAveragePooling2D": [], "BatchNormalization": [], "LayerNormalization": [], "LeakyReLU": [],
                 "ELU": [], "PReLU": [], "ThresholdedReLU": [], "ReLU": [], "Softmax": [], "Add": [], "Maximum": [],
                 "Concatenate": [], "Dot": [1], "UpSampling1D": [], "Cropping1D": [], "ConvLSTM2D": [1, 1]}  # fmt: skip
    for name, given in arguments.items():
        known[name] = bool(getattr(L, name)(*given).supports_masking)
    return {"known": known}
