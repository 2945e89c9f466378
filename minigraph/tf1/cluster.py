"""Descriptions of clusters, for programs that can be told to run in several processes and run in one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any


class ClusterSpec:
    """The addresses of the tasks of each job.

    cluster: by job a list of addresses, or a dictionary of them by task; or another ClusterSpec.
    """

    def __init__(self, cluster: Any) -> None:
        given: Mapping[str, Any] = cluster._tasks if isinstance(cluster, ClusterSpec) else cluster
        if not isinstance(given, Mapping):
            raise TypeError(f"cluster must be a dictionary or a ClusterSpec, not {type(cluster).__name__}")
        self._tasks: dict[str, dict[int, str]] = {}
        for job, tasks in given.items():
            if not isinstance(tasks, Mapping | list | tuple):
                raise TypeError(f"the tasks of job {job!r} must be a list or a dictionary of addresses, not {tasks!r}")
            numbered = tasks if isinstance(tasks, Mapping) else dict(enumerate(tasks))
            self._tasks[job] = {int(n): str(address) for n, address in sorted(numbered.items())}

    def __bool__(self) -> bool:
        return bool(self._tasks)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClusterSpec) and self._tasks == other._tasks

    __hash__ = None  # type: ignore[assignment]

    @property
    def jobs(self) -> list[str]:
        """The names of the jobs."""
        return list(self._tasks)

    def as_dict(self) -> dict[str, Any]:
        """By job the addresses: a list, or by task if task numbers are missing."""
        whole = {job: list(tasks) == list(range(len(tasks))) for job, tasks in self._tasks.items()}
        return {job: list(t.values()) if whole[job] else dict(t) for job, t in self._tasks.items()}

    def num_tasks(self, job_name: str) -> int:
        """The number of tasks of a job."""
        return len(self._job(job_name))

    def task_indices(self, job_name: str) -> list[int]:
        """The numbers of the tasks of a job."""
        return list(self._job(job_name))

    def task_address(self, job_name: str, task_index: int) -> str:
        """The address of a task."""
        tasks = self._job(job_name)
        if task_index not in tasks:
            raise ValueError(f"No task with index {task_index!r} in job {job_name!r}.")
        return tasks[task_index]

    def job_tasks(self, job_name: str) -> list[str | None]:
        """The addresses of a job's tasks by number; None where there is none."""
        tasks = self._job(job_name)
        return [tasks.get(n) for n in range(max(tasks, default=-1) + 1)]

    def _job(self, name: str) -> dict[int, str]:
        if name not in self._tasks:
            raise ValueError(f"No such job in cluster: {name!r}")
        return self._tasks[name]


_ON_PARAMETER_SERVERS = ("Variable", "VariableV2", "AutoReloadVariable", "MutableHashTable", "MutableHashTableV2",
                         "MutableHashTableOfTensors", "MutableHashTableOfTensorsV2", "MutableDenseHashTable",
                         "MutableDenseHashTableV2", "VarHandleOp", "BoostedTreesEnsembleResourceHandleOp",
                         "BoostedTreesQuantileStreamResourceHandleOp")  # fmt: skip


def replica_device_setter(
    ps_tasks: int = 0, ps_device: str = "/job:ps", worker_device: str = "/job:worker", merge_devices: bool = True,
    cluster: Any = None, ps_ops: Sequence[str] | None = None, ps_strategy: Callable[[Any], int] | None = None,
) -> Callable[[Any], str] | None:  # fmt: skip
    """A function for `tf.device` that names a parameter server for each variable in turn, and the worker for the rest.

    None without parameter servers. Graphs have no devices, so `tf.device` does not call it.
    """
    if cluster is not None:
        ps_tasks = len(ClusterSpec(cluster).as_dict().get(ps_device.partition("/job:")[2].partition("/")[0], []))
    if not ps_tasks:
        return None
    if not merge_devices:
        raise ValueError("replica_device_setter: merge_devices=False is not supported")
    kinds = _ON_PARAMETER_SERVERS if ps_ops is None else tuple(ps_ops)
    turn = iter(range(10**9))

    def device(node: Any) -> str:
        if node.type not in kinds:
            return worker_device
        task = ps_strategy(node) if ps_strategy is not None else next(turn) % ps_tasks
        return ps_device if "/task:" in ps_device else f"{ps_device}/task:{task}"

    return device
