"""The compiled CPU backend: LLVM through llvmlite, specialised to every shape.

Imports from `compile` and below; knows no pass, no session and no other backend but the NumPy reference.
"""

from importlib.util import find_spec

from minigraph.core.errors import BackendError

if find_spec("llvmlite") is None:
    raise BackendError("the backend 'llvm' needs llvmlite: pip install \"minigraph[llvm]\"")

from minigraph.backends.llvm.backend import LlvmBackend

__all__ = ["LlvmBackend"]
