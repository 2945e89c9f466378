"""Smaller functions of tf.nn, composed of others: weighted losses and statistics, look-ups, sparsity."""

from __future__ import annotations

import math
from typing import Any

from minigraph.core import types as T
from minigraph.core.dtypes import float32, int64
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.core.types import format_shape
from minigraph.ops.array.joining import gather
from minigraph.ops.array.shape import shape, size, squeeze
from minigraph.ops.builder import as_tensor_like, composed
from minigraph.ops.constant import constant
from minigraph.ops.identity import identity
from minigraph.ops.math.math_api import (
    abs,
    add,
    cast,
    exp,
    log,
    log1p,
    logical_and,
    multiply,
    not_equal,
    ones_like,
    reciprocal,
    relu,
    square,
    squared_difference,
    subtract,
    where,
    zeros_like,
)
from minigraph.ops.math.reduce import as_axes, reduce_prod, reduce_sum
from minigraph.ops.nn.norm import batch_normalization


def _same_shapes(first: Tensor, second: Tensor, what: str) -> None:
    if not T.compatible(first.type.shape, second.type.shape):
        a, b = format_shape(first.type.shape), format_shape(second.type.shape)
        raise ShapeError(f"{what} must have the same shape ({a} vs {b})")


def weighted_cross_entropy_with_logits(
    labels: Any = None, logits: Any = None, pos_weight: Any = None, name: str | None = None, targets: Any = None
) -> Tensor:
    """sigmoid_cross_entropy_with_logits with the term of the positive labels times `pos_weight`."""
    with composed(name, "logistic_loss", logits, labels if targets is None else targets) as scope:
        x = convert_to_tensor(logits, name="logits")
        z = convert_to_tensor(labels if targets is None else targets, x.dtype, name="labels")
        _same_shapes(x, z, "logits and labels")
        weight = 1 + (pos_weight - 1) * z
        return add((1 - z) * x, weight * (log1p(exp(-abs(x))) + relu(-x)), name=scope)


def log_poisson_loss(targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None) -> Tensor:
    """e^c − c·z, the negative log-likelihood of counts z under Poisson's law of the mean e^c, up to a constant.

    compute_full_loss: with Stirling's approximation of the constant, for z > 1.
    """
    with composed(name, "log_poisson_loss", log_input, targets):
        c = convert_to_tensor(log_input, name="log_input")
        z = convert_to_tensor(targets, c.dtype, name="targets")
        _same_shapes(c, z, "log_input and targets")
        result: Tensor = exp(c) - c * z
        if compute_full_loss:
            stirling = z * log(z) - z + 0.5 * log((2 * math.pi) * z)
            zeros = zeros_like(z)
            result = result + where(logical_and(z >= zeros, z <= ones_like(z)), zeros, stirling)
        return result


def zero_fraction(value: Any, name: str | None = None) -> Tensor:
    """The share of zeros in `value`: a float32."""
    with composed(name, "zero_fraction", value):
        x = convert_to_tensor(value, name="value")
        total = size(x, out_type=int64)
        x.graph.reserve_ids(15)  # TensorFlow counts small tensors in another way than large ones
        some = reduce_sum(cast(not_equal(x, zeros_like(x)), int64))
        with x.graph.name_scope("counts_to_fraction"):
            share = cast(total - some, float32) / cast(total, float32)
        return identity(share, "fraction")


def embedding_lookup(
    params: Any, ids: Any, partition_strategy: str = "mod", name: str | None = None, validate_indices: bool = True,
    max_norm: Any = None,
) -> Tensor:  # fmt: skip
    """The rows of the table `params` at `ids`. One table only, and no `max_norm`."""
    tables = list(params) if isinstance(params, list | tuple) else [params]
    if len(tables) != 1 or max_norm is not None:
        raise ValueError("tf.nn.embedding_lookup takes one table, and no max_norm")
    with composed(name, "embedding_lookup", tables[0], ids) as scope:
        return identity(gather(as_tensor_like(tables[0]), convert_to_tensor(ids, name="ids"), name=scope))


def sufficient_statistics(
    x: Any, axes: Any, shift: Any = None, keep_dims: Any = None, name: str | None = None, keepdims: Any = None
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """Count, Σ(x − shift), Σ(x − shift)² over `axes`, and the shift: what `normalize_moments` takes."""
    keep = bool(keep_dims or keepdims)
    with composed(name, "sufficient_statistics", x, shift):
        tensor = convert_to_tensor(x, name="x")
        dims = [None if tensor.type.shape is None else tensor.type.shape[a] for a in as_axes(axes) or ()]
        if None in dims:
            count = reduce_prod(gather(cast(shape(tensor), tensor.dtype), list(as_axes(axes) or ())), name="count")
        else:
            count = constant(math.prod(d for d in dims if d is not None), dtype=tensor.dtype)
        offset = None if shift is None else convert_to_tensor(shift, tensor.dtype, name="shift")
        first = tensor if offset is None else subtract(tensor, offset)
        second = square(tensor) if offset is None else squared_difference(tensor, offset)
        mean = reduce_sum(first, axes, keepdims=keep, name="mean_ss")
        return count, mean, reduce_sum(second, axes, keepdims=keep, name="var_ss"), offset


def normalize_moments(
    counts: Any, mean_ss: Any, variance_ss: Any, shift: Any, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Mean and variance from what `sufficient_statistics` gives."""
    with composed(name, "normalize", counts, mean_ss, variance_ss, shift):
        divisor = reciprocal(counts, name="divisor")
        if shift is None:
            shifted = mean = multiply(mean_ss, divisor, name="mean")
        else:
            shifted = multiply(mean_ss, divisor, name="shifted_mean")
            mean = add(shifted, shift, name="mean")
        return mean, subtract(multiply(variance_ss, divisor), square(shifted), name="variance")


def weighted_moments(
    x: Any, axes: Any, frequency_weights: Any, name: str | None = None, keep_dims: Any = None, keepdims: Any = None
) -> tuple[Tensor, Tensor]:
    """Mean and variance over `axes` of values that count `frequency_weights` times."""
    with composed(name, "weighted_moments", x, frequency_weights):
        tensor = convert_to_tensor(x, name="x")
        weights = cast(convert_to_tensor(frequency_weights, name="frequency_weights"), tensor.dtype)
        total = reduce_sum(weights * tensor, axes, name="weighted_input_sum", keepdims=True)
        spread = weights + zeros_like(tensor)
        divisor = reciprocal(reduce_sum(spread, axes, name="sum_of_weights", keepdims=True), name="inv_weight_sum")
        mean = multiply(total, divisor)
        squares = weights * squared_difference(tensor, mean)
        variance = multiply(reduce_sum(squares, axes, name="weighted_distsq", keepdims=True), divisor)
        if keep_dims or keepdims:
            return mean, variance
        return squeeze(mean, as_axes(axes)), squeeze(variance, as_axes(axes))


def batch_norm_with_global_normalization(
    t: Any = None, m: Any = None, v: Any = None, beta: Any = None, gamma: Any = None, variance_epsilon: Any = None,
    scale_after_normalization: Any = None, name: str | None = None, input: Any = None, mean: Any = None,
    variance: Any = None,
) -> Tensor:  # fmt: skip
    """The older name of `batch_normalization`."""
    x, centre, spread = (new if old is None else old for old, new in ((t, input), (m, mean), (v, variance)))
    return batch_normalization(
        x, centre, spread, beta, gamma if scale_after_normalization else None, variance_epsilon, name
    )
