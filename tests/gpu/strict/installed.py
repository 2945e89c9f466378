"""The stand-in in place of the real modules."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from gpu.strict.cupy_module import ELF, Cublas, build_cudnn, build_cupy
from gpu.strict.machine import Machine
from minigraph.backend import discovery
from minigraph.backends.cupy import cublas, device


def install(patch: pytest.MonkeyPatch, machine: Machine) -> None:
    """Make the backend run on the machine."""
    blas = Cublas(machine)
    patch.setitem(sys.modules, "cupy", build_cupy(machine))
    patch.setitem(sys.modules, "cudnn", build_cudnn(machine))
    patch.setattr(cublas, "load", lambda name: blas)
    patch.setattr(device, "machine_code", _code)
    patch.setattr(discovery, "_loaded", {n: b for n, b in discovery._loaded.items() if n in ("numpy", "llvm")})


def _code(source: str, kernels: Any, architecture: str) -> bytes:
    return ELF + source.encode()
