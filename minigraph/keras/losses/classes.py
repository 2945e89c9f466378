"""Losses as objects, and `get`, which finds a loss by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from minigraph import math
from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Tensor
from minigraph.keras import backend as K
from minigraph.keras import lookup
from minigraph.keras.losses.functions import (
    FUNCTIONS,
    binary_crossentropy,
    categorical_crossentropy,
    categorical_hinge,
    cosine_proximity,
    hinge,
    huber_loss,
    kullback_leibler_divergence,
    logcosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from minigraph.ops.array.shape import size as size_of
from minigraph.ops.math.casting import cast

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "deserialize",
    "get",
    "serialize",
]


class Loss:
    """Base class of losses as objects. A subclass defines `call`.

    The object is a function of (y_true, y_pred, sample_weight=None), whose result is the reduced loss. The weights are
    numbers for each example, or for each element of the loss.

    Args:
        reduction: "auto" or "sum_over_batch_size" for the mean over the examples, "sum", or "none".
        name: Name of the loss in histories and configurations.

    Example:
        >>> class Largest(tf.keras.losses.Loss):
        ...     def call(self, y_true, y_pred):
        ...         return tf.reduce_max(tf.abs(y_true - y_pred), axis=-1)
        >>> loss = Largest()(tf.constant([[0.0, 1.0], [2.0, 2.0]]), tf.constant([[0.5, 4.0], [2.0, 3.0]]))
        >>> print(tf.Session().run(loss))
        2.0
    """

    def __init__(self, reduction: str = "auto", name: str | None = None) -> None:
        self.reduction, self.name = reduction, name

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Compute the loss of each example.

        Args:
            y_true: Wanted values.
            y_pred: Predicted values.

        Returns:
            A tensor of losses, before the reduction.
        """
        raise NotImplementedError("Must be implemented in subclasses.")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss, reduced."""
        return weighted(self.call(y_true, y_pred), sample_weight, self.reduction)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make such a loss.

        Returns:
            The arguments of the constructor, by name.
        """
        return {"reduction": self.reduction, "name": self.name}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Make a loss from its configuration.

        Args:
            config: What `get_config` gives.

        Returns:
            A new loss of the class.
        """
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
    options: Mapping[str, Any] = {}

    def __init__(self, reduction: str = "auto", name: str | None = None) -> None:
        super().__init__(reduction, name or type(self).function.__name__)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return type(self).function(y_true, y_pred, **self.options)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.options}


class MeanSquaredError(FunctionLoss):
    """The mean of (prediction − truth)²: `mean_squared_error` as an object.

    Args:
        reduction: "auto" or "sum_over_batch_size" for the mean over the examples, "sum", or "none".
        name: Name of the loss in histories and configurations; by default that of the function.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.MeanSquaredError()([[0.0, 1.0]], [[3.0, 1.0]])))
        4.5
    """

    function = staticmethod(mean_squared_error)


class MeanAbsoluteError(FunctionLoss):
    """The mean of |prediction − truth|: `mean_absolute_error` as an object.

    Args:
        reduction: "auto" or "sum_over_batch_size" for the mean over the examples, "sum", or "none".
        name: Name of the loss in histories and configurations; by default that of the function.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.MeanAbsoluteError()([[0.0, 1.0]], [[3.0, 1.0]])))
        1.5
    """

    function = staticmethod(mean_absolute_error)


class MeanAbsolutePercentageError(FunctionLoss):
    """The mean of 100·|(prediction − truth)/truth|: `mean_absolute_percentage_error` as an object.

    Args:
        reduction: "auto" or "sum_over_batch_size" for the mean over the examples, "sum", or "none".
        name: Name of the loss in histories and configurations; by default that of the function.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.MeanAbsolutePercentageError()([[1.0, 4.0]], [[3.0, 3.0]])))
        112.5
    """

    function = staticmethod(mean_absolute_percentage_error)


class MeanSquaredLogarithmicError(FunctionLoss):
    """The mean of (log(1 + prediction) − log(1 + truth))²: `mean_squared_logarithmic_error` as an object.

    Args:
        reduction: "auto" or "sum_over_batch_size" for the mean over the examples, "sum", or "none".
        name: Name of the loss in histories and configurations; by default that of the function.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.MeanSquaredLogarithmicError()([[0.0, 1.0]], [[1.0, 1.0]])))
        0.24022643
    """

    function = staticmethod(mean_squared_logarithmic_error)


class Hinge(FunctionLoss):
    """The mean of max(1 − truth·prediction, 0): `hinge` as an object.

    Args:
        reduction: "auto" or "sum_over_batch_size" for the mean over the examples, "sum", or "none".
        name: Name of the loss in histories and configurations; by default that of the function.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.Hinge()([[-1.0, 1.0]], [[0.5, 2.0]])))
        0.75
    """

    function = staticmethod(hinge)


class SquaredHinge(FunctionLoss):
    """The mean of max(1 − truth·prediction, 0)²: `squared_hinge` as an object.

    Args:
        reduction: "auto" or "sum_over_batch_size" for the mean over the examples, "sum", or "none".
        name: Name of the loss in histories and configurations; by default that of the function.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.SquaredHinge()([[-1.0, 1.0]], [[0.5, 2.0]])))
        1.125
    """

    function = staticmethod(squared_hinge)


class CategoricalHinge(FunctionLoss):
    """The margin by which a wrong class beats the right one: `categorical_hinge` as an object.

    Args:
        reduction: "auto" or "sum_over_batch_size" for the mean over the examples, "sum", or "none".
        name: Name of the loss in histories and configurations; by default that of the function.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.CategoricalHinge()([[0.0, 1.0]], [[0.5, 0.75]])))
        0.75
    """

    function = staticmethod(categorical_hinge)


class LogCosh(FunctionLoss):
    """The mean of log(cosh(prediction − truth)): `logcosh` as an object.

    Args:
        reduction: "auto" or "sum_over_batch_size" for the mean over the examples, "sum", or "none".
        name: Name of the loss in histories and configurations; by default that of the function.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.LogCosh()([[0.0]], [[1.0]])))
        0.4337808
    """

    function = staticmethod(logcosh)


class Poisson(FunctionLoss):
    """The mean of prediction − truth·log(prediction): `poisson` as an object.

    Args:
        reduction: "auto" or "sum_over_batch_size" for the mean over the examples, "sum", or "none".
        name: Name of the loss in histories and configurations; by default that of the function.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.Poisson()([[0.0, 1.0]], [[3.0, 1.0]])))
        2.0
    """

    function = staticmethod(poisson)


class KLDivergence(FunctionLoss):
    """The sum of truth·log(truth/prediction): `kullback_leibler_divergence` as an object.

    Args:
        reduction: "auto" or "sum_over_batch_size" for the mean over the examples, "sum", or "none".
        name: Name of the loss in histories and configurations; by default that of the function.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.KLDivergence()([[1.0, 0.0]], [[0.5, 0.5]])).round(3))
        0.693
    """

    function = staticmethod(kullback_leibler_divergence)


class Huber(FunctionLoss):
    """½·e² for small errors, and a line for large ones: `huber_loss` as an object.

    Args:
        delta: The error at which the parabola becomes a line.
        reduction: "auto" or "sum_over_batch_size" for the mean over the examples, "sum", or "none".
        name: Name of the loss in histories and configurations; by default that of the function.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.Huber(delta=2.0)([[0.0, 0.0]], [[1.0, 3.0]])))
        2.25
    """

    function = staticmethod(huber_loss)

    def __init__(self, delta: float = 1.0, reduction: str = "auto", name: str | None = "huber_loss") -> None:
        super().__init__(reduction, name)
        self.options = {"delta": delta}


class CosineSimilarity(FunctionLoss):
    """The cosine of the angle between truth and prediction: `cosine_proximity` as an object.

    Args:
        axis: The axis of the vectors.
        reduction: "auto" or "sum_over_batch_size" for the mean over the examples, "sum", or "none".
        name: Name of the loss in histories and configurations; by default that of the function.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.CosineSimilarity()([[0.0, 1.0]], [[3.0, 4.0]])))
        0.8
    """

    function = staticmethod(cosine_proximity)

    def __init__(self, axis: int = -1, reduction: str = "auto", name: str | None = "cosine_similarity") -> None:
        super().__init__(reduction, name)
        self.options = {"axis": axis}


class CategoricalCrossentropy(FunctionLoss):
    """−Σ truth·log(prediction) over the classes: `categorical_crossentropy` as an object.

    Args:
        from_logits: Whether `y_pred` is the input of a softmax instead of its result.
        label_smoothing: The share of each label that is spread evenly over all classes, from 0 to 1.
        reduction: "auto" or "sum_over_batch_size" for the mean over the examples, "sum", or "none".
        name: Name of the loss in histories and configurations; by default that of the function.

    Example:
        >>> loss = tf.keras.losses.CategoricalCrossentropy(from_logits=True)
        >>> print(tf.Session().run(loss([[0.0, 1.0]], [[2.0, 2.0]])))
        0.6931472
    """

    function = staticmethod(categorical_crossentropy)

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0, reduction: str = "auto",
        name: str | None = "categorical_crossentropy",
    ) -> None:  # fmt: skip
        super().__init__(reduction, name)
        self.options = {"from_logits": from_logits, "label_smoothing": label_smoothing}


class SparseCategoricalCrossentropy(FunctionLoss):
    """−log(prediction of the right class): `sparse_categorical_crossentropy` as an object.

    Args:
        from_logits: Whether `y_pred` is the input of a softmax instead of its result.
        reduction: "auto" or "sum_over_batch_size" for the mean over the examples, "sum", or "none".
        name: Name of the loss in histories and configurations; by default that of the function.

    Example:
        >>> loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        >>> print(tf.Session().run(loss([1], [[2.0, 2.0]])))
        0.6931472
    """

    function = staticmethod(sparse_categorical_crossentropy)

    def __init__(
        self, from_logits: bool = False, reduction: str = "auto", name: str | None = "sparse_categorical_crossentropy"
    ) -> None:
        super().__init__(reduction, name)
        self.options = {"from_logits": from_logits}


class BinaryCrossentropy(FunctionLoss):
    """The cross entropy of independent labels 0 and 1: `binary_crossentropy` as an object.

    Args:
        from_logits: Whether `y_pred` is the input of a sigmoid instead of its result.
        label_smoothing: The share of each label that becomes ½, from 0 to 1.
        reduction: "auto" or "sum_over_batch_size" for the mean over the examples, "sum", or "none".
        name: Name of the loss in histories and configurations; by default that of the function.

    Example:
        >>> loss = tf.keras.losses.BinaryCrossentropy(from_logits=True)
        >>> print(tf.Session().run(loss([[0.0, 1.0]], [[0.0, 0.0]])))
        0.6931472
    """

    function = staticmethod(binary_crossentropy)

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0, reduction: str = "auto",
        name: str | None = "binary_crossentropy",
    ) -> None:  # fmt: skip
        super().__init__(reduction, name)
        self.options = {"from_logits": from_logits, "label_smoothing": label_smoothing}


_CLASSES = (MeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredLogarithmicError, Hinge,
            SquaredHinge, CategoricalHinge, LogCosh, Poisson, KLDivergence, Huber, CosineSimilarity,
            CategoricalCrossentropy, SparseCategoricalCrossentropy, BinaryCrossentropy)  # fmt: skip
_TABLE: dict[str, Any] = {**FUNCTIONS, **{kind.__name__: kind for kind in _CLASSES}}


def get(identifier: Any) -> Any:
    """The loss that an argument stands for.

    Args:
        identifier: A name such as "mse" or "Huber", a configuration, a class, a loss, or None.

    Returns:
        A function of (y_true, y_pred), or an object of `Loss`; None for None.

    Raises:
        ValueError: There is no such name, or the configuration has another form.

    Example:
        >>> tf.keras.losses.get("mse") is tf.keras.losses.mean_squared_error
        True
    """
    return lookup.get(identifier, _TABLE, "loss function")


def deserialize(name: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Make a loss from its name or its configuration.

    Args:
        name: The name, or the dictionary `{"class_name": …, "config": …}`.
        custom_objects: Classes and functions that the configuration may name besides Keras's own, by name.

    Returns:
        A function of (y_true, y_pred), or an object of `Loss`.

    Raises:
        ValueError: There is no such name, or the configuration has another form.

    Example:
        >>> tf.keras.losses.deserialize("hinge") is tf.keras.losses.hinge
        True
    """
    return lookup.deserialize(name, _TABLE, "loss function", custom_objects)


def serialize(loss: Any) -> Any:
    """The name or the configuration of a loss.

    Args:
        loss: A function, an object of `Loss`, or None.

    Returns:
        The name of a function, the dictionary that `deserialize` takes for an object, and None for None.

    Example:
        >>> tf.keras.losses.serialize(tf.keras.losses.Huber(2.0))
        {'class_name': 'Huber', 'config': {'reduction': 'auto', 'name': 'huber_loss', 'delta': 2.0}}
    """
    return lookup.to_config(loss)
