"""Statistics and normalisation, composed of simpler ops so that gradients of every order flow through them."""

from __future__ import annotations

from typing import Any

from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.core.types import format_shape
from minigraph.ops.array.shape import size
from minigraph.ops.builder import apply, as_tensor_like
from minigraph.ops.math.arithmetic import AddV2, Mul, maximum, square
from minigraph.ops.math.casting import cast
from minigraph.ops.math.exponential import rsqrt
from minigraph.ops.math.reduce import reduce_sum
from minigraph.ops.nn.statistics import moments

__all__ = ["batch_norm_with_global_normalization", "batch_normalization", "fused_batch_norm", "l2_normalize"]

LEAST_EPSILON = 1.001e-5  # TensorFlow raises a smaller one to it, because cuDNN does not take less


def batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: float, name: str | None = None
) -> Tensor:
    """scale·(x − mean)/√(variance + ε) + offset, computed as x·inv + (offset − mean·inv). scale, offset may be None."""
    tensor = convert_to_tensor(x)
    with tensor.graph.as_default(), tensor.graph.name_scope(name or "batchnorm"):
        return normalised(tensor, mean, variance, offset, scale, variance_epsilon, "add_1")


def normalised(
    x: Tensor, mean: Any, variance: Any, offset: Any, scale: Any, epsilon: float, name: str
) -> Tensor:  # fmt: skip
    """The nodes of `batch_normalization` in the current scope, of which the last is called `name`."""
    inverse = rsqrt(variance + epsilon)
    if scale is not None:
        inverse = inverse * scale
    shift = -mean * inverse if offset is None else offset - mean * inverse
    return apply(AddV2(), x * inverse, as_tensor_like(shift), name=name)


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


def fused_batch_norm(
    x: Any, scale: Any, offset: Any, mean: Any = None, variance: Any = None, epsilon: float = 0.001,
    data_format: str = "NHWC", is_training: bool = True, name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Batch normalisation of x [N,H,W,C] over its first three axes: the result, and the mean and variance [C].

    In training, x is normalised by its own mean and biased variance σ², and the variance that is returned is the
    estimate of the population's, m/(m−1)·σ² with m = N·H·W (σ² itself for m = 1). Gradients flow through all of them.
    Else `mean` and `variance` are used, and returned. An epsilon below 1.001e-5 counts as that. ValueError for
    statistics given in training, or missing without.
    Source: Ioffe and Szegedy 2015. (Some textbooks count mean and variance among the learned parameters: they are not,
    but gradients do flow through them.)
    """
    if data_format != "NHWC":
        raise ValueError(f"data_format must be NHWC, not {data_format!r}")
    if is_training and (mean is not None or variance is not None):
        raise ValueError("Both 'mean' and 'variance' must be None if is_training is True.")
    if not is_training and (mean is None or variance is None):
        raise ValueError("Both 'mean' and 'variance' must be given if is_training is False.")
    tensor = convert_to_tensor(x)
    if tensor.type.rank not in (None, 4):
        raise ShapeError(f"fused_batch_norm takes [N,H,W,C], not {format_shape(tensor.type.shape)}")
    graph = tensor.graph
    with graph.as_default(), graph.name_scope(name or "FusedBatchNorm"), graph.counted_as(3 if is_training else 1):
        if is_training:
            mean, biased = moments(tensor, [0, 1, 2])
            variance = bessel_corrected(biased, tensor)
        else:
            mean, variance = (convert_to_tensor(v, tensor.dtype) for v in (mean, variance))
            biased = variance
        y = batch_normalization(tensor, mean, biased, offset, scale, max(epsilon, LEAST_EPSILON))
        return y, mean, variance


def bessel_corrected(variance: Tensor, x: Tensor) -> Tensor:
    """m/(m − 1)·variance, where each number of `variance` is that of m numbers of `x`; for m = 1 as it is."""
    count = cast(size(x), x.dtype) / cast(size(variance), x.dtype)
    corrected: Tensor = variance * (count / maximum(count - 1.0, 1.0))
    return corrected


def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None, dim: Any = None) -> Tensor:
    """x / √max(Σ x², ε) over `axis`."""
    tensor = convert_to_tensor(x)
    with tensor.graph.name_scope(name or "l2_normalize") as scope:
        total = reduce_sum(square(tensor), dim if axis is None else axis, keepdims=True)
        return apply(Mul(), tensor, rsqrt(maximum(total, epsilon)), name=scope)
