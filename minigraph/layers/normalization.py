"""Batch normalisation with moving averages: TensorFlow 1's `tf.layers.batch_normalization`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigraph.core.arguments import refuse
from minigraph.core.collections import GraphKeys
from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import format_shape
from minigraph.core.typing import TensorLike
from minigraph.layers.common import known, layer_scope
from minigraph.ops.array.reshape import reshape
from minigraph.ops.collective.moments import moments_over_ranks
from minigraph.ops.filling import zeros_like
from minigraph.ops.math.casting import cast as to_dtype
from minigraph.ops.math.casting import widened
from minigraph.ops.math.selection import where
from minigraph.ops.nn.norm import LEAST_EPSILON, bessel_corrected, normalised
from minigraph.ops.nn.norm import batch_normalization as normalise
from minigraph.ops.nn.statistics import moments
from minigraph.run.initializers import InitializerLike, ones_initializer, zeros_initializer
from minigraph.run.variable_scope import Regularizer, Reuse, get_variable
from minigraph.run.variables import Constraint, Variable, assign_sub
from minigraph.util.nest import listed

__all__ = ["batch_normalization"]


def batch_normalization(
    inputs: TensorLike, axis: int | Sequence[int] = -1, momentum: float = 0.99, epsilon: float = 1e-3,
    center: bool = True, scale: bool = True, beta_initializer: InitializerLike = zeros_initializer,
    gamma_initializer: InitializerLike = ones_initializer, moving_mean_initializer: InitializerLike = zeros_initializer,
    moving_variance_initializer: InitializerLike = ones_initializer, beta_regularizer: Regularizer | None = None,
    gamma_regularizer: Regularizer | None = None, beta_constraint: Constraint | None = None,
    gamma_constraint: Constraint | None = None, training: TensorLike = False, trainable: bool = True,
    name: str | None = None, reuse: Reuse = None, renorm: bool = False, renorm_clipping: None = None,
    renorm_momentum: float = 0.99, fused: bool | None = None, virtual_batch_size: None = None, adjustment: None = None,
    sync: bool = False,
) -> Tensor:  # fmt: skip
    """Normalise over all axes but one: gamma·(x − mean)/√(variance + epsilon) + beta.

    In training, mean and (biased) variance are the batch's, and gradients flow through them. Otherwise they are the
    moving averages. The operations in the collection `tf.GraphKeys.UPDATE_OPS` update these averages; a training
    loop runs them with each step:

        with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
            train = optimizer.minimize(loss)

    For four-dimensional inputs normalised over axis 1 or 3, which TensorFlow computes by a fused kernel, the moving
    variance is of the unbiased estimate m/(m − 1)·σ² from m numbers; for other inputs it is of the biased one.
    Variables: gamma, beta, moving_mean, moving_variance.

    Args:
        inputs: Tensor of known rank, whose size along `axis` is known.
        axis: The axis of the channels, or a list of that one axis.
        momentum: Each update keeps this share of the moving averages.
        epsilon: Small number added to the variance.
        center: Whether beta is added.
        scale: Whether gamma is multiplied.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer: Initializers of the
            variables.
        beta_regularizer, gamma_regularizer: Functions from a variable to its penalty, which is added to
            `tf.GraphKeys.REGULARIZATION_LOSSES`.
        beta_constraint, gamma_constraint: Functions from a variable to the value that optimizers assign to it after
            each update.
        training: A bool, or a bool scalar tensor.
        trainable: Whether gamma and beta are in `tf.GraphKeys.TRAINABLE_VARIABLES`.
        name: Variable scope of the layer; by default `batch_normalization`, `batch_normalization_1`, …
        reuse: True to use the variables of an earlier layer of this name, `tf.AUTO_REUSE` to use or make them.
        fused: False for the biased moving variance with images, too.
        renorm, renorm_clipping, virtual_batch_size, adjustment: Not supported; they must be False or None.
        renorm_momentum: TensorFlow 1's; it has no effect without `renorm`.
        sync: Whether mean and variance in training are those of the batches of all ranks (`minigraph.distributed`).

    Returns:
        A tensor of the shape and dtype of `inputs`.

    Raises:
        ShapeError: The rank of `inputs`, or the size along `axis`, is unknown, or `axis` is not one axis of `inputs`.
        ValueError: An argument is not supported.
        FailedPreconditionError: With `sync`, if `minigraph.distributed.init` has not been called.

    Example:
        >>> x = tf.constant([[1.0], [3.0]])
        >>> y = tf.layers.batch_normalization(x, epsilon=0.0, training=True)
        >>> update = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
        >>> with tf.Session() as sess:
        ...     sess.run(tf.global_variables_initializer())
        ...     print(sess.run([y, update])[0].ravel())
        [-1.  1.]

    Source: Ioffe and Szegedy, "Batch normalization", 2015.
    """
    refuse(
        "tf.layers.batch_normalization", renorm=renorm, renorm_clipping=renorm_clipping,
        virtual_batch_size=virtual_batch_size, adjustment=adjustment,
    )  # fmt: skip
    x = convert_to_tensor(inputs)
    with layer_scope(x, name, "batch_normalization", reuse):
        return normalised_batch(
            x, axis, momentum, epsilon, center, scale, known(training), trainable, fused,
            beta=(beta_initializer, beta_regularizer, beta_constraint),
            gamma=(gamma_initializer, gamma_regularizer, gamma_constraint),
            moving_mean=moving_mean_initializer, moving_variance=moving_variance_initializer, sync=sync,
        )  # fmt: skip


def normalised_batch(
    x: Tensor, axis: Any, momentum: float, epsilon: float, center: bool, scale: bool, training: Any, trainable: bool,
    fused: bool | None, beta: tuple[Any, Any, Any], gamma: tuple[Any, Any, Any], moving_mean: Any, moving_variance: Any,
    count: int | None = None, beta_first: bool = False, sync: bool = False,
) -> Tensor:  # fmt: skip
    """`batch_normalization` in the current variable scope. beta and gamma: initializer, regularizer, constraint.

    count: the number of nodes TensorFlow makes, without the variables', if it differs from that of `tf.layers`.
    """
    along = _channel_axis(axis, x)
    others = [a for a in range(len(x.type.shape or ())) if a != along]
    fuses = fused is not False and along in (1, 3) and len(others) == 3

    def variable(name: str, initializer: Any, regularizer: Any, constraint: Any, learned: bool) -> Variable:
        size = [x.type.shape[along]]  # type: ignore[index]
        return get_variable(name, size, x.dtype, initializer, regularizer, learned, constraint=constraint)

    wanted = [("gamma", gamma, scale), ("beta", beta, center)]
    made = {n: variable(n, *how, trainable) for n, how, want in (wanted[::-1] if beta_first else wanted) if want}
    averages = variable("moving_mean", moving_mean, None, None, False)
    spread = variable("moving_variance", moving_variance, None, None, False)
    with x.graph.counted_as(count or _nodes(training, fuses, center, scale, along == len(others))):
        mean, variance = averages.value(), spread.value()
        dtype = x.dtype
        parts: list[Any] = [made.get("beta"), made.get("gamma")]
        if isinstance(training, Tensor) or training:
            x, mean, variance = (widened(v) for v in (x, mean, variance))
            if x.dtype is not dtype:
                parts = [None if v is None else widened(v.value()) for v in parts]
            batch_mean, biased, numbers = moments_over_ranks(x, others) if sync else (*moments(x, others), None)
            _move(averages, to_dtype(batch_mean, dtype), momentum, training)
            corrected = bessel_corrected(biased, x, numbers) if fuses else biased
            _move(spread, to_dtype(corrected, dtype), momentum, training)
            mean, variance = (_if(training, a, b) for a, b in ((batch_mean, mean), (biased, variance)))
        middle, width, offset, factor = (_spread(p, along, x) for p in (mean, variance, *parts))
        if not fuses:
            return to_dtype(normalise(x, middle, width, offset, factor, epsilon), dtype)
        name = "cond/Merge" if isinstance(training, Tensor) else "FusedBatchNormV3"
        return to_dtype(normalised(x, middle, width, offset, factor, max(epsilon, LEAST_EPSILON), name), dtype)


def _nodes(training: Any, fused: bool, center: bool, scale: bool, last: bool) -> int:
    """The number of nodes TensorFlow 1.15 makes for a batch normalisation, without the variables'."""
    which = 2 if isinstance(training, Tensor) else int(bool(training))
    if fused:
        return (2, 14, 36)[which] + (not center) + (not scale)
    return (8, 24, 56)[which] - (not scale) + (0 if last else 8)


