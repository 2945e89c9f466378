"""Moments over axes, and the share of zeros."""

from __future__ import annotations

import math
from typing import Any

from minigraph.core.dtypes import float32, int64
from minigraph.core.errors import DTypeError
from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.ops.array.joining import gather
from minigraph.ops.array.shape import shape, size, squeeze
from minigraph.ops.builder import composed
from minigraph.ops.constant import constant
from minigraph.ops.filling import zeros_like
from minigraph.ops.identity import identity
from minigraph.ops.math.arithmetic import add, multiply, reciprocal, square, squared_difference, subtract
from minigraph.ops.math.casting import cast
from minigraph.ops.math.comparison import not_equal
from minigraph.ops.math.reduce import as_axes, reduce_mean, reduce_prod, reduce_sum

__all__ = ["moments", "normalize_moments", "sufficient_statistics", "weighted_moments", "zero_fraction"]


def moments(
    x: Any, axes: Any, shift: Any = None, name: str | None = None, keep_dims: Any = None, keepdims: Any = None
) -> tuple[Tensor, Tensor]:
    """Mean and biased variance, E[(x − E[x])²], over `axes`."""
    tensor = convert_to_tensor(x)
    if not tensor.dtype.is_floating:
        raise DTypeError(f"moments takes floating-point tensors, not {tensor.dtype.name}")
    with tensor.graph.name_scope(name or "moments"):
        mean = reduce_mean(tensor, axes, keepdims=True, name="mean")
        # TensorFlow stops the gradient at the mean here. That is right to first order (the mean's part of it is 0),
        # but loses a term of the second, so the mean stays connected.
        tensor.graph.reserve_ids(1)
        variance = reduce_mean(squared_difference(tensor, mean), axes, keepdims=True, name="variance")
        if keep_dims or keepdims:
            return mean, variance
        order = as_axes(axes)
        return squeeze(mean, order), squeeze(variance, order)


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
