"""Losses of single elements: logistic cross entropies, Poisson's log-likelihood, and half the square norm."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from minigraph.core import types as T
from minigraph.core.arguments import renamed
from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import TensorType, format_shape
from minigraph.core.typing import ArithmeticLike, TensorLike
from minigraph.loops.axes import reduction
from minigraph.loops.kernel import ADD, Kernel
from minigraph.ops.builder import apply, composed, first, make, require_float
from minigraph.ops.filling import ZerosLike, ones_like, zeros_like
from minigraph.ops.math.arithmetic import Add, Mul, Neg, Sub, abs, add
from minigraph.ops.math.comparison import GreaterEqual, logical_and
from minigraph.ops.math.exponential import Exp, Log1p, exp, log, log1p
from minigraph.ops.math.selection import Select, where
from minigraph.ops.nn.activation import relu
from minigraph.ops.nn.cross_entropy import named_pair
from minigraph.ops.nn.softmax import LOGITS

__all__ = ["l2_loss", "log_poisson_loss", "sigmoid_cross_entropy_with_logits", "weighted_cross_entropy_with_logits"]


class L2Loss(Op):
    """Σ x² / 2."""

    accumulates = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(require_float("L2Loss", x), ()),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.asarray(xp.sum(x * x) / x.dtype.type(2)),)

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return 2 * in_types[0].size

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        axes = range(len(in_types[0].static))
        return reduction(ADD, in_types[0], axes, out_types[0], 0, lambda x: x * x, lambda total: total / 2)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (apply(Mul(), node.inputs[0], grad),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (LOGITS,))


def sigmoid_cross_entropy_with_logits(
    _sentinel: None = None, labels: TensorLike | None = None, logits: TensorLike | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Compute the cross entropy −z·log σ(x) − (1 − z)·log(1 − σ(x)) of each element, σ the logistic function.

    The loss is computed as max(x, 0) − x·z + log(1 + e^−|x|), which does not overflow.

    Args:
        labels: Probabilities z of the shape and dtype of `logits`.
        logits: Logits x of a floating dtype.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype and shape of `logits`.

    Raises:
        ValueError: An argument is given by position, or one of `labels` and `logits` is missing.
        ShapeError: The shapes differ.
        DTypeError: The dtypes differ or are not floating.

    Example:
        >>> loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=[1.0, 0.0], logits=[0.0, 100.0])
        >>> tf.Session().run(loss).round(4)
        array([  0.6931, 100.    ], dtype=float32)
    """
    labels, logits = named_pair(_sentinel, labels, logits, "sigmoid_cross_entropy_with_logits")
    x = convert_to_tensor(logits, name="logits")
    z = convert_to_tensor(labels, x.dtype, name="labels")
    if not T.compatible(x.type.shape, z.type.shape):
        raise ShapeError(
            f"logits and labels must have the same shape ({format_shape(x.type.shape)} vs {format_shape(z.type.shape)})"
        )
    graph = x.graph
    with graph.as_default(), graph.name_scope(name or "logistic_loss") as scope:
        zeros = apply(ZerosLike(), x, name="zeros_like")
        positive = apply(GreaterEqual(), x, zeros)
        relu = apply(Select(), positive, x, zeros)
        minus_abs = apply(Select(), positive, apply(Neg(), x), x)
        linear = apply(Sub(), relu, apply(Mul(), x, z, name="mul"), name="sub")
        return apply(Add(), linear, apply(Log1p(), apply(Exp(), minus_abs)), name=scope)


def l2_loss(t: TensorLike, name: str | None = None) -> Tensor:
    """Compute half the sum of squares, Σ t² / 2.

    Args:
        t: A tensor of a floating dtype.
        name: Name of the node.

    Returns:
        A scalar of the dtype of `t`.

    Raises:
        DTypeError: The dtype of `t` is not floating.

    Example:
        >>> tf.Session().run(tf.nn.l2_loss([3.0, 4.0])).item()
        12.5
    """
    return first(make(L2Loss(), name, "L2Loss", {"t": t}))


def _same_shapes(first: Tensor, second: Tensor, what: str) -> None:
    if not T.compatible(first.type.shape, second.type.shape):
        a, b = format_shape(first.type.shape), format_shape(second.type.shape)
        raise ShapeError(f"{what} must have the same shape ({a} vs {b})")


def weighted_cross_entropy_with_logits(
    labels: TensorLike | None = None, logits: TensorLike | None = None, pos_weight: ArithmeticLike | None = None,
    name: str | None = None, targets: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Compute the cross entropy −q·z·log σ(x) − (1 − z)·log(1 − σ(x)) of each element, σ the logistic function.

    The loss is computed as (1 − z)·x + (1 + (q − 1)·z)·(log(1 + e^−|x|) + max(−x, 0)), which does not overflow.

    Args:
        labels: Probabilities z of the shape and dtype of `logits`.
        logits: Logits x of a floating dtype.
        pos_weight: Weight q of the positive term: a number, or a tensor that broadcasts to the shape of `logits`. Above
            1 it raises recall, below 1 precision.
        name: Name scope of the nodes.
        targets: The older name of `labels`.

    Returns:
        A tensor of the dtype and shape of `logits`.

    Raises:
        ShapeError: The shapes of `labels` and `logits` differ.
        DTypeError: The dtypes differ or are not floating.

    Example:
        >>> loss = tf.nn.weighted_cross_entropy_with_logits(labels=[1.0, 0.0], logits=[0.0, 0.0], pos_weight=2.0)
        >>> tf.Session().run(loss).round(4)
        array([1.3863, 0.6931], dtype=float32)
    """
    given: Any = logits
    wanted: Any = renamed("labels", labels, "targets", targets)
    with composed(name, "logistic_loss", given, wanted) as scope:
        x = convert_to_tensor(given, name="logits")
        z = convert_to_tensor(wanted, x.dtype, name="labels")
        _same_shapes(x, z, "logits and labels")
        weight = 1 + (pos_weight - 1) * z  # type: ignore[operator]
        return add((1 - z) * x, weight * (log1p(exp(-abs(x))) + relu(-x)), name=scope)


def log_poisson_loss(
    targets: TensorLike, log_input: TensorLike, compute_full_loss: bool = False, name: str | None = None
) -> Tensor:
    """Compute e^c − c·z, the negative log-likelihood of counts z under a Poisson distribution of mean e^c.

    The constant log z! is left out, or approximated by Stirling's formula z·log z − z + ½·log(2πz).

    Args:
        targets: Counts z of the shape and dtype of `log_input`.
        log_input: Logarithms c of the means, of a floating dtype.
        compute_full_loss: Whether Stirling's approximation of log z! is added, for z > 1.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype and shape of `log_input`.

    Raises:
        ShapeError: The shapes differ.
        DTypeError: The dtypes differ or are not floating.

    Example:
        >>> tf.Session().run(tf.nn.log_poisson_loss([3.0], [0.0]))
        array([1.], dtype=float32)
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
