"""The base classes of metrics as objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from minigraph import math
from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Tensor
from minigraph.keras.state import floatx, unique_name
from minigraph.ops.array.shape import size as size_of
from minigraph.ops.math.casting import cast

__all__ = ["Metric"]


class Metric:
    """Base class of metrics as objects. A subclass defines `sums`, and `final` if the metric is no mean.

    What `sums` gives is added up on the host over the batches of an epoch; `final` makes the metric of the totals.

    Args:
        name: Name of the metric in histories and configurations; by default made from the class's name.
        dtype: Name of the dtype that the configuration holds; by default that of `keras.backend.floatx`.
        **kwargs: Ignored, as TensorFlow's base class takes more arguments.

    Example:
        >>> class Largest(tf.keras.metrics.Metric):
        ...     def sums(self, y_true, y_pred, sample_weight=None):
        ...         return [tf.reduce_sum(tf.reduce_max(y_pred, axis=-1)), tf.cast(tf.shape(y_pred)[0], tf.float32)]
        >>> model = tf.keras.Sequential([tf.keras.layers.ReLU(input_shape=(2,))])
        >>> model.compile("sgd", "mse", metrics=[Largest(name="largest")])
        >>> [float(v) for v in model.test_on_batch(np.array([[1.0, 3.0], [5.0, 0.0]]), np.zeros([2, 2]))]
        [8.75, 4.0]
    """

    def __init__(self, name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        self.name = name or unique_name(type(self).__name__)
        self.dtype = dtype or floatx()

    def sums(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> list[Tensor]:
        """Compute what a batch adds to the metric.

        Args:
            y_true: Wanted values of the batch.
            y_pred: Predicted values of the batch.
            sample_weight: Weights of the examples; None for 1.

        Returns:
            Tensors, which are added up over the batches.
        """
        raise NotImplementedError(type(self).__name__)

    def final(self, totals: Sequence[Any]) -> Any:
        """Compute the metric.

        Args:
            totals: Arrays, the sums of what `sums` gave.

        Returns:
            A number; by default the first total divided by the second, 0 if that is 0.
        """
        return totals[0] / totals[1] if totals[1] else 0.0

    def get_config(self) -> dict[str, Any]:
        """The arguments that make such a metric.

        Returns:
            The arguments of the constructor, by name.
        """
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Make a metric from its configuration.

        Args:
            config: What `get_config` gives.

        Returns:
            A new metric of the class.
        """
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

    options: Mapping[str, Any] = {}

    def __init__(self, fn: Callable[..., Any], name: str, dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self.fn = fn

    def sums(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> list[Tensor]:
        return mean_sums(self.fn(y_true, y_pred, **self.options), sample_weight)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.options}


class FunctionMetric(MeanMetric):
    """The mean of what the class's function gives for each example."""

    function: ClassVar[Callable[..., Tensor]]

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        function = type(self).function
        super().__init__(function, name or function.__name__, dtype)
