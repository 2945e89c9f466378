"""tf.keras: layers, models and their training: see ``cases.py`` for the rules of these files.

Tests `keras/`.
"""

# ruff: noqa: UP035, UP006  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

import json
from typing import Any, Callable

import numpy as np

from cases import CASES, Case, Results, case
from cases_ops import normal


def filled(weights: Any, scale: float = 0.5) -> Any:
    """Weights of the given shapes whose numbers are all different. Those of variances must be positive."""
    return [np.abs(normal(*w.shape, seed=i + 1) * np.float32(scale)) for i, w in enumerate(weights)]


def _json(config: Any) -> str:
    return json.dumps(config, sort_keys=True, default=lambda array: array.tolist())


def fresh(tf: Any) -> Any:
    tf.keras.backend.clear_session()
    return tf.keras


def layer_case(name: str, make: Callable[[Any], Any], *images: Any, train: bool = False) -> None:
    """The result of a layer with given weights, its gradients, names, shapes and configuration."""

    def run(tf: Any) -> Results:
        keras = fresh(tf)
        K = keras.backend
        inputs = [keras.Input(image.shape[1:]) for image in images]
        layer = make(keras)
        y = layer(inputs if len(inputs) > 1 else inputs[0])
        layer.set_weights(filled(layer.get_weights()))
        grads = K.gradients(K.sum(y * y), inputs + layer.trainable_weights)
        values = K.function(inputs + [K.learning_phase()], [y] + grads)(list(images) + [train])
        results: Results = {"v%d" % i: v for i, v in enumerate(values)}
        results["weights"] = [w.name for w in layer.weights]
        results["trainable"] = [w.name for w in layer.trainable_weights]
        results["shapes"] = [list(w.shape.as_list()) for w in layer.weights]
        results["output_shape"] = list(layer.output_shape)
        results["name"] = layer.name
        results["config"] = _json(layer.get_config())
        results["count"] = layer.count_params()
        return results

    CASES["keras_" + name] = Case(run, 2e-5, 2e-4)


_IMAGE, _ROWS, _LINES, _CUBE = normal(2, 7, 6, 3), normal(4, 5), normal(2, 8, 3), normal(2, 5, 6, 4, 2)

layer_case("dense", lambda keras: keras.layers.Dense(4, activation="tanh"), _ROWS)
layer_case("dense_3d", lambda keras: keras.layers.Dense(4, use_bias=False), _LINES)
layer_case("activation", lambda keras: keras.layers.Activation("softmax"), _ROWS)
for _padding in ("same", "valid"):
    layer_case("conv2d_" + _padding, lambda keras, p=_padding: keras.layers.Conv2D(
        4, (3, 2), strides=2, padding=p, activation="relu"), _IMAGE)  # fmt: skip
    layer_case("conv1d_" + _padding, lambda keras, p=_padding: keras.layers.Conv1D(4, 3, padding=p), _LINES)
    layer_case("separable_" + _padding, lambda keras, p=_padding: keras.layers.SeparableConv2D(
        4, 3, padding=p, depth_multiplier=2), _IMAGE)  # fmt: skip
    layer_case("transposed_" + _padding, lambda keras, p=_padding: keras.layers.Conv2DTranspose(2, 3, 2, p), _IMAGE)
    layer_case("transposed_padded_" + _padding, lambda keras, p=_padding: keras.layers.Conv2DTranspose(
        2, (3, 4), (2, 3), p, output_padding=(1, 2)), _IMAGE)  # fmt: skip
    layer_case("transposed3d_" + _padding, lambda keras, p=_padding: keras.layers.Conv3DTranspose(
        3, (3, 2, 3), (2, 1, 2), p), _CUBE)  # fmt: skip
    layer_case("depthwise_" + _padding, lambda keras, p=_padding: keras.layers.DepthwiseConv2D(
        3, padding=p, depth_multiplier=2), _IMAGE)  # fmt: skip
    layer_case("max_pool_" + _padding, lambda keras, p=_padding: keras.layers.MaxPooling2D(
        (3, 2), strides=2, padding=p), _IMAGE)  # fmt: skip
    layer_case("mean_pool_" + _padding, lambda keras, p=_padding: keras.layers.AveragePooling2D(2, padding=p), _IMAGE)
