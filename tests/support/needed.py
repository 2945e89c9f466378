"""Packages that only some tests need: imported at their first use, so that collecting the tests takes no time for
them."""

from __future__ import annotations

from typing import Any

import pytest


class _Needed:
    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_"):  # pytest looks at a test module's names for marks
            raise AttributeError(attribute)
        *_, module = [pytest.importorskip(name) for name in self._names]
        return getattr(module, attribute)


def needed(module: str, *packages: str) -> Any:
    """A stand-in for `module`. Its first use imports it, or skips the test if it or one of `packages` is missing."""
    return _Needed((*packages, module))
