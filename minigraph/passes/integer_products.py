"""Quantised networks: products of dequantised numbers become products of the integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigraph.core.dtypes import float32, int8, int32, uint8
from minigraph.ir.program import Instr, Value
from minigraph.ir.rebuild import Rebuilder
from minigraph.ops.array.joining import ConcatV2
from minigraph.ops.array.reshape import Reshape, Transpose
from minigraph.ops.constant import Const
from minigraph.ops.filling import Full
from minigraph.ops.math.arithmetic import Add, AddV2, Mul
from minigraph.ops.math.casting import Cast
from minigraph.ops.math.matmul import MatMul
from minigraph.ops.math.quantization import DequantizeLinear, QuantizeLinear, Requantize
from minigraph.ops.nn.activation import Relu
from minigraph.ops.nn.bias import BiasAdd
from minigraph.ops.nn.conv2d import Conv2D
from minigraph.ops.nn.integer_products import IntegerConv2D, IntegerMatMul
from minigraph.ops.nn.max_pool import MaxPool
from minigraph.rewrite.driver import Rule
from minigraph.rewrite.pattern import Match, Pattern
from minigraph.rewrite.pipeline import RulePass

Number = Any  # a NumPy scalar
_NOT_ONE = "a scale or zero point is not one constant number"


def _array(value: Value) -> np.ndarray | None:
    """A constant's elements."""
    op = value.instr.op
    if isinstance(op, Const):
        return np.asarray(op.value)
    return np.asarray(op.reference()[0]) if isinstance(op, Full) and value.type.size == 1 else None


def _one(value: Value) -> Number | None:
    """The number of a constant of one element."""
    array = _array(value)
    return None if array is None or array.size != 1 else array.reshape(-1)[0]


def _parameters(instr: Instr) -> tuple[Number, Number] | None:
    """The scale and the zero point of what quantises or dequantises, if each is one constant number."""
    scale, zero = map(_one, instr.inputs[1:])
    return None if scale is None or zero is None else (scale, zero)


def _row(value: Value, axis: int) -> np.ndarray | None:
    """A constant that is one number, or varies along one axis of the four or two that it is broadcast to, as a row."""
    array = _array(value)
    if array is None:
        return None
    shape = (1,) * (axis + 1 - array.ndim) + array.shape
    longest = axis if len(shape) == axis + 1 else 0
    return array.reshape(-1) if array.size in (1, shape[longest]) else None