layer_case("conv1d_causal", lambda keras: keras.layers.Conv1D(4, 3, padding="causal", dilation_rate=2), _LINES)
layer_case("conv2d_dilated", lambda keras: keras.layers.Conv2D(4, 2, dilation_rate=2), _IMAGE)
layer_case("conv3d", lambda keras: keras.layers.Conv3D(3, 2, padding="same"), _CUBE)
layer_case("transposed3d_padded", lambda keras: keras.layers.Conv3DTranspose(3, 3, 2, output_padding=1), _CUBE[:1, :3])
layer_case("separable1d", lambda keras: keras.layers.SeparableConv1D(4, 3, padding="same"), _LINES)
layer_case("pools1d", lambda keras: keras.layers.MaxPooling1D(3, 2), _LINES)
layer_case("means1d", lambda keras: keras.layers.AveragePooling1D(2), _LINES)
layer_case("pools3d", lambda keras: keras.layers.MaxPooling3D(2), _CUBE)
layer_case("means3d", lambda keras: keras.layers.AveragePooling3D((1, 2, 2)), _CUBE)
for _rank, _x in ((1, _LINES), (2, _IMAGE), (3, _CUBE)):
    for _kind in ("GlobalMaxPooling", "GlobalAveragePooling", "UpSampling", "ZeroPadding", "Cropping"):
        layer_case("%s%d" % (_kind.lower(), _rank), lambda keras, n="%s%dD" % (_kind, _rank): getattr(keras.layers, n)(),
               _x)  # fmt: skip
layer_case("cropping_pairs", lambda keras: keras.layers.Cropping2D(((1, 2), (0, 1))), _IMAGE)
layer_case("padding_pairs", lambda keras: keras.layers.ZeroPadding2D(((1, 2), (0, 3))), _IMAGE)
layer_case("upsampling_factors", lambda keras: keras.layers.UpSampling2D((2, 3)), _IMAGE)
layer_case("upsampling_bilinear", lambda keras: keras.layers.UpSampling2D(2, interpolation="bilinear"), _IMAGE)
layer_case("flatten", lambda keras: keras.layers.Flatten(), _IMAGE)
layer_case("reshape", lambda keras: keras.layers.Reshape((3, -1)), _IMAGE)
layer_case("permute", lambda keras: keras.layers.Permute((2, 1)), _LINES)
layer_case("repeat", lambda keras: keras.layers.RepeatVector(3), _ROWS)
layer_case("leaky", lambda keras: keras.layers.LeakyReLU(), _ROWS)
layer_case("elu", lambda keras: keras.layers.ELU(0.7), _ROWS)
layer_case("prelu", lambda keras: keras.layers.PReLU(), _ROWS)
layer_case("prelu_shared", lambda keras: keras.layers.PReLU(shared_axes=[1, 2]), _IMAGE)
layer_case("thresholded", lambda keras: keras.layers.ThresholdedReLU(0.3), _ROWS)
layer_case("relu", lambda keras: keras.layers.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2), _ROWS)
layer_case("relu6", lambda keras: keras.layers.ReLU(6.0), _ROWS)
layer_case("softmax", lambda keras: keras.layers.Softmax(), _ROWS)
layer_case("layer_norm", lambda keras: keras.layers.LayerNormalization(), _IMAGE)
for _train in (False, True):
    _end = "_training" if _train else ""
    layer_case("batch_norm" + _end, lambda keras: keras.layers.BatchNormalization(), _IMAGE, train=_train)
    layer_case("batch_norm_rows" + _end, lambda keras: keras.layers.BatchNormalization(scale=False, epsilon=0.1), _ROWS,
           train=_train)  # fmt: skip
layer_case("dropout_unused", lambda keras: keras.layers.Dropout(0.5), _ROWS)
for _kind in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"):
    layer_case("merge_" + _kind.lower(), lambda keras, n=_kind: getattr(keras.layers, n)(), _ROWS, normal(4, 5, seed=3))
layer_case("merge_three", lambda keras: keras.layers.Add(), _ROWS, normal(4, 5, seed=3), normal(4, 5, seed=4))
layer_case("dot", lambda keras: keras.layers.Dot(1), _ROWS, normal(4, 5, seed=3))
layer_case("dot_normalized", lambda keras: keras.layers.Dot((2, 2), normalize=True), _LINES, normal(2, 4, 3, seed=3))


