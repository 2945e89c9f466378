"""Smaller dtypes for tensors on their way between ranks."""

from __future__ import annotations

from minigraph.core.dtypes import float16, float32
from minigraph.core.graph import Tensor
from minigraph.ops.builder import apply
from minigraph.ops.collective.all_reduce import AllReduce, FromBfloat16, ToBfloat16
from minigraph.ops.math.casting import cast

__all__ = ["Compression"]


class Compression:
    """The dtype of tensors on their way between ranks, for `allreduce` and `DistributedOptimizer`.

    `none`: their own. `fp16`: float16, with 11 significant bits; numbers above 65504 overflow. `bf16`: bfloat16, with 8
    significant bits and the range of float32. Each sum of two ranks is made in float32 and rounded once. Only float32
    and float64 are compressed.

    Example:
        >>> import minigraph.distributed as hvd
        >>> hvd.init()
        >>> total = hvd.allreduce([1.0, 1.0009], op=hvd.Sum, compression=hvd.Compression.bf16)
        >>> tf.Session().run(total)
        array([1., 1.], dtype=float32)
    """

    none, fp16, bf16 = "none", "float16", "bfloat16"


def checked_compression(compression: str) -> str:
    """The compression. ValueError if it is unknown."""
    if compression not in (Compression.none, Compression.fp16, Compression.bf16):
        raise ValueError(f"expected Compression.none, fp16 or bf16, got {compression!r}")
    return compression


def compressed_sum(x: Tensor, compression: str) -> Tensor:
    """The sum of the ranks' tensors."""
    if compression == Compression.none or not x.dtype.is_floating or x.dtype is float16:
        return apply(AllReduce("sum"), x)
    if compression == Compression.fp16:
        return cast(apply(AllReduce("sum"), cast(x, float16)), x.dtype)
    halves = apply(AllReduce("sum of bfloat16"), apply(ToBfloat16(), cast(x, float32)))
    return cast(apply(FromBfloat16(), halves), x.dtype)
