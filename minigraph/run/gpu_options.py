"""The options for GPUs in TensorFlow 1's `ConfigProto` that act here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from minigraph.backend.base import Backend
from minigraph.backend.discovery import AUTO, get_backend
from minigraph.core.errors import MinigraphError

GPU_BACKEND = "cupy"


def chosen_backend(name: str | None, config: Any) -> str | None:
    """The name of the backend; the first GPU of `visible_device_list` where a GPU is to be used.

    Args:
        name: `str`, the backend that the program names; None if it names none.
        config: `ConfigProto` or None.

    Returns:
        `str`, such as "cupy:1", or `name`.
    """
    visible = str(_given(config).get("visible_device_list") or "")
    wanted = name or os.environ.get("MINIGRAPH_BACKEND") or AUTO
    if not visible or wanted not in (AUTO, GPU_BACKEND):
        return name
    chosen = f"{GPU_BACKEND}:{visible.split(',')[0].strip()}"
    if wanted == AUTO:
        try:
            get_backend(GPU_BACKEND)
        except MinigraphError:  # without a GPU the option has no effect, as in TensorFlow
            return name
    return chosen


def limit_memory(backend: Backend, config: Any) -> None:
    """Limit the part of a GPU's memory that the process takes, if `per_process_gpu_memory_fraction` is set.

    Args:
        backend: `Backend` that runs on the GPU; others have no limit.
        config: `ConfigProto` or None.

    Raises:
        ValueError: the fraction is not between 0 and 1.
    """
    fraction = _given(config).get("per_process_gpu_memory_fraction")
    if fraction is None:
        return
    if not 0 <= fraction <= 1:
        raise ValueError(f"per_process_gpu_memory_fraction must be between 0 and 1, not {fraction}")
    backend.limit_memory(fraction)


def _given(config: Any) -> Mapping[str, Any]:
    """The fields of `gpu_options` that the program has set."""
    options = vars(config).get("gpu_options") if hasattr(config, "__dict__") else None
    return {} if options is None else vars(options)
