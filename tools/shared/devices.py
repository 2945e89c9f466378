"""The table of `minigraph devices`: each backend, whether it can run here, and what is missing."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

from minigraph.backend.discovery import backend_names, get_backend
from minigraph.backends.cupy.installation import installation
from minigraph.backends.cupy.libraries import MissingLibrary, load
from minigraph.core.errors import MinigraphError

PACKAGES = {"numpy": ("NumPy", "numpy"), "llvm": ("llvmlite", "llvmlite")}  # titles and distributions
LIBRARIES = {"nvrtc": "NVRTC", "cublas": "cuBLAS", "cudnn": "cuDNN"}


class Status(NamedTuple):
    """A backend: whether it runs here, the hardware and libraries found, and the missing ones."""

    name: str
    runs: bool
    found: str
    missing: str


def devices() -> list[Status]:
    """All backends, installed or not."""
    return [_status(name) for name in dict.fromkeys([*PACKAGES, "cupy", *backend_names()])]


def _status(name: str) -> Status:
    found, missing = _cuda() if name == "cupy" else _package(name)
    if name not in backend_names():
        return Status(name, False, ", ".join(found), missing or "this version of minigraph does not have it")
    try:
        backend: Any = get_backend(name)
        if name == "numpy":
            found.append(f"{os.cpu_count()} CPUs")
        if name == "cupy":
            found.append(backend.device.describe())
    except MinigraphError as error:
        return Status(name, False, ", ".join(found), missing or str(error))
    return Status(name, True, ", ".join(found), missing)


def _package(name: str) -> tuple[list[str], str]:
    """The package that a backend needs, if it is found, and how to install it otherwise."""
    if name not in PACKAGES:
        return [], ""
    title, distribution = PACKAGES[name]
    try:
        return [f"{title} {version(distribution)}"], ""
    except PackageNotFoundError:
        return [], f'{title}: pip install "minigraph[{name}]"'


def _cuda() -> tuple[list[str], str]:
    """The driver, packages and libraries for GPUs, and what is missing, with the command that installs it."""
    there = installation()
    missing = [] if any(p.name.startswith("cupy") for p in there.packages) else ["CuPy"]
    for name, title in LIBRARIES.items():
        try:
            load(name, None if name == "cudnn" else there.major)  # cuDNN's name does not tell the version of CUDA
        except MissingLibrary:
            missing.append(title)
    if not there.has("nvidia-cudnn-frontend"):
        missing.append("cuDNN's frontend")
    told = [there.conflict()] if there.conflict() else []
    told += [f"{', '.join(missing)} missing"] if missing else []
    return there.describe(), f"{'; '.join(told)}: {there.command()}" if told else ""