@case()
def keras_embedding(tf: Any) -> Results:
    keras = fresh(tf)
    model = keras.Sequential([keras.layers.Embedding(7, 3, input_length=4), keras.layers.Flatten()])
    model.set_weights(filled(model.get_weights()))
    return {"y": model.predict(np.array([[0, 1, 2, 6], [3, 3, 5, 0]])), "config": _json(model.get_config())}  # fmt: skip


def _network(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential([
        layers.Conv2D(4, 3, activation="relu", input_shape=(8, 8, 1)), layers.BatchNormalization(),
        layers.MaxPooling2D(), layers.Flatten(), layers.Dense(6, activation="relu", kernel_regularizer="l2"),
        layers.Dense(3, activation="softmax"),
    ])  # fmt: skip


_DATA = normal(21, 8, 8, 1), np.arange(21) % 3


def _training(name: str, make: Callable[[Any], Any], **options: Any) -> None:
    def run(tf: Any) -> Results:
        keras = fresh(tf)
        model = _network(keras)
        model.set_weights(filled(model.get_weights(), 0.2))
        model.compile(make(keras), "categorical_crossentropy", ["accuracy"])
        x, y = _DATA[0], np.eye(3, dtype=np.float32)[_DATA[1]]
        np.random.seed(4)
        history = model.fit(x, y, **{**{"batch_size": 5, "epochs": 3, "verbose": 0}, **options})
        results: Results = {"w%d" % i: w for i, w in enumerate(model.get_weights())}
        results.update(("h " + k, np.array(v, np.float32)) for k, v in history.history.items())
        results["epochs"] = history.epoch
        results["evaluated"] = np.array(model.evaluate(x, y, verbose=0), np.float32)
        results["predicted"] = model.predict(x[:2])
        results["optimizer"] = [w.name for w in model.optimizer.weights]
        results.update(("o%d" % i, w) for i, w in enumerate(model.optimizer.get_weights()))
        return results

    CASES["keras_fit_" + name] = Case(run, 2e-4, 2e-5)


for _name in ("SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam", "Ftrl"):
    _training(_name.lower(), lambda keras, n=_name: getattr(keras.optimizers, n)(0.02))
_training("momentum", lambda keras: keras.optimizers.SGD(0.05, momentum=0.9, decay=0.1))
_training("nesterov", lambda keras: keras.optimizers.SGD(lr=0.05, momentum=0.8, nesterov=True))
_training("rmsprop_momentum", lambda keras: keras.optimizers.RMSprop(0.01, momentum=0.5, centered=True))
_training("rmsprop_centered", lambda keras: keras.optimizers.RMSprop(0.01, centered=True))
_training("amsgrad", lambda keras: keras.optimizers.Adam(0.02, amsgrad=True, clipnorm=0.1))
_training("clipvalue", lambda keras: keras.optimizers.Adam(0.02, clipvalue=0.01))
_training("split", lambda keras: "adam", validation_split=0.3)
_training("ordered", lambda keras: "sgd", shuffle=False, class_weight={0: 1.0, 1: 2.0, 2: 0.5})
_training("sample_weight", lambda keras: "sgd", sample_weight=np.linspace(0, 2, 21))
_training("batches_in_order", lambda keras: "sgd", shuffle="batch", initial_epoch=1)


@case()
def keras_names(tf: Any) -> Results:
    """Names of layers, variables and outputs; summaries; configurations; training of a model with two outputs."""
    keras = fresh(tf)
    layers, lines = keras.layers, []
    a, b = keras.Input((6, 6, 2), name="left"), keras.Input((3,))
    conv = layers.Conv2D(2, 3)
    x = layers.Flatten()(layers.add([conv(a), layers.Conv2D(2, 3, padding="valid")(a)]))
    y = layers.Dense(3)(layers.concatenate([x, layers.Dense(4, name="own")(b)]))
    z = layers.Dense(1, activation="sigmoid")(y)
    model = keras.Model([a, b], [y, z])
    model.compile("adam", ["mse", "binary_crossentropy"], metrics=["acc", "mae"], loss_weights=[1.0, 0.5])
    model.summary(print_fn=lines.append)
    model.set_weights(filled(model.get_weights(), 0.2))
    data = [normal(8, 6, 6, 2), normal(8, 3, seed=2)], [normal(8, 3, seed=3), np.arange(8) % 2]
    first = model.train_on_batch(*data)
    again = keras.models.model_from_json(model.to_json())
    return {
        "weights": [w.name for w in model.weights], "trainable": [w.name for w in model.trainable_weights],
        "layers": [layer.name for layer in model.layers], "summary": lines, "metrics": model.metrics_names,
        "inputs": model.input_names, "outputs": model.output_names, "name": model.name,
        "config": _json(model.get_config()), "losses": np.array(first, np.float32),
        "tested": np.array(model.test_on_batch(*data), np.float32), "again": [layer.name for layer in again.layers],
        "shapes": [str(model.input_shape), str(model.output_shape)],
        "again_config": _json(again.get_config()),
    }  # fmt: skip


@case()
def keras_sequential(tf: Any) -> Results:
    """Sequential models: built at once, and for their first data; shared layers; a model in a model."""
    keras = fresh(tf)
    layers, lines = keras.layers, []
    first = _network(keras)
    first.summary(print_fn=lines.append)
    late = keras.Sequential([layers.Dense(4, activation="relu"), layers.Dense(1)])
    late.compile("sgd", "mse")
    late.fit(normal(4, 3), normal(4, 1), verbose=0)
    inner = keras.Sequential([layers.Dense(3, input_dim=3)])
    x = keras.Input((3,))
    shared = keras.Model(x, layers.add([inner(x), inner(layers.Dense(3)(x))]))
    shared.set_weights(filled(shared.get_weights()))
    return {
        "summary": lines, "late": [w.name for w in late.weights], "inner": [w.name for w in inner.weights],
        "shared": [w.name for w in shared.weights], "config": _json(shared.get_config()),
        "predicted": shared.predict(normal(4, 3)), "names": [m.name for m in (first, late, inner, shared)],
        "tensors": [first.inputs[0].name, first.outputs[0].name, late.inputs[0].name, late.outputs[0].name],
    }  # fmt: skip


@case(5e-5, 5e-6)
def keras_losses(tf: Any) -> Results:
    keras = fresh(tf)
    K, results = keras.backend, {}  # type: Any, Results
    truth, guess = np.abs(normal(4, 3)), np.abs(normal(4, 3, seed=2))
    rows = np.eye(3, dtype=np.float32)[[0, 2, 1, 1]]
    shares = guess / guess.sum(-1, keepdims=True)
    pairs = {
        "categorical_crossentropy": (rows, shares), "binary_crossentropy": (rows, shares), "hinge": (rows, guess),
        "squared_hinge": (rows, guess), "categorical_hinge": (rows, guess),
        "kullback_leibler_divergence": (shares, truth / truth.sum(-1, keepdims=True)),
        "sparse_categorical_crossentropy": (np.array([[0], [2], [1], [1]], np.float32), shares),
    }  # fmt: skip
    names = list(pairs) + ["mean_squared_error", "mae", "mape", "msle", "logcosh", "poisson", "cosine_similarity"]
    for name in names:
        y, p = pairs.get(name, (truth, guess))
        results[name] = K.eval(keras.losses.get(name)(K.constant(y), K.constant(p)))
    objects = [
        keras.losses.Huber(0.5),
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        keras.losses.BinaryCrossentropy(label_smoothing=0.2),
        keras.losses.MeanSquaredError(reduction="sum"),
    ]
    for i, loss in enumerate(objects):  # fmt: skip
        results["object%d" % i] = K.eval(loss(K.constant(rows), K.constant(guess / 4)))
    for name in ("binary_accuracy", "categorical_accuracy"):
        results[name] = K.eval(getattr(keras.metrics, name)(K.constant(rows), K.constant(shares)))
    return results


@case(1e-4, 1e-5)
def keras_metrics(tf: Any) -> Results:
    """Metrics as objects, over several batches."""
    keras = fresh(tf)
    model = keras.Sequential([keras.layers.Dense(1, activation="sigmoid", input_shape=(3,))])
    model.set_weights(filled(model.get_weights()))
    kinds = [keras.metrics.Precision(), keras.metrics.Recall(), keras.metrics.AUC(), keras.metrics.BinaryAccuracy(),
             keras.metrics.RootMeanSquaredError(), "mse", "acc"]  # fmt: skip
    model.compile("sgd", "binary_crossentropy", metrics=kinds)
    x, y = normal(20, 3), (np.arange(20) % 3 == 0).astype(np.float32)
    return {"values": np.array(model.evaluate(x, y, batch_size=6, verbose=0)), "names": model.metrics_names}


@case(2e-4, 2e-5)
def keras_callbacks(tf: Any) -> Results:
    keras = fresh(tf)
    C, seen = keras.callbacks, []
    model = _network(keras)
    model.set_weights(filled(model.get_weights(), 0.2))
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", ["accuracy"])
    callbacks = [
        C.LearningRateScheduler(lambda epoch: 0.1 / (1 + epoch)), C.EarlyStopping("loss", min_delta=0.02, patience=1),
        C.LambdaCallback(on_epoch_begin=lambda e, logs: seen.append("begin %d" % e),
                         on_batch_end=lambda b, logs: seen.append("batch %d %d" % (b, logs["size"]))),
    ]  # fmt: skip
    history = model.fit(*_DATA, batch_size=8, epochs=12, verbose=0, shuffle=False, callbacks=callbacks)
    plateau = C.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=0.5, min_lr=0.01)
    rates = model.fit(*_DATA, batch_size=8, epochs=5, verbose=0, shuffle=False, callbacks=[plateau]).history["lr"]
    return {"seen": seen, "epochs": history.epoch, "loss": np.array(history.history["loss"], np.float32),
            "lr": np.array(history.history["lr"], np.float32), "rates": np.array(rates, np.float32)}  # fmt: skip


