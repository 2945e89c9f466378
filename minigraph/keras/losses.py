"""Losses: functions from the wanted and the predicted values to a number for each example, and classes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from minigraph import math, nn
from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Tensor
from minigraph.keras import backend as K
from minigraph.keras import lookup
from minigraph.keras.state import epsilon
from minigraph.ops.array.reshape import reshape
from minigraph.ops.array.shape import shape
from minigraph.ops.array.shape import size as size_of
from minigraph.ops.identity import Identity
from minigraph.ops.math.casting import cast
from minigraph.ops.math.clipping import clip_by_value

Loss_ = Callable[[Any, Any], Tensor]


def _both(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    y_pred = convert_to_tensor(y_pred)
    return cast(convert_to_tensor(y_true), y_pred.dtype), y_pred


def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of (prediction − truth)² over the last axis."""
    y_true, y_pred = _both(y_true, y_pred)
    return math.reduce_mean(math.squared_difference(y_pred, y_true), -1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of |prediction − truth| over the last axis."""
    y_true, y_pred = _both(y_true, y_pred)
    return math.reduce_mean(math.abs(y_pred - y_true), -1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of 100·|(prediction − truth)/truth| over the last axis."""
    y_true, y_pred = _both(y_true, y_pred)
    size = clip_by_value(math.abs(y_true), epsilon(), np.inf)
    return 100.0 * math.reduce_mean(math.abs((y_true - y_pred) / size), -1)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of (log(1 + prediction) − log(1 + truth))² over the last axis."""
    first, second = (math.log(clip_by_value(v, epsilon(), np.inf) + 1.0) for v in reversed(_both(y_true, y_pred)))
    return math.reduce_mean(math.squared_difference(first, second), -1)


def _signs(y_true: Tensor) -> Tensor:
    """Labels 0 and 1 as −1 and 1; labels −1 and 1 unchanged."""
    binary = math.reduce_all(math.logical_or(math.equal(y_true, 0.0), math.equal(y_true, 1.0)))
    share = cast(binary, y_true.dtype)
    return share * (2.0 * y_true - 1.0) + (1.0 - share) * y_true


def hinge(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of max(1 − truth·prediction, 0), where the truth is −1 or 1 (or 0 or 1)."""
    y_true, y_pred = _both(y_true, y_pred)
    return math.reduce_mean(nn.relu(1.0 - _signs(y_true) * y_pred), -1)


def squared_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of max(1 − truth·prediction, 0)²."""
    y_true, y_pred = _both(y_true, y_pred)
    return math.reduce_mean(math.square(nn.relu(1.0 - _signs(y_true) * y_pred)), -1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """max(0, 1 + the largest prediction of a wrong class − that of the right class)."""
    y_true, y_pred = _both(y_true, y_pred)
    right = math.reduce_sum(y_true * y_pred, -1)
    return nn.relu(math.reduce_max((1.0 - y_true) * y_pred, -1) - right + 1.0)


def logcosh(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of log(cosh(prediction − truth)) over the last axis."""
    y_true, y_pred = _both(y_true, y_pred)
    x = y_pred - y_true
    return math.reduce_mean(x + nn.softplus(-2.0 * x) - float(np.log(2.0)), -1)


def huber_loss(y_true: Any, y_pred: Any, delta: float = 1.0) -> Tensor:
    """½·e² for errors up to `delta`, beyond that delta·|e| − ½·delta²: for each element."""
    y_true, y_pred = _both(y_true, y_pred)
    error = math.abs(y_pred - y_true)
    small = math.minimum(error, delta)
    return 0.5 * small * small + delta * (error - small)


def poisson(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of prediction − truth·log(prediction) over the last axis."""
    y_true, y_pred = _both(y_true, y_pred)
    return math.reduce_mean(y_pred - y_true * math.log(y_pred + epsilon()), -1)


def kullback_leibler_divergence(y_true: Any, y_pred: Any) -> Tensor:
    """The sum of truth·log(truth/prediction) over the last axis."""
    y_true, y_pred = (clip_by_value(v, epsilon(), 1.0) for v in _both(y_true, y_pred))
    return math.reduce_sum(y_true * math.log(y_true / y_pred), -1)


def cosine_proximity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """The cosine of the angle between truth and prediction: 1 for the same direction, as in TensorFlow 1.15."""
    y_true, y_pred = (nn.l2_normalize(v, axis) for v in _both(y_true, y_pred))
    return math.reduce_sum(y_true * y_pred, axis)


def _logits(y_pred: Any, kind: str) -> Tensor | None:
    """The tensor whose softmax or sigmoid the prediction is; None if it is none."""
    y_pred = convert_to_tensor(y_pred)
    while isinstance(y_pred.node.op, Identity):
        y_pred = y_pred.node.inputs[0]
    return y_pred.node.inputs[0] if y_pred.node.type == kind else None


def categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0) -> Tensor:
    """−Σ truth·log(prediction) over the classes. from_logits: the softmax of the prediction is still to be taken.

    Where the prediction is a softmax, its logits are used, which is exact for small probabilities.
    """
    y_true, y_pred = _both(y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / float(y_true.type.shape[-1] or 1)
    logits = y_pred if from_logits else _logits(y_pred, "Softmax")
    if logits is not None:
        return nn.softmax_cross_entropy_with_logits_v2(labels=y_true, logits=logits)
    y_pred = y_pred / math.reduce_sum(y_pred, -1, keepdims=True)
    return -math.reduce_sum(y_true * math.log(clip_by_value(y_pred, epsilon(), 1.0 - epsilon())), -1)


def sparse_categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, axis: int = -1) -> Tensor:
    """−log(prediction of the right class), whose index is the truth."""
    y_true, y_pred = convert_to_tensor(y_true), convert_to_tensor(y_pred)
    logits = y_pred if from_logits else _logits(y_pred, "Softmax")
    if logits is None:
        logits = math.log(clip_by_value(y_pred, epsilon(), 1.0 - epsilon()))
    classes = logits.type.shape[-1]  # type: ignore[index]
    rows = reshape(logits, [-1, classes]) if logits.type.rank != 2 else logits
    loss = nn.sparse_softmax_cross_entropy_with_logits(labels=cast(reshape(y_true, [-1]), "int64"), logits=rows)
    return loss if rows is logits else reshape(loss, shape(logits)[:-1])


def binary_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0) -> Tensor:
    """The mean of −truth·log(prediction) − (1 − truth)·log(1 − prediction) over the last axis."""
    y_true, y_pred = _both(y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    logits = y_pred if from_logits else _logits(y_pred, "Sigmoid")
    if logits is not None:
        return math.reduce_mean(nn.sigmoid_cross_entropy_with_logits(labels=y_true, logits=logits), -1)
    y_pred = clip_by_value(y_pred, epsilon(), 1.0 - epsilon())
    whole = y_true * math.log(y_pred + epsilon()) + (1.0 - y_true) * math.log(1.0 - y_pred + epsilon())
    return -math.reduce_mean(whole, -1)


# classes


class Loss:
    """The base class of losses with arguments. A subclass defines `call(y_true, y_pred)`.

    reduction: "auto" and "sum_over_batch_size" for the mean, "sum", or "none". name: what histories call it.
    """

    def __init__(self, reduction: str = "auto", name: str | None = None) -> None:
        self.reduction, self.name = reduction, name

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each example. For subclasses."""
        raise NotImplementedError("Must be implemented in subclasses.")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss, reduced."""
        return weighted(self.call(y_true, y_pred), sample_weight, self.reduction)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"reduction": self.reduction, "name": self.name}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """The object of a configuration."""
        return cls(**config)


def weighted(losses: Any, weights: Any, reduction: str = "auto") -> Any:
    """Losses times weights, reduced: "auto" for their sum divided by the number of losses."""
    losses = convert_to_tensor(losses)
    if weights is not None:
        weights = cast(convert_to_tensor(weights), losses.dtype)
        for _ in range((losses.type.rank or 0) - (weights.type.rank or 0)):
            weights = K.expand_dims(weights)
        losses = losses * weights
    if reduction == "none":
        return losses
    total = math.reduce_sum(losses)
    return total if reduction == "sum" else total / cast(size_of(losses), losses.dtype)


class FunctionLoss(Loss):
    """A loss that calls a function."""

    function: ClassVar[Callable[..., Tensor]]

    def __init__(self, reduction: str = "auto", name: str | None = None, **options: Any) -> None:
        super().__init__(reduction, name or type(self).function.__name__)
        self.options = options

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each example."""
        return type(self).function(y_true, y_pred, **self.options)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), **self.options}


