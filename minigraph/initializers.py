"""Initializers: functions of (shape, dtype) that make a variable's initial value."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from minigraph.core.dtypes import as_dtype, float32
from minigraph.core.graph import Tensor
from minigraph.ops.constant import constant
from minigraph.ops.random import random_normal, random_uniform, truncated_normal
from minigraph.ops.shape import ones, zeros

Initializer = Callable[..., Tensor]


def zeros_initializer(dtype: Any = float32) -> Initializer:
    """Zeros."""
    default = dtype
    return lambda shape, dtype=None, partition_info=None: zeros(shape, as_dtype(dtype or default))


def ones_initializer(dtype: Any = float32) -> Initializer:
    """Ones."""
    default = dtype
    return lambda shape, dtype=None, partition_info=None: ones(shape, as_dtype(dtype or default))


def constant_initializer(value: Any = 0, dtype: Any = float32, verify_shape: bool = False) -> Initializer:
    """One number, or the numbers of an array; the last one repeats."""
    default = dtype
    return lambda shape, dtype=None, partition_info=None: constant(
        value, as_dtype(dtype or default), shape, verify_shape=verify_shape
    )


def random_normal_initializer(
    mean: float = 0.0, stddev: float = 1.0, seed: int | None = None, dtype: Any = float32
) -> Initializer:
    """Normal values."""
    default = dtype
    return lambda shape, dtype=None, partition_info=None: random_normal(
        shape, mean, stddev, as_dtype(dtype or default), seed
    )


def truncated_normal_initializer(
    mean: float = 0.0, stddev: float = 1.0, seed: int | None = None, dtype: Any = float32
) -> Initializer:
    """Normal values within two standard deviations."""
    default = dtype
    return lambda shape, dtype=None, partition_info=None: truncated_normal(
        shape, mean, stddev, as_dtype(dtype or default), seed
    )


def random_uniform_initializer(
    minval: float = 0, maxval: float | None = None, seed: int | None = None, dtype: Any = float32
) -> Initializer:
    """Uniform values in [minval, maxval)."""
    default = dtype
    return lambda shape, dtype=None, partition_info=None: random_uniform(
        shape, minval, maxval, as_dtype(dtype or default), seed
    )


def variance_scaling_initializer(
    scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal", seed: int | None = None,
    dtype: Any = float32,
) -> Initializer:  # fmt: skip
    """Values of variance scale/n, where n is the fan in, the fan out, or their mean (fan_avg).

    distribution: truncated_normal (or normal), untruncated_normal, uniform. Sources: Glorot and Bengio 2010 (fan_avg),
    He et al. 2015 (scale 2, fan_in).
    """
    default = dtype

    def make(shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        kind = as_dtype(dtype or default)
        fan_in, fan_out = _fans([int(d) for d in shape])
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]
        variance = scale / max(1.0, fan)
        if distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return random_uniform(shape, -limit, limit, kind, seed)
        if distribution == "untruncated_normal":
            return random_normal(shape, 0.0, math.sqrt(variance), kind, seed)
        # 0.8796… is the standard deviation of a standard normal cut off at ±2
        return truncated_normal(shape, 0.0, math.sqrt(variance) / 0.87962566103423978, kind, seed)

    return make


def glorot_uniform_initializer(seed: int | None = None, dtype: Any = float32) -> Initializer:
    """Uniform in ±√(6/(fan_in + fan_out)). Source: Glorot and Bengio 2010."""
    return variance_scaling_initializer(1.0, "fan_avg", "uniform", seed, dtype)


def glorot_normal_initializer(seed: int | None = None, dtype: Any = float32) -> Initializer:
    """Truncated normal of variance 2/(fan_in + fan_out). Source: Glorot and Bengio 2010."""
    return variance_scaling_initializer(1.0, "fan_avg", "truncated_normal", seed, dtype)


def _fans(shape: list[int]) -> tuple[float, float]:
    if not shape:
        return 1.0, 1.0
    if len(shape) == 1:
        return float(shape[0]), float(shape[0])
    receptive = math.prod(shape[:-2])
    return float(receptive * shape[-2]), float(receptive * shape[-1])
