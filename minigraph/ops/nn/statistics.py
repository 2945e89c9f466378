"""Moments over axes, and the share of zeros."""

from __future__ import annotations

import math

from minigraph.core.arguments import renamed
from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import float32, int64
from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.typing import AxisLike, TensorLike
from minigraph.ops.array.gathering import gather
from minigraph.ops.array.reshape import squeeze
from minigraph.ops.array.shape import shape, size
from minigraph.ops.builder import composed
from minigraph.ops.constant import constant
from minigraph.ops.filling import zeros_like
from minigraph.ops.identity import identity
from minigraph.ops.math.arithmetic import add, multiply, reciprocal, square, squared_difference, subtract
from minigraph.ops.math.casting import cast, widened
from minigraph.ops.math.comparison import not_equal
from minigraph.ops.math.reduce import as_axes, check_axes, reduce_mean, reduce_sum
from minigraph.ops.math.reduce_product import reduce_prod

__all__ = ["moments", "normalize_moments", "sufficient_statistics", "weighted_moments", "zero_fraction"]


def moments(
    x: TensorLike, axes: AxisLike, shift: TensorLike | None = None, name: str | None = None,
    keep_dims: bool | None = None, keepdims: bool | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Compute the mean and the biased variance E[(x − E[x])²] over axes; those of float16 in float32.

    Args:
        x: A tensor of a floating dtype.
        axes: The axes to reduce.
        shift: Accepted for TensorFlow's sake; without effect.
        name: Name scope of the nodes.
        keep_dims: The older name of `keepdims`.
        keepdims: Whether the reduced axes stay, with size 1.

    Returns:
        Mean and variance, of the dtype of `x` and the shape of `x` without `axes`.

    Raises:
        ShapeError: `x` has no such axis.
        DTypeError: The dtype of `x` is not floating.

    Example:
        >>> mean, variance = tf.nn.moments([[1.0, 4.0], [3.0, 4.0]], axes=[0])
        >>> [v.tolist() for v in tf.Session().run([mean, variance])]
        [[2.0, 4.0], [1.0, 0.0]]
    """
    given = convert_to_tensor(x)
    if not given.dtype.is_floating:
        raise DTypeError(f"moments takes floating-point tensors, not {given.dtype.name}")
    with given.graph.name_scope(name or "moments"):
        tensor = widened(given)
        mean = reduce_mean(tensor, axes, keepdims=True, name="mean")
        # TensorFlow stops the gradient at the mean here. The first derivative stays right (its term is 0), but a term
        # of the second derivative is lost. So the mean stays connected.
        tensor.graph.reserve_ids(1)
        variance = reduce_mean(squared_difference(tensor, mean), axes, keepdims=True, name="variance")
        mean, variance = (cast(v, given.dtype) for v in (mean, variance))
        if renamed("keepdims", keepdims, "keep_dims", keep_dims):
            return mean, variance
        order = as_axes(axes)
        return squeeze(mean, order), squeeze(variance, order)


def sufficient_statistics(
    x: TensorLike, axes: AxisLike, shift: TensorLike | None = None, keep_dims: bool | None = None,
    name: str | None = None, keepdims: bool | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:  # fmt: skip
    """Compute the sums from which `normalize_moments` makes mean and variance.

    Sums of several batches can be added before they are normalised.

    Args:
        x: A tensor of a floating dtype.
        axes: The axes to reduce; None for all. If the rank of `x` is unknown, they are counted from the first.
        shift: A value near the mean, which avoids cancellation; None for 0.
        keep_dims: The older name of `keepdims`.
        name: Name scope of the nodes.
        keepdims: Whether the reduced axes stay, with size 1.

    Returns:
        The number of elements reduced (a scalar), Σ(x − shift), Σ(x − shift)², and the shift (None if None was given),
        all of the dtype of `x`.

    Raises:
        ShapeError: `x` has no such axis, or its rank must be known and is not.
        DTypeError: The dtype of `x` is not floating.

    Example:
        >>> count, total, squares, shift = tf.nn.sufficient_statistics([1.0, 2.0, 3.0], axes=[0])
        >>> [v.item() for v in tf.Session().run([count, total, squares])], shift
        ([3.0, 6.0, 14.0], None)
    """
    keep = bool(renamed("keepdims", keepdims, "keep_dims", keep_dims))
    with composed(name, "sufficient_statistics", x, shift):
        tensor = convert_to_tensor(x, name="x")
        if not tensor.dtype.is_floating:
            raise DTypeError(f"sufficient_statistics takes floating-point tensors, not {tensor.dtype.name}")
        reduced = as_axes(axes)
        if tensor.type.rank is not None:
            reduced = tuple(sorted(check_axes(reduced, tensor.type)))
        elif reduced is None or min(reduced, default=0) < 0:
            raise ShapeError(f"sufficient_statistics over the axes {axes} needs to know the rank of x")
        dims = [None if tensor.type.shape is None else tensor.type.shape[a] for a in reduced]
        if None in dims:
            count = reduce_prod(gather(cast(shape(tensor), tensor.dtype), list(reduced)), name="count")
        else:
            count = constant(math.prod(d for d in dims if d is not None), dtype=tensor.dtype)
        offset = None if shift is None else convert_to_tensor(shift, tensor.dtype, name="shift")
        first = tensor if offset is None else subtract(tensor, offset)
        second = square(tensor) if offset is None else squared_difference(tensor, offset)
        mean = reduce_sum(first, axes, keepdims=keep, name="mean_ss")
        return count, mean, reduce_sum(second, axes, keepdims=keep, name="var_ss"), offset


def normalize_moments(
    counts: TensorLike, mean_ss: TensorLike, variance_ss: TensorLike, shift: TensorLike | None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Compute mean and variance from the sums that `sufficient_statistics` returns.

    Args:
        counts: Number of elements, a scalar of a floating dtype.
        mean_ss: Σ(x − shift).
        variance_ss: Σ(x − shift)².
        shift: The shift; None for 0.
        name: Name scope of the nodes.

    Returns:
        Mean and biased variance, of the shape and dtype of `mean_ss`.

    Raises:
        ShapeError: The shapes do not broadcast.
        DTypeError: The dtypes differ.

    Example:
        >>> mean, variance = tf.nn.normalize_moments(2.0, 6.0, 20.0, shift=None)
        >>> [v.item() for v in tf.Session().run([mean, variance])]
        [3.0, 1.0]
    """
    with composed(name, "normalize", counts, mean_ss, variance_ss, shift):
        divisor = reciprocal(counts, name="divisor")
        if shift is None:
            shifted = mean = multiply(mean_ss, divisor, name="mean")
        else:
            shifted = multiply(mean_ss, divisor, name="shifted_mean")
            mean = add(shifted, shift, name="mean")
        return mean, subtract(multiply(variance_ss, divisor), square(shifted), name="variance")


def weighted_moments(
    x: TensorLike, axes: AxisLike, frequency_weights: TensorLike, name: str | None = None,
    keep_dims: bool | None = None, keepdims: bool | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Compute the weighted mean m = Σ w·x / Σ w and variance Σ w·(x − m)² / Σ w over axes.

    Args:
        x: A tensor of a floating dtype.
        axes: The axes to reduce.
        frequency_weights: Weights w ≥ 0, such as counts, of a numeric dtype and a shape that broadcasts to that of `x`.
        name: Name scope of the nodes.
        keep_dims: The older name of `keepdims`.
        keepdims: Whether the reduced axes stay, with size 1.

    Returns:
        Mean and variance, of the dtype of `x` and the shape of `x` without `axes`.

    Raises:
        ShapeError: `x` has no such axis, or the shapes do not broadcast.

    Example:
        >>> mean, variance = tf.nn.weighted_moments([1.0, 5.0], [0], frequency_weights=[3.0, 1.0])
        >>> [v.item() for v in tf.Session().run([mean, variance])]
        [2.0, 3.0]
    """
    with composed(name, "weighted_moments", x, frequency_weights):
        given = convert_to_tensor(x, name="x")
        tensor = widened(given)
        weights = cast(convert_to_tensor(frequency_weights, name="frequency_weights"), tensor.dtype)
        total = reduce_sum(weights * tensor, axes, name="weighted_input_sum", keepdims=True)
        spread = weights + zeros_like(tensor)
        divisor = reciprocal(reduce_sum(spread, axes, name="sum_of_weights", keepdims=True), name="inv_weight_sum")
        mean = multiply(total, divisor)
        squares = weights * squared_difference(tensor, mean)
        variance = multiply(reduce_sum(squares, axes, name="weighted_distsq", keepdims=True), divisor)
        mean, variance = (cast(v, given.dtype) for v in (mean, variance))
        if renamed("keepdims", keepdims, "keep_dims", keep_dims):
            return mean, variance
        return squeeze(mean, as_axes(axes)), squeeze(variance, as_axes(axes))


def zero_fraction(value: TensorLike, name: str | None = None) -> Tensor:
    """Compute the share of elements that are 0, for instance of an activation.

    Args:
        value: A tensor of a numeric dtype.
        name: Name scope of the nodes.

    Returns:
        A float32 scalar in [0, 1]; NaN if `value` is empty.

    Example:
        >>> tf.Session().run(tf.nn.zero_fraction([0.0, 1.0, 0.0, 2.0])).item()
        0.5
    """
    with composed(name, "zero_fraction", value):
        x = convert_to_tensor(value, name="value")
        total = size(x, out_type=int64)
        x.graph.reserve_ids(15)  # TensorFlow's nodes that count large tensors differently
        some = reduce_sum(cast(not_equal(x, zeros_like(x)), int64))
        with x.graph.name_scope("counts_to_fraction"):
            share = cast(total - some, float32) / cast(total, float32)
        return identity(share, "fraction")
