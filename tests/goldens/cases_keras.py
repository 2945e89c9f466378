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


def _filled(weights: Any, scale: float = 0.5) -> Any:
    """Weights of the given shapes whose numbers are all different. Those of variances must be positive."""
    return [np.abs(normal(*w.shape, seed=i + 1) * np.float32(scale)) for i, w in enumerate(weights)]


def _json(config: Any) -> str:
    return json.dumps(config, sort_keys=True, default=lambda array: array.tolist())


def _fresh(tf: Any) -> Any:
    tf.keras.backend.clear_session()
    return tf.keras


def _layer(name: str, make: Callable[[Any], Any], *images: Any, train: bool = False) -> None:
    """The result of a layer with given weights, its gradients, names, shapes and configuration."""

    def run(tf: Any) -> Results:
        keras = _fresh(tf)
        K = keras.backend
        inputs = [keras.Input(image.shape[1:]) for image in images]
        layer = make(keras)
        y = layer(inputs if len(inputs) > 1 else inputs[0])
        layer.set_weights(_filled(layer.get_weights()))
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

_layer("dense", lambda keras: keras.layers.Dense(4, activation="tanh"), _ROWS)
_layer("dense_3d", lambda keras: keras.layers.Dense(4, use_bias=False), _LINES)
_layer("activation", lambda keras: keras.layers.Activation("softmax"), _ROWS)
for _padding in ("same", "valid"):
    _layer("conv2d_" + _padding, lambda keras, p=_padding: keras.layers.Conv2D(
        4, (3, 2), strides=2, padding=p, activation="relu"), _IMAGE)  # fmt: skip
    _layer("conv1d_" + _padding, lambda keras, p=_padding: keras.layers.Conv1D(4, 3, padding=p), _LINES)
    _layer("separable_" + _padding, lambda keras, p=_padding: keras.layers.SeparableConv2D(
        4, 3, padding=p, depth_multiplier=2), _IMAGE)  # fmt: skip
    _layer("transposed_" + _padding, lambda keras, p=_padding: keras.layers.Conv2DTranspose(2, 3, 2, p), _IMAGE)
    _layer("depthwise_" + _padding, lambda keras, p=_padding: keras.layers.DepthwiseConv2D(
        3, padding=p, depth_multiplier=2), _IMAGE)  # fmt: skip
    _layer("max_pool_" + _padding, lambda keras, p=_padding: keras.layers.MaxPooling2D(
        (3, 2), strides=2, padding=p), _IMAGE)  # fmt: skip
    _layer("mean_pool_" + _padding, lambda keras, p=_padding: keras.layers.AveragePooling2D(2, padding=p), _IMAGE)
_layer("conv1d_causal", lambda keras: keras.layers.Conv1D(4, 3, padding="causal", dilation_rate=2), _LINES)
_layer("conv2d_dilated", lambda keras: keras.layers.Conv2D(4, 2, dilation_rate=2), _IMAGE)
_layer("conv3d", lambda keras: keras.layers.Conv3D(3, 2, padding="same"), _CUBE)
_layer("separable1d", lambda keras: keras.layers.SeparableConv1D(4, 3, padding="same"), _LINES)
_layer("pools1d", lambda keras: keras.layers.MaxPooling1D(3, 2), _LINES)
_layer("means1d", lambda keras: keras.layers.AveragePooling1D(2), _LINES)
_layer("pools3d", lambda keras: keras.layers.MaxPooling3D(2), _CUBE)
_layer("means3d", lambda keras: keras.layers.AveragePooling3D((1, 2, 2)), _CUBE)
for _rank, _x in ((1, _LINES), (2, _IMAGE), (3, _CUBE)):
    for _kind in ("GlobalMaxPooling", "GlobalAveragePooling", "UpSampling", "ZeroPadding", "Cropping"):
        _layer("%s%d" % (_kind.lower(), _rank), lambda keras, n="%s%dD" % (_kind, _rank): getattr(keras.layers, n)(),
               _x)  # fmt: skip
