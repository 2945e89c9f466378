"""Collectives: functions of tensors of all ranks."""

from __future__ import annotations

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import InvalidArgumentError, ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.typing import TensorLike
from minigraph.distributed.compression import Compression, checked_compression, compressed_sum
from minigraph.ops.builder import composed, first, make
from minigraph.ops.collective.all_gather import AllGather
from minigraph.ops.collective.all_reduce import AllReduce
from minigraph.ops.collective.all_to_all import AllToAll
from minigraph.ops.collective.broadcast import Broadcast
from minigraph.ops.collective.world import WORLD
from minigraph.ops.constant import constant

__all__ = ["Average", "Max", "Min", "Sum", "allgather", "allreduce", "alltoall", "broadcast"]

Average, Sum, Min, Max = "average", "sum", "min", "max"


def allreduce(
    tensor: TensorLike, average: bool | None = None, compression: str = Compression.none, op: str | None = None,
    prescale_factor: float = 1.0, postscale_factor: float = 1.0, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Combine a tensor with those of the other ranks, element by element.

    Args:
        tensor: A numeric tensor of the same dtype and shape on all ranks.
        average: Whether the result is the average rather than the sum; Horovod's older form of `op`.
        compression: The dtype in which the tensor travels, of `Compression`; for sums and averages.
        op: `Average` (the default; of floating-point tensors), `Sum`, `Min` or `Max`.
        prescale_factor: A number that the tensor is multiplied by before.
        postscale_factor: A number that the result is multiplied by.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `tensor`, the same on all ranks. The gradient of a sum is the sum of the
        ranks' gradients, that of an average their average.

    Raises:
        FailedPreconditionError: `init` has not been called.
        ValueError: Both `average` and `op` are given, or `op` or `compression` is unknown.
        DTypeError: The dtype has no such combination.
        RanksDifferError: In a run, if other ranks run other collectives, or give tensors of another type.
        UnavailableError: In a run, if the other ranks do not come within the time limit.

    Example:
        >>> import minigraph.distributed as hvd
        >>> hvd.init()
        >>> tf.Session().run(hvd.allreduce([1.0, 2.0]))
        array([1., 2.], dtype=float32)
    """
    WORLD.require_start()
    if average is not None and op is not None:
        raise ValueError("allreduce: expected `average` or `op`, not both")
    chosen = op if op is not None else Average if average in (None, True) else Sum
    if chosen not in (Average, Sum, Min, Max):
        raise ValueError(f"allreduce: expected op Average, Sum, Min or Max, got {chosen!r}")
    with composed(name, "AllReduce", tensor):
        x = _scaled(convert_to_tensor(tensor), prescale_factor)
        if checked_compression(compression) == Compression.none or chosen in (Min, Max):
            total = first(make(AllReduce(chosen), None, "AllReduce", {"tensor": x}))
        else:
            total = compressed_sum(_scaled(x, 1 / WORLD.size if chosen == Average else 1.0), compression)
        return _scaled(total, postscale_factor)


def _scaled(x: Tensor, factor: float) -> Tensor:
    return x if factor == 1.0 else x * factor


def allgather(tensor: TensorLike, name: str | None = None) -> Tensor:
    """Join the ranks' tensors along their first axis.

    Args:
        tensor: A tensor of at least one axis, of the same dtype on all ranks. The first dimension may differ.
        name: Name of the node.

    Returns:
        A tensor with the rows of all ranks, by rank. It is made on the host, between two plans.

    Raises:
        FailedPreconditionError: `init` has not been called.
        ShapeError: The tensor is a scalar.
        DTypeError: The tensor holds strings.
        RanksDifferError: In a run, if the ranks' rows differ in shape, or other ranks run another collective.

    Example:
        >>> import minigraph.distributed as hvd
        >>> hvd.init()
        >>> tf.Session().run(hvd.allgather([[1, 2]]))
        array([[1, 2]], dtype=int32)
    """
    WORLD.require_start()
    return first(make(AllGather(), name, "AllGather", {"tensor": tensor}))


def broadcast(tensor: TensorLike, root_rank: int, name: str | None = None) -> Tensor:
    """Give all ranks the tensor of one.

    Args:
        tensor: A tensor of the same dtype and shape on all ranks.
        root_rank: The rank whose tensor it is.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `tensor`.

    Raises:
        FailedPreconditionError: `init` has not been called.
        InvalidArgumentError: There is no such rank.
        DTypeError: The tensor holds strings.
        RanksDifferError: In a run, if other ranks run other collectives, or give tensors of another type.

    Example:
        >>> import minigraph.distributed as hvd
        >>> hvd.init()
        >>> tf.Session().run(hvd.broadcast([1, 2], root_rank=0))
        array([1, 2], dtype=int32)
    """
    WORLD.require_start()
    return first(make(Broadcast(checked_root(root_rank)), name, "Broadcast", {"tensor": tensor}))


def checked_root(root: int) -> int:
    """The rank. InvalidArgumentError if there is none of that number."""
    if not isinstance(root, int) or not 0 <= root < WORLD.size:
        raise InvalidArgumentError(f"expected a root_rank from 0 to {WORLD.size - 1}, got {root!r}")
    return root


def alltoall(tensor: TensorLike, splits: TensorLike | None = None, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Send rows of a tensor to each rank.

    Args:
        tensor: A tensor of at least one axis. Its rows are sent to the ranks in order.
        splits: How many rows go to each rank, int32 [size()]; by default equally many to each.
        name: Name of the node.

    Returns:
        The rows received, by rank, and how many each rank has sent, int32 [size()]. Both are made on the host, between
        two plans.

    Raises:
        FailedPreconditionError: `init` has not been called.
        ShapeError: The tensor is a scalar.
        DTypeError: The tensor holds strings.
        InvalidArgumentError: In a run, if `splits` does not sum up to the number of rows. If it is not given: the
            number of rows is unknown, or the number of ranks does not divide it.
        RanksDifferError: In a run, if other ranks run another collective.

    Example:
        >>> import minigraph.distributed as hvd
        >>> hvd.init()
        >>> rows, counts = hvd.alltoall([[1, 2], [3, 4]])
        >>> tf.Session().run(counts)
        array([2], dtype=int32)
    """
    WORLD.require_start()
    with composed(name, "AllToAll", tensor) as scope:
        x = convert_to_tensor(tensor)
        if x.type.rank == 0:
            raise ShapeError("alltoall takes tensors of at least one axis, not scalars")
        if splits is None:
            rows = x.type.shape[0] if x.type.shape else None
            if rows is None or rows % WORLD.size:
                raise InvalidArgumentError(f"alltoall: {rows} rows cannot be sent to {WORLD.size} ranks without splits")
            splits = constant(np.full(WORLD.size, rows // WORLD.size, np.int32))
        received, counts = x.graph.add(AllToAll(), (x, convert_to_tensor(splits)), scope).outputs
        return received, counts
