"""Convolutions and matrix products of quantised numbers, exact in int32. Made from products of dequantised numbers by
the pass `integer_products`, and by ONNX's operators."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.dtypes import float64, int8, int32, uint8
from minigraph.core.errors import DTypeError
from minigraph.core.op import Batching, Op, Sample
from minigraph.core.scalar import cast
from minigraph.core.types import TensorType
from minigraph.loops.builder import Statement
from minigraph.loops.index import Index
from minigraph.loops.kernel import ADD, Kernel
from minigraph.ops.math.matmul import MatMul
from minigraph.ops.nn.conv2d import CASES, Conv2D, Convolution, correlation


def _require_bytes(kind: str, x: TensorType, w: TensorType) -> None:
    if x.dtype not in (uint8, int8) or w.dtype is not int8:
        raise DTypeError(f"'{kind}' multiplies uint8 or int8 with int8, not {x.dtype.name} with {w.dtype.name}")


def _bytes(seed: int, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    limits = np.iinfo(dtype)
    return np.random.RandomState(seed).randint(limits.min, limits.max + 1, shape).astype(dtype)


class IntegerConv2D(Convolution):
    """y[n,p,q,o] = Σ_{r,s,i} (x[n, p·S + r·D − P, q·S + s·D − P, i] − zero)·w[r,s,i,o], where the padding adds 0."""

    zero: int = 0
    differentiable = False
    accumulates = False  # whole numbers, so that nothing is rounded

    @property
    def real(self) -> Conv2D:
        """The convolution of real numbers with the same windows."""
        return Conv2D(*self.attributes)

    def infer(self, x: TensorType, w: TensorType) -> tuple[TensorType, ...]:
        _require_bytes("IntegerConv2D", x, w)
        (y,) = self.real.infer(TensorType(float64, x.shape), TensorType(float64, w.shape))
        return (TensorType(int32, y.shape),)

    def forward(self, xp: Any, x: Any, w: Any) -> tuple[Any, ...]:
        (y,) = self.real.forward(xp, x.astype(np.float64) - self.zero, w.astype(np.float64))
        return (y.astype(np.int32),)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        return correlation(self, "integer_conv2d", in_types, out_types[0], int32, lambda x: cast(x, int32) - self.zero)

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return self.real.flops(in_types, out_types)

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        return self.real.batching(in_types, out_types)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return self.replace(**self.with_numbers(types[0].static, types[1].static)), (0, 1)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for number, (attributes, x, w) in enumerate(CASES):
            dtype, zero = ((np.uint8, 117), (np.int8, -5))[number % 2]
            yield Sample(cls(**attributes, zero=zero), (_bytes(1, x, dtype), _bytes(2, w, np.int8)), smooth=False)
        yield Sample(cls(zero=3), (_bytes(1, (1, 5, 4, 35), np.uint8), _bytes(2, (1, 1, 35, 25), np.int8)), False)
        yield Sample(cls(zero=-3), (_bytes(1, (1, 8, 7, 5), np.int8), _bytes(2, (3, 3, 5, 17), np.int8)), False)


class IntegerMatMul(Op):
    """C = Σ (a[m,k] − zero)·b[k,n]; with transpose_b, b is [n,k]."""

    transpose_b: bool = False
    zero: int = 0
    contracts = True
    differentiable = False

    @property
    def real(self) -> MatMul:
        """The product of real numbers."""
        return MatMul(False, self.transpose_b)

    def infer(self, a: TensorType, b: TensorType) -> tuple[TensorType, ...]:
        _require_bytes("IntegerMatMul", a, b)
        (c,) = self.real.infer(TensorType(int32, a.shape), TensorType(int32, b.shape))
        return (TensorType(int32, c.shape),)

    def forward(self, xp: Any, a: Any, b: Any) -> tuple[Any, ...]:
        (c,) = self.real.forward(xp, a.astype(np.float64) - self.zero, b.astype(np.float64))
        return (c.astype(np.int32),)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        if len(in_types[0].static) != 2 or len(in_types[1].static) != 2:
            return None
        k = Statement("integer_matmul")
        a, b, c = *map(k.operand, in_types), k.result(out_types[0])
        with k.over(*c.shape, names="mn") as (m, n):

            def term(i: Index) -> Any:
                other = b[n, i] if self.transpose_b else b[i, n]
                return [(cast(a[m, i], int32) - self.zero) * cast(other, int32)]

            (total,) = k.reduce([a.shape[1]], ADD, [0], [int32], term)
            k.store(c, (m, n), total)
        return k.done()

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return self.real.flops(in_types, out_types)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        a, b = _bytes(1, (3, 35), np.uint8), _bytes(2, (35, 29), np.int8)
        yield Sample(cls(False, 117), (a, b), smooth=False)
        yield Sample(cls(True, -4), (a.view(np.int8), np.ascontiguousarray(b.T)), smooth=False)
