"""The symbolic backend: plans run on SymPy expressions instead of numbers, exactly.

Imports from `compile` and below; knows no pass, no session and no other backend.
"""

from minigraph.core.errors import BackendError

try:
    import sympy  # noqa: F401
except ImportError as error:
    raise BackendError('the sympy backend needs SymPy: pip install "minigraph[sympy]"') from error

from minigraph.backends.sympy.backend import SympyBackend
from minigraph.backends.sympy.symbols import branches_at, exact, symbols

__all__ = ["SympyBackend", "branches_at", "exact", "symbols"]