_layer("cropping_pairs", lambda keras: keras.layers.Cropping2D(((1, 2), (0, 1))), _IMAGE)
_layer("padding_pairs", lambda keras: keras.layers.ZeroPadding2D(((1, 2), (0, 3))), _IMAGE)
_layer("upsampling_factors", lambda keras: keras.layers.UpSampling2D((2, 3)), _IMAGE)
_layer("upsampling_bilinear", lambda keras: keras.layers.UpSampling2D(2, interpolation="bilinear"), _IMAGE)
_layer("flatten", lambda keras: keras.layers.Flatten(), _IMAGE)
_layer("reshape", lambda keras: keras.layers.Reshape((3, -1)), _IMAGE)
_layer("permute", lambda keras: keras.layers.Permute((2, 1)), _LINES)
_layer("repeat", lambda keras: keras.layers.RepeatVector(3), _ROWS)
_layer("leaky", lambda keras: keras.layers.LeakyReLU(), _ROWS)
_layer("elu", lambda keras: keras.layers.ELU(0.7), _ROWS)
_layer("prelu", lambda keras: keras.layers.PReLU(), _ROWS)
_layer("prelu_shared", lambda keras: keras.layers.PReLU(shared_axes=[1, 2]), _IMAGE)
_layer("thresholded", lambda keras: keras.layers.ThresholdedReLU(0.3), _ROWS)
_layer("relu", lambda keras: keras.layers.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2), _ROWS)
_layer("relu6", lambda keras: keras.layers.ReLU(6.0), _ROWS)
_layer("softmax", lambda keras: keras.layers.Softmax(), _ROWS)
_layer("layer_norm", lambda keras: keras.layers.LayerNormalization(), _IMAGE)
for _train in (False, True):
    _end = "_training" if _train else ""
    _layer("batch_norm" + _end, lambda keras: keras.layers.BatchNormalization(), _IMAGE, train=_train)
    _layer("batch_norm_rows" + _end, lambda keras: keras.layers.BatchNormalization(scale=False, epsilon=0.1), _ROWS,
           train=_train)  # fmt: skip
_layer("dropout_unused", lambda keras: keras.layers.Dropout(0.5), _ROWS)
for _kind in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"):
    _layer("merge_" + _kind.lower(), lambda keras, n=_kind: getattr(keras.layers, n)(), _ROWS, normal(4, 5, seed=3))
_layer("merge_three", lambda keras: keras.layers.Add(), _ROWS, normal(4, 5, seed=3), normal(4, 5, seed=4))
_layer("dot", lambda keras: keras.layers.Dot(1), _ROWS, normal(4, 5, seed=3))
_layer("dot_normalized", lambda keras: keras.layers.Dot((2, 2), normalize=True), _LINES, normal(2, 4, 3, seed=3))


@case()
def keras_embedding(tf: Any) -> Results:
    keras = _fresh(tf)
    model = keras.Sequential([keras.layers.Embedding(7, 3, input_length=4), keras.layers.Flatten()])
    model.set_weights(_filled(model.get_weights()))
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
        keras = _fresh(tf)
        model = _network(keras)
        model.set_weights(_filled(model.get_weights(), 0.2))
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
    keras = _fresh(tf)
    layers, lines = keras.layers, []
    a, b = keras.Input((6, 6, 2), name="left"), keras.Input((3,))
    conv = layers.Conv2D(2, 3)
    x = layers.Flatten()(layers.add([conv(a), layers.Conv2D(2, 3, padding="valid")(a)]))
    y = layers.Dense(3)(layers.concatenate([x, layers.Dense(4, name="own")(b)]))
    z = layers.Dense(1, activation="sigmoid")(y)
    model = keras.Model([a, b], [y, z])
    model.compile("adam", ["mse", "binary_crossentropy"], metrics=["acc", "mae"], loss_weights=[1.0, 0.5])
    model.summary(print_fn=lines.append)
    model.set_weights(_filled(model.get_weights(), 0.2))
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
    keras = _fresh(tf)
    layers, lines = keras.layers, []
    first = _network(keras)
    first.summary(print_fn=lines.append)
    late = keras.Sequential([layers.Dense(4, activation="relu"), layers.Dense(1)])
    late.compile("sgd", "mse")
    late.fit(normal(4, 3), normal(4, 1), verbose=0)
    inner = keras.Sequential([layers.Dense(3, input_dim=3)])
    x = keras.Input((3,))
    shared = keras.Model(x, layers.add([inner(x), inner(layers.Dense(3)(x))]))
    shared.set_weights(_filled(shared.get_weights()))
    return {
        "summary": lines, "late": [w.name for w in late.weights], "inner": [w.name for w in inner.weights],
        "shared": [w.name for w in shared.weights], "config": _json(shared.get_config()),
        "predicted": shared.predict(normal(4, 3)), "names": [m.name for m in (first, late, inner, shared)],
        "tensors": [first.inputs[0].name, first.outputs[0].name, late.inputs[0].name, late.outputs[0].name],
    }  # fmt: skip