@case()
def keras_errors(tf: Any) -> Results:
    """The first words of errors."""
    keras = fresh(tf)
    layers, said = keras.layers, {}
    model = _network(keras)
    model.compile("sgd", "mse")

    def other_graph() -> Any:
        return keras.Model(keras.Input((3,)), layers.Dense(2)(keras.Input((3,))))

    calls = {
        "rank of a layer's input": lambda: layers.Conv2D(2, 3)(keras.Input((5,))),
        "shape of data": lambda: model.predict(np.zeros((2, 5))),
        "sizes of data": lambda: model.predict(np.zeros((2, 5, 5, 1))),
        "number of samples": lambda: model.fit(np.zeros((2, 8, 8, 1)), np.zeros((3, 3)), verbose=0),
        "unknown loss": lambda: model.compile("sgd", "nothing"),
        "weights": lambda: layers.Dense(2).set_weights([1]),
        "disconnected": other_graph,
        "one input": lambda: layers.add([keras.Input((3,))]),
        "no such layer": lambda: model.get_layer("nothing"),
    }
    for name, call in calls.items():
        try:
            call()
        except Exception as error:
            said[name] = [type(error).__name__, str(error)[:21]]
    return {"said": said}


# Recurrent layers.

_STEPS3 = normal(2, 5, 3)
for _kind in ("SimpleRNN", "GRU", "LSTM"):
    layer_case(_kind.lower(), lambda keras, k=_kind: getattr(keras.layers, k)(4), _STEPS3)
    layer_case(_kind.lower() + "_steps", lambda keras, k=_kind: getattr(keras.layers, k)(
        3, return_sequences=True, go_backwards=True, activation="elu", use_bias=False, name="r"), _STEPS3)  # fmt: skip
