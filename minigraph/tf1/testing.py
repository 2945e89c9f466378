"""`tf.test`, and other names that inspect the machine."""

from __future__ import annotations

import importlib.util
import tempfile
import unittest
from types import SimpleNamespace
from typing import Any

import minigraph as tf
from minigraph.backend.discovery import get_backend
from minigraph.core.errors import MinigraphError
from minigraph.ops.random.distributions import get_seed as _get_seed
from minigraph.run.gpu_options import GPU_BACKEND
from minigraph.tf1.gradient_checker import compute_gradient, compute_gradient_error
from minigraph.tf1.test_case import TestCase

__all__ = ["TestCase", "compute_gradient", "compute_gradient_error", "get_temp_dir", "gpu_device_name",
           "is_built_with_cuda", "is_gpu_available", "main"]  # fmt: skip


def main(argv: Any = None) -> None:
    """Run the program's tests."""
    unittest.main(argv=argv)


def get_temp_dir() -> str:
    return tempfile.mkdtemp()


def _gpu() -> Any:
    """The GPU that the backend "cupy" uses; None if there is none."""
    try:
        backend: Any = get_backend(GPU_BACKEND)
    except MinigraphError:
        return None
    return backend.device


def is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: Any = None) -> bool:
    """Whether sessions can run on a GPU, of at least the compute capability (major, minor)."""
    gpu = _gpu()
    return gpu is not None and gpu.capability >= tuple(min_cuda_compute_capability or ())


def gpu_device_name() -> str:
    """The name of the GPU; empty if there is none."""
    gpu = _gpu()
    return "" if gpu is None else f"/device:GPU:{gpu.index}"


def is_built_with_cuda() -> bool:
    """Whether CuPy is installed."""
    return importlib.util.find_spec("cupy") is not None


def get_seed(op_seed: int | None) -> tuple[int | None, int | None]:
    """(graph seed, op seed) for an op of the default graph."""
    return _get_seed(tf.get_default_graph(), op_seed)


def _list_local_devices() -> list[Any]:
    gpu = _gpu()
    sizes = [] if gpu is None else gpu.memory_sizes()
    found = [SimpleNamespace(name="/device:CPU:0", device_type="CPU", memory_limit=0)]
    for index, size in enumerate(sizes):
        found.append(SimpleNamespace(name=f"/device:GPU:{index}", device_type="GPU", memory_limit=size))
    return found


DEVICES = SimpleNamespace(list_local_devices=_list_local_devices)


def list_physical_devices(device_type: str | None = None) -> list[Any]:
    """The CPU, and the GPU if there is one, each with its `name` and `device_type`; of one type if it is given."""
    kinds = ["CPU", *(["GPU"] if _gpu() is not None else [])]
    found = [SimpleNamespace(name=f"/physical_device:{kind}:0", device_type=kind) for kind in kinds]
    return [d for d in found if device_type in (None, d.device_type)]


def list_logical_devices(device_type: str | None = None) -> list[Any]:
    """As `list_physical_devices`, under the names that `tf.device` takes."""
    physical = list_physical_devices(device_type)
    return [SimpleNamespace(name=f"/device:{d.device_type}:0", device_type=d.device_type) for d in physical]


def set_memory_growth(device: Any, enable: bool) -> None:
    """Do nothing: sessions take a GPU's memory as they need it."""
