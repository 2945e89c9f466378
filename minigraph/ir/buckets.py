"""All-reduces in two halves: several tensors begin in one exchange, and are waited for later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.core.dtypes import as_dtype
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ops.builder import same_dtype
from minigraph.ops.collective.collective import Collective, named
from minigraph.ops.collective.transfer import Transfer
from minigraph.ops.collective.world import WORLD
from minigraph.util.alignment import aligned


def places(types: Sequence[TensorType]) -> list[int]:
    """Where in a bucket, in elements, each tensor begins, and where the last ends; each place is aligned."""
    found = [0]
    for kind in types:
        found.append(found[-1] + aligned(kind.nbytes) // kind.dtype.np_dtype.itemsize)
    return found


def parts(bucket: Any, types: Sequence[TensorType]) -> list[Any]:
    """The tensors in a bucket, as views."""
    starts = places(types)
    return [bucket[at : at + t.size].reshape(t.static) for at, t in zip(starts, types, strict=False)]


class AllReduceStart(Collective, abstract=True):
    """The bucket: its inputs one after the other, which AllReduceWait combines with those of the other ranks.

    Where it can be, the inputs are made in the bucket. Run by its reference, it does all the work itself.
    """

    reduction: str

    @property
    def detail(self) -> str:
        return self.reduction

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(same_dtype("AllReduceStart", *types), (places(types)[-1],)),)

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        types = [TensorType(as_dtype(a.dtype), a.shape) for a in arrays]
        bucket = np.zeros(places(types)[-1], arrays[0].dtype)
        for part, array in zip(parts(bucket, types), arrays, strict=True):
            part[...] = array
        WORLD.reduce(bucket, self.reduction, "AllReduce")
        return (bucket,)

    def transfers(self, in_types: Sequence[TensorType], names: Sequence[str], where: str) -> list[Transfer]:
        size = places(in_types)[-1]
        dtype = in_types[0].dtype.name
        return [Transfer("AllReduce", named(names, in_types), self.reduction, dtype, size, where=where)]


class AllReduceWait(Op, abstract=True):
    """The tensors in a bucket, of the given types, once the exchange has ended."""

    reduction: str
    types: tuple[TensorType, ...]
    stateful = True
    differentiable = False

    def infer(self, bucket: TensorType) -> tuple[TensorType, ...]:
        return self.types

    def forward(self, xp: Any, bucket: Any) -> tuple[Any, ...]:
        return tuple(parts(bucket, self.types))