layer_case("gru_reset_after", lambda keras: keras.layers.GRU(4, reset_after=True, recurrent_activation="sigmoid"), _STEPS3)
layer_case("rnn_of_cell", lambda keras: keras.layers.RNN(keras.layers.GRUCell(4), return_sequences=True), _STEPS3)
layer_case("rnn_of_cells", lambda keras: keras.layers.RNN(
    [keras.layers.LSTMCell(4), keras.layers.SimpleRNNCell(2)]), _STEPS3)  # fmt: skip
for _mode in ("concat", "sum", "mul", "ave"):
    layer_case("bidirectional_" + _mode, lambda keras, m=_mode: keras.layers.Bidirectional(
        keras.layers.LSTM(3, return_sequences=m in ("concat", "ave")), merge_mode=m), _STEPS3)  # fmt: skip
layer_case("time_distributed", lambda keras: keras.layers.TimeDistributed(keras.layers.Dense(2, "tanh")), _STEPS3)
layer_case("time_distributed_conv", lambda keras: keras.layers.TimeDistributed(
    keras.layers.Conv2D(2, 2, activation="relu")), normal(2, 3, 5, 4, 2))  # fmt: skip


@case()
def keras_recurrent_states(tf: Any) -> Results:
    """States as inputs and results; a stateful layer over three batches, and after a reset."""
    keras = fresh(tf)
    L = keras.layers
    x, h, c = keras.Input((5, 3)), keras.Input((4,)), keras.Input((4,))
    y = L.LSTM(4, return_state=True, return_sequences=True)(x, initial_state=[h, c])
    again = L.Bidirectional(L.GRU(2, return_state=True))(x)
    model = keras.Model([x, h, c], list(y) + list(again))
    model.set_weights(filled(model.get_weights()))
    given = [normal(2, 5, 3), normal(2, 4, seed=1), normal(2, 4, seed=2)]
    results: Results = {"a%d" % i: v for i, v in enumerate(model.predict(given))}
    twin = keras.models.model_from_json(model.to_json())
    twin.set_weights(model.get_weights())
    results.update({"b%d" % i: v for i, v in enumerate(twin.predict(given))})
    kept = keras.Sequential([L.SimpleRNN(3, stateful=True, batch_input_shape=(2, 5, 3)), L.Dense(1)])
    kept.set_weights(filled(kept.get_weights()))
    results.update({"c%d" % i: kept.predict(given[0]) for i in range(3)})
    kept.reset_states()
    results["d"] = kept.predict(given[0])
    results["weights"] = [w.name for w in kept.weights]
    return results