class MeanSquaredError(FunctionLoss):
    """`mean_squared_error` as an object."""

    function = staticmethod(mean_squared_error)


class MeanAbsoluteError(FunctionLoss):
    """`mean_absolute_error` as an object."""

    function = staticmethod(mean_absolute_error)


class MeanAbsolutePercentageError(FunctionLoss):
    """`mean_absolute_percentage_error` as an object."""

    function = staticmethod(mean_absolute_percentage_error)


class MeanSquaredLogarithmicError(FunctionLoss):
    """`mean_squared_logarithmic_error` as an object."""

    function = staticmethod(mean_squared_logarithmic_error)


class Hinge(FunctionLoss):
    """`hinge` as an object."""

    function = staticmethod(hinge)


class SquaredHinge(FunctionLoss):
    """`squared_hinge` as an object."""

    function = staticmethod(squared_hinge)


class CategoricalHinge(FunctionLoss):
    """`categorical_hinge` as an object."""

    function = staticmethod(categorical_hinge)


class LogCosh(FunctionLoss):
    """`logcosh` as an object."""

    function = staticmethod(logcosh)


class Poisson(FunctionLoss):
    """`poisson` as an object."""

    function = staticmethod(poisson)


class KLDivergence(FunctionLoss):
    """`kullback_leibler_divergence` as an object."""

    function = staticmethod(kullback_leibler_divergence)


