"""Normalisation, and activation functions that are layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigraph import math, nn
from minigraph.core.arguments import refuse
from minigraph.core.graph import Tensor
from minigraph.keras import activations
from minigraph.keras import backend as K
from minigraph.keras.base_layer import FieldLayer, InputSpec
from minigraph.ops.array.reshape import reshape
from minigraph.ops.math.casting import cast
from minigraph.ops.nn.norm import LEAST_EPSILON, bessel_corrected, normalised
from minigraph.ops.nn.statistics import moments
from minigraph.util.nest import listed

__all__ = ["ELU", "BatchNormalization", "LayerNormalization", "LeakyReLU", "PReLU", "ReLU", "Softmax",
           "ThresholdedReLU"]  # fmt: skip


class BatchNormalization(FieldLayer):
    """gamma·(x − mean)/√(variance + epsilon) + beta, by the batch's moments in training and by moving averages else."""

    axis: Any = -1
    momentum: float = 0.99
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    beta_initializer: Any = "zeros"
    gamma_initializer: Any = "ones"
    moving_mean_initializer: Any = "zeros"
    moving_variance_initializer: Any = "ones"
    beta_regularizer: Any = None
    gamma_regularizer: Any = None
    beta_constraint: Any = None
    gamma_constraint: Any = None

    def __init__(
        self, axis: Any = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        beta_initializer: Any = "zeros", gamma_initializer: Any = "ones", moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones", beta_regularizer: Any = None, gamma_regularizer: Any = None,
        beta_constraint: Any = None, gamma_constraint: Any = None, renorm: bool = False, renorm_clipping: Any = None,
        renorm_momentum: float = 0.99, fused: bool | None = None, trainable: bool = True,
        virtual_batch_size: Any = None, adjustment: Any = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        refuse(
            "keras.layers.BatchNormalization", renorm=renorm, renorm_clipping=renorm_clipping, adjustment=adjustment,
            virtual_batch_size=virtual_batch_size,
        )  # fmt: skip
        self._fused = fused
        super().__init__(
            axis, momentum, epsilon, center, scale, beta_initializer, gamma_initializer, moving_mean_initializer,
            moving_variance_initializer, beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint,
            trainable=trainable, name=name, **kwargs,
        )  # fmt: skip
        self.axis = list(self.axis) if isinstance(self.axis, tuple) else self.axis

    def build(self, input_shape: Any) -> None:
        """Make gamma, beta and the moving averages."""
        rank = input_shape.ndims
        axes = listed(self.axis)
        if len(axes) != 1 or not -rank <= axes[0] < rank:
            raise ValueError(f"Invalid axis: {self.axis}")
        self._along = axes[0] % rank
        self.axis, size = [self._along], input_shape[self._along].value
        if size is None:
            raise ValueError(f"There is no size along the axis {self._along} of the input shape {input_shape}.")
        self.input_spec = InputSpec(ndim=rank, axes={self._along: size})
        self.gamma = self.weight_of("gamma", [size]) if self.scale else None
        self.beta = self.weight_of("beta", [size]) if self.center else None
        start = self.moving_mean_initializer, self.moving_variance_initializer
        self.moving_mean = self.add_weight("moving_mean", [size], None, start[0], trainable=False)
        self.moving_variance = self.add_weight("moving_variance", [size], None, start[1], trainable=False)

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Compute the results."""
        others = [a for a in range(inputs.type.rank) if a != self._along]
        fused = self._fused is not False and len(others) == 3 and self._along in (1, 3)

        def by_batch() -> list[Tensor]:
            mean, variance = moments(inputs, others)
            kept = bessel_corrected(variance, inputs) if fused else variance
            return [self._normalised(inputs, mean, variance, fused), mean, kept]

        def by_averages() -> list[Tensor]:
            mean, variance = self.moving_mean.value(), self.moving_variance.value()
            return [self._normalised(inputs, mean, variance, fused), mean, variance]

        y, mean, variance = K.in_train_phase(by_batch, by_averages, training)
        if training is None or isinstance(training, Tensor) or training:
            for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
                with inputs.graph.name_scope("AssignMovingAvg"):
                    self.add_update(K.moving_average_update(average, value, self.momentum))
        return y

    def _normalised(self, x: Tensor, mean: Tensor, variance: Tensor, fused: bool) -> Tensor:
        parts: list[Any] = [mean, variance, self.beta, self.gamma]
        if self._along != (x.type.rank or 0) - 1:
            shape = [-1 if a == self._along else 1 for a in range(x.type.rank or 0)]
            parts = [None if p is None else reshape(p, shape) for p in parts]
        epsilon = max(self.epsilon, LEAST_EPSILON) if fused else self.epsilon
        mean, variance, offset, factor = parts
        return normalised(x, mean, variance, offset, factor, epsilon, "FusedBatchNormV3" if fused else "add_1")


class LayerNormalization(FieldLayer):
    """gamma·(x − mean)/√(variance + epsilon) + beta, by the moments of each example along an axis."""

    axis: Any = -1
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    beta_initializer: Any = "zeros"
    gamma_initializer: Any = "ones"
    beta_regularizer: Any = None
    gamma_regularizer: Any = None
    beta_constraint: Any = None
    gamma_constraint: Any = None

    def __init__(
        self, axis: Any = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        beta_initializer: Any = "zeros", gamma_initializer: Any = "ones", beta_regularizer: Any = None,
        gamma_regularizer: Any = None, beta_constraint: Any = None, gamma_constraint: Any = None,
        trainable: bool = True, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            axis, epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer,
            beta_constraint, gamma_constraint, trainable=trainable, name=name, **kwargs,
        )  # fmt: skip

    def build(self, input_shape: Any) -> None:
        """Make gamma and beta."""
        axes = self.axis if isinstance(self.axis, tuple) else (self.axis,)
        self.axis = self._axes = sorted(a % input_shape.ndims for a in axes)
        dims = [input_shape[a].value for a in self._axes]
        self.gamma = self.weight_of("gamma", dims) if self.scale else None
        self.beta = self.weight_of("beta", dims) if self.center else None

    def call(self, inputs: Any) -> Any:
        """Compute the results."""
        mean, variance = moments(inputs, self._axes, keep_dims=True)
        shape = [inputs.type.shape[a] if a in self._axes else 1 for a in range(inputs.type.rank)]
        offset, factor = (None if v is None else reshape(v, shape) for v in (self.beta, self.gamma))
        return normalised(inputs, mean, variance, offset, factor, self.epsilon, "add_1")


class _Rounded(FieldLayer):
    """A layer whose arguments are float32 numbers, and are written to files as such."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.fields:
            value = getattr(self, name)
            setattr(self, name, None if value is None else float(np.float32(value)))


class LeakyReLU(_Rounded):
    """x above 0, alpha·x below."""

    alpha: float = 0.3

    def call(self, inputs: Any) -> Any:
        """Compute the results."""
        return nn.leaky_relu(inputs, self.alpha)


class ELU(_Rounded):
    """x above 0, alpha·(exp(x) − 1) below."""

    alpha: float = 1.0

    def call(self, inputs: Any) -> Any:
        """Compute the results."""
        return activations.elu(inputs, self.alpha)


class PReLU(FieldLayer):
    """x above 0, alpha·x below, with a trained alpha for each element. shared_axes: axes along which alpha is one."""

    alpha_initializer: Any = "zeros"
    alpha_regularizer: Any = None
    alpha_constraint: Any = None
    shared_axes: Any = None

    def build(self, input_shape: Any) -> None:
        """Make alpha."""
        shared = [self.shared_axes] if isinstance(self.shared_axes, int) else list(self.shared_axes or ())
        self.shared_axes = shared or None
        dims = [1 if a in shared else d for a, d in enumerate(input_shape.as_list())][1:]
        self.alpha = self.weight_of("alpha", dims)

    def call(self, inputs: Any) -> Any:
        """Compute the results."""
        return nn.relu(inputs) - self.alpha * nn.relu(-inputs)


class ThresholdedReLU(_Rounded):
    """x above theta, else 0."""

    theta: float = 1.0

    def call(self, inputs: Any) -> Any:
        """Compute the results."""
        return inputs * cast(math.greater(inputs, self.theta), inputs.dtype)


class ReLU(_Rounded):
    """x above the threshold, at most `max_value`; negative_slope·(x − threshold) below the threshold."""

    max_value: float | None = None
    negative_slope: float = 0
    threshold: float = 0

    def call(self, inputs: Any) -> Any:
        """Compute the results."""
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)


class Softmax(FieldLayer):
    """exp(x) / Σ exp(x) along an axis."""

    axis: int = -1

    def call(self, inputs: Any) -> Any:
        """Compute the results."""
        return activations.softmax(inputs, self.axis)
