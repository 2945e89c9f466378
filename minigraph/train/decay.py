"""Learning rates that change with the global step."""

from __future__ import annotations

import math
from typing import Any

from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.ops.builder import as_tensor_like, composed
from minigraph.ops.filling import ones_like
from minigraph.ops.math.arithmetic import add, divide, minimum, multiply, negative
from minigraph.ops.math.casting import cast
from minigraph.ops.math.comparison import equal, less_equal
from minigraph.ops.math.exponential import exp, log, pow
from minigraph.ops.math.rounding import ceil, floor
from minigraph.ops.math.selection import where
from minigraph.ops.math.trigonometric import cos


def _fraction(rate: Tensor, global_step: Any, decay_steps: Any, staircase: bool = False) -> Tensor:
    """global_step / decay_steps in the dtype of the rate, rounded down with `staircase`."""
    step = _step(global_step, rate)
    passed: Tensor = step / cast(as_tensor_like(decay_steps), rate.dtype)
    return floor(passed) if staircase else passed


def _step(global_step: Any, rate: Tensor) -> Tensor:
    if global_step is None:
        raise ValueError("None is no global_step: a decay of the learning rate needs one.")
    return cast(as_tensor_like(global_step), rate.dtype)


def exponential_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """learning_rate·decay_rate^(global_step/decay_steps), with whole powers only with `staircase`."""
    with composed(name, "ExponentialDecay", learning_rate, global_step, decay_steps, decay_rate) as scope:
        rate = convert_to_tensor(learning_rate, name="initial_learning_rate")
        passed = _fraction(rate, global_step, decay_steps, staircase)
        return multiply(rate, pow(cast(as_tensor_like(decay_rate), rate.dtype), passed), name=scope)


def natural_exp_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """learning_rate·e^(−decay_rate·global_step/decay_steps)."""
    factor = exp(negative(decay_rate))
    return exponential_decay(learning_rate, global_step, decay_steps, factor, staircase, name)


def inverse_time_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """learning_rate/(1 + decay_rate·global_step/decay_steps)."""
    with composed(name, "InverseTimeDecay", learning_rate, global_step, decay_steps, decay_rate) as scope:
        rate = convert_to_tensor(learning_rate, name="initial_learning_rate")
        passed = _fraction(rate, global_step, decay_steps, staircase)
        rate.graph.reserve_ids(1)  # the cast of 1.0
        return divide(rate, add(1.0, multiply(cast(as_tensor_like(decay_rate), rate.dtype), passed)), name=scope)


def polynomial_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, end_learning_rate: Any = 0.0001, power: Any = 1.0,
    cycle: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """(learning_rate − end)·(1 − t/decay_steps)^power + end, with t = global_step up to decay_steps.

    cycle: from then on decay_steps is doubled, tripled, … whenever it is reached.
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
    learning_rate: Any, global_step: Any, decay_steps: Any, alpha: float = 0.0, name: str | None = None
) -> Tensor:
    """learning_rate·((1 − alpha)·(1 + cos(π·t/decay_steps))/2 + alpha), with t = global_step up to decay_steps.

    Source: Loshchilov and Hutter 2016.
    """
    with composed(name, "CosineDecay", learning_rate, global_step, decay_steps):
        rate = convert_to_tensor(learning_rate, name="initial_learning_rate")
        steps = cast(as_tensor_like(decay_steps), rate.dtype)
        passed = minimum(_step(global_step, rate), steps) / steps
        return multiply(rate, (1 - alpha) * (0.5 * (1.0 + cos(math.pi * passed))) + alpha)


def cosine_decay_restarts(
    learning_rate: Any, global_step: Any, first_decay_steps: Any, t_mul: float = 2.0, m_mul: float = 1.0,
    alpha: float = 0.0, name: str | None = None,
) -> Tensor:  # fmt: skip
    """cosine_decay again and again, each time `t_mul` times as long and from `m_mul` times the rate.

    Source: Loshchilov and Hutter 2016 (SGDR).
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
    learning_rate: Any, global_step: Any, decay_steps: Any, num_periods: float = 0.5, alpha: float = 0.0,
    beta: float = 0.001, name: str | None = None,
) -> Tensor:  # fmt: skip
    """learning_rate·((alpha + 1 − t/decay_steps)·(1 + cos(2π·num_periods·t/decay_steps))/2 + beta),
    t up to decay_steps.

    Source: Bello et al. 2017.
    """
    with composed(name, "LinearCosineDecay", learning_rate, global_step, decay_steps) as scope:
        rate = convert_to_tensor(learning_rate, name="initial_learning_rate")
        steps = cast(as_tensor_like(decay_steps), rate.dtype)
        step = minimum(_step(global_step, rate), steps)
        wave = 0.5 * (1.0 + cos(math.pi * (2.0 * num_periods * step / steps)))
        return multiply(rate, (alpha + (steps - step) / steps) * wave + beta, name=scope)


def piecewise_constant(x: Any, boundaries: Any, values: Any, name: str | None = None) -> Tensor:
    """values[0] for x ≤ boundaries[0], values[i] for boundaries[i−1] < x ≤ boundaries[i], values[-1] beyond."""
    if len(boundaries) != len(values) - 1:
        raise ValueError("The length of boundaries should be 1 less than the length of values")
    with composed(name, "PiecewiseConstant", x, *values):
        place = convert_to_tensor(x)
        levels = [convert_to_tensor(as_tensor_like(v)) for v in values]
        if any(v.dtype is not levels[0].dtype for v in levels):
            raise ValueError(f"Values must have elements all with the same dtype: {[v.dtype.name for v in levels]}")
        result = levels[-1]
        for boundary, level in zip(reversed(list(boundaries)), reversed(levels[:-1]), strict=True):
            result = where(less_equal(place, cast(as_tensor_like(boundary), place.dtype)), level, result)
        return result
