"""Normalisation, and activation functions that are layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigraph import math, nn
from minigraph.core.arguments import refuse
from minigraph.core.graph import Tensor
from minigraph.keras import activations
from minigraph.keras import backend as K
from minigraph.keras.field_layer import FieldLayer
from minigraph.keras.shapes import InputSpec
from minigraph.ops.array.reshape import reshape
from minigraph.ops.math.casting import cast
from minigraph.ops.nn.norm import LEAST_EPSILON, bessel_corrected, normalised
from minigraph.ops.nn.statistics import moments
from minigraph.util.nest import listed

__all__ = ["ELU", "BatchNormalization", "LayerNormalization", "LeakyReLU", "PReLU", "ReLU", "Softmax",
           "ThresholdedReLU"]  # fmt: skip


class BatchNormalization(FieldLayer):
    """gamma·(x − mean)/√(variance + epsilon) + beta, with the moments of each channel.

    In training the moments are the batch's, and moving averages of them are kept; else the averages are used. The
    averages are updated in `Model.fit`, or by the assignments in `updates`.

    Args:
        axis: The axis of the channels.
        momentum: The share of the moving averages that a step keeps.
        epsilon: Small number that is added to the variance.
        center: Whether beta is added.
        scale: Whether the result is multiplied by gamma.
        beta_initializer, gamma_initializer: Initializers of beta and gamma, or their names.
        moving_mean_initializer, moving_variance_initializer: Initializers of the moving averages, or their names.
        beta_regularizer, gamma_regularizer: Penalties of beta and gamma; None for none.
        beta_constraint, gamma_constraint: Constraints of beta and gamma after each step of training; None for none.
        renorm, renorm_clipping, renorm_momentum, virtual_batch_size, adjustment: TensorFlow's arguments, which must
            keep their defaults.
        fused: False to keep the batch's variance as it is in the moving average; else that of images is the unbiased
            one, as in TensorFlow.
        trainable: Whether training changes beta and gamma.
        name: Name of the layer; by default made from the class's name.
        **kwargs: Further arguments of `Layer`, such as input_shape.

    Raises:
        ValueError: An argument that must keep its default is set, or, at the first call, there is no such axis or its
            size is unknown.

    Example:
        >>> layer = tf.keras.layers.BatchNormalization()
        >>> y = layer(tf.constant([[1.0], [3.0]]), training=True)
        >>> session = tf.keras.backend.get_session()
        >>> print(session.run(y).round(2).tolist(), len(layer.updates))
        [[-1.0], [1.0]] 2
    """

    supports_masking = True
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
        """Compute the result.

        Args:
            inputs: The input tensor.
            training: Whether the layer trains, a bool or a bool scalar tensor; None for the learning phase.

        Returns:
            The result.
        """
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
    """gamma·(x − mean)/√(variance + epsilon) + beta, with the moments of each example along an axis.

    Args:
        axis: The axis, or several.
        epsilon: Small number that is added to the variance.
        center: Whether beta is added.
        scale: Whether the result is multiplied by gamma.
        beta_initializer, gamma_initializer: Initializers of beta and gamma, or their names.
        beta_regularizer, gamma_regularizer: Penalties of beta and gamma; None for none.
        beta_constraint, gamma_constraint: Constraints of beta and gamma after each step of training; None for none.
        trainable: Whether training changes beta and gamma.
        name: Name of the layer; by default made from the class's name.
        **kwargs: Further arguments of `Layer`, such as input_shape.

    Example:
        >>> y = tf.keras.layers.LayerNormalization()(tf.constant([[1.0, 3.0]]))
        >>> print(tf.keras.backend.get_session().run(y).round(2))
        [[-1.  1.]]
    """

    supports_masking = True
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
        axes = self.axis if isinstance(self.axis, tuple) else (self.axis,)
        self.axis = self._axes = sorted(a % input_shape.ndims for a in axes)
        dims = [input_shape[a].value for a in self._axes]
        self.gamma = self.weight_of("gamma", dims) if self.scale else None
        self.beta = self.weight_of("beta", dims) if self.center else None

    def call(self, inputs: Any) -> Any:
        mean, variance = moments(inputs, self._axes, keep_dims=True)
        shape = [inputs.type.shape[a] if a in self._axes else 1 for a in range(inputs.type.rank)]
        offset, factor = (None if v is None else reshape(v, shape) for v in (self.beta, self.gamma))
        return normalised(inputs, mean, variance, offset, factor, self.epsilon, "add_1")


class _Rounded(FieldLayer):
    """A layer whose arguments are float32 numbers, and are written to files as such."""

    supports_masking = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.fields:
            value = getattr(self, name)
            setattr(self, name, None if value is None else float(np.float32(value)))


class LeakyReLU(_Rounded):
    """x above 0, alpha·x below.

    Args:
        alpha: Slope below 0.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> print(tf.Session().run(tf.keras.layers.LeakyReLU(0.5)(tf.constant([-1.0, 2.0]))))
        [-0.5  2. ]
    """

    alpha: float = 0.3

    def call(self, inputs: Any) -> Any:
        return nn.leaky_relu(inputs, self.alpha)


class ELU(_Rounded):
    """x above 0, alpha·(exp(x) − 1) below.

    Args:
        alpha: The negative of the limit at −∞.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> print(tf.Session().run(tf.keras.layers.ELU()(tf.constant([0.0, 2.0]))))
        [0. 2.]
    """

    alpha: float = 1.0

    def call(self, inputs: Any) -> Any:
        return activations.elu(inputs, self.alpha)


class PReLU(FieldLayer):
    """x above 0, alpha·x below, with a trained alpha for each element.

    Args:
        alpha_initializer: Initializer of alpha, or its name.
        alpha_regularizer: Penalty of alpha; None for none.
        alpha_constraint: Constraint of alpha after each step of training; None for none.
        shared_axes: Axes along which alpha is the same, such as (1, 2) for one alpha for each channel of images; None
            for none.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> layer = tf.keras.layers.PReLU(shared_axes=(1, 2))
        >>> _ = layer(tf.zeros([1, 8, 8, 3]))
        >>> layer.alpha.shape.as_list()
        [1, 1, 3]
    """

    supports_masking = True
    alpha_initializer: Any = "zeros"
    alpha_regularizer: Any = None
    alpha_constraint: Any = None
    shared_axes: Any = None

    def build(self, input_shape: Any) -> None:
        shared = [self.shared_axes] if isinstance(self.shared_axes, int) else list(self.shared_axes or ())
        self.shared_axes = shared or None
        dims = [1 if a in shared else d for a, d in enumerate(input_shape.as_list())][1:]
        self.alpha = self.weight_of("alpha", dims)

    def call(self, inputs: Any) -> Any:
        return nn.relu(inputs) - self.alpha * nn.relu(-inputs)


class ThresholdedReLU(_Rounded):
    """x above a threshold, else 0.

    Args:
        theta: The threshold.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> print(tf.Session().run(tf.keras.layers.ThresholdedReLU(1.5)(tf.constant([1.0, 2.0]))))
        [0. 2.]
    """

    theta: float = 1.0

    def call(self, inputs: Any) -> Any:
        return inputs * cast(math.greater(inputs, self.theta), inputs.dtype)


class ReLU(_Rounded):
    """x above the threshold, at most `max_value`; negative_slope·(x − threshold) below the threshold.

    Args:
        max_value: The largest result; None for no bound.
        negative_slope: Slope below the threshold.
        threshold: Where the unit sets in.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> print(tf.Session().run(tf.keras.layers.ReLU(max_value=6.0)(tf.constant([-1.0, 2.0, 8.0]))))
        [0. 2. 6.]
    """

    supports_masking = False
    max_value: float | None = None
    negative_slope: float = 0
    threshold: float = 0

    def call(self, inputs: Any) -> Any:
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)


class Softmax(FieldLayer):
    """exp(x)/Σ exp(x), where the sum runs along an axis.

    Args:
        axis: The axis of the classes.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> print(tf.Session().run(tf.keras.layers.Softmax()(tf.constant([[1.0, 1.0]]))))
        [[0.5 0.5]]
    """

    supports_masking = True
    axis: int = -1

    def call(self, inputs: Any) -> Any:
        return activations.softmax(inputs, self.axis)