class Huber(FunctionLoss):
    """`huber_loss` as an object."""

    function = staticmethod(huber_loss)

    def __init__(self, delta: float = 1.0, reduction: str = "auto", name: str | None = "huber_loss") -> None:
        super().__init__(reduction, name, delta=delta)


class CosineSimilarity(FunctionLoss):
    """`cosine_proximity` as an object."""

    function = staticmethod(cosine_proximity)

    def __init__(self, axis: int = -1, reduction: str = "auto", name: str | None = "cosine_similarity") -> None:
        super().__init__(reduction, name, axis=axis)


class CategoricalCrossentropy(FunctionLoss):
    """`categorical_crossentropy` as an object."""

    function = staticmethod(categorical_crossentropy)

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0, reduction: str = "auto",
        name: str | None = "categorical_crossentropy",
    ) -> None:  # fmt: skip
        super().__init__(reduction, name, from_logits=from_logits, label_smoothing=label_smoothing)


class SparseCategoricalCrossentropy(FunctionLoss):
    """`sparse_categorical_crossentropy` as an object."""

    function = staticmethod(sparse_categorical_crossentropy)

    def __init__(
        self, from_logits: bool = False, reduction: str = "auto", name: str | None = "sparse_categorical_crossentropy"
    ) -> None:
        super().__init__(reduction, name, from_logits=from_logits)


class BinaryCrossentropy(FunctionLoss):
    """`binary_crossentropy` as an object."""

    function = staticmethod(binary_crossentropy)

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0, reduction: str = "auto",
        name: str | None = "binary_crossentropy",
    ) -> None:  # fmt: skip
        super().__init__(reduction, name, from_logits=from_logits, label_smoothing=label_smoothing)


mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kullback_leibler_divergence
cosine = cosine_similarity = cosine_proximity

FUNCTIONS: dict[str, Loss_] = {
    f.__name__: f
    for f in (
        mean_squared_error, mean_absolute_error, mean_absolute_percentage_error, mean_squared_logarithmic_error, hinge,
        squared_hinge, categorical_hinge, logcosh, huber_loss, poisson, kullback_leibler_divergence, cosine_proximity,
        categorical_crossentropy, sparse_categorical_crossentropy, binary_crossentropy,
    )
} | {
    "mse": mse, "MSE": mse, "mae": mae, "MAE": mae, "mape": mape, "MAPE": mape, "msle": msle, "MSLE": msle, "kld": kld,
    "KLD": kld, "cosine_similarity": cosine_proximity, "cosine": cosine_proximity,
}  # fmt: skip
_CLASSES = (MeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredLogarithmicError, Hinge,
            SquaredHinge, CategoricalHinge, LogCosh, Poisson, KLDivergence, Huber, CosineSimilarity,
            CategoricalCrossentropy, SparseCategoricalCrossentropy, BinaryCrossentropy)  # fmt: skip
_TABLE: dict[str, Any] = {**FUNCTIONS, **{kind.__name__: kind for kind in _CLASSES}}


def get(identifier: Any) -> Any:
    """The loss of a name or a configuration; a function is itself."""
    return lookup.get(identifier, _TABLE, "loss function")


def deserialize(name: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The loss of a name or a configuration."""
    with lookup.custom_object_scope(custom_objects or {}):
        return get(name)


def serialize(loss: Any) -> Any:
    """The name of a function, or the configuration of an object."""
    return lookup.to_config(loss)
