"""Smaller dtypes for tensors on their way between ranks."""

from __future__ import annotations

from collections.abc import Callable

from minigraph.core.dtypes import DType, float16, float32
from minigraph.core.graph import Tensor
from minigraph.ops.builder import apply
from minigraph.ops.collective.all_reduce import AllReduce, FromBfloat16, ToBfloat16
from minigraph.ops.math.casting import cast

__all__ = ["Compression"]

Compressor = Callable[[Tensor], Tensor]


def _plain(x: Tensor) -> Tensor:
    return apply(AllReduce("sum"), x)


def _as_float16(x: Tensor) -> Tensor:
    return cast(apply(AllReduce("sum"), cast(x, float16)), x.dtype) if _shrinks(x.dtype) else _plain(x)


def _as_bfloat16(x: Tensor) -> Tensor:
    if not _shrinks(x.dtype):
        return _plain(x)
    halves = apply(AllReduce("sum of bfloat16"), apply(ToBfloat16(), cast(x, float32)))
    return cast(apply(FromBfloat16(), halves), x.dtype)


def _shrinks(dtype: DType) -> bool:
    return dtype.is_floating and dtype.size > 2


class Compression:
    """The dtype of tensors on their way between ranks, for `allreduce` and `DistributedOptimizer`.

    none: Their own. fp16: float16, with 11 significant bits; numbers above 65504 overflow. bf16: bfloat16, with 8
    significant bits and the range of float32. Each sum is made in float32 and rounded once for each pair of ranks.
    Tensors that are not floating-point stay as they are.

    Example:
        >>> import minigraph.distributed as hvd
        >>> hvd.init()
        >>> total = hvd.allreduce([1.0, 1.0009], op=hvd.Sum, compression=hvd.Compression.bf16)
        >>> tf.Session().run(total)
        array([1., 1.], dtype=float32)
    """

    none: Compressor = staticmethod(_plain)
    fp16: Compressor = staticmethod(_as_float16)
    bf16: Compressor = staticmethod(_as_bfloat16)
