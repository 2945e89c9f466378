"""Exchanges with other ranks, by MPI on the buffers themselves."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from minigraph.backend.base import Launch, Lowered, Types, in_sequence
from minigraph.backends.numpy.common import Array, Kernel, copy
from minigraph.core.op import Op
from minigraph.ir.buckets import AllReduceStart, AllReduceWait, parts
from minigraph.ops.collective.all_reduce import AllReduce
from minigraph.ops.collective.broadcast import Broadcast, BroadcastGrad
from minigraph.ops.collective.world import WORLD


def _copies(targets: Sequence[Array | None], sources: Sequence[Array]) -> list[Launch]:
    """Copies to the targets that are not where their source is."""
    pairs = zip(targets, sources, strict=True)
    return [copy(t, s) for t, s in pairs if t is not None and t.ctypes.data != s.ctypes.data]


def _in_place(exchange: Any) -> Lowered:
    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        return in_sequence([*_copies(outputs, inputs), partial(exchange, outputs[0])])

    return Lowered(bind, inplace=(0,))


def all_reduce_start(op: AllReduceStart, in_types: Types, out_types: Types) -> Lowered:
    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        (bucket,) = outputs
        start = partial(WORLD.start_reduce, bucket, op.reduction)
        return in_sequence([*_copies(parts(bucket, in_types), inputs), start])

    return Lowered(bind)


def all_reduce_wait(op: AllReduceWait, in_types: Types, out_types: Types) -> Lowered:
    def bind(inputs: Sequence[Array], outputs: Sequence[Array | None], workspace: Array) -> Launch:
        (bucket,) = inputs
        finish = partial(WORLD.finish_reduce, bucket, op.reduction, "AllReduce")
        return in_sequence([finish, *_copies(outputs, parts(bucket, op.types))])

    return Lowered(bind)


KERNELS: dict[type[Op], Kernel] = {
    AllReduce: lambda op, x, y: _in_place(lambda out: WORLD.reduce(out, op.reduction, "AllReduce")),
    Broadcast: lambda op, x, y: _in_place(lambda out: WORLD.broadcast(out, op.root, "Broadcast")),
    BroadcastGrad: lambda op, x, y: _in_place(lambda out: WORLD.reduce_to(out, op.root, "BroadcastGrad")),
    AllReduceStart: all_reduce_start,
    AllReduceWait: all_reduce_wait,
}
