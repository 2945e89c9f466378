"""Masks (`masks`) and recurrent layers under them; the convolutional LSTM (`convolutional_recurrent`).

TensorFlow 1.15's numbers are in `tf1/test_goldens.py`; here are properties.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigraph as tf

L = tf.keras.layers
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def fresh() -> None:
    tf.keras.backend.clear_session()


@pytest.mark.parametrize("kind", ["SimpleRNN", "GRU", "LSTM"])
@pytest.mark.parametrize("back", [False, True])
def test_a_masked_step_is_as_no_step(kind: str, back: bool) -> None:
    """Sequences with padding anywhere give what the same sequences give without it."""
    whole = RNG.normal(size=(2, 6, 3)).astype(np.float32)
    kept = [0, 2, 3, 5]
    padded = np.zeros_like(whole)
    padded[:, kept] = whole[:, kept]
    layer = getattr(L, kind)(4, go_backwards=back)
    masked = tf.keras.Sequential([L.Masking(input_shape=(None, 3)), layer])
    plain = tf.keras.Sequential([L.InputLayer((None, 3)), layer])
    np.testing.assert_allclose(masked.predict(padded), plain.predict(whole[:, kept]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("loss", ["mse", tf.keras.losses.MeanAbsoluteError()])
def test_masked_steps_have_no_loss(loss: Any) -> None:
    """Their targets change nothing, neither the loss nor the metrics nor a step."""
    model = tf.keras.Sequential([L.Masking(input_shape=(4, 2)), L.LSTM(3, return_sequences=True), L.Dense(1)])
    model.compile("sgd", loss, metrics=["mae"])
    x = RNG.normal(size=(3, 4, 2)) * (np.arange(4) < 2)[:, None]
    y = RNG.normal(size=(3, 4, 1))
    other = np.where((np.arange(4) < 2)[:, None], y, 1e3)
    start = model.get_weights()
    found = []
    for targets in (y, other):
        model.set_weights(start)
        found.append([*model.train_on_batch(x, targets), *map(np.sum, model.get_weights())])
    np.testing.assert_allclose(*found, rtol=1e-6)


def test_an_empty_sequence_gives_zeros() -> None:
    model = tf.keras.Sequential([L.Embedding(5, 3, mask_zero=True, input_length=4), L.GRU(2)])
    assert not np.any(model.predict(np.zeros((2, 4), int)))


def test_masks_of_calls() -> None:
    words = tf.keras.Input((4,), dtype="int32")
    layer, flatten = L.Embedding(5, 3, mask_zero=True), L.Flatten()
    assert flatten(layer(words)) is flatten.output
    assert layer.input_mask is None
    assert layer.get_output_mask_at(0) is flatten.input_mask is layer.output_mask
    assert flatten.output_mask is None
    with pytest.raises(TypeError, match="Layer flatten does not support masking"):
        flatten.compute_mask(layer.output, layer.output_mask)


def test_the_states_of_a_convolutional_lstm_stay() -> None:
    """A stateful layer on two halves of a sequence ends where it ends on the whole; in both data formats."""
    x = RNG.normal(size=(1, 4, 5, 4, 2)).astype(np.float32)
    kept = tf.keras.Sequential([L.ConvLSTM2D(2, 2, stateful=True, batch_input_shape=(1, 2, 5, 4, 2))])
    other = tf.keras.Sequential([L.ConvLSTM2D(2, 2, data_format="channels_first", input_shape=(4, 2, 5, 4))])
    other.set_weights(kept.get_weights())
    kept.predict(x[:, :2])
    whole = other.predict(x.transpose(0, 1, 4, 2, 3)).transpose(0, 2, 3, 1)
    np.testing.assert_allclose(kept.predict(x[:, 2:]), whole, rtol=1e-5, atol=1e-6)
