"""The CPU cores that this process may use."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

_share: int | None = None  # set where several processes of a run share the machine


def usable_cores() -> frozenset[int]:
    """The numbers of the CPUs that the system lets this process use."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def core_count() -> int:
    """The number of CPUs for the threads of this process: all usable ones, or its share of them."""
    return len(usable_cores()) if _share is None else _share


def share_cores(mine: Iterable[int], all_sets: Sequence[Iterable[int]]) -> None:
    """Divide the cores of a host among processes.

    mine: the cores that this process may use. all_sets: those of each process of the host, this one's among them.
    """
    global _share
    users = [set(cores) for cores in all_sets]
    _share = max(1, int(sum(1 / sum(core in cores for cores in users) for core in mine)))
