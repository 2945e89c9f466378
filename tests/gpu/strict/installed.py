"""The stand-in in place of the real modules."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from gpu.strict.cupy_module import ELF, Cublas, build_cudnn, build_cupy
from gpu.strict.machine import Machine
from gpu.strict.nccl import Gather, Nccl
from minigraph.backend import discovery
from minigraph.backends.cupy import cublas, cudnn, device, nccl
from minigraph.backends.cupy.libraries import MissingLibrary


@contextmanager
def two_gpus(patch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """A machine with two GPUs that the backend runs on; no rule may be broken in the `with` block."""
    made = Machine(devices=2)
    install(patch, made)
    yield made
    assert made.violations == []


def install(patch: pytest.MonkeyPatch, machine: Machine, gather: Gather | None = None) -> Any:
    """Make the backend run on the machine, and return its module `cupy`. gather: the other ranks, for NCCL."""
    blas, cupy = Cublas(machine), build_cupy(machine)
    collectives = None if gather is None else Nccl(machine, gather)
    patch.setattr(nccl, "load", _missing if collectives is None else lambda name, major=None: collectives)
    patch.setitem(sys.modules, "cupy", cupy)
    patch.setitem(sys.modules, "cudnn", build_cudnn(machine))
    patch.setattr(cublas, "load", lambda name, major=None: blas)
    patch.setattr(cudnn, "load", _missing)
    patch.setattr(device, "architecture", lambda capability, major: f"sm_{capability}")
    patch.setattr(device, "machine_code", lambda source, *rest: ELF + source.encode())
    patch.setattr(discovery, "_loaded", {n: b for n, b in discovery._loaded.items() if n in ("numpy", "llvm")})
    return cupy


def _missing(name: str, major: int | None = None) -> Any:
    raise MissingLibrary(f"there is no {name}")
