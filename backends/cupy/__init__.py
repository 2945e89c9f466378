"""The GPU backend: CUDA C generated for each plan, cuBLAS for matrix products, CuPy to reach the device.

Imports from `compile` and below; knows no pass, no session and no other backend.
"""

from minigraph.backends.cupy.backend import CupyBackend

__all__ = ["CupyBackend"]
