"""Cross entropies of a softmax, for labels that are probabilities or class numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core import types as T
from minigraph.core.arguments import renamed
from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import int64
from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.indices import require_below
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import Scalar, call, constant
from minigraph.core.scalar import cast as cast_scalar
from minigraph.core.scalar import where as choose
from minigraph.core.types import Dim, TensorType, format_shape
from minigraph.core.typing import TensorLike
from minigraph.loops.index import Index
from minigraph.loops.kernel import ADD, Kernel
from minigraph.loops.refusal import outside
from minigraph.ops.array.one_hot import OneHot
from minigraph.ops.array.reshape import ExpandDims, reshape, transpose
from minigraph.ops.array.shape import shape
from minigraph.ops.array.slicing import getitem
from minigraph.ops.broadcast import sum_like
from minigraph.ops.builder import apply, first, make, require_float
from minigraph.ops.identity import Identity, StopGradient
from minigraph.ops.math.arithmetic import Add, Mul, Neg
from minigraph.ops.nn.softmax import LOGITS, LogitRows, LogSoftmax, Softmax, log_softmax_of, softmax_gradient

__all__ = [
    "softmax_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits_v2",
    "sparse_softmax_cross_entropy_with_logits",
]


_LABELS = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])


def _logits_gradient(node: Node, loss: Tensor | None, backprop: Tensor | None) -> Tensor | None:
    """The gradient of the logits, from those of the loss and of p − y."""
    logits = node.inputs[0]
    parts = []
    if loss is not None:
        parts.append(apply(Mul(), apply(ExpandDims(-1), loss), node.outputs[1]))
    if backprop is not None:
        parts.append(softmax_gradient(apply(Softmax(), logits), backprop))
    return _total(parts, logits)


def _total(parts: list[Tensor], like: Tensor) -> Tensor | None:
    if not parts:
        return None
    return sum_like(parts[0] if len(parts) == 1 else apply(Add(), *parts), like)


def _cross_entropy(
    rows: LogitRows, out_types: Sequence[TensorType], labels: Callable[[Index], Callable[[Index], Scalar]]
) -> Kernel:
    """The kernel of the loss −Σ y·log p and of p − y of each row. labels(i)(j): y in row i."""
    k, kind = rows.k, rows.kind
    loss, backprop = map(k.result, out_types)
    with k.over(loss.shape[0]) as (i,):
        m, total = rows.statistics(i)
        logarithm = k.let(call("log", total))
        y = labels(i)
        term = lambda j: [y(j) * (rows.shifted(i, j, m) - logarithm)]  # noqa: E731
        (found,) = k.reduce([rows.x.shape[1]], ADD, [0], [kind], term)
        k.store(loss, (i,), -found)
        with k.over(rows.x.shape[1], names="j") as (j,):
            k.store(backprop, (i, j), call("exp", rows.shifted(i, j, m)) / total - y(j))
    return k.done()


class SoftmaxCrossEntropyWithLogits(Op):
    """The loss −Σ_i y_i·log p_i of each row, and p − y: its gradient if the labels sum to 1."""

    accumulates = True

    def infer(self, logits: TensorType, labels: TensorType) -> tuple[TensorType, ...]:
        dtype = require_float("SoftmaxCrossEntropyWithLogits", logits, labels)
        rows = T.broadcast(logits.shape, labels.shape)
        if rows is None:
            return TensorType(dtype, (None,)), TensorType(dtype, None)
        if len(rows) != 2:
            raise ShapeError(f"logits and labels must be 2-dimensional, got {format_shape(rows)}")
        return TensorType(dtype, rows[:1]), TensorType(dtype, rows)

    def forward(self, xp: Any, logits: Any, labels: Any) -> tuple[Any, ...]:
        log_p = log_softmax_of(xp, logits)
        return -xp.sum(labels * log_p, axis=-1), xp.exp(log_p) - labels

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        if in_types[0].shape != in_types[1].shape:
            return None
        rows = LogitRows.of("cross_entropy", in_types[0])
        labels = rows.k.operand(in_types[1])
        return _cross_entropy(rows, out_types, lambda i: lambda j: cast_scalar(labels[i, j], rows.kind))

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
        yield Sample(cls(), (LOGITS, _LABELS), smooth=False)  # p − y is the gradient only on the simplex of labels


class SparseSoftmaxCrossEntropyWithLogits(Op):
    """The loss −log p_y of each row for the class number y, and its gradient p − onehot(y)."""

    accumulates = True

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
        require_below("labels", labels, classes)
        one, zero = logits.dtype.type(1), logits.dtype.type(0)
        (hot,) = OneHot(classes).forward(xp, labels, one, zero)
        return SoftmaxCrossEntropyWithLogits().forward(xp, logits, hot)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        """A class number out of range makes both results NaN, where the backend cannot refuse it."""
        rows = LogitRows.of("sparse_cross_entropy", in_types[0])
        labels, classes = rows.k.operand(in_types[1]), in_types[0].static[-1]

        def row(i: Index) -> Callable[[Index], Scalar]:
            label = rows.k.let(cast_scalar(labels[i], int64))
            valid = call("logical_and", call("greater_equal", label, 0), call("less", label, classes))
            one = rows.k.let(choose(valid, constant(1, rows.kind), math.nan))
            zero = rows.k.let(choose(valid, constant(0, rows.kind), math.nan))
            return lambda j: choose(call("equal", rows.k.number(j, int64), label), one, zero)

        return _cross_entropy(rows, out_types, row)

    def refusal(self, in_types: Sequence[TensorType]) -> Kernel:
        return outside(in_types, in_types[0].static[-1])

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return 5 * in_types[0].size

    def vjp(self, node: Node, loss: Tensor | None, backprop: Tensor | None = None) -> Sequence[Tensor | None]:
        return _logits_gradient(node, loss, backprop), None

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (LOGITS, np.array([2, 0], np.int32)))


def named_pair(
    sentinel: None, labels: TensorLike | None, logits: TensorLike | None, function: str
) -> tuple[TensorLike, TensorLike]:
    """`labels` and `logits`. ValueError if an argument was given by position or is missing."""
    if sentinel is not None:
        raise ValueError(f"Only call `{function}` with named arguments (labels=..., logits=..., ...)")
    if labels is None or logits is None:
        raise ValueError("Both labels and logits must be provided.")
    return labels, logits


def _dense_cross_entropy(
    labels: TensorLike, logits: TensorLike, axis: int | None, name: str | None, stop: bool
) -> Tensor:
    x = convert_to_tensor(logits, name="logits")
    y = convert_to_tensor(labels, x.dtype, name="labels")
    default = "softmax_cross_entropy_with_logits" + ("_sg" if stop else "")
    graph = x.graph
    with graph.as_default(), graph.name_scope(name or default) as scope:
        if stop:
            y = first(graph.add(StopGradient(), (y,), "labels_stop_gradient"))
        x, y = _axis_last(x, y, axis)
        rank = x.type.rank
        flat_x, flat_y = (x, y) if rank in (2, None) else (_rows(x), _rows(y))
        graph.reserve_ids(24 if rank in (2, None) else 20)  # TensorFlow's nodes that flatten to rows
        loss = first(graph.add(SoftmaxCrossEntropyWithLogits(), (flat_x, flat_y), scope))
        graph.reserve_ids(5)
        if rank in (2, None):
            return first(make(Identity(), "Reshape_2", "Reshape_2", {"tensor": loss}))
        return _unflatten(loss, (x.type.shape or ())[:-1], x, name="Reshape_2")


def _axis_last(x: Tensor, y: Tensor, axis: int | None) -> tuple[Tensor, Tensor]:
    """Logits and labels with the axis of the classes moved to the end. ShapeError if there is no such axis."""
    rank = x.type.rank
    if axis is None or axis == -1 or axis + 1 == rank:
        return x, y
    if rank is None or not -rank <= axis < rank:
        raise ShapeError(f"axis {axis} of a cross entropy over logits of shape {format_shape(x.type.shape)}")
    order = [a for a in range(rank) if a != axis % rank] + [axis % rank]
    return transpose(x, order), transpose(y, order)


def _rows(x: Tensor) -> Tensor:
    """The tensor [..., classes] of known rank as a matrix."""
    last = (x.type.shape or (None,))[-1]
    return reshape(x, [-1, getitem(shape(x), -1) if last is None else last])


def _unflatten(loss: Tensor, leading: tuple[Dim, ...], like: Tensor, name: str | None = None) -> Tensor:
    """The losses of rows, reshaped to the `leading` dimensions of `like`."""
    if sum(d is None for d in leading) > 1:
        return reshape(loss, shape(like)[: len(leading)], name=name)
    return reshape(loss, [-1 if d is None else d for d in leading], name=name)


def softmax_cross_entropy_with_logits(
    _sentinel: None = None, labels: TensorLike | None = None, logits: TensorLike | None = None, dim: int = -1,
    name: str | None = None, axis: int | None = None,
) -> Tensor:  # fmt: skip
    """Compute the cross entropy −Σ_i y_i·log softmax(x)_i of each row, without a gradient to the labels.

    Args:
        labels: Probabilities y of the shape and dtype of `logits`. Each row sums to 1.
        logits: Logits x of a floating dtype, [..., classes] by default.
        dim: The axis of the classes, the last by default. The rank of `logits` must be known for any other.
        name: Name scope of the nodes.
        axis: The newer name of `dim`.

    Returns:
        One loss per row: a tensor of the dtype of `logits` and its shape without the axis of the classes.

    Raises:
        ValueError: An argument is given by position, or one of `labels` and `logits` is missing.
        ShapeError: The shapes do not fit, or there is no such axis.
        DTypeError: The dtypes differ or are not floating.

    Example:
        >>> loss = tf.nn.softmax_cross_entropy_with_logits(labels=[[0.0, 1.0]], logits=[[0.0, 0.0]])
        >>> tf.Session().run(loss).round(4)
        array([0.6931], dtype=float32)
    """
    pair = named_pair(_sentinel, labels, logits, "softmax_cross_entropy_with_logits")
    along = renamed("axis", axis, "dim", None if dim == -1 else dim)
    return _dense_cross_entropy(*pair, along, name, stop=True)


def softmax_cross_entropy_with_logits_v2(
    labels: TensorLike, logits: TensorLike, axis: int | None = None, name: str | None = None, dim: int | None = None
) -> Tensor:
    """Compute the cross entropy −Σ_i y_i·log softmax(x)_i of each row, with gradients to logits and labels.

    Args:
        labels: Probabilities y of the shape and dtype of `logits`. Each row sums to 1.
        logits: Logits x of a floating dtype, [..., classes] by default.
        axis: The axis of the classes, the last by default. The rank of `logits` must be known for any other.
        name: Name scope of the nodes.
        dim: The older name of `axis`.

    Returns:
        One loss per row: a tensor of the dtype of `logits` and its shape without the axis of the classes.

    Raises:
        ValueError: `labels` or `logits` is None.
        ShapeError: The shapes do not fit, or there is no such axis.
        DTypeError: The dtypes differ or are not floating.

    Example:
        >>> loss = tf.nn.softmax_cross_entropy_with_logits_v2(labels=[[0.0, 1.0]], logits=[[0.0, 0.0]])
        >>> tf.Session().run(loss).round(4)
        array([0.6931], dtype=float32)
    """
    pair = named_pair(None, labels, logits, "softmax_cross_entropy_with_logits_v2")
    return _dense_cross_entropy(*pair, renamed("axis", axis, "dim", dim), name, stop=False)


def sparse_softmax_cross_entropy_with_logits(
    _sentinel: None = None, labels: TensorLike | None = None, logits: TensorLike | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Compute the cross entropy −log softmax(x)_y of each row for class numbers y.

    Args:
        labels: Class numbers y [...] of an integer dtype, in [0, classes).
        logits: Logits x [..., classes] of a floating dtype.
        name: Name scope of the nodes.

    Returns:
        One loss per row, of the shape of `labels` and the dtype of `logits`.

    Raises:
        ValueError: An argument is given by position, or one of `labels` and `logits` is missing.
        ShapeError: The shapes do not fit.
        DTypeError: `labels` are not integers, or the dtype of `logits` is not floating.

    Example:
        >>> loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[1], logits=[[0.0, np.log(3.0)]])
        >>> tf.Session().run(loss).round(4)
        array([0.2877], dtype=float32)
    """
    labels, logits = named_pair(_sentinel, labels, logits, "sparse_softmax_cross_entropy_with_logits")
    x = convert_to_tensor(logits, name="logits")
    graph = x.graph
    with graph.as_default(), graph.name_scope(name or "SparseSoftmaxCrossEntropyWithLogits"):
        y = convert_to_tensor(labels, name="labels")
        graph.reserve_ids(1)
        if (x.type.rank or 2) == 2:
            return first(graph.add(SparseSoftmaxCrossEntropyWithLogits(), (x, y)))
        rows = _rows(x)
        loss = first(graph.add(SparseSoftmaxCrossEntropyWithLogits(), (rows, reshape(y, [-1]))))
        return _unflatten(loss, y.type.shape or (), y)
