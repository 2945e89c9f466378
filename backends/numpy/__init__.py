"""The reference backend: NumPy and its BLAS, nothing else.

Imports from `compile` and below; knows no pass, no session and no other backend.
"""

from minigraph.backends.numpy.backend import NumpyBackend

__all__ = ["NumpyBackend"]
