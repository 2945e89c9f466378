"""Metrics: numbers that a model reports, as means over all examples of an epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, Signature
from typing import Any, ClassVar

import numpy as np

from minigraph import math, nn
from minigraph.core.arguments import refuse
from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Tensor
from minigraph.keras import backend as K
from minigraph.keras import lookup, losses
from minigraph.keras.state import epsilon, floatx, unique_name
from minigraph.ops.array.reshape import reshape
from minigraph.ops.array.shape import size as size_of
from minigraph.ops.math.casting import cast

binary_crossentropy = losses.binary_crossentropy
categorical_crossentropy = losses.categorical_crossentropy
sparse_categorical_crossentropy = losses.sparse_categorical_crossentropy
mse = MSE = mean_squared_error = losses.mean_squared_error
mae = MAE = mean_absolute_error = losses.mean_absolute_error
mape = MAPE = mean_absolute_percentage_error = losses.mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error = losses.mean_squared_logarithmic_error
kld = KLD = kullback_leibler_divergence = losses.kullback_leibler_divergence
cosine = cosine_proximity = cosine_similarity = losses.cosine_proximity
hinge, squared_hinge, poisson = losses.hinge, losses.squared_hinge, losses.poisson


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """The share of elements over the last axis that are on the right side of a threshold."""
    y_pred = convert_to_tensor(y_pred)
    chosen = cast(math.greater(y_pred, threshold), y_pred.dtype)
    return K.mean(math.equal(cast(convert_to_tensor(y_true), y_pred.dtype), chosen), -1)


def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Whether the largest prediction is that of the right class."""
    return cast(math.equal(math.argmax(y_true, -1), math.argmax(y_pred, -1)), floatx())


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Whether the largest prediction is that of the right class, whose index is the truth."""
    y_true, y_pred = convert_to_tensor(y_true), convert_to_tensor(y_pred)
    if y_true.type.rank == y_pred.type.rank:
        y_true = K.squeeze(y_true, -1)
    return cast(math.equal(cast(y_true, floatx()), cast(math.argmax(y_pred, -1), floatx())), floatx())


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """Whether the right class is among the k largest predictions."""
    return cast(nn.in_top_k(y_pred, math.argmax(y_true, -1), k), floatx())


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """Whether the right class, whose index is the truth, is among the k largest predictions."""
    return cast(nn.in_top_k(y_pred, cast(reshape(y_true, [-1]), "int32"), k), floatx())


class Metric:
    """The base class of metrics. A subclass defines `sums`, and `final` if the metric is no mean.

    The tensors that `sums` makes are added up over the batches of an epoch on the host; `final` makes the number of
    their totals.
    """

    def __init__(self, name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        self.name = name or unique_name(type(self).__name__)
        self.dtype = dtype or floatx()

    def sums(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> list[Tensor]:
        """The numbers to add up. For subclasses."""
        raise NotImplementedError(type(self).__name__)

    def final(self, totals: Sequence[Any]) -> Any:
        """The metric, of the totals: by default the first divided by the second, 0 without examples."""
        return totals[0] / totals[1] if totals[1] else 0.0

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """The object of a configuration."""
        return cls(**config)


def mean_sums(values: Any, weights: Any) -> list[Tensor]:
    """The sum of values times weights, and that of the weights."""
    values = cast(convert_to_tensor(values), floatx())
    if weights is None:
        return [math.reduce_sum(values), cast(size_of(values), values.dtype)]
    weights = cast(convert_to_tensor(weights), values.dtype)
    if (values.type.rank or 0) > (weights.type.rank or 0):
        values = math.reduce_mean(values, list(range(weights.type.rank or 0, values.type.rank or 0)))
    return [math.reduce_sum(values * weights), math.reduce_sum(weights)]


class MeanMetric(Metric):
    """The mean of what a function gives for each example."""

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **options: Any) -> None:
        super().__init__(name, dtype)
        self.function, self.options = fn, options

    def sums(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> list[Tensor]:
        """The numbers to add up."""
        return mean_sums(self.function(y_true, y_pred, **self.options), sample_weight)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), **self.options}


def _mean_class(
    name: str, function: Callable[..., Any], default: str, first: Sequence[str] = (), **options: Any
) -> type[Metric]:
    """A class for the mean of what `function` gives.

    options: the arguments of its constructor besides name and dtype, with defaults. first: those that come before.
    """
    defaults = {**{k: options[k] for k in first}, "name": default, "dtype": None, **options}

    def init(self: Any, *args: Any, **given: Any) -> None:
        values = {**defaults, **dict(zip(defaults, args, strict=False)), **given}
        if unknown := values.keys() - defaults.keys():
            raise TypeError(f"{type(self).__name__} has no argument {sorted(unknown)[0]!r}")
        MeanMetric.__init__(self, function, values.pop("name"), values.pop("dtype"), **values)

    parameters = [Parameter(k, Parameter.POSITIONAL_OR_KEYWORD, default=v) for k, v in defaults.items()]
    members = {"__init__": init, "__doc__": f"The mean of `{function.__name__}`.", "__module__": __name__,
               "__signature__": Signature(parameters)}  # fmt: skip
    return type(name, (MeanMetric,), members)


BinaryAccuracy = _mean_class("BinaryAccuracy", binary_accuracy, "binary_accuracy", threshold=0.5)
CategoricalAccuracy = _mean_class("CategoricalAccuracy", categorical_accuracy, "categorical_accuracy")
SparseCategoricalAccuracy = _mean_class(
    "SparseCategoricalAccuracy", sparse_categorical_accuracy, "sparse_categorical_accuracy"
)
TopKCategoricalAccuracy = _mean_class(
    "TopKCategoricalAccuracy", top_k_categorical_accuracy, "top_k_categorical_accuracy", ("k",), k=5
)
SparseTopKCategoricalAccuracy = _mean_class(
    "SparseTopKCategoricalAccuracy", sparse_top_k_categorical_accuracy, "sparse_top_k_categorical_accuracy", ("k",), k=5
)
MeanSquaredError = _mean_class("MeanSquaredError", mean_squared_error, "mean_squared_error")
MeanAbsoluteError = _mean_class("MeanAbsoluteError", mean_absolute_error, "mean_absolute_error")
MeanAbsolutePercentageError = _mean_class(
    "MeanAbsolutePercentageError", mean_absolute_percentage_error, "mean_absolute_percentage_error"
)
MeanSquaredLogarithmicError = _mean_class(
    "MeanSquaredLogarithmicError", mean_squared_logarithmic_error, "mean_squared_logarithmic_error"
)
CategoricalCrossentropy = _mean_class(
    "CategoricalCrossentropy", categorical_crossentropy, "categorical_crossentropy", from_logits=False,
    label_smoothing=0,
)  # fmt: skip
SparseCategoricalCrossentropy = _mean_class(
    "SparseCategoricalCrossentropy", sparse_categorical_crossentropy, "sparse_categorical_crossentropy",
    from_logits=False, axis=-1,
)  # fmt: skip
BinaryCrossentropy = _mean_class(
    "BinaryCrossentropy", binary_crossentropy, "binary_crossentropy", from_logits=False, label_smoothing=0
)
Hinge = _mean_class("Hinge", hinge, "hinge")
KLDivergence = _mean_class("KLDivergence", kullback_leibler_divergence, "kullback_leibler_divergence")
Poisson = _mean_class("Poisson", poisson, "poisson")


class Precision(Metric):
    """The share of right ones among the elements predicted above a threshold."""

    counted: ClassVar[str] = "predicted"

    def __init__(self, thresholds: float | None = None, top_k: None = None, class_id: int | None = None,
                 name: str | None = None, dtype: Any = None) -> None:  # fmt: skip
        super().__init__(name, dtype)
        if top_k is not None or isinstance(thresholds, list | tuple):
            raise NotImplementedError("top_k and lists of thresholds are not supported")
        self.thresholds, self.class_id = 0.5 if thresholds is None else thresholds, class_id

    def sums(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> list[Tensor]:
        """The numbers to add up."""
        y_true, y_pred = convert_to_tensor(y_true), convert_to_tensor(y_pred)
        if self.class_id is not None:
            y_true, y_pred = y_true[..., self.class_id], y_pred[..., self.class_id]
        wanted = cast(cast(y_true, "bool"), floatx())
        chosen = cast(math.greater(y_pred, self.thresholds), floatx())
        return [losses.weighted(v, sample_weight, "sum") for v in self.counts(wanted, chosen)]

    def counts(self, wanted: Tensor, chosen: Tensor) -> list[Tensor]:
        """Whether each element is right, and whether it counts."""
        return [wanted * chosen, chosen]

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "thresholds": self.thresholds, "class_id": self.class_id}


class Recall(Precision):
    """The share of elements predicted above a threshold among the right ones."""

    def counts(self, wanted: Tensor, chosen: Tensor) -> list[Tensor]:
        """Whether each element is right, and whether it counts."""
        return [wanted * chosen, wanted]


class RootMeanSquaredError(Metric):
    """The root of the mean squared error."""

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def sums(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> list[Tensor]:
        """The numbers to add up."""
        y_pred = convert_to_tensor(y_pred)
        return mean_sums(math.squared_difference(y_pred, cast(convert_to_tensor(y_true), y_pred.dtype)), sample_weight)

    def final(self, totals: Sequence[Any]) -> Any:
        """The metric, of the totals."""
        return np.sqrt(super().final(totals))


class AUC(Metric):
    """The area under the curve of true positives over false positives ("ROC"), by trapezoids."""

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
        """The numbers to add up: true and false positives and all of both kinds, for each threshold."""
        wanted = reshape(cast(cast(convert_to_tensor(y_true), "bool"), floatx()), [1, -1])
        above = cast(math.greater(reshape(y_pred, [1, -1]), self.thresholds[:, None]), floatx())
        counts = [above * wanted, above * (1.0 - wanted), wanted, 1.0 - wanted]
        return [math.reduce_sum(c, 1) for c in counts]

    def final(self, totals: Sequence[Any]) -> Any:
        """The metric, of the totals."""
        true, false, positives, negatives = totals
        rates = [np.divide(a, b, out=np.zeros_like(a), where=b != 0)
                 for a, b in ((true, positives + 0 * true), (false, negatives + 0 * false))]  # fmt: skip
        return -np.trapezoid(rates[0], rates[1])


_ACCURACIES = {
    "binary_accuracy": binary_accuracy, "categorical_accuracy": categorical_accuracy,
    "sparse_categorical_accuracy": sparse_categorical_accuracy,
    "top_k_categorical_accuracy": top_k_categorical_accuracy,
    "sparse_top_k_categorical_accuracy": sparse_top_k_categorical_accuracy,
}  # fmt: skip
_CLASSES = (BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy, TopKCategoricalAccuracy,
            SparseTopKCategoricalAccuracy, MeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError,
            MeanSquaredLogarithmicError, CategoricalCrossentropy, SparseCategoricalCrossentropy, BinaryCrossentropy,
            Hinge, KLDivergence, Poisson, Precision, Recall, RootMeanSquaredError, AUC)  # fmt: skip
_TABLE: dict[str, Any] = {**losses.FUNCTIONS, **_ACCURACIES, **{kind.__name__: kind for kind in _CLASSES}}


def get(identifier: Any) -> Any:
    """The metric of a name or a configuration; a function or an object is itself."""
    return identifier if isinstance(identifier, Metric) else lookup.get(identifier, _TABLE, "metric function")


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The metric of a name or a configuration."""
    with lookup.custom_object_scope(custom_objects or {}):
        return get(config)


def serialize(metric: Any) -> Any:
    """The name of a function, or the configuration of an object."""
    return lookup.to_config(metric)
