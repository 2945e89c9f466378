"""Pointwise ops: one ufunc with `out=`, or a few of them on blocks that stay in the cache."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from minigraph.backend.base import Launch, Lowered, Types, in_sequence
from minigraph.backends.numpy.common import (
    Array,
    Kernel,
    Scratch,
    block_size,
    blocks,
    copy,
    fallback,
    same,
    steps_only,
)
from minigraph.core.op import Op
from minigraph.ops import pointwise as P
from minigraph.ops.math.arithmetic import AddN, Reciprocal, SquaredDifference
from minigraph.ops.math.casting import Cast
from minigraph.ops.math.exponential import Rsqrt
from minigraph.ops.math.selection import Select
from minigraph.ops.nn.activation import Elu, Relu, Relu6, Relu6Grad, ReluGrad, Sigmoid, Softplus
from minigraph.ops.nn.bias import BiasAdd

_TILED = 4096  # elements to which a short row is repeated, so that NumPy's inner loops are long
_FEW = 16384  # below this many elements a single call costs less than what tiling saves


def pointwise(op: P.Pointwise, in_types: Types, out_types: Types) -> Lowered:
    """out = ufunc(*inputs)."""
    if not op.ufunc:
        return fallback(op, in_types, out_types)
    ufunc = getattr(np, op.ufunc)
    if len(in_types) == 2:
        return binary(ufunc, in_types, out_types)
    return steps_only(lambda x, out: [partial(ufunc, *x, out[0])], inplace=same(in_types, out_types[0]))


def binary(ufunc: np.ufunc, in_types: Types, out_types: Types) -> Lowered:
    """out = ufunc(x, y). A short row that broadcasts over many others is first repeated to a longer one."""
    out = out_types[0]
    inplace = same(in_types, out)
    tiled = next((i for i in (0, 1) if _is_row(in_types[i].static, out.static) and i ^ 1 in inplace), None)
    if tiled is None:
        return Lowered(lambda x, o, workspace: _call(ufunc, x[0], x[1], o[0]), inplace=inplace)
    width = out.static[-1]
    count = _divisor(out.size // width, _TILED // width)
    scratch = Scratch()
    scratch.add((count, width), out.dtype.np_dtype)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        (rows,) = scratch.open(workspace)
        x, y = (a.reshape(-1, count * width) if i != tiled else rows.reshape(-1) for i, a in enumerate(inputs))
        row = inputs[tiled].reshape(width)
        return in_sequence([copy(rows, row), _call(ufunc, x, y, outputs[0].reshape(-1, count * width))])

    return Lowered(bind, scratch.nbytes, inplace)


def _call(ufunc: np.ufunc, x: Array, y: Array, out: Array) -> Launch:
    """`out` by position, which NumPy handles faster, except where it is deprecated."""
    if ufunc in (np.maximum, np.minimum):
        return partial(ufunc, x, y, out=out)
    return partial(ufunc, x, y, out)


def _is_row(shape: tuple[int, ...], out: tuple[int, ...]) -> bool:
    """Whether `shape` is a short vector on the last axis of a large output."""
    return math.prod(out) > _FEW and shape[-1:] == out[-1:] and math.prod(shape) == out[-1] <= 256


def _divisor(number: int, limit: int) -> int:
    """The largest divisor of `number` up to `limit`."""
    return next(d for d in range(max(limit, 1), 0, -1) if number % d == 0)


def blocked(
    steps: Callable[[list[Array], Array, list[Array]], Sequence[Launch]], temporaries: Sequence[Any] = ()
) -> Kernel:
    """A kernel of several passes, made block by block where all inputs have the output's shape.

    `steps(inputs, output, temporaries)` gives the passes over flat arrays; each temporary has one of the dtypes
    given (None: the output's). No pass but one that reads an input for the last time may write to the output,
    so that the output may share its buffer with any input.
    """

    def lower(op: Op, in_types: Types, out_types: Types) -> Lowered:
        out = out_types[0]
        if any(t.shape != out.shape for t in in_types):
            return fallback(op, in_types, out_types)
        size = min(block_size(out.dtype.np_dtype), out.size)
        scratch = Scratch()
        for dtype in temporaries:
            scratch.add(size, dtype or out.dtype.np_dtype)

        def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
            room = scratch.open(workspace)
            flat = [a.reshape(-1) for a in (*inputs, outputs[0])]
            made: list[Launch] = []
            for part in blocks(out.size, size):
                *operands, target = (a[part] for a in flat)
                made += steps(operands, target, [t[: target.size] for t in room])
            return in_sequence(made)

        return Lowered(bind, scratch.nbytes, same(in_types, out))

    return lower


def _relu(x: list[Array], out: Array, _: list[Array]) -> list[Launch]:
    return [partial(np.maximum, x[0], np.zeros((), out.dtype), out=out)]


def _relu_grad(x: list[Array], out: Array, temporaries: list[Array]) -> list[Launch]:
    (gate,) = temporaries
    zero = np.zeros((), x[1].dtype)
    return [partial(np.greater, x[1], zero, gate), partial(np.multiply, x[0], gate, out)]


def _relu6(x: list[Array], out: Array, _: list[Array]) -> list[Launch]:
    zero, six = (np.array(v, out.dtype) for v in (0, 6))
    return [partial(np.maximum, x[0], zero, out=out), partial(np.minimum, out, six, out=out)]


def _relu6_grad(x: list[Array], out: Array, temporaries: list[Array]) -> list[Launch]:
    gate, below = temporaries
    zero, six = (np.array(v, x[1].dtype) for v in (0, 6))
    return [
        partial(np.greater, x[1], zero, gate),
        partial(np.less, x[1], six, below),
        partial(np.logical_and, gate, below, gate),
        partial(np.multiply, x[0], gate, out),
    ]


def _sigmoid(x: list[Array], out: Array, _: list[Array]) -> list[Launch]:
    one = np.ones((), out.dtype)
    return [
        partial(np.negative, x[0], out),
        partial(np.exp, out, out),
        partial(np.add, out, one, out),
        partial(np.divide, one, out, out),
    ]


def _rsqrt(x: list[Array], out: Array, _: list[Array]) -> list[Launch]:
    return [partial(np.sqrt, x[0], out), partial(np.divide, np.ones((), out.dtype), out, out)]


def _reciprocal(x: list[Array], out: Array, _: list[Array]) -> list[Launch]:
    return [partial(np.divide, np.ones((), out.dtype), x[0], out)]


def _softplus(x: list[Array], out: Array, _: list[Array]) -> list[Launch]:
    return [partial(np.logaddexp, x[0], np.zeros((), out.dtype), out)]


def _elu(x: list[Array], out: Array, temporaries: list[Array]) -> list[Launch]:
    """max(x, 0) + expm1(min(x, 0)): one of the two is 0."""
    (low,) = temporaries
    zero = np.zeros((), out.dtype)
    return [
        partial(np.minimum, x[0], zero, out=low),
        partial(np.expm1, low, low),
        partial(np.maximum, x[0], zero, out=out),
        partial(np.add, out, low, out),
    ]


def squared_difference(op: Op, in_types: Types, out_types: Types) -> Lowered:
    """(x − y)². Unequal shapes broadcast in the first pass, into the output."""

    def steps(x: list[Array], out: Array, _: list[Array]) -> list[Launch]:
        return [partial(np.subtract, x[0], x[1], out), partial(np.square, out, out)]

    if in_types[0].shape == in_types[1].shape:
        return blocked(steps)(op, in_types, out_types)
    return steps_only(lambda x, out: steps(list(x), out[0], []), inplace=same(in_types, out_types[0]))  # type: ignore[arg-type]


def add_n(op: AddN, in_types: Types, out_types: Types) -> Lowered:
    """x₀ + x₁ + …, from left to right."""

    def steps(x: list[Array], out: Array, _: list[Array]) -> list[Launch]:
        if len(x) == 1:
            return [copy(out, x[0])]
        return [partial(np.add, x[0], x[1], out), *(partial(np.add, out, other, out) for other in x[2:])]

    lowered = blocked(steps)(op, in_types, out_types)
    # With more than two, an input that comes twice could be overwritten before it is read again.
    return lowered if len(in_types) <= 2 else lowered._replace(inplace=())


def select(op: Select, in_types: Types, out_types: Types) -> Lowered:
    """x where the condition holds, else y. With a full condition by its bits, y ^ ((x ^ y) & mask): NumPy's masked
    copy takes three times as long."""
    condition, x, _ = in_types
    if condition.shape == x.shape:
        return _select_bits(np.dtype(f"i{x.dtype.size}"))(op, in_types, out_types)
    if condition.shape == ():

        def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
            test, yes, no = inputs
            out = outputs[0]
            return lambda: np.copyto(out, yes if test else no)

        return Lowered(bind, inplace=(1, 2))
    rows = (-1,) + (1,) * (len(x.static) - 1)
    return steps_only(
        lambda i, o: [copy(o[0], i[2]), partial(np.copyto, o[0], i[1], where=i[0].reshape(rows))]  # type: ignore[arg-type]
    )


def _select_bits(kind: np.dtype[Any]) -> Kernel:
    def steps(inputs: list[Array], out: Array, temporaries: list[Array]) -> list[Launch]:
        test, (x, y, target) = inputs[0].view(np.int8), (a.view(kind) for a in (*inputs[1:], out))
        mask, bits = temporaries
        return [
            partial(np.negative, test, mask),  # 1 becomes all ones
            partial(np.bitwise_xor, x, y, bits),
            partial(np.bitwise_and, bits, mask, bits),
            partial(np.bitwise_xor, bits, y, target),
        ]

    return blocked(steps, (kind, kind))


def cast(op: Cast, in_types: Types, out_types: Types) -> Lowered:
    return steps_only(lambda x, out: [copy(out[0], x[0])], inplace=same(in_types, out_types[0]))  # type: ignore[arg-type]


def bias_add(op: BiasAdd, in_types: Types, out_types: Types) -> Lowered:
    """y[..., c] = x[..., c] + b[c]."""
    return binary(np.add, in_types, out_types)


KERNELS: dict[type[Op], Kernel] = {
    P.Pointwise: pointwise,
    Relu: blocked(_relu),
    ReluGrad: blocked(_relu_grad, (None,)),
    Relu6: blocked(_relu6),
    Relu6Grad: blocked(_relu6_grad, (np.bool_, np.bool_)),
    Sigmoid: blocked(_sigmoid),
    Rsqrt: blocked(_rsqrt),
    Reciprocal: blocked(_reciprocal),
    Softplus: blocked(_softplus),
    Elu: blocked(_elu, (None,)),
    SquaredDifference: squared_difference,
    AddN: add_n,
    Select: select,
    Cast: cast,
    BiasAdd: bias_add,
}