def _channel_axis(axis: Any, x: Tensor) -> int:
    """The axis of the channels, counted from 0."""
    axes = listed(axis)
    dims = x.type.shape
    if dims is None or len(axes) != 1 or not -len(dims) <= axes[0] < len(dims):
        raise ShapeError(f"batch_normalization: axis {axis!r} is not one of a tensor of shape {format_shape(dims)}")
    along = int(axes[0]) % len(dims)
    if dims[along] is None:
        raise ShapeError(f"batch_normalization needs to know the size of axis {axis} of {format_shape(dims)}")
    return along


def _if(training: Any, yes: Tensor, no: Tensor) -> Tensor:
    return where(training, yes, no) if isinstance(training, Tensor) else yes


def _move(variable: Variable, value: Tensor, momentum: float, training: Any) -> None:
    """Add to UPDATE_OPS: variable −= (1 − momentum)·(variable − value), in training."""
    graph = variable.graph
    with graph.name_scope("AssignMovingAvg") as scope:
        step: Tensor = (variable - value) * (1.0 - momentum)
        update = assign_sub(variable, _if(training, step, zeros_like(step)), name=scope)
    graph.add_to_collection(GraphKeys.UPDATE_OPS, update.op)


def _spread(values: Any, along: int, x: Tensor) -> Any:
    """`values`, numbers along the axis `along` or None, reshaped to broadcast against `x`."""
    rank = len(x.type.shape or ())
    return (
        values
        if values is None or along == rank - 1
        else reshape(values, [-1 if a == along else 1 for a in range(rank)])
    )
