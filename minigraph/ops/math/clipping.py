"""Limits on values, on norms and on the range of a dtype."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigraph.core.dtypes import as_dtype
from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.ops.array.joining import stack
from minigraph.ops.array.shape import size
from minigraph.ops.builder import apply, as_tensor_like, composed
from minigraph.ops.constant import constant
from minigraph.ops.filling import ones_like
from minigraph.ops.identity import identity
from minigraph.ops.math.arithmetic import Maximum, Minimum, maximum, minimum
from minigraph.ops.math.casting import cast
from minigraph.ops.math.exponential import rsqrt, sqrt
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


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Tensor:
    """max(min(t, clip_value_max), clip_value_min); no gradient flows where it clips."""
    tensor = convert_to_tensor(t)
    with tensor.graph.name_scope(name or "clip_by_value") as scope:
        low = binary(Minimum(), tensor, clip_value_max, None, "Minimum")
        return binary(Maximum(), low, clip_value_min, scope, "Maximum")


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Tensor:
    """`value` as another dtype, with what does not fit set to that dtype's smallest or largest number."""
    kind = as_dtype(dtype)
    with composed(name, "saturate_cast", value) as scope:
        x = convert_to_tensor(value)
        if x.dtype.min < kind.min:
            x = apply(Maximum(), x, scalar_like(kind.min, x))
        if x.dtype.max > kind.max:
            x = apply(Minimum(), x, scalar_like(kind.max, x))
        return cast(x, kind, name=scope)


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Tensor:
    """`t`, scaled down to the Euclidean norm `clip_norm` over `axes` (None: all) where its norm is larger."""
    with composed(name, "clip_by_norm", t, clip_norm) as scope:
        values = convert_to_tensor(t, name="t")
        total = reduce_sum(values * values, axes, keepdims=True)
        some = total > 0
        norm = where(some, sqrt(where(some, total, ones_like(total))), total)
        scaled = values * clip_norm
        return identity(scaled / maximum(norm, clip_norm), name=scope)


def _sequence(t_list: Any) -> list[Any]:
    if not isinstance(t_list, Sequence) or isinstance(t_list, str):
        raise TypeError("t_list should be a sequence")
    return [None if t is None else as_tensor_like(t) for t in t_list]


def global_norm(t_list: Any, name: str | None = None) -> Tensor:
    """√Σ‖t‖² over the tensors of the list; None is left out."""
    given = _sequence(t_list)
    with composed(name, "global_norm", *given):
        halves = [l2_loss(convert_to_tensor(t)) for t in given if t is not None]
        half = reduce_sum(stack(halves))
        return sqrt(half * constant(2.0, half.dtype), name="global_norm")


def clip_by_global_norm(
    t_list: Any, clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple[list[Tensor | None], Tensor]:
    """All tensors of the list scaled by clip_norm / max(global norm, clip_norm), and that norm. None stays None.

    `use_norm`: the norm, where it is known. NaN everywhere where the norm is not finite. Source: Pascanu et al. 2012.
    """
    given = _sequence(t_list)
    norm = global_norm(given, name) if use_norm is None else convert_to_tensor(use_norm)
    with composed(name, "clip_by_global_norm", *given, as_tensor_like(clip_norm), norm) as scope:
        one = constant(1.0, norm.dtype)
        limited = clip_norm * minimum(1.0 / norm, one / clip_norm)
        scale = where(is_finite(norm), limited, constant(float("nan"), norm.dtype))
        clipped = [
            None if t is None else identity(convert_to_tensor(t) * scale, name=f"{scope}_{i}")
            for i, t in enumerate(given)
        ]
        return clipped, norm


def clip_by_average_norm(t: Any, clip_norm: Any, name: str | None = None) -> Tensor:
    """`t`, scaled down to the norm per element `clip_norm` where that is larger."""
    with composed(name, "clip_by_average_norm", t, clip_norm) as scope:
        values = convert_to_tensor(t, name="t")
        count = cast(size(values), values.dtype)
        inverse = rsqrt(reduce_sum(values * values))
        least = constant(1.0, values.dtype) / clip_norm
        return identity(values * clip_norm * minimum(inverse * count, least), name=scope)
