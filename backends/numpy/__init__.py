"""The reference backend: NumPy and its BLAS, nothing else."""

from minigraph.backends.numpy.backend import NumpyBackend

__all__ = ["NumpyBackend"]
