"""Statistics and normalisation, composed of simpler ops so that gradients of every order flow through them."""

from __future__ import annotations

from typing import Any, Literal

from minigraph.core.arguments import renamed
from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import format_shape
from minigraph.core.typing import ArithmeticLike, AxisLike, TensorLike
from minigraph.ops.array.reshape import transpose
from minigraph.ops.array.shape import size
from minigraph.ops.builder import apply, as_tensor_like
from minigraph.ops.data_format import NCHW, NHWC
from minigraph.ops.math.arithmetic import AddV2, Mul, square
from minigraph.ops.math.casting import cast, widened
from minigraph.ops.math.exponential import rsqrt
from minigraph.ops.math.extremes import maximum
from minigraph.ops.math.reduce import reduce_sum
from minigraph.ops.nn.statistics import moments

__all__ = ["batch_norm_with_global_normalization", "batch_normalization", "fused_batch_norm", "l2_normalize"]

LEAST_EPSILON = 1.001e-5  # TensorFlow's minimum, because cuDNN takes no smaller epsilon


def batch_normalization(
    x: TensorLike, mean: ArithmeticLike, variance: ArithmeticLike, offset: TensorLike | None, scale: TensorLike | None,
    variance_epsilon: float, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Normalise by given moments: scale·(x − mean)/√(variance + variance_epsilon) + offset.

    It is computed as x·inv + (offset − mean·inv) with inv = scale/√(variance + variance_epsilon).
    Source: Ioffe and Szegedy 2015, Batch Normalization: Accelerating Deep Network Training by Reducing Internal
    Covariate Shift.

    Args:
        x: A tensor of a floating dtype.
        mean: Mean of `x`, of a shape that broadcasts to that of `x`, such as [C].
        variance: Variance of `x`, likewise.
        offset: The summand β, likewise; None for none.
        scale: The factor γ, likewise; None for none.
        variance_epsilon: Small number added to the variance.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        ShapeError: The shapes do not broadcast.
        DTypeError: The dtypes differ or are not floating.

    Example:
        >>> y = tf.nn.batch_normalization([[1.0], [3.0]], 2.0, 1.0, offset=[10.0], scale=[5.0], variance_epsilon=0.0)
        >>> tf.Session().run(y)
        array([[ 5.],
               [15.]], dtype=float32)
    """
    tensor = convert_to_tensor(x)
    with tensor.graph.as_default(), tensor.graph.name_scope(name or "batchnorm"):
        return normalised(tensor, mean, variance, offset, scale, variance_epsilon, "add_1")


def normalised(
    x: Tensor, mean: Any, variance: Any, offset: Any, scale: Any, epsilon: float, name: str
) -> Tensor:  # fmt: skip
    """The nodes of `batch_normalization` in the current scope; `name` is that of the last one."""
    inverse = rsqrt(variance + epsilon)
    if scale is not None:
        inverse = inverse * scale
    shift = -mean * inverse if offset is None else offset - mean * inverse
    return apply(AddV2(), x * inverse, as_tensor_like(shift), name=name)


def batch_norm_with_global_normalization(
    t: TensorLike | None = None, m: ArithmeticLike | None = None, v: ArithmeticLike | None = None,
    beta: TensorLike | None = None, gamma: TensorLike | None = None, variance_epsilon: float | None = None,
    scale_after_normalization: bool | None = None, name: str | None = None, input: TensorLike | None = None,
    mean: ArithmeticLike | None = None, variance: ArithmeticLike | None = None,
) -> Tensor:  # fmt: skip
    """Normalise by given moments: the older form of `batch_normalization`.

    Args:
        t: Images [N,H,W,C] of a floating dtype.
        m: Mean [C].
        v: Variance [C].
        beta: The summand [C].
        gamma: The factor [C], used if `scale_after_normalization` is true.
        variance_epsilon: Small number added to the variance.
        scale_after_normalization: Whether to multiply by `gamma`.
        name: Name scope of the nodes.
        input, mean, variance: TensorFlow 2's names of `t`, `m` and `v`.

    Returns:
        A tensor of the dtype and shape of `t`.

    Raises:
        ShapeError: The shapes do not broadcast.
        DTypeError: The dtypes differ or are not floating.

    Example:
        >>> x = tf.reshape([1.0, 3.0], [1, 1, 2, 1])
        >>> y = tf.nn.batch_norm_with_global_normalization(x, 2.0, 1.0, [10.0], [5.0], 0.0, True)
        >>> tf.Session().run(y).ravel()
        array([ 5., 15.], dtype=float32)
    """
    x: Any = renamed("input", input, "t", t)
    centre: Any = renamed("mean", mean, "m", m)
    spread: Any = renamed("variance", variance, "v", v)
    factor = gamma if scale_after_normalization else None
    return batch_normalization(x, centre, spread, beta, factor, variance_epsilon, name)  # type: ignore[arg-type]


def fused_batch_norm(
    x: TensorLike, scale: TensorLike, offset: TensorLike, mean: TensorLike | None = None,
    variance: TensorLike | None = None, epsilon: float = 0.001, data_format: Literal["NHWC", "NCHW"] = "NHWC",
    is_training: bool = True, name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Normalise images over all axes but the channels: scale·(x − mean)/√(variance + epsilon) + offset.

    In training, `x` is normalised by its own mean and biased variance σ², through which gradients flow; float16 is
    computed in float32. The returned variance is then the unbiased estimate m/(m−1)·σ² with m = N·H·W (σ² itself for
    m = 1).
    Source: Ioffe and Szegedy 2015, Batch Normalization: Accelerating Deep Network Training by Reducing Internal
    Covariate Shift. (Some textbooks count mean and variance among the learned parameters; they are not.)

    Args:
        x: Images [N,H,W,C] of a floating dtype; [N,C,H,W] with data_format NCHW.
        scale: The factor γ [C].
        offset: The summand β [C].
        mean: Mean [C], if `is_training` is false; else None.
        variance: Variance [C], if `is_training` is false; else None.
        epsilon: Small number added to the variance; at least 1.001e-5 is added.
        data_format: NHWC or NCHW.
        is_training: Whether the moments are those of `x`.
        name: Name scope of the nodes.

    Returns:
        The normalised images, of the shape of `x`, the mean [C] and the variance [C].

    Raises:
        ShapeError: `x` is not 4-dimensional.
        DTypeError: The dtypes differ or are not floating.
        ValueError: `mean` or `variance` is given in training, or missing otherwise; or `data_format` is unknown.

    Example:
        >>> x = tf.reshape([1.0, 3.0], [1, 1, 2, 1])
        >>> y, mean, variance = tf.nn.fused_batch_norm(x, scale=[1.0], offset=[0.0])
        >>> [a.ravel().round(3).tolist() for a in tf.Session().run([mean, variance])]
        [[2.0], [2.0]]
    """
    if data_format not in (NHWC, NCHW):
        raise ValueError(f"data_format must be NHWC or NCHW, not {data_format!r}")
    if is_training and (mean is not None or variance is not None):
        raise ValueError("Both 'mean' and 'variance' must be None if is_training is True.")
    if not is_training and (mean is None or variance is None):
        raise ValueError("Both 'mean' and 'variance' must be given if is_training is False.")
    given = convert_to_tensor(x)
    tensor = widened(given) if is_training else given
    if tensor.type.rank not in (None, 4):
        layout = "[N,H,W,C]" if data_format == NHWC else "[N,C,H,W]"
        raise ShapeError(f"fused_batch_norm takes {layout}, not {format_shape(tensor.type.shape)}")
    graph = tensor.graph
    with graph.as_default(), graph.name_scope(name or "FusedBatchNorm"), graph.counted_as(3 if is_training else 1):
        if data_format == NCHW:
            tensor = transpose(tensor, [0, 2, 3, 1])
        if is_training:
            mean, biased = moments(tensor, [0, 1, 2])
            variance = bessel_corrected(biased, tensor)
            scale, offset = (widened(as_tensor_like(v)) for v in (scale, offset))
        else:
            mean, variance = (convert_to_tensor(v, tensor.dtype) for v in (mean, variance) if v is not None)
            biased = variance
        y = batch_normalization(tensor, mean, biased, offset, scale, max(epsilon, LEAST_EPSILON))
        y = y if data_format == NHWC else transpose(y, [0, 3, 1, 2])
        y, mean, variance = (cast(v, given.dtype) for v in (y, mean, variance))
        return y, mean, variance


def bessel_corrected(variance: Tensor, x: Tensor, number: Tensor | None = None) -> Tensor:
    """m/(m − 1)·variance, where m elements gave each element of `variance`; unchanged for m = 1.

    number: m; by default all are elements of `x`.
    """
    spread = widened(variance)
    count = cast(size(x), spread.dtype) / cast(size(variance), spread.dtype) if number is None else number
    corrected: Tensor = spread * (count / maximum(count - 1.0, 1.0))
    return cast(corrected, x.dtype)


def l2_normalize(
    x: TensorLike, axis: AxisLike = None, epsilon: float = 1e-12, name: str | None = None, dim: AxisLike = None
) -> Tensor:
    """Divide by the Euclidean norm along axes: x / √max(Σ x², epsilon).

    Args:
        x: A tensor of a floating dtype.
        axis: The axes of the sum; None for all.
        epsilon: Least value of Σ x², which avoids a division by 0.
        name: Name scope of the nodes.
        dim: The older name of `axis`.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        ShapeError: `x` has no such axis.
        DTypeError: The dtype of `x` is not floating.

    Example:
        >>> tf.Session().run(tf.nn.l2_normalize([3.0, 4.0])).round(4)
        array([0.6, 0.8], dtype=float32)
    """
    given = convert_to_tensor(x)
    with given.graph.name_scope(name or "l2_normalize") as scope:
        tensor = widened(given)
        total = reduce_sum(square(tensor), renamed("axis", axis, "dim", dim), keepdims=True)
        inverse = rsqrt(maximum(total, epsilon))
        if tensor is not given:
            return cast(tensor * inverse, given.dtype, name=scope)
        return apply(Mul(), tensor, inverse, name=scope)
