"""Softmax and the cross-entropy losses, all stable for large logits."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core import types as T
from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.graph import Node, Tensor, convert_to_tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import Dim, TensorType, format_shape
from minigraph.ops.array.joining import OneHot
from minigraph.ops.array.shape import ExpandDims, reshape, shape, transpose
from minigraph.ops.broadcast import sum_like
from minigraph.ops.builder import apply, composed, first, make, require_float
from minigraph.ops.filling import ZerosLike, ones_like, zeros_like
from minigraph.ops.identity import Identity, StopGradient
from minigraph.ops.math.arithmetic import Add, Mul, Neg, Sub, abs, add
from minigraph.ops.math.comparison import GreaterEqual, logical_and
from minigraph.ops.math.exponential import Exp, Log1p, exp, log, log1p
from minigraph.ops.math.reduce import Sum
from minigraph.ops.math.selection import Select, where
from minigraph.ops.nn.activation import relu

__all__ = [
    "l2_loss",
    "log_poisson_loss",
    "log_softmax",
    "sigmoid_cross_entropy_with_logits",
    "softmax",
    "softmax_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits_v2",
    "sparse_softmax_cross_entropy_with_logits",
    "weighted_cross_entropy_with_logits",
]

_LOGITS = np.array([[1.0, -0.5, 2.0], [0.3, 0.1, -1.2]])


_LABELS = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])


def _log_softmax(xp: Any, x: Any) -> Any:
    shifted = x - xp.max(x, axis=-1, keepdims=True, initial=-np.inf)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=-1, keepdims=True))


def _check_rows(kind: str, x: TensorType) -> TensorType:
    require_float(kind, x)
    if x.rank == 0:
        raise ShapeError(f"Shape must be at least rank 1 but is rank 0 for '{kind}'")
    return x


def _row_dot(a: Tensor, b: Tensor) -> Tensor:
    return apply(Sum((-1,), True), apply(Mul(), a, b))


class Softmax(Op):
    """p_i = e^{x_i} / Σ_j e^{x_j} on the last axis; ∂L/∂x = p·(δ − Σ_j δ_j·p_j)."""

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return (_check_rows(type(self).__name__, x),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.exp(_log_softmax(xp, x)),)

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        """Maximum, difference, exponential, sum, quotient."""
        return 5 * in_types[0].size

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        p = node.outputs[0]
        return (apply(Mul(), p, apply(Sub(), grad, _row_dot(grad, p))),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_LOGITS,))


class LogSoftmax(Op):
    """log p_i = x_i − log Σ_j e^{x_j} on the last axis; ∂L/∂x = δ − p·Σ_j δ_j."""

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return (_check_rows(type(self).__name__, x),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (_log_softmax(xp, x),)

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return 5 * in_types[0].size

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        p = apply(Exp(), node.outputs[0])
        return (apply(Sub(), grad, apply(Mul(), p, apply(Sum((-1,), True), grad))),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_LOGITS,))


def _logits_gradient(node: Node, loss: Tensor | None, backprop: Tensor | None) -> Tensor | None:
    """For the logits, from gradients for the loss and for p − y."""
    logits = node.inputs[0]
    parts = []
    if loss is not None:
        parts.append(apply(Mul(), apply(ExpandDims(-1), loss), node.outputs[1]))
    if backprop is not None:
        p = apply(Softmax(), logits)
        parts.append(apply(Mul(), p, apply(Sub(), backprop, _row_dot(backprop, p))))
    return _total(parts, logits)


def _total(parts: list[Tensor], like: Tensor) -> Tensor | None:
    if not parts:
        return None
    return sum_like(parts[0] if len(parts) == 1 else apply(Add(), *parts), like)


class SoftmaxCrossEntropyWithLogits(Op):
    """Per row the loss −Σ_i y_i·log p_i, and p − y, which is its gradient for labels that sum to 1."""

    def infer(self, logits: TensorType, labels: TensorType) -> tuple[TensorType, ...]:
        dtype = require_float("SoftmaxCrossEntropyWithLogits", logits, labels)
        rows = T.broadcast(logits.shape, labels.shape)
        if rows is None:
            return TensorType(dtype, (None,)), TensorType(dtype, None)
        if len(rows) != 2:
            raise ShapeError(f"logits and labels must be 2-dimensional, got {format_shape(rows)}")
        return TensorType(dtype, rows[:1]), TensorType(dtype, rows)

    def forward(self, xp: Any, logits: Any, labels: Any) -> tuple[Any, ...]:
        log_p = _log_softmax(xp, logits)
        return -xp.sum(labels * log_p, axis=-1), xp.exp(log_p) - labels

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        """Softmax, product with the labels and its sum, p − y."""
        return 8 * in_types[0].size

    def vjp(self, node: Node, loss: Tensor | None, backprop: Tensor | None = None) -> Sequence[Tensor | None]:
        logits, labels = node.inputs
        to_labels = []
        if loss is not None:
            to_labels.append(apply(Neg(), apply(Mul(), apply(ExpandDims(-1), loss), apply(LogSoftmax(), logits))))
        if backprop is not None:
            to_labels.append(apply(Neg(), backprop))
        return _logits_gradient(node, loss, backprop), _total(to_labels, labels)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_LOGITS, _LABELS), smooth=False)  # labels that move off the simplex: see the docstring


class SparseSoftmaxCrossEntropyWithLogits(Op):
    """Per row the loss −log p_y for the class number y, and p − onehot(y)."""

    def infer(self, logits: TensorType, labels: TensorType) -> tuple[TensorType, ...]:
        dtype = require_float("SparseSoftmaxCrossEntropyWithLogits", logits)
        if not labels.dtype.is_integer:
            raise DTypeError(f"labels must be integers, not {labels.dtype.name}")
        if logits.shape is None:
            return TensorType(dtype, labels.shape), TensorType(dtype, None)
        if len(logits.shape) != 2:
            raise ShapeError(f"logits must be 2-dimensional, got {format_shape(logits.shape)}")
        if labels.shape is not None and len(labels.shape) != 1:
            raise ShapeError(
                f"Rank mismatch: Rank of labels (received {len(labels.shape)}) should equal rank of logits minus 1 "
                f"(received {len(logits.shape)})."
            )
        rows = T.merge(logits.shape[:1], labels.shape)
        return TensorType(dtype, rows), TensorType(dtype, logits.shape)

    def forward(self, xp: Any, logits: Any, labels: Any) -> tuple[Any, ...]:
        classes = logits.shape[-1]
        if labels.size and (labels.min() < 0 or labels.max() >= classes):
            raise IndexError(f"labels must lie in [0, {classes})")
        one, zero = logits.dtype.type(1), logits.dtype.type(0)
        (hot,) = OneHot(classes).forward(xp, labels, one, zero)
        return SoftmaxCrossEntropyWithLogits().forward(xp, logits, hot)

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return 5 * in_types[0].size

    def vjp(self, node: Node, loss: Tensor | None, backprop: Tensor | None = None) -> Sequence[Tensor | None]:
        return _logits_gradient(node, loss, backprop), None

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_LOGITS, np.array([2, 0], np.int32)))


class L2Loss(Op):
    """Σ x² / 2."""

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(require_float("L2Loss", x), ()),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.asarray(xp.sum(x * x) / x.dtype.type(2)),)

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return 2 * in_types[0].size

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (apply(Mul(), node.inputs[0], grad),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_LOGITS,))


def softmax(logits: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Tensor:
    """e^x / Σ e^x over `axis`, the last one by default."""
    return _along(Softmax(), logits, axis if dim is None else dim, name)


def log_softmax(logits: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Tensor:
    """x − log Σ e^x over `axis`, the last one by default."""
    return _along(LogSoftmax(), logits, axis if dim is None else dim, name)


def _along(op: Op, logits: Any, axis: Any, name: str | None) -> Tensor:
    x = convert_to_tensor(logits)
    rank = x.type.rank
    if axis is None or axis == -1 or axis + 1 == rank:
        return first(make(op, name, type(op).__name__, {"logits": x}))
    if rank is None or not -rank <= axis < rank:
        raise ShapeError(f"axis {axis} of a softmax over a tensor of shape {format_shape(x.type.shape)}")
    swapped = list(range(rank))
    swapped[axis], swapped[-1] = swapped[-1], swapped[axis]
    with x.graph.name_scope(name or type(op).__name__):
        return transpose(apply(op, transpose(x, swapped)), swapped)


def _check_named(sentinel: Any, labels: Any, logits: Any, function: str) -> None:
    if sentinel is not None:
        raise ValueError(f"Only call `{function}` with named arguments (labels=..., logits=..., ...)")
    if labels is None or logits is None:
        raise ValueError("Both labels and logits must be provided.")


def _dense_cross_entropy(labels: Any, logits: Any, name: str | None, stop: bool) -> Tensor:
    x = convert_to_tensor(logits, name="logits")
    y = convert_to_tensor(labels, x.dtype, name="labels")
    default = "softmax_cross_entropy_with_logits" + ("_sg" if stop else "")
    graph = x.graph
    with graph.as_default(), graph.name_scope(name or default) as scope:
        if stop:
            y = first(graph.add(StopGradient(), (y,), "labels_stop_gradient"))
        rank = x.type.rank
        flat_x = x if rank in (2, None) else reshape(x, [-1, x.type.shape[-1]])  # type: ignore[index]
        flat_y = y if rank in (2, None) else reshape(y, [-1, y.type.shape[-1]])  # type: ignore[index]
        graph.reserve_ids(24 if rank in (2, None) else 20)  # what TensorFlow makes to flatten to rows
        loss = first(graph.add(SoftmaxCrossEntropyWithLogits(), (flat_x, flat_y), scope))
        graph.reserve_ids(5)
        if rank in (2, None):
            return first(make(Identity(), "Reshape_2", "Reshape_2", {"tensor": loss}))
        return _unflatten(loss, (x.type.shape or ())[:-1], x, name="Reshape_2")


def _unflatten(loss: Tensor, leading: tuple[Dim, ...], like: Tensor, name: str | None = None) -> Tensor:
    """A loss per row in the `leading` dimensions of `like`."""
    if sum(d is None for d in leading) > 1:
        return reshape(loss, shape(like)[: len(leading)], name=name)
    return reshape(loss, [-1 if d is None else d for d in leading], name=name)


def softmax_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, dim: int = -1, name: str | None = None
) -> Tensor:
    """−Σ_i labels_i·log softmax(logits)_i per row. No gradient flows to the labels."""
    _check_named(_sentinel, labels, logits, "softmax_cross_entropy_with_logits")
    return _dense_cross_entropy(labels, logits, name, stop=True)


def softmax_cross_entropy_with_logits_v2(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, axis: Any = None, name: str | None = None
) -> Tensor:
    """−Σ_i labels_i·log softmax(logits)_i per row, with a gradient to the labels too."""
    _check_named(_sentinel, labels, logits, "softmax_cross_entropy_with_logits_v2")
    return _dense_cross_entropy(labels, logits, name, stop=False)


def sparse_softmax_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: str | None = None
) -> Tensor:
    """−log softmax(logits)_y for the class numbers y in `labels`."""
    _check_named(_sentinel, labels, logits, "sparse_softmax_cross_entropy_with_logits")
    x = convert_to_tensor(logits, name="logits")
    graph = x.graph
    with graph.as_default(), graph.name_scope(name or "SparseSoftmaxCrossEntropyWithLogits"):
        y = convert_to_tensor(labels, name="labels")
        graph.reserve_ids(1)
        if (x.type.rank or 2) == 2:
            return first(graph.add(SparseSoftmaxCrossEntropyWithLogits(), (x, y)))
        rows = reshape(x, [-1, x.type.shape[-1]])  # type: ignore[index]
        loss = first(graph.add(SparseSoftmaxCrossEntropyWithLogits(), (rows, reshape(y, [-1]))))
        return _unflatten(loss, y.type.shape or (), y)


def sigmoid_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: str | None = None
) -> Tensor:
    """max(x, 0) − x·z + log(1 + e^−|x|) per element, for logits x and labels z."""
    _check_named(_sentinel, labels, logits, "sigmoid_cross_entropy_with_logits")
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


def l2_loss(t: Any, name: str | None = None) -> Tensor:
    """Σ t² / 2."""
    return first(make(L2Loss(), name, "L2Loss", {"t": t}))


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