@case(5e-5, 5e-6)
def keras_losses(tf: Any) -> Results:
    keras = _fresh(tf)
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
    keras = _fresh(tf)
    model = keras.Sequential([keras.layers.Dense(1, activation="sigmoid", input_shape=(3,))])
    model.set_weights(_filled(model.get_weights()))
    kinds = [keras.metrics.Precision(), keras.metrics.Recall(), keras.metrics.AUC(), keras.metrics.BinaryAccuracy(),
             keras.metrics.RootMeanSquaredError(), "mse", "acc"]  # fmt: skip
    model.compile("sgd", "binary_crossentropy", metrics=kinds)
    x, y = normal(20, 3), (np.arange(20) % 3 == 0).astype(np.float32)
    return {"values": np.array(model.evaluate(x, y, batch_size=6, verbose=0)), "names": model.metrics_names}


@case(2e-4, 2e-5)
def keras_callbacks(tf: Any) -> Results:
    keras = _fresh(tf)
    C, seen = keras.callbacks, []
    model = _network(keras)
    model.set_weights(_filled(model.get_weights(), 0.2))
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
    keras = _fresh(tf)
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
    _layer(_kind.lower(), lambda keras, k=_kind: getattr(keras.layers, k)(4), _STEPS3)
    _layer(_kind.lower() + "_steps", lambda keras, k=_kind: getattr(keras.layers, k)(
        3, return_sequences=True, go_backwards=True, activation="elu", use_bias=False, name="r"), _STEPS3)  # fmt: skip
_layer("gru_reset_after", lambda keras: keras.layers.GRU(4, reset_after=True, recurrent_activation="sigmoid"), _STEPS3)
_layer("rnn_of_cell", lambda keras: keras.layers.RNN(keras.layers.GRUCell(4), return_sequences=True), _STEPS3)
_layer("rnn_of_cells", lambda keras: keras.layers.RNN(
    [keras.layers.LSTMCell(4), keras.layers.SimpleRNNCell(2)]), _STEPS3)  # fmt: skip
for _mode in ("concat", "sum", "mul", "ave"):
    _layer("bidirectional_" + _mode, lambda keras, m=_mode: keras.layers.Bidirectional(
        keras.layers.LSTM(3, return_sequences=m in ("concat", "ave")), merge_mode=m), _STEPS3)  # fmt: skip
_layer("time_distributed", lambda keras: keras.layers.TimeDistributed(keras.layers.Dense(2, "tanh")), _STEPS3)
_layer("time_distributed_conv", lambda keras: keras.layers.TimeDistributed(
    keras.layers.Conv2D(2, 2, activation="relu")), normal(2, 3, 5, 4, 2))  # fmt: skip


@case()
def keras_recurrent_states(tf: Any) -> Results:
    """States as inputs and results; a stateful layer over three batches, and after a reset."""
    keras = _fresh(tf)
    L = keras.layers
    x, h, c = keras.Input((5, 3)), keras.Input((4,)), keras.Input((4,))
    y = L.LSTM(4, return_state=True, return_sequences=True)(x, initial_state=[h, c])
    again = L.Bidirectional(L.GRU(2, return_state=True))(x)
    model = keras.Model([x, h, c], list(y) + list(again))
    model.set_weights(_filled(model.get_weights()))
    given = [normal(2, 5, 3), normal(2, 4, seed=1), normal(2, 4, seed=2)]
    results: Results = {"a%d" % i: v for i, v in enumerate(model.predict(given))}
    twin = keras.models.model_from_json(model.to_json())
    twin.set_weights(model.get_weights())
    results.update({"b%d" % i: v for i, v in enumerate(twin.predict(given))})
    kept = keras.Sequential([L.SimpleRNN(3, stateful=True, batch_input_shape=(2, 5, 3)), L.Dense(1)])
    kept.set_weights(_filled(kept.get_weights()))
    results.update({"c%d" % i: kept.predict(given[0]) for i in range(3)})
    kept.reset_states()
    results["d"] = kept.predict(given[0])
    results["weights"] = [w.name for w in kept.weights]
    return results


