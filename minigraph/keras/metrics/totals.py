"""Metrics of totals over an epoch that are no means: precision, recall, and the area under a curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph import math
from minigraph.core.arguments import refuse
from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Tensor
from minigraph.keras.losses.classes import weighted
from minigraph.keras.metrics.base import Metric, mean_sums
from minigraph.keras.state import epsilon, floatx
from minigraph.ops.array.reshape import reshape
from minigraph.ops.math.casting import cast

__all__ = ["AUC", "Precision", "Recall", "RootMeanSquaredError"]


class Precision(Metric):
    """The share of elements that are 1 among those predicted to be 1: true positives/(true and false positives).

    Args:
        thresholds: The largest probability that is taken for 0; None for 0.5.
        top_k: TensorFlow's argument, which must be None.
        class_id: Index of the only class that counts; None for all.
        name: Name of the metric in histories and configurations; by default made from the class's name.
        dtype: Name of the dtype that the configuration holds; by default that of `keras.backend.floatx`.

    Raises:
        NotImplementedError: `top_k` is given, or `thresholds` is a list.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(3, "sigmoid", input_shape=(2,))])
        >>> model.compile("sgd", "binary_crossentropy", metrics=[tf.keras.metrics.Precision(0.8)])
        >>> model.metrics_names
        ['loss', 'precision']
    """

    def __init__(self, thresholds: float | None = None, top_k: None = None, class_id: int | None = None,
                 name: str | None = None, dtype: Any = None) -> None:  # fmt: skip
        super().__init__(name, dtype)
        if top_k is not None or isinstance(thresholds, list | tuple):
            raise NotImplementedError("top_k and lists of thresholds are not supported")
        self.thresholds, self.class_id = 0.5 if thresholds is None else thresholds, class_id

    def sums(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> list[Tensor]:
        y_true, y_pred = convert_to_tensor(y_true), convert_to_tensor(y_pred)
        if self.class_id is not None:
            y_true, y_pred = y_true[..., self.class_id], y_pred[..., self.class_id]
        wanted = cast(cast(y_true, "bool"), floatx())
        chosen = cast(math.greater(y_pred, self.thresholds), floatx())
        return [weighted(v, sample_weight, "sum") for v in self.counts(wanted, chosen)]

    def counts(self, wanted: Tensor, chosen: Tensor) -> list[Tensor]:
        """Mark the elements that the two totals count.

        Args:
            wanted: 1 for elements that are 1, else 0.
            chosen: 1 for elements that are predicted to be 1, else 0.

        Returns:
            Two tensors: 1 for each true positive, and 1 for each element of the denominator.
        """
        return [wanted * chosen, chosen]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "thresholds": self.thresholds, "class_id": self.class_id}


class Recall(Precision):
    """The share of elements that are predicted to be 1 among those that are 1: true positives/positives.

    Args:
        thresholds: The largest probability that is taken for 0; None for 0.5.
        top_k: TensorFlow's argument, which must be None.
        class_id: Index of the only class that counts; None for all.
        name: Name of the metric in histories and configurations; by default made from the class's name.
        dtype: Name of the dtype that the configuration holds; by default that of `keras.backend.floatx`.

    Raises:
        NotImplementedError: `top_k` is given, or `thresholds` is a list.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(3, "sigmoid", input_shape=(2,))])
        >>> model.compile("sgd", "binary_crossentropy", metrics=[tf.keras.metrics.Recall(class_id=1)])
        >>> model.metrics_names
        ['loss', 'recall']
    """

    def counts(self, wanted: Tensor, chosen: Tensor) -> list[Tensor]:
        return [wanted * chosen, wanted]


class RootMeanSquaredError(Metric):
    """The root of the mean of (prediction − truth)² over all elements of an epoch.

    Args:
        name: Name of the metric in histories and configurations; by default made from the class's name.
        dtype: Name of the dtype that the configuration holds; by default that of `keras.backend.floatx`.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(3, "sigmoid", input_shape=(2,))])
        >>> model.compile("sgd", "mse", metrics=[tf.keras.metrics.RootMeanSquaredError()])
        >>> model.metrics_names
        ['loss', 'root_mean_squared_error']
    """

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def sums(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> list[Tensor]:
        y_pred = convert_to_tensor(y_pred)
        return mean_sums(math.squared_difference(y_pred, cast(convert_to_tensor(y_true), y_pred.dtype)), sample_weight)

    def final(self, totals: Sequence[Any]) -> Any:
        return np.sqrt(super().final(totals))


class AUC(Metric):
    """The area under the curve of the rate of true positives over that of false positives ("ROC"), by trapezoids.

    Args:
        num_thresholds: The number of points of the curve.
        curve: "ROC", the only one.
        summation_method: "interpolation", the only one.
        name: Name of the metric in histories and configurations; by default made from the class's name.
        dtype: Name of the dtype that the configuration holds; by default that of `keras.backend.floatx`.
        thresholds: TensorFlow's argument, which must be None.

    Raises:
        NotImplementedError: `curve` or `summation_method` is another.
        ValueError: `thresholds` is given.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.ReLU(input_shape=(1,))])
        >>> model.compile("sgd", "mse", metrics=[tf.keras.metrics.AUC()])
        >>> x, y = np.array([[0.1], [0.4], [0.35], [0.8]]), np.array([[0], [0], [1], [1]])
        >>> round(float(model.test_on_batch(x, y)[1]), 3)
        0.75
    """

    def __init__(self, num_thresholds: int = 200, curve: str = "ROC", summation_method: str = "interpolation",
                 name: str | None = None, dtype: Any = None, thresholds: Any = None) -> None:  # fmt: skip
        super().__init__(name, dtype)
        refuse("keras.metrics.AUC", thresholds=thresholds)
        if curve != "ROC" or summation_method != "interpolation":
            raise NotImplementedError('AUC takes curve="ROC" and summation_method="interpolation" only')
        self.num_thresholds = num_thresholds
        inner = [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
        self.thresholds = np.array([-epsilon(), *inner, 1.0 + epsilon()], np.float32)

    def sums(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> list[Tensor]:
        wanted = reshape(cast(cast(convert_to_tensor(y_true), "bool"), floatx()), [1, -1])
        above = cast(math.greater(reshape(y_pred, [1, -1]), self.thresholds[:, None]), floatx())
        counts = [above * wanted, above * (1.0 - wanted), wanted, 1.0 - wanted]
        return [math.reduce_sum(c, 1) for c in counts]

    def final(self, totals: Sequence[Any]) -> Any:
        true, false, positives, negatives = totals
        rates = [np.divide(a, b, out=np.zeros_like(a), where=b != 0)
                 for a, b in ((true, positives + 0 * true), (false, negatives + 0 * false))]  # fmt: skip
        return -np.trapezoid(rates[0], rates[1])
