"""Initializers under Keras's names and with its defaults, and `get`, which finds one by its name."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any

import numpy as np

from minigraph.core.dtypes import DType
from minigraph.keras import lookup
from minigraph.run import initializers as core
from minigraph.run.initializers import Initializer


class Zeros(core.zeros_initializer):
    """Initializer that makes zeros.

    Args:
        dtype: The dtype for calls that give none.

    Example:
        >>> print(tf.Session().run(tf.keras.initializers.Zeros()([2])))
        [0. 0.]
    """


class Ones(core.ones_initializer):
    """Initializer that makes ones.

    Args:
        dtype: The dtype for calls that give none.

    Example:
        >>> print(tf.Session().run(tf.keras.initializers.Ones()([2])))
        [1. 1.]
    """


class Constant(core.constant_initializer):
    """Initializer that makes given numbers.

    Args:
        value: A number, or an array whose elements fill the shape in order; the last one repeats.
        dtype: The dtype for calls that give none.
        verify_shape: Whether the shape of `value` must be that of the call.

    Example:
        >>> print(tf.Session().run(tf.keras.initializers.Constant(0.5)([2])))
        [0.5 0.5]
    """


class RandomNormal(core.random_normal_initializer):
    """Initializer that draws from a normal distribution.

    Args:
        mean: Mean of the distribution.
        stddev: Its standard deviation.
        seed: Seed of the op; see `tf.set_random_seed`.
        dtype: The dtype for calls that give none.

    Example:
        >>> tf.keras.initializers.RandomNormal(stddev=0.01)([3, 4]).shape.as_list()
        [3, 4]
    """

    stddev: float = 0.05


class TruncatedNormal(core.truncated_normal_initializer):
    """Initializer that draws from a normal distribution without what is more than two standard deviations away.

    Args:
        mean: Mean of the distribution.
        stddev: Its standard deviation before it is cut off.
        seed: Seed of the op; see `tf.set_random_seed`.
        dtype: The dtype for calls that give none.

    Example:
        >>> bool((abs(tf.Session().run(tf.keras.initializers.TruncatedNormal()([100]))) <= 0.1).all())
        True
    """

    stddev: float = 0.05


class RandomUniform(core.random_uniform_initializer):
    """Initializer that draws from a uniform distribution.

    Args:
        minval: Lower bound.
        maxval: Upper bound, which is not drawn.
        seed: Seed of the op; see `tf.set_random_seed`.
        dtype: The dtype for calls that give none.

    Example:
        >>> bool((abs(tf.Session().run(tf.keras.initializers.RandomUniform()([100]))) <= 0.05).all())
        True
    """

    minval: float = -0.05
    maxval: float | None = 0.05


class VarianceScaling(core.variance_scaling_initializer):
    """Initializer that draws with variance scale/n, where n is the number of a unit's inputs, outputs, or their mean.

    Args:
        scale: A positive number.
        mode: The meaning of n: "fan_in", "fan_out", or "fan_avg", their mean.
        distribution: "truncated_normal" (or "normal"), "untruncated_normal" or "uniform".
        seed: Seed of the op; see `tf.set_random_seed`.
        dtype: The dtype for calls that give none.

    Raises:
        ValueError: `scale` is not positive, or `mode` or `distribution` is unknown.

    Example:
        >>> he = tf.keras.initializers.VarianceScaling(scale=2.0, distribution="uniform")
        >>> layer = tf.keras.layers.Conv2D(16, 3, kernel_initializer=he)
    """


class GlorotUniform(core.glorot_uniform_initializer):
    """Initializer that draws uniformly between ±√(6/(inputs + outputs)).

    Args:
        seed: Seed of the op; see `tf.set_random_seed`.
        dtype: The dtype for calls that give none.

    Example:
        >>> bool((abs(tf.Session().run(tf.keras.initializers.GlorotUniform()([3, 3]))) <= 1).all())
        True
    """


class GlorotNormal(core.glorot_normal_initializer):
    """Initializer that draws from a truncated normal distribution of variance 2/(inputs + outputs).

    Args:
        seed: Seed of the op; see `tf.set_random_seed`.
        dtype: The dtype for calls that give none.

    Example:
        >>> layer = tf.keras.layers.Dense(10, kernel_initializer=tf.keras.initializers.GlorotNormal(seed=1))
    """


class Orthogonal(core.orthogonal_initializer):
    """Initializer that makes matrices with orthonormal rows or columns, whichever are fewer, times `gain`.

    Args:
        gain: Factor of the matrix.
        seed: Seed of the op; see `tf.set_random_seed`.
        dtype: The dtype for calls that give none.

    Raises:
        ValueError: In a call, the shape has fewer than two axes.

    Example:
        >>> matrix = tf.Session().run(tf.keras.initializers.Orthogonal()([5, 3]))
        >>> np.allclose(matrix.T @ matrix, np.eye(3), atol=1e-6)
        True
    """


class Identity(core.identity_initializer):
    """Initializer that makes the identity matrix times `gain`.

    Args:
        gain: Factor of the matrix.
        dtype: The dtype for calls that give none.

    Raises:
        ValueError: In a call, the shape has other than two axes.

    Example:
        >>> print(tf.Session().run(tf.keras.initializers.Identity(2.0)([2, 2])))
        [[2. 0.]
         [0. 2.]]
    """


def he_normal(seed: int | None = None) -> VarianceScaling:
    """Initializer that draws from a truncated normal distribution of variance 2/inputs, for layers with `relu`.

    Args:
        seed: Seed of the op; see `tf.set_random_seed`.

    Returns:
        An initializer.

    Example:
        >>> layer = tf.keras.layers.Dense(10, kernel_initializer=tf.keras.initializers.he_normal())
    """
    return VarianceScaling(2.0, "fan_in", "truncated_normal", seed)


def he_uniform(seed: int | None = None) -> VarianceScaling:
    """Initializer that draws uniformly between ±√(6/inputs), for layers with `relu`.

    Args:
        seed: Seed of the op; see `tf.set_random_seed`.

    Returns:
        An initializer.

    Example:
        >>> layer = tf.keras.layers.Dense(10, kernel_initializer=tf.keras.initializers.he_uniform())
    """
    return VarianceScaling(2.0, "fan_in", "uniform", seed)


def lecun_normal(seed: int | None = None) -> VarianceScaling:
    """Initializer that draws from a truncated normal distribution of variance 1/inputs, for layers with `selu`.

    Args:
        seed: Seed of the op; see `tf.set_random_seed`.

    Returns:
        An initializer.

    Example:
        >>> layer = tf.keras.layers.Dense(10, "selu", kernel_initializer=tf.keras.initializers.lecun_normal())
    """
    return VarianceScaling(1.0, "fan_in", "truncated_normal", seed)


def lecun_uniform(seed: int | None = None) -> VarianceScaling:
    """Initializer that draws uniformly between ±√(3/inputs).

    Args:
        seed: Seed of the op; see `tf.set_random_seed`.

    Returns:
        An initializer.

    Example:
        >>> layer = tf.keras.layers.Dense(10, kernel_initializer=tf.keras.initializers.lecun_uniform())
    """
    return VarianceScaling(1.0, "fan_in", "uniform", seed)


zeros = Zeros
ones = Ones
constant = Constant
normal = random_normal = RandomNormal
uniform = random_uniform = RandomUniform
truncated_normal = TruncatedNormal
glorot_uniform = GlorotUniform
glorot_normal = GlorotNormal
orthogonal = Orthogonal
identity = Identity

_CLASSES = (Zeros, Ones, Constant, RandomNormal, TruncatedNormal, RandomUniform, GlorotUniform, GlorotNormal,
            VarianceScaling, Orthogonal, Identity)  # fmt: skip
_FUNCTIONS = (he_normal, he_uniform, lecun_normal, lecun_uniform)
_TABLE: dict[str, Any] = {
    **{kind.__name__: kind for kind in _CLASSES},
    **{function.__name__: function for function in _FUNCTIONS},
    "zero": Zeros, "zeros": Zeros, "one": Ones, "ones": Ones, "constant": Constant, "normal": RandomNormal,
    "random_normal": RandomNormal, "uniform": RandomUniform, "random_uniform": RandomUniform,
    "truncated_normal": TruncatedNormal, "glorot_uniform": GlorotUniform, "glorot_normal": GlorotNormal,
    "orthogonal": Orthogonal, "identity": Identity,
}  # fmt: skip


def get(identifier: Any) -> Any:
    """The initializer that an argument stands for.

    Args:
        identifier: A name such as "he_normal", a configuration, a class, an initializer or function of (shape, dtype),
            or None.

    Returns:
        The initializer; None for None.

    Raises:
        ValueError: There is no such name, or the configuration has another form.

    Example:
        >>> tf.keras.initializers.get("he_normal").scale
        2.0
    """
    found = lookup.get(identifier, _TABLE, "initializer")
    return found() if found in _FUNCTIONS else found


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Make an initializer from its configuration.

    Args:
        config: The dictionary `{"class_name": …, "config": …}`.
        custom_objects: Classes and functions that the configuration may name besides Keras's own, by name.

    Returns:
        The initializer.

    Raises:
        ValueError: There is no such name, or the configuration has another form.

    Example:
        >>> tf.keras.initializers.deserialize({"class_name": "Constant", "config": {"value": 2}}).value
        2
    """
    return lookup.deserialize(config, _TABLE, "initializer", custom_objects)


def serialize(initializer: Any) -> Any:
    """The configuration of an initializer.

    Args:
        initializer: An initializer, also one of `tf.initializers`, or None.

    Returns:
        The dictionary that `deserialize` takes; a function's name; None for None.

    Example:
        >>> tf.keras.initializers.serialize(tf.keras.initializers.Orthogonal(seed=1))
        {'class_name': 'Orthogonal', 'config': {'gain': 1.0, 'seed': 1, 'dtype': 'float32'}}
    """
    if not isinstance(initializer, Initializer):
        return lookup.to_config(initializer)
    name = next((kind.__name__ for kind in _CLASSES if isinstance(initializer, kind.__bases__[0])), None)
    fields = [f for f in initializer.fields if f in signature(type(initializer)).parameters] or initializer.fields
    values = {field: _plain(getattr(initializer, field)) for field in fields}
    return {"class_name": name or type(initializer).__name__, "config": values}


def _plain(value: Any) -> Any:
    if isinstance(value, DType):
        return value.name
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
