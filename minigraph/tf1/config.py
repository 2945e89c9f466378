"""`ConfigProto` and related classes: session options, most of them without effect in minigraph."""

from __future__ import annotations

import warnings
from typing import Any

_warned: set[str] = set()
_HARMLESS = {"allow_soft_placement", "log_device_placement", "allow_growth"}
_ACTS = {"visible_device_list", "per_process_gpu_memory_fraction"}


class _Options:
    """An object with arbitrary attributes; nested ones are created on access."""

    def __init__(self, **fields: Any) -> None:
        for name, value in fields.items():
            setattr(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        nested = _Options()
        self.__dict__[name] = nested
        return nested

    def __setattr__(self, name: str, value: Any) -> None:
        if not isinstance(value, _Options) and name not in _HARMLESS | _ACTS and not _warned:
            _warned.add(name)
            warnings.warn(
                f"the option {name} of sessions has no effect, nor do most others of tf.ConfigProto; "
                "choose with Session(backend=...) or `minigraph run --backend`",
                stacklevel=2 + isinstance(self, ConfigProto),
            )
        self.__dict__[name] = value


class ConfigProto(_Options):
    """Options of a session. Two of `gpu_options` act; the others are ignored, with one warning for those that matter in
    TensorFlow."""


class GPUOptions(_Options):
    """Options for GPUs. The first GPU of `visible_device_list` is chosen, `per_process_gpu_memory_fraction` limits its
    memory. Memory is allocated when it is needed, so `allow_growth` is how it is in any case."""


class GraphOptions(_Options):
    """Options for graphs; ignored."""


class OptimizerOptions(_Options):
    """Options for graph optimisation; ignored. Passes are chosen with Session(optimize=...)."""

    L1, L0, OFF, ON_1, ON_2 = 0, -1, 0, 1, 2
