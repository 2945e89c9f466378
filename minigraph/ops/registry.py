"""Ops by name, whichever modules a program has imported."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from minigraph import ops
from minigraph.core.op import REGISTRY, Op


def find_op(name: str) -> type[Op] | None:
    """The op of that name, or None. Files and texts may name ops that nothing has used so far."""
    if name not in REGISTRY:
        import_all()
    return REGISTRY.get(name)


@cache
def import_all() -> None:
    """Import all modules of ops, each of which registers its own."""
    for module in pkgutil.walk_packages(ops.__path__, f"{ops.__name__}."):
        importlib.import_module(module.name)
