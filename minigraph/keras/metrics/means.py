"""Metrics that are means of what a function gives for each example."""

from __future__ import annotations

from typing import Any

from minigraph.keras.metrics.base import FunctionMetric
from minigraph.keras.metrics.functions import (
    binary_accuracy,
    binary_crossentropy,
    categorical_accuracy,
    categorical_crossentropy,
    hinge,
    kullback_leibler_divergence,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_accuracy,
    sparse_categorical_crossentropy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)

__all__ = [
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "Hinge",
    "KLDivergence",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy",
]


class BinaryAccuracy(FunctionMetric):
    """The mean of `binary_accuracy` over all examples.

    Args:
        name: Name of the metric in histories and configurations; by default that of the function.
        dtype: Name of the dtype that the configuration holds; by default that of `keras.backend.floatx`.
        threshold: The largest probability that is taken for 0.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(3, "sigmoid", input_shape=(2,))])
        >>> model.compile("sgd", "binary_crossentropy", metrics=[tf.keras.metrics.BinaryAccuracy(threshold=0.7)])
        >>> model.metrics_names
        ['loss', 'binary_accuracy']
    """

    function = staticmethod(binary_accuracy)

    def __init__(self, name: str | None = None, dtype: Any = None, threshold: float = 0.5) -> None:
        super().__init__(name, dtype)
        self.options = {"threshold": threshold}


class CategoricalAccuracy(FunctionMetric):
    """The mean of `categorical_accuracy` over all examples.

    Args:
        name: Name of the metric in histories and configurations; by default that of the function.
        dtype: Name of the dtype that the configuration holds; by default that of `keras.backend.floatx`.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(3, "softmax", input_shape=(2,))])
        >>> model.compile("sgd", "categorical_crossentropy", metrics=[tf.keras.metrics.CategoricalAccuracy("right")])
        >>> model.metrics_names
        ['loss', 'right']
    """

    function = staticmethod(categorical_accuracy)


class SparseCategoricalAccuracy(FunctionMetric):
    """The mean of `sparse_categorical_accuracy` over all examples.

    Args:
        name: Name of the metric in histories and configurations; by default that of the function.
        dtype: Name of the dtype that the configuration holds; by default that of `keras.backend.floatx`.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(3, "softmax", input_shape=(2,))])
        >>> accuracy = tf.keras.metrics.SparseCategoricalAccuracy()
        >>> model.compile("sgd", "sparse_categorical_crossentropy", metrics=[accuracy])
        >>> model.metrics_names
        ['loss', 'sparse_categorical_accuracy']
    """

    function = staticmethod(sparse_categorical_accuracy)


