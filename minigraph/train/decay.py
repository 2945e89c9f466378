"""Learning rates that depend on the training step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Tensor
from minigraph.core.typing import TensorLike
from minigraph.ops.builder import as_tensor_like, composed
from minigraph.ops.filling import ones_like
from minigraph.ops.math.arithmetic import add, divide, multiply, negative
from minigraph.ops.math.casting import cast
from minigraph.ops.math.comparison import equal, less_equal
from minigraph.ops.math.exponential import exp, log, pow
from minigraph.ops.math.extremes import minimum
from minigraph.ops.math.rounding import ceil, floor
from minigraph.ops.math.selection import where
from minigraph.ops.math.trigonometric import cos

__all__ = [
    "cosine_decay",
    "cosine_decay_restarts",
    "exponential_decay",
    "inverse_time_decay",
    "linear_cosine_decay",
    "natural_exp_decay",
    "piecewise_constant",
    "polynomial_decay",
]


def _fraction(rate: Tensor, global_step: Any, decay_steps: Any, staircase: bool = False) -> Tensor:
    """global_step / decay_steps in the dtype of the rate, rounded down with `staircase`."""
    step = _step(global_step, rate)
    passed: Tensor = step / cast(as_tensor_like(decay_steps), rate.dtype)
    return floor(passed) if staircase else passed


def _step(global_step: Any, rate: Tensor) -> Tensor:
    if global_step is None:
        raise ValueError("a decay of the learning rate needs a global_step, not None.")
    return cast(as_tensor_like(global_step), rate.dtype)


def exponential_decay(
    learning_rate: TensorLike, global_step: TensorLike, decay_steps: TensorLike, decay_rate: TensorLike,
    staircase: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Compute learning_rate·decay_rate^(t/decay_steps) in step t.

    Args:
        learning_rate: The rate in step 0.
        global_step: The number of the training step: a number, a scalar tensor or a variable.
        decay_steps: The number of steps in which the rate is multiplied by `decay_rate`.
        decay_rate: The factor.
        staircase: Whether the exponent is rounded down.
        name: Name scope of the nodes.

    Returns:
        A scalar of the dtype of `learning_rate`.

    Raises:
        ValueError: `global_step` is None.

    Example:
        >>> step = tf.placeholder(tf.int32, [])
        >>> rate = tf.train.exponential_decay(1.0, step, decay_steps=10, decay_rate=0.25)
        >>> with tf.Session() as sess:
        ...     for i in (0, 5, 10):
        ...         print(f"{sess.run(rate, {step: i}):.4f}")
        1.0000
        0.5000
        0.2500
    """
    with composed(name, "ExponentialDecay", learning_rate, global_step, decay_steps, decay_rate) as scope:
        rate = convert_to_tensor(learning_rate, name="initial_learning_rate")
        passed = _fraction(rate, global_step, decay_steps, staircase)
        return multiply(rate, pow(cast(as_tensor_like(decay_rate), rate.dtype), passed), name=scope)


