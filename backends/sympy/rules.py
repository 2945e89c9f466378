"""Rules for ops whose reference cannot run on symbols, as it depends on dtypes or branches on values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy

from minigraph.backends.sympy.arrays import elementwise, fold, xp
from minigraph.backends.sympy.expressions import is_condition
from minigraph.backends.sympy.symbols import Array, decide, exact, numbers, pick
from minigraph.core.dtypes import uint8
from minigraph.core.errors import InvalidArgumentError
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ops.array.one_hot import OneHot
from minigraph.ops.broadcast import normalise_axes
from minigraph.ops.image.edges import Hysteresis
from minigraph.ops.image.median import MedianFilter
from minigraph.ops.math.argmax import ArgMax, ArgMin
from minigraph.ops.math.reduce import Mean
from minigraph.ops.math.reduce_extremes import Max, Min
from minigraph.ops.nn.cross_entropy import SoftmaxCrossEntropyWithLogits, SparseSoftmaxCrossEntropyWithLogits
from minigraph.ops.nn.max_pool import MaxPool, MaxPoolGather, MaxPoolGrad, MaxPoolInputGrad
from minigraph.ops.nn.pool import Pool
from minigraph.ops.nn.softmax import LogSoftmax, Softmax
from minigraph.ops.window import tap

Results = Sequence[Any]


def first_largest(row: Sequence[Any]) -> Any:
    """The position of the largest element, the first on ties: a number, or a Piecewise with a branch for each
    position."""
    branches = []
    for i, a in enumerate(row):
        if a == -sympy.oo:
            continue
        others = [(j, b) for j, b in enumerate(row) if j != i and b != -sympy.oo]
        wins = sympy.And(*[decide(sympy.Gt(a, b) if j < i else sympy.Ge(a, b)) for j, b in others])
        if wins == sympy.true:
            return sympy.Integer(i)
        if wins != sympy.false:
            branches.append((sympy.Integer(i), wins))
    return sympy.Piecewise(*branches, evaluate=False)


def is_place(index: Any, place: int) -> Any:
    """The condition that `index`, made by `first_largest`, is `place`."""
    if isinstance(index, sympy.Piecewise):
        return next((condition for value, condition in index.args if value == place), sympy.false)
    return sympy.true if index == place else sympy.false


def _mean(op: Mean, x: Array) -> Results:
    count = int(np.prod([x.shape[a] for a in normalise_axes(op.axis, x.ndim)]))
    total = xp.sum(x, normalise_axes(op.axis, x.ndim), op.keep_dims)
    return (total / count if count else xp.full(total.shape, sympy.nan),)


def _extremum(op: Max | Min, x: Array) -> Results:
    return (getattr(xp, op.function)(x, normalise_axes(op.axis, x.ndim), op.keep_dims),)


def _arg(op: ArgMax, x: Array) -> Results:
    signed = x if op.function == "argmax" else elementwise(lambda e: -e, x)
    return (fold(first_largest, signed, op.axis),)


def _on_numbers(op: Op, *arrays: Array) -> Results:
    """A rule for ops that sort values or grow regions: they need numbers, and return some of them."""
    kinds = [np.dtype(bool if all(map(is_condition, a.flat)) else float) for a in arrays]
    given = [numbers(a, k, f"an operand of {type(op).__name__}") for a, k in zip(arrays, kinds, strict=True)]
    return [exact(result) for result in op.reference(*given)]


def log_softmax(x: Array) -> Array:
    """x − log Σ e^x along the last axis. Exact numbers need no shift by the largest."""
    return x - elementwise(sympy.log, xp.sum(elementwise(sympy.exp, x), -1, True))


def softmax(x: Array) -> Array:
    """e^x / Σ e^x along the last axis."""
    e = elementwise(sympy.exp, x)
    shares: Array = e / xp.sum(e, -1, True)
    return shares


def _cross_entropy(op: Op, logits: Array, labels: Array) -> Results:
    return -xp.sum(labels * log_softmax(logits), -1), softmax(logits) - labels


def _sparse_cross_entropy(op: Op, logits: Array, labels: Array) -> Results:
    classes = logits.shape[-1]
    rows = numbers(labels, np.dtype(np.int64), "the class numbers")
    if rows.size and (rows.min() < 0 or rows.max() >= classes):
        raise InvalidArgumentError(f"labels must lie in [0, {classes})")
    return _cross_entropy(op, logits, exact((rows[:, None] == np.arange(classes)).astype(int)))


def _one_hot(op: OneHot, indices: Array, on: Array, off: Array) -> Results:
    return op.reference(numbers(indices, np.dtype(np.int64), "the indices of one_hot"), on, off)


def _max_pool(op: MaxPool, x: Array) -> Results:
    padded = np.pad(x, ((0, 0), *op.window.pads(*x.shape[1:3]), (0, 0)), constant_values=-sympy.oo)
    out = op.window.out(*x.shape[1:3])
    stacked = np.stack([tap(padded, op.window, r, s, out) for r, s in op.taps])  # type: ignore[arg-type]
    return xp.max(stacked, 0), fold(first_largest, stacked, 0)


def _at_place(values: Array, where: Array, place: int) -> Array:
    return elementwise(lambda v, i: pick(is_place(i, place), v, sympy.S.Zero), values, where)


def _max_pool_input_grad(op: MaxPoolInputGrad, where: Array, grad: Array) -> Results:
    parts = ((t, _at_place(grad, where, i)) for i, t in enumerate(op.taps))
    return (op.scatter(xp, parts, xp.zeros(op.shape), grad.shape[1:3]),)


def _max_pool_grad(op: Pool, x: Array, where: Array, grad: Array) -> Results:
    return _max_pool_input_grad(MaxPoolInputGrad(*op.with_numbers(TensorType(uint8, x.shape)), x.shape), where, grad)


def _max_pool_gather(op: MaxPoolGather, x: Array, where: Array) -> Results:
    padded = op.padded(xp, x, 0)
    out = where.shape[1:3]
    parts = [_at_place(tap(padded, op.window, r, s, out), where, i) for i, (r, s) in enumerate(op.taps)]
    return (sum(parts[1:], parts[0]),)


RULES: dict[type[Op], Callable[..., Results]] = {
    ArgMax: _arg,
    ArgMin: _arg,
    Hysteresis: _on_numbers,
    LogSoftmax: lambda op, x: (log_softmax(x),),
    Max: _extremum,
    MaxPool: _max_pool,
    MaxPoolGather: _max_pool_gather,
    MaxPoolGrad: _max_pool_grad,
    MaxPoolInputGrad: _max_pool_input_grad,
    Mean: _mean,
    MedianFilter: _on_numbers,
    Min: _extremum,
    OneHot: _one_hot,
    Softmax: lambda op, x: (softmax(x),),
    SoftmaxCrossEntropyWithLogits: _cross_entropy,
    SparseSoftmaxCrossEntropyWithLogits: _sparse_cross_entropy,
}
