"""The table of `minigraph devices`: each backend, whether it can run here, and what is missing."""

from __future__ import annotations

import importlib.util
import os
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

from minigraph.backend.discovery import backend_names, get_backend
from minigraph.core.errors import MinigraphError

EXTRAS = {"llvm": "llvm", "cupy": "cuda13"}  # of the backends that need more than NumPy
PARTS = {
    "numpy": (("NumPy", "numpy", "numpy"),),
    "llvm": (("llvmlite", "llvmlite", "llvmlite"),),
    "cupy": (("CuPy", "cupy", "cupy-cuda13x"), ("cuDNN's frontend", "cudnn", "nvidia-cudnn-frontend")),
}  # title, module, distribution


class Status(NamedTuple):
    """A backend: whether it runs here, the hardware and libraries found, and the missing ones."""

    name: str
    runs: bool
    found: str
    missing: str


def devices() -> list[Status]:
    """All backends, installed or not."""
    return [_status(name) for name in dict.fromkeys([*PARTS, *backend_names()])]


def _status(name: str) -> Status:
    parts = PARTS.get(name, ())
    found = [_described(*p) for p in parts if importlib.util.find_spec(p[1])]
    absent = [p[0] for p in parts if not importlib.util.find_spec(p[1])]
    hint = f'{", ".join(absent)}: pip install "minigraph[{EXTRAS[name]}]"' if absent else ""
    if name not in backend_names():
        return Status(name, False, ", ".join(found), hint or "this version of minigraph does not have it")
    try:
        backend: Any = get_backend(name)
    except MinigraphError as error:
        return Status(name, False, ", ".join(found), hint or str(error))
    if name == "numpy":
        found.append(f"{os.cpu_count()} CPUs")
    if name == "cupy":
        found.append(backend.device.describe())
    return Status(name, True, ", ".join(found), hint)


def _described(title: str, module: str, distribution: str) -> str:
    try:
        return f"{title} {version(distribution)}"
    except PackageNotFoundError:
        return title
