"""Operators on the bits of integers, and on bytes of memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core import types as T
from minigraph.core.errors import DTypeError
from minigraph.core.op import Op, Sample
from minigraph.core.types import TensorType
from minigraph.formats.onnx.call import OnnxNode, Result
from minigraph.formats.onnx.library import from_onnx_dtype
from minigraph.ops.builder import apply


class OnnxBits(Op):
    """A NumPy function of the bits of integers, element by element: `bitwise_and`, `left_shift`, …"""

    function: str
    differentiable = False
    on_host = True

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        if not all(t.dtype.is_integer and t.dtype is types[0].dtype for t in types):
            raise DTypeError(f"{self.function} takes integers of one dtype, not {', '.join(map(str, types))}")
        return (TensorType(types[0].dtype, reduce(T.broadcast, (t.shape for t in types))),)

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        return (getattr(np, self.function)(*arrays),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return ()


class OnnxBitCast(Op):
    """The same bytes as elements of another dtype of the same size."""

    dtype: Any
    differentiable = False
    on_host = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        if x.dtype.np_dtype.itemsize != self.dtype.np_dtype.itemsize:
            raise DTypeError(f"elements of {x.dtype.name} and {self.dtype.name} have different sizes")
        return (TensorType(self.dtype, x.shape),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (np.ascontiguousarray(x).view(self.dtype.np_dtype).reshape(x.shape),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return ()


def _bits(function: str) -> Callable[[OnnxNode], Result]:
    return lambda call: apply(OnnxBits(function), *call.xs())


def _shift(call: OnnxNode) -> Result:
    return apply(OnnxBits("left_shift" if call.attr("direction") == "LEFT" else "right_shift"), call.x(0), call.x(1))


def _cumulative_product(call: OnnxNode) -> Result:
    axis = call.integer(1)
    return tf.cumprod(call.x(), axis, bool(call.attr("exclusive", 0)), bool(call.attr("reverse", 0)))


IMPORT: dict[str, Callable[[OnnxNode], Result]] = {
    "BitCast": lambda call: apply(OnnxBitCast(from_onnx_dtype(call.attr("to"))), call.x()),
    "BitShift": _shift,
    "BitwiseAnd": _bits("bitwise_and"),
    "BitwiseNot": _bits("invert"),
    "BitwiseOr": _bits("bitwise_or"),
    "BitwiseXor": _bits("bitwise_xor"),
    "CumProd": _cumulative_product,
}