@case(1e-4, 1e-5)
def keras_recurrent_training(tf: Any) -> Results:
    keras = fresh(tf)
    L = keras.layers
    model = keras.Sequential([
        L.Embedding(7, 4, input_length=6), L.Bidirectional(L.LSTM(3, return_sequences=True)), L.GRU(4),
        L.Dense(3, activation="softmax"),
    ])  # fmt: skip
    model.set_weights(filled(model.get_weights()))
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    ids = np.arange(48).reshape(8, 6) * 3 % 7
    history = model.fit(ids, np.arange(8) % 3, epochs=3, batch_size=4, shuffle=False, verbose=0)
    return {"loss": np.array(history.history["loss"]), "y": model.predict(ids), "count": model.count_params()}


# Gradients of an embedding: of the rows that a batch has, some of them repeated. Row 0 is in no batch, row 6 in one.

_IDS = np.array([[1, 2, 2, 3], [5, 1, 1, 1], [2, 4, 3, 4], [6, 6, 1, 6]])


def _embedding(name: str, make: Callable[[Any], Any], **options: Any) -> None:
    """Weights and slots after each of a few steps."""

    def run(tf: Any) -> Results:
        keras = fresh(tf)
        layer = keras.layers.Embedding(7, 3, input_length=2, **options)
        model = keras.Sequential([layer, keras.layers.Flatten(), keras.layers.Dense(1)])
        model.set_weights(filled(model.get_weights()))
        model.compile(make(keras), "mse")
        results: Results = {}
        for step, (ids, truth) in enumerate(zip(_IDS, normal(4, 2, 1, seed=5))):
            model.train_on_batch(ids.reshape(2, 2), truth)
            weights = [layer.get_weights()[0]] + model.optimizer.get_weights()
            results.update(("s%d w%d" % (step, i), w) for i, w in enumerate(weights))
        return results

    CASES["keras_embedding_" + name] = Case(run, 2e-4, 2e-6)


for _name in ("SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam", "Ftrl"):
    _embedding(_name.lower(), lambda keras, n=_name: getattr(keras.optimizers, n)(0.1))
_embedding("momentum", lambda keras: keras.optimizers.SGD(0.1, momentum=0.9, decay=0.1))
_embedding("nesterov", lambda keras: keras.optimizers.SGD(0.1, momentum=0.8, nesterov=True, clipvalue=0.2))
_embedding("rmsprop_momentum", lambda keras: keras.optimizers.RMSprop(0.01, momentum=0.5))
_embedding("rmsprop_momentum_centered", lambda keras: keras.optimizers.RMSprop(0.01, momentum=0.5, centered=True))
_embedding("rmsprop_centered", lambda keras: keras.optimizers.RMSprop(0.01, centered=True, clipnorm=0.3))
_embedding("amsgrad", lambda keras: keras.optimizers.Adam(0.02, amsgrad=True))
_embedding("regularized", lambda keras: keras.optimizers.SGD(0.1, momentum=0.9), embeddings_regularizer="l2")
