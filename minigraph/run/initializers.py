"""Initializers: called with a shape and a dtype, they make a variable's initial value."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, TypeAlias, cast

import numpy.typing as npt

from minigraph.core.arguments import refuse
from minigraph.core.dtypes import DType, as_dtype, float32
from minigraph.core.graph import Tensor
from minigraph.core.record import Record
from minigraph.core.typing import DTypeLike, ShapeLike, TensorLike
from minigraph.ops import constant as values
from minigraph.ops.array import shape as filled
from minigraph.ops.array.arrays import eye
from minigraph.ops.array.reshape import reshape, transpose
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

FanMode: TypeAlias = Literal["fan_in", "fan_out", "fan_avg"]
Distribution: TypeAlias = Literal["normal", "truncated_normal", "untruncated_normal", "uniform"]
_CUT_NORMAL = 0.87962566103423978  # the standard deviation of a standard normal cut off at ±2


class Initializer(Record):
    """Base class of initializers.

    A subclass defines `make(shape, dtype)`. Its fields, which the constructor takes, may include `dtype`, the dtype for
    calls that give none.
    """

    dtype = cast(Any, float32)  # without an annotation, so it is no field

    def __call__(self, shape: ShapeLike, dtype: DTypeLike | None = None, partition_info: Any = None) -> Tensor:
        """Make an initial value.

        Args:
            shape: The shape; all dimensions are known.
            dtype: The dtype; by default the initializer's own.
            partition_info: Not supported; it must be None.

        Returns:
            A tensor of that shape and dtype.
        """
        refuse(f"tf.{type(self).__name__}", partition_info=partition_info)
        return self.make(shape, as_dtype(self.dtype if dtype is None else dtype))

    def make(self, shape: Any, dtype: DType) -> Tensor:
        """Make an initial value. For subclasses.

        Args:
            shape: The shape; all dimensions are known.
            dtype: The dtype.

        Returns:
            A tensor of that shape and dtype.
        """
        raise NotImplementedError


InitializerLike: TypeAlias = Callable[..., TensorLike] | type[Initializer]
"""A function of (shape, dtype), or a class of initializers, which is called without arguments first."""


class zeros_initializer(Initializer):
    """Initializer that makes zeros.

    Args:
        dtype: The dtype for calls that give none.

    Example:
        >>> print(tf.Session().run(tf.zeros_initializer()([3])))
        [0. 0. 0.]
    """

    dtype: DTypeLike = float32

    def make(self, shape: Any, dtype: DType) -> Tensor:
        return filled.zeros(shape, dtype)


class ones_initializer(Initializer):
    """Initializer that makes ones.

    Args:
        dtype: The dtype for calls that give none.

    Example:
        >>> print(tf.Session().run(tf.ones_initializer()([3])))
        [1. 1. 1.]
    """

    dtype: DTypeLike = float32

    def make(self, shape: Any, dtype: DType) -> Tensor:
        return filled.ones(shape, dtype)


class constant_initializer(Initializer):
    """Initializer that makes given numbers.

    Args:
        value: A number, or an array whose elements fill the shape in order; the last one repeats.
        dtype: The dtype for calls that give none.
        verify_shape: Whether the shape of `value` must be that of the call.

    Raises:
        GraphError: In a call, `value` has more elements than the shape, or another shape with `verify_shape`.

    Example:
        >>> print(tf.Session().run(tf.constant_initializer([1, 2])([3])))
        [1. 2. 2.]
    """

    value: npt.ArrayLike = 0
    dtype: DTypeLike = float32
    verify_shape: bool = False

    def __call__(
        self, shape: ShapeLike, dtype: DTypeLike | None = None, partition_info: Any = None,
        verify_shape: bool | None = None,
    ) -> Tensor:  # fmt: skip
        """Make an initial value.

        Args:
            shape: The shape; all dimensions are known.
            dtype: The dtype; by default the initializer's own.
            partition_info: Not supported; it must be None.
            verify_shape: Whether `shape` must be that of the value; by default the initializer's own.

        Returns:
            A tensor of that shape and dtype.
        """
        chosen = self if verify_shape is None else self.replace(verify_shape=verify_shape)
        return super(constant_initializer, chosen).__call__(shape, dtype, partition_info)

    def make(self, shape: Any, dtype: DType) -> Tensor:
        return values.constant(self.value, dtype, shape, verify_shape=self.verify_shape)


class random_normal_initializer(Initializer):
    """Initializer that draws from a normal distribution.

    Args:
        mean: The mean.
        stddev: The standard deviation.
        seed: Seed of the op; see `tf.set_random_seed`.
        dtype: The dtype for calls that give none.

    Example:
        >>> w = tf.get_variable("w", [64, 10], initializer=tf.random_normal_initializer(stddev=0.05))
        >>> w.shape.as_list()
        [64, 10]
    """

    mean: float = 0.0
    stddev: float = 1.0
    seed: int | None = None
    dtype: DTypeLike = float32

    def make(self, shape: Any, dtype: DType) -> Tensor:
        return draws.random_normal(shape, self.mean, self.stddev, dtype, self.seed)


class truncated_normal_initializer(Initializer):
    """Initializer that draws from a normal distribution, and again while a value is over two deviations from the mean.

    Args:
        mean: The mean of the normal distribution.
        stddev: The standard deviation of the normal distribution.
        seed: Seed of the op; see `tf.set_random_seed`.
        dtype: The dtype for calls that give none.

    Example:
        >>> values = tf.Session().run(tf.truncated_normal_initializer(stddev=0.1)([1000]))
        >>> print(bool(np.abs(values).max() <= 0.2))
        True
    """

    mean: float = 0.0
    stddev: float = 1.0
    seed: int | None = None
    dtype: DTypeLike = float32

    def make(self, shape: Any, dtype: DType) -> Tensor:
        return draws.truncated_normal(shape, self.mean, self.stddev, dtype, self.seed)


class random_uniform_initializer(Initializer):
    """Initializer that draws from a uniform distribution over [minval, maxval).

    Args:
        minval: The lower limit.
        maxval: The upper limit; by default 1 for floating-point dtypes.
        seed: Seed of the op; see `tf.set_random_seed`.
        dtype: The dtype for calls that give none.

    Example:
        >>> values = tf.Session().run(tf.random_uniform_initializer(-0.1, 0.1)([1000]))
        >>> print(bool(np.abs(values).max() <= 0.1))
        True
    """

    minval: float = 0
    maxval: float | None = None
    seed: int | None = None
    dtype: DTypeLike = float32

    def make(self, shape: Any, dtype: DType) -> Tensor:
        return draws.random_uniform(shape, self.minval, self.maxval, dtype, self.seed)


class variance_scaling_initializer(Initializer):
    """Initializer that draws with variance scale/n, where n is the number of a unit's inputs, outputs, or their mean.

    For a kernel [KH,KW,C,F] the inputs are KH·KW·C, the fan in, and the outputs KH·KW·F, the fan out.

    Args:
        scale: A positive number.
        mode: The meaning of n: "fan_in", "fan_out", or "fan_avg", their mean.
        distribution: "truncated_normal" (or "normal"), "untruncated_normal" or "uniform".
        seed: Seed of the op; see `tf.set_random_seed`.
        dtype: The dtype for calls that give none.

    Raises:
        ValueError: `scale` is not positive, or `mode` or `distribution` is unknown.

    Example:
        >>> he = tf.variance_scaling_initializer(scale=2.0, mode="fan_in")
        >>> tf.layers.conv2d(tf.zeros([1, 8, 8, 3]), 16, 3, kernel_initializer=he).shape.as_list()
        [1, 6, 6, 16]

    Sources: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010
    (fan_avg); He et al., "Delving deep into rectifiers", 2015 (scale 2, fan_in).
    """

    scale: float = 1.0
    mode: FanMode = "fan_in"
    distribution: Distribution = "truncated_normal"
    seed: int | None = None
    dtype: DTypeLike = float32

    def __init__(
        self, scale: float = 1.0, mode: FanMode = "fan_in", distribution: Distribution = "truncated_normal",
        seed: int | None = None, dtype: DTypeLike = float32,
    ) -> None:  # fmt: skip
        super().__init__(scale, mode, distribution, seed, dtype)
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
    """Initializer that draws uniformly from ±√(6/(fan_in + fan_out)), as Xavier's; the default of `tf.get_variable`.

    Args:
        seed: Seed of the op; see `tf.set_random_seed`.
        dtype: The dtype for calls that give none.

    Example:
        >>> values = tf.Session().run(tf.glorot_uniform_initializer()([100, 50]))
        >>> print(bool(np.abs(values).max() <= 0.2))
        True

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """

    def __init__(self, seed: int | None = None, dtype: DTypeLike = float32) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed, dtype)


class glorot_normal_initializer(variance_scaling_initializer):
    """Initializer that draws from a truncated normal distribution of variance 2/(fan_in + fan_out).

    Args:
        seed: Seed of the op; see `tf.set_random_seed`.
        dtype: The dtype for calls that give none.

    Example:
        >>> values = tf.Session().run(tf.glorot_normal_initializer()([100, 100]))
        >>> print(f"{values.std():.2f}")
        0.10

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """

    def __init__(self, seed: int | None = None, dtype: DTypeLike = float32) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed, dtype)


class orthogonal_initializer(Initializer):
    """Initializer that makes matrices with orthonormal rows or columns, whichever are fewer, times `gain`.

    All axes of the shape but the last count as rows. There must be two axes or more.

    Args:
        gain: Factor of the matrix.
        seed: Seed of the op; see `tf.set_random_seed`.
        dtype: The dtype for calls that give none.

    Raises:
        ValueError: In a call, the shape has fewer than two axes.

    Example:
        >>> matrix = tf.Session().run(tf.orthogonal_initializer()([5, 3]))
        >>> print(np.allclose(matrix.T @ matrix, np.eye(3), atol=1e-6))
        True

    Source: Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks", 2013.
    """

    gain: float = 1.0
    seed: int | None = None
    dtype: DTypeLike = float32

    def make(self, shape: Any, dtype: DType) -> Tensor:
        dims = [int(d) for d in shape]
        if len(dims) < 2:
            raise ValueError("The tensor to initialize must be at least two-dimensional")
        rows, columns = math.prod(dims[:-1]), dims[-1]
        noise = draws.random_normal([max(rows, columns), min(rows, columns)], dtype=dtype, seed=self.seed)
        matrix = orthogonal_matrix(noise)
        if rows < columns:
            matrix = transpose(matrix)
        scaled: Tensor = self.gain * reshape(matrix, dims)
        return scaled


class identity_initializer(Initializer):
    """Initializer that makes the identity matrix times `gain`.

    Args:
        gain: Factor of the matrix.
        dtype: The dtype for calls that give none.

    Raises:
        ValueError: In a call, the shape has other than two axes.

    Example:
        >>> print(tf.Session().run(tf.initializers.identity(2.0)([2, 2])))
        [[2. 0.]
         [0. 2.]]
    """

    gain: float = 1.0
    dtype: DTypeLike = float32

    def make(self, shape: Any, dtype: DType) -> Tensor:
        dims = [int(d) for d in shape]
        if len(dims) != 2:
            raise ValueError("Identity matrix initializer can only be used for 2D matrices.")
        matrix = eye(dims[0], dims[1], dtype=dtype)
        return matrix if self.gain == 1.0 else matrix * self.gain


def he_normal(seed: int | None = None) -> Initializer:
    """Make an initializer that draws from a truncated normal distribution of variance 2/fan_in.

    Args:
        seed: Seed of the op; see `tf.set_random_seed`.

    Returns:
        The initializer.

    Example:
        >>> values = tf.Session().run(tf.initializers.he_normal()([200, 100]))
        >>> print(f"{values.std():.2f}")
        0.10

    Source: He et al., "Delving deep into rectifiers", 2015.
    """
    return variance_scaling_initializer(2.0, "fan_in", "truncated_normal", seed)


def he_uniform(seed: int | None = None) -> Initializer:
    """Make an initializer that draws uniformly from ±√(6/fan_in).

    Args:
        seed: Seed of the op; see `tf.set_random_seed`.

    Returns:
        The initializer.

    Example:
        >>> values = tf.Session().run(tf.initializers.he_uniform()([150, 10]))
        >>> print(bool(np.abs(values).max() <= 0.2))
        True

    Source: He et al., "Delving deep into rectifiers", 2015.
    """
    return variance_scaling_initializer(2.0, "fan_in", "uniform", seed)


def lecun_normal(seed: int | None = None) -> Initializer:
    """Make an initializer that draws from a truncated normal distribution of variance 1/fan_in.

    Args:
        seed: Seed of the op; see `tf.set_random_seed`.

    Returns:
        The initializer.

    Example:
        >>> values = tf.Session().run(tf.initializers.lecun_normal()([100, 100]))
        >>> print(f"{values.std():.2f}")
        0.10

    Source: LeCun et al., "Efficient BackProp", 1998.
    """
    return variance_scaling_initializer(1.0, "fan_in", "truncated_normal", seed)


def lecun_uniform(seed: int | None = None) -> Initializer:
    """Make an initializer that draws uniformly from ±√(3/fan_in).

    Args:
        seed: Seed of the op; see `tf.set_random_seed`.

    Returns:
        The initializer.

    Example:
        >>> values = tf.Session().run(tf.initializers.lecun_uniform()([75, 10]))
        >>> print(bool(np.abs(values).max() <= 0.2))
        True

    Source: LeCun et al., "Efficient BackProp", 1998.
    """
    return variance_scaling_initializer(1.0, "fan_in", "uniform", seed)


def _fans(shape: list[int]) -> tuple[float, float]:
    if not shape:
        return 1.0, 1.0
    if len(shape) == 1:
        return float(shape[0]), float(shape[0])
    receptive = math.prod(shape[:-2])
    return float(receptive * shape[-2]), float(receptive * shape[-1])
