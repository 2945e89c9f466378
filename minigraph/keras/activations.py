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
    """x itself."""
    return x


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0) -> Tensor:
    """x above `threshold`, at most `max_value`; alpha·(x − threshold) below it."""
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
    """x above 0, alpha·(exp(x) − 1) below."""
    x = convert_to_tensor(x)
    return nn.elu(x) if alpha == 1 else where(math.greater(x, 0.0), x, alpha * nn.elu(x))


def selu(x: Any) -> Tensor:
    """The scaled exponential linear unit, which keeps mean 0 and variance 1."""
    return nn.selu(x)


def softplus(x: Any) -> Tensor:
    """log(exp(x) + 1)."""
    return nn.softplus(x)


def softsign(x: Any) -> Tensor:
    """x / (|x| + 1)."""
    return nn.softsign(x)


def tanh(x: Any) -> Tensor:
    """The hyperbolic tangent."""
    return math.tanh(x)


def sigmoid(x: Any) -> Tensor:
    """1 / (1 + exp(−x))."""
    return nn.sigmoid(x)


def hard_sigmoid(x: Any) -> Tensor:
    """0.2·x + 0.5, cut off at 0 and 1."""
    return clip_by_value(0.2 * convert_to_tensor(x) + 0.5, 0.0, 1.0)


def exponential(x: Any) -> Tensor:
    """exp(x)."""
    return math.exp(x)


def softmax(x: Any, axis: int = -1) -> Tensor:
    """exp(x) / Σ exp(x) along an axis. ValueError for a vector."""
    x = convert_to_tensor(x)
    if x.type.rank == 1:
        raise ValueError("Cannot apply softmax to a tensor that is 1D.")
    return nn.softmax(x, axis)


_TABLE: Mapping[str, Activation] = {
    f.__name__: f
    for f in (elu, exponential, hard_sigmoid, linear, relu, selu, sigmoid, softmax, softplus, softsign, tanh)
}


def get(identifier: Any) -> Activation:
    """The activation of a name; None is `linear`, and a function is itself. ValueError for another name."""
    found: Activation = linear if identifier is None else lookup.get(identifier, _TABLE, "activation function")
    return found


def deserialize(name: str, custom_objects: Mapping[str, Any] | None = None) -> Activation:
    """The activation of a name."""
    found: Activation = lookup.find(name, _TABLE, "activation function", custom_objects)
    return found


def serialize(activation: Activation) -> str:
    """The name of an activation."""
    return activation.__name__