def _product(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    root = found.root
    image, weights = (found[name] for name in ("image", "weights"))
    x, w = image.inputs[0], weights.inputs[0]
    known = _parameters(image)
    if known is None:
        return _NOT_ONE
    if x.type.dtype not in (uint8, int8) or w.type.dtype is not int8:
        return f"there are no products of {x.type.dtype.name} with {w.type.dtype.name}"
    scale, zero = known
    zeros = _array(weights.inputs[2])
    if zeros is None or zeros.any():
        return "the zero point of the weights is not 0"
    made = _integer_op(root, int(zero), w)
    if isinstance(made, str):
        return made
    turned = isinstance(root.op, MatMul) and root.op.transpose_b
    scales = _row(weights.inputs[1], 0 if turned else len(w.type.static) - 1)
    if scales is None:
        return "the scales of the weights are not one for each channel"
    sums = new.add(Cast(float32), new.add(made, x, w))
    return [new.add(Mul(), sums, new.add(Const(scale * scales)))]


def _integer_op(root: Instr, zero: int, w: Value) -> IntegerConv2D | IntegerMatMul | str:
    """The product of integers in place of one of real numbers, or why there is none."""
    op = root.op
    if isinstance(op, Conv2D):
        return "it has groups" if op.groups != 1 else IntegerConv2D(op.strides, op.padding, op.dilations, zero=zero)
    assert isinstance(op, MatMul)
    if type(op) is not MatMul or op.transpose_a or len(w.type.static) != 2 or len(root.inputs[0].type.static) != 2:
        return "it is not a product of two matrices, or the first is transposed"
    return IntegerMatMul(op.transpose_b, zero)


def _scaled_sums(instr: Instr) -> str | None:
    """Whether it is int32 sums times constants."""
    sums, scale = instr.inputs
    is_cast = isinstance(sums.instr.op, Cast) and sums.instr.inputs[0].type.dtype is int32
    return None if is_cast and _array(scale) is not None else "it is no integer product times a constant"


def _integer_bias(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    scaled, bias = found["scaled"], found["bias"]
    sums, scale = scaled.inputs
    own, other = (_array(v) for v in (scale, bias.inputs[1]))
    q, zeros = bias.inputs[0], _array(bias.inputs[2])
    if q.type.dtype is not int32 or zeros is None or zeros.any():
        return "the bias is no int32 with the zero point 0"
    if other is None or not _is_equal(own, other, q.type.static):
        return "the bias has other scales than the sums"
    total = new.add(AddV2(), sums.instr.inputs[0], q)
    return [new.add(Mul(), new.add(Cast(float32), total), scale)]


def _is_equal(a: Any, b: Any, shape: tuple[int, ...]) -> bool:
    """Whether two arrays of scales are the same for a vector of this shape."""
    return np.array_equal(np.broadcast_to(a.reshape(-1), shape), np.broadcast_to(b.reshape(-1), shape))


def _one_scale(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    sums, scale = found["scaled"].inputs
    known = _parameters(found.root)
    if known is None:
        return _NOT_ONE
    ratio = np.asarray(_array(scale)) / known[0]
    return [new.add(_requantize(found.root, known[1]), new.add(Mul(), sums, new.add(Const(ratio))))]


def _sum_in_one_scale(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    known, terms = _parameters(found.root), found["sum"].inputs
    scales: list[Any] = [_one(v.instr.inputs[1]) for v in terms]
    if known is None or None in scales:
        return _NOT_ONE
    parts = [
        new.add(DequantizeLinear(), v.instr.inputs[0], new.add(Const(np.asarray(s / known[0]))), v.instr.inputs[2])
        for v, s in zip(terms, scales, strict=True)
    ]
    return [new.add(_requantize(found.root, known[1]), new.add(AddV2(), *parts))]


def _requantize(instr: Instr, zero: Number) -> Requantize:
    return Requantize(instr.types[0].dtype, int(zero))


def _without_relu(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    relu, scale, zero = found.root.inputs
    least = _one(zero)
    if least is None or least != zero.type.dtype.min:
        return "the zero point is not the least number"
    return [new.add(QuantizeLinear(), relu.instr.inputs[0], scale, zero)]


def _behind(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    """Dequantise after an op that moves or chooses elements, instead of before."""
    root = found.root
    readers = [v.instr for v in root.inputs]
    if not all(isinstance(i.op, DequantizeLinear) for i in readers):
        return "an operand is not dequantised"
    first = readers[0]
    if _parameters(first) is None or any(i.inputs[1:] != first.inputs[1:] for i in readers):
        return "the operands have several scales or zero points"
    moved = new.add(root.op, *(i.inputs[0] for i in readers))
    others = [Value(moved.instr, i) for i in range(1, len(root.types))]
    return [new.add(DequantizeLinear(), moved, *first.inputs[1:]), *others]


def _nothing(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    inner = found["inner"]
    if found.root.inputs[1:] != inner.inputs[1:] or _parameters(inner) is None:
        return "the scales or zero points differ"
    return [inner.inputs[0]]


_SCALED = Pattern(Mul, name="scaled", check=_scaled_sums)
_DEQUANTIZED = Pattern(DequantizeLinear)

RULES = (
    Rule(
        "product",
        Pattern((Conv2D, MatMul), Pattern(DequantizeLinear, name="image"), Pattern(DequantizeLinear, name="weights")),
        _product,
    ),
    Rule(
        "integer_bias",
        Pattern((BiasAdd, Add, AddV2), _SCALED, Pattern(DequantizeLinear, name="bias")),
        _integer_bias,
    ),
    Rule("relu_by_the_range", Pattern(QuantizeLinear, Pattern(Relu)), _without_relu),
    Rule("one_scale", Pattern(QuantizeLinear, _SCALED), _one_scale),
    Rule(
        "sum_in_one_scale",
        Pattern(QuantizeLinear, Pattern((Add, AddV2), _DEQUANTIZED, _DEQUANTIZED, name="sum")),
        _sum_in_one_scale,
    ),
    Rule("pool_of_integers", Pattern(MaxPool, _DEQUANTIZED), _behind),
    Rule("move_of_integers", Pattern((Reshape, Transpose), _DEQUANTIZED), _behind),
    Rule("concat_of_integers", Pattern(ConcatV2, _DEQUANTIZED), _behind),
    Rule("quantize_of_dequantize", Pattern(QuantizeLinear, Pattern(DequantizeLinear, name="inner")), _nothing),
)


@dataclass(frozen=True)
class IntegerProducts(RulePass):
    """Products of dequantised numbers as products of the integers.

    before      conv(D(x), D(w)) and matmul(D(x), D(w)), where D(q) = (q − z)·s dequantises; a bias D(b) added to them;
                Q, which quantises the result or a sum D(x) + D(y), also behind ReLU; max_pool(D(x)), reshape(D(x)),
                transpose(D(x)), concat(D(x), D(y))
    after       integer_conv(x, w)·(s_x·s_w); (integer_conv(x, w) + b)·(s_x·s_w); R, which is Q with the scale 1, of
                sums times (s_x·s_w/s_y), or of D(x) + D(y) with scales over that of Q; D(max_pool(x)), …; nothing is
                left of Q(D(x))
    conditions  x is uint8 or int8 and w int8; z and s are constants: one number each for x, one scale for each output
                channel and zero points of 0 for w; no groups. b is int32 with the same scales as the sums. ReLU goes
                where the zero point of Q is the least number. Operands of concat, and Q and D, have equal scales and
                zero points
    formula     Σ s_x(x − z)·s_w·w = s_x·s_w·Σ (x − z)·w, the sum exact in integers. These are the numbers of ONNX
                Runtime's QLinearConv (Jacob et al. 2018, section 2.2)
    """

    name: str = field(default="integer_products", init=False)
    rules: tuple[Rule, ...] = field(default=RULES, init=False, repr=False)


integer_products = IntegerProducts()