class TopKCategoricalAccuracy(FunctionMetric):
    """The mean of `top_k_categorical_accuracy` over all examples.

    Args:
        k: How many predictions count.
        name: Name of the metric in histories and configurations; by default that of the function.
        dtype: Name of the dtype that the configuration holds; by default that of `keras.backend.floatx`.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(3, "softmax", input_shape=(2,))])
        >>> model.compile("sgd", "categorical_crossentropy", metrics=[tf.keras.metrics.TopKCategoricalAccuracy(2)])
        >>> model.metrics_names
        ['loss', 'top_k_categorical_accuracy']
    """

    function = staticmethod(top_k_categorical_accuracy)

    def __init__(self, k: int = 5, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self.options = {"k": k}


class SparseTopKCategoricalAccuracy(FunctionMetric):
    """The mean of `sparse_top_k_categorical_accuracy` over all examples.

    Args:
        k: How many predictions count.
        name: Name of the metric in histories and configurations; by default that of the function.
        dtype: Name of the dtype that the configuration holds; by default that of `keras.backend.floatx`.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(3, "softmax", input_shape=(2,))])
        >>> accuracy = tf.keras.metrics.SparseTopKCategoricalAccuracy(2, "top2")
        >>> model.compile("sgd", "sparse_categorical_crossentropy", metrics=[accuracy])
        >>> model.metrics_names
        ['loss', 'top2']
    """

    function = staticmethod(sparse_top_k_categorical_accuracy)

    def __init__(self, k: int = 5, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self.options = {"k": k}


class MeanSquaredError(FunctionMetric):
    """The mean of `mean_squared_error` over all examples.

    Args:
        name: Name of the metric in histories and configurations; by default that of the function.
        dtype: Name of the dtype that the configuration holds; by default that of `keras.backend.floatx`.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(3, "sigmoid", input_shape=(2,))])
        >>> model.compile("sgd", "mae", metrics=[tf.keras.metrics.MeanSquaredError()])
        >>> model.metrics_names
        ['loss', 'mean_squared_error']
    """

    function = staticmethod(mean_squared_error)


class MeanAbsoluteError(FunctionMetric):
    """The mean of `mean_absolute_error` over all examples.

    Args:
        name: Name of the metric in histories and configurations; by default that of the function.
        dtype: Name of the dtype that the configuration holds; by default that of `keras.backend.floatx`.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(3, "sigmoid", input_shape=(2,))])
        >>> model.compile("sgd", "mse", metrics=[tf.keras.metrics.MeanAbsoluteError()])
        >>> model.metrics_names
        ['loss', 'mean_absolute_error']
    """

    function = staticmethod(mean_absolute_error)


class MeanAbsolutePercentageError(FunctionMetric):
    """The mean of `mean_absolute_percentage_error` over all examples.

    Args:
        name: Name of the metric in histories and configurations; by default that of the function.
        dtype: Name of the dtype that the configuration holds; by default that of `keras.backend.floatx`.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(3, "sigmoid", input_shape=(2,))])
        >>> model.compile("sgd", "mse", metrics=[tf.keras.metrics.MeanAbsolutePercentageError("percent")])
        >>> model.metrics_names
        ['loss', 'percent']
    """

    function = staticmethod(mean_absolute_percentage_error)


class MeanSquaredLogarithmicError(FunctionMetric):
    """The mean of `mean_squared_logarithmic_error` over all examples.

    Args:
        name: Name of the metric in histories and configurations; by default that of the function.
        dtype: Name of the dtype that the configuration holds; by default that of `keras.backend.floatx`.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(3, "sigmoid", input_shape=(2,))])
        >>> model.compile("sgd", "mse", metrics=[tf.keras.metrics.MeanSquaredLogarithmicError("logarithmic")])
        >>> model.metrics_names
        ['loss', 'logarithmic']
    """

    function = staticmethod(mean_squared_logarithmic_error)


class CategoricalCrossentropy(FunctionMetric):
    """The mean of `categorical_crossentropy` over all examples.

    Args:
        name: Name of the metric in histories and configurations; by default that of the function.
        dtype: Name of the dtype that the configuration holds; by default that of `keras.backend.floatx`.
        from_logits: Whether `y_pred` is the input of a softmax instead of its result.
        label_smoothing: The share of each label that is spread evenly over all classes, from 0 to 1.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(3, "softmax", input_shape=(2,))])
        >>> model.compile("sgd", "mse", metrics=[tf.keras.metrics.CategoricalCrossentropy()])
        >>> model.metrics_names
        ['loss', 'categorical_crossentropy']
    """

    function = staticmethod(categorical_crossentropy)

    def __init__(
        self, name: str | None = None, dtype: Any = None, from_logits: bool = False, label_smoothing: float = 0
    ) -> None:
        super().__init__(name, dtype)
        self.options = {"from_logits": from_logits, "label_smoothing": label_smoothing}


class SparseCategoricalCrossentropy(FunctionMetric):
    """The mean of `sparse_categorical_crossentropy` over all examples.

    Args:
        name: Name of the metric in histories and configurations; by default that of the function.
        dtype: Name of the dtype that the configuration holds; by default that of `keras.backend.floatx`.
        from_logits: Whether `y_pred` is the input of a softmax instead of its result.
        axis: TensorFlow's argument. The classes are always the last axis.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(3, "softmax", input_shape=(2,))])
        >>> entropy = tf.keras.metrics.SparseCategoricalCrossentropy("entropy")
        >>> model.compile("sgd", "sparse_categorical_crossentropy", metrics=[entropy])
        >>> model.metrics_names
        ['loss', 'entropy']
    """

    function = staticmethod(sparse_categorical_crossentropy)

    def __init__(self, name: str | None = None, dtype: Any = None, from_logits: bool = False, axis: int = -1) -> None:
        super().__init__(name, dtype)
        self.options = {"from_logits": from_logits, "axis": axis}


class BinaryCrossentropy(FunctionMetric):
    """The mean of `binary_crossentropy` over all examples.

    Args:
        name: Name of the metric in histories and configurations; by default that of the function.
        dtype: Name of the dtype that the configuration holds; by default that of `keras.backend.floatx`.
        from_logits: Whether `y_pred` is the input of a sigmoid instead of its result.
        label_smoothing: The share of each label that becomes ½, from 0 to 1.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(3, "sigmoid", input_shape=(2,))])
        >>> model.compile("sgd", "mse", metrics=[tf.keras.metrics.BinaryCrossentropy()])
        >>> model.metrics_names
        ['loss', 'binary_crossentropy']
    """

    function = staticmethod(binary_crossentropy)

    def __init__(
        self, name: str | None = None, dtype: Any = None, from_logits: bool = False, label_smoothing: float = 0
    ) -> None:
        super().__init__(name, dtype)
        self.options = {"from_logits": from_logits, "label_smoothing": label_smoothing}


class Hinge(FunctionMetric):
    """The mean of `hinge` over all examples.

    Args:
        name: Name of the metric in histories and configurations; by default that of the function.
        dtype: Name of the dtype that the configuration holds; by default that of `keras.backend.floatx`.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(3, "sigmoid", input_shape=(2,))])
        >>> model.compile("sgd", "mse", metrics=[tf.keras.metrics.Hinge()])
        >>> model.metrics_names
        ['loss', 'hinge']
    """

    function = staticmethod(hinge)


class KLDivergence(FunctionMetric):
    """The mean of `kullback_leibler_divergence` over all examples.

    Args:
        name: Name of the metric in histories and configurations; by default that of the function.
        dtype: Name of the dtype that the configuration holds; by default that of `keras.backend.floatx`.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(3, "softmax", input_shape=(2,))])
        >>> model.compile("sgd", "categorical_crossentropy", metrics=[tf.keras.metrics.KLDivergence("divergence")])
        >>> model.metrics_names
        ['loss', 'divergence']
    """

    function = staticmethod(kullback_leibler_divergence)


class Poisson(FunctionMetric):
    """The mean of `poisson` over all examples.

    Args:
        name: Name of the metric in histories and configurations; by default that of the function.
        dtype: Name of the dtype that the configuration holds; by default that of `keras.backend.floatx`.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(3, "sigmoid", input_shape=(2,))])
        >>> model.compile("sgd", "mse", metrics=[tf.keras.metrics.Poisson()])
        >>> model.metrics_names
        ['loss', 'poisson']
    """

    function = staticmethod(poisson)
