"""Collectives by NCCL on the buffers themselves. One rank alone needs no NCCL: its collectives are copies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from minigraph.backend.base import Launch, Lowered, Types, in_sequence
from minigraph.backends.cupy.device import Device
from minigraph.backends.cupy.kernel import NcclCall
from minigraph.backends.cupy.nccl import TYPES
from minigraph.backends.cupy.steps import DeviceView
from minigraph.core.dtypes import as_dtype
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ir.buckets import AllReduceStart, AllReduceWait, places
from minigraph.ops.collective.all_reduce import AllReduce
from minigraph.ops.collective.broadcast import Broadcast, BroadcastGrad
from minigraph.ops.collective.world import WORLD

CARRIER = "NCCL"
Bind = Callable[[Sequence[Any], Sequence[Any], Any], Launch]


def lowered(device: Device, op: Op, in_types: Types) -> Lowered | None:
    """How NCCL runs a collective. None for another op, and for a dtype that NCCL does not know.

    BackendError if there are other ranks, and no NCCL.
    """
    bind = _binder(device, op, in_types)
    if bind is None:
        return None
    if WORLD.size > 1:
        device.require_collectives()
        WORLD.carriers[CARRIER] = partial(take_part, device)
    inplace = (0,) if isinstance(op, AllReduce | Broadcast | BroadcastGrad) else ()
    return Lowered(bind, inplace=inplace, carrier=CARRIER)


def take_part(device: Device, array: np.ndarray[Any, Any], reduction: str) -> None:
    """Combine an array of the host with those that the other ranks have on their GPUs."""
    kind = TensorType(as_dtype(array.dtype), array.shape)
    call = _reduce(reduction, kind)
    assert call is not None
    buffer = device.allocate(kind.nbytes)
    device.upload(buffer.pointer, kind, array)
    device.begin_collective(call, buffer.pointer)
    device.end_collective(buffer.pointer)
    device.synchronize()


def _binder(device: Device, op: Op, in_types: Types) -> Bind | None:
    if isinstance(op, AllReduceWait):
        return partial(_wait, device, op) if _reduce(op.reduction, op.types[0]) else None
    if isinstance(op, AllReduceStart):
        kind = TensorType(in_types[0].dtype, (places(in_types)[-1],))
        call = _reduce(op.reduction, kind)
        return None if call is None else partial(_start, device, in_types, call)
    if isinstance(op, AllReduce):
        call = _reduce(op.reduction, in_types[0])
        return None if call is None else partial(_whole, device, call)
    if isinstance(op, Broadcast):
        return partial(_whole, device, NcclCall("broadcast", in_types[0].nbytes, "uint8", op.root))
    if isinstance(op, BroadcastGrad):
        call = _reduce("sum", in_types[0])
        return None if call is None else partial(_whole, device, call, root=op.root)
    return None


def _reduce(reduction: str, kind: TensorType) -> NcclCall | None:
    """The all-reduce of an array, if NCCL has one for its numbers."""
    how, _, name = reduction.partition(" of ")
    name = name or kind.dtype.name
    return NcclCall(how, kind.size, name) if name in TYPES else None


def _copies(device: Device, pairs: Sequence[tuple[DeviceView, int, int]]) -> list[Launch]:
    """Copies of arrays to addresses, where they are not there already. pairs: source, target and bytes."""
    return [
        partial(device.copy, target, source.pointer, nbytes)
        for source, target, nbytes in pairs
        if nbytes and source.pointer != target
    ]


def _exchange(device: Device, call: NcclCall, pointer: int) -> tuple[list[Launch], list[Launch]]:
    """The launches that begin and end a collective; none if there are no numbers, or no other ranks."""
    if WORLD.size == 1 or not call.size:
        return [], []
    return [partial(device.begin_collective, call, pointer)], [partial(device.end_collective, pointer)]


def _whole(
    device: Device, call: NcclCall, inputs: Sequence[DeviceView], outputs: Sequence[DeviceView],
    workspace: DeviceView, root: int | None = None,
) -> Launch:  # fmt: skip
    """Copy, exchange, wait. root: the only rank that gets the result; the others get zeros."""
    (source,), (out,) = inputs, outputs
    begin, end = _exchange(device, call, out.pointer)
    launches = [*_copies(device, [(source, out.pointer, out.type.nbytes)]), *begin, *end]
    if root is not None and root != WORLD.rank and out.type.nbytes:
        zeros = device.allocate(out.type.nbytes)
        device.upload(zeros.pointer, out.type, 0)
        launches.append(lambda: device.copy(out.pointer, zeros.pointer, zeros.nbytes))
    return in_sequence(launches)


def _start(
    device: Device, types: Types, call: NcclCall, inputs: Sequence[DeviceView], outputs: Sequence[DeviceView],
    workspace: DeviceView,
) -> Launch:  # fmt: skip
    (bucket,) = outputs
    targets = _addresses(bucket, types)
    pairs = [(source, target, source.type.nbytes) for source, target in zip(inputs, targets, strict=True)]
    begin, _ = _exchange(device, call, bucket.pointer)
    return in_sequence([*_copies(device, pairs), *begin])


def _wait(
    device: Device, op: AllReduceWait, inputs: Sequence[DeviceView], outputs: Sequence[DeviceView | None],
    workspace: DeviceView,
) -> Launch:  # fmt: skip
    (bucket,) = inputs
    call = NcclCall("sum", bucket.type.size, "")
    _, end = _exchange(device, call, bucket.pointer)
    sources = [bucket._replace(pointer=at) for at in _addresses(bucket, op.types)]
    read = [(s, out.pointer, out.type.nbytes) for s, out in zip(sources, outputs, strict=True) if out is not None]
    return in_sequence([*end, *_copies(device, read)])


def _addresses(bucket: DeviceView, types: Types) -> list[int]:
    """Where the tensors in a bucket begin."""
    return [bucket.pointer + place * bucket.type.dtype.size for place in places(types)[:-1]]
