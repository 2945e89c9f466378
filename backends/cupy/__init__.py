"""The GPU backend: CUDA C generated for each plan, cuBLAS for matrix products, CuPy to reach the device."""

from minigraph.backends.cupy.backend import CupyBackend

__all__ = ["CupyBackend"]
