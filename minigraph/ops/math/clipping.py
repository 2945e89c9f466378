"""Limits on values, on norms and on the range of a dtype."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import DType, as_dtype, float16, float32
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.provenance import caller
from minigraph.core.types import compatible, format_shape
from minigraph.core.typing import AxisLike, DTypeLike, NumberLike, TensorLike
from minigraph.ops.array.indexed_slices import IndexedSlices, map_values
from minigraph.ops.array.joining import stack
from minigraph.ops.array.shape import size
from minigraph.ops.builder import apply, as_tensor_like, composed
from minigraph.ops.constant import constant
from minigraph.ops.filling import ones_like
from minigraph.ops.identity import identity
from minigraph.ops.math.casting import cast, widened
from minigraph.ops.math.exponential import rsqrt, sqrt
from minigraph.ops.math.extremes import Maximum, Minimum, maximum, minimum
from minigraph.ops.math.finite import is_finite
from minigraph.ops.math.reduce import reduce_sum
from minigraph.ops.math.selection import where
from minigraph.ops.nn.loss import l2_loss
from minigraph.ops.pointwise import binary, scalar_like

__all__ = [
    "clip_by_average_norm",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "global_norm",
    "saturate_cast",
]


def clip_by_value(
    t: TensorLike, clip_value_min: TensorLike, clip_value_max: TensorLike, name: str | None = None
) -> Tensor:
    """Limit each element to an interval: max(min(t, clip_value_max), clip_value_min).

    The gradient is 0 where an element is clipped.

    Args:
        t: A tensor of numeric dtype.
        clip_value_min: The smallest value: a number, or a tensor that broadcasts to the shape of `t`.
        clip_value_max: The largest value: a number, or a tensor that broadcasts to the shape of `t`.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype and shape of `t`; of `tf.IndexedSlices` the slices are clipped.

    Raises:
        DTypeError: The dtypes differ.
        ShapeError: The limits do not broadcast to the shape of `t`, as far as the shapes are known.

    Example:
        >>> tf.Session().run(tf.clip_by_value([-2.0, 0.5, 7.0], 0.0, 1.0))
        array([0. , 0.5, 1. ], dtype=float32)
    """
    if isinstance(t, IndexedSlices):
        limits = {"clip_value_min": clip_value_min, "clip_value_max": clip_value_max}
        return map_values(partial(clip_by_value, **limits, name=name), t)
    tensor = convert_to_tensor(t)
    with tensor.graph.name_scope(name or "clip_by_value") as scope:
        low = binary(Minimum(), tensor, clip_value_max, None, "Minimum")
        _require_shape_of("clip_by_value", "clip_value_max", low, tensor)
        clipped = binary(Maximum(), low, clip_value_min, scope, "Maximum")
        _require_shape_of("clip_by_value", "clip_value_min", clipped, tensor)
        return clipped


def _require_shape_of(function: str, argument: str, result: Tensor, given: Tensor) -> None:
    """ShapeError if the argument has enlarged the tensor, as far as the shapes are known."""
    shape, wanted = result.type.shape, given.type.shape
    if not compatible(shape, wanted):
        raise ShapeError(
            f"Shapes {format_shape(wanted)} and {format_shape(shape)} are not compatible: '{function}' keeps the shape "
            f"of its input, but {argument} broadcasts it to another one (at {caller().describe()})"
        )


def saturate_cast(value: TensorLike, dtype: DTypeLike, name: str | None = None) -> Tensor:
    """Convert a tensor to another dtype; numbers that do not fit become its smallest or largest number.

    Args:
        value: A tensor of numeric dtype.
        dtype: The dtype of the result.
        name: Name scope of the nodes.

    Returns:
        A tensor of dtype `dtype` and the shape of `value`.

    Example:
        >>> tf.Session().run(tf.saturate_cast([-3.0, 100.0, 300.0], tf.uint8))
        array([  0, 100, 255], dtype=uint8)
    """
    kind = as_dtype(dtype)
    with composed(name, "saturate_cast", value) as scope:
        x = convert_to_tensor(value)
        least, greatest = _limits(kind, x.dtype)
        if least is not None:
            x = apply(Maximum(), x, scalar_like(least, x))
        if greatest is not None:
            x = apply(Minimum(), x, scalar_like(greatest, x))
        return cast(x, kind, name=scope)


def _limits(kind: DType, of: DType) -> tuple[Any, Any]:
    """The least and the greatest number of dtype `of` that fit `kind`; None where all do."""
    low, high = (v.item() if isinstance(v, np.generic) else int(v) for v in (kind.min, kind.max))
    own = [v.item() if isinstance(v, np.generic) else int(v) for v in (of.min, of.max)]
    least, greatest = low if own[0] < low else None, high if own[1] > high else None
    if of.is_floating and kind.is_integer:  # a limit that rounds to a number beyond it becomes the one before
        number = of.np_dtype.type
        if greatest is not None and float(number(high)) > high:
            greatest = float(np.nextafter(number(high), number(0)))
        if least is not None and float(number(low)) < low:
            least = float(np.nextafter(number(low), number(0)))
    return least, greatest


def clip_by_norm(t: TensorLike, clip_norm: NumberLike, axes: AxisLike = None, name: str | None = None) -> Tensor:
    """Scale a tensor down to a Euclidean norm: t·clip_norm / max(‖t‖, clip_norm).

    Args:
        t: A tensor of floating-point dtype.
        clip_norm: The largest norm: a positive number, or a tensor that broadcasts to the shape of `t`.
        axes: The axes that each norm is taken over; None for all.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype and shape of `t`; of `tf.IndexedSlices` the slices are clipped.

    Raises:
        ShapeError: An axis is out of range, or `clip_norm` does not broadcast to the shape of `t`, as far as the shapes
            are known.

    Example:
        >>> tf.Session().run(tf.clip_by_norm([3.0, 4.0], 1.0))
        array([0.6, 0.8], dtype=float32)
    """
    if isinstance(t, IndexedSlices):
        return map_values(partial(clip_by_norm, clip_norm=clip_norm, axes=axes, name=name), t)
    with composed(name, "clip_by_norm", t, clip_norm) as scope:
        given = convert_to_tensor(t, name="t")
        values = widened(given)
        total = reduce_sum(values * values, axes, keepdims=True)
        some = total > 0
        norm = where(some, sqrt(where(some, total, ones_like(total))), total)
        limit = widened(as_tensor_like(clip_norm))
        scaled = values * limit
        _require_shape_of("clip_by_norm", "clip_norm", scaled, given)
        return identity(cast(scaled / maximum(norm, limit), given.dtype), name=scope)


def _sequence(t_list: Any) -> list[Any]:
    if not isinstance(t_list, Sequence) or isinstance(t_list, str):
        raise TypeError("t_list should be a sequence")
    return [t if t is None or isinstance(t, IndexedSlices) else as_tensor_like(t) for t in t_list]


def _elements(t: Any) -> Any:
    """The values whose squares the norm sums up: all slices, as in TensorFlow, also those with the same index."""
    return t.values if isinstance(t, IndexedSlices) else t


def global_norm(t_list: Sequence[TensorLike | None], name: str | None = None) -> Tensor:
    """Compute the Euclidean norm of several tensors together: √Σ‖t‖².

    Args:
        t_list: Tensors of one floating-point dtype, and any shapes. None entries are skipped.
        name: Name scope of the nodes.

    Returns:
        A scalar of the dtype of the tensors.

    Raises:
        TypeError: `t_list` is not a sequence.

    Example:
        >>> tf.Session().run(tf.global_norm([[3.0], [[0.0], [4.0]]])).item()
        5.0
    """
    given = _sequence(t_list)
    wide = _global_norm(given, name)
    narrow = any(getattr(t, "dtype", None) is float16 for t in given)
    return cast(wide, float16) if narrow else wide


def _global_norm(given: Sequence[Any], name: str | None) -> Tensor:
    """The norm, that of float16 tensors as float32."""
    with composed(name, "global_norm", *given):
        halves = [l2_loss(widened(convert_to_tensor(_elements(t)))) for t in given if t is not None]
        half = reduce_sum(stack(halves))
        return sqrt(half * constant(2.0, half.dtype), name="global_norm")


def clip_by_global_norm(
    t_list: Sequence[TensorLike | None], clip_norm: NumberLike, use_norm: NumberLike | None = None,
    name: str | None = None,
) -> tuple[list[Tensor | None], Tensor]:  # fmt: skip
    """Scale several tensors down together: t·clip_norm / max(global norm, clip_norm).

    If the global norm is not finite, every element becomes NaN. Source: R. Pascanu et al., "On the difficulty of
    training recurrent neural networks" (2012).

    Args:
        t_list: Tensors of one floating-point dtype, and any shapes. None stays None.
        clip_norm: The largest global norm, a positive scalar.
        use_norm: The global norm, if it is already known; by default `tf.global_norm(t_list)`.
        name: Name scope of the nodes.

    Returns:
        The scaled tensors, and the global norm before scaling.

    Raises:
        TypeError: `t_list` is not a sequence.

    Example:
        >>> clipped, norm = tf.clip_by_global_norm([[3.0], [4.0]], clip_norm=1.0)
        >>> tf.Session().run(clipped), tf.Session().run(norm).item()
        ([array([0.6], dtype=float32), array([0.8], dtype=float32)], 5.0)
    """
    given = _sequence(t_list)
    norm = _global_norm(given, name) if use_norm is None else convert_to_tensor(use_norm)
    with composed(name, "clip_by_global_norm", *given, as_tensor_like(clip_norm), norm) as scope:
        one = constant(1.0, norm.dtype)
        limit = widened(as_tensor_like(clip_norm)) if norm.dtype is float32 else clip_norm
        limited = limit * minimum(1.0 / norm, one / limit)
        scale = where(is_finite(norm), limited, constant(float("nan"), norm.dtype))
        clipped = [
            None if t is None else map_values(partial(_scaled, scale=scale, name=f"{scope}_{i}"), t)
            for i, t in enumerate(given)
        ]
        kinds = {c.dtype for c in clipped if c is not None}
        return clipped, cast(norm, float16) if kinds == {float16} else norm


def _scaled(given: Any, scale: Tensor, name: str) -> Tensor:
    x = convert_to_tensor(given)
    return identity(cast(widened(x) * scale, x.dtype) if scale.dtype is float32 else x * scale, name=name)


def clip_by_average_norm(t: TensorLike, clip_norm: NumberLike, name: str | None = None) -> Tensor:
    """Scale a tensor down to an average norm per element: t·clip_norm·min(n / ‖t‖, 1 / clip_norm) for n elements.

    Args:
        t: A tensor of floating-point dtype.
        clip_norm: The largest norm per element ‖t‖ / n, a positive scalar.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype and shape of `t`.

    Example:
        >>> tf.Session().run(tf.clip_by_average_norm([6.0, 8.0], 1.0))
        array([1.2, 1.6], dtype=float32)
    """
    with composed(name, "clip_by_average_norm", t, clip_norm) as scope:
        given = convert_to_tensor(t, name="t")
        values, limit = widened(given), widened(as_tensor_like(clip_norm))
        count = cast(size(values), values.dtype)
        inverse = rsqrt(reduce_sum(values * values))
        least = constant(1.0, values.dtype) / limit
        return identity(cast(values * limit * minimum(inverse * count, least), given.dtype), name=scope)
