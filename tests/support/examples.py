"""Examples of docstrings and pages, run in the process of the tests."""

from __future__ import annotations

from types import ModuleType

import pytest

import minigraph as tf


def forget_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the modules from `minigraph` that `import minigraph` does not offer, so that an example must import them."""
    for name, value in list(vars(tf).items()):
        if isinstance(value, ModuleType) and not name.startswith("_") and name not in tf.__all__:  # type: ignore[attr-defined]
            monkeypatch.delattr(tf, name)