def natural_exp_decay(
    learning_rate: TensorLike, global_step: TensorLike, decay_steps: TensorLike, decay_rate: TensorLike,
    staircase: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Compute learning_rate·e^(−decay_rate·t/decay_steps) in step t.

    Args:
        learning_rate: The rate in step 0.
        global_step: The number of the training step: a number, a scalar tensor or a variable.
        decay_steps: The unit of time, in steps.
        decay_rate: The decay per unit of time.
        staircase: Whether t/decay_steps is rounded down.
        name: Name scope of the nodes.

    Returns:
        A scalar of the dtype of `learning_rate`.

    Raises:
        ValueError: `global_step` is None.

    Example:
        >>> step = tf.placeholder(tf.int32, [])
        >>> rate = tf.train.natural_exp_decay(1.0, step, decay_steps=10, decay_rate=1.0)
        >>> with tf.Session() as sess:
        ...     for i in (0, 10):
        ...         print(f"{sess.run(rate, {step: i}):.4f}")
        1.0000
        0.3679
    """
    factor = exp(negative(decay_rate))
    return exponential_decay(learning_rate, global_step, decay_steps, factor, staircase, name)


def inverse_time_decay(
    learning_rate: TensorLike, global_step: TensorLike, decay_steps: TensorLike, decay_rate: TensorLike,
    staircase: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Compute learning_rate/(1 + decay_rate·t/decay_steps) in step t.

    Args:
        learning_rate: The rate in step 0.
        global_step: The number of the training step: a number, a scalar tensor or a variable.
        decay_steps: The unit of time, in steps.
        decay_rate: The decay per unit of time.
        staircase: Whether t/decay_steps is rounded down.
        name: Name scope of the nodes.

    Returns:
        A scalar of the dtype of `learning_rate`.

    Raises:
        ValueError: `global_step` is None.

    Example:
        >>> step = tf.placeholder(tf.int32, [])
        >>> rate = tf.train.inverse_time_decay(1.0, step, decay_steps=10, decay_rate=1.0)
        >>> with tf.Session() as sess:
        ...     for i in (0, 10, 30):
        ...         print(f"{sess.run(rate, {step: i}):.4f}")
        1.0000
        0.5000
        0.2500
    """
    with composed(name, "InverseTimeDecay", learning_rate, global_step, decay_steps, decay_rate) as scope:
        rate = convert_to_tensor(learning_rate, name="initial_learning_rate")
        passed = _fraction(rate, global_step, decay_steps, staircase)
        rate.graph.reserve_ids(1)  # the cast of 1.0
        return divide(rate, add(1.0, multiply(cast(as_tensor_like(decay_rate), rate.dtype), passed)), name=scope)


def polynomial_decay(
    learning_rate: TensorLike, global_step: TensorLike, decay_steps: TensorLike, end_learning_rate: TensorLike = 0.0001,
    power: TensorLike = 1.0, cycle: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Compute (learning_rate − end)·(1 − t/decay_steps)^power + end in step t ≤ decay_steps.

    Args:
        learning_rate: The rate in step 0.
        global_step: The number of the training step: a number, a scalar tensor or a variable.
        decay_steps: The number of steps until the rate is `end_learning_rate`.
        end_learning_rate: The last rate, end.
        power: The exponent; 1 makes the rate fall on a straight line.
        cycle: Whether, each time the last rate is reached, `decay_steps` grows to the next multiple, so that the rate
            rises again. Otherwise the rate stays.
        name: Name scope of the nodes.

    Returns:
        A scalar of the dtype of `learning_rate`.

    Raises:
        ValueError: `global_step` is None.

    Example:
        >>> step = tf.placeholder(tf.int32, [])
        >>> rate = tf.train.polynomial_decay(1.0, step, decay_steps=10, end_learning_rate=0.5)
        >>> with tf.Session() as sess:
        ...     for i in (0, 5, 20):
        ...         print(f"{sess.run(rate, {step: i}):.4f}")
        1.0000
        0.7500
        0.5000
    """
    with composed(name, "PolynomialDecay", learning_rate, global_step, decay_steps) as scope:
        rate = convert_to_tensor(learning_rate, name="initial_learning_rate")
        end = cast(as_tensor_like(end_learning_rate), rate.dtype)
        step, steps = _step(global_step, rate), cast(as_tensor_like(decay_steps), rate.dtype)
        rate.graph.reserve_ids(0 if cycle else 1)  # the cast of decay_steps
        if cycle:
            rounds = ceil(step / steps)
            steps = multiply(steps, where(equal(step, 0.0), ones_like(rounds), rounds))
        else:
            step = minimum(step, steps)
        rest = pow(1 - divide(step, steps), cast(as_tensor_like(power), rate.dtype))
        return add(multiply(rate - end, rest), end, name=scope)


def cosine_decay(
    learning_rate: TensorLike, global_step: TensorLike, decay_steps: TensorLike, alpha: float = 0.0,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Compute learning_rate·((1 − alpha)·(1 + cos(π·t/decay_steps))/2 + alpha) in step t ≤ decay_steps; then it stays.

    Args:
        learning_rate: The rate in step 0.
        global_step: The number of the training step: a number, a scalar tensor or a variable.
        decay_steps: The number of steps until the last rate.
        alpha: The last rate as a share of the first.
        name: Name scope of the nodes.

    Returns:
        A scalar of the dtype of `learning_rate`.

    Raises:
        ValueError: `global_step` is None.

    Example:
        >>> step = tf.placeholder(tf.int32, [])
        >>> rate = tf.train.cosine_decay(1.0, step, decay_steps=10)
        >>> with tf.Session() as sess:
        ...     for i in (0, 5, 20):
        ...         print(f"{sess.run(rate, {step: i}):.4f}")
        1.0000
        0.5000
        0.0000

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2016.
    """
    with composed(name, "CosineDecay", learning_rate, global_step, decay_steps):
        rate = convert_to_tensor(learning_rate, name="initial_learning_rate")
        steps = cast(as_tensor_like(decay_steps), rate.dtype)
        passed = minimum(_step(global_step, rate), steps) / steps
        return multiply(rate, (1 - alpha) * (0.5 * (1.0 + cos(math.pi * passed))) + alpha)


def cosine_decay_restarts(
    learning_rate: TensorLike, global_step: TensorLike, first_decay_steps: TensorLike, t_mul: float = 2.0,
    m_mul: float = 1.0, alpha: float = 0.0, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Compute `cosine_decay` in periods, each of which starts with a high rate.

    Args:
        learning_rate: The rate in step 0.
        global_step: The number of the training step: a number, a scalar tensor or a variable.
        first_decay_steps: The number of steps of the first period.
        t_mul: The length of each period as a multiple of the one before.
        m_mul: The first rate of each period as a multiple of that of the one before.
        alpha: The lowest rate as a share of `learning_rate`.
        name: Name scope of the nodes.

    Returns:
        A scalar of the dtype of `learning_rate`.

    Raises:
        ValueError: `global_step` is None.

    Example:
        >>> step = tf.placeholder(tf.int32, [])
        >>> rate = tf.train.cosine_decay_restarts(1.0, step, first_decay_steps=10, m_mul=0.5)
        >>> with tf.Session() as sess:
        ...     for i in (0, 5, 10, 20):
        ...         print(f"{sess.run(rate, {step: i}):.4f}")
        1.0000
        0.5000
        0.5000
        0.2500

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2016.
    """
    with composed(name, "SGDRDecay", learning_rate, global_step, first_decay_steps) as scope:
        rate = convert_to_tensor(learning_rate, name="initial_learning_rate")
        passed = _fraction(rate, global_step, first_decay_steps)
        if t_mul == 1.0:
            restart = floor(passed)
            passed = passed - restart
        else:
            restart = floor(log(1.0 - passed * (1.0 - t_mul)) / math.log(t_mul))
            longer = pow(cast(t_mul, rate.dtype), restart)
            passed = (passed - (1.0 - longer) / (1.0 - t_mul)) / longer
        height = pow(cast(m_mul, rate.dtype), restart)
        return multiply(rate, (1 - alpha) * (0.5 * height * (1.0 + cos(math.pi * passed))) + alpha, name=scope)


def linear_cosine_decay(
    learning_rate: TensorLike, global_step: TensorLike, decay_steps: TensorLike, num_periods: float = 0.5,
    alpha: float = 0.0, beta: float = 0.001, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Compute learning_rate·((alpha + 1 − s)·(1 + cos(2π·num_periods·s))/2 + beta), with s = t/decay_steps up to 1.

    Args:
        learning_rate: The factor of the whole.
        global_step: The number of the training step: a number, a scalar tensor or a variable.
        decay_steps: The number of steps until the last rate.
        num_periods: The number of periods of the cosine.
        alpha: Added to the linear part.
        beta: The last rate as a share of `learning_rate`, if alpha is 0.
        name: Name scope of the nodes.

    Returns:
        A scalar of the dtype of `learning_rate`.

    Raises:
        ValueError: `global_step` is None.

    Example:
        >>> step = tf.placeholder(tf.int32, [])
        >>> rate = tf.train.linear_cosine_decay(1.0, step, decay_steps=10)
        >>> with tf.Session() as sess:
        ...     for i in (0, 5, 10):
        ...         print(f"{sess.run(rate, {step: i}):.4f}")
        1.0010
        0.2510
        0.0010

    Source: Bello et al., "Neural optimizer search with reinforcement learning", 2017.
    """
    with composed(name, "LinearCosineDecay", learning_rate, global_step, decay_steps) as scope:
        rate = convert_to_tensor(learning_rate, name="initial_learning_rate")
        steps = cast(as_tensor_like(decay_steps), rate.dtype)
        step = minimum(_step(global_step, rate), steps)
        wave = 0.5 * (1.0 + cos(math.pi * (2.0 * num_periods * step / steps)))
        return multiply(rate, (alpha + (steps - step) / steps) * wave + beta, name=scope)


def piecewise_constant(
    x: TensorLike, boundaries: Sequence[TensorLike], values: Sequence[TensorLike], name: str | None = None
) -> Tensor:
    """Choose a constant by the interval that x is in.

    The result is values[0] for x ≤ boundaries[0], values[i] for boundaries[i − 1] < x ≤ boundaries[i], and the last
    value beyond the last boundary.

    Args:
        x: A scalar, such as the global step.
        boundaries: Increasing numbers or scalar tensors.
        values: Numbers or scalar tensors of one dtype, one more than boundaries.
        name: Name scope of the nodes.

    Returns:
        A scalar of the dtype of `values`.

    Raises:
        ValueError: The numbers of boundaries and values do not fit, or the dtypes of `values` differ.

    Example:
        >>> step = tf.placeholder(tf.int32, [])
        >>> rate = tf.train.piecewise_constant(step, boundaries=[100, 200], values=[1.0, 0.5, 0.1])
        >>> with tf.Session() as sess:
        ...     for i in (100, 150, 201):
        ...         print(f"{sess.run(rate, {step: i}):.4f}")
        1.0000
        0.5000
        0.1000
    """
    if len(boundaries) != len(values) - 1:
        raise ValueError("The length of boundaries should be 1 less than the length of values")
    with composed(name, "PiecewiseConstant", x, *values):
        place = convert_to_tensor(x)
        levels = [convert_to_tensor(v) for v in values]
        if any(v.dtype is not levels[0].dtype for v in levels):
            raise ValueError(f"Values must have elements all with the same dtype: {[v.dtype.name for v in levels]}")
        result = levels[-1]
        for boundary, level in zip(reversed(list(boundaries)), reversed(levels[:-1]), strict=True):
            result = where(less_equal(place, cast(as_tensor_like(boundary), place.dtype)), level, result)
        return result
