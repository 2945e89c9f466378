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


MASK = np.array([[True, False, True, True], [True, True, False, False]])


def shown(x: Any, mask: Any) -> Any:
    return x * tf.cast(mask[..., None], tf.float32)


@pytest.mark.parametrize(
    ("make", "given"),
    [
        (lambda: L.GRU(2, return_sequences=True), lambda layer, x: layer(x, mask=MASK)),
        (lambda: L.GRU(2, return_sequences=True), lambda layer, x: layer(x, mask=MASK.tolist())),
        (lambda: L.Lambda(shown), lambda layer, x: layer(x, MASK)),
    ],
)
def test_a_mask_is_a_tensor_an_array_or_a_list(make: Any, given: Any) -> None:
    """It is kept when the model is applied to another input, too, whether it has a name in the call or not."""
    x = RNG.normal(size=(2, 4, 3)).astype(np.float32)
    layer, first = make(), tf.keras.Input((4, 3), batch_size=2)
    model = tf.keras.Model(first, given(layer, first))
    wanted = model.predict(x, batch_size=2)
    for y in (layer(tf.constant(x), mask=tf.constant(MASK)), model(tf.constant(x))):
        np.testing.assert_allclose(tf.keras.backend.eval(y), wanted, rtol=1e-6)
    every = tf.keras.backend.eval(layer(tf.constant(x), mask=np.ones_like(MASK)))
    assert not np.allclose(every, wanted)


def test_masked_steps_give_zeros_if_the_layer_is_told_so() -> None:
    layer = L.LSTM(2, return_sequences=True, zero_output_for_mask=True)
    twin = L.LSTM.from_config(layer.get_config())
    shown = tf.keras.backend.eval(twin(tf.ones([2, 4, 3]), mask=MASK))
    np.testing.assert_array_equal(np.any(shown, -1), MASK)


def test_a_model_of_its_own_gives_its_mask() -> None:
    class Own(tf.keras.Model):
        def call(self, inputs: Any) -> Any:
            return 2.0 * inputs

        def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
            return tf.not_equal(inputs[:, :, 0], 0.0)

    result = Own()(tf.constant([[[1.0], [0.0]]]))
    layer = L.Lambda(lambda x, mask: tf.cast(mask, tf.int32))
    assert tf.keras.backend.eval(layer(result)).tolist() == [[1, 0]]


def first_steps(inputs: Any, mask: Any) -> Any:
    return tf.not_equal(inputs[:, :, 0], 0.0)


def scaled(inputs: Any, training: Any = None) -> Any:
    return inputs * (3.0 if training else 2.0)


def test_a_lambda_gets_training_and_is_stored_with_its_mask() -> None:
    x = tf.constant([[[1.0], [0.0]]])
    custom = {"first_steps": first_steps, "scaled": scaled}
    with tf.keras.utils.custom_object_scope(custom):
        layer = L.Lambda.from_config(L.Lambda(scaled, mask=first_steps).get_config())
    results = layer(x), layer(x, training=True)
    assert [tf.keras.backend.eval(y).ravel().tolist() for y in results] == [[2.0, 0.0], [3.0, 0.0]]
    assert tf.keras.backend.eval(layer.get_output_mask_at(0)).tolist() == [[True, False]]
    for mask in (lambda x, mask: mask, x):
        with pytest.raises(ValueError, match="has no name that a file can hold"):
            L.Lambda(scaled, mask=mask).get_config()


def test_a_mask_tensor_of_a_call_is_not_stored() -> None:
    words, mask = tf.keras.Input((4, 3)), tf.keras.Input((4,), dtype="bool")
    model = tf.keras.Model([words, mask], L.GRU(2, name="reader")(words, mask=mask))
    with pytest.raises(ValueError, match="'reader' was called with a tensor as its argument 'mask'"):
        model.to_json()


@pytest.mark.parametrize("make", [lambda f: L.ConvLSTM2D(2, 3, data_format=f), lambda f: L.Flatten(data_format=f)])
def test_an_unknown_data_format_is_refused(make: Any) -> None:
    with pytest.raises(ValueError, match="`data_format` argument must be one of"):
        make("NCHW")
