"""Statistics and normalisation, composed of simpler ops so that gradients of every order flow through them."""

from __future__ import annotations

from typing import Any

from minigraph.core.errors import DTypeError
from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.ops import elementwise as E
from minigraph.ops.builder import apply
from minigraph.ops.math import maximum, rsqrt, square, squared_difference
from minigraph.ops.reduce import as_axes, reduce_mean, reduce_sum
from minigraph.ops.shape import squeeze


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


def batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: float, name: str | None = None
) -> Tensor:
    """scale·(x − mean)/√(variance + ε) + offset, computed as x·inv + (offset − mean·inv). scale, offset may be None."""
    tensor = convert_to_tensor(x)
    with tensor.graph.as_default(), tensor.graph.name_scope(name or "batchnorm"):
        inverse = rsqrt(variance + variance_epsilon)
        if scale is not None:
            inverse = inverse * scale
        shift = -mean * inverse if offset is None else offset - mean * inverse
        result: Tensor = tensor * inverse + shift
        return result


def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None, dim: Any = None) -> Tensor:
    """x / √max(Σ x², ε) over `axis`."""
    tensor = convert_to_tensor(x)
    with tensor.graph.name_scope(name or "l2_normalize"):
        total = reduce_sum(square(tensor), dim if axis is None else axis, keepdims=True)
        return apply(E.Mul(), tensor, rsqrt(maximum(total, epsilon)))
