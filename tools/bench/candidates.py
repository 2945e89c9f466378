"""The candidates of a comparison: minigraph's backends and the installed other frameworks."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

from minigraph.backend.discovery import backend_names, get_backend
from minigraph.tools.bench import ours
from minigraph.tools.bench.workloads import Workload

OURS = "minigraph"
PEERS = {
    "PyTorch": ("torch", "torch_peer"),
    "TensorFlow": ("tensorflow", "tensorflow_peer"),
    "JAX": ("jax", "jax_peer"),
    "ONNX Runtime": ("onnxruntime", "onnx_peer"),
}  # the package, and the module here that has VARIANTS and `make`


class Candidate(NamedTuple):
    """A framework in one of its variants: layout, compiler or backend. precision: of minigraph's session."""

    framework: str
    variant: str
    precision: str = "float32"

    @property
    def name(self) -> str:
        precision = "" if self.precision == "float32" else f", {self.precision}"
        return f"{self.framework}, {self.variant}{precision}"

    def make(self, work: Workload) -> tuple[Callable[[], Any], int]:
        """A function that does the work once, and the number of trainable parameters."""
        if self.framework == OURS:
            return ours.make(work, self.variant, self.precision)
        module = _module(self.framework)
        made: tuple[Callable[[], Any], int] = module.make(work, **module.VARIANTS[self.variant])
        return made


def candidates(backends: tuple[str, ...], precisions: tuple[str, ...], peers: bool) -> list[Candidate]:
    """minigraph's backends in those of the precisions that they have, then all variants of the installed other
    frameworks."""
    found = [Candidate(OURS, b, p) for b in backends for p in precisions if p in get_backend(b).precisions]
    for framework, (package, _) in PEERS.items():
        if peers and importlib.util.find_spec(package):
            found += [Candidate(framework, variant) for variant in _module(framework).VARIANTS]
    return found


def compares(candidate: Candidate, work: Workload) -> bool:
    """Whether the candidate supports the workload."""
    if work.is_file:
        return candidate.framework in (OURS, "ONNX Runtime")
    return not (work.trains and candidate.framework == "ONNX Runtime")


def default_backends() -> tuple[str, ...]:
    """The numeric backends that run here."""
    from minigraph.tools.shared.devices import devices

    return tuple(s.name for s in devices() if s.runs and s.name in backend_names() and s.name != "sympy")


def versions() -> dict[str, str]:
    """Versions of the candidates, NumPy and llvmlite."""
    packages = [OURS, "numpy", "llvmlite", *(package for package, _ in PEERS.values())]
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _module(framework: str) -> Any:
    return importlib.import_module(f"minigraph.tools.bench.{PEERS[framework][1]}")
