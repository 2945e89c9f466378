"""Initializers: called with (shape, dtype), they make a variable's initial value."""

from __future__ import annotations

import math
from typing import Any

from minigraph.core.dtypes import DType, as_dtype, float32
from minigraph.core.graph import Tensor
from minigraph.core.record import Record
from minigraph.ops import constant as values
from minigraph.ops.array import shape as filled
from minigraph.ops.array.arrays import eye
from minigraph.ops.random import distributions as draws
from minigraph.ops.random.orthogonal import orthogonal_matrix

__all__ = [
    "constant_initializer",
    "glorot_normal_initializer",
    "glorot_uniform_initializer",
    "ones_initializer",
    "orthogonal_initializer",
    "random_normal_initializer",
    "random_uniform_initializer",
    "truncated_normal_initializer",
    "variance_scaling_initializer",
    "zeros_initializer",
]

_CUT_NORMAL = 0.87962566103423978  # the standard deviation of a standard normal cut off at ±2


class Initializer(Record):
    """Base class. `dtype` counts where the call gives none."""

    dtype = float32

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return self.make(shape, as_dtype(self.dtype if dtype is None else dtype))

    def make(self, shape: Any, dtype: DType) -> Tensor:
        raise NotImplementedError


class zeros_initializer(Initializer):
    """Zeros."""

    dtype: Any = float32

    def make(self, shape: Any, dtype: DType) -> Tensor:
        return filled.zeros(shape, dtype)


class ones_initializer(Initializer):
    """Ones."""

    dtype: Any = float32

    def make(self, shape: Any, dtype: DType) -> Tensor:
        return filled.ones(shape, dtype)


class constant_initializer(Initializer):
    """One number, or the numbers of an array; the last one repeats."""

    value: Any = 0
    dtype: Any = float32
    verify_shape: bool = False

    def make(self, shape: Any, dtype: DType) -> Tensor:
        return values.constant(self.value, dtype, shape, verify_shape=self.verify_shape)


class random_normal_initializer(Initializer):
    """Normal values."""

    mean: float = 0.0
    stddev: float = 1.0
    seed: int | None = None
    dtype: Any = float32

    def make(self, shape: Any, dtype: DType) -> Tensor:
        return draws.random_normal(shape, self.mean, self.stddev, dtype, self.seed)


class truncated_normal_initializer(Initializer):
    """Normal values within two standard deviations."""

    mean: float = 0.0
    stddev: float = 1.0
    seed: int | None = None
    dtype: Any = float32

    def make(self, shape: Any, dtype: DType) -> Tensor:
        return draws.truncated_normal(shape, self.mean, self.stddev, dtype, self.seed)


class random_uniform_initializer(Initializer):
    """Uniform values in [minval, maxval)."""

    minval: float = 0
    maxval: float | None = None
    seed: int | None = None
    dtype: Any = float32

    def make(self, shape: Any, dtype: DType) -> Tensor:
        return draws.random_uniform(shape, self.minval, self.maxval, dtype, self.seed)


class variance_scaling_initializer(Initializer):
    """Values of variance scale/n, where n is the fan in, the fan out, or their mean (fan_avg).

    distribution: truncated_normal (or normal), untruncated_normal, uniform. ValueError for others.
    Sources: Glorot and Bengio 2010 (fan_avg), He et al. 2015 (scale 2, fan_in).
    """

    scale: float = 1.0
    mode: str = "fan_in"
    distribution: str = "truncated_normal"
    seed: int | None = None
    dtype: Any = float32

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.scale > 0:
            raise ValueError(f"`scale` must be positive float, not {self.scale}")
        if self.mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"Invalid `mode` argument: {self.mode!r}; it must be fan_in, fan_out or fan_avg")
        if self.distribution not in ("normal", "truncated_normal", "untruncated_normal", "uniform"):
            raise ValueError(
                f"distribution must be truncated_normal, untruncated_normal or uniform, not {self.distribution!r}"
            )

    def make(self, shape: Any, dtype: DType) -> Tensor:
        fan_in, fan_out = _fans([int(d) for d in shape])
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return draws.random_uniform(shape, -limit, limit, dtype, self.seed)
        if self.distribution == "untruncated_normal":
            return draws.random_normal(shape, 0.0, math.sqrt(variance), dtype, self.seed)
        return draws.truncated_normal(shape, 0.0, math.sqrt(variance) / _CUT_NORMAL, dtype, self.seed)


class glorot_uniform_initializer(variance_scaling_initializer):
    """Uniform in ±√(6/(fan_in + fan_out)). Source: Glorot and Bengio 2010."""

    def __init__(self, seed: int | None = None, dtype: Any = float32) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed, dtype)


class glorot_normal_initializer(variance_scaling_initializer):
    """Truncated normal of variance 2/(fan_in + fan_out). Source: Glorot and Bengio 2010."""

    def __init__(self, seed: int | None = None, dtype: Any = float32) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed, dtype)


class orthogonal_initializer(Initializer):
    """A matrix with orthonormal rows or columns, whichever are fewer, times `gain`; axes in front count as rows.

    The shape must have two axes or more. Source: Saxe, McClelland and Ganguli 2013.
    """

    gain: float = 1.0
    seed: int | None = None
    dtype: Any = float32

    def make(self, shape: Any, dtype: DType) -> Tensor:
        dims = [int(d) for d in shape]
        if len(dims) < 2:
            raise ValueError("The tensor to initialize must be at least two-dimensional")
        rows, columns = math.prod(dims[:-1]), dims[-1]
        noise = draws.random_normal([max(rows, columns), min(rows, columns)], dtype=dtype, seed=self.seed)
        matrix = orthogonal_matrix(noise)
        if rows < columns:
            matrix = filled.transpose(matrix)
        scaled: Tensor = self.gain * filled.reshape(matrix, dims)
        return scaled


class identity_initializer(Initializer):
    """The identity matrix times `gain`, of two axes."""

    gain: float = 1.0
    dtype: Any = float32

    def make(self, shape: Any, dtype: DType) -> Tensor:
        dims = [int(d) for d in shape]
        if len(dims) != 2:
            raise ValueError("Identity matrix initializer can only be used for 2D matrices.")
        matrix = eye(dims[0], dims[1], dtype=dtype)
        return matrix if self.gain == 1.0 else matrix * self.gain


def he_normal(seed: int | None = None) -> Initializer:
    """Truncated normal of variance 2/fan_in. Source: He et al. 2015."""
    return variance_scaling_initializer(2.0, "fan_in", "truncated_normal", seed)


def he_uniform(seed: int | None = None) -> Initializer:
    """Uniform in ±√(6/fan_in). Source: He et al. 2015."""
    return variance_scaling_initializer(2.0, "fan_in", "uniform", seed)


def lecun_normal(seed: int | None = None) -> Initializer:
    """Truncated normal of variance 1/fan_in. Source: LeCun et al. 1998."""
    return variance_scaling_initializer(1.0, "fan_in", "truncated_normal", seed)


def lecun_uniform(seed: int | None = None) -> Initializer:
    """Uniform in ±√(3/fan_in). Source: LeCun et al. 1998."""
    return variance_scaling_initializer(1.0, "fan_in", "uniform", seed)


def _fans(shape: list[int]) -> tuple[float, float]:
    if not shape:
        return 1.0, 1.0
    if len(shape) == 1:
        return float(shape[0]), float(shape[0])
    receptive = math.prod(shape[:-2])
    return float(receptive * shape[-2]), float(receptive * shape[-1])
