"""Activation functions, and `get`, which finds one by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from minigraph import math, nn
from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Tensor
from minigraph.keras import lookup
from minigraph.ops.math.casting import cast
from minigraph.ops.math.clipping import clip_by_value
from minigraph.ops.math.selection import where

Activation = Callable[[Any], Tensor]


def linear(x: Any) -> Any:
    """The identity.

    Args:
        x: Any value.

    Returns:
        `x` itself.

    Example:
        >>> tf.keras.activations.linear(2.5)
        2.5
    """
    return x


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0) -> Tensor:
    """The rectified linear unit: x above the threshold, at most `max_value`; alpha·(x − threshold) below the threshold.

    Args:
        x: Floating-point tensor, array or number of any shape.
        alpha: Slope below the threshold.
        max_value: The largest result; None for no bound.
        threshold: Where the unit sets in.

    Returns:
        A tensor of the shape and dtype of `x`.

    Example:
        >>> y = tf.keras.activations.relu([-2.0, 1.0, 8.0], alpha=0.1, max_value=6.0)
        >>> print(tf.Session().run(y))
        [-0.2  1.   6. ]
    """
    x = convert_to_tensor(x)
    if not threshold and max_value is None:
        return nn.leaky_relu(x, alpha) if alpha else nn.relu(x)
    if not threshold and max_value == 6 and not alpha:
        return nn.relu6(x)
    y = x * cast(math.greater(x, threshold), x.dtype) if threshold else nn.relu(x)
    if max_value is not None:
        y = math.minimum(y, max_value)
    return y - alpha * nn.relu(threshold - x) if alpha else y


def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """The exponential linear unit: x above 0, alpha·(exp(x) − 1) below.

    Args:
        x: Floating-point tensor, array or number of any shape.
        alpha: The negative of the limit at −∞.

    Returns:
        A tensor of the shape and dtype of `x`.

    Example:
        >>> print(tf.Session().run(tf.keras.activations.elu([0.0, 2.0])))
        [0. 2.]
    """
    x = convert_to_tensor(x)
    return nn.elu(x) if alpha == 1 else where(math.greater(x, 0.0), x, alpha * nn.elu(x))


def selu(x: Any) -> Tensor:
    """The scaled exponential linear unit, which keeps the mean 0 and the variance 1 from layer to layer.

    Args:
        x: Floating-point tensor, array or number of any shape.

    Returns:
        A tensor of the shape and dtype of `x`.

    Example:
        >>> print(tf.Session().run(tf.keras.activations.selu([0.0, 1.0])))
        [0.       1.050701]
    """
    return nn.selu(x)


def softplus(x: Any) -> Tensor:
    """log(exp(x) + 1), a smooth rectifier.

    Args:
        x: Floating-point tensor, array or number of any shape.

    Returns:
        A tensor of the shape and dtype of `x`.

    Example:
        >>> print(tf.Session().run(tf.keras.activations.softplus([0.0, 1.0])))
        [0.6931472 1.3132617]
    """
    return nn.softplus(x)


def softsign(x: Any) -> Tensor:
    """x/(|x| + 1).

    Args:
        x: Floating-point tensor, array or number of any shape.

    Returns:
        A tensor of the shape and dtype of `x`.

    Example:
        >>> print(tf.Session().run(tf.keras.activations.softsign([-1.0, 3.0])))
        [-0.5   0.75]
    """
    return nn.softsign(x)


def tanh(x: Any) -> Tensor:
    """The hyperbolic tangent.

    Args:
        x: Floating-point tensor, array or number of any shape.

    Returns:
        A tensor of the shape and dtype of `x`.

    Example:
        >>> print(tf.Session().run(tf.keras.activations.tanh([0.0, 1.0])))
        [0.        0.7615942]
    """
    return math.tanh(x)


def sigmoid(x: Any) -> Tensor:
    """1/(1 + exp(−x)).

    Args:
        x: Floating-point tensor, array or number of any shape.

    Returns:
        A tensor of the shape and dtype of `x`.

    Example:
        >>> print(tf.Session().run(tf.keras.activations.sigmoid([0.0, 1.0])))
        [0.5       0.7310586]
    """
    return nn.sigmoid(x)


def hard_sigmoid(x: Any) -> Tensor:
    """0.2·x + 0.5, cut off at 0 and 1: a piecewise linear sigmoid.

    Args:
        x: Floating-point tensor, array or number of any shape.

    Returns:
        A tensor of the shape and dtype of `x`.

    Example:
        >>> print(tf.Session().run(tf.keras.activations.hard_sigmoid([-5.0, 0.0, 1.0])))
        [0.  0.5 0.7]
    """
    return clip_by_value(0.2 * convert_to_tensor(x) + 0.5, 0.0, 1.0)


def exponential(x: Any) -> Tensor:
    """exp(x).

    Args:
        x: Floating-point tensor, array or number of any shape.

    Returns:
        A tensor of the shape and dtype of `x`.

    Example:
        >>> print(tf.Session().run(tf.keras.activations.exponential([0.0, 1.0])))
        [1.       2.718282]
    """
    return math.exp(x)


def softmax(x: Any, axis: int = -1) -> Tensor:
    """exp(x)/Σ exp(x), where the sum runs along an axis.

    Args:
        x: Floating-point tensor of rank 2 or higher.
        axis: The axis of the classes.

    Returns:
        A tensor of the shape and dtype of `x`.

    Raises:
        ValueError: `x` is a vector.

    Example:
        >>> print(tf.Session().run(tf.keras.activations.softmax([[0.0, 0.0, 0.0, 0.0]])))
        [[0.25 0.25 0.25 0.25]]
    """
    x = convert_to_tensor(x)
    if x.type.rank == 1:
        raise ValueError("Cannot apply softmax to a tensor that is 1D.")
    return nn.softmax(x, axis)


_TABLE: Mapping[str, Activation] = {
    f.__name__: f
    for f in (elu, exponential, hard_sigmoid, linear, relu, selu, sigmoid, softmax, softplus, softsign, tanh)
}


def get(identifier: Any) -> Activation:
    """The activation function that an argument stands for.

    Args:
        identifier: A name such as "relu", None for `linear`, or a function.

    Returns:
        A function from a tensor to a tensor; `identifier` itself if it is a function.

    Raises:
        ValueError: No activation function has this name.

    Example:
        >>> tf.keras.activations.get("relu") is tf.keras.activations.relu
        True
    """
    found: Activation = linear if identifier is None else lookup.get(identifier, _TABLE, "activation function")
    return found


def deserialize(name: str, custom_objects: Mapping[str, Any] | None = None) -> Activation:
    """The activation function of a name.

    Args:
        name: The function's name.
        custom_objects: Functions that may be named besides Keras's own, by name.

    Returns:
        The function.

    Raises:
        ValueError: No activation function has this name.

    Example:
        >>> tf.keras.activations.deserialize("tanh") is tf.keras.activations.tanh
        True
    """
    found: Activation = lookup.deserialize(name, _TABLE, "activation function", custom_objects)
    return found


def serialize(activation: Activation) -> str:
    """The name of an activation function.

    Args:
        activation: The function.

    Returns:
        Its name, which `deserialize` takes.

    Example:
        >>> tf.keras.activations.serialize(tf.keras.activations.selu)
        'selu'
    """
    return activation.__name__
