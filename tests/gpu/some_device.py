"""The device that tests run on: a GPU where there is one, else the CPU that stands in for it."""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import Any

from gpu.host import COMPILER, SANITIZE, HostDevice
from minigraph.backends.cupy.device import CudaDevice
from minigraph.core.errors import BackendError


@cache
def has_gpu() -> bool:
    if importlib.util.find_spec("cupy") is None:
        return False
    try:
        CudaDevice()
    except BackendError:
        return False
    return True


def has_device() -> bool:
    """Whether kernels can run somehow."""
    return COMPILER is not None or has_gpu()


def some_device(cudnn: Any = None) -> Any:
    """A GPU, else its stand-in. cudnn: the stand-in's."""
    return CudaDevice() if has_gpu() and not SANITIZE else HostDevice(cudnn=cudnn)
