"""The ranks, and values that Python code exchanges between them."""

from __future__ import annotations

from typing import Any

from minigraph.distributed.exchange import checked_root
from minigraph.ops.collective.world import WORLD

__all__ = [
    "allgather_object",
    "broadcast_object",
    "gloo_built",
    "init",
    "is_initialized",
    "join",
    "local_rank",
    "local_size",
    "mpi_built",
    "nccl_built",
    "rank",
    "shutdown",
    "size",
]


def init(timeout: float | None = None) -> None:
    """Find the other ranks. Must come before all other functions of this module; later calls do nothing.

    From here on an exception that nothing catches ends all ranks, and the cores of a host are divided among its
    processes.

    Args:
        timeout: Seconds that a rank waits for the others before it raises UnavailableError; by default 300.

    Raises:
        ValueError: The timeout is not positive.
        MissingPackageError: mpi4py is not installed.
        BackendError: mpi4py finds no MPI, or another one than that of mpiexec.
        RanksDifferError: The ranks have different versions of minigraph.

    Example:
        >>> import minigraph.distributed as hvd
        >>> hvd.init()
        >>> hvd.rank(), hvd.size()
        (0, 1)
    """
    if timeout is not None and timeout <= 0:
        raise ValueError(f"init: expected a positive timeout, got {timeout}")
    WORLD.start(timeout)


def is_initialized() -> bool:
    """Tell whether `init` has been called.

    Returns:
        A bool.

    Example:
        >>> import minigraph.distributed as hvd
        >>> hvd.init()
        >>> hvd.is_initialized()
        True
    """
    return WORLD.started


def shutdown() -> None:
    """Wait for all ranks and end their connection. The end of a program does so, too.

    Example:
        >>> import minigraph.distributed as hvd
        >>> hvd.init()
        >>> hvd.is_initialized()
        True

    After `hvd.shutdown()` it would be False, and MPI cannot be started again.
    """
    WORLD.leave()


def rank() -> int:
    """Give the number of this process.

    Returns:
        An int from 0 to `size()` − 1.

    Raises:
        FailedPreconditionError: `init` has not been called.

    Example:
        >>> import minigraph.distributed as hvd
        >>> hvd.init()
        >>> hvd.rank()
        0
    """
    WORLD.require_start()
    return WORLD.rank


def size() -> int:
    """Count the processes.

    Returns:
        The number of ranks; 1 for a program that mpiexec has not started.

    Raises:
        FailedPreconditionError: `init` has not been called.

    Example:
        >>> import minigraph.distributed as hvd
        >>> hvd.init()
        >>> hvd.size()
        1
    """
    WORLD.require_start()
    return WORLD.size


def local_rank() -> int:
    """Give the number of this process among those of its host.

    Returns:
        An int from 0 to `local_size()` − 1.

    Raises:
        FailedPreconditionError: `init` has not been called.

    Example:
        >>> import minigraph.distributed as hvd
        >>> hvd.init()
        >>> hvd.local_rank()
        0
    """
    WORLD.require_start()
    return WORLD.local_rank


def local_size() -> int:
    """Count the processes of this host.

    Returns:
        The number of ranks on it.

    Raises:
        FailedPreconditionError: `init` has not been called.

    Example:
        >>> import minigraph.distributed as hvd
        >>> hvd.init()
        >>> hvd.local_size()
        1
    """
    WORLD.require_start()
    return WORLD.local_size


def broadcast_object(obj: Any, root_rank: int = 0) -> Any:
    """Give all ranks the value of one.

    Args:
        obj: The value, which must be picklable; only that of `root_rank` counts.
        root_rank: The rank whose value it is.

    Returns:
        The value of `root_rank`.

    Raises:
        FailedPreconditionError: `init` has not been called.
        InvalidArgumentError: There is no such rank.
        RanksDifferError: Another rank does something else.

    Example:
        >>> import minigraph.distributed as hvd
        >>> hvd.init()
        >>> hvd.broadcast_object({"epoch": 3})
        {'epoch': 3}
    """
    WORLD.require_start()
    return WORLD.broadcast_object(obj, checked_root(root_rank))


def allgather_object(obj: Any) -> list[Any]:
    """Collect a value of each rank.

    Args:
        obj: The value, which must be picklable.

    Returns:
        The values, by rank.

    Raises:
        FailedPreconditionError: `init` has not been called.
        RanksDifferError: Another rank does something else.

    Example:
        >>> import minigraph.distributed as hvd
        >>> hvd.init()
        >>> hvd.allgather_object("a")
        ['a']
    """
    WORLD.require_start()
    return WORLD.all_gather_object(obj)


def join() -> int:
    """Wait until all ranks have come here: for ranks with fewer batches than others.

    Until then this rank takes part in the others' all-reduces with neutral elements: zeros for sums and averages.

    Returns:
        The rank that came last.

    Raises:
        FailedPreconditionError: `init` has not been called.
        InvalidArgumentError: Another rank runs a collective that is no all-reduce.

    Example:
        >>> import minigraph.distributed as hvd
        >>> hvd.init()
        >>> hvd.join()
        0
    """
    WORLD.require_start()
    return WORLD.join()


def mpi_built() -> bool:
    """Tell whether MPI carries collectives, as Horovod's programs ask.

    Returns:
        True.

    Example:
        >>> import minigraph.distributed as hvd
        >>> hvd.init()
        >>> hvd.mpi_built()
        True
    """
    return True


def gloo_built() -> bool:
    """Tell whether Gloo carries collectives, as Horovod's programs ask.

    Returns:
        False.

    Example:
        >>> import minigraph.distributed as hvd
        >>> hvd.init()
        >>> hvd.gloo_built()
        False
    """
    return False


def nccl_built() -> int:
    """Tell the version of NCCL that carries collectives, as Horovod's programs ask.

    Returns:
        Its number, such as 22304 for 2.23.4; 0 without NCCL.

    Example:
        >>> import minigraph.distributed as hvd
        >>> hvd.init()
        >>> isinstance(hvd.nccl_built(), int)
        True
    """
    from minigraph.backends.cupy.nccl import installed_version

    return installed_version()