@case(1e-4, 1e-5)
def keras_recurrent_training(tf: Any) -> Results:
    keras = _fresh(tf)
    L = keras.layers
    model = keras.Sequential([
        L.Embedding(7, 4, input_length=6), L.Bidirectional(L.LSTM(3, return_sequences=True)), L.GRU(4),
        L.Dense(3, activation="softmax"),
    ])  # fmt: skip
    model.set_weights(_filled(model.get_weights()))
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    ids = np.arange(48).reshape(8, 6) * 3 % 7
    history = model.fit(ids, np.arange(8) % 3, epochs=3, batch_size=4, shuffle=False, verbose=0)
    return {"loss": np.array(history.history["loss"]), "y": model.predict(ids), "count": model.count_params()}


# Gradients of an embedding: of the rows that a batch has, some of them repeated. Row 0 is in no batch, row 6 in one.

_IDS = np.array([[1, 2, 2, 3], [5, 1, 1, 1], [2, 4, 3, 4], [6, 6, 1, 6]])


def _embedding(name: str, make: Callable[[Any], Any], **options: Any) -> None:
    """Weights and slots after each of a few steps."""

    def run(tf: Any) -> Results:
        keras = _fresh(tf)
        layer = keras.layers.Embedding(7, 3, input_length=2, **options)
        model = keras.Sequential([layer, keras.layers.Flatten(), keras.layers.Dense(1)])
        model.set_weights(_filled(model.get_weights()))
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


# Masks: which layers hand them on, what recurrent layers, losses and metrics make of them.

_PADDED = np.where(np.array([[0, 1, 1, 0, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]])[..., None], normal(3, 5, 3), 0)
_WORDS = np.array([[3, 1, 0, 2, 0], [0, 0, 4, 5, 6], [1, 2, 3, 0, 0]])


def _masked(name: str, make: Callable[[Any], Any], *inputs: Any) -> None:
    """The result of a layer behind masks, its own mask, and the gradients. make: from layers to a function."""

    def run(tf: Any) -> Results:
        keras = _fresh(tf)
        K = keras.backend
        given = [keras.Input(x.shape[1:]) for x in inputs]
        masked = [keras.layers.Masking()(x) for x in given]
        layer = make(keras.layers)
        found = layer(masked if len(inputs) > 1 else masked[0])
        found = list(found) if isinstance(found, (list, tuple)) else [found]
        layer.set_weights(_filled(layer.get_weights()))
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
    _layer("conv_lstm_" + _padding, lambda keras, p=_padding: keras.layers.ConvLSTM2D(
        2, (3, 2), padding=p, strides=2, return_sequences=True, go_backwards=p == "same"),
        normal(2, 3, 5, 4, 2))  # fmt: skip


@case(1e-4, 1e-5)
def keras_masked_training(tf: Any) -> Results:
    """Losses and metrics of sequences under masks, with and without weights; a masked model in a model."""
    keras = _fresh(tf)
    L, results = keras.layers, {}  # type: Any, Results
    for name, loss, options in (("rnn", "sparse_categorical_crossentropy", {}),
                                ("weighted", keras.losses.CategoricalCrossentropy(), {"sample_weight": True}),
                                ("mse", "mse", {"metrics": True})):  # fmt: skip
        inner = keras.Sequential([L.Embedding(7, 4, mask_zero=True, input_length=5), L.LSTM(3, return_sequences=True)])
        words = keras.Input((5,))
        model = keras.Model(words, L.Dense(2, activation="softmax")(inner(words)))
        model.set_weights(_filled(model.get_weights()))
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
    keras = _fresh(tf)
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
    model.set_weights(_filled(model.get_weights()))
    twin = keras.Model(words, model(words))
    try:
        keras.layers.Flatten(name="f").compute_mask(words, words)
    except TypeError as error:
        said = str(error)[:60]
    return {"y": model.predict(_WORDS), "twin": twin.predict(_WORDS), "said": said}


@case()
def keras_supports_masking(tf: Any) -> Results:
    """Which layers hand masks on."""
    L, known = _fresh(tf).layers, {}
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
